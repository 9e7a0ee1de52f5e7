//! Times as people read them. The server writes them in UTC, since it does not know where the reader is; the
//! browser writes the same until the page is awake and then changes to the reader's own time zone.

use domain::Timestamp;
use leptos::prelude::*;

/// Whether times are shown in the reader's own time zone yet.
#[derive(Debug, Clone, Copy)]
pub struct Localised(pub RwSignal<bool>);

/// A day and a time of day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// `2026-11-21`; what messages are grouped by.
    pub day: String,
    /// `14:03`
    pub clock: String,
}

/// In UTC.
#[must_use]
pub fn utc(at: Timestamp) -> Shown {
    Shown { day: at.day(), clock: at.clock() }
}

/// In the reader's time zone. Only in the browser.
#[must_use]
pub fn local(at: Timestamp) -> Shown {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds until the year 9999 fit a double")]
    let date = js_sys::Date::new(&(at.millis() as f64).into());
    Shown {
        day: format!("{:04}-{:02}-{:02}", date.get_full_year(), date.get_month() + 1, date.get_date()),
        clock: format!("{:02}:{:02}", date.get_hours(), date.get_minutes()),
    }
}

/// Whether the page is awake. Read it where times are shown, so that they change when it wakes up.
#[must_use]
pub fn awake() -> Signal<bool> {
    use_context::<Localised>().map_or_else(|| Signal::stored(false), |Localised(awake)| awake.into())
}

/// In UTC until the page is awake, then in the reader's time zone.
#[must_use]
pub fn shown(at: Timestamp, awake: bool) -> Shown {
    if awake { local(at) } else { utc(at) }
}

/// This instant, by the browser's clock.
#[must_use]
pub fn now() -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 are far below 2^63")]
    Timestamp::from_millis(js_sys::Date::now() as i64)
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `21 November 2026` for `2026-11-21`.
#[must_use]
pub fn long_day(day: &str) -> String {
    let mut parts = day.split('-');
    let (year, month, date) = (parts.next(), parts.next(), parts.next());
    let month =
        month.and_then(|month| month.parse::<usize>().ok()).and_then(|nth| MONTHS.get(nth.wrapping_sub(1)));
    match (year, month, date) {
        (Some(year), Some(month), Some(date)) => format!("{} {month} {year}", date.trim_start_matches('0')),
        _ => day.to_owned(),
    }
}

/// `Today`, `Yesterday` or the long form; before the page is awake always the long form.
#[must_use]
pub fn day_label(day: &str, awake: bool) -> String {
    if !awake {
        return long_day(day);
    }
    let now = now();
    if local(now).day == day {
        "Today".to_owned()
    } else if local(now.plus_millis(-86_400_000)).day == day {
        "Yesterday".to_owned()
    } else {
        long_day(day)
    }
}

/// `Today, 14:03`: a day and a time of day.
#[must_use]
pub fn when(at: Timestamp, awake: bool) -> String {
    let shown = shown(at, awake);
    format!("{}, {}", day_label(&shown.day, awake), shown.clock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_out() {
        assert_eq!(long_day("2026-11-01"), "1 November 2026");
        assert_eq!(long_day("nonsense"), "nonsense");
    }
}

//! Instants. They always come in as an argument; nothing here asks a clock.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, format_description::well_known::Rfc3339};

/// Milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in UTC with three decimals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
pub struct Timestamp(i64);

/// RFC 3339 with exactly three decimals, so that the texts sort like the instants.
const WRITTEN: &[BorrowedFormatItem<'_>] =
    time::macros::format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// 9999-12-31T23:59:59.999Z, the last instant RFC 3339 can write.
const LAST_MILLISECOND: i64 = 253_402_300_799_999;

impl Timestamp {
    /// From milliseconds since the Unix epoch, clamped to the years 1970 to 9999 (what RFC 3339 can say).
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(0, LAST_MILLISECOND))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// This instant, later by so many milliseconds.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// The calendar day in UTC, `2026-11-21`: what messages are grouped by before a page knows its own
    /// time zone.
    #[must_use]
    pub fn day(self) -> String {
        self.to_string()[..10].to_owned()
    }

    /// The time of day in UTC, `14:03`.
    #[must_use]
    pub fn clock(self) -> String {
        self.to_string()[11..16].to_owned()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|at| at.format(&WRITTEN).ok());
        f.write_str(&written.ok_or(fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

impl FromStr for Timestamp {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        OffsetDateTime::parse(text, &Rfc3339)
            .map(|at| {
                Self::from_millis(i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX))
            })
            .map_err(|_| format!("{:?} is not an RFC 3339 instant", crate::ids::shorten(text)))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_utc_and_read_from_any_offset() {
        let at = Timestamp::from_millis(1_795_000_000_123);
        assert_eq!(at.to_string().parse(), Ok(at));
        assert_eq!(
            "2026-11-21T07:00:00+01:00".parse::<Timestamp>(),
            "2026-11-21T06:00:00Z".parse::<Timestamp>()
        );
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn absurd_instants_are_clamped_to_what_can_be_written() {
        assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_millis(-5).to_string(), "1970-01-01T00:00:00.000Z");
    }
}

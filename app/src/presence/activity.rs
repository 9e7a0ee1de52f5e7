//! What the person in front of the page does, and when the server is told: when the page becomes live, and at
//! most once a minute while they do something.

use domain::{Subject, UserId};
use leptos::{leptos_dom::helpers::WindowListenerHandle, prelude::*};
use live::Status;

use crate::{clock, live::Live};

/// How much newer than what the server knows an activity must be to be told, in milliseconds.
const EVERY_MS: i64 = 60_000;

/// What shows that somebody is there.
const SIGNS: [&str; 7] =
    ["pointermove", "pointerdown", "keydown", "touchstart", "wheel", "focus", "visibilitychange"];

/// What was done last, and what of it the server knows. Instants are milliseconds of one clock.
#[derive(Debug, Default)]
struct Activity {
    last: i64,
    told: Option<i64>,
}

impl Activity {
    /// Something was done. Returns whether the server shall be told, if it can be.
    fn done(&mut self, now: i64, connected: bool) -> bool {
        self.last = now;
        let tell = connected && self.told.is_none_or(|told| now - told >= EVERY_MS);
        if tell {
            self.told = Some(now);
        }
        tell
    }

    /// The page is connected anew. Returns how long ago the last thing was done.
    fn connected(&mut self, now: i64) -> i64 {
        self.told = Some(self.last);
        (now - self.last).max(0)
    }
}

/// Tells the server what one person does. Cheap to copy; lives as long as the owner it was made under.
#[derive(Clone, Copy)]
pub(super) struct Reporter(StoredValue<Report>);

struct Report {
    live: Live,
    subject: Subject,
    activity: Activity,
}

impl Reporter {
    /// Watches the page, once it is awake.
    pub(super) fn watch(live: &Live, me: UserId) -> Option<Self> {
        let subject = Subject::new(format!("signal.presence.{me}")).ok()?;
        let report = Report { live: live.clone(), subject, activity: Activity::default() };
        let this = Self(StoredValue::new(report));
        Effect::new(move |_| {
            // Opening the page is the first thing that was done.
            this.done();
            let listeners = SIGNS.map(|sign| window_event_listener_untyped(sign, move |_| this.done()));
            on_cleanup(move || listeners.into_iter().for_each(WindowListenerHandle::remove));
        });
        Some(this)
    }

    /// The page is connected anew.
    pub(super) fn connected(self) {
        self.tell(|report, now| Some(report.activity.connected(now)));
    }

    fn done(self) {
        if !document().hidden() {
            self.tell(|report, now| {
                let connected = report.live.status.with_untracked(|status| *status == Status::Live);
                report.activity.done(now, connected).then_some(0)
            });
        }
    }

    /// Tells how long ago something was done, in milliseconds, if that is to be told.
    fn tell(self, what: fn(&mut Report, i64) -> Option<i64>) {
        let _ = self.0.try_update_value(|report| {
            if let Some(idle_ms) = what(report, clock::now().millis()) {
                report.live.signal(report.subject.clone(), &format!("{{\"idle_ms\":{idle_ms}}}"));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_told_at_most_once_a_minute() {
        let mut activity = Activity::default();
        assert_eq!(activity.connected(10), 10);
        let told: Vec<i64> = (0..200).map(|s| s * 1_000).filter(|now| activity.done(*now, true)).collect();
        assert_eq!(told, [60_000, 120_000, 180_000]);
    }

    #[test]
    fn who_comes_back_after_a_while_is_told_at_once() {
        let mut activity = Activity::default();
        activity.connected(0);
        // The line broke and was mended while nobody was there.
        assert_eq!(activity.connected(600_000), 600_000);
        assert!(activity.done(600_500, true));
        assert!(!activity.done(601_000, true));
    }

    #[test]
    fn without_a_connection_nothing_counts_as_told() {
        let mut activity = Activity::default();
        assert!(!activity.done(100_000, false));
        assert_eq!(activity.connected(101_000), 1_000);
        assert!(!activity.done(102_000, true), "it was told just now");
    }
}

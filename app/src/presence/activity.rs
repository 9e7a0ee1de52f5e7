//! What the person in front of the page does, and when the server is told: when the page becomes live, and at
//! most once a minute while they do something.

use std::{cell::RefCell, rc::Rc};

use domain::{Subject, UserId};
use leptos::{leptos_dom::helpers::WindowListenerHandle, prelude::*};

use crate::{clock, live::Live};

/// How much newer than what the server knows an activity must be to be told, in milliseconds.
const EVERY_MS: i64 = 60_000;

/// What shows that somebody is there.
const SIGNS: [&str; 7] =
    ["pointermove", "pointerdown", "keydown", "touchstart", "wheel", "focus", "visibilitychange"];

/// What was done last, and what of it the server knows. Instants are milliseconds of one clock.
#[derive(Debug)]
struct Activity {
    last: i64,
    told: Option<i64>,
}

impl Activity {
    /// Opening the page is the first thing that was done.
    fn new(now: i64) -> Self {
        Self { last: now, told: None }
    }

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

/// Watches the page and tells the server, until the current owner is cleaned up. Only in the browser.
pub(super) fn report(live: &Live, me: UserId) {
    let Ok(subject) = Subject::new(format!("signal.presence.{me}")) else { return };
    let live = live.clone();
    Effect::new(move |_| {
        let activity = Rc::new(RefCell::new(Activity::new(clock::now().millis())));
        let (live, subject) = (live.clone(), subject.clone());
        let tell = {
            let live = live.clone();
            move |idle_ms: i64| live.signal(subject.clone(), &format!("{{\"idle_ms\":{idle_ms}}}"))
        };
        let listeners = SIGNS.map(|sign| {
            let (activity, live, tell) = (Rc::clone(&activity), live.clone(), tell.clone());
            window_event_listener_untyped(sign, move |_| {
                let connected = live.status.with_untracked(|status| *status == live::Status::Live);
                if !document().hidden() && activity.borrow_mut().done(clock::now().millis(), connected) {
                    tell(0);
                }
            })
        });
        on_cleanup(move || listeners.into_iter().for_each(WindowListenerHandle::remove));
        Effect::new(move |_| {
            if live.is_live() {
                tell(activity.borrow_mut().connected(clock::now().millis()));
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_told_at_most_once_a_minute() {
        let mut activity = Activity::new(0);
        assert_eq!(activity.connected(10), 10);
        let told: Vec<i64> = (0..200).map(|s| s * 1_000).filter(|now| activity.done(*now, true)).collect();
        assert_eq!(told, [60_000, 120_000, 180_000]);
    }

    #[test]
    fn who_comes_back_after_a_while_is_told_at_once() {
        let mut activity = Activity::new(0);
        activity.connected(0);
        // The line broke and was mended while nobody was there.
        assert_eq!(activity.connected(600_000), 600_000);
        assert!(activity.done(600_500, true));
        assert!(!activity.done(601_000, true));
    }

    #[test]
    fn without_a_connection_nothing_counts_as_told() {
        let mut activity = Activity::new(0);
        assert!(!activity.done(100_000, false));
        assert_eq!(activity.connected(101_000), 1_000);
        assert!(!activity.done(102_000, true), "it was told just now");
    }
}

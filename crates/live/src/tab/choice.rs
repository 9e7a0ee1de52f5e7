//! Which wire to try next, and when to look whether the better one works by now.
//!
//! A WebSocket first. After two attempts in a row that came to nothing, one attempt goes over the other wire,
//! and whichever is welcomed is kept. Server-sent events are kept only until a WebSocket can be opened beside
//! them; that is tried later and later.

/// What carries the texts of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// `/live/ws`.
    WebSocket,
    /// `/live/sse`, with `POST /live/signal` for the little that goes the other way.
    EventSource,
}

impl Wire {
    fn other(self) -> Self {
        match self {
            Wire::WebSocket => Wire::EventSource,
            Wire::EventSource => Wire::WebSocket,
        }
    }
}

/// Attempts in a row that fail before the other wire gets one.
const PATIENCE: u8 = 2;

/// How long server-sent events are kept before a WebSocket is tried again, in milliseconds. It doubles.
const FIRST_PROBE_MS: u64 = 60_000;

/// The longest such wait.
const LAST_PROBE_MS: u64 = 3_600_000;

/// The machine. See the module's text.
#[derive(Debug)]
pub(super) struct Choice {
    /// What a person has chosen, if not to leave it to us.
    wish: Option<Wire>,
    kept: Wire,
    failures: u8,
    probe_at: Option<u64>,
    probe_ms: u64,
}

impl Choice {
    /// `worked` is what worked last, perhaps on the page before.
    pub(super) fn new(wish: Option<Wire>, worked: Option<Wire>) -> Self {
        let kept = wish.or(worked).unwrap_or(Wire::WebSocket);
        Self { wish, kept, failures: 0, probe_at: None, probe_ms: FIRST_PROBE_MS }
    }

    /// What the next attempt goes over.
    pub(super) fn next(&self) -> Wire {
        if self.wish.is_none() && self.failures >= PATIENCE { self.kept.other() } else { self.kept }
    }

    /// An attempt came to nothing: refused, or, which weighs as much as two, not answered at all.
    pub(super) fn failed(&mut self, unanswered: bool) {
        self.failures = match self.failures {
            PATIENCE.. => 0,
            _ if unanswered => PATIENCE,
            failures => failures + 1,
        };
    }

    /// The server has welcomed somebody over this wire.
    pub(super) fn worked(&mut self, wire: Wire, now: u64) {
        self.failures = 0;
        self.kept = wire;
        if wire == Wire::WebSocket {
            self.probe_at = None;
            self.probe_ms = FIRST_PROBE_MS;
        } else if self.wish.is_none() {
            self.probe_at.get_or_insert(now.saturating_add(self.probe_ms));
        }
    }

    /// When to look whether a WebSocket can be opened.
    pub(super) fn probe_at(&self) -> Option<u64> {
        self.probe_at
    }

    /// It is being looked.
    pub(super) fn probing(&mut self) {
        self.probe_at = None;
        self.probe_ms = self.probe_ms.saturating_mul(2).min(LAST_PROBE_MS);
    }

    /// What came of it. `true`: the line is to be made anew, over a WebSocket.
    pub(super) fn probed(&mut self, opened: bool, now: u64) -> bool {
        if self.wish.is_some() || self.kept == Wire::WebSocket {
            return false;
        }
        if opened {
            self.kept = Wire::WebSocket;
        } else {
            self.probe_at = Some(now.saturating_add(self.probe_ms));
        }
        opened
    }

    /// A person has chosen, or leaves it to us again. Returns whether that is news.
    pub(super) fn wish(&mut self, wish: Option<Wire>) -> bool {
        let news = wish != self.wish;
        if news {
            *self = Self::new(wish, None);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Wire::{EventSource as Sse, WebSocket as Ws};

    fn attempts(choice: &mut Choice, n: usize) -> Vec<Wire> {
        (0..n)
            .map(|_| {
                let wire = choice.next();
                choice.failed(false);
                wire
            })
            .collect()
    }

    #[test]
    fn after_two_that_failed_the_other_wire_gets_one() {
        assert_eq!(attempts(&mut Choice::new(None, None), 7), [Ws, Ws, Sse, Ws, Ws, Sse, Ws]);
        assert_eq!(attempts(&mut Choice::new(None, Some(Sse)), 4), [Sse, Sse, Ws, Sse]);
        assert_eq!(attempts(&mut Choice::new(Some(Ws), None), 4), [Ws; 4], "a person's choice is a choice");
        assert_eq!(attempts(&mut Choice::new(Some(Sse), Some(Ws)), 4), [Sse; 4]);
    }

    #[test]
    fn one_that_was_not_answered_at_all_is_enough() {
        let mut choice = Choice::new(None, None);
        choice.failed(true);
        assert_eq!(choice.next(), Sse);
        choice.failed(true);
        assert_eq!(choice.next(), Ws, "the other one did not do better");
    }

    #[test]
    fn what_works_is_kept_and_failures_count_anew() {
        let mut choice = Choice::new(None, None);
        attempts(&mut choice, 2);
        choice.worked(Sse, 0);
        assert_eq!(attempts(&mut choice, 3), [Sse, Sse, Ws]);
        choice.worked(Ws, 0);
        assert_eq!((attempts(&mut choice, 1), choice.probe_at()), (vec![Ws], None));
    }

    #[test]
    fn a_websocket_is_looked_for_later_and_later() {
        let mut choice = Choice::new(None, Some(Sse));
        let mut now = 0;
        let mut waits = vec![];
        for _ in 0..9 {
            choice.worked(Sse, now);
            let at = choice.probe_at().unwrap();
            waits.push((at - now) / 60_000);
            choice.worked(Sse, at - 1);
            assert_eq!(choice.probe_at(), Some(at), "a line made anew puts it off no further");
            now = at;
            choice.probing();
            assert_eq!(choice.probe_at(), None, "one at a time");
            assert!(!choice.probed(false, now));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert!(choice.probed(true, now));
        assert_eq!(choice.next(), Ws);
        attempts(&mut choice, 2);
        choice.worked(Sse, now);
        assert_eq!(choice.probe_at(), Some(now + 3_600_000), "it opened, but was not welcomed: no storm");
    }

    #[test]
    fn who_chose_server_sent_events_keeps_them() {
        let mut choice = Choice::new(Some(Sse), None);
        choice.worked(Sse, 0);
        assert_eq!(choice.probe_at(), None);
        assert!(!choice.probed(true, 0));
        assert!(!choice.wish(Some(Sse)) && choice.wish(None));
        assert_eq!(choice.next(), Ws, "left to us, it begins anew");
        choice.worked(Sse, 0);
        assert!(!choice.wish(None));
        assert_eq!(choice.next(), Sse, "said again, it changes nothing");
    }
}

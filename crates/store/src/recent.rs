//! The newest part of the log, in memory: whoever keeps up with the log need not ask the database what has
//! just been written.
//!
//! It holds committed events without a gap up to the head, as they are since the last redaction, and answers
//! a reader who stands within them just as the database would. Anybody further behind asks the database.

use std::{
    collections::VecDeque,
    sync::{PoisonError, RwLock},
};

use domain::{Position, Recorded};

use crate::read::{Commit, Filter, Page};

/// At most so many events are held.
const EVENTS: usize = 4096;

/// At most so many bytes of payloads are held.
const BYTES: usize = 4 << 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct Recent(RwLock<Held>);

#[derive(Debug)]
struct Held {
    /// The events right after `after`, without a gap.
    events: VecDeque<Recorded>,
    after: Position,
    bytes: usize,
}

impl Recent {
    /// Nothing is held yet; the next event comes right after `head`.
    pub(crate) fn new(head: Position) -> Self {
        Self(RwLock::new(Held { events: VecDeque::new(), after: head, bytes: 0 }))
    }

    /// Takes in what was committed, before anybody is told of it.
    pub(crate) fn take_in(&self, commit: &Commit) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for blanked in &commit.redactions {
            held.replace(blanked);
        }
        for event in &commit.events {
            held.bytes += size(event);
            held.events.push_back(event.clone());
        }
        while held.events.len() > EVENTS || held.bytes > BYTES {
            held.drop_first();
        }
    }

    /// Lets go of everything, for good: from now on the database is asked.
    pub(crate) fn close(&self) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *held = Held { events: VecDeque::new(), after: Position(u64::MAX), bytes: 0 };
    }

    /// What [`crate::Store::read`] finds, if the reader stands within what is held.
    pub(crate) fn read(&self, after: Position, filter: &Filter, max: usize) -> Option<Page> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let skipped = usize::try_from(after.0.checked_sub(held.after.0)?).ok()?;
        let end = Position(held.after.0 + held.events.len() as u64);
        let max = max.max(1);
        let wanted = held.events.iter().skip(skipped).filter(|event| filter.admits(event));
        let events: Vec<Recorded> = wanted.take(max).cloned().collect();
        let next = match events.last() {
            Some(last) if events.len() == max => last.meta.position,
            _ => filter.before_or_at.map_or(end, |last| last.min(end)),
        };
        Some(Page { events, next: next.max(after) })
    }
}

impl Held {
    fn replace(&mut self, blanked: &Recorded) {
        let place = blanked.meta.position.0.checked_sub(self.after.0 + 1);
        let place = place.and_then(|place| usize::try_from(place).ok());
        if let Some(event) = place.and_then(|place| self.events.get_mut(place)) {
            self.bytes = self.bytes - size(event) + size(blanked);
            *event = blanked.clone();
        }
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.events.pop_front() {
            self.after = first.meta.position;
            self.bytes -= size(&first);
        }
    }
}

fn size(event: &Recorded) -> usize {
    event.data.get().len()
}

#[cfg(test)]
mod tests {
    use domain::{Actor, Audience, EventId, StreamId, Timestamp, Token, UserId, envelope::Meta};
    use serde_json::value::RawValue;
    use uuid::Uuid;

    use super::*;

    fn event(position: u64, text: &str) -> Recorded {
        let meta = Meta {
            position: Position(position),
            id: EventId(Uuid::new_v4()),
            kind: "chat.message_posted".into(),
            schema: 1,
            subject: "chat.lobby.message_posted".parse().unwrap(),
            time: Timestamp::from_millis(0),
            stream: StreamId::message(domain::MessageId(Uuid::nil())),
            version: position,
            correlation: Uuid::nil(),
            causation: Uuid::nil(),
            hop: 0,
            traceparent: None,
            actor: Actor::User(UserId(Uuid::nil())),
            audience: Audience::new([Token::Everyone]),
        };
        Recorded { meta, data: RawValue::from_string(format!("{text:?}")).unwrap() }
    }

    fn commit(positions: impl Iterator<Item = u64>, text: &str) -> Commit {
        let events: Vec<Recorded> = positions.map(|position| event(position, text)).collect();
        Commit { head: events.last().unwrap().meta.position, events, redactions: Vec::new() }
    }

    fn read(recent: &Recent, after: u64, max: usize) -> Option<(Vec<u64>, u64)> {
        let page = recent.read(Position(after), &Filter::everything(), max)?;
        Some((page.events.iter().map(|event| event.meta.position.0).collect(), page.next.0))
    }

    #[test]
    fn who_stands_within_what_is_held_is_answered_and_others_are_not() {
        let recent = Recent::new(Position(10));
        assert_eq!(read(&recent, 9, 5), None);
        assert_eq!(read(&recent, 10, 5), Some((vec![], 10)));
        recent.take_in(&commit(11..=14, "hello"));
        assert_eq!(read(&recent, 9, 5), None);
        assert_eq!(read(&recent, 10, 2), Some((vec![11, 12], 12)));
        assert_eq!(read(&recent, 12, 5), Some((vec![13, 14], 14)));
        assert_eq!(read(&recent, 20, 5), Some((vec![], 20)), "from beyond the head nothing is found");
        let early = recent.read(Position(10), &Filter::everything().up_to(Position(12)), 5).unwrap();
        assert_eq!((early.events.len(), early.next), (2, Position(12)));
        recent.close();
        assert_eq!(read(&recent, 12, 5), None);
    }

    #[test]
    fn what_is_held_is_bounded_in_events_and_in_bytes() {
        let recent = Recent::new(Position(0));
        recent.take_in(&commit(1..=EVENTS as u64 + 3, "x"));
        assert_eq!(read(&recent, 2, 1), None);
        assert_eq!(read(&recent, 3, 1), Some((vec![4], 4)));
        let large = "x".repeat(BYTES / 4);
        let head = EVENTS as u64 + 3;
        recent.take_in(&commit(head + 1..=head + 5, &large));
        assert_eq!(read(&recent, head + 1, 5), None);
        assert_eq!(read(&recent, head + 2, 5), Some((vec![head + 3, head + 4, head + 5], head + 5)));
    }

    #[test]
    fn what_is_redacted_is_held_as_it_is_since() {
        let recent = Recent::new(Position(0));
        recent.take_in(&commit(1..=3, "a secret"));
        let mut forgetting = commit(4..=4, "");
        forgetting.redactions = vec![event(2, "")];
        recent.take_in(&forgetting);
        let page = recent.read(Position(0), &Filter::everything(), 9).unwrap();
        let texts: Vec<&str> = page.events.iter().map(|event| event.data.get()).collect();
        assert_eq!(texts, ["\"a secret\"", "\"\"", "\"a secret\"", "\"\""]);
    }
}

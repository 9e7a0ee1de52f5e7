//! A group of subscriptions of one connection that are read together, and how far it has come.

use std::{future::Future, pin::Pin};

use domain::{Pattern, Position};
use live::Encoded;
use store::ReadError;
use tokio::sync::oneshot;

use crate::{
    connection::Delivery,
    task::{Interest, Joined},
};

/// A batch ends when it has so many bytes, so that the other side's cursor moves even over a slow line.
const BATCH_BYTES: usize = 64 << 10;

/// What was found for a group: the events with their positions, and how far the log was considered.
pub(crate) type Found = (Vec<(Position, Encoded)>, Position);

/// A read of the store under way. It is kept, so that whoever stops waiting for it loses nothing.
pub(crate) type Reading = Pin<Box<dyn Future<Output = Result<Found, ReadError>> + Send>>;

/// How a group gets its events.
pub(crate) enum Pace {
    /// Reads on by itself.
    CatchingUp,
    /// Has asked the store for more.
    Reading(Reading),
    /// Has asked the hub to go live.
    Joining(oneshot::Receiver<Joined>),
    /// Fed by the hub (the main group only).
    Live,
}

/// See the module.
pub(crate) struct Group {
    pub(crate) id: u32,
    pub(crate) interests: Vec<Interest>,
    /// Considered up to here.
    pub(crate) position: Position,
    /// The last batch ended here.
    pub(crate) sent: Position,
    pub(crate) pace: Pace,
}

impl Group {
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.pace, Pace::Live)
    }

    pub(crate) fn is_reading(&self) -> bool {
        matches!(self.pace, Pace::Reading(_))
    }

    pub(crate) fn is_joining(&self) -> bool {
        matches!(self.pace, Pace::Joining(_))
    }

    /// One pattern that covers all of the group's, to read the store by.
    pub(crate) fn cover(&self) -> Pattern {
        let Some((first, others)) = self.interests.split_first() else { return Pattern::everything() };
        if others.iter().all(|other| other.pattern == first.pattern) {
            return first.pattern.clone();
        }
        let mut prefix: Vec<&str> = first.pattern.literal_prefix().collect();
        for other in others {
            let common =
                prefix.iter().zip(other.pattern.literal_prefix()).take_while(|(a, b)| **a == *b).count();
            prefix.truncate(common);
        }
        // A literal pattern may end where another goes on: leave room for at least one token.
        let shortest = self.interests.iter().map(|i| i.pattern.tokens().count()).min().unwrap_or(1);
        prefix.truncate(shortest - 1);
        prefix.push(">");
        Pattern::new(prefix.join(".")).unwrap_or_else(|_| Pattern::everything())
    }

    /// Moves on to `position` and says so in batches: none if nothing was found, unless `always`.
    pub(crate) fn advance(&mut self, (events, position): Found, always: bool) -> Vec<Delivery> {
        self.position = position;
        let mut batches = vec![];
        let last = events.len();
        let (mut batch, mut bytes) = (Vec::with_capacity(last), 0);
        for (nth, (at, event)) in events.into_iter().enumerate() {
            bytes += event.len();
            batch.push(event);
            if bytes >= BATCH_BYTES && nth + 1 < last {
                batches.push(self.batch(at, std::mem::take(&mut batch)));
                bytes = 0;
            }
        }
        if !batch.is_empty() || (always && position > self.sent) {
            batches.push(self.batch(position, batch));
        }
        batches
    }

    fn batch(&mut self, position: Position, events: Vec<Encoded>) -> Delivery {
        let prev = std::mem::replace(&mut self.sent, position);
        Delivery::Batch { group: self.id, prev, position, events }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Cursor, Epoch};

    use super::*;

    fn group(patterns: &[&str]) -> Group {
        let interest = |(nth, pattern): (usize, &&str)| Interest {
            sid: live::Sid::new(nth.to_string()).unwrap(),
            pattern: Pattern::new(*pattern).unwrap(),
            since: Position(0),
        };
        Group {
            id: 0,
            interests: patterns.iter().enumerate().map(interest).collect(),
            position: Position(0),
            sent: Position(0),
            pace: Pace::CatchingUp,
        }
    }

    #[test]
    fn several_patterns_are_read_by_one_that_covers_them() {
        for (patterns, cover) in [
            (&["chat.lobby.>"][..], "chat.lobby.>"),
            (&["chat.lobby.>", "chat.lobby.>"], "chat.lobby.>"),
            (&["chat.>", "chat.lobby.>"], "chat.>"),
            (&["chat.lobby.a", "chat.lobby.b"], "chat.lobby.>"),
            (&["chat", "chat.lobby"], ">"),
            (&["chat.*.a", "order.>"], ">"),
        ] {
            assert_eq!(group(patterns).cover().as_str(), cover, "{patterns:?}");
        }
    }

    #[test]
    fn much_is_said_in_several_batches_that_chain() {
        let mut group = group(&[">"]);
        let cursor = Cursor { epoch: Epoch(1), position: Position(1) };
        let event = Encoded::new(cursor, &"x".repeat(BATCH_BYTES / 2));
        let events = (1..=5).map(|at| (Position(at * 10), event.clone())).collect();
        let ends: Vec<(u64, u64, usize)> = group
            .advance((events, Position(99)), false)
            .into_iter()
            .map(|delivery| match delivery {
                Delivery::Batch { prev, position, events, .. } => (prev.0, position.0, events.len()),
                other => panic!("unexpected: {other:?}"),
            })
            .collect();
        assert_eq!(ends, [(0, 20, 2), (20, 40, 2), (40, 99, 1)]);
        assert!(group.advance((vec![], Position(120)), false).is_empty());
        assert_eq!(group.advance((vec![], Position(130)), true).len(), 1, "the cursor moves if it must");
    }
}

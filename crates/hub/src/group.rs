//! A group of subscriptions of one connection that are read together, and how far it has come.

use std::{collections::VecDeque, sync::Arc};

use domain::{Pattern, Position, subject::Alternative};
use live::{Batch, Encoded};
use tokio::sync::oneshot;

use crate::{
    connection::Delivery,
    lanes::Writing,
    task::{Interest, Joined},
    work::Work,
};

/// A batch ends when it has so many bytes, so that the other side's cursor moves even over a slow line.
const BATCH_BYTES: usize = 64 << 10;

/// What was found for a group: the events, and how far the log was considered.
pub(crate) type Found = (Vec<Encoded>, Position);

/// What was read for a group.
pub(crate) struct Page {
    pub(crate) found: Found,
    /// How often something had been redacted when the reading began.
    pub(crate) redactions: u64,
    pub(crate) writing: Writing,
}

/// How a group gets its events.
pub(crate) enum Pace {
    /// Reads on by itself.
    CatchingUp,
    /// Has asked the store for more.
    Reading(Work<Page>),
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
        let all = || self.interests.iter().flat_map(|interest| interest.pattern.alternatives());
        let mut prefix: Vec<&str> = all().next().into_iter().flat_map(Alternative::literal_prefix).collect();
        for other in all() {
            let common = prefix.iter().zip(other.literal_prefix()).take_while(|(a, b)| **a == *b).count();
            prefix.truncate(common);
        }
        // A literal pattern may end where another goes on: leave room for at least one token.
        let shortest = all().map(|one| one.tokens().count()).min().unwrap_or(1);
        prefix.truncate(shortest - 1);
        prefix.push(">");
        Pattern::new(prefix.join(".")).unwrap_or_else(|_| Pattern::everything())
    }

    /// Moves on to where reading has come and says so in batches, which it appends: none if nothing was found,
    /// unless `always`.
    pub(crate) fn advance(&mut self, found: Found, always: bool, batches: &mut VecDeque<Delivery>) {
        self.position = found.1;
        if !found.0.is_empty() || (always && self.position > self.sent) {
            for batch in chained(self.sent, found) {
                self.say(batch, batches);
            }
        }
    }

    /// A batch was said that ends here.
    pub(crate) fn reached(&mut self, position: Position) {
        self.sent = position;
        self.position = self.position.max(position);
    }

    /// Says a batch, which begins where the last one ended.
    pub(crate) fn say(&mut self, batch: Arc<Batch>, batches: &mut VecDeque<Delivery>) {
        debug_assert_eq!(batch.prev, self.sent, "batches chain");
        self.reached(batch.pos);
        batches.push_back(Delivery::Batch { group: self.id, batch });
    }
}

/// What was found, as batches, each beginning where the one before ended.
pub(crate) fn chained(mut prev: Position, (mut events, end): Found) -> Vec<Arc<Batch>> {
    let mut batches = vec![];
    while let Some(full) = full(&events) {
        let later = events.split_off(full);
        let batch = std::mem::replace(&mut events, later);
        let pos = batch[full - 1].position();
        batches.push(Arc::new(Batch::new(prev, pos, batch)));
        prev = pos;
    }
    batches.push(Arc::new(Batch::new(prev, end, events)));
    batches
}

/// How many of the events fill a batch and leave some over; `None` if all of them are one.
fn full(events: &[Encoded]) -> Option<usize> {
    let mut bytes = 0;
    let end = events.iter().position(|event| {
        bytes += event.len();
        bytes >= BATCH_BYTES
    });
    end.map(|last| last + 1).filter(|end| *end < events.len())
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
        let cursor = |at| Cursor { epoch: Epoch(1), position: Position(at) };
        let text = "x".repeat(BATCH_BYTES / 2);
        let events = (1..=5).map(|at| Encoded::new(cursor(at * 10), &text)).collect();
        let mut batches = VecDeque::new();
        group.advance((events, Position(99)), false, &mut batches);
        let ends: Vec<(u64, u64, usize)> = batches
            .drain(..)
            .map(|delivery| match delivery {
                Delivery::Batch { batch, .. } => (batch.prev.0, batch.pos.0, batch.events.len()),
                other => panic!("unexpected: {other:?}"),
            })
            .collect();
        assert_eq!(ends, [(0, 20, 2), (20, 40, 2), (40, 99, 1)]);
        group.advance((vec![], Position(120)), false, &mut batches);
        assert!(batches.is_empty());
        group.advance((vec![], Position(130)), true, &mut batches);
        assert_eq!(batches.len(), 1, "the cursor moves if it must");
    }
}

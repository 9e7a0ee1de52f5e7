//! The newest events, encoded, for whoever is a little late. Bounded in bytes.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use domain::{Audience, Cursor, Epoch, Position, Recorded, Subject};
use live::Encoded;

/// Among so many different subjects, or fewer, is looked for one of interest before the events themselves are.
const MOST_SUBJECTS: usize = 256;

/// One event, encoded once, and what decides who gets it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) position: Position,
    pub(crate) subject: Subject,
    pub(crate) audience: Audience,
    pub(crate) encoded: Encoded,
}

impl Entry {
    pub(crate) fn new(epoch: Epoch, event: &Recorded) -> Self {
        Self {
            position: event.meta.position,
            subject: event.meta.subject.clone(),
            audience: event.meta.audience.clone(),
            encoded: encoded(epoch, event),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.encoded.len()
    }
}

/// Encodes an event. What comes out is shared by everybody who gets it.
pub(crate) fn encoded(epoch: Epoch, event: &Recorded) -> Encoded {
    Encoded::new(Cursor { epoch, position: event.meta.position }, &event.encode())
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Ring {
    entries: VecDeque<Arc<Entry>>,
    /// Where each of their subjects is last.
    latest: HashMap<Subject, Position>,
    bytes: usize,
    most_bytes: usize,
    /// The position before the oldest entry.
    floor: Position,
}

impl Ring {
    pub(crate) fn new(most_bytes: usize, head: Position) -> Self {
        Self { entries: VecDeque::new(), latest: HashMap::new(), bytes: 0, most_bytes, floor: head }
    }

    pub(crate) fn push(&mut self, entry: Arc<Entry>) {
        self.bytes += entry.len();
        self.latest.insert(entry.subject.clone(), entry.position);
        self.entries.push_back(entry);
        while self.bytes > self.most_bytes && self.entries.len() > 1 {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.len();
                if self.latest.get(&oldest.subject) == Some(&oldest.position) {
                    self.latest.remove(&oldest.subject);
                }
                self.floor = oldest.position;
            }
        }
    }

    /// Everything after a position, oldest first; `None` if the ring does not reach back that far.
    pub(crate) fn after(&self, position: Position) -> Option<impl Iterator<Item = &Arc<Entry>>> {
        let skip = usize::try_from(position.0.checked_sub(self.floor.0)?).ok()?;
        Some(self.entries.iter().skip(skip))
    }

    /// Whether everything after a position is here.
    pub(crate) fn reaches(&self, position: Position) -> bool {
        position >= self.floor
    }

    /// Whether nothing of interest is known to have come after a position, which the ring must reach. It costs as
    /// much as there are different subjects; if they are too many, it is not known.
    pub(crate) fn is_quiet_after(&self, position: Position, interest: impl Fn(&Subject) -> bool) -> bool {
        self.latest.len() <= MOST_SUBJECTS
            && self.latest.iter().all(|(subject, last)| *last <= position || !interest(subject))
    }

    /// Up to so many entries after a position, none after `last`; `None` if the ring does not reach back that
    /// far.
    pub(crate) fn stretch(&self, position: Position, last: Position, most: usize) -> Option<Vec<Arc<Entry>>> {
        let entries = self.after(position)?.take(most).take_while(|entry| entry.position <= last);
        Some(entries.cloned().collect())
    }

    /// Puts the redacted event in place of its own.
    pub(crate) fn redact(&mut self, blanked: Entry) {
        let Some(index) = blanked.position.0.checked_sub(self.floor.0 + 1) else { return };
        let Some(slot) = usize::try_from(index).ok().and_then(|index| self.entries.get_mut(index)) else {
            return;
        };
        // Queues that already hold the event show it blanked from here on ...
        slot.encoded.blank(&blanked.encoded);
        // ... and the ring forgets the text itself.
        self.bytes = self.bytes - slot.len() + blanked.len();
        *slot = Arc::new(blanked);
    }
}

#[cfg(test)]
mod tests {
    use domain::Token;

    use super::*;

    fn push(ring: &mut Ring, position: u64, subject: &str) {
        let cursor = Cursor { epoch: Epoch(1), position: Position(position) };
        ring.push(Arc::new(Entry {
            position: Position(position),
            subject: subject.parse().unwrap(),
            audience: Audience::new([Token::Everyone]),
            encoded: Encoded::new(cursor, "{}"),
        }));
    }

    #[test]
    fn it_knows_since_when_a_subject_is_quiet() {
        let mut ring = Ring::new(usize::MAX, Position(0));
        for (position, subject) in [(1, "chat.den"), (2, "chat.lobby"), (3, "chat.den")] {
            push(&mut ring, position, subject);
        }
        let quiet = |ring: &Ring, after, subject: &str| {
            ring.is_quiet_after(Position(after), |other| other.as_str() == subject)
        };
        assert!(quiet(&ring, 2, "chat.lobby") && !quiet(&ring, 1, "chat.lobby"));
        assert!(quiet(&ring, 3, "chat.den") && !quiet(&ring, 2, "chat.den"));
        assert!(quiet(&ring, 0, "chat.attic"));
        for nth in 0..MOST_SUBJECTS as u64 {
            push(&mut ring, 4 + nth, &format!("order.o{nth}"));
        }
        assert!(!quiet(&ring, 0, "chat.attic"), "with so many it is not looked");
        // What falls out of it is forgotten.
        ring.most_bytes = 0;
        push(&mut ring, 1_000, "chat.den");
        assert_eq!((ring.entries.len(), ring.latest.len()), (1, 1));
        assert!(!quiet(&ring, 999, "chat.den") && quiet(&ring, 999, "chat.lobby"));
    }
}

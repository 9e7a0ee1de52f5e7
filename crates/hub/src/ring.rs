//! The newest events, encoded, for whoever is a little late. Bounded in bytes.

use std::{collections::VecDeque, sync::Arc};

use domain::{Audience, Cursor, Epoch, Position, Recorded, Subject};
use live::Encoded;

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
    bytes: usize,
    most_bytes: usize,
    /// The position before the oldest entry.
    floor: Position,
}

impl Ring {
    pub(crate) fn new(most_bytes: usize, head: Position) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, most_bytes, floor: head }
    }

    pub(crate) fn push(&mut self, entry: Arc<Entry>) {
        self.bytes += entry.len();
        self.entries.push_back(entry);
        while self.bytes > self.most_bytes && self.entries.len() > 1 {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.len();
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

//! The newest events, encoded, for whoever is a little late. Bounded in bytes.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use domain::{Audience, Position, Recorded, Subject};

/// One event, encoded once. Every queue and the ring share it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) position: Position,
    pub(crate) subject: Subject,
    pub(crate) audience: Audience,
    frame: Bytes,
    /// The frame without what was personal, once the event has been redacted.
    redacted: OnceLock<Bytes>,
}

impl Entry {
    pub(crate) fn new(event: &Recorded) -> Self {
        Self {
            position: event.meta.position,
            subject: event.meta.subject.clone(),
            audience: event.meta.audience.clone(),
            frame: live::event_frame(&event.encode()),
            redacted: OnceLock::new(),
        }
    }

    /// The event frame as it may be shown now.
    pub(crate) fn frame(&self) -> &Bytes {
        self.redacted.get().unwrap_or(&self.frame)
    }

    pub(crate) fn len(&self) -> usize {
        self.frame.len()
    }
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

    /// Puts the redacted frame in place of an event's own.
    pub(crate) fn redact(&mut self, event: &Recorded) {
        let Some(index) = event.meta.position.0.checked_sub(self.floor.0 + 1) else { return };
        let Some(slot) = usize::try_from(index).ok().and_then(|index| self.entries.get_mut(index)) else {
            return;
        };
        let blanked = Entry::new(event);
        // Queues that already hold the entry show the blanked frame from here on ...
        let _ = slot.redacted.set(blanked.frame.clone());
        // ... and the ring forgets the text itself.
        self.bytes = self.bytes - slot.len() + blanked.len();
        *slot = Arc::new(blanked);
    }
}

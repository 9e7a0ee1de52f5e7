//! Stretches of the log before the ring, encoded, for many who are late at once. A block is read from the store
//! and encoded once, however many ask for it at the same time, and all of them share its bytes.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use domain::{Position, Recorded, Subject};
use lru::LruCache;
use store::{Filter, ReadError, Store};
use tokio::sync::OnceCell;

use crate::ring::Entry;

/// How many positions one block holds: those after a multiple of it, up to the next.
const BLOCK: u64 = 256;

/// How many blocks are kept: with usual events some 15 MiB.
const BLOCKS: NonZeroUsize = NonZeroUsize::new(64).expect("it is not zero");

/// From so many askers on a block is read for all, although the store's index finds the few events of each faster.
const MANY: u32 = 3;

/// Of so many blocks is counted how often they were asked for.
const COUNTED: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not zero");

/// A block, once it has been read.
type Block = Arc<OnceCell<Stretch>>;

/// The events of one block.
pub(crate) struct Stretch {
    entries: Vec<Arc<Entry>>,
    /// What they are about, each once.
    subjects: Vec<Subject>,
}

impl Stretch {
    fn new(entries: Vec<Arc<Entry>>) -> Self {
        let mut subjects: Vec<Subject> = entries.iter().map(|entry| entry.subject.clone()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        Self { entries, subjects }
    }

    /// What is in it after a position, if any of its subjects is of interest: to pass over a block costs as much as
    /// it has different subjects.
    pub(crate) fn after(
        &self,
        position: Position,
        interest: impl Fn(&Subject) -> bool,
    ) -> impl Iterator<Item = &Arc<Entry>> {
        let entries = if self.subjects.iter().any(interest) { &self.entries[..] } else { &[] };
        entries.iter().skip_while(move |entry| entry.position <= position)
    }
}

/// See the module.
pub(crate) struct History {
    blocks: Mutex<LruCache<u64, Block>>,
    /// How often those were asked for that are not among the blocks.
    asked: Mutex<LruCache<u64, u32>>,
    /// Counts redactions: what was read before one is not kept.
    redactions: AtomicU64,
}

impl History {
    pub(crate) fn new() -> Self {
        Self {
            blocks: Mutex::new(LruCache::new(BLOCKS)),
            asked: Mutex::new(LruCache::new(COUNTED)),
            redactions: AtomicU64::new(0),
        }
    }

    /// Whether to read on by blocks after a position. `narrow` is a pattern that the store has an index for: for it
    /// a block is worth reading only if others want it as well.
    pub(crate) fn serves(&self, after: Position, published: Position, narrow: bool) -> bool {
        let number = after.0 / BLOCK;
        if (number + 1) * BLOCK > published.0 {
            return false;
        }
        if !narrow || self.blocks.lock().expect("no holder of this lock panics").contains(&number) {
            return true;
        }
        let mut asked = self.asked.lock().expect("no holder of this lock panics");
        let times = asked.get_or_insert_mut(number, u32::default);
        *times += 1;
        *times >= MANY
    }

    /// Looks at the block that a position is in, and says where it ends.
    pub(crate) async fn look(
        &self,
        position: Position,
        store: &Store,
        look: impl FnOnce(&Stretch),
    ) -> Result<Position, ReadError> {
        let number = position.0 / BLOCK;
        let (start, end) = (Position(number * BLOCK), Position((number + 1) * BLOCK));
        let redactions = self.redactions();
        let block = {
            let mut blocks = self.blocks.lock().expect("no holder of this lock panics");
            blocks.get_or_insert(number, Block::default).clone()
        };
        look(block.get_or_try_init(|| read(store, start, end)).await?);
        if self.redactions() != redactions {
            // What was deleted meanwhile may be in it.
            self.blocks.lock().expect("no holder of this lock panics").pop(&number);
        }
        Ok(end)
    }

    /// How often something was redacted: what was being read meanwhile may show it.
    pub(crate) fn redactions(&self) -> u64 {
        self.redactions.load(Ordering::Acquire)
    }

    /// Forgets an event's text; whoever holds it already shows it blanked.
    pub(crate) fn redact(&self, blanked: &Entry) {
        self.redactions.fetch_add(1, Ordering::AcqRel);
        let number = (blanked.position.0 - 1) / BLOCK;
        let block = self.blocks.lock().expect("no holder of this lock panics").pop(&number);
        let entries = block.iter().filter_map(|block| block.get()).flat_map(|stretch| &stretch.entries);
        for entry in entries.filter(|entry| entry.position == blanked.position) {
            entry.encoded.blank(&blanked.encoded);
        }
    }
}

async fn read(store: &Store, start: Position, end: Position) -> Result<Stretch, ReadError> {
    let filter = Filter::everything().up_to(end);
    let mut entries = Vec::with_capacity(usize::try_from(BLOCK).unwrap_or_default());
    let mut after = start;
    while after < end {
        let page = store.read(after, &filter, usize::try_from(end.0 - after.0).unwrap_or(usize::MAX)).await?;
        entries.extend(page.events.iter().map(|event: &Recorded| Arc::new(Entry::new(store.epoch(), event))));
        if page.next <= after {
            break;
        }
        after = page.next;
    }
    Ok(Stretch::new(entries))
}

#[cfg(test)]
mod tests {
    use domain::{Audience, Cursor, Epoch, Token};

    use super::*;

    #[test]
    fn a_block_is_passed_over_unless_one_of_its_subjects_is_of_interest() {
        let entry = |position, subject: &str| {
            let event = live::Encoded::new(Cursor { epoch: Epoch(1), position: Position(position) }, "{}");
            Arc::new(Entry {
                position: Position(position),
                subject: subject.parse().unwrap(),
                audience: Audience::new([Token::Everyone]),
                encoded: event,
            })
        };
        let stretch =
            Stretch::new(vec![entry(1, "chat.lobby.a"), entry(2, "chat.den.a"), entry(3, "chat.lobby.a")]);
        let after = |position, wanted: &str| -> Vec<u64> {
            let asked = std::cell::Cell::new(0);
            let interest = |subject: &Subject| {
                asked.set(asked.get() + 1);
                subject.as_str() == wanted
            };
            let found = stretch.after(Position(position), interest).map(|entry| entry.position.0).collect();
            assert!(asked.get() <= 2, "each subject is asked about once");
            found
        };
        assert_eq!(after(1, "chat.lobby.a"), [2, 3], "which of them are wanted is for the reader to say");
        assert!(after(0, "chat.attic.a").is_empty());
    }

    #[test]
    fn blocks_serve_whole_stretches_and_narrow_wishes_when_they_are_many() {
        let history = History::new();
        let serves = |after, published, narrow| history.serves(Position(after), Position(published), narrow);
        assert!(!serves(0, 255, false), "the block is not complete");
        assert!(serves(0, 256, false) && serves(255, 256, false));
        assert!(!serves(256, 300, false));
        assert!(!serves(0, 1 << 20, true) && !serves(9, 1 << 20, true), "the index is faster for one or two");
        assert!(serves(0, 1 << 20, true), "and the block for many");
        assert!(!serves(256, 1 << 20, true), "which is no reason to read the next");
        history.blocks.lock().unwrap().put(1, Block::default());
        assert!(serves(256, 1 << 20, true), "one that somebody has read serves everybody");
    }
}

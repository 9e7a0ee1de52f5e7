//! Stretches of the log before the ring, encoded, for many who are late at once. A block is read from the store
//! and encoded once, however many ask for it at the same time, and all of them share its bytes.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use domain::{Position, Recorded};
use lru::LruCache;
use store::{Filter, ReadError, Store};
use tokio::sync::OnceCell;

use crate::ring::Entry;

/// How many positions one block holds: those after a multiple of it, up to the next.
const BLOCK: u64 = 256;

/// How many blocks are kept: with usual events some 15 MiB.
const BLOCKS: NonZeroUsize = NonZeroUsize::new(64).expect("it is not zero");

/// So near to the head a block is worth reading for a pattern that asks for few of its events: others are
/// likely to ask for it as well. Further back the store's index finds those few faster.
const NEAR: u64 = 32 * BLOCK;

/// A block, once it has been read.
type Block = Arc<OnceCell<Vec<Arc<Entry>>>>;

/// See the module.
pub(crate) struct History {
    blocks: Mutex<LruCache<u64, Block>>,
    /// Counts redactions: what was read before one is not kept.
    redactions: AtomicU64,
}

impl History {
    pub(crate) fn new() -> Self {
        Self { blocks: Mutex::new(LruCache::new(BLOCKS)), redactions: AtomicU64::new(0) }
    }

    /// Whether to read on by blocks after a position. `narrow` is a pattern that the store has an index for.
    pub(crate) fn serves(after: Position, published: Position, narrow: bool) -> bool {
        let whole = (after.0 / BLOCK + 1) * BLOCK <= published.0;
        whole && (!narrow || published.0 - after.0 <= NEAR)
    }

    /// The rest of the block after a position, and where the block ends.
    pub(crate) async fn after(
        &self,
        position: Position,
        store: &Store,
    ) -> Result<(Vec<Arc<Entry>>, Position), ReadError> {
        let number = position.0 / BLOCK;
        let (start, end) = (Position(number * BLOCK), Position((number + 1) * BLOCK));
        loop {
            let redactions = self.redactions();
            let block = {
                let mut blocks = self.blocks.lock().expect("no holder of this lock panics");
                blocks.get_or_insert(number, Block::default).clone()
            };
            let entries = block.get_or_try_init(|| read(store, start, end)).await?;
            if self.redactions() == redactions {
                let rest = entries.iter().filter(|entry| entry.position > position).cloned().collect();
                return Ok((rest, end));
            }
            // What was deleted meanwhile may be in it.
            self.forget(number);
        }
    }

    /// How often something was redacted: what was read before the last time may show it.
    pub(crate) fn redactions(&self) -> u64 {
        self.redactions.load(Ordering::Acquire)
    }

    /// Forgets an event's text; whoever holds it already shows it blanked.
    pub(crate) fn redact(&self, blanked: &Entry) {
        self.redactions.fetch_add(1, Ordering::AcqRel);
        let number = (blanked.position.0 - 1) / BLOCK;
        let block = self.blocks.lock().expect("no holder of this lock panics").pop(&number);
        let entries = block.iter().filter_map(|block| block.get()).flatten();
        for entry in entries.filter(|entry| entry.position == blanked.position) {
            entry.blank(blanked);
        }
    }

    fn forget(&self, number: u64) {
        self.blocks.lock().expect("no holder of this lock panics").pop(&number);
    }
}

async fn read(store: &Store, start: Position, end: Position) -> Result<Vec<Arc<Entry>>, ReadError> {
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
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_serve_whole_stretches_and_narrow_wishes_only_near_the_head() {
        let serves = |after, published, narrow| History::serves(Position(after), Position(published), narrow);
        assert!(!serves(0, 255, false), "the block is not complete");
        assert!(serves(0, 256, false) && serves(255, 256, false));
        assert!(!serves(256, 300, false));
        assert!(serves(0, 1 << 20, false), "who wants everything reads everything");
        assert!(serves(256, 256 + NEAR, true) && !serves(255, 256 + NEAR, true));
    }
}

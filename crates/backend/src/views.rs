//! Views folded on demand. A view is kept warm in memory with the position it has been folded to; a question
//! reads on from there to the head. So an answer always holds what an earlier acknowledged command wrote.
//! Long folds are saved as snapshots, so that a restart need not repeat them.

use std::{any::Any, num::NonZeroUsize, sync::Arc};

use domain::{Cursor, Position, View, view::Snapshot};
use lru::LruCache;
use store::{Filter, Store};
use tokio::sync::Mutex;

use crate::QueryError;

/// How many views are kept warm.
const WARM: NonZeroUsize = NonZeroUsize::new(512).expect("512 is not zero");

/// How many events are read at a time.
const CHUNK: usize = 2_000;

/// A snapshot is saved when at least so many events were folded since the last one.
const SAVE_EVERY: usize = 1_000;

/// Raise it when the fold of any view changes: older snapshots are then ignored.
const GENERATION: u32 = 1;

type Slot = Arc<Mutex<Option<Warm>>>;

struct Warm {
    view: Box<dyn Any + Send>,
    position: Position,
    /// Events folded since the last snapshot.
    unsaved: usize,
}

pub(crate) struct Views {
    slots: std::sync::Mutex<LruCache<(&'static str, String), Slot>>,
}

impl Default for Views {
    fn default() -> Self {
        Self { slots: std::sync::Mutex::new(LruCache::new(WARM)) }
    }
}

impl Views {
    /// The view as of the head.
    pub(crate) async fn at_head<V: View>(
        &self,
        store: &Store,
        key: &V::Key,
    ) -> Result<Snapshot<V>, QueryError> {
        let key_text = serde_json::to_string(key)?;
        let slot = {
            let mut slots = self.slots.lock().expect("no holder of this lock panics");
            slots.get_or_insert((V::NAME, key_text.clone()), Slot::default).clone()
        };
        // One fold at a time for each view; the others wait for its result.
        let mut warm = slot.lock().await;
        let (mut view, mut position, mut unsaved) = match warm.take() {
            Some(warm) => match warm.view.downcast::<V>() {
                Ok(view) => (*view, warm.position, warm.unsaved),
                Err(_) => unreachable!("a slot's name and its type go together"),
            },
            None => match store.load_snapshot(V::NAME, GENERATION, &key_text).await? {
                Some((position, doc)) => (serde_json::from_str(&doc)?, position, 0),
                None => (V::empty(key), Position::START, 0),
            },
        };
        let head = store.head();
        let filter = Filter { pattern: V::pattern(key), before_or_at: Some(head), ..Filter::everything() };
        while position < head {
            let page = store.read(position, &filter, CHUNK).await?;
            for recorded in &page.events {
                view.feed(&recorded.decode()?);
            }
            unsaved += page.events.len();
            position = page.next;
        }
        if unsaved >= SAVE_EVERY {
            store
                .save_snapshot(V::NAME, GENERATION, &key_text, position, &serde_json::to_string(&view)?)
                .await?;
            unsaved = 0;
        }
        let snapshot = Snapshot { view: view.clone(), cursor: Cursor { epoch: store.epoch(), position } };
        *warm = Some(Warm { view: Box::new(view), position, unsaved });
        Ok(snapshot)
    }
}

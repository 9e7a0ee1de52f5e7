//! Views folded on demand. A view is kept warm in memory with the position it has been folded to; a question
//! reads on from there to the head. So an answer always holds what an earlier acknowledged command wrote.
//! Long folds are saved as snapshots, so that a restart need not repeat them. A view as it was is folded anew.

use std::{any::Any, num::NonZeroUsize, sync::Arc};

use domain::{Audience, Cursor, Position, Token, Tokens, View, view::Snapshot};
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
        unsaved += read_on(store, key, &mut view, position, head).await?;
        position = position.max(head);
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

/// The view as it was at a position: folded from the start, and not kept.
pub(crate) async fn at<V: View>(
    store: &Store,
    key: &V::Key,
    position: Position,
) -> Result<Snapshot<V>, QueryError> {
    let mut view = V::empty(key);
    read_on(store, key, &mut view, Position::START, position).await?;
    Ok(Snapshot { view, cursor: Cursor { epoch: store.epoch(), position } })
}

/// Folds what comes after a position, up to and including another. How many events that were.
async fn read_on<V: View>(
    store: &Store,
    key: &V::Key,
    view: &mut V,
    mut from: Position,
    to: Position,
) -> Result<usize, QueryError> {
    // What one person alone is shown is found by their token, if the view folds nothing else.
    let viewer = V::viewer(key);
    let alone = matches!(viewer, Token::User(_)) && !view.sees(&Audience::new([Token::Everyone]));
    let filter = Filter {
        pattern: V::pattern(key),
        tokens: alone.then(|| Tokens::from_iter([viewer])),
        kinds: Some(V::KINDS.to_vec()),
        before_or_at: Some(to),
    };
    let mut folded = 0;
    while from < to {
        let page = store.read(from, &filter, CHUNK).await?;
        for recorded in &page.events {
            view.feed(&recorded.decode()?);
        }
        folded += page.events.len();
        from = page.next;
    }
    Ok(folded)
}

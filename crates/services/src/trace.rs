//! Notes of how each handling went, for the Ripple. Nobody waits for them: they are gathered, written a few at
//! a time, and dropped when too many are waiting.

use std::time::Duration;

use domain::Position;
use store::{Handling, Store};
use tokio::sync::mpsc;

/// How many may wait to be written.
const WAITING: usize = 10_000;

/// How many are written together.
const TOGETHER: usize = 500;

/// How long to gather.
const GATHER: Duration = Duration::from_millis(250);

/// Takes notes.
#[derive(Debug, Clone)]
pub(crate) struct Recorder(mpsc::Sender<Handling>);

impl Recorder {
    pub(crate) fn note(&self, handling: Handling) {
        if self.0.try_send(handling).is_err() {
            tracing::debug!("a handling is not noted: too many are waiting");
        }
    }
}

/// A recorder, and the work of writing down what it is told, which ends when all copies of it are dropped.
pub(crate) fn recorder(store: Store, keep: u64) -> (Recorder, impl Future<Output = ()> + Send) {
    let (notes, mut waiting) = mpsc::channel(WAITING);
    let work = async move {
        let mut handlings = Vec::with_capacity(TOGETHER);
        while waiting.recv_many(&mut handlings, TOGETHER).await > 0 {
            let keep_after = Position(store.head().0.saturating_sub(keep));
            if let Err(error) = store.note_handlings(&handlings, keep_after).await {
                tracing::warn!(%error, handlings = handlings.len(), "handlings are not noted");
            }
            handlings.clear();
            if !waiting.is_closed() {
                tokio::time::sleep(GATHER).await;
            }
        }
    };
    (Recorder(notes), work)
}

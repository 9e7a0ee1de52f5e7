//! What waits for one connection: batches of events up to a bound in bytes, and the newest of each signal.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard},
    task::Poll,
};

use bytes::Bytes;
use domain::{Position, Subject};
use futures::task::AtomicWaker;
use live::Batch;

/// How many different signals wait for one connection at most.
const MOST_SIGNALS: usize = 1_024;

/// Why the hub ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its session was signed out.
    Session,
    /// Its person has so many connections already.
    TooMany(usize),
    /// The server is about to restart: come back after a while.
    Drain,
    /// The hub is gone: the server is shutting down.
    Closed,
}

/// The shared half of a connection.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    /// Wakes the one task that reads.
    wake: AtomicWaker,
}

/// Where a connection writes to. It may lend it to the hub.
pub trait Line: Send + Sync {
    /// Writes as much of a batch as can be written without waiting.
    fn write(&self, batch: &Batch) -> Taken;
}

/// What became of a batch that the hub wrote to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is written.
    All,
    /// Some of it is written, or it failed: whose line it is has to see to the rest.
    Begun,
    /// None of it is written: it has to wait.
    Nothing,
}

#[derive(Default)]
pub(crate) struct Waiting {
    /// Each begins where the one before ends.
    pub(crate) batches: Vec<Arc<Batch>>,
    bytes: usize,
    /// The queue was full: everything after the last batch must be read, it was not queued.
    pub(crate) behind: bool,
    signals: HashMap<Subject, Bytes>,
    /// Set when a signal was skipped: what is kept of them must be read again.
    pub(crate) skipped: bool,
    /// The connection's, while it has nothing to do but wait.
    lent: Option<Arc<dyn Line>>,
    /// The last batch that was written to a lent line ended here.
    pub(crate) written: Option<Position>,
    /// A lent line has not taken all that was written to it.
    pub(crate) begun: bool,
    pub(crate) ended: Option<Ended>,
}

impl Waiting {
    /// Whether there is nothing to hand over.
    pub(crate) fn is_empty(&self) -> bool {
        let events = !self.batches.is_empty() || self.behind || self.begun;
        !events && self.signals.is_empty() && self.ended.is_none()
    }

    /// Takes what was put in.
    pub(crate) fn take_batches(&mut self) -> impl Iterator<Item = Arc<Batch>> {
        self.bytes = 0;
        self.batches.drain(..)
    }

    /// How many bytes of events wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Writes batches to the lent line, as far as it takes them. Returns how many.
    fn write(&mut self, batches: &[Arc<Batch>]) -> usize {
        let Some(line) = self.lent.take() else { return 0 };
        for (nth, batch) in batches.iter().enumerate() {
            let taken = line.write(batch);
            if taken == Taken::Nothing {
                return nth;
            }
            self.written = Some(batch.pos);
            if taken == Taken::Begun {
                self.begun = true;
                return nth + 1;
            }
        }
        self.lent = Some(line);
        batches.len()
    }

    /// Takes the newest of each signal.
    pub(crate) fn take_signals(&mut self) -> Vec<Bytes> {
        self.signals.drain().map(|(_, frame)| frame).collect()
    }
}

/// Takes a lent line back.
struct GiveBack<'a>(&'a Queue);

impl Drop for GiveBack<'_> {
    fn drop(&mut self) {
        self.0.lock().lent = None;
    }
}

impl Queue {
    /// Waits until there is something to hand over. Meanwhile what comes is written to the line, if there is one,
    /// and wakes nobody; whoever stops waiting has the line back.
    pub(crate) async fn filled(&self, line: Option<&Arc<dyn Line>>) {
        let _back = line.map(|_| GiveBack(self));
        poll_fn(|cx| {
            self.wake.register(cx.waker());
            // Looked at after registering: what comes from here on wakes.
            let mut waiting = self.lock();
            if waiting.is_empty() {
                waiting.lent = line.cloned();
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no holder of this lock panics")
    }

    /// Puts batches in, up to the bound, unless its line is lent and takes them. Returns whether the connection is
    /// behind now.
    pub(crate) fn push(&self, batches: &[Arc<Batch>], most_bytes: usize) -> bool {
        let mut waiting = self.lock();
        let written = waiting.write(batches);
        if waiting.lent.is_some() {
            return false;
        }
        for batch in &batches[written..] {
            let bytes = batch.bytes();
            if waiting.bytes + bytes > most_bytes && !waiting.batches.is_empty() {
                waiting.behind = true;
                break;
            }
            waiting.bytes += bytes;
            waiting.batches.push(batch.clone());
        }
        let behind = waiting.behind;
        drop(waiting);
        self.wake.wake();
        behind
    }

    /// Puts a signal in place of the last one with its subject. Of too many, the newcomers are skipped: signals
    /// are the only thing that may be. Those that are kept are read later.
    pub(crate) fn signal(&self, subject: &Subject, frame: &Bytes) {
        let mut waiting = self.lock();
        if waiting.signals.len() < MOST_SIGNALS || waiting.signals.contains_key(subject) {
            waiting.signals.insert(subject.clone(), frame.clone());
        } else {
            waiting.skipped = true;
        }
        drop(waiting);
        self.wake.wake();
    }

    pub(crate) fn end(&self, why: Ended) {
        self.lock().ended.get_or_insert(why);
        self.wake.wake();
    }
}

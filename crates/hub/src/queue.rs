//! What waits for one connection: events up to a bound in bytes, and the newest of each signal.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard},
    task::Poll,
};

use bytes::Bytes;
use domain::{Position, Subject};
use futures::task::AtomicWaker;

use crate::ring::Entry;

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
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    /// Wakes the one task that reads.
    wake: AtomicWaker,
}

#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) events: Vec<Arc<Entry>>,
    pub(crate) bytes: usize,
    /// Set when the queue was full: everything after this position must be read, it was not queued.
    pub(crate) behind: Option<Position>,
    signals: HashMap<Subject, Bytes>,
    /// Nothing came for a while, and the log has moved: the other side's cursor is to move too.
    pub(crate) nudged: bool,
    pub(crate) ended: Option<Ended>,
}

impl Waiting {
    /// Whether there is nothing to hand over.
    pub(crate) fn is_empty(&self) -> bool {
        let events = !self.events.is_empty() || self.behind.is_some();
        !events && !self.nudged && self.signals.is_empty() && self.ended.is_none()
    }

    /// Takes the newest of each signal.
    pub(crate) fn take_signals(&mut self) -> Vec<Bytes> {
        self.signals.drain().map(|(_, frame)| frame).collect()
    }
}

impl Queue {
    /// Waits until there is something to hand over.
    pub(crate) async fn filled(&self) {
        poll_fn(|cx| {
            self.wake.register(cx.waker());
            // Looked at after registering: what comes from here on wakes.
            if self.lock().is_empty() { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no holder of this lock panics")
    }

    /// Puts events in, up to the bound. Returns whether the connection is now behind.
    pub(crate) fn push(&self, events: impl IntoIterator<Item = Arc<Entry>>, most_bytes: usize) -> bool {
        let mut waiting = self.lock();
        for event in events {
            if waiting.bytes + event.len() > most_bytes && !waiting.events.is_empty() {
                waiting.behind = Some(Position(event.position.0 - 1));
                break;
            }
            waiting.bytes += event.len();
            waiting.events.push(event);
        }
        let behind = waiting.behind.is_some();
        drop(waiting);
        self.wake.wake();
        behind
    }

    /// Puts a signal in place of the last one with its subject. Of too many, the newcomers are skipped: signals
    /// are the only thing that may be.
    pub(crate) fn signal(&self, subject: &Subject, frame: &Bytes) {
        let mut waiting = self.lock();
        if waiting.signals.len() < MOST_SIGNALS || waiting.signals.contains_key(subject) {
            waiting.signals.insert(subject.clone(), frame.clone());
        }
        drop(waiting);
        self.wake.wake();
    }

    /// Has the connection say how far the log has come.
    pub(crate) fn nudge(&self) {
        self.lock().nudged = true;
        self.wake.wake();
    }

    pub(crate) fn end(&self, why: Ended) {
        self.lock().ended.get_or_insert(why);
        self.wake.wake();
    }
}

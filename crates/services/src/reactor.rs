//! What a service is made of: a name, what it listens to, what it keeps in order, and what it does.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use domain::{Envelope, Pattern, Recorded, ServiceName, StreamId};
use store::{Filter, ReadError};

use crate::{listening, reaction::Reaction};

/// A service: it listens to events and answers with commands. See the crate's documentation for how to
/// write one.
pub trait Reactor: Send + Sync + 'static {
    /// What operators know it by. Its checkpoint, its state and the ids of its commands hang on it, so it
    /// never changes. Letters, digits, `-` and `_`.
    const NAME: &'static str;

    /// The subjects it listens to.
    const PATTERNS: &'static [&'static str];

    /// How many events of different keys it handles at once. More than one is for slow I/O only: each event
    /// is then committed by itself.
    const PARALLEL: usize = 1;

    /// What an event must be handled in order of: events of one key one after the other, and if one of them
    /// cannot be handled, those behind it wait. By default the event's stream.
    #[must_use]
    fn key(event: &Envelope) -> SequenceKey {
        SequenceKey::from(&event.meta.stream)
    }

    /// Handles one event. Whatever it collects in `unit` is written in one transaction with the note that the
    /// event is handled, and so happens exactly once. What it does to the world outside may happen again
    /// after a crash, and so may a handling that has collected nothing.
    ///
    /// # Errors
    /// [`Failure`] says what to do about it.
    fn react(
        &self,
        event: &Envelope,
        unit: &mut Reaction,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What events are kept in order of. Short: it is shown to operators.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SequenceKey(String);

impl SequenceKey {
    /// From whatever tells the keys apart.
    pub fn new(key: impl fmt::Display) -> Self {
        Self(key.to_string())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&StreamId> for SequenceKey {
    fn from(stream: &StreamId) -> Self {
        Self(stream.to_string())
    }
}

/// Why an event was not handled, and with it what comes next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It may work in a moment: try again, a few times, then put the event aside.
    #[error("{0}")]
    Transient(String),
    /// What the service needs is down, whichever event comes: wait, and put nothing aside.
    #[error("{0}")]
    Pause(String),
    /// This event will never work: put it aside at once.
    #[error("{0}")]
    Poison(String),
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unreadable(_) => Self::Poison(error.to_string()),
            ReadError::Unavailable(_) | ReadError::Closed => Self::Pause(error.to_string()),
        }
    }
}

type Reacting<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// A reactor of any type.
trait AnyReactor: Send + Sync {
    fn key(&self, event: &Envelope) -> SequenceKey;
    fn react<'a>(&'a self, event: &'a Envelope, unit: &'a mut Reaction) -> Reacting<'a>;
}

impl<R: Reactor> AnyReactor for R {
    fn key(&self, event: &Envelope) -> SequenceKey {
        R::key(event)
    }

    fn react<'a>(&'a self, event: &'a Envelope, unit: &'a mut Reaction) -> Reacting<'a> {
        // The reactor's own code runs, and may panic, only when this is polled.
        Box::pin(async move { Reactor::react(self, event, unit).await })
    }
}

/// A [`Reactor`] as the runtime takes it: an entry of the list of services.
#[derive(Clone)]
pub struct Service {
    name: ServiceName,
    patterns: Arc<[Pattern]>,
    filter: Arc<Filter>,
    parallel: usize,
    reactor: Arc<dyn AnyReactor>,
}

impl<R: Reactor> From<R> for Service {
    fn from(reactor: R) -> Self {
        Self::new(reactor)
    }
}

impl Service {
    /// Takes a reactor in.
    ///
    /// # Panics
    /// If its name or one of its patterns is malformed: they are part of the program.
    pub fn new<R: Reactor>(reactor: R) -> Self {
        let pattern = |text: &&str| match Pattern::new(*text) {
            Ok(pattern) => pattern,
            Err(error) => panic!("the service {} listens to {text:?}: {error}", R::NAME),
        };
        let patterns: Arc<[Pattern]> = R::PATTERNS.iter().map(pattern).collect();
        Self {
            name: ServiceName::new(R::NAME).unwrap_or_else(|error| panic!("{error}")),
            filter: Arc::new(listening::filter(&patterns)),
            patterns,
            parallel: R::PARALLEL.max(1),
            reactor: Arc::new(reactor),
        }
    }

    /// What operators know it by.
    #[must_use]
    pub fn name(&self) -> &ServiceName {
        &self.name
    }

    /// The subjects it listens to.
    #[must_use]
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// How many events it handles at once.
    pub(crate) fn parallel(&self) -> usize {
        self.parallel
    }

    pub(crate) fn key(&self, event: &Envelope) -> SequenceKey {
        self.reactor.key(event)
    }

    pub(crate) fn react<'a>(&'a self, event: &'a Envelope, unit: &'a mut Reaction) -> Reacting<'a> {
        self.reactor.react(event, unit)
    }

    pub(crate) fn wants(&self, event: &Recorded) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(&event.meta.subject))
    }

    /// What to read for it: at least what it wants, along the index that promises most.
    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({})", self.name)
    }
}

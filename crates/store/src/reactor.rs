//! What reactors keep beside the log: how far they have come, what they remember, what they could not
//! handle, what they wait for, and how long each handling took.

use std::str::FromStr;

use domain::{Position, Timestamp};

use crate::{read::ReadError, store::Store};

/// A reactor's step along the log. It is written in one transaction with what the step has led to, and only
/// if the reactor still stands where it thinks: nobody else has gone on for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose.
    pub reactor: String,
    /// Where it stands. Before its first step everybody stands at the start.
    pub from: Position,
    /// Where it will stand. May be the same place: then the unit is only fenced.
    pub to: Position,
}

/// What has become of an event that could not be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LetterStatus {
    /// It waits for somebody to decide, and with it every later event of its key.
    Parked,
    /// It is about to be handled again.
    Redriving,
    /// It was handled in the end.
    Done,
    /// Somebody has decided to do without it.
    Discarded,
}

impl LetterStatus {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Parked, Self::Redriving, Self::Done, Self::Discarded];

    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LetterStatus::Parked => "parked",
            LetterStatus::Redriving => "redriving",
            LetterStatus::Done => "done",
            LetterStatus::Discarded => "discarded",
        }
    }
}

impl FromStr for LetterStatus {
    type Err = UnknownStatus;
    fn from_str(name: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.name() == name).ok_or(UnknownStatus)
    }
}

/// Not the name of a [`LetterStatus`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the status of a dead letter")]
pub struct UnknownStatus;

/// A dead letter: an event that a reactor could not handle, or that waits behind such a one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Which reactor.
    pub reactor: String,
    /// Which event.
    pub position: Position,
    /// What it must be handled in order of.
    pub key: String,
    /// What went wrong, for people.
    pub error: String,
    /// How often it was tried; 0 if it only waits behind another.
    pub attempts: u32,
    /// What has become of it.
    pub status: LetterStatus,
    /// Since when.
    pub parked: Timestamp,
}

/// A command that is sent at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Unique. Setting it again replaces what was set.
    pub key: String,
    /// When.
    pub due: Timestamp,
    /// The command, as whoever sends it has written it.
    pub command: String,
}

/// How one attempt to handle an event went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handling {
    /// Which reactor.
    pub reactor: String,
    /// Which event.
    pub position: Position,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// `done`, or what went wrong.
    pub outcome: String,
}

/// What reactors read again.
impl Store {
    /// Where a reactor stands: everything up to here is handled. The start, if it has not begun.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn checkpoint(&self, reactor: &str) -> Result<Position, ReadError> {
        self.reader.checkpoint(reactor).await
    }

    /// What a reactor remembers under a key.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn state(&self, reactor: &str, key: &str) -> Result<Option<String>, ReadError> {
        self.reader.state(reactor, key).await
    }

    /// What a reactor has handled after its checkpoint, in order.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn handled(&self, reactor: &str) -> Result<Vec<Position>, ReadError> {
        self.reader.handled(reactor).await
    }

    /// Dead letters of one reactor or of all, at most `max`, those of one reactor in the order of the log.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn letters(
        &self,
        reactor: Option<&str>,
        status: LetterStatus,
        max: usize,
    ) -> Result<Vec<Letter>, ReadError> {
        self.reader.letters(reactor, status, max).await
    }

    /// The keys of a reactor that have letters which are parked or being redriven, and how many each.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn parked_keys(&self, reactor: &str) -> Result<Vec<(String, u64)>, ReadError> {
        self.reader.parked_keys(reactor).await
    }

    /// The timers that are due first, at most `max`, due or not.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn timers(&self, max: usize) -> Result<Vec<Timer>, ReadError> {
        self.reader.timers(max).await
    }

    /// Where in the log something is that came in from outside.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn ingested(&self, source: &str, id: &str) -> Result<Option<Position>, ReadError> {
        self.reader.ingested(source, id).await
    }

    /// Notes how handlings went, and forgets those of events up to and including `keep_after`. They are in
    /// a file of their own, may be lost in a crash, and hold up nobody who writes.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn note_handlings(
        &self,
        handlings: &[Handling],
        keep_after: Position,
    ) -> Result<(), ReadError> {
        self.reader.note_handlings(handlings, keep_after).await
    }

    /// How the handlings of these events went, by event and then in the order in which they began.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn handlings(&self, of: &[Position]) -> Result<Vec<Handling>, ReadError> {
        self.reader.handlings(of).await
    }
}

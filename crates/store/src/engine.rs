//! What a database has to offer to the committer and to the readers. Whoever implements these two traits
//! passes the conformance suite in `tests/`; nothing else in the crate knows which database it is.

use std::{future::Future, pin::Pin};

use domain::{
    CommandId, EventId, Handle, Position, Recorded, Refusal, SessionId, StreamId, Timestamp, UserId,
};
use uuid::Uuid;

use crate::{
    read::{Credential, Filter, Page, ReadError, SessionRow},
    unit::{Effect, Receipt},
};

/// The database does not do what it should. Says so in a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Fault(pub(crate) String);

/// How far the log has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The last event's position.
    pub(crate) head: Position,
    /// When it was recorded.
    pub(crate) recorded_at: Timestamp,
}

/// Who sent which command: what makes it the same again.
pub(crate) type CommandKey = (String, CommandId);

/// A command that has been accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acceptance {
    /// Who sent it, and under which id.
    pub(crate) key: CommandKey,
    /// What it said; `None` once it has been redacted.
    pub(crate) body: Option<[u8; 32]>,
    /// The last position of its unit.
    pub(crate) position: Position,
    /// What was answered to its unit. Only the unit's first command carries it.
    pub(crate) receipt: Option<Receipt>,
}

/// The writing side: one transaction at a time. After a fault, [`Engine::recover`] comes first.
pub(crate) trait Engine: Send + 'static {
    /// Opens the transaction.
    fn begin(&mut self) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Which of these commands have been accepted before.
    fn accepted(
        &mut self,
        keys: &[CommandKey],
    ) -> impl Future<Output = Result<Vec<Acceptance>, Fault>> + Send;

    /// All events of these streams, those of one stream next to each other and in order.
    fn load(&mut self, streams: &[StreamId]) -> impl Future<Output = Result<Vec<Recorded>, Fault>> + Send;

    /// Writes events, which follow right after the last one.
    fn append(&mut self, events: &[Recorded]) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Notes accepted commands.
    fn accept(&mut self, acceptances: &[Acceptance]) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Carries out all effects or, on a refusal, none of them.
    fn apply(
        &mut self,
        effects: &[Effect],
        now: Timestamp,
    ) -> impl Future<Output = Result<Result<(), Refusal>, Fault>> + Send;

    /// Blanks the personal fields of all events of the stream before `by`, and whatever was kept of the
    /// commands that led to them. Returns the events that have changed, as they are now.
    fn redact(
        &mut self,
        stream: &StreamId,
        by: Position,
    ) -> impl Future<Output = Result<Vec<Recorded>, Fault>> + Send;

    /// Writes something without meaning, to find out whether writing works.
    fn probe(&mut self) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Closes the transaction. When this returns, it is on disk.
    fn commit(&mut self, tail: Tail) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Gives the transaction up, if one is open, and looks how far the log has come. Works as often as it
    /// is called.
    fn recover(&mut self) -> impl Future<Output = Result<Tail, Fault>> + Send;

    /// All events after a position, in order.
    fn since(&mut self, after: Position) -> impl Future<Output = Result<Vec<Recorded>, Fault>> + Send;

    /// After a commit that has redacted: takes what was blanked out of every file. Returns whether that
    /// is done; if a reader was in the way, call again later.
    fn scrub(&mut self, by: Position) -> impl Future<Output = bool> + Send;

    /// Limits the size of the database, or lifts the limit: lets the tests fill a disk.
    fn limit(&mut self, bytes: Option<u64>) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Writes out what is left to be written and lets go of the files.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// What a reader is promised.
pub(crate) type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, ReadError>> + Send + 'a>>;

/// The reading side: any number of readers beside the writer. Every answer comes from one snapshot. See
/// the methods of the same names of [`crate::Store`].
pub(crate) trait Reader: Send + Sync {
    fn read<'a>(&'a self, after: Position, filter: &'a Filter, max: usize) -> Reading<'a, Page>;
    fn count<'a>(&'a self, after: Position, filter: &'a Filter, up_to: usize) -> Reading<'a, usize>;
    fn read_stream<'a>(&'a self, stream: &'a StreamId) -> Reading<'a, Vec<Recorded>>;
    fn read_back<'a>(
        &'a self,
        before: Position,
        topic: &'a str,
        kind: &'a str,
        max: usize,
    ) -> Reading<'a, Vec<Recorded>>;
    fn event(&self, id: EventId) -> Reading<'_, Option<Recorded>>;
    fn flow(&self, correlation: Uuid) -> Reading<'_, Vec<Recorded>>;
    fn credential<'a>(&'a self, handle: &'a Handle) -> Reading<'a, Option<Credential>>;
    fn handle_of(&self, user: UserId) -> Reading<'_, Option<Handle>>;
    fn session<'a>(&'a self, token_hash: &'a [u8; 32]) -> Reading<'a, Option<SessionRow>>;
    fn session_by_id(&self, session: SessionId) -> Reading<'_, Option<SessionRow>>;
    fn sessions_of(&self, user: UserId) -> Reading<'_, Vec<SessionRow>>;
    fn save_snapshot<'a>(
        &'a self,
        view: &'a str,
        generation: u32,
        key: &'a str,
        position: Position,
        doc: &'a str,
    ) -> Reading<'a, ()>;
    fn load_snapshot<'a>(
        &'a self,
        view: &'a str,
        generation: u32,
        key: &'a str,
    ) -> Reading<'a, Option<(Position, String)>>;
    fn delete_snapshots<'a>(&'a self, view: &'a str) -> Reading<'a, ()>;
}

//! What a database has to offer to the committer and to the readers. Whoever implements these two traits
//! passes the conformance suite in `tests/`; nothing else in the crate knows which database it is.

use std::{future::Future, pin::Pin};

use domain::{
    CommandId, EventId, Handle, Position, Recorded, Refusal, SessionId, StreamId, Timestamp, Tokens, UserId,
};
use uuid::Uuid;

use crate::{
    projection::{DocPage, Generation, Projected},
    reactor::{Handling, Letter, LetterStatus, Timer},
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

/// What came in from outside: who says so, and what it is called there.
pub(crate) type IngestKey = (String, String);

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

/// What a transaction rests on, as far as that is known when it is opened.
#[derive(Default)]
pub(crate) struct Wanted {
    /// Which of these commands have been accepted before.
    pub(crate) keys: Vec<CommandKey>,
    /// All events of these streams.
    pub(crate) streams: Vec<StreamId>,
    /// Where these reactors stand.
    pub(crate) reactors: Vec<String>,
    /// What of this has come in before.
    pub(crate) incoming: Vec<IngestKey>,
}

/// What there is of what was [`Wanted`].
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) accepted: Vec<Acceptance>,
    /// Those of one stream next to each other and in order.
    pub(crate) events: Vec<Recorded>,
    /// Who is not here has not begun.
    pub(crate) checkpoints: Vec<(String, Position)>,
    /// At which position it came in.
    pub(crate) ingested: Vec<(IngestKey, Position)>,
}

/// The writing side: one transaction at a time. After a fault, [`Engine::recover`] comes first.
pub(crate) trait Engine: Send + 'static {
    /// Opens the transaction, and answers at once what it rests on.
    fn begin(&mut self, wanted: &Wanted) -> impl Future<Output = Result<Known, Fault>> + Send;

    /// All events of these streams, those of one stream next to each other and in order.
    fn load(&mut self, streams: &[StreamId]) -> impl Future<Output = Result<Vec<Recorded>, Fault>> + Send;

    /// Writes events, which follow right after the last one.
    fn append(&mut self, events: &[Recorded]) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Notes accepted commands.
    fn accept(&mut self, acceptances: &[Acceptance]) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Notes where reactors stand now.
    fn step(&mut self, steps: &[(String, Position)]) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Carries out all effects of a unit or, on a refusal, none of them. `position` is the unit's last.
    fn apply(
        &mut self,
        effects: &[Effect],
        position: Position,
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
    fn checkpoint<'a>(&'a self, reactor: &'a str) -> Reading<'a, Position>;
    fn state<'a>(&'a self, reactor: &'a str, key: &'a str) -> Reading<'a, Option<String>>;
    fn handled<'a>(&'a self, reactor: &'a str) -> Reading<'a, Vec<Position>>;
    fn letters<'a>(
        &'a self,
        reactor: Option<&'a str>,
        status: LetterStatus,
        max: usize,
    ) -> Reading<'a, Vec<Letter>>;
    fn parked_keys<'a>(&'a self, reactor: &'a str) -> Reading<'a, Vec<(String, u64)>>;
    fn timers(&self, max: usize) -> Reading<'_, Vec<Timer>>;
    fn ingested<'a>(&'a self, source: &'a str, id: &'a str) -> Reading<'a, Option<Position>>;
    fn note_handlings<'a>(&'a self, handlings: &'a [Handling], keep_after: Position) -> Reading<'a, ()>;
    fn handlings<'a>(&'a self, of: &'a [Position]) -> Reading<'a, Vec<Handling>>;
    fn generations<'a>(&'a self, projection: &'a str) -> Reading<'a, Vec<Generation>>;
    fn begin_generation<'a>(&'a self, projection: &'a str, version: u32) -> Reading<'a, ()>;
    fn project<'a>(&'a self, step: &'a Projected) -> Reading<'a, bool>;
    fn switch_generation<'a>(&'a self, projection: &'a str) -> Reading<'a, ()>;
    fn docs<'a>(
        &'a self,
        projection: &'a str,
        number: u32,
        keys: &'a [String],
    ) -> Reading<'a, Vec<(String, String)>>;
    fn doc<'a>(
        &'a self,
        projection: &'a str,
        key: &'a str,
    ) -> Reading<'a, Option<(Position, Option<String>)>>;
    fn doc_range<'a>(
        &'a self,
        projection: &'a str,
        from: &'a str,
        before: &'a str,
        max: usize,
    ) -> Reading<'a, Option<DocPage>>;
    fn search<'a>(
        &'a self,
        projection: &'a str,
        query: &'a str,
        tokens: &'a Tokens,
        max: usize,
    ) -> Reading<'a, Option<DocPage>>;
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

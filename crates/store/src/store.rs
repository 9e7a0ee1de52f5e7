//! The handle that everybody else uses: cheap to clone, and the same for every database.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use domain::{Epoch, EventId, Handle, Position, Recorded, SessionId, StreamId, Timestamp, UserId};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::{
    committer::{Committer, Job, Memory},
    engine::Reader,
    read::{Commit, Credential, Filter, Page, ReadError, SessionRow},
    recent::Recent,
    sessions::Sessions,
    sqlite,
    unit::{Receipt, Unit, UnitError},
};

/// How many commits may wait for the hub before the committer waits for it.
const COMMITS: usize = 64;

/// What tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How to open a store.
#[derive(Clone)]
pub struct Options {
    /// Where the database is: `sqlite://data/hubbub.db`, or with an absolute path `sqlite:///var/…`.
    pub url: String,
    /// What tells the time. However it jumps, `recorded_at` never decreases.
    pub clock: Clock,
    /// About as many events go into one transaction.
    pub batch_events: usize,
    /// As many units may wait before callers wait to get in.
    pub queue: usize,
}

impl Options {
    /// The system's clock and the usual sizes.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), clock: Arc::new(system_time), batch_events: 500, queue: 1024 }
    }
}

fn system_time() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// Why a store cannot be opened. Every text says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The address names no database that this build can use.
    #[error(
        "{0:?} is not a database address. Use sqlite:// and the path of a file, for example sqlite://data/hubbub.db."
    )]
    Url(String),
    /// Another process has it open.
    #[error("Another Hubbub is already using {0}. Stop it first, or choose another data folder.")]
    Locked(String),
    /// It was written by a newer build.
    #[error(
        "{database} was written by a newer version of Hubbub (schema {found}; this one knows up to {known}). Install that version or a newer one."
    )]
    Newer {
        /// Which database.
        database: String,
        /// Its schema version.
        found: i64,
        /// The newest schema version that this build knows.
        known: i64,
    },
    /// The folder or the file cannot be written.
    #[error("Hubbub cannot write to {place}: {why}. Make it writable, or choose another data folder.")]
    NotWritable {
        /// Which file or folder.
        place: String,
        /// What the system says.
        why: String,
    },
    /// There is a file, but it is not an intact Hubbub database.
    #[error(
        "{database} is not a Hubbub database, or it is damaged: {why}. Restore a backup, or choose another data folder."
    )]
    Damaged {
        /// Which database.
        database: String,
        /// What is wrong.
        why: String,
    },
}

/// The log and what is kept beside it.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    head: Arc<AtomicU64>,
    recent: Arc<Recent>,
    sessions: Arc<Sessions>,
    epoch: Epoch,
    pub(crate) reader: Arc<dyn Reader>,
}

impl Store {
    /// Opens the database, brings its schema up to date and starts the committer. Needs a Tokio runtime.
    ///
    /// Every commit goes through the returned channel, in order, before its callers are answered. If the
    /// receiver is dropped, commits go on without it; if it is kept but not read, the committer waits.
    ///
    /// # Errors
    /// [`OpenError`] in a sentence.
    pub async fn open(options: Options) -> Result<(Store, mpsc::Receiver<Commit>), OpenError> {
        let opened = sqlite::open(&options.url).await?;
        let (jobs, waiting) = mpsc::channel(options.queue.max(1));
        let (commits, committed) = mpsc::channel(COMMITS);
        let head = Arc::new(AtomicU64::new(opened.tail.head.0));
        let recent = Arc::new(Recent::new(opened.tail.head));
        let sessions = Arc::new(Sessions::default());
        let committer = Committer {
            engine: opened.engine,
            jobs: waiting,
            commits,
            head: head.clone(),
            recent: recent.clone(),
            sessions: sessions.clone(),
            clock: options.clock,
            batch_events: options.batch_events.max(1),
            tail: Some(opened.tail),
            memory: Memory::default(),
        };
        tokio::spawn(committer.run());
        Ok((Store { jobs, head, recent, sessions, epoch: opened.epoch, reader: opened.reader }, committed))
    }

    /// Carries out a unit. When this returns, it is on disk. Dropping the future does not take the unit
    /// back; sending the same command ids again finds out.
    ///
    /// # Errors
    /// [`UnitError`]; nothing of the unit was carried out, except that after `Unavailable` this is not
    /// certain until the same command ids are sent again.
    pub async fn execute(&self, unit: Unit) -> Result<Receipt, UnitError> {
        self.ask(|answer| Job::Unit(unit, answer)).await
    }

    /// The last position of the log.
    #[must_use]
    pub fn head(&self) -> Position {
        Position(self.head.load(Ordering::Acquire))
    }

    /// Which life of the log this is.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Wanted events after a position, at most `max`, in order. One look: events and [`Page::next`] are of
    /// the same instant. How much of the log one call considers is bounded.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read(&self, after: Position, filter: &Filter, max: usize) -> Result<Page, ReadError> {
        match self.recent.read(after, filter, max) {
            Some(page) => Ok(page),
            None => self.reader.read(after, filter, max).await,
        }
    }

    /// The last position that was recorded at an instant or before it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn position_at(&self, instant: Timestamp) -> Result<Position, ReadError> {
        // Positions have no gaps and instants never go back, so halving finds it without an index.
        let (mut before, mut after) = (0, self.head().0 + 1);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            let page = self.read(Position(middle - 1), &Filter::everything(), 1).await?;
            match page.events.first() {
                Some(event) if event.meta.time <= instant => before = middle,
                _ => after = middle,
            }
        }
        Ok(Position(before))
    }

    /// How many wanted events there are after a position; stops counting at `up_to`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn count(&self, after: Position, filter: &Filter, up_to: usize) -> Result<usize, ReadError> {
        self.reader.count(after, filter, up_to).await
    }

    /// All events of a stream, in order.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read_stream(&self, stream: &StreamId) -> Result<Vec<Recorded>, ReadError> {
        self.reader.read_stream(stream).await
    }

    /// Events of one type under one topic (see [`domain::Subject::topic`]) before a position, newest
    /// first: "earlier messages of this room".
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read_back(
        &self,
        before: Position,
        topic: &str,
        kind: &str,
        max: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        self.reader.read_back(before, topic, kind, max).await
    }

    /// One event, by its id.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn event(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        self.reader.event(id).await
    }

    /// The first thousand events that one command has led to, directly or not, in order.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn flow(&self, correlation: Uuid) -> Result<Vec<Recorded>, ReadError> {
        self.reader.flow(correlation).await
    }

    /// What the person with this handle signs in with.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn credential(&self, handle: &Handle) -> Result<Option<Credential>, ReadError> {
        self.reader.credential(handle).await
    }

    /// The handle somebody signs in with.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn handle_of(&self, user: UserId) -> Result<Option<Handle>, ReadError> {
        self.reader.handle_of(user).await
    }

    /// The session that a secret belongs to, expired or not.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn session(&self, token_hash: &[u8; 32]) -> Result<Option<SessionRow>, ReadError> {
        let since = match self.sessions.find(token_hash) {
            Ok(row) => return Ok(Some(row)),
            Err(since) => since,
        };
        let found = self.reader.session(token_hash).await?;
        if let Some(row) = &found {
            self.sessions.take_in(since, *token_hash, row.clone());
        }
        Ok(found)
    }

    /// A session by its public name, expired or not.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn session_by_id(&self, session: SessionId) -> Result<Option<SessionRow>, ReadError> {
        self.reader.session_by_id(session).await
    }

    /// Somebody's sessions and tokens, oldest first, expired or not.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<SessionRow>, ReadError> {
        self.reader.sessions_of(user).await
    }

    /// Keeps what a view has come to. A snapshot is a cache: it may be gone at any time, it is not kept if
    /// events have been redacted after its position, and one of another generation is replaced.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn save_snapshot(
        &self,
        view: &str,
        generation: u32,
        key: &str,
        position: Position,
        doc: &str,
    ) -> Result<(), ReadError> {
        self.reader.save_snapshot(view, generation, key, position, doc).await
    }

    /// A kept snapshot of this very generation, and the position it is of.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn load_snapshot(
        &self,
        view: &str,
        generation: u32,
        key: &str,
    ) -> Result<Option<(Position, String)>, ReadError> {
        self.reader.load_snapshot(view, generation, key).await
    }

    /// Forgets all snapshots of a view, so that it is built anew.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn delete_snapshots(&self, view: &str) -> Result<(), ReadError> {
        self.reader.delete_snapshots(view).await
    }

    /// Whether a write reaches the disk at this moment; the error is a sentence.
    ///
    /// # Errors
    /// Why not.
    pub async fn writable(&self) -> Result<(), String> {
        self.ask(Job::Probe).await.map_err(|error| error.to_string())
    }

    /// Carries out what has queued, writes everything out and lets go of the files. Other handles find the
    /// store closed.
    pub async fn close(self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }

    /// Limits the size of the database, as a full disk would. For tests.
    ///
    /// # Errors
    /// [`UnitError`].
    #[doc(hidden)]
    pub async fn limit_size(&self, bytes: Option<u64>) -> Result<(), UnitError> {
        self.ask(|answer| Job::Limit(bytes, answer)).await
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, UnitError>>) -> Job,
    ) -> Result<T, UnitError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(job(answer)).await.map_err(|_| UnitError::Closed)?;
        answered.await.map_err(|_| UnitError::Closed)?
    }
}

//! The broadcast hub: *commit -> encode once -> match once -> fan out*.
//!
//! One task owns the head. It takes commits from the store in order, encodes each event once, finds the
//! connections that asked for it through an index of patterns, and puts the same bytes into their bounded
//! queues. A broadcast is a hurry-up, never the truth: a connection whose queue is full is *behind*, reads
//! on from the ring or the store at its own pace, and goes back to live in one turn of the hub. Nothing is
//! ever dropped but signals, which are latest-wins.
//!
//! | module | holds |
//! |---|---|
//! | [`Hub`] | the handle: connect, signal, who may see what |
//! | [`Connection`] | one reader: groups of subscriptions, live or catching up |
//! | `task` | the one task: commits and turns |
//! | `opening` | what becomes of subscriptions: replayed, or too much missed |
//! | `group` | subscriptions that are read together, and how far they have come |
//! | `index` | patterns to connections; cost grows with matches |
//! | `ring` | the newest events, encoded |
//! | `history` | stretches of the log before them, read and encoded once for all who are late |
//! | `queue` | what waits for one connection |
//! | `lanes`, `work` | how many of the late read at once, and how much; a look into the log |
//! | `kept` | signals that are kept for whoever subscribes later |
//!
//! The hub knows no socket, no HTTP and no frame but the event frame it shares.

mod connection;
mod group;
mod history;
mod index;
mod kept;
mod lanes;
mod opening;
mod queue;
mod ring;
mod task;
mod work;

use std::{
    sync::{
        Arc, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use domain::{Access, Epoch, Position, RoomId, SessionId, Subject, Token, Tokens, UserId, access};
use store::{Commit, Filter, ReadError, Store};
use tokio::sync::{mpsc, watch};

pub use connection::{Connection, Delivery};
pub use queue::{Ended, Line, Taken};

/// How long to wait for the hub to publish what is on disk before giving it up for stopped.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bounds.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many bytes of encoded events the ring keeps for those who are a little late.
    pub ring_bytes: usize,
    /// How many bytes may wait for one connection before it is behind.
    pub queue_bytes: usize,
    /// How many events are read from the store at a time for one late connection.
    pub chunk: usize,
    /// How many late connections may read, and write what they read, at once.
    pub lanes: usize,
    /// How long a connection to which nothing happens is not told how far the log has come.
    pub quiet: Duration,
    /// How many connections one person may have at once.
    pub connections_per_user: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ring_bytes: 16 << 20,
            queue_bytes: 1 << 20,
            chunk: 500,
            lanes: 2,
            quiet: Duration::from_secs(1),
            connections_per_user: 100,
        }
    }
}

/// A handle to the hub. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    turns: mpsc::UnboundedSender<task::Turn>,
    shared: Arc<Shared>,
}

/// What the hub's task and the connections look at together.
struct Shared {
    store: Store,
    options: Options,
    /// Everything up to here has been put into every live queue it belongs in.
    published: watch::Sender<Position>,
    ring: RwLock<ring::Ring>,
    history: history::History,
    access: RwLock<Access>,
    kept: RwLock<kept::Kept>,
    lanes: lanes::Lanes,
    connections: AtomicUsize,
}

impl Shared {
    fn published(&self) -> Position {
        *self.published.borrow()
    }

    /// Waits until everything up to a position has been published. It is on disk already, so this takes as
    /// long as one turn of the hub.
    async fn reached(&self, position: Position) -> Result<(), HubError> {
        let mut published = self.published.subscribe();
        let reached = published.wait_for(|published| *published >= position);
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(HubError::Closed),
        }
    }

    fn tokens(&self, user: Option<UserId>) -> Tokens {
        self.access.read().expect("no holder of this lock panics").tokens(user)
    }
}

/// Why a request to the hub came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The hub's task is gone: the server is shutting down.
    #[error("The server is shutting down.")]
    Closed,
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Hub {
    /// Folds from the log who may see what, and starts the hub's task.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn start(
        store: Store,
        commits: mpsc::Receiver<Commit>,
        options: Options,
    ) -> Result<Self, ReadError> {
        let head = store.head();
        let access = read_access(&store, head).await?;
        let shared = Arc::new(Shared {
            published: watch::Sender::new(head),
            ring: RwLock::new(ring::Ring::new(options.ring_bytes, head)),
            history: history::History::new(),
            access: RwLock::new(access),
            kept: RwLock::default(),
            lanes: lanes::Lanes::new(options.lanes),
            connections: AtomicUsize::new(0),
            store,
            options,
        });
        let (turns, inbox) = mpsc::unbounded_channel();
        tokio::spawn(task::run(shared.clone(), commits, inbox));
        Ok(Self { turns, shared })
    }

    /// A new reader for somebody, with no subscription yet.
    ///
    /// # Errors
    /// [`HubError::Closed`] while shutting down.
    pub async fn connect(
        &self,
        user: Option<UserId>,
        session: Option<SessionId>,
    ) -> Result<Connection, HubError> {
        Connection::new(self.turns.clone(), self.shared.clone(), user, session).await
    }

    /// Sends an ephemeral signal to whoever asked for its subject and is in its audience. Latest wins: of
    /// several waiting signals with one subject only the newest is delivered.
    ///
    /// # Errors
    /// [`HubError::Closed`] while shutting down.
    pub fn signal(
        &self,
        subject: Subject,
        audience: domain::Audience,
        frame: bytes::Bytes,
    ) -> Result<(), HubError> {
        let turn = task::Turn::Signal { subject, audience, frame };
        self.turns.send(turn).map_err(|_| HubError::Closed)
    }

    /// As [`Hub::signal`], and keeps it: whoever subscribes later gets the newest of each subject that is kept.
    /// `None` keeps it no longer.
    ///
    /// # Errors
    /// [`HubError::Closed`] while shutting down.
    pub fn retain(
        &self,
        subject: Subject,
        audience: domain::Audience,
        frame: Option<bytes::Bytes>,
    ) -> Result<(), HubError> {
        let turn = task::Turn::Retain { subject, audience, frame };
        self.turns.send(turn).map_err(|_| HubError::Closed)
    }

    /// Tells every connection, and every later one, that the server is about to restart.
    pub fn drain(&self) {
        // If the hub is gone, nobody is connected.
        let _ = self.turns.send(task::Turn::Drain);
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Everything up to here has been published.
    #[must_use]
    pub fn published(&self) -> Position {
        self.shared.published()
    }

    /// Follows [`Hub::published`]: wakes whoever reads the log by itself.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<Position> {
        self.shared.published.subscribe()
    }

    /// Waits until everything up to a position, which is on disk, has been published.
    ///
    /// # Errors
    /// [`HubError::Closed`] if the hub has stopped.
    pub async fn reached(&self, position: Position) -> Result<(), HubError> {
        self.shared.reached(position).await
    }

    /// The token that what happens in a room is for; `None` if there is no such room for this person.
    #[must_use]
    pub fn room_token(&self, room: &RoomId, user: Option<UserId>) -> Option<Token> {
        let access = self.shared.access.read().expect("no holder of this lock panics");
        access.room_token(room, &access.tokens(user))
    }

    /// The life of the log.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.shared.store.epoch()
    }

    /// The tokens somebody holds now.
    #[must_use]
    pub fn tokens(&self, user: Option<UserId>) -> Tokens {
        self.shared.tokens(user)
    }
}

async fn read_access(store: &Store, head: Position) -> Result<Access, ReadError> {
    let mut access = Access::default();
    let mut after = Position::START;
    let filter =
        Filter { kinds: Some(access::KINDS.to_vec()), before_or_at: Some(head), ..Filter::everything() };
    while after < head {
        let page = store.read(after, &filter, 5_000).await?;
        for recorded in &page.events {
            match recorded.decode() {
                Ok(envelope) => {
                    access.fold(&envelope.event);
                }
                Err(error) => {
                    tracing::error!(position = %recorded.meta.position, %error, "an access event is unreadable");
                }
            }
        }
        if page.next <= after {
            break;
        }
        after = page.next;
    }
    Ok(access)
}

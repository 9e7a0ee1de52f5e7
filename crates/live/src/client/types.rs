//! What a client session is made with and what it says to its driver.

use std::sync::Arc;

use domain::{Actor, Cursor, Recorded, Subject};
use serde_json::value::RawValue;

use crate::subscription::Sid;

/// What a page's session is made with.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Where the jitter comes from: any number that differs from page to page.
    pub seed: u64,
    /// What the page's names begin with on the wire, where several pages share one line. Up to 8 of a name's
    /// characters.
    pub prefix: String,
    /// The build this page was made by, if it knows; else the first that welcomes it.
    pub build: Option<String>,
    /// The longest first wait after a failure, in milliseconds. It doubles from there.
    pub base_ms: u64,
    /// The longest wait of all.
    pub cap_ms: u64,
    /// How long a connection may take, from the first attempt to `welcome`; twice, for its two halves.
    pub connect_ms: u64,
    /// How long after the server's ping is due the line counts as dead.
    pub pong_ms: u64,
    /// A connection that held this long was a success: waiting begins from `base_ms` again.
    pub stable_ms: u64,
}

impl ClientConfig {
    /// The usual times.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            prefix: String::new(),
            build: None,
            base_ms: 250,
            cap_ms: 30_000,
            connect_ms: 10_000,
            pong_ms: 8_000,
            stable_ms: 5_000,
        }
    }
}

/// How the page is connected: what the shell's pill shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// An attempt is under way.
    Connecting,
    /// Connected and welcomed.
    Live,
    /// The next attempt is at this instant.
    Reconnecting {
        /// In milliseconds, on the same clock as every `now`.
        at: u64,
    },
    /// The device says that it has no network. Attempts go on, in case it is wrong.
    Offline,
    /// There is no point in trying again without doing something: sign in, reload.
    Stopped {
        /// See [`crate::CloseCode`].
        code: u16,
        /// A sentence for people.
        why: String,
    },
}

/// What the driver does next.
#[derive(Debug, Clone)]
pub enum ClientOutput {
    /// Open a socket.
    Connect,
    /// Send this text.
    Send(String),
    /// Close the socket. Nothing that it still says may be fed in any more.
    Disconnect,
    /// Fold this event into the subscription's view. Shared if several asked for it. Its type may be unknown
    /// to this build: that is the application's to decide.
    Apply {
        /// Whose.
        sid: Sid,
        /// What happened.
        event: Arc<Recorded>,
    },
    /// Everything for this subscription up to here has been applied.
    Advanced {
        /// Whose.
        sid: Sid,
        /// Where it stands.
        cursor: Cursor,
    },
    /// Fetch a fresh view and call [`super::ClientSession::resynced`] with its cursor.
    Resync {
        /// Whose.
        sid: Sid,
    },
    /// The subscription has caught up.
    Live {
        /// Which.
        sid: Sid,
    },
    /// Something ephemeral.
    Signal {
        /// Under `signal.`.
        subject: Subject,
        /// Anything.
        data: Box<RawValue>,
        /// Who sent it.
        actor: Option<Actor>,
    },
    /// The server did not do something, or said something that cannot be read here. A subscription that is
    /// named is gone.
    Refused {
        /// Which subscription, if it is one.
        sid: Option<Sid>,
        /// A stable name, for example `bad_pattern`.
        code: String,
        /// A sentence for people.
        why: String,
    },
    /// How the page is connected has changed.
    Status(Status),
    /// The server is of another build than this page: offer to reload. Said once.
    NewBuild(String),
}

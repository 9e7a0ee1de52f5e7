//! What a server session is made with and what it says to its driver.

use std::sync::Arc;

use bytes::Bytes;
use domain::{Cursor, Epoch, Pattern, Position, Subject};
use serde_json::value::RawValue;

use crate::{
    frames::{Encoded, Limits, ServerFrame},
    subscription::{OnGap, Sid},
};

/// What one connection is made with.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The connection's name, for logs.
    pub conn: String,
    /// The life of the log.
    pub epoch: Epoch,
    /// Where the log ends now.
    pub head: Position,
    /// Which build serves.
    pub build: Arc<str>,
    /// How often to ping, in milliseconds.
    pub ping_ms: u64,
    /// How long to wait for any frame after a ping.
    pub pong_ms: u64,
    /// How long to wait for `hello`.
    pub hello_ms: u64,
    /// What the client may do.
    pub limits: Limits,
}

impl ServerConfig {
    /// The usual times and limits.
    #[must_use]
    pub fn new(conn: impl Into<String>, epoch: Epoch, head: Position, build: impl Into<Arc<str>>) -> Self {
        Self {
            conn: conn.into(),
            epoch,
            head,
            build: build.into(),
            ping_ms: 25_000,
            pong_ms: 8_000,
            hello_ms: 10_000,
            limits: Limits::default(),
        }
    }
}

/// One subscription to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSub {
    /// Its name.
    pub sid: Sid,
    /// What it asks for.
    pub pattern: Pattern,
    /// Where it begins; without, at the head. The epoch may be foreign and the position past the head: then
    /// its outcome is [`crate::Outcome::Resync`].
    pub since: Option<Cursor>,
    /// When to say [`crate::Outcome::Resync`] rather than to replay.
    pub on_gap: OnGap,
}

/// A stretch of the log, as one group sees it.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Where the group's last batch ended.
    pub prev: Position,
    /// Everything up to here was considered.
    pub pos: Position,
    /// The events in position order. What one subscription of the group has seen already may be among them.
    pub events: Vec<Encoded>,
}

/// Frames on their way out. What many get is bytes already; the rest is written by the transport.
#[derive(Debug, Clone)]
pub enum Outgoing {
    /// Events, the same bytes for everybody.
    Events(Vec<Encoded>),
    /// A signal, encoded by [`crate::signal_frame`]: the same bytes for everybody.
    Signal(Bytes),
    /// What concerns this connection alone.
    Frame(ServerFrame),
}

impl Outgoing {
    /// Each frame as one line, with its newline, appended to a text.
    pub fn lines_into(&self, text: &mut Vec<u8>) {
        match self {
            Outgoing::Events(events) => {
                return events.iter().for_each(|event| text.extend_from_slice(&event.line()));
            }
            Outgoing::Signal(frame) => text.extend_from_slice(frame),
            Outgoing::Frame(frame) => frame.encode_into(text),
        }
        text.push(b'\n');
    }
}

/// What the driver does next.
#[derive(Debug, Clone)]
pub enum ServerOutput {
    /// Write these frames as one text message, one a line.
    Write(Vec<Outgoing>),
    /// Open a reader and answer with [`super::ServerSession::on_opened`].
    Open {
        /// The reader's name.
        group: u32,
        /// Whom it reads for. Empty if the client begins with nothing: the main group then stands at the head.
        subs: Vec<OpenSub>,
    },
    /// This subscription wants nothing any more.
    Close {
        /// Which.
        sid: Sid,
    },
    /// Check, stamp and spread this signal.
    Signal {
        /// Under `signal.`.
        subject: Subject,
        /// What the client sent.
        data: Box<RawValue>,
    },
    /// Write what is queued, then close the connection.
    Disconnect {
        /// The close code.
        code: u16,
        /// A sentence for people.
        why: String,
    },
}

//! What a server session is made with and what it says to its driver.

use std::sync::Arc;

use bytes::Bytes;
use domain::{Cursor, Epoch, Pattern, Position, Subject};
use serde_json::value::RawValue;

use crate::{
    batch::{Batch, Encoded},
    frames::{Limits, ServerFrame},
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

/// Frames on their way out. What many get is bytes already; the rest is written by the transport.
#[derive(Debug, Clone)]
pub enum Outgoing {
    /// Events and how far they go: the same bytes for everybody who gets this batch.
    Batch(Arc<Batch>),
    /// A batch for subscriptions that are read on their own.
    Apart {
        /// The batch.
        batch: Arc<Batch>,
        /// For which subscriptions.
        sids: Vec<Sid>,
    },
    /// A signal, encoded by [`crate::signal_frame`]: the same bytes for everybody.
    Signal(Bytes),
    /// What concerns this connection alone.
    Frame(ServerFrame),
}

impl Outgoing {
    /// Events, if there are any.
    #[must_use]
    pub fn events(&self) -> &[Encoded] {
        match self {
            Outgoing::Batch(batch) | Outgoing::Apart { batch, .. } => &batch.events,
            Outgoing::Signal(_) | Outgoing::Frame(_) => &[],
        }
    }

    /// Appends its frames to a text, one a line, each with its newline.
    pub fn lines_into(&self, text: &mut Vec<u8>) {
        self.events().iter().for_each(|event| text.extend_from_slice(&event.line()));
        match self {
            Outgoing::Batch(batch) => batch.flush(None).encode_into(text),
            Outgoing::Apart { batch, sids } => batch.flush(Some(sids)).encode_into(text),
            Outgoing::Signal(frame) => text.extend_from_slice(frame),
            Outgoing::Frame(frame) => frame.encode_into(text),
        }
        text.push(b'\n');
    }

    /// Its frames as blocks of an event stream, with cursors of the log's epoch.
    #[must_use]
    pub fn blocks(&self, epoch: Epoch) -> Bytes {
        let mut text = Vec::new();
        match self {
            Outgoing::Batch(batch) => return batch.blocks(epoch),
            Outgoing::Apart { batch, sids } => {
                batch.events.iter().for_each(|event| text.extend_from_slice(&event.block()));
                batch.flush(Some(sids)).block_into(epoch, &mut text);
            }
            Outgoing::Signal(frame) => {
                text.extend_from_slice(b"event: signal\ndata: ");
                text.extend_from_slice(frame);
                text.extend_from_slice(b"\n\n");
            }
            Outgoing::Frame(frame) => frame.block_into(epoch, &mut text),
        }
        text.into()
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

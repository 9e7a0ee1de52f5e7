//! What is said over the wire: JSON objects tagged by `kind`, several to one text message, separated by
//! newlines. The same frames over every transport.
//!
//! A frame is read in two steps, its `kind` and then the rest, because unparsed JSON ([`RawValue`]) does not
//! survive serde's tagged enums. An event's bytes pass through the server unparsed, see [`crate::Encoded`].

use std::borrow::Cow;

use bytes::Bytes;
use domain::{Actor, Cursor, Epoch, Position, Recorded, Subject};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    batch::EVENT_OPEN,
    close::{Close, CloseCode},
    subscription::{OnGap, Outcome, Sid},
};

/// The version of the protocol: `hello.v`.
pub const VERSION: u32 = 1;

/// The id of the last block of an event stream that is over for good. A stock client that comes back all the same names
/// it as its `Last-Event-ID`.
pub const OVER: &str = "over";

/// What a client may do before it is refused by name; told in `welcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// The largest text message from a client, in bytes.
    pub frame_bytes: usize,
    /// Subscriptions at once.
    pub subscriptions: usize,
    /// Further subscriptions a second; at once, as many as there may be.
    pub subscribes_per_s: u32,
    /// Signals a second, and as many at once.
    pub signals_per_s: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame_bytes: 64 * 1024, subscriptions: 128, subscribes_per_s: 20, signals_per_s: 20 }
    }
}

/// From the client.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ClientFrame {
    /// The first frame: everything wanted from the start, in one pass.
    Hello(Hello),
    /// One more subscription.
    Sub(Sub),
    /// One less.
    Unsub(Unsub),
    /// Something ephemeral.
    Signal(Signal),
    /// The answer to `ping`.
    Pong,
}

/// See [`ClientFrame::Hello`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hello {
    /// The protocol's version, [`VERSION`].
    pub v: u32,
    /// The subscriptions to begin with.
    #[serde(default)]
    pub subs: Vec<Sub>,
}

/// A wish to subscribe, as texts: what is wrong with one harms only that one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sub {
    /// Its name, see [`Sid`].
    pub sid: String,
    /// What it asks for, see [`domain::Pattern`].
    #[serde(rename = "match")]
    pub pattern: String,
    /// The cursor after which it begins, see [`Cursor`]; without one, at the head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// See [`OnGap`]; without one, `replay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_gap: Option<String>,
}

impl Sub {
    /// The frame of a subscription that is known to be sound.
    #[must_use]
    pub fn new(sid: &Sid, pattern: &domain::Pattern, since: Option<Cursor>, on_gap: OnGap) -> Self {
        Self {
            sid: sid.to_string(),
            pattern: pattern.to_string(),
            since: since.map(|cursor| cursor.to_string()),
            on_gap: Some(on_gap.to_string()),
        }
    }
}

/// See [`ClientFrame::Unsub`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unsub {
    /// Whose end.
    pub sid: String,
}

/// Something ephemeral, in either direction.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Signal {
    /// Under `signal.`.
    pub subject: Subject,
    /// Anything.
    pub data: Box<RawValue>,
    /// Who sent it: stamped by the server, ignored from a client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
}

/// From the server.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The answer to `hello`.
    Welcome(Welcome),
    /// What became of a subscription.
    Subbed(Subbed),
    /// One event. The server writes it with [`crate::Encoded`].
    Event(Box<EventFrame>),
    /// Everything up to here was considered.
    Flush(Flush),
    /// Something ephemeral.
    Signal(Signal),
    /// Something was not done; nothing else is harmed.
    Refused(Refused),
    /// Answer with `pong`.
    Ping,
    /// The connection ends now.
    Bye(Bye),
}

/// See [`ServerFrame::Welcome`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The connection's name, for logs.
    pub conn: String,
    /// The life of the log that positions belong to.
    pub epoch: Epoch,
    /// Where the log ended when the connection was opened.
    pub head: Position,
    /// Which build serves.
    pub build: Cow<'static, str>,
    /// A ping comes this often, in milliseconds.
    pub ping_ms: u64,
    /// What the client may do.
    pub limits: Limits,
}

/// See [`ServerFrame::Subbed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subbed {
    /// Which subscription.
    pub sid: Sid,
    /// What became of it.
    pub outcome: Outcome,
    /// Where it stands now. None with `resync`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pos: Option<Position>,
}

/// See [`ServerFrame::Event`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventFrame {
    /// The CloudEvents envelope.
    pub event: Recorded,
}

/// See [`ServerFrame::Flush`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flush {
    /// Everything up to here was considered.
    pub pos: Position,
    /// From here.
    pub prev: Position,
    /// For which subscriptions; without, for all that are not replayed on their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sids: Option<Vec<Sid>>,
}

/// See [`ServerFrame::Refused`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Which subscription, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<Sid>,
    /// A stable name, for example `bad_pattern`.
    pub code: Cow<'static, str>,
    /// A sentence for people.
    pub why: String,
}

/// See [`ServerFrame::Bye`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    /// See [`CloseCode`]; the range says what to do.
    pub code: u16,
    /// A sentence for people.
    pub why: String,
    /// Do not come back earlier than this, in milliseconds.
    #[serde(default)]
    pub retry_ms: u64,
    /// And then after a random share of this, in milliseconds.
    #[serde(default)]
    pub spread_ms: u64,
}

/// Why a text is not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Larger than may be sent.
    #[error("The frame has {bytes} bytes; at most {most} are allowed.")]
    TooLarge {
        /// What came.
        bytes: usize,
        /// What may come.
        most: usize,
    },
    /// Not an object with a `kind`, or not the fields that its kind has.
    #[error("The frame cannot be read: {0}.")]
    Malformed(String),
    /// The kind is not known here.
    #[error("There is no frame of kind {0:?}.")]
    UnknownKind(String),
    /// The frame is an event, but what it holds is not an envelope this build can read.
    #[error("The event cannot be read: {0}.")]
    BadEvent(String),
}

impl FrameError {
    /// A stable name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            FrameError::TooLarge { .. } => "frame_too_large",
            FrameError::Malformed(_) => "bad_frame",
            FrameError::UnknownKind(_) => "unknown_frame",
            FrameError::BadEvent(_) => "bad_event",
        }
    }

    /// What a connection that brought it is closed with.
    #[must_use]
    pub fn close(&self) -> CloseCode {
        match self {
            FrameError::TooLarge { .. } => CloseCode::FrameTooLarge,
            FrameError::Malformed(_) | FrameError::BadEvent(_) => CloseCode::BadFrame,
            FrameError::UnknownKind(_) => CloseCode::UnknownFrame,
        }
    }
}

impl ClientFrame {
    /// Reads one frame.
    ///
    /// # Errors
    /// [`FrameError::Malformed`] or [`FrameError::UnknownKind`].
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        match &*kind(text)? {
            "hello" => body(text).map(ClientFrame::Hello),
            "sub" => body(text).map(ClientFrame::Sub),
            "unsub" => body(text).map(ClientFrame::Unsub),
            "signal" => body(text).map(ClientFrame::Signal),
            "pong" => Ok(ClientFrame::Pong),
            other => Err(unknown(other)),
        }
    }

    /// Writes one frame.
    ///
    /// # Panics
    /// Never: every field is text, a number or JSON already.
    #[must_use]
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("a frame holds nothing that JSON cannot")
    }
}

impl ServerFrame {
    /// Reads one frame.
    ///
    /// # Errors
    /// [`FrameError`], of which [`FrameError::UnknownKind`] and [`FrameError::BadEvent`] are what a page that
    /// is older than its server must live with.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        // Nearly all frames are events, written exactly so.
        if let Some(event) = text.strip_prefix(EVENT_OPEN).and_then(|rest| rest.strip_suffix('}'))
            && let Ok(event) = serde_json::from_str(event)
        {
            return Ok(ServerFrame::Event(Box::new(EventFrame { event })));
        }
        match &*kind(text)? {
            "welcome" => body(text).map(ServerFrame::Welcome),
            "subbed" => body(text).map(ServerFrame::Subbed),
            "event" => body(text).map(ServerFrame::Event).map_err(|error| match error {
                FrameError::Malformed(why) => FrameError::BadEvent(why),
                other => other,
            }),
            "flush" => body(text).map(ServerFrame::Flush),
            "signal" => body(text).map(ServerFrame::Signal),
            "refused" => body(text).map(ServerFrame::Refused),
            "ping" => Ok(ServerFrame::Ping),
            "bye" => body(text).map(ServerFrame::Bye),
            other => Err(unknown(other)),
        }
    }

    /// Writes one frame.
    ///
    /// # Panics
    /// Never: every field is text, a number or JSON already.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut text = Vec::new();
        self.encode_into(&mut text);
        text.into()
    }

    /// Appends the frame to a text.
    ///
    /// # Panics
    /// Never: every field is text, a number or JSON already.
    pub fn encode_into(&self, text: &mut Vec<u8>) {
        serde_json::to_writer(text, self).expect("a frame holds nothing that JSON cannot");
    }

    /// Appends the frame as a block of an event stream (HTML Standard, section 9.2). It is named, so that a stock
    /// client's `onmessage` sees events only. A flush carries its cursor as the id: who comes back goes on there. After
    /// a `bye` that is for good, who comes back says so: [`OVER`].
    pub fn block_into(&self, epoch: Epoch, text: &mut Vec<u8>) {
        text.extend_from_slice(b"event: ");
        text.extend_from_slice(self.kind().as_bytes());
        if let ServerFrame::Flush(flush) = self {
            let cursor = Cursor { epoch, position: flush.pos };
            text.extend_from_slice(format!("\nid: {cursor}").as_bytes());
        }
        if let ServerFrame::Bye(bye) = self
            && Close::of(Some(bye.code)) == Close::Stop
        {
            text.extend_from_slice(format!("\nid: {OVER}").as_bytes());
        }
        text.extend_from_slice(b"\ndata: ");
        self.encode_into(text);
        text.extend_from_slice(b"\n\n");
    }

    /// What tells it from the others: the value of `kind`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            ServerFrame::Welcome(_) => "welcome",
            ServerFrame::Subbed(_) => "subbed",
            ServerFrame::Event(_) => "event",
            ServerFrame::Flush(_) => "flush",
            ServerFrame::Signal(_) => "signal",
            ServerFrame::Refused(_) => "refused",
            ServerFrame::Ping => "ping",
            ServerFrame::Bye(_) => "bye",
        }
    }
}

/// The frame of a signal, stamped with who sent it. Called once per signal; the bytes are shared.
#[must_use]
pub fn signal_frame(subject: Subject, data: Box<RawValue>, actor: Option<Actor>) -> Bytes {
    ServerFrame::Signal(Signal { subject, data, actor }).encode()
}

/// The frames of one text message. Empty lines are nobody's mistake.
pub fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').filter(|frame| !frame.trim_ascii().is_empty())
}

fn kind(text: &str) -> Result<Cow<'_, str>, FrameError> {
    #[derive(Deserialize)]
    struct Tagged<'a> {
        #[serde(borrow)]
        kind: Cow<'a, str>,
    }
    // A derived struct would also be read from an array; a frame is an object.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(FrameError::Malformed("it is not a JSON object".into()));
    }
    serde_json::from_str::<Tagged<'_>>(text).map(|tagged| tagged.kind).map_err(malformed)
}

fn body<T: DeserializeOwned>(text: &str) -> Result<T, FrameError> {
    serde_json::from_str(text).map_err(malformed)
}

fn malformed(error: serde_json::Error) -> FrameError {
    FrameError::Malformed(shorten(&error.to_string()))
}

fn unknown(kind: &str) -> FrameError {
    FrameError::UnknownKind(shorten(kind))
}

/// Error texts go back over the wire: never echo an arbitrarily long input.
fn shorten(text: &str) -> String {
    text.chars().take(200).collect()
}

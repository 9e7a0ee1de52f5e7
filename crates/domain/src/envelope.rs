//! An event as it is stored and travels: CloudEvents 1.0 in JSON, so that any SDK reads it without our
//! code. Attribute names are lower-case alphanumeric, as the specification (section "Attribute naming
//! convention") demands.
//!
//! [`Recorded`] keeps the payload unparsed, so that it passes through the hub untouched, even when its
//! type is unknown. [`Envelope`] is the same with the payload understood.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    audience::Audience,
    command::Actor,
    contract::{self, Event},
    ids::{EventId, InvalidId, StreamId, shorten},
    subject::Subject,
    time::Timestamp,
};

/// A place in the log's total order. The first event is at 1; 0 is "before everything".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event.
    pub const START: Position = Position(0);

    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Position {
        Position(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Position {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|_| digits)
            .map(Position)
            .ok_or_else(|| InvalidId(format!("{:?} is not a position", shorten(text))))
    }
}

/// Which life of the log a position belongs to. A restored, shorter log has a new epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Epoch {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let hex = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        u64::from_str_radix(text, 16)
            .ok()
            .filter(|_| hex)
            .map(Epoch)
            .ok_or_else(|| InvalidId(format!("{:?} is not an epoch", shorten(text))))
    }
}

/// How far a reader has come: `epoch.position`. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The life of the log.
    pub epoch: Epoch,
    /// Everything up to and including this position has been considered.
    pub position: Position,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.position)
    }
}

impl FromStr for Cursor {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (epoch, position) =
            text.split_once('.').ok_or_else(|| InvalidId(format!("{:?} is not a cursor", shorten(text))))?;
        Ok(Self { epoch: epoch.parse()?, position: position.parse()? })
    }
}

macro_rules! serde_as_text {
    ($($name:ty),+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

serde_as_text!(Epoch, Cursor);

/// Everything about an event but its payload.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// Where it stands in the total order (`sequence`).
    pub position: Position,
    /// Its unique id.
    pub id: EventId,
    /// Its type, for example `chat.message_posted`.
    pub kind: Cow<'static, str>,
    /// The schema version the payload was stored with.
    pub schema: u16,
    /// Where it is published.
    pub subject: Subject,
    /// When it was recorded; never decreasing along the log.
    pub time: Timestamp,
    /// Its consistency boundary (`partitionkey`).
    pub stream: StreamId,
    /// Its position inside the stream, from 1.
    pub version: u64,
    /// The first command of the flow.
    pub correlation: Uuid,
    /// The command or event that directly caused this one.
    pub causation: Uuid,
    /// How many reactions deep.
    pub hop: u8,
    /// W3C trace context of the flow's start.
    pub traceparent: Option<String>,
    /// Who did it.
    pub actor: Actor,
    /// Who may see it.
    pub audience: Audience,
}

/// A recorded event whose payload is not parsed.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Everything but the payload.
    pub meta: Meta,
    /// The payload, as stored.
    pub data: Box<RawValue>,
}

/// A recorded event whose payload is understood and lifted to the current version.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// Everything but the payload. `schema` still says what was stored.
    pub meta: Meta,
    /// What happened.
    pub event: Event,
}

/// Why a recorded event cannot be understood here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// The type is not in this build's contract.
    #[error("unknown event type {0:?}")]
    UnknownType(String),
    /// The version is newer than this build's contract.
    #[error("{kind} version {schema} is newer than this build, which knows up to {known}")]
    NewerVersion {
        /// The type.
        kind: String,
        /// The version met.
        schema: u16,
        /// The newest version known.
        known: u16,
    },
    /// The payload does not fit its schema.
    #[error("{kind} version {schema}: {why}")]
    BadData {
        /// The type.
        kind: String,
        /// The version.
        schema: u16,
        /// What does not fit.
        why: String,
    },
}

impl Recorded {
    /// Parses the payload and lifts it to the current version.
    ///
    /// # Errors
    /// [`Undecodable`] if this build does not know the type or version, or the payload is not what its
    /// schema says.
    pub fn decode(&self) -> Result<Envelope, Undecodable> {
        let event = contract::decode(&self.meta.kind, self.meta.schema, self.data.get())?;
        Ok(Envelope { meta: self.meta.clone(), event })
    }

    /// The event as CloudEvents JSON. Done once per event; the bytes are shared from then on.
    ///
    /// # Panics
    /// Never: every field is text or a number and the payload is JSON already.
    #[must_use]
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("an envelope holds nothing that JSON cannot")
    }
}

impl Envelope {
    /// The event with its payload written out in the current version.
    #[must_use]
    pub fn to_recorded(&self) -> Recorded {
        let mut meta = self.meta.clone();
        meta.schema = self.event.kind().version;
        Recorded { meta, data: self.event.data() }
    }
}

/// The JSON shape. Flat, because a raw payload cannot pass through a flattened or tagged field.
#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    specversion: Cow<'a, str>,
    id: EventId,
    source: Cow<'a, str>,
    #[serde(rename = "type")]
    kind: Cow<'a, str>,
    subject: Cow<'a, Subject>,
    time: Timestamp,
    datacontenttype: Cow<'a, str>,
    dataschema: Cow<'a, str>,
    sequence: Cow<'a, str>,
    partitionkey: Cow<'a, StreamId>,
    streamversion: u64,
    correlationid: Uuid,
    causationid: Uuid,
    #[serde(default, skip_serializing_if = "is_zero")]
    hop: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<Cow<'a, str>>,
    actor: Cow<'a, Actor>,
    audience: Cow<'a, Audience>,
    data: Cow<'a, RawValue>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(hop: &u8) -> bool {
    *hop == 0
}

/// The context of a type: what comes before its first dot.
fn context(kind: &str) -> &str {
    kind.split_once('.').map_or(kind, |(context, _)| context)
}

/// What `dataschema` says of a version of a type: an absolute URI, as the specification demands. Its path is
/// where every server of this contract has the schema; which server does not matter, so none is named.
#[must_use]
pub fn dataschema(kind: &str, version: u16) -> String {
    format!("hubbub:/schemas/{kind}/{version}")
}

impl Serialize for Recorded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let meta = &self.meta;
        Wire {
            specversion: "1.0".into(),
            id: meta.id,
            source: format!("/hubbub/{}", context(&meta.kind)).into(),
            kind: meta.kind.as_ref().into(),
            subject: Cow::Borrowed(&meta.subject),
            time: meta.time,
            datacontenttype: "application/json".into(),
            dataschema: dataschema(&meta.kind, meta.schema).into(),
            sequence: format!("{:020}", meta.position.0).into(),
            partitionkey: Cow::Borrowed(&meta.stream),
            streamversion: meta.version,
            correlationid: meta.correlation,
            causationid: meta.causation,
            hop: meta.hop,
            traceparent: meta.traceparent.as_deref().map(Cow::Borrowed),
            actor: Cow::Borrowed(&meta.actor),
            audience: Cow::Borrowed(&meta.audience),
            data: Cow::Borrowed(&self.data),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Recorded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let wire = Wire::deserialize(deserializer)?;
        if wire.specversion != "1.0" {
            return Err(D::Error::custom("specversion is not 1.0"));
        }
        let schema = wire
            .dataschema
            .rsplit_once('/')
            .and_then(|(_, version)| version.parse().ok())
            .ok_or_else(|| D::Error::custom("dataschema does not end in a version"))?;
        Ok(Self {
            meta: Meta {
                position: wire.sequence.parse().map_err(D::Error::custom)?,
                id: wire.id,
                kind: wire.kind.into_owned().into(),
                schema,
                subject: wire.subject.into_owned(),
                time: wire.time,
                stream: wire.partitionkey.into_owned(),
                version: wire.streamversion,
                correlation: wire.correlationid,
                causation: wire.causationid,
                hop: wire.hop,
                traceparent: wire.traceparent.map(Cow::into_owned),
                actor: wire.actor.into_owned(),
                audience: wire.audience.into_owned(),
            },
            data: wire.data.into_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nonsense_is_refused() {
        let cursor = Cursor { epoch: Epoch(0xabc), position: Position(7) };
        assert_eq!(cursor.to_string(), "0000000000000abc.7");
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in [
            "",
            "7",
            ".7",
            "0000000000000abc.",
            "0000000000000abc.-1",
            "0000000000000abc.+1",
            "x.7",
            "0000000000000abc.99999999999999999999",
        ] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad:?}");
        }
    }
}

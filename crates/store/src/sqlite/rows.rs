//! An event as columns and back.

use std::borrow::Cow;

use domain::{EventId, Position, Recorded, Timestamp, envelope::Meta};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::{Row, sqlite::SqliteRow};
use uuid::Uuid;

use crate::unit::kind_name;

/// An event as one value, which [`recorded`] reads: of each column by itself SQLite's thread would make a copy.
pub(super) const EVENT: &str = "json_array(events.pos, hex(events.event_id), events.stream_id, events.version, \
     events.type, events.schema_version, events.subject, events.recorded_at, hex(events.correlation_id), \
     hex(events.causation_id), events.hop, events.traceparent, events.actor, events.audience, events.data)";

/// What is in it, in this order.
#[derive(Deserialize)]
struct Columns<'a>(
    u64,
    Uuid,
    #[serde(borrow)] Cow<'a, str>,
    u64,
    #[serde(borrow)] Cow<'a, str>,
    u16,
    #[serde(borrow)] Cow<'a, str>,
    i64,
    Uuid,
    Uuid,
    u8,
    Option<String>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    String,
);

/// Inserts rows of [`row`].
pub(super) const INSERT: &str = "INSERT INTO events (pos, event_id, stream_id, version, type, schema_version, \
     subject, topic, recorded_at, correlation_id, causation_id, hop, traceparent, actor, audience, data) \
     SELECT row ->> 0, unhex(row ->> 1), row ->> 2, row ->> 3, row ->> 4, row ->> 5, row ->> 6, \
     row ->> 7, row ->> 8, unhex(row ->> 9), unhex(row ->> 10), row ->> 11, row ->> 12, row ->> 13, \
     row ->> 14, row ->> 15 FROM given";

/// An event from [`EVENT`].
pub(super) fn recorded(text: &str) -> sqlx::Result<Recorded> {
    event(serde_json::from_str(text).map_err(unreadable)?)
}

/// Events from a list of [`EVENT`].
pub(super) fn all_recorded(list: &str) -> sqlx::Result<Vec<Recorded>> {
    let list: Vec<Columns<'_>> = serde_json::from_str(list).map_err(unreadable)?;
    list.into_iter().map(event).collect()
}

fn event(columns: Columns<'_>) -> sqlx::Result<Recorded> {
    let Columns(
        position,
        id,
        stream,
        version,
        kind,
        schema,
        subject,
        time,
        correlation,
        causation,
        hop,
        traceparent,
        actor,
        audience,
        data,
    ) = columns;
    Ok(Recorded {
        meta: Meta {
            position: Position(position),
            id: EventId(id),
            stream: stream.parse().map_err(unreadable)?,
            version,
            kind: kind_name(&kind),
            schema,
            subject: subject.parse().map_err(unreadable)?,
            time: Timestamp::from_millis(time),
            correlation,
            causation,
            hop,
            traceparent,
            actor: actor.parse().map_err(unreadable)?,
            audience: audience.parse().map_err(unreadable)?,
        },
        data: RawValue::from_string(data).map_err(unreadable)?,
    })
}

/// An event as a row for [`INSERT`].
pub(super) fn row(event: &Recorded) -> impl Serialize {
    let meta = &event.meta;
    (
        signed(meta.position.0),
        meta.id.0.simple(),
        meta.stream.as_str(),
        signed(meta.version),
        &meta.kind,
        meta.schema,
        meta.subject.as_str(),
        meta.subject.topic(),
        meta.time.millis(),
        meta.correlation.simple(),
        meta.causation.simple(),
        meta.hop,
        &meta.traceparent,
        meta.actor.to_string(),
        meta.audience.to_string(),
        event.data.get(),
    )
}

/// A UUID from a blob of 16 bytes.
pub(super) fn uuid(row: &SqliteRow, column: usize) -> sqlx::Result<Uuid> {
    Uuid::from_slice(row.try_get::<&[u8], _>(column)?).map_err(unreadable)
}

/// A position.
pub(super) fn position(row: &SqliteRow, column: usize) -> sqlx::Result<Position> {
    Ok(Position(unsigned(row.try_get(column)?)?))
}

/// SQLite knows signed numbers only. A log never comes near the limit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The way back from [`signed`].
pub(super) fn unsigned(number: i64) -> sqlx::Result<u64> {
    u64::try_from(number).map_err(unreadable)
}

/// A row holds what nothing here has written.
pub(super) fn unreadable(why: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(why))
}

/// A list as a statement takes it, for `json_each`.
pub(super) fn json<T: Serialize>(list: &T) -> String {
    serde_json::to_string(list).expect("lists of texts and numbers are JSON")
}

/// Bytes as `unhex` takes them.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

//! An event as columns and back.

use domain::{EventId, Position, Recorded, Timestamp, envelope::Meta};
use serde_json::value::RawValue;
use sqlx::{Row, Sqlite, query_builder::Separated, sqlite::SqliteRow};
use uuid::Uuid;

use crate::unit::kind_name;

/// What [`recorded`] reads, in this order.
pub(super) const COLUMNS: &str = "events.pos, events.event_id, events.stream_id, events.version, events.type, \
     events.schema_version, events.subject, events.recorded_at, events.correlation_id, events.causation_id, \
     events.hop, events.traceparent, events.actor, events.audience, events.data";

/// What [`push`] writes, in this order.
pub(super) const INSERTED: &str = "pos, event_id, stream_id, version, type, schema_version, subject, topic, \
     recorded_at, correlation_id, causation_id, hop, traceparent, actor, audience, data";

/// An event from a row that has [`COLUMNS`] from column `at` on.
pub(super) fn recorded(row: &SqliteRow, at: usize) -> sqlx::Result<Recorded> {
    let text = |nth: usize| row.try_get::<&str, _>(at + nth);
    let number = |nth: usize| row.try_get::<i64, _>(at + nth);
    Ok(Recorded {
        meta: Meta {
            position: Position(unsigned(number(0)?)?),
            id: EventId(uuid(row, at + 1)?),
            stream: text(2)?.parse().map_err(unreadable)?,
            version: unsigned(number(3)?)?,
            kind: kind_name(text(4)?),
            schema: number(5)?.try_into().map_err(unreadable)?,
            subject: text(6)?.parse().map_err(unreadable)?,
            time: Timestamp::from_millis(number(7)?),
            correlation: uuid(row, at + 8)?,
            causation: uuid(row, at + 9)?,
            hop: number(10)?.try_into().map_err(unreadable)?,
            traceparent: row.try_get(at + 11)?,
            actor: text(12)?.parse().map_err(unreadable)?,
            audience: text(13)?.parse().map_err(unreadable)?,
        },
        data: RawValue::from_string(row.try_get(at + 14)?).map_err(unreadable)?,
    })
}

/// Binds an event as a row of [`INSERTED`].
pub(super) fn push(mut row: Separated<'_, Sqlite, &'static str>, event: &Recorded) {
    let meta = &event.meta;
    row.push_bind(signed(meta.position.0));
    row.push_bind(meta.id.0.as_bytes().to_vec());
    row.push_bind(meta.stream.to_string());
    row.push_bind(signed(meta.version));
    row.push_bind(meta.kind.clone().into_owned());
    row.push_bind(i64::from(meta.schema));
    row.push_bind(meta.subject.to_string());
    row.push_bind(meta.subject.topic().to_owned());
    row.push_bind(meta.time.millis());
    row.push_bind(meta.correlation.as_bytes().to_vec());
    row.push_bind(meta.causation.as_bytes().to_vec());
    row.push_bind(i64::from(meta.hop));
    row.push_bind(meta.traceparent.clone());
    row.push_bind(meta.actor.to_string());
    row.push_bind(meta.audience.to_string());
    row.push_bind(event.data.get().to_owned());
}

/// A UUID from a blob of 16 bytes.
pub(super) fn uuid(row: &SqliteRow, column: usize) -> sqlx::Result<Uuid> {
    Uuid::from_slice(row.try_get::<&[u8], _>(column)?).map_err(unreadable)
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

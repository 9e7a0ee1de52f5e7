//! Blanking what is personal in recorded events, and getting what was blanked out of the files.

use domain::{Position, Recorded, StreamId, contract};
use serde_json::value::RawValue;
use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use super::{
    open::{column, set_meta},
    rows::{EVENT, recorded, unreadable},
};

/// Blanks the personal fields of all events of the stream before `by`, and the hashes of the commands that
/// led to them. Returns the changed events as they are now.
pub(super) async fn stream(
    connection: &mut SqliteConnection,
    stream: &StreamId,
    by: Position,
) -> sqlx::Result<Vec<Recorded>> {
    let events: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT {EVENT} FROM events WHERE stream_id = ? AND pos < ? ORDER BY pos"
    )))
    .bind(stream.as_str())
    .bind(column(by))
    .fetch_all(&mut *connection)
    .await?;
    let mut changed = Vec::new();
    for event in events {
        let event = recorded(&event)?;
        let blanked = contract::redacted(&event.meta.kind, event.data.get());
        if let Some(data) = blanked.filter(|data| data != event.data.get()) {
            overwrite(connection, event.meta.position, &data).await?;
            changed.push(Recorded { data: RawValue::from_string(data).map_err(unreadable)?, ..event });
        }
    }
    set_meta(connection, "redacted", column(by)).await?;
    Ok(changed)
}

/// Says which event is being redacted, as the trigger demands, and overwrites its payload.
async fn overwrite(connection: &mut SqliteConnection, at: Position, data: &str) -> sqlx::Result<()> {
    for statement in [
        "INSERT INTO redacting (pos) VALUES (?1)",
        "UPDATE events SET data = ?2 WHERE pos = ?1",
        "DELETE FROM redacting WHERE pos = ?1",
        // A unit's commands carry the position of its last event.
        "UPDATE commands SET body_hash = x'' WHERE pos = (SELECT min(pos) FROM commands WHERE pos >= ?1)",
    ] {
        let mut query = sqlx::query(statement).bind(column(at));
        if statement.contains("?2") {
            query = query.bind(data);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Empties the write-ahead log into the database, so that pages from before are in no file any more.
/// Returns whether that is done; a reader may be in the way.
pub(super) async fn truncate(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(connection).await?;
    Ok(row.try_get::<i64, _>(0)? == 0)
}

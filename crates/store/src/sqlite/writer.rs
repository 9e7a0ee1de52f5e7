//! The one connection that writes.

use std::{fs::File, sync::Arc};

use domain::{CommandId, Epoch, Position, Recorded, Refusal, StreamId, Timestamp};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePool, SqliteRow},
};

use super::{
    folder::Sidecar,
    insert,
    open::{column, probe},
    redact,
    rows::{COLUMNS, recorded, unreadable, unsigned, uuid},
    views::Views,
};
use crate::{
    engine::{Acceptance, CommandKey, Engine, Fault, Tail},
    unit::Effect,
};

/// See the module. The lock is held as long as this lives.
pub(crate) struct SqliteEngine {
    /// None after a fault that the connection has not survived.
    pub(super) connection: Option<SqliteConnection>,
    pub(super) writing: SqliteConnectOptions,
    pub(super) pool: SqlitePool,
    pub(super) views: Arc<Views>,
    pub(super) sidecar: Sidecar,
    pub(super) epoch: Epoch,
    pub(super) _lock: File,
}

impl SqliteEngine {
    fn connection(&mut self) -> Result<&mut SqliteConnection, Fault> {
        self.connection.as_mut().ok_or_else(|| Fault("The database is not open at the moment.".to_owned()))
    }
}

impl Engine for SqliteEngine {
    async fn begin(&mut self) -> Result<(), Fault> {
        // Takes the write lock now and not at the first write, when it may be too late.
        sqlx::query("BEGIN IMMEDIATE").execute(self.connection()?).await?;
        Ok(())
    }

    async fn accepted(&mut self, keys: &[CommandKey]) -> Result<Vec<Acceptance>, Fault> {
        let keys: Vec<(&str, String)> =
            keys.iter().map(|(actor, id)| (actor.as_str(), id.0.simple().to_string())).collect();
        let rows = sqlx::query(
            "SELECT commands.actor, commands.command_id, commands.body_hash, commands.pos,
                    commands.receipt
             FROM json_each(?) AS wanted CROSS JOIN commands
             ON commands.actor = wanted.value ->> 0 AND commands.command_id = unhex(wanted.value ->> 1)",
        )
        .bind(json(&keys))
        .fetch_all(self.connection()?)
        .await?;
        Ok(rows.iter().map(acceptance).collect::<sqlx::Result<_>>()?)
    }

    async fn load(&mut self, streams: &[StreamId]) -> Result<Vec<Recorded>, Fault> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM json_each(?) AS wanted CROSS JOIN events
             ON events.stream_id = wanted.value ORDER BY events.stream_id, events.version"
        )))
        .bind(json(&streams))
        .fetch_all(self.connection()?)
        .await?;
        Ok(rows.iter().map(|row| recorded(row, 0)).collect::<sqlx::Result<_>>()?)
    }

    async fn append(&mut self, events: &[Recorded]) -> Result<(), Fault> {
        Ok(insert::events(self.connection()?, events).await?)
    }

    async fn accept(&mut self, acceptances: &[Acceptance]) -> Result<(), Fault> {
        Ok(insert::acceptances(self.connection()?, acceptances).await?)
    }

    async fn apply(&mut self, effects: &[Effect], now: Timestamp) -> Result<Result<(), Refusal>, Fault> {
        Ok(insert::effects(self.connection()?, effects, now).await?)
    }

    async fn redact(&mut self, stream: &StreamId, by: Position) -> Result<Vec<Recorded>, Fault> {
        Ok(redact::stream(self.connection()?, stream, by).await?)
    }

    async fn probe(&mut self) -> Result<(), Fault> {
        Ok(probe(self.connection()?).await?)
    }

    async fn commit(&mut self, tail: Tail) -> Result<(), Fault> {
        sqlx::query("COMMIT").execute(self.connection()?).await?;
        self.sidecar.note(self.epoch, tail.head);
        Ok(())
    }

    async fn recover(&mut self) -> Result<Tail, Fault> {
        if let Some(mut connection) = self.connection.take() {
            // SQLite has given some transactions up by itself, and then says that there is none.
            let _ = sqlx::query("ROLLBACK").execute(&mut connection).await;
            if let Ok(tail) = tail(&mut connection).await {
                self.connection = Some(connection);
                return Ok(tail);
            }
        }
        let mut connection = self.writing.connect().await?;
        let tail = tail(&mut connection).await?;
        self.connection = Some(connection);
        Ok(tail)
    }

    async fn since(&mut self, after: Position) -> Result<Vec<Recorded>, Fault> {
        let rows =
            sqlx::query(AssertSqlSafe(format!("SELECT {COLUMNS} FROM events WHERE pos > ? ORDER BY pos")))
                .bind(column(after))
                .fetch_all(self.connection()?)
                .await?;
        Ok(rows.iter().map(|row| recorded(row, 0)).collect::<sqlx::Result<_>>()?)
    }

    async fn scrub(&mut self, by: Position) -> bool {
        let emptied = self.views.redacted(by).await;
        if let Err(error) = &emptied {
            tracing::warn!(%error, "redacted text is still in snapshots; trying again");
        }
        let truncated = match &mut self.connection {
            Some(connection) => redact::truncate(connection).await,
            None => Ok(false),
        };
        emptied.is_ok() && truncated.unwrap_or(false)
    }

    async fn limit(&mut self, bytes: Option<u64>) -> Result<(), Fault> {
        // SQLite never goes below what is there already.
        let pages = bytes.map_or(u64::from(u32::MAX) - 1, |bytes| (bytes / 4096).max(1));
        sqlx::query(AssertSqlSafe(format!("PRAGMA max_page_count = {pages}")))
            .execute(self.connection()?)
            .await?;
        Ok(())
    }

    async fn close(mut self) {
        self.pool.close().await;
        self.views.close().await;
        if let Some(mut connection) = self.connection.take() {
            if let Err(error) = redact::truncate(&mut connection).await {
                tracing::warn!(%error, "the write-ahead log could not be emptied; it is read at the next start");
            }
            let _ = connection.close().await;
        }
    }
}

/// How far the log has come.
pub(super) async fn tail(connection: &mut SqliteConnection) -> sqlx::Result<Tail> {
    let last: Option<(i64, i64)> =
        sqlx::query_as("SELECT pos, recorded_at FROM events ORDER BY pos DESC LIMIT 1")
            .fetch_optional(connection)
            .await?;
    let (head, recorded_at) = last.unwrap_or((0, 0));
    Ok(Tail { head: Position(unsigned(head)?), recorded_at: Timestamp::from_millis(recorded_at) })
}

fn acceptance(row: &SqliteRow) -> sqlx::Result<Acceptance> {
    let body: &[u8] = row.try_get(2)?;
    let receipt: Option<&str> = row.try_get(4)?;
    Ok(Acceptance {
        key: (row.try_get(0)?, CommandId(uuid(row, 1)?)),
        body: body.try_into().ok(),
        position: Position(unsigned(row.try_get(3)?)?),
        receipt: receipt.map(serde_json::from_str).transpose().map_err(unreadable)?,
    })
}

fn json<T: serde::Serialize>(wanted: &T) -> String {
    serde_json::to_string(wanted).expect("lists of texts are JSON")
}

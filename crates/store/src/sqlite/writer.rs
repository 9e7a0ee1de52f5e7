//! The one connection that writes.

use std::{fs::File, sync::Arc};

use domain::{Epoch, Position, Recorded, Refusal, StreamId, Timestamp};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePool},
};

use super::{
    folder::Sidecar,
    insert,
    known::known,
    open::{column, probe},
    projections::Projections,
    reactors::{self, Waiting},
    redact,
    rows::{EVENT, json, recorded, unsigned},
    script::Script,
    trace::Trace,
    views::Views,
};
use crate::{
    engine::{Acceptance, Engine, Fault, Known, Tail, Wanted},
    unit::Effect,
};

/// See the module. The lock is held as long as this lives.
pub(crate) struct SqliteEngine {
    /// None after a fault that the connection has not survived.
    pub(super) connection: Option<SqliteConnection>,
    /// What goes to the database with the next statement.
    pub(super) script: Script,
    /// What units have done to the tables of the reactors, until it is in the script.
    pub(super) waiting: Waiting,
    pub(super) writing: SqliteConnectOptions,
    pub(super) pool: SqlitePool,
    pub(super) views: Arc<Views>,
    pub(super) trace: Arc<Trace>,
    pub(super) projections: Arc<Projections>,
    pub(super) sidecar: Sidecar,
    pub(super) epoch: Epoch,
    pub(super) _lock: File,
}

impl SqliteEngine {
    /// The connection, and what goes over it next.
    fn parts(&mut self) -> Result<(&mut Script, &mut SqliteConnection), Fault> {
        Ok((&mut self.script, self.connection.as_mut().ok_or_else(closed)?))
    }

    /// The connection, when all that was to go before has gone.
    async fn connection(&mut self) -> Result<&mut SqliteConnection, Fault> {
        let (script, connection) = self.parts()?;
        script.run(connection).await?;
        Ok(connection)
    }
}

impl Engine for SqliteEngine {
    async fn begin(&mut self, wanted: &Wanted) -> Result<Known, Fault> {
        let (script, connection) = self.parts()?;
        // Takes the write lock now and not at the first write, when it may be too late.
        script.push("BEGIN IMMEDIATE");
        Ok(known(script, connection, wanted).await?)
    }

    async fn load(&mut self, streams: &[StreamId]) -> Result<Vec<Recorded>, Fault> {
        let events: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
            "SELECT {EVENT} FROM json_each(?) AS wanted CROSS JOIN events
             ON events.stream_id = wanted.value ORDER BY events.stream_id, events.version"
        )))
        .bind(json(&streams))
        .fetch_all(self.connection().await?)
        .await?;
        Ok(events.iter().map(|event| recorded(event)).collect::<sqlx::Result<_>>()?)
    }

    async fn append(&mut self, events: &[Recorded]) -> Result<(), Fault> {
        insert::events(&mut self.script, events);
        Ok(())
    }

    async fn accept(&mut self, acceptances: &[Acceptance]) -> Result<(), Fault> {
        insert::acceptances(&mut self.script, acceptances);
        Ok(())
    }

    async fn step(&mut self, steps: &[(String, Position)]) -> Result<(), Fault> {
        reactors::step(&mut self.script, steps);
        Ok(())
    }

    async fn apply(
        &mut self,
        effects: &[Effect],
        position: Position,
        now: Timestamp,
    ) -> Result<Result<(), Refusal>, Fault> {
        let connection = self.connection.as_mut().ok_or_else(closed)?;
        Ok(insert::effects(&mut self.script, &mut self.waiting, connection, effects, position, now).await?)
    }

    async fn redact(&mut self, stream: &StreamId, by: Position) -> Result<Vec<Recorded>, Fault> {
        Ok(redact::stream(self.connection().await?, stream, by).await?)
    }

    async fn probe(&mut self) -> Result<(), Fault> {
        Ok(probe(self.connection().await?).await?)
    }

    async fn commit(&mut self, tail: Tail) -> Result<(), Fault> {
        self.waiting.write(&mut self.script);
        let (script, connection) = self.parts()?;
        script.push("COMMIT");
        script.run(connection).await?;
        self.sidecar.note(self.epoch, tail.head);
        Ok(())
    }

    async fn recover(&mut self) -> Result<Tail, Fault> {
        self.script.clear();
        self.waiting.clear();
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
        let events: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
            "SELECT {EVENT} FROM events WHERE pos > ? ORDER BY pos"
        )))
        .bind(column(after))
        .fetch_all(self.connection().await?)
        .await?;
        Ok(events.iter().map(|event| recorded(event)).collect::<sqlx::Result<_>>()?)
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
            .execute(self.connection().await?)
            .await?;
        Ok(())
    }

    async fn close(mut self) {
        self.pool.close().await;
        self.views.close().await;
        self.trace.close().await;
        self.projections.close().await;
        if let Some(mut connection) = self.connection.take() {
            if let Err(error) = redact::truncate(&mut connection).await {
                tracing::warn!(%error, "the write-ahead log could not be emptied; it is read at the next start");
            }
            let _ = connection.close().await;
        }
    }
}

fn closed() -> Fault {
    Fault("The database is not open at the moment.".to_owned())
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

//! The snapshots' file. It holds nothing that could not be built again from the log, so whenever there is
//! doubt about it, it is emptied.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use domain::{Epoch, Position};
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteJournalMode, SqliteSynchronous},
};

use super::{
    derived,
    open::{column, options},
    rows::unsigned,
};
use crate::store::OpenError;

/// `stamp` says which log the snapshots are of, and up to which redaction they are free of what was blanked.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS view (
        name       TEXT    NOT NULL,
        key        TEXT    NOT NULL,
        generation INTEGER NOT NULL,
        pos        INTEGER NOT NULL,
        doc        TEXT    NOT NULL,
        PRIMARY KEY (name, key)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS stamp (
        only     INTEGER PRIMARY KEY CHECK (only = 1),
        epoch    INTEGER NOT NULL,
        redacted INTEGER NOT NULL
    ) STRICT;";

/// See the module.
pub(super) struct Views {
    /// One connection: writing and emptying never overtake each other.
    pool: SqlitePool,
    epoch: Epoch,
    redacted: AtomicU64,
}

impl Views {
    /// Opens the file. Empties it if it is of another epoch or has not seen the last redaction; makes it
    /// anew if it is damaged.
    pub(super) async fn open(file: &Path, epoch: Epoch, redacted: Position) -> Result<Self, OpenError> {
        derived::open(file, "the snapshots cannot be used and are made anew", async || {
            Self::connect(file, epoch, redacted).await
        })
        .await
    }

    async fn connect(file: &Path, epoch: Epoch, redacted: Position) -> sqlx::Result<Self> {
        let options = options(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .pragma("secure_delete", "ON");
        let pool = derived::pool(options, 1).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        let views = Self { pool, epoch, redacted: AtomicU64::new(redacted.0) };
        let stamp: Option<(i64, i64)> =
            sqlx::query_as("SELECT epoch, redacted FROM stamp").fetch_optional(&views.pool).await?;
        if stamp != Some((epoch.0.cast_signed(), column(redacted))) {
            views.empty(redacted).await?;
        }
        Ok(views)
    }

    /// After an event has redacted others: no snapshot from before is kept, nor read, from now on.
    pub(super) async fn redacted(&self, by: Position) -> sqlx::Result<()> {
        self.redacted.fetch_max(by.0, Ordering::AcqRel);
        self.empty(by).await
    }

    async fn empty(&self, redacted: Position) -> sqlx::Result<()> {
        let mut connection = self.pool.acquire().await?;
        sqlx::query("DELETE FROM view").execute(&mut *connection).await?;
        sqlx::query("INSERT OR REPLACE INTO stamp (only, epoch, redacted) VALUES (1, ?, ?)")
            .bind(self.epoch.0.cast_signed())
            .bind(column(redacted))
            .execute(&mut *connection)
            .await?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut *connection).await?;
        Ok(())
    }

    pub(super) async fn save(
        &self,
        view: &str,
        generation: u32,
        key: &str,
        position: Position,
        doc: &str,
    ) -> sqlx::Result<()> {
        let mut connection = self.pool.acquire().await?;
        // Asked only now that emptying cannot come in between.
        if position.0 < self.redacted.load(Ordering::Acquire) {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO view (name, key, generation, pos, doc) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET generation = excluded.generation, pos = excluded.pos, doc = excluded.doc
             WHERE generation <> excluded.generation OR pos <= excluded.pos",
        )
        .bind(view)
        .bind(key)
        .bind(generation)
        .bind(column(position))
        .bind(doc)
        .execute(&mut *connection)
        .await?;
        Ok(())
    }

    pub(super) async fn load(
        &self,
        view: &str,
        generation: u32,
        key: &str,
    ) -> sqlx::Result<Option<(Position, String)>> {
        let row = sqlx::query("SELECT pos, doc FROM view WHERE name = ? AND key = ? AND generation = ?")
            .bind(view)
            .bind(key)
            .bind(generation)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let position = Position(unsigned(row.try_get(0)?)?);
        if position.0 < self.redacted.load(Ordering::Acquire) {
            return Ok(None);
        }
        Ok(Some((position, row.try_get(1)?)))
    }

    pub(super) async fn delete(&self, view: &str) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM view WHERE name = ?").bind(view).execute(&self.pool).await?;
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

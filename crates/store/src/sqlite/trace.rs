//! The file of the handlings. It explains and decides nothing: it is written without waiting for the disk,
//! forgets what is old, and is made anew when it is damaged or of another log.

use std::path::Path;

use domain::{Epoch, Position, Timestamp};
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteJournalMode, SqliteRow, SqliteSynchronous},
};

use super::{
    derived,
    open::{column, options},
    rows::{json, unsigned},
    script::Script,
};
use crate::{reactor::Handling, store::OpenError};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS handlings (
        pos        INTEGER NOT NULL,
        reactor    TEXT    NOT NULL,
        attempt    INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at   INTEGER NOT NULL,
        outcome    TEXT    NOT NULL,
        PRIMARY KEY (pos, reactor, attempt)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS stamp (
        only  INTEGER PRIMARY KEY CHECK (only = 1),
        epoch INTEGER NOT NULL
    ) STRICT;";

/// See the module.
pub(super) struct Trace {
    pool: SqlitePool,
}

impl Trace {
    /// Opens the file, and empties it if it is of another epoch.
    pub(super) async fn open(file: &Path, epoch: Epoch) -> Result<Self, OpenError> {
        derived::open(file, "the handlings cannot be used and are begun anew", async || {
            Self::connect(file, epoch).await
        })
        .await
    }

    async fn connect(file: &Path, epoch: Epoch) -> sqlx::Result<Self> {
        let options = options(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Off);
        let pool = derived::pool(options, 1).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        let epoch = epoch.0.cast_signed();
        let stamp: Option<i64> = sqlx::query_scalar("SELECT epoch FROM stamp").fetch_optional(&pool).await?;
        if stamp != Some(epoch) {
            sqlx::query("DELETE FROM handlings").execute(&pool).await?;
            sqlx::query("INSERT OR REPLACE INTO stamp (only, epoch) VALUES (1, ?)")
                .bind(epoch)
                .execute(&pool)
                .await?;
        }
        Ok(Self { pool })
    }

    pub(super) async fn note(&self, handlings: &[Handling], keep_after: Position) -> sqlx::Result<()> {
        let mut script = Script::default();
        script.rows(
            "INSERT OR REPLACE INTO handlings (pos, reactor, attempt, started_at, ended_at, outcome)
             SELECT row ->> 0, row ->> 1, row ->> 2, row ->> 3, row ->> 4, row ->> 5 FROM given",
            handlings.iter().map(|handling| {
                let Handling { position, reactor, attempt, started, ended, outcome } = handling;
                (column(*position), reactor, attempt, started.millis(), ended.millis(), outcome)
            }),
        );
        script.push("DELETE FROM handlings WHERE pos <= ").push_bind(column(keep_after));
        script.run(&mut *self.pool.acquire().await?).await.map(drop)
    }

    /// All handlings of these events, by event and then in the order in which they began.
    pub(super) async fn of(&self, positions: &[Position]) -> sqlx::Result<Vec<Handling>> {
        let wanted = json(&positions);
        let rows = sqlx::query(
            "SELECT handlings.pos, reactor, attempt, started_at, ended_at, outcome
             FROM json_each(?) AS wanted CROSS JOIN handlings ON handlings.pos = wanted.value
             ORDER BY handlings.pos, started_at, reactor, attempt",
        )
        .bind(wanted)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(handling).collect()
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

fn handling(row: &SqliteRow) -> sqlx::Result<Handling> {
    Ok(Handling {
        position: Position(unsigned(row.try_get(0)?)?),
        reactor: row.try_get(1)?,
        attempt: row.try_get(2)?,
        started: Timestamp::from_millis(row.try_get(3)?),
        ended: Timestamp::from_millis(row.try_get(4)?),
        outcome: row.try_get(5)?,
    })
}

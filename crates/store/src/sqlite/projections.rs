//! The file of the stored projections. Like the snapshots it holds nothing that could not be folded again from
//! the log; it is made anew when it is damaged or of another log.

use std::path::Path;

use domain::{Epoch, Position, Tokens};
use sqlx::{
    AssertSqlSafe, Connection, Row, SqliteConnection, SqlitePool,
    sqlite::{SqliteJournalMode, SqliteRow, SqliteSynchronous},
};

use super::{
    derived,
    open::{column, options},
    redact::truncate,
    rows::{json, signed, unsigned},
    script::Script,
    search,
};
use crate::{
    projection::{DocPage, Generation, Projected, Stage},
    store::OpenError,
};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS generations (
        name    TEXT    NOT NULL,
        number  INTEGER NOT NULL,
        version INTEGER NOT NULL,
        pos     INTEGER NOT NULL,
        events  INTEGER NOT NULL,
        stage   TEXT    NOT NULL CHECK (stage IN ('building', 'live', 'previous')),
        PRIMARY KEY (name, number)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX IF NOT EXISTS generations_by_stage ON generations (name, stage);
    CREATE TABLE IF NOT EXISTS docs (
        name   TEXT    NOT NULL,
        number INTEGER NOT NULL,
        key    TEXT    NOT NULL,
        doc    TEXT    NOT NULL,
        PRIMARY KEY (name, number, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS stamp (
        only  INTEGER PRIMARY KEY CHECK (only = 1),
        epoch INTEGER NOT NULL
    ) STRICT;";

/// As many documents go to the database together.
const TOGETHER: usize = 1_000;

/// See the module.
pub(super) struct Projections {
    pool: SqlitePool,
}

impl Projections {
    /// Opens the file, and empties it if it is of another epoch.
    pub(super) async fn open(file: &Path, epoch: Epoch) -> Result<Self, OpenError> {
        derived::open(file, "the projections cannot be used and are folded anew", async || {
            Self::connect(file, epoch).await
        })
        .await
    }

    async fn connect(file: &Path, epoch: Epoch) -> sqlx::Result<Self> {
        let options = options(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .pragma("secure_delete", "ON");
        let pool = derived::pool(options, 4).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        sqlx::raw_sql(search::SCHEMA).execute(&pool).await?;
        let epoch = epoch.0.cast_signed();
        let stamp: Option<i64> = sqlx::query_scalar("SELECT epoch FROM stamp").fetch_optional(&pool).await?;
        if stamp != Some(epoch) {
            for statement in ["DELETE FROM docs", "DELETE FROM generations"] {
                sqlx::query(statement).execute(&pool).await?;
            }
            sqlx::query("INSERT OR REPLACE INTO stamp (only, epoch) VALUES (1, ?)")
                .bind(epoch)
                .execute(&pool)
                .await?;
        }
        Ok(Self { pool })
    }

    pub(super) async fn generations(&self, name: &str) -> sqlx::Result<Vec<Generation>> {
        let rows = sqlx::query(
            "SELECT number, version, pos, events, stage FROM generations WHERE name = ? ORDER BY number",
        )
        .bind(name)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(generation).collect()
    }

    /// Begins a new generation. One that was building before is given up.
    pub(super) async fn begin(&self, name: &str, version: u32) -> sqlx::Result<()> {
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        drop_stage(&mut transaction, name, Stage::Building).await?;
        sqlx::query(
            "INSERT INTO generations (name, number, version, pos, events, stage)
             SELECT ?1, coalesce(max(number), 0) + 1, ?2, 0, 0, 'building' FROM generations WHERE name = ?1",
        )
        .bind(name)
        .bind(version)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }

    /// Takes a generation's step. Returns whether it stood where the step begins.
    pub(super) async fn project(&self, step: &Projected) -> sqlx::Result<bool> {
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let moved = sqlx::query(
            "UPDATE generations SET pos = ?, events = events + ? WHERE name = ? AND number = ? AND pos = ?",
        )
        .bind(column(step.to))
        .bind(signed(step.events))
        .bind(&step.name)
        .bind(step.number)
        .bind(column(step.from))
        .execute(&mut *transaction)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        let kept: Vec<(&String, u32, &String, &String)> = step
            .docs
            .iter()
            .filter_map(|(key, doc)| Some((&step.name, step.number, key, doc.as_ref()?)))
            .collect();
        let mut script = Script::default();
        for some in kept.chunks(TOGETHER) {
            script.rows(
                "INSERT OR REPLACE INTO docs (name, number, key, doc)
                 SELECT row ->> 0, row ->> 1, row ->> 2, row ->> 3 FROM given",
                some,
            );
            script.run(&mut transaction).await?;
        }
        let gone: Vec<&String> =
            step.docs.iter().filter(|(_, doc)| doc.is_none()).map(|(key, _)| key).collect();
        if !gone.is_empty() {
            sqlx::query(
                "DELETE FROM docs WHERE name = ? AND number = ? AND key IN (SELECT value FROM json_each(?))",
            )
            .bind(&step.name)
            .bind(step.number)
            .bind(json(&gone))
            .execute(&mut *transaction)
            .await?;
        }
        search::index(&mut transaction, step).await?;
        if let Some(by) = step.redacted {
            drop_unfolded(&mut transaction, step, by).await?;
        }
        transaction.commit().await?;
        if step.redacted.is_some() {
            truncate(&mut connection).await?;
        }
        Ok(true)
    }

    /// From now on the building generation is read.
    pub(super) async fn switch(&self, name: &str) -> sqlx::Result<()> {
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        drop_stage(&mut transaction, name, Stage::Previous).await?;
        for (from, to) in [(Stage::Live, Stage::Previous), (Stage::Building, Stage::Live)] {
            sqlx::query("UPDATE generations SET stage = ? WHERE name = ? AND stage = ?")
                .bind(to.name())
                .bind(name)
                .bind(from.name())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    }

    /// Some documents of one generation, as far as they exist.
    pub(super) async fn docs(
        &self,
        name: &str,
        number: u32,
        keys: &[String],
    ) -> sqlx::Result<Vec<(String, String)>> {
        sqlx::query_as(
            "SELECT docs.key, docs.doc FROM json_each(?) AS wanted CROSS JOIN docs
             ON docs.name = ? AND docs.number = ? AND docs.key = wanted.value",
        )
        .bind(json(&keys))
        .bind(name)
        .bind(number)
        .fetch_all(&self.pool)
        .await
    }

    /// A document of the live generation, and where that stands.
    pub(super) async fn doc(
        &self,
        name: &str,
        key: &str,
    ) -> sqlx::Result<Option<(Position, Option<String>)>> {
        let row = sqlx::query(
            "SELECT pos, (SELECT doc FROM docs WHERE docs.name = generations.name
                          AND docs.number = generations.number AND docs.key = ?2)
             FROM generations WHERE name = ?1 AND stage = 'live'",
        )
        .bind(name)
        .bind(key)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| Ok((Position(unsigned(row.try_get(0)?)?), row.try_get(1)?))).transpose()
    }

    /// The documents of the live generation with keys from `from` on and before `before`, in order of their
    /// keys, and where that generation stands.
    pub(super) async fn range(
        &self,
        name: &str,
        from: &str,
        before: &str,
        max: usize,
    ) -> sqlx::Result<Option<DocPage>> {
        let rows = sqlx::query(
            "SELECT pos, docs.key, docs.doc FROM generations LEFT JOIN
                 (SELECT * FROM docs WHERE name = ?1 AND number =
                      (SELECT number FROM generations WHERE name = ?1 AND stage = 'live')
                  AND key >= ?2 AND key < ?3 ORDER BY key LIMIT ?4) AS docs ON true
             WHERE generations.name = ?1 AND stage = 'live' ORDER BY docs.key",
        )
        .bind(name)
        .bind(from)
        .bind(before)
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        doc_page(&rows)
    }

    /// The documents of the live generation that are found by a query, and where that generation stands.
    pub(super) async fn search(
        &self,
        name: &str,
        query: &str,
        tokens: &Tokens,
        max: usize,
    ) -> sqlx::Result<Option<DocPage>> {
        doc_page(&search::find(&self.pool, name, query, tokens, max).await?)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// From rows of position, key and document.
fn doc_page(rows: &[SqliteRow]) -> sqlx::Result<Option<DocPage>> {
    let Some(first) = rows.first() else { return Ok(None) };
    let position = Position(unsigned(first.try_get(0)?)?);
    let mut docs = Vec::with_capacity(rows.len());
    for row in rows {
        // Null: there are no documents, and this row only says where the generation stands.
        if let (Some(key), Some(doc)) = (row.try_get(1)?, row.try_get(2)?) {
            docs.push((key, doc));
        }
    }
    Ok(Some(DocPage { position, docs }))
}

/// Drops the generation at a stage, if there is one.
async fn drop_stage(connection: &mut SqliteConnection, name: &str, stage: Stage) -> sqlx::Result<()> {
    for statement in [
        "DELETE FROM docs WHERE name = ?1 AND number =
             (SELECT number FROM generations WHERE name = ?1 AND stage = ?2)",
        "DELETE FROM generations WHERE name = ?1 AND stage = ?2",
    ] {
        sqlx::query(statement).bind(name).bind(stage.name()).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Drops the generations that still have what an event has redacted, and will never fold that event: the
/// previous one, and those of other code.
async fn drop_unfolded(
    connection: &mut SqliteConnection,
    step: &Projected,
    by: Position,
) -> sqlx::Result<()> {
    const UNFOLDED: &str = "name = ?1 AND pos < ?3 AND (stage = 'previous' OR version <>
        (SELECT version FROM generations WHERE name = ?1 AND number = ?2))";
    for statement in [
        format!(
            "DELETE FROM docs WHERE name = ?1 AND number IN (SELECT number FROM generations WHERE {UNFOLDED})"
        ),
        format!("DELETE FROM generations WHERE {UNFOLDED}"),
    ] {
        sqlx::query(AssertSqlSafe(statement))
            .bind(&step.name)
            .bind(step.number)
            .bind(column(by))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn generation(row: &SqliteRow) -> sqlx::Result<Generation> {
    let stage: &str = row.try_get(4)?;
    let unknown = || sqlx::Error::Decode(format!("{stage:?} is not a stage of a projection").into());
    Ok(Generation {
        number: row.try_get(0)?,
        version: row.try_get(1)?,
        position: Position(unsigned(row.try_get(2)?)?),
        events: unsigned(row.try_get(3)?)?,
        stage: Stage::from_name(stage).ok_or_else(unknown)?,
    })
}

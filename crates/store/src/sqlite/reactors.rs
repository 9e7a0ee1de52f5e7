//! The tables of the reactors: what their units write, and what they read again.

use domain::{Position, Timestamp};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sqlx::{AssertSqlSafe, Row, SqlitePool, sqlite::SqliteRow};

use super::{
    open::column,
    rows::{position, unreadable, unsigned},
    script::Script,
};
use crate::{
    reactor::{Letter, LetterStatus, Timer},
    unit::Effect,
};

const LETTER: &str = "reactor, pos, seq_key, error, attempts, status, parked_at";

/// The letters that somebody has to look after, as the index of them says it.
const OPEN: &str = "status IN ('parked', 'redriving')";

/// Notes where reactors stand now.
pub(super) fn step(script: &mut Script, steps: &[(String, Position)]) {
    script.rows(
        "INSERT OR REPLACE INTO checkpoints (reactor, pos) SELECT row ->> 0, row ->> 1 FROM given",
        steps.iter().map(|(reactor, to)| (reactor, column(*to))),
    );
}

/// What units of a transaction do to the tables of the reactors, in order. What they do to one table in the same way
/// becomes one statement.
#[derive(Default)]
pub(super) struct Waiting(Vec<Step>);

/// What an effect comes to.
struct Step {
    table: &'static str,
    /// For [`Script::rows`].
    statement: &'static str,
    /// Whether the statement takes one row at a time.
    alone: bool,
    row: Box<RawValue>,
}

impl Waiting {
    /// One more. `at` is its unit's last position.
    pub(super) fn push(&mut self, effect: &Effect, at: Position, now: Timestamp) {
        self.0.push(step_of(effect, at, now));
    }

    /// Puts all of it into a script.
    pub(super) fn write(&mut self, script: &mut Script) {
        // What is done to different tables may come in any order, and sorting keeps the order within each.
        self.0.sort_by_key(|step| step.table);
        for same in self.0.chunk_by(|one, next| one.statement == next.statement && !one.alone) {
            script.rows(same[0].statement, same.iter().map(|step| &step.row));
        }
        self.clear();
    }

    /// Forgets what waits: the transaction is given up.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

fn step_of(effect: &Effect, at: Position, now: Timestamp) -> Step {
    let many = |table, statement, row| Step { table, statement, alone: false, row };
    let alone = |table, statement, row| Step { table, statement, alone: true, row };
    match effect {
        Effect::SaveState { reactor, key, doc } => many(
            "states",
            "INSERT OR REPLACE INTO states (reactor, key, doc)
             SELECT row ->> 0, row ->> 1, row ->> 2 FROM given",
            raw(&(reactor, key, doc)),
        ),
        Effect::DropState { reactor, key } => many(
            "states",
            "DELETE FROM states WHERE (reactor, key) IN (SELECT row ->> 0, row ->> 1 FROM given)",
            raw(&(reactor, key)),
        ),
        Effect::Handled { reactor, position } => many(
            "handled",
            "INSERT OR REPLACE INTO handled (reactor, pos) SELECT row ->> 0, row ->> 1 FROM given",
            raw(&(reactor, column(*position))),
        ),
        Effect::DropHandled { reactor, upto } => many(
            "handled",
            "DELETE FROM handled WHERE (reactor, pos) IN (
                 SELECT handled.reactor, handled.pos FROM given CROSS JOIN handled
                 ON handled.reactor = given.row ->> 0 AND handled.pos <= given.row ->> 1)",
            raw(&(reactor, column(*upto))),
        ),
        Effect::Park { reactor, key, position, error, attempts } => many(
            "dead_letters",
            "INSERT OR REPLACE INTO dead_letters (reactor, pos, seq_key, error, attempts, parked_at, status)
             SELECT row ->> 0, row ->> 1, row ->> 2, row ->> 3, row ->> 4, row ->> 5, 'parked' FROM given",
            raw(&(reactor, column(*position), key, error, attempts, now.millis())),
        ),
        Effect::SetLetters { reactor, key, position, status } => alone(
            "dead_letters",
            "UPDATE dead_letters INDEXED BY dead_letters_open SET status = (SELECT row ->> 3 FROM given)
             WHERE reactor = (SELECT row ->> 0 FROM given) AND seq_key = (SELECT row ->> 1 FROM given)
             AND pos = coalesce((SELECT row ->> 2 FROM given), pos) AND status IN ('parked', 'redriving')",
            raw(&(reactor, key, position.map(column), status.name())),
        ),
        Effect::SetTimer(timer) => many(
            "timers",
            "INSERT OR REPLACE INTO timers (key, due_at, command)
             SELECT row ->> 0, row ->> 1, row ->> 2 FROM given",
            raw(&(&timer.key, timer.due.millis(), &timer.command)),
        ),
        Effect::ClearTimer { key, due } => many(
            "timers",
            "DELETE FROM timers WHERE key IN (
                 SELECT timers.key FROM given CROSS JOIN timers
                 ON timers.key = given.row ->> 0 AND due_at = coalesce(given.row ->> 1, due_at))",
            raw(&(key, due.map(Timestamp::millis))),
        ),
        Effect::Ingested { source, id } => many(
            "ingested",
            "INSERT INTO ingested (source, id, pos) SELECT row ->> 0, row ->> 1, row ->> 2 FROM given",
            raw(&(source, id, column(at))),
        ),
        Effect::ForgetAccepted { actors, after, upto } => alone(
            "commands",
            "DELETE FROM commands INDEXED BY commands_by_pos
             WHERE pos > (SELECT row ->> 0 FROM given) AND pos <= (SELECT row ->> 1 FROM given)
             AND actor IN (SELECT value FROM json_each((SELECT row -> 2 FROM given)))",
            raw(&(column(*after), column(*upto), actors)),
        ),
        Effect::AddCredential { .. } | Effect::StartSession { .. } | Effect::EndSession { .. } => {
            unreachable!("{effect:?} belongs to an account")
        }
    }
}

/// A row as it is written.
fn raw<T: Serialize>(row: &T) -> Box<RawValue> {
    to_raw_value(row).expect("texts and numbers are JSON")
}

/// What the reactors read again.
pub(super) struct Reactors<'a>(pub(super) &'a SqlitePool);

impl Reactors<'_> {
    pub(super) async fn checkpoint(&self, reactor: &str) -> sqlx::Result<Position> {
        let row = sqlx::query("SELECT pos FROM checkpoints WHERE reactor = ?")
            .bind(reactor)
            .fetch_optional(self.0)
            .await?;
        row.map_or(Ok(Position::START), |row| position(&row, 0))
    }

    pub(super) async fn state(&self, reactor: &str, key: &str) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar("SELECT doc FROM states WHERE reactor = ? AND key = ?")
            .bind(reactor)
            .bind(key)
            .fetch_optional(self.0)
            .await
    }

    pub(super) async fn handled(&self, reactor: &str) -> sqlx::Result<Vec<Position>> {
        let rows = sqlx::query("SELECT pos FROM handled WHERE reactor = ? ORDER BY pos")
            .bind(reactor)
            .fetch_all(self.0)
            .await?;
        rows.iter().map(|row| position(row, 0)).collect()
    }

    pub(super) async fn letters(
        &self,
        reactor: Option<&str>,
        status: LetterStatus,
        max: usize,
    ) -> sqlx::Result<Vec<Letter>> {
        let open = matches!(status, LetterStatus::Parked | LetterStatus::Redriving);
        let open = if open { OPEN } else { "true" };
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {LETTER} FROM dead_letters WHERE {open} AND status = ?1 AND (?2 IS NULL OR reactor = ?2)
             ORDER BY reactor, pos LIMIT ?3"
        )))
        .bind(status.name())
        .bind(reactor)
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .fetch_all(self.0)
        .await?;
        rows.iter().map(letter).collect()
    }

    pub(super) async fn parked_keys(&self, reactor: &str) -> sqlx::Result<Vec<(String, u64)>> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT seq_key, count(*) FROM dead_letters WHERE {OPEN} AND reactor = ? GROUP BY seq_key"
        )))
        .bind(reactor)
        .fetch_all(self.0)
        .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, unsigned(row.try_get(1)?)?))).collect()
    }

    pub(super) async fn timers(&self, max: usize) -> sqlx::Result<Vec<Timer>> {
        let rows = sqlx::query("SELECT key, due_at, command FROM timers ORDER BY due_at LIMIT ?")
            .bind(i64::try_from(max).unwrap_or(i64::MAX))
            .fetch_all(self.0)
            .await?;
        rows.iter()
            .map(|row| {
                let due = Timestamp::from_millis(row.try_get(1)?);
                Ok(Timer { key: row.try_get(0)?, due, command: row.try_get(2)? })
            })
            .collect()
    }

    pub(super) async fn ingested(&self, source: &str, id: &str) -> sqlx::Result<Option<Position>> {
        let row = sqlx::query("SELECT pos FROM ingested WHERE source = ? AND id = ?")
            .bind(source)
            .bind(id)
            .fetch_optional(self.0)
            .await?;
        row.map(|row| position(&row, 0)).transpose()
    }
}

fn letter(row: &SqliteRow) -> sqlx::Result<Letter> {
    Ok(Letter {
        reactor: row.try_get(0)?,
        position: position(row, 1)?,
        key: row.try_get(2)?,
        error: row.try_get(3)?,
        attempts: row.try_get(4)?,
        status: row.try_get::<&str, _>(5)?.parse().map_err(unreadable)?,
        parked: Timestamp::from_millis(row.try_get(6)?),
    })
}

//! Statements that go to the database together. Each call of sqlx is a message to SQLite's thread and back, which
//! costs more than a small statement; so what need not be answered at once waits here and goes with what comes
//! next, at the latest with the commit.
//!
//! However many rows there are, they are one value: a JSON list, which the statement takes apart. So there are few
//! different scripts, and they stay prepared.

use serde::Serialize;
use sqlx::{
    QueryBuilder, Sqlite, SqliteConnection,
    sqlite::{SqliteQueryResult, SqliteRow},
};

use super::rows::json;

/// See the module.
#[derive(Default)]
pub(super) struct Script {
    waiting: Option<QueryBuilder<Sqlite>>,
}

impl Script {
    /// One more statement; its values are bound next.
    pub(super) fn push(&mut self, statement: &str) -> &mut QueryBuilder<Sqlite> {
        match &mut self.waiting {
            Some(script) => script.push(";\n").push(statement),
            none => none.insert(QueryBuilder::new(statement)),
        }
    }

    /// One more statement for all of these rows, unless there are none. It finds them in `given`, each in a column
    /// `row`, which is a list of texts and numbers; bytes are written in hexadecimal digits.
    pub(super) fn rows<T: Serialize>(&mut self, statement: &str, rows: impl IntoIterator<Item = T>) {
        let rows: Vec<T> = rows.into_iter().collect();
        if !rows.is_empty() {
            // Materialized: whoever asks `json_each` for a value has it written anew each time.
            self.push("WITH given AS MATERIALIZED (SELECT jsonb(value) AS row FROM json_each(")
                .push_bind(json(&rows))
                .push("))\n")
                .push(statement);
        }
    }

    /// Carries out what waits.
    pub(super) async fn run(&mut self, connection: &mut SqliteConnection) -> sqlx::Result<SqliteQueryResult> {
        match self.waiting.take() {
            Some(mut script) => script.build().execute(connection).await,
            None => Ok(SqliteQueryResult::default()),
        }
    }

    /// Carries out what waits, and answers with what its statements find, one after the other.
    pub(super) async fn fetch(&mut self, connection: &mut SqliteConnection) -> sqlx::Result<Vec<SqliteRow>> {
        match self.waiting.take() {
            Some(mut script) => script.build().fetch_all(connection).await,
            None => Ok(Vec::new()),
        }
    }

    /// Forgets what waits: the transaction is given up.
    pub(super) fn clear(&mut self) {
        self.waiting = None;
    }
}

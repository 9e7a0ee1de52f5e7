//! What a server that is stopped has on its disk: rows by table, and bytes.

use std::{collections::BTreeMap, path::Path};

use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::Failure;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Footprint {
    rows: BTreeMap<String, i64>,
    bytes: i64,
}

impl Footprint {
    /// Of every database in a folder.
    pub(super) async fn of(folder: &Path) -> Result<Self, Failure> {
        let mut footprint = Self::default();
        for entry in std::fs::read_dir(folder)? {
            let file = entry?.path();
            if file.extension().is_some_and(|extension| extension == "db") {
                footprint.add(&file).await?;
            }
        }
        Ok(footprint)
    }

    async fn add(&mut self, file: &Path) -> Result<(), Failure> {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut database: SqliteConnection =
            SqliteConnectOptions::new().filename(file).disable_statement_logging().connect().await?;
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
             AND sql NOT LIKE 'CREATE VIRTUAL%'",
        )
        .fetch_all(&mut database)
        .await?;
        for table in tables {
            let count = AssertSqlSafe(format!("SELECT count(*) FROM \"{table}\""));
            let rows: i64 = sqlx::query_scalar(count).fetch_one(&mut database).await?;
            self.rows.insert(format!("{name}/{table}"), rows);
        }
        let bytes: i64 = sqlx::query_scalar(
            "SELECT (page_count - freelist_count) * page_size \
             FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
        )
        .fetch_one(&mut database)
        .await?;
        self.bytes += bytes;
        Ok(())
    }

    /// What was added since then for each of so many orders: rows by table, the most first, and bytes.
    pub(super) fn since(&self, before: &Self, orders: f64) -> (Vec<(String, f64)>, f64) {
        let added = |(table, rows): (&String, &i64)| {
            let more = rows - before.rows.get(table).copied().unwrap_or_default();
            (table.clone(), more as f64 / orders)
        };
        let mut rows: Vec<(String, f64)> = self.rows.iter().map(added).collect();
        rows.sort_by(|one, other| other.1.total_cmp(&one.1));
        (rows, (self.bytes - before.bytes) as f64 / orders)
    }
}

//! The database's errors in our words.

use std::path::Path;

use sqlx::migrate::MigrateError;

use crate::{engine::Fault, read::ReadError, store::OpenError};

const PERMISSION: i32 = 3;
const BUSY: i32 = 5;
const READ_ONLY: i32 = 8;
const IO: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;
const NOT_A_DATABASE: i32 = 26;

/// SQLite's primary result code. (<https://www.sqlite.org/rescode.html>)
fn code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

fn sentence(error: &sqlx::Error) -> String {
    match code(error) {
        Some(FULL) => "The disk is full. Nothing was changed; make room and try again.".to_owned(),
        Some(READ_ONLY) => "The database is read-only at the moment. Nothing was changed.".to_owned(),
        Some(BUSY) => "Another program is holding the database. Nothing was changed; try again.".to_owned(),
        Some(IO) => format!("The disk does not do what it should ({error}). Try again."),
        _ => format!("The database does not do what it should ({error})."),
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Fault(sentence(&error))
    }
}

impl From<sqlx::Error> for ReadError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolClosed => ReadError::Closed,
            sqlx::Error::PoolTimedOut => {
                ReadError::Unavailable("The database is busy with other readers. Try again.".to_owned())
            }
            sqlx::Error::Decode(why) => ReadError::Unreadable(why.to_string()),
            sqlx::Error::ColumnDecode { source, .. } => ReadError::Unreadable(source.to_string()),
            error => ReadError::Unavailable(sentence(&error)),
        }
    }
}

/// Whether it failed because nobody may write here.
pub(super) fn is_read_only(error: &sqlx::Error) -> bool {
    matches!(code(error), Some(PERMISSION | READ_ONLY))
}

/// Why a database file cannot be opened.
pub(super) fn cannot_open(database: &Path, error: &sqlx::Error) -> OpenError {
    let database = database.display().to_string();
    match code(error) {
        Some(PERMISSION | READ_ONLY | CANNOT_OPEN | IO | FULL) => {
            OpenError::NotWritable { place: database, why: error.to_string() }
        }
        Some(BUSY) => OpenError::Locked(database),
        Some(CORRUPT | NOT_A_DATABASE) => {
            OpenError::Damaged { database, why: "it cannot be read".to_owned() }
        }
        _ => OpenError::Damaged { database, why: error.to_string() },
    }
}

/// Why a schema cannot be brought up to date.
pub(super) fn cannot_migrate(database: &Path, known: i64, error: MigrateError) -> OpenError {
    match error {
        MigrateError::VersionMissing(found) => {
            OpenError::Newer { database: database.display().to_string(), found, known }
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            cannot_open(database, &error)
        }
        other => OpenError::Damaged { database: database.display().to_string(), why: other.to_string() },
    }
}

//! Files that hold nothing but what could be made again from the log: whenever there is doubt about one, it goes.

use std::path::{Path, PathBuf};

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::faults::cannot_open;
use crate::store::OpenError;

/// Opens a file; if that fails, removes it and opens it anew. `doubt` says what that means, for the log.
pub(super) async fn open<T>(
    file: &Path,
    doubt: &str,
    connect: impl AsyncFn() -> sqlx::Result<T>,
) -> Result<T, OpenError> {
    match connect().await {
        Ok(opened) => Ok(opened),
        Err(error) => {
            tracing::warn!(%error, "{doubt}");
            for suffix in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(PathBuf::from(format!("{}{suffix}", file.display())));
            }
            connect().await.map_err(|error| cannot_open(file, &error))
        }
    }
}

/// Connections that stay open as long as the file does.
pub(super) async fn pool(options: SqliteConnectOptions, connections: u32) -> sqlx::Result<SqlitePool> {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options)
        .await
}

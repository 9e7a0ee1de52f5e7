//! Connections, migrations, and the checks at the start.

use std::{path::Path, sync::Arc, time::Duration};

use domain::{Epoch, Position};
use sqlx::{
    ConnectOptions, Row, SqliteConnection,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous},
};
use uuid::Uuid;

use super::{
    faults::{cannot_migrate, cannot_open, is_read_only},
    folder::Files,
    projections::Projections,
    reactors::Waiting,
    reader::SqliteReader,
    rows::{signed, unsigned},
    script::Script,
    trace::Trace,
    views::Views,
    writer::{SqliteEngine, tail},
};
use crate::{
    engine::{Reader, Tail},
    store::OpenError,
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// "Hubb", as the first migration sets it.
const APPLICATION: i64 = 0x4875_6262;

/// How many may read at the same time.
const READERS: u32 = 4;

/// How long a reader waits for its turn.
const READER_WAITS: Duration = Duration::from_secs(10);

/// How long the writer waits for whoever else holds the database: a reader during a checkpoint, or a
/// person with a database shell.
const WRITER_WAITS: Duration = Duration::from_secs(1);

/// An opened database.
pub(crate) struct Opened {
    pub(crate) engine: SqliteEngine,
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) epoch: Epoch,
    pub(crate) tail: Tail,
}

/// Opens the database at `sqlite://path`, made anew if there is none.
pub(crate) async fn open(url: &str) -> Result<Opened, OpenError> {
    let files = Files::of(url)?;
    let lock = files.lock()?;
    let database = files.database.as_path();
    let cannot = |error: sqlx::Error| cannot_open(database, &error);

    let writing = writing(database);
    let mut connection = writing.connect().await.map_err(cannot)?;
    ours(&mut connection, database).await?;
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    MIGRATIONS.run(&mut connection).await.map_err(|error| cannot_migrate(database, known, error))?;
    // After a crash there may be redacted text in the write-ahead log.
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.map_err(cannot)?;

    // A read-only file is found out now. A disk that happens to be full may still be read.
    match probe(&mut connection).await {
        Err(error) if is_read_only(&error) => return Err(cannot(error)),
        Err(error) => tracing::error!(%error, "the database cannot be written"),
        Ok(()) => {}
    }

    let tail = tail(&mut connection).await.map_err(cannot)?;
    let (mut sidecar, noted) = files.sidecar()?;
    let epoch = epoch(&mut connection, noted, tail.head).await.map_err(cannot)?;
    sidecar.note(epoch, tail.head);

    let redacted = meta(&mut connection, "redacted").await.map_err(cannot)?.unwrap_or(0);
    let redacted = Position(unsigned(redacted).map_err(cannot)?);
    let views = Arc::new(Views::open(&files.views, epoch, redacted).await?);
    let trace = Arc::new(Trace::open(&files.trace, epoch).await?);
    let projections = Arc::new(Projections::open(&files.projections, epoch).await?);
    let pool = reading(database);
    let reader = Arc::new(SqliteReader {
        pool: pool.clone(),
        views: views.clone(),
        trace: trace.clone(),
        projections: projections.clone(),
    });
    let engine = SqliteEngine {
        connection: Some(connection),
        script: Script::default(),
        waiting: Waiting::default(),
        writing,
        pool,
        views,
        trace,
        projections,
        sidecar,
        epoch,
        _lock: lock,
    };
    Ok(Opened { engine, reader, epoch, tail })
}

/// Options that the log and the snapshots share.
pub(super) fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
        .row_buffer_size(256)
}

fn writing(database: &Path) -> SqliteConnectOptions {
    options(database)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(WRITER_WAITS)
        // What is blanked or deleted is overwritten with zeros.
        .pragma("secure_delete", "ON")
        // Rearranging a tree makes the next commit walk through all of the cache: a large one costs more than it saves.
        .pragma("cache_size", "-8192")
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "67108864")
}

fn reading(database: &Path) -> SqlitePool {
    let options =
        options(database).read_only(true).pragma("mmap_size", "268435456").pragma("cache_size", "-16384");
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(READER_WAITS)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

/// Refuses a file that another program has made.
async fn ours(connection: &mut SqliteConnection, database: &Path) -> Result<(), OpenError> {
    let cannot = |error: sqlx::Error| cannot_open(database, &error);
    let row =
        sqlx::query("SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id")
            .fetch_one(connection)
            .await
            .map_err(cannot)?;
    let application: i64 = row.try_get(0).map_err(cannot)?;
    let tables: i64 = row.try_get(1).map_err(cannot)?;
    if application == APPLICATION || (application == 0 && tables == 0) {
        return Ok(());
    }
    Err(OpenError::Damaged {
        database: database.display().to_string(),
        why: "another program has made it".to_owned(),
    })
}

/// The log goes on in its epoch only if the sidecar has followed it all the way. Otherwise the file was
/// copied back from somewhere, positions may come to mean other events, and a new epoch says so.
async fn epoch(
    connection: &mut SqliteConnection,
    noted: Option<(Epoch, Position)>,
    head: Position,
) -> sqlx::Result<Epoch> {
    let stored = meta(connection, "epoch").await?.map(|bits| Epoch(bits.cast_unsigned()));
    if let (Some(stored), Some((epoch, last))) = (stored, noted)
        && stored == epoch
        && head >= last
    {
        return Ok(stored);
    }
    let (high, low) = Uuid::new_v4().as_u64_pair();
    let fresh = Epoch(high ^ low);
    set_meta(connection, "epoch", fresh.0.cast_signed()).await?;
    tracing::info!(%fresh, %head, "the log begins a new epoch");
    Ok(fresh)
}

async fn meta(connection: &mut SqliteConnection, key: &str) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar("SELECT value FROM meta WHERE key = ?").bind(key).fetch_optional(connection).await
}

/// Writes one of the log's few single values.
pub(super) async fn set_meta(connection: &mut SqliteConnection, key: &str, value: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    )
    .bind(key)
    .bind(value)
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes something without meaning.
pub(super) async fn probe(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO meta (key, value) VALUES ('probe', 1) ON CONFLICT DO UPDATE SET value = value + 1",
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A position as a column.
pub(super) fn column(position: Position) -> i64 {
    signed(position.0)
}

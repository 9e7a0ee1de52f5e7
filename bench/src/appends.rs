//! How many durable appends a second, beside bare SQLite: one table, one index, the same payloads, and as many rows in
//! a transaction as the store has put into one. The disk decides most of it, so both take turns on it.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use domain::{Actor, Command, CommandId, RoomId, UserId, chat::PostMessage};
use sqlx::{
    ConnectOptions, QueryBuilder, Sqlite, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use store::{Options, Store};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{Failure, log, process};

const TEXT: &str = "The parcel for order 4711 is packed and waits at the desk; who takes it along at noon?";

/// Rows a second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) store: f64,
    pub(crate) bare: f64,
    /// How many rows the store put into one transaction.
    pub(crate) batch: f64,
}

/// The store and bare SQLite in turn, `rounds` times. Returns the medians by ratio.
pub(crate) async fn compare(callers: usize, run: Duration, rounds: usize) -> Result<Rates, Failure> {
    let folder = process::folder()?;
    let (store, mut commits) =
        Store::open(Options::new(format!("sqlite://{}/hubbub.db", folder.path().display()))).await?;
    let counted = Arc::new(AtomicU64::new(0));
    let count = counted.clone();
    let counting = tokio::spawn(async move {
        while commits.recv().await.is_some() {
            count.fetch_add(1, Relaxed);
        }
    });
    let user = log::furnish(&store).await?;
    let mut rates = Vec::new();
    for _ in 0..rounds {
        let before = counted.load(Relaxed);
        let (rows, store) = append(&store, user, callers, run).await?;
        let batch = rows as f64 / (counted.load(Relaxed) - before).max(1) as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred rows")]
        let bare = bare(folder.path(), batch.round() as usize, run).await?;
        rates.push(Rates { store, bare, batch });
    }
    store.close().await;
    counting.abort();
    rates.sort_by(|a, b| (a.store / a.bare).total_cmp(&(b.store / b.bare)));
    Ok(rates[rates.len() / 2])
}

/// Rows, and rows a second, of the store.
async fn append(store: &Store, user: UserId, callers: usize, run: Duration) -> Result<(u64, f64), Failure> {
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let store = store.clone();
        tasks.spawn(async move {
            let mut done = 0;
            while start.elapsed() < run {
                let room = RoomId::new("lobby")?;
                let post = PostMessage { room, text: TEXT.into(), reply_to: None };
                store
                    .execute(Command::new(CommandId(Uuid::now_v7()), Actor::User(user), post).into())
                    .await?;
                done += 1;
            }
            Ok::<u64, Failure>(done)
        });
    }
    let mut rows = 0;
    while let Some(done) = tasks.join_next().await {
        rows += done??;
    }
    Ok((rows, rows as f64 / start.elapsed().as_secs_f64()))
}

/// Rows a second of bare SQLite in transactions of so many rows.
async fn bare(folder: &Path, batch: usize, run: Duration) -> Result<f64, Failure> {
    let mut bare: SqliteConnection = SqliteConnectOptions::new()
        .filename(folder.join(format!("bare-{}.db", Uuid::now_v7().simple())))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await?;
    sqlx::raw_sql(
        "CREATE TABLE log (pos INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, subject TEXT, at INTEGER, data TEXT)",
    )
    .execute(&mut bare)
    .await?;
    let data = format!("{{\"room\":\"lobby\",\"message\":\"{}\",\"text\":\"{TEXT}\"}}", Uuid::nil());
    let (start, mut rows) = (Instant::now(), 0_u32);
    while start.elapsed() < run {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut bare).await?;
        QueryBuilder::<Sqlite>::new("INSERT INTO log (id, subject, at, data) ")
            .push_values(0..batch, |mut row, at| {
                row.push_bind(Uuid::now_v7().as_bytes().to_vec());
                row.push_bind("chat.lobby.message_posted");
                row.push_bind(at as i64);
                row.push_bind(&data);
            })
            .build()
            .execute(&mut bare)
            .await?;
        sqlx::query("COMMIT").execute(&mut bare).await?;
        rows += u32::try_from(batch)?;
    }
    Ok(f64::from(rows) / start.elapsed().as_secs_f64())
}

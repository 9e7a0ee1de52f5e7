//! How many durable appends a second: `cargo run --release -p store --example append [folder]`.
//!
//! The machine's disk decides most of it, so the store is measured side by side with bare SQLite: one
//! table, one index, the same payloads, as many rows in a transaction as the store has put into one.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use domain::{
    Actor, Command, CommandId, Handle, Position, RoomId, UserId,
    account::{Register, Role},
    chat::{OpenRoom, PostMessage},
};
use sqlx::{ConnectOptions, QueryBuilder, Sqlite, SqliteConnection, sqlite::SqliteConnectOptions};
use store::{Filter, Options, Store};
use uuid::Uuid;

const RUN: Duration = Duration::from_secs(3);
const TEXT: &str = "The parcel for order 4711 is packed and waits at the desk; who takes it along at noon?";

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("hubbub-append-{}", Uuid::new_v4().simple()));
    std::fs::create_dir_all(&folder)?;
    let (store, commits) =
        Store::open(Options::new(format!("sqlite://{}/hubbub.db", folder.display()))).await?;
    drop(commits);
    let user = furnish(&store).await?;
    println!("callers   store/s   commits/s   rows a commit   bare SQLite/s   ratio");
    for callers in [1, 8, 64, 256] {
        let (rate, batch) = store_rate(&store, user, callers).await?;
        let bare = bare_rate(&folder, batch).await?;
        println!(
            "{callers:7} {rate:9.0} {:11.0} {batch:15} {bare:15.0} {:7.2}",
            rate / batch as f64,
            rate / bare
        );
    }
    replay(&store).await?;
    store.close().await;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

async fn furnish(store: &Store) -> Result<UserId, Failure> {
    let user = UserId(Uuid::new_v4());
    let register = Register { user, handle: Handle::new("ada")?, name: "Ada".into(), role: Role::Customer };
    let server = Actor::Service("accounts".into());
    store.execute(Command::new(CommandId(Uuid::new_v4()), server, register).into()).await?;
    let room = OpenRoom { room: RoomId::new("lobby")?, title: "Lobby".into(), private: false };
    store.execute(Command::new(CommandId(Uuid::new_v4()), Actor::User(user), room).into()).await?;
    Ok(user)
}

/// Events a second, and how many went into one commit: callers share a time of answer with their commit.
async fn store_rate(store: &Store, user: UserId, callers: usize) -> Result<(f64, usize), Failure> {
    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..callers {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut done = 0_u32;
            while start.elapsed() < RUN {
                let room = RoomId::new("lobby")?;
                let post = PostMessage { room, text: TEXT.into(), reply_to: None };
                let id = CommandId(Uuid::now_v7());
                store.execute(Command::new(id, Actor::User(user), post).into()).await?;
                done += 1;
            }
            Ok::<u32, Failure>(done)
        }));
    }
    let mut total = 0;
    for task in tasks {
        total += task.await??;
    }
    let rate = f64::from(total) / start.elapsed().as_secs_f64();
    let last = store.read(Position(store.head().0.saturating_sub(4000)), &Filter::everything(), 4000).await?;
    let mut instants: Vec<_> = last.events.iter().map(|event| event.meta.time).collect();
    let events = instants.len().min(total as usize);
    let mut instants = instants.split_off(instants.len() - events);
    instants.dedup();
    // Two commits within a millisecond count as one here; there is an fsync in each.
    Ok((rate, (events / instants.len().max(1)).clamp(1, callers)))
}

/// Rows a second of bare SQLite in transactions of so many rows.
async fn bare_rate(folder: &Path, batch: usize) -> Result<f64, Failure> {
    let mut bare: SqliteConnection = SqliteConnectOptions::new()
        .filename(folder.join(format!("bare-{}.db", Uuid::new_v4().simple())))
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await?;
    sqlx::raw_sql(
        "CREATE TABLE log (pos INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, subject TEXT, at INTEGER, data TEXT)",
    )
    .execute(&mut bare)
    .await?;
    let data = format!("{{\"room\":\"lobby\",\"message\":\"{}\",\"text\":\"{TEXT}\"}}", Uuid::new_v4());
    let (start, mut rows) = (Instant::now(), 0_u32);
    while start.elapsed() < RUN {
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

/// Reads the whole log once, as a late reader would.
async fn replay(store: &Store) -> Result<(), Failure> {
    let (start, mut at, mut read) = (Instant::now(), Position::START, 0_usize);
    while at < store.head() {
        let page = store.read(at, &Filter::everything(), 1000).await?;
        read += page.events.len();
        at = page.next;
    }
    println!("replay: {:.0} events/s", read as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

//! Who comes late: a server after a crash, one reader of a long log, and ten thousand readers at once who want what
//! they missed while somebody writes.

use std::{
    path::Path,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use domain::Epoch;
use serde_json::{Value, json};

use crate::{
    Failure,
    crowd::{Crowd, Entry},
    fanout::{Side, Transport},
    http::Http,
    process::Process,
};

/// Lets the services and the projections of a server read a log that was written without them, so that they are not
/// at it while something else is measured.
pub(crate) async fn settle(binary: &Path, folder: &Path) -> Result<(), Failure> {
    let server = Process::hubbub(binary, folder, None)?;
    let token = Http::sign_in(server.addr, "olga").await?;
    let mut http = Http::connect(server.addr).await?;
    let given_up = Instant::now() + Duration::from_secs(600);
    loop {
        let seen: Value =
            serde_json::from_slice(&http.call("GET", "/api/services", Some(&token), "").await?)?;
        let all = ["services", "projections"].map(|list| seen[list].as_array());
        let lag = |one: &Value| one["lag"].as_u64();
        if all.into_iter().flatten().flatten().all(|one| lag(one) == Some(0) && one["building"].is_null()) {
            return Ok(());
        }
        if Instant::now() > given_up {
            return Err(format!("the services do not come to the end of the log: {seen}").into());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// How long a server takes from its start to `ready`, over a log whose last server was killed while it
/// wrote.
pub(crate) async fn recover(binary: &Path, folder: &Path) -> Result<Duration, Failure> {
    let server = Process::hubbub(binary, folder, None)?;
    let addr = server.addr;
    let token = Http::sign_in(addr, "ada").await?;
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let token = token.clone();
        writers.spawn(async move {
            let data = json!({"room": "lobby", "text": "cut off"}).to_string();
            let mut http = Http::connect(addr).await?;
            loop {
                http.call("POST", "/api/commands/chat.post_message", Some(&token), &data).await?;
            }
            #[expect(unreachable_code, reason = "it names the type of the block")]
            Ok::<(), Failure>(())
        });
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.kill()?;
    // Each ends with the error that its line is broken.
    while writers.join_next().await.is_some() {}
    let start = Instant::now();
    let server = Process::hubbub(binary, folder, None)?;
    Http::connect(server.addr).await?.call("GET", "/readyz", None, "").await?;
    Ok(start.elapsed())
}

/// Events a second to one reader of the whole log.
pub(crate) async fn replay(
    binary: &Path,
    folder: &Path,
    transport: Transport,
    epoch: Epoch,
    size: usize,
) -> Result<f64, Failure> {
    let server = Process::hubbub(binary, folder, None)?;
    let entry = Entry { until: None, ..Side::lobby(transport, Some(format!("{epoch}.0"))) };
    let start = Instant::now();
    let crowd = Crowd::gather(server.addr, entry, 1, start).await?;
    let texts = size as u64;
    while crowd.tally.texts.load(Relaxed) < texts {
        if crowd.tally.ended.load(Relaxed) > 0 {
            return Err("the server ended a late reader".into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(texts as f64 / start.elapsed().as_secs_f64())
}

/// What laggards do to a writer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Laggards {
    /// Accepted commands a second with nobody behind.
    pub(crate) alone: f64,
    /// The same while everybody catches up.
    pub(crate) beside: f64,
    /// Texts a second to all of them.
    pub(crate) catching_up: f64,
}

/// A writer with its own room, first alone with `readers` idle connections, then while each of them reads
/// the last `behind` texts of the lobby.
pub(crate) async fn laggards(
    binary: &Path,
    folder: &Path,
    epoch: Epoch,
    readers: usize,
    behind: u64,
    run: Duration,
) -> Result<Laggards, Failure> {
    // Its ring begins where the log ends: what they have missed is read from the log.
    let server = Process::hubbub(binary, folder, None)?;
    let token = Http::sign_in(server.addr, "ada").await?;
    let mut http = Http::connect(server.addr).await?;
    let ready: serde_json::Value = serde_json::from_slice(&http.call("GET", "/readyz", None, "").await?)?;
    let head = ready["position"].as_u64().ok_or("the server does not say where its log ends")?;
    let room = json!({"room": "writers-room", "title": "Writer's room", "private": false}).to_string();
    http.call("POST", "/api/commands/chat.open_room", Some(&token), &room).await?;
    let nobody = Entry {
        hello: Some(r#"{"kind":"hello","v":1,"subs":[]}"#.into()),
        until: Some("\"welcome\""),
        ..Side::lobby(Transport::Ws, None)
    };
    let crowd = Crowd::gather(server.addr, nobody, readers, Instant::now()).await?;
    let alone = write(&server, &token, run, None).await?;
    let since = head.saturating_sub(behind);
    let sub = json!({"kind": "sub", "sid": "a", "match": "chat.lobby.message_posted", "since": format!("{epoch}.{since}")});
    let start = Instant::now();
    crowd.say(&sub.to_string());
    let all = behind * readers as u64;
    let beside = write(&server, &token, Duration::from_secs(600), Some((&crowd, all))).await?;
    let catching_up = all as f64 / start.elapsed().as_secs_f64();
    if crowd.tally.ended.load(Relaxed) > 0 {
        return Err(format!("the server ended {} laggards", crowd.tally.ended.load(Relaxed)).into());
    }
    Ok(Laggards { alone, beside, catching_up })
}

/// Accepted commands a second of eight callers, for a while or until the readers have so many texts.
async fn write(
    server: &Process,
    token: &str,
    run: Duration,
    until: Option<(&Crowd, u64)>,
) -> Result<f64, Failure> {
    let (addr, start) = (server.addr, Instant::now());
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (token, stopped) = (token.to_owned(), stopped.clone());
        callers.spawn(async move {
            let data = json!({"room": "writers-room", "text": "one more"}).to_string();
            let mut http = Http::connect(addr).await?;
            let mut done = 0_u64;
            while !*stopped.borrow() {
                http.call("POST", "/api/commands/chat.post_message", Some(&token), &data).await?;
                done += 1;
            }
            Ok::<u64, Failure>(done)
        });
    }
    let over = || until.is_some_and(|(crowd, all)| crowd.tally.texts.load(Relaxed) >= all);
    while start.elapsed() < run && !over() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.send_replace(true);
    let mut done = 0;
    while let Some(accepted) = callers.join_next().await {
        done += accepted??;
    }
    Ok(done as f64 / start.elapsed().as_secs_f64())
}

//! Many clients behind lines that break at random, while people write and the server is replaced: in the end each of
//! them holds what the log holds, and none was bothered with a refusal.

use std::{
    collections::HashSet,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use client::{Client, Options, Update};
use domain::{Cursor, EventId, Pattern, Position};
use futures::StreamExt;
use live::{ClientConfig, OnGap, Sid, Status};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};
use uuid::Uuid;

use crate::{
    Failure,
    http::{Http, Refused},
    process::{self, Process},
    relay::Relay,
};

/// What is written and followed.
const PATTERN: &str = "chat.lobby.message_posted";

/// A cut falls within so many bytes: a few events, so in the middle of any of them.
const CUT_WITHIN: usize = 4_000;

/// How long the last events may take to reach everybody.
const PATIENCE: Duration = Duration::from_secs(180);

/// What is done to whom.
#[derive(Debug, Clone)]
pub struct Soak {
    /// The build.
    pub binary: PathBuf,
    /// How many clients.
    pub clients: usize,
    /// How often each is cut.
    pub cuts: usize,
    /// How long a client is left alone before it is cut, on average.
    pub peace: Duration,
    /// How long each of the two writers pauses between two texts.
    pub pause: Duration,
    /// What clients are made with; each gets a seed of its own.
    pub session: ClientConfig,
    /// Decides when and where lines are cut.
    pub seed: u64,
}

/// What came of it. There is no such thing as a client that is nearly right: that is an error.
#[derive(Debug)]
pub struct Endured {
    /// Texts in the log, and with every client.
    pub texts: usize,
    /// Lines that were cut, over all clients.
    pub cuts: usize,
    /// For each client that the old server sent away: when it was connected again, counted from the moment the
    /// server was told to stop. Sorted.
    pub came_back: Vec<Duration>,
}

/// What all clients share.
struct Floor {
    target: watch::Receiver<SocketAddr>,
    /// When the server was told to stop.
    redeployed: watch::Receiver<Option<Instant>>,
    /// The last text of all, once nobody writes any more.
    last: watch::Receiver<Option<EventId>>,
    cuts: AtomicUsize,
}

/// What a client was told, in order, and how long after the redeployment it was back.
type Followed = (Vec<EventId>, Option<Duration>);

/// Runs it.
///
/// # Errors
/// If anybody ends up with something else than the log, is refused or stopped, or the server falls over.
pub async fn run(soak: &Soak) -> Result<Endured, Failure> {
    let folder = process::folder()?;
    let server = Process::hubbub(&soak.binary, folder.path(), None)?;
    let (moved, target) = watch::channel(server.addr);
    let (redeploy, redeployed) = watch::channel(None);
    let (end, last) = watch::channel(None);
    let floor = Arc::new(Floor { target, redeployed, last, cuts: AtomicUsize::new(0) });
    let (rest, resting) = watch::channel(false);
    let token = Http::sign_in(server.addr, "ada").await?;
    let writers: Vec<_> = (0..2)
        .map(|_| tokio::spawn(write(floor.clone(), token.clone(), soak.pause, resting.clone())))
        .collect();
    let (mut clients, mut cutters) = (JoinSet::new(), JoinSet::new());
    for nth in 0..soak.clients {
        let seed = soak.seed.wrapping_add(nth as u64);
        let relay = Relay::start(floor.target.clone()).await?;
        let options = Options {
            session: ClientConfig { seed, ..soak.session.clone() },
            ..Options::new(format!("http://{}", relay.addr))
        };
        clients.spawn(follow(floor.clone(), options));
        cutters.spawn(cut(floor.clone(), relay, soak.cuts, soak.peace, seed));
    }
    // In the middle of it all, another server takes over the data.
    let half = soak.clients * soak.cuts / 2;
    until("half of the cuts", || floor.cuts.load(Relaxed) >= half, &mut clients).await?;
    redeploy.send_replace(Some(Instant::now()));
    server.terminate().await?;
    let server = Process::hubbub(&soak.binary, folder.path(), None)?;
    moved.send_replace(server.addr);
    // The relays outlive their cutters' work: clients still connect through them.
    let mut relays = Vec::new();
    until("all cuts", || floor.cuts.load(Relaxed) >= soak.clients * soak.cuts, &mut clients).await?;
    while let Some(relay) = cutters.join_next().await {
        relays.push(relay?);
    }
    rest.send_replace(true);
    let mut said = Vec::new();
    for writer in writers {
        said.extend(writer.await??);
    }
    let log = log(server.addr).await?;
    let in_log: HashSet<EventId> = log.iter().copied().collect();
    if in_log.len() != log.len() || !said.iter().all(|id| in_log.contains(id)) {
        return Err("an acknowledged text is not in the log, or twice".into());
    }
    end.send_replace(log.last().copied());
    let ended = tokio::time::timeout(PATIENCE, async {
        let mut came_back = Vec::new();
        while let Some(client) = clients.join_next().await {
            let (held, back) = client??;
            came_back.extend(back);
            if held != log {
                return Err(Failure::from(format!(
                    "a client holds {} texts that are not the {} of the log (seed {})",
                    held.len(),
                    log.len(),
                    soak.seed
                )));
            }
        }
        Ok(came_back)
    });
    let mut came_back =
        ended.await.map_err(|_| format!("some clients never ended (seed {})", soak.seed))??;
    came_back.sort_unstable();
    Ok(Endured { texts: log.len(), cuts: relays.iter().map(Relay::cuts).sum(), came_back })
}

/// Waits for a condition; a client that ends before it does so with an error.
async fn until(
    what: &str,
    reached: impl Fn() -> bool,
    clients: &mut JoinSet<Result<Followed, Failure>>,
) -> Result<(), Failure> {
    while !reached() {
        if let Some(ended) = clients.try_join_next() {
            ended??;
            return Err(format!("a client ended before {what}").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Follows the log from its start until its last text.
async fn follow(floor: Arc<Floor>, options: Options) -> Result<Followed, Failure> {
    let mut client = Client::new(&options)?;
    let (sid, pattern): (Sid, Pattern) = ("soak".parse()?, PATTERN.parse()?);
    let (mut subscribed, mut back) = (false, None);
    let (mut held, mut last) = (Vec::new(), floor.last.clone());
    loop {
        let end = *last.borrow_and_update();
        if end.is_some() && held.last().copied() == end {
            return Ok((held, back));
        }
        let update = tokio::select! {
            update = client.next() => update.ok_or("a client was stopped")?,
            _ = last.changed() => continue,
        };
        match update {
            Update::Event { event, .. } => held.push(event.meta.id),
            Update::Status(Status::Live) => {
                if !std::mem::replace(&mut subscribed, true) {
                    let epoch = client.epoch().ok_or("connected to a log without an epoch")?;
                    let start = Cursor { epoch, position: Position::START };
                    client.subscribe(sid.clone(), pattern.clone(), Some(start), OnGap::Replay);
                }
                if let Some(told) = *floor.redeployed.borrow() {
                    back = back.or_else(|| Some(told.elapsed()));
                }
            }
            Update::Refused { code, why, .. } => return Err(format!("a refusal: {code}: {why}").into()),
            Update::Resync { .. } => return Err("a client was asked to fetch afresh".into()),
            Update::Status(Status::Stopped { code, why }) => {
                return Err(format!("a client was stopped: {code}: {why}").into());
            }
            _ => {}
        }
    }
}

/// Cuts one client's line now and then. Returns the relay, which has to go on.
async fn cut(floor: Arc<Floor>, relay: Relay, cuts: usize, peace: Duration, seed: u64) -> Relay {
    let mut rng = fastrand::Rng::with_seed(seed);
    for nth in 0..cuts {
        tokio::time::sleep(peace.mul_f64(rng.f64() * 2.0)).await;
        relay.cut_after(rng.usize(..CUT_WITHIN));
        while relay.cuts() <= nth {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        floor.cuts.fetch_add(1, Relaxed);
    }
    relay
}

/// Writes until it is time to rest, each text until it is acknowledged. Returns what was.
async fn write(
    floor: Arc<Floor>,
    token: String,
    pause: Duration,
    resting: watch::Receiver<bool>,
) -> Result<Vec<EventId>, Failure> {
    let mut said = Vec::new();
    let mut http = None;
    for nth in 0_u64.. {
        if *resting.borrow() {
            break;
        }
        tokio::time::sleep(pause).await;
        let (key, data) =
            (Uuid::now_v7(), json!({"room": "lobby", "text": format!("text {nth}")}).to_string());
        let receipt = loop {
            let addr = *floor.target.borrow();
            match attempt(&mut http, addr, &token, key, &data).await {
                Ok(receipt) => break receipt,
                // The server is being replaced; the same again, under the same key.
                Err(error) => match error.downcast::<Refused>() {
                    Ok(refused) if refused.code() != "server.closing" => return Err(refused),
                    _ => tokio::time::sleep(Duration::from_millis(50)).await,
                },
            }
        };
        let receipt: Value = serde_json::from_slice(&receipt)?;
        said.push(receipt["events"][0]["id"].as_str().ok_or("a receipt without an event")?.parse()?);
    }
    Ok(said)
}

async fn attempt(
    kept: &mut Option<Http>,
    addr: SocketAddr,
    token: &str,
    key: Uuid,
    data: &str,
) -> Result<Vec<u8>, Failure> {
    let mut http = match kept.take() {
        Some(http) => http,
        None => Http::connect(addr).await?,
    };
    let receipt = http.command("chat.post_message", token, key, data).await?;
    *kept = Some(http);
    Ok(receipt)
}

/// The texts of the log, in order.
async fn log(addr: SocketAddr) -> Result<Vec<EventId>, Failure> {
    let mut http = Http::connect(addr).await?;
    let (mut ids, mut after) = (Vec::new(), 0);
    loop {
        let path = format!("/api/events?match={PATTERN}&after={after}&limit=500");
        let page: Value = serde_json::from_slice(&http.call("GET", &path, None, "").await?)?;
        for event in page["events"].as_array().ok_or("a page without events")? {
            ids.push(event["id"].as_str().ok_or("an event without an id")?.parse()?);
        }
        let next = page["next"].as_u64().ok_or("a page without an end")?;
        if next == after {
            return Ok(ids);
        }
        after = next;
    }
}

/// How many came back in each quarter of a second, as lines for people.
#[must_use]
pub fn histogram(came_back: &[Duration]) -> String {
    const WIDTH: usize = 60;
    let bucket = |back: &Duration| usize::try_from(back.as_millis() / 250).unwrap_or(usize::MAX);
    let Some(buckets) = came_back.iter().map(bucket).max() else { return String::new() };
    let mut counts = vec![0_usize; buckets.min(400) + 1];
    for back in came_back {
        let last = counts.len() - 1;
        counts[bucket(back).min(last)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let line = |(nth, count): (usize, &usize)| {
        format!("{:6.2} s {count:5} {}\n", nth as f64 * 0.25, "#".repeat(count * WIDTH / most))
    };
    counts.iter().enumerate().map(line).collect()
}

//! One text to very many readers: what a delivery costs the server, and how long it takes.

use std::{
    net::SocketAddr,
    path::Path,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use clap::ValueEnum;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    Failure,
    crowd::{Crowd, Entry},
    http::Http,
    process::{self, Process},
    publisher::{Plan, Stage},
    wire::{self, Framing},
};

/// The size of a text, in bytes. With its envelope an event of ours is larger; the yardstick's are as large as that.
const TEXT: usize = 64;

/// How the readers are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    /// WebSocket.
    Ws,
    /// Server-sent events.
    Sse,
}

impl Transport {
    /// Its name in a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Transport::Ws => "WebSocket",
            Transport::Sse => "SSE",
        }
    }

    /// How large a text of the yardstick's is that weighs as much, in bytes: it is wrapped in a frame's
    /// header, or in a chunk's and `data: `.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred bytes")]
    pub(crate) fn unwrapped(self, bytes: f64) -> usize {
        match self {
            Transport::Ws => bytes as usize - 4,
            Transport::Sse => bytes as usize - 15,
        }
    }
}

/// A server to measure, and how to talk to it.
pub(crate) struct Side {
    pub(crate) process: Process,
    pub(crate) stage: Stage,
    pub(crate) entry: Entry,
    /// The size of a text so that both sides send the same over the wire.
    pub(crate) bytes: usize,
    _folder: Option<TempDir>,
}

impl Side {
    /// Our own server, with everybody in the lobby listening.
    pub(crate) async fn ours(
        binary: &Path,
        transport: Transport,
        core: Option<usize>,
    ) -> Result<Self, Failure> {
        let folder = process::folder()?;
        let process = Process::hubbub(binary, folder.path(), core)?;
        let stage = Stage::Hubbub { token: Http::sign_in(process.addr, "ada").await? };
        let entry = Self::lobby(transport, None);
        Ok(Self { process, stage, entry, bytes: TEXT, _folder: Some(folder) })
    }

    /// How a reader of ours listens to the lobby: from now on, or from a cursor.
    pub(crate) fn lobby(transport: Transport, since: Option<String>) -> Entry {
        const PATTERN: &str = "chat.lobby.message_posted";
        let until = Some("\"live\"");
        match transport {
            Transport::Ws => {
                let sub = json!({"sid": "a", "match": PATTERN, "since": since});
                let hello = json!({"kind": "hello", "v": 1, "subs": [sub]});
                let hello = Some(hello.to_string());
                Entry { path: "/live/ws".into(), framing: Framing::WebSocket, hello, until }
            }
            Transport::Sse => {
                let since = since.map(|since| format!("&since={since}")).unwrap_or_default();
                let path = format!("/live/sse?match={PATTERN}{since}");
                Entry { path, framing: Framing::Stream, hello: None, until }
            }
        }
    }

    /// The yardstick, which sends texts of so many bytes. Its readers say a word first, as ours do: the kernel
    /// takes who answers for interactive and acknowledges later, in other hands, and so at another's cost.
    pub(crate) fn yardstick(
        transport: Transport,
        bytes: usize,
        core: Option<usize>,
    ) -> Result<Self, Failure> {
        let (path, framing, hello) = match transport {
            Transport::Ws => ("/ws", Framing::WebSocket, Some("hello".to_owned())),
            Transport::Sse => ("/sse", Framing::Stream, None),
        };
        let entry = Entry { path: path.into(), framing, hello, until: None };
        Ok(Self { process: Process::yardstick(core)?, stage: Stage::Yardstick, entry, bytes, _folder: None })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.process.addr
    }

    /// Connects readers and waits until each has had one text. Returns what a text weighs on the wire.
    pub(crate) async fn fill(&self, size: usize, began: Instant) -> Result<(Crowd, f64), Failure> {
        let crowd = Crowd::gather(self.addr(), self.entry.clone(), size, began).await?;
        let mut http = Http::connect(self.addr()).await?;
        let before = crowd.tally.bytes.load(Relaxed);
        self.stage.say(&mut http, &wire::text(self.bytes, began.elapsed())).await?;
        let given_up = Instant::now() + Duration::from_secs(20);
        while crowd.tally.texts.load(Relaxed) < size as u64 {
            if Instant::now() > given_up {
                let got = crowd.tally.texts.load(Relaxed);
                return Err(format!("only {got} of {size} readers got the first text").into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let weight = (crowd.tally.bytes.load(Relaxed) - before) as f64 / size as f64;
        crowd.tally.take_latencies();
        Ok((crowd, weight))
    }

    /// A plan to say texts at this rate.
    pub(crate) fn plan(&self, rate: f64, run: Duration, lanes: usize) -> Plan {
        Plan { addr: self.addr(), stage: self.stage.clone(), rate, bytes: self.bytes, run, lanes }
    }
}

/// What one run showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    /// Texts that readers got, a second.
    pub(crate) deliveries_per_s: f64,
    /// From the instant a text was due to the instant it was read, in milliseconds.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Of the server, for a million deliveries, with all that comes before them: for ours also the durable append.
    pub(crate) cpu_s_per_million: f64,
    /// Of the server, for one text that only one reader gets.
    pub(crate) cpu_ms_per_text: f64,
    /// What is left of [`Shown::cpu_s_per_million`] without that: for delivering alone.
    pub(crate) delivering_s_per_million: f64,
    /// Of the server, for each connection, after the run.
    pub(crate) kib_per_connection: f64,
    /// On the wire, for each delivery.
    pub(crate) bytes_per_delivery: f64,
}

/// Measures what a text costs a server that has one reader, in milliseconds of CPU.
async fn alone(side: &Side, rate: f64, run: Duration) -> Result<f64, Failure> {
    let began = Instant::now();
    let (crowd, _) = side.fill(1, began).await?;
    let used = side.process.usage()?;
    let said = side.plan(rate, run, 16).carry_out(began).await?;
    let used_now = side.process.usage()?;
    drop(crowd);
    Ok((used_now.cpu_s - used.cpu_s) / said.max(1) as f64 * 1e3)
}

/// Measures one server under a steady rate of texts.
pub(crate) async fn measure(side: &Side, size: usize, rate: f64, run: Duration) -> Result<Shown, Failure> {
    let cpu_ms_per_text = alone(side, rate, run / 2).await?;
    let warm = Duration::from_secs(1);
    let began = Instant::now();
    let empty = side.process.usage()?;
    let (crowd, _) = side.fill(size, began).await?;
    crowd.stay_awake();
    let said = tokio::spawn(side.plan(rate, warm + run, 16).carry_out(began));
    tokio::time::sleep(warm).await;
    crowd.tally.take_latencies();
    let state = || -> Result<_, Failure> {
        let counted = (crowd.tally.texts.load(Relaxed), crowd.tally.bytes.load(Relaxed));
        Ok((Instant::now(), counted, side.process.usage()?))
    };
    let (from, (texts, bytes), used) = state()?;
    tokio::time::sleep(run).await;
    let (to, (more_texts, more_bytes), used_now) = state()?;
    let late = crowd.tally.take_latencies();
    said.await??;
    let ended = crowd.tally.ended.load(Relaxed);
    if ended > 0 {
        return Err(format!("the server ended {ended} of {size} connections").into());
    }
    let deliveries = (more_texts - texts).max(1) as f64;
    let cpu_s_per_million = (used_now.cpu_s - used.cpu_s) / deliveries * 1e6;
    Ok(Shown {
        cpu_s_per_million,
        cpu_ms_per_text,
        delivering_s_per_million: cpu_s_per_million - cpu_ms_per_text * 1e3 / size as f64,
        deliveries_per_s: deliveries / (to - from).as_secs_f64(),
        p50_ms: percentile(&late, 50),
        p99_ms: percentile(&late, 99),
        kib_per_connection: (used_now.resident_kib - empty.resident_kib) / size as f64,
        bytes_per_delivery: (more_bytes - bytes) as f64 / deliveries,
    })
}

/// Of sorted microseconds, in milliseconds.
pub(crate) fn percentile(sorted: &[u32], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
}

/// How many texts a second so many readers are sent: at most 50, and no more than make 50,000 deliveries, which two
/// cores can bear beside whoever counts them.
pub(crate) fn rate(readers: usize) -> f64 {
    (50_000.0 / readers.max(1) as f64).clamp(1.0, 50.0)
}

/// Both servers in turn, `rounds` times. Returns their medians by CPU, ours first.
pub(crate) async fn compare(
    binary: &Path,
    transport: Transport,
    size: usize,
    run: Duration,
    rounds: usize,
) -> Result<(Shown, Shown), Failure> {
    let rate = rate(size);
    let (mut ours, mut theirs) = (vec![], vec![]);
    for _ in 0..rounds {
        let side = Side::ours(binary, transport, None).await?;
        let shown = measure(&side, size, rate, run).await?;
        drop(side);
        ours.push(shown);
        let bytes = transport.unwrapped(shown.bytes_per_delivery);
        theirs.push(measure(&Side::yardstick(transport, bytes, None)?, size, rate, run).await?);
    }
    Ok((median(ours), median(theirs)))
}

fn median(mut shown: Vec<Shown>) -> Shown {
    shown.sort_by(|a, b| a.cpu_s_per_million.total_cmp(&b.cpu_s_per_million));
    shown[shown.len() / 2]
}

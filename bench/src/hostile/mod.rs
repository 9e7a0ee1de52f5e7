//! Strangers who do everything that a server has to bear, all at once, while two people go on talking: nobody of
//! the two is refused, the one hears every word of the other in order, each stranger is ended in bounded time and
//! told why where that is possible, and in the end the server is as it was.

mod attacks;
mod line;
mod table;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::EventId;
use futures::{StreamExt, future::join_all, stream};
use live::{ServerFrame, frames};
use serde_json::{Value, json};
use tokio::{
    net::TcpSocket,
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use uuid::Uuid;

pub use self::table::{Endured, Row};
use self::{
    attacks::{ATTACKS, Attack, Bound, Ground},
    line::Line,
};
use crate::{
    Failure,
    http::Http,
    log,
    process::{self, Process},
    wire::client_frame,
};

/// Where those who behave come from.
const GOOD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Where those come from who want more sockets than they may have.
const THRONG: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// Where the one comes from who wants more subscriptions.
const GREEDY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 4);

/// What is said and followed.
const PATTERN: &str = "chat.lobby.message_posted";

/// How long the one who talks pauses: less often than anybody may.
const PAUSE: Duration = Duration::from_millis(60);

/// Texts in the log, and the bytes of each: more together than the system buffers for who does not read.
const HISTORY: (usize, usize) = (4_000, 3_000);

/// How many of the crowd connect at once.
const AT_ONCE: usize = 64;

/// What a bound may be exceeded by, on a busy machine: who reads nothing is ended only after what the system buffers
/// is full.
const SLACK: Duration = Duration::from_secs(40);

/// How long the server waits for `hello`.
const HELLO: Duration = Duration::from_secs(10);

/// How long it takes until the server has pinged and missed the answer.
const PING: Duration = Duration::from_secs(33);

/// What is done to the server.
#[derive(Debug, Clone)]
pub struct Hostile {
    /// The build.
    pub binary: PathBuf,
    /// Settings that differ from the usual ones.
    pub settings: Vec<(&'static str, u64)>,
    /// How many sockets one address tries to have.
    pub sockets: usize,
    /// How many clients try each of the other attacks.
    pub each: usize,
    /// How many subscriptions one client asks for.
    pub wishes: usize,
    /// Whether to wait for those whom nothing but an unanswered ping ends.
    pub pings: bool,
    /// By how much the server's memory may grow meanwhile, in MiB.
    pub growth_mib: f64,
}

impl Hostile {
    /// A setting in force.
    fn seconds(&self, name: &str, usual: u64) -> Duration {
        Duration::from_secs(self.setting(name, usual))
    }

    fn setting(&self, name: &str, usual: u64) -> u64 {
        self.settings.iter().find(|(given, _)| *given == name).map_or(usual, |(_, value)| *value)
    }

    fn bound(&self, bound: Bound) -> Duration {
        match bound {
            Bound::Work => Duration::ZERO,
            Bound::Request => self.seconds("HUBBUB_REQUEST_SECONDS", 30),
            Bound::Stall => self.seconds("HUBBUB_STALL_SECONDS", 5),
            Bound::Hello => HELLO,
            Bound::Ping => PING,
        }
    }

    /// How many of the crowd are let in.
    fn admitted(&self) -> usize {
        let most = self.setting("HUBBUB_CONNECTIONS_PER_ADDRESS", 1_000);
        self.sockets.min(usize::try_from(most).unwrap_or(usize::MAX))
    }
}

/// Runs it; on Linux, where this machine has as many addresses as are needed. What is not as it must be is in
/// [`Endured::complaints`].
///
/// # Errors
/// If somebody who behaves is refused, or hears anything else than what was said, or the server falls over.
pub async fn run(hostile: &Hostile) -> Result<Endured, Failure> {
    let folder = process::folder()?;
    let epoch = log::fill(&hostile.binary, folder.path(), HISTORY.0, HISTORY.1).await?;
    let mut command = process::hubbub(&hostile.binary, folder.path())?;
    let complained = folder.path().join("stderr");
    command.env("RUST_LOG", "error").stderr(File::create(&complained)?);
    command.envs(hostile.settings.iter().map(|(name, value)| (name, value.to_string())));
    let server = Arc::new(Process::start(command)?);
    let addr = server.addr;
    let ((token, ada), (forger, me)) = (Http::enter(addr, "ada").await?, Http::enter(addr, "bo").await?);

    let (say_last, last) = watch::channel(None);
    let listening = tokio::spawn(listen(follow(addr).await?, ada.clone(), last));
    let (rest, resting) = watch::channel(false);
    let socket = TcpSocket::new_v4()?;
    socket.bind((GOOD, 0).into())?;
    let mut http = Http::over(socket.connect(addr).await?, addr);
    // From here on the server has the sockets of the two.
    http.call("GET", "/readyz", None, "").await?;
    let talking = tokio::spawn(talk(http, token, resting.clone()));
    let (before, sockets) = (server.usage()?.resident_kib, server.sockets()?);
    let watching = tokio::spawn(most_memory(server.clone(), resting));

    let ground = Arc::new(Ground {
        addr,
        epoch: epoch.to_string(),
        token: forger,
        me,
        other: ada,
        wishes: hostile.wishes,
        patience: hostile.bound(Bound::Request).max(PING) + SLACK,
    });
    let mut rows = JoinSet::new();
    rows.spawn(overrun(addr, hostile.sockets, hostile.admitted()));
    rows.spawn(greed(ground.clone()));
    let tried = ATTACKS.iter().filter(|attack| hostile.pings || attack.bound != Bound::Ping);
    for (nth, attack) in (0..).zip(tried) {
        let within = hostile.bound(attack.bound) + SLACK;
        rows.spawn(mob(attack, ground.clone(), Ipv4Addr::new(127, 0, 1, nth), hostile.each, within));
    }
    let mut rows = rows.join_all().await;
    rows.sort_by_key(|row| row.what);

    let left = settled(&server, sockets).await?;
    rest.send_replace(true);
    let words = talking.await??;
    say_last.send_replace(words.last().map(|(id, _)| *id));
    let heard = timeout(SLACK, listening).await.map_err(|_| "the one who listens did not hear all")???;
    if !heard.iter().map(|(id, _)| id).eq(words.iter().map(|(id, _)| id)) {
        return Err(
            format!("{} words were said, {} heard, and not the same", words.len(), heard.len()).into()
        );
    }
    let complained = fs::read_to_string(complained)?;
    if complained.contains("panicked") {
        return Err(format!("the server panicked: {complained}").into());
    }
    let delays = heard.iter().zip(&words).map(|((_, heard), (_, said))| heard.duration_since(*said));
    Ok(Endured {
        rows,
        words: words.len(),
        slowest: delays.max().unwrap_or_default(),
        resident_mib: [before, watching.await??, server.usage()?.resident_kib].map(|kib| kib / 1024.0),
        sockets: [sockets, left],
        growth_mib: hostile.growth_mib,
    })
}

/// Connects the one who listens: to every word and to every signal.
async fn follow(addr: SocketAddr) -> Result<Line, Failure> {
    let mut line = Line::open(GOOD, addr).await?;
    line.upgrade(None).await?;
    let subs = json!([{ "sid": "words", "match": PATTERN }, { "sid": "signals", "match": "signal.>" }]);
    line.say(&client_frame(&json!({ "kind": "hello", "v": 1, "subs": subs }).to_string())).await?;
    while !line.next().await?.contains(r#""sid":"words","outcome":"live""#) {}
    Ok(line)
}

/// Listens until the last word. Nothing may come that is not ada's by word or somebody else's by signal.
async fn listen(
    mut line: Line,
    ada: String,
    mut last: watch::Receiver<Option<EventId>>,
) -> Result<Vec<(EventId, Instant)>, Failure> {
    let mut heard: Vec<(EventId, Instant)> = Vec::new();
    loop {
        let end = *last.borrow_and_update();
        if end.is_some() && heard.last().map(|(id, _)| *id) == end {
            return Ok(heard);
        }
        let text = tokio::select! {
            text = line.next() => text?,
            _ = last.changed() => continue,
        };
        for frame in frames::split(&text) {
            match ServerFrame::parse(frame)? {
                ServerFrame::Event(event) => heard.push((event.event.meta.id, Instant::now())),
                ServerFrame::Signal(_) if frame.contains(&ada) => {
                    return Err(format!("somebody spoke for ada: {frame}").into());
                }
                ServerFrame::Ping => line.say(&client_frame(r#"{"kind":"pong"}"#)).await?,
                ServerFrame::Refused(_) | ServerFrame::Bye(_) => {
                    return Err(format!("the one who listens was refused: {frame}").into());
                }
                _ => {}
            }
        }
    }
}

/// Talks until it is time to rest. Returns what was said, and when.
async fn talk(
    mut http: Http,
    token: String,
    resting: watch::Receiver<bool>,
) -> Result<Vec<(EventId, Instant)>, Failure> {
    let mut said = Vec::new();
    while !*resting.borrow() {
        let (key, now) = (Uuid::now_v7(), Instant::now());
        let data = json!({ "room": "lobby", "text": format!("word {}", said.len()) }).to_string();
        let receipt = http.command("chat.post_message", &token, key, &data).await?;
        let receipt: Value = serde_json::from_slice(&receipt)?;
        let id = receipt["events"][0]["id"].as_str().ok_or("a receipt without an event")?.parse()?;
        said.push((id, now));
        sleep(PAUSE).await;
    }
    Ok(said)
}

/// The most memory that the server has, in KiB, until it is time to rest.
async fn most_memory(server: Arc<Process>, resting: watch::Receiver<bool>) -> Result<f64, Failure> {
    let mut most = 0.0_f64;
    while !*resting.borrow() {
        most = most.max(server.usage()?.resident_kib);
        sleep(PAUSE).await;
    }
    Ok(most)
}

/// Waits until the server has no more sockets than before, and returns how many it has.
async fn settled(server: &Process, before: usize) -> Result<usize, Failure> {
    let deadline = Instant::now() + SLACK;
    loop {
        let sockets = server.sockets()?;
        if sockets <= before || Instant::now() > deadline {
            return Ok(sockets);
        }
        sleep(PAUSE).await;
    }
}

/// Many do the same, from one address.
async fn mob(
    attack: &'static Attack,
    ground: Arc<Ground>,
    from: Ipv4Addr,
    clients: usize,
    within: Duration,
) -> Row {
    let start = Instant::now();
    let acts = (0..clients).map(|_| tokio::spawn((attack.act)(ground.clone(), from)));
    let mut ends = BTreeMap::new();
    for end in join_all(acts).await {
        let end = end.map_err(Failure::from).flatten().unwrap_or_else(|error| error.to_string());
        *ends.entry(end).or_default() += 1;
    }
    let longest = start.elapsed();
    let expected = |end: &String| attack.ends.iter().any(|expected| end.starts_with(expected));
    let sound = longest <= within && ends.keys().all(expected);
    Row { what: attack.name, clients, ends, longest, sound }
}

/// One asks for more subscriptions than anybody may.
async fn greed(ground: Arc<Ground>) -> Row {
    let start = Instant::now();
    let answered = attacks::greedy(&ground, GREEDY).await;
    let sound =
        answered.as_ref().is_ok_and(|(held, refused)| *held <= 128 && held + refused == ground.wishes);
    let ends = match answered {
        Ok((held, refused)) => {
            BTreeMap::from([("granted".to_owned(), held), ("refused by name".to_owned(), refused)])
        }
        Err(error) => BTreeMap::from([(error.to_string(), 1)]),
    };
    Row { what: "subscribes without end", clients: 1, ends, longest: start.elapsed(), sound }
}

/// One address opens more sockets than it may have.
async fn overrun(addr: SocketAddr, sockets: usize, admitted: usize) -> Row {
    const TOO_MANY: &str = "503 server.too_many_connections";
    let start = Instant::now();
    let opened = stream::iter(0..sockets).map(|_| async move {
        let mut line = Line::open(THRONG, addr).await?;
        line.upgrade(None).await?;
        line.say(&client_frame(attacks::HELLO)).await?;
        Ok::<Line, Failure>(line)
    });
    let opened: Vec<_> = opened.buffer_unordered(AT_ONCE).collect().await;
    let mut ends = BTreeMap::new();
    for line in &opened {
        let end = line.as_ref().map_or_else(ToString::to_string, |_| "admitted".to_owned());
        *ends.entry(end).or_default() += 1;
    }
    let count = |end: &str| ends.get(end).copied().unwrap_or_default();
    let sound = count("admitted") == admitted && count(TOO_MANY) == sockets - admitted;
    Row {
        what: "more sockets than one address may have",
        clients: sockets,
        ends,
        longest: start.elapsed(),
        sound,
    }
}

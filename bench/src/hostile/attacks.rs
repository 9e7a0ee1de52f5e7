//! What strangers try. Each is one connection's doing; many do the same from one address.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use serde_json::json;
use tokio::{io::AsyncWriteExt, time::timeout};

use super::line::Line;
use crate::{
    Failure,
    wire::{client_frame, masked},
};

/// Says hello and asks for nothing.
pub(super) const HELLO: &str = r#"{"kind":"hello","v":1}"#;

/// How many subscriptions are asked for in one text.
const IN_ONE_TEXT: usize = 500;

/// Who takes nothing knocks so often: a server that has gone answers that at once, and nothing need be read to hear
/// it.
const KNOCK: Duration = Duration::from_millis(100);

/// What is known of the server by those who attack it.
pub(super) struct Ground {
    pub(super) addr: SocketAddr,
    pub(super) epoch: String,
    /// Somebody who is signed in and does not behave.
    pub(super) token: String,
    pub(super) me: String,
    /// Somebody else.
    pub(super) other: String,
    /// How many subscriptions the greedy one asks for.
    pub(super) wishes: usize,
    /// When each is given up.
    pub(super) patience: Duration,
}

/// What bounds how long the server bears with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// Nothing but the work it is.
    Work,
    /// How long a head or a body may take.
    Request,
    /// How long a peer may take no byte.
    Stall,
    /// How long `hello` may take.
    Hello,
    /// How long a ping may go unanswered.
    Ping,
}

/// One way to attack. It returns how the server ended it, see [`Line::ended`].
pub(super) struct Attack {
    pub(super) name: &'static str,
    pub(super) bound: Bound,
    /// The ways in which the server may end it.
    pub(super) ends: &'static [&'static str],
    pub(super) act: fn(Arc<Ground>, Ipv4Addr) -> BoxFuture<'static, Result<String, Failure>>,
}

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "a head, a byte a second",
        bound: Bound::Request,
        ends: &["cut", "408"],
        act: |ground, from| slow(ground, from, "GET / HTTP/1.1\r\nHost: hubbub\r\nX-Slow: ").boxed(),
    },
    Attack {
        name: "a body, a byte a second",
        bound: Bound::Request,
        ends: &["408 request.too_slow"],
        act: |ground, from| {
            slow(ground, from, "POST /api/session HTTP/1.1\r\nHost: hubbub\r\nContent-Length: 60000\r\n\r\n")
                .boxed()
        },
    },
    Attack {
        name: "garbage instead of a request",
        bound: Bound::Request,
        ends: &["400", "431", "cut"],
        act: |ground, from| garbage(ground, from, false).boxed(),
    },
    Attack {
        name: "reads nothing of a socket",
        bound: Bound::Stall,
        ends: &["cut"],
        act: |ground, from| deaf_socket(ground, from).boxed(),
    },
    Attack {
        name: "reads nothing of an event stream",
        bound: Bound::Stall,
        ends: &["cut"],
        act: |ground, from| deaf_reader(ground, from, "/live/sse?since=0", 1).boxed(),
    },
    Attack {
        name: "asks 50 times and reads nothing",
        bound: Bound::Stall,
        ends: &["cut"],
        act: |ground, from| deaf_reader(ground, from, "/api/events?limit=500", 50).boxed(),
    },
    Attack {
        name: "pings without end, reads nothing",
        bound: Bound::Stall,
        ends: &["cut"],
        act: |ground, from| deaf_pinger(ground, from).boxed(),
    },
    Attack {
        name: "pings without end",
        bound: Bound::Ping,
        ends: &["bye 4102"],
        act: |ground, from| socket(ground, from, client_frame(HELLO), masked(0x89, b"hi")).boxed(),
    },
    Attack {
        name: "half a hello",
        bound: Bound::Hello,
        ends: &["bye 4103"],
        act: |ground, from| socket(ground, from, client_frame(HELLO)[..9].to_vec(), vec![]).boxed(),
    },
    Attack {
        name: "empty fragments without end",
        bound: Bound::Hello,
        ends: &["bye 4103"],
        act: |ground, from| socket(ground, from, masked(0x01, b""), masked(0x00, b"")).boxed(),
    },
    Attack {
        name: "garbage instead of frames",
        bound: Bound::Hello,
        ends: &["bye 4000", "bye 4002", "bye 4103"],
        act: |ground, from| garbage(ground, from, true).boxed(),
    },
    Attack {
        name: "fragments without end",
        bound: Bound::Work,
        ends: &["bye 4002"],
        act: |ground, from| socket(ground, from, masked(0x01, b"x"), masked(0x00, &[b'x'; 1_000])).boxed(),
    },
    Attack {
        name: "a frame of a terabyte",
        bound: Bound::Work,
        ends: &["bye 4002"],
        act: |ground, from| {
            socket(ground, from, vec![0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], vec![b'x'; 1_000])
                .boxed()
        },
    },
    Attack {
        name: "a text of 70,000 bytes",
        bound: Bound::Work,
        ends: &["bye 4002"],
        act: |ground, from| socket(ground, from, masked(0x81, &[b'x'; 70_000]), vec![]).boxed(),
    },
    Attack {
        name: "a compressed frame",
        bound: Bound::Work,
        ends: &["bye 4000"],
        act: |ground, from| socket(ground, from, masked(0xc1, &[0xaa, 0x56, 0x4a, 0xcc, 0]), vec![]).boxed(),
    },
    Attack {
        name: "an unmasked frame",
        bound: Bound::Work,
        ends: &["bye 4000"],
        act: |ground, from| socket(ground, from, vec![0x81, 2, b'{', b'}'], vec![]).boxed(),
    },
    Attack {
        name: "signals about others, a forged sender",
        bound: Bound::Work,
        ends: &["refused by name"],
        act: |ground, from| forger(ground, from).boxed(),
    },
];

/// A request that never comes to its end.
async fn slow(ground: Arc<Ground>, from: Ipv4Addr, start: &'static str) -> Result<String, Failure> {
    let mut line = Line::open(from, ground.addr).await?;
    line.say(start.as_bytes()).await?;
    Ok(line.ended_under(ground.patience, Duration::from_secs(1), b"x").await)
}

/// Opens a socket, says something, and then the same again and again.
async fn socket(
    ground: Arc<Ground>,
    from: Ipv4Addr,
    first: Vec<u8>,
    again: Vec<u8>,
) -> Result<String, Failure> {
    let mut line = Line::open(from, ground.addr).await?;
    line.upgrade(None).await?;
    line.say(&first).await?;
    if again.is_empty() {
        return Ok(line.ended(ground.patience).await);
    }
    Ok(line.ended_under(ground.patience, Duration::ZERO, &again).await)
}

/// Bytes that mean nothing.
async fn garbage(ground: Arc<Ground>, from: Ipv4Addr, upgraded: bool) -> Result<String, Failure> {
    let mut line = Line::open(from, ground.addr).await?;
    if upgraded {
        line.upgrade(None).await?;
    }
    let bytes: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(2_000).collect();
    line.say(&bytes).await?;
    Ok(line.ended(ground.patience).await)
}

/// Wants the whole log and takes nothing of it.
async fn deaf_socket(ground: Arc<Ground>, from: Ipv4Addr) -> Result<String, Failure> {
    let mut line = Line::narrow(from, ground.addr).await?;
    line.upgrade(None).await?;
    let since = format!("{}.0", ground.epoch);
    let subs = [json!({ "sid": "all", "match": ">", "since": since })];
    line.say(&client_frame(&json!({ "kind": "hello", "v": 1, "subs": subs }).to_string())).await?;
    Ok(line.ended_unread(ground.patience, KNOCK, &masked(0x89, b"")).await)
}

/// Asks, again and again, and takes no answer.
async fn deaf_reader(
    ground: Arc<Ground>,
    from: Ipv4Addr,
    path: &'static str,
    times: usize,
) -> Result<String, Failure> {
    let mut line = Line::narrow(from, ground.addr).await?;
    line.say(format!("GET {path} HTTP/1.1\r\nHost: hubbub\r\n\r\n").repeat(times).as_bytes()).await?;
    Ok(line.ended_unread(ground.patience, KNOCK, b"x").await)
}

/// Wants answers to very many pings and takes none.
async fn deaf_pinger(ground: Arc<Ground>, from: Ipv4Addr) -> Result<String, Failure> {
    let mut line = Line::narrow(from, ground.addr).await?;
    line.upgrade(None).await?;
    line.say(&client_frame(HELLO)).await?;
    let pings = masked(0x89, &[b'x'; 125]).repeat(100);
    Ok(line.ended_unread(ground.patience, Duration::ZERO, &pings).await)
}

/// Speaks for somebody else. What is refused is refused by name; what passes bears the sender's own name, which
/// those who listen check.
async fn forger(ground: Arc<Ground>, from: Ipv4Addr) -> Result<String, Failure> {
    let mut line = Line::open(from, ground.addr).await?;
    line.upgrade(Some(&ground.token)).await?;
    line.say(&client_frame(HELLO)).await?;
    let (me, other) = (&ground.me, &ground.other);
    let about_others = [
        (format!("signal.presence.{other}"), json!({ "idle_ms": 0 })),
        (format!("signal.typing.lobby.{other}"), json!({ "typing": true })),
        ("chat.lobby.message_posted".to_owned(), json!({ "text": "forged" })),
        ("signal.anything.at.all".to_owned(), json!({})),
    ];
    let own = (format!("signal.typing.lobby.{me}"), json!({ "typing": true }));
    for (subject, data) in about_others.iter().chain([&own]) {
        let forged = format!("user:{other}");
        let signal = json!({ "kind": "signal", "subject": subject, "data": data, "actor": forged });
        line.say(&client_frame(&signal.to_string())).await?;
    }
    let mut refused = 0;
    while refused < about_others.len() {
        let text =
            timeout(ground.patience, line.next()).await.map_err(|_| "a forged signal was not refused")??;
        refused += text.matches(r#""code":"bad_signal""#).count();
    }
    Ok("refused by name".into())
}

/// Asks for very many subscriptions. Returns how many were held and how many were refused by name.
pub(super) async fn greedy(ground: &Ground, from: Ipv4Addr) -> Result<(usize, usize), Failure> {
    let mut line = Line::open(from, ground.addr).await?;
    line.upgrade(None).await?;
    line.say(&client_frame(HELLO)).await?;
    let (mut ear, mut writing) = line.split();
    let asking = async {
        for first in (0..ground.wishes).step_by(IN_ONE_TEXT) {
            let last = ground.wishes.min(first + IN_ONE_TEXT);
            let subs: Vec<String> = (first..last)
                .map(|nth| format!(r#"{{"kind":"sub","sid":"s{nth}","match":"chat.>"}}"#))
                .collect();
            writing.write_all(&client_frame(&subs.join("\n"))).await?;
        }
        Ok::<(), Failure>(())
    };
    let answered = async {
        let (mut held, mut refused) = (0, 0);
        while held + refused < ground.wishes {
            let text = ear.next().await?;
            held += text.matches(r#""outcome":"replaying""#).count();
            refused += text.matches(r#""kind":"refused""#).count();
        }
        Ok::<_, Failure>((held, refused))
    };
    let ((), counts) = tokio::try_join!(asking, answered)?;
    Ok(counts)
}

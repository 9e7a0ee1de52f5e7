//! `/live/sse` and the bare CloudEvents socket over real connections.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use bytes::BytesMut;
use common::{Floor, event_id, problem};
use domain::Cursor;
use futures::StreamExt;
use reqwest::Response;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest, http::HeaderValue};

/// One block of a stream.
#[derive(Debug, Default, Clone)]
struct Block {
    name: String,
    id: Option<String>,
    data: String,
}

impl Block {
    fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

fn cursor(block: &Block) -> Cursor {
    block.id.as_ref().unwrap().parse().unwrap()
}

/// Reads blocks as the HTML Standard says, one at a time.
struct Blocks {
    answer: Response,
    text: String,
}

impl Blocks {
    async fn open(floor: &Floor, query: &str, token: Option<&str>, last: Option<&str>) -> Response {
        let mut request = floor.client.get(floor.url(&format!("/live/sse{query}")));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        request.send().await.unwrap()
    }

    async fn follow(floor: &Floor, query: &str, token: Option<&str>, last: Option<&str>) -> Self {
        let answer = Self::open(floor, query, token, last).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["x-accel-buffering"], "no");
        Self { answer, text: String::new() }
    }

    /// The next block; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Block> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let mut read = Block::default();
                for line in block.lines() {
                    match line.split_once(": ").unwrap() {
                        ("event", name) => read.name = name.to_owned(),
                        ("id", id) => read.id = Some(id.to_owned()),
                        ("data", data) => read.data.push_str(data),
                        ("retry", millis) => assert!(millis.parse::<u32>().is_ok()),
                        other => panic!("unexpected line {other:?}"),
                    }
                }
                self.text = rest.to_owned();
                // A block without data is not dispatched.
                if !read.data.is_empty() {
                    return Some(read);
                }
            }
            let chunk = timeout(Duration::from_secs(20), self.answer.chunk());
            let chunk = chunk.await.expect("something comes").unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn next_of(&mut self, name: &str) -> Block {
        loop {
            let block = self.next().await.unwrap_or_else(|| panic!("the stream ended before {name:?}"));
            if block.name == name {
                return block;
            }
        }
    }

    async fn live(mut self) -> Self {
        while self.next_of("subbed").await.json()["outcome"] != "live" {}
        self
    }
}

#[tokio::test]
async fn a_stock_client_sees_events_and_resumes_where_it_left_off() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let mut bo = Blocks::follow(&floor, "?match=chat.lobby.%3E", None, None).await.live().await;
    let said = floor.say(&ada, "lobby", "hello").await;
    let block = bo.next_of("").await;
    assert_eq!(block.json()["event"]["id"], said["events"][0]["id"]);
    // Services may have appended something else meanwhile.
    let flush = bo.next_of("flush").await;
    assert!(cursor(&flush).position >= cursor(&block).position);
    drop(bo);

    let missed = floor.say(&ada, "lobby", "meanwhile").await;
    let mut again = Blocks::follow(&floor, "?match=chat.lobby.%3E", None, block.id.as_deref()).await;
    assert_eq!(again.next_of("").await.json()["event"]["id"], missed["events"][0]["id"]);
    let mut from_start = Blocks::follow(&floor, "?match=chat.lobby.message_posted&since=0", None, None).await;
    let mut last = from_start.next_of("").await;
    while last.json()["event"]["id"] != missed["events"][0]["id"] {
        last = from_start.next_of("").await;
    }
}

#[tokio::test]
async fn a_page_says_hello_in_the_query_and_hears_the_whole_protocol() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let hello = json!({"kind": "hello", "v": 1, "subs": [
        {"sid": "feed", "match": "chat.lobby.>"}, {"sid": "bad", "match": "chat..x"}, {"sid": "t", "match": "signal.typing.lobby.*"}]});
    let query: String = url::form_urlencoded::Serializer::new("?".to_owned())
        .append_pair("hello", &hello.to_string())
        .finish()
        .replacen("?&", "?", 1);
    let mut page = Blocks::follow(&floor, &query, Some(&floor.sign_in("bo").await), None).await;
    assert_eq!(page.next_of("welcome").await.json()["kind"], "welcome");
    assert_eq!(page.next_of("refused").await.json()["sid"], "bad");
    let mut page = page.live().await;
    floor.say(&ada, "lobby", "hello").await;
    assert_eq!(page.next_of("").await.json()["event"]["data"]["text"], "hello");
    assert_eq!(page.next_of("flush").await.json()["kind"], "flush");
}

#[tokio::test]
async fn what_was_said_outside_of_the_pattern_moves_the_cursor_too() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let mut quiet = Blocks::follow(&floor, "?match=chat.help.%3E", None, None).await.live().await;
    let said = floor.say(&ada, "lobby", "elsewhere").await;
    let flush = quiet.next_of("flush").await;
    assert!(flush.json()["pos"].as_u64() >= said["position"].as_u64());
}

#[tokio::test]
async fn a_private_room_is_not_heard_and_a_sign_out_ends_the_stream_for_good() {
    let floor = Floor::open().await;
    let (ada, bo) = (floor.sign_in("ada").await, floor.sign_in("bo").await);
    floor.run(&ada, "chat.open_room", json!({"room": "secret", "title": "Secret", "private": true})).await;
    let mut page = Blocks::follow(&floor, "?match=chat.%3E", Some(&bo), None).await.live().await;
    floor.say(&ada, "secret", "hush").await;
    floor.say(&ada, "lobby", "hello").await;
    let heard = page.next_of("").await;
    assert_eq!(heard.json()["event"]["data"]["text"], "hello");
    let cookie = format!("hubbub={bo}");
    floor.client.delete(floor.url("/api/session")).bearer_auth(&bo).send().await.unwrap();
    assert_eq!(page.next_of("bye").await.json()["code"], 4010);
    assert!(page.next().await.is_none(), "nothing follows");
    let url = floor.url("/live/sse?match=chat.%3E");
    let again = floor.client.get(&url).header("cookie", &cookie).header("last-event-id", heard.id.unwrap());
    assert_eq!(again.send().await.unwrap().status(), 204, "no point in trying again");
    let fresh = floor.client.get(&url).header("cookie", &cookie).send().await.unwrap();
    let mut fresh = Blocks { answer: fresh, text: String::new() };
    assert_eq!(fresh.next_of("bye").await.json()["code"], 4010, "but who comes for the first time hears why");
}

#[tokio::test]
async fn a_bad_wish_is_refused_and_a_foreign_cursor_ends_a_stock_stream() {
    let floor = Floor::open().await;
    for (query, code) in [
        ("?match=chat..x", "subscription.bad_pattern"),
        ("?since=yesterday", "subscription.bad_cursor"),
        ("?macht=chat", "request.bad_query"),
    ] {
        problem(Blocks::open(&floor, query, None, None).await, 400, code).await;
    }
    let foreign = Some("00000000deadbeef.1");
    assert_eq!(Blocks::open(&floor, "?match=chat.%3E", None, foreign).await.status(), 204);
    let query = "?match=chat.%3E&since=00000000deadbeef.1";
    let mut first = Blocks::follow(&floor, query, None, None).await;
    let bye = first.next_of("bye").await;
    assert_eq!(bye.json()["code"], 4006);
    // A stock client comes back with the last id it has seen, and would come back for ever.
    assert_eq!(Blocks::open(&floor, query, None, bye.id.as_deref()).await.status(), 204);
    let many = format!("?{}", vec!["match=chat.%3E"; 129].join("&"));
    problem(Blocks::open(&floor, &many, None, None).await, 400, "subscription.too_many").await;
}

/// The chunks of an answer, read from a socket that takes little at a time.
struct Chunks {
    stream: TcpStream,
    read: BytesMut,
}

impl Chunks {
    async fn get(floor: &Floor, path: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 << 10).unwrap();
        let mut stream = socket.connect(floor.server.addr).await.unwrap();
        let get = format!("GET {path} HTTP/1.1\r\nHost: hubbub\r\n\r\n");
        stream.write_all(get.as_bytes()).await.unwrap();
        let mut chunks = Self { stream, read: BytesMut::new() };
        while !chunks.line().await.is_empty() {}
        chunks
    }

    async fn more(&mut self) {
        let read = timeout(Duration::from_secs(20), self.stream.read_buf(&mut self.read));
        assert!(read.await.expect("something comes").unwrap() > 0, "the stream ended");
    }

    async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line = self.read.split_to(end + 1);
                return std::str::from_utf8(&line).unwrap().strip_suffix("\r\n").unwrap().to_owned();
            }
            self.more().await;
        }
    }

    /// The frames of the next chunk.
    async fn next(&mut self) -> Vec<Value> {
        let size = usize::from_str_radix(&self.line().await, 16).unwrap();
        while self.read.len() < size {
            self.more().await;
        }
        let chunk = self.read.split_to(size);
        assert!(self.line().await.is_empty(), "a chunk ends where it says");
        let text = std::str::from_utf8(&chunk).unwrap();
        assert!(text.ends_with("\n\n"), "whole blocks: {text}");
        let frames = text.lines().filter_map(|line| line.strip_prefix("data: "));
        frames.map(|frame| serde_json::from_str(frame).unwrap()).collect()
    }
}

/// Events go past hyper, signals through it: neither may end up inside the other, however little is taken.
#[tokio::test]
async fn who_takes_little_at_a_time_gets_every_chunk_whole() {
    let floor = Floor::open().await;
    let (carol, id) = floor.register("carol").await;
    let path = "/live/sse?match=chat.lobby.message_posted&match=signal.typing.%3E";
    let mut chunks = Chunks::get(&floor, path).await;
    while !chunks.next().await.iter().any(|frame| frame["outcome"] == "live") {}

    let signal = json!({"subject": format!("signal.typing.lobby.{id}"), "data": {"typing": true}});
    let (mut said, mut heard, mut signals) = (vec![], vec![], 0);
    let mut hear = |frames: Vec<Value>| {
        for frame in frames {
            match frame["kind"].as_str() {
                Some("event") => heard.push(frame["event"]["id"].as_str().unwrap().to_owned()),
                Some("signal") => signals += 1,
                _ => {}
            }
        }
        heard.len()
    };
    for nth in 0..300 {
        let text = format!("{nth} {}", "word ".repeat(700));
        said.push(event_id(&floor.say(&carol, "lobby", &text).await).to_owned());
        if nth % 5 == 0 {
            let post = floor.client.post(floor.url("/live/signal")).bearer_auth(&carol).json(&signal);
            assert_eq!(post.send().await.unwrap().status(), 204);
        }
        if nth % 10 == 0 {
            hear(chunks.next().await);
        }
    }
    while hear(chunks.next().await) < said.len() {}
    assert_eq!(heard, said);
    assert!(signals > 0);
}

#[tokio::test]
async fn who_speaks_http_1_0_gets_a_stream_without_chunks() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let mut stream = TcpStream::connect(floor.server.addr).await.unwrap();
    stream.write_all(b"GET /live/sse?match=chat.%3E HTTP/1.0\r\n\r\n").await.unwrap();
    let mut read = String::new();
    for _ in 0..3 {
        let id = floor.say(&ada, "lobby", "hello").await["events"][0]["id"].as_str().unwrap().to_owned();
        while !(read.ends_with("\n\n") && read.contains(&id)) {
            let mut bytes = BytesMut::new();
            let more = timeout(Duration::from_secs(20), stream.read_buf(&mut bytes));
            assert!(more.await.expect("something comes").unwrap() > 0, "the stream ended");
            read.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
    let (_, body) = read.split_once("\r\n\r\n").unwrap();
    assert!(!body.contains('\r') && body.starts_with("retry: "), "{body}");
}

#[tokio::test]
async fn a_stopping_server_says_goodbye_on_streams_and_leaves_in_time() {
    let floor = Floor::open().await;
    let mut streams = vec![];
    for _ in 0..20 {
        streams.push(Blocks::follow(&floor, "?match=chat.%3E", None, None).await.live().await);
    }
    let stopped = tokio::spawn(floor.server.stop());
    for stream in &mut streams {
        let bye = stream.next_of("bye").await.json();
        assert_eq!(bye["code"], 4200);
        assert!(bye["spread_ms"].as_u64().unwrap() >= 1_000);
        assert!(stream.next().await.is_none());
    }
    stopped.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_signal_is_posted_by_who_has_no_socket() {
    let floor = Floor::open().await;
    let mut bo = floor.socket(Some(&floor.sign_in("bo").await)).await;
    bo.follow("signal.typing.lobby.*", None).await;
    let (carol, id) = floor.register("carol").await;
    let post = |token: Option<&str>, subject: &str| {
        let body = json!({"subject": subject, "data": {"typing": true}});
        let request = floor.client.post(floor.url("/live/signal")).json(&body);
        match token {
            Some(token) => request.bearer_auth(token).send(),
            None => request.send(),
        }
    };
    assert_eq!(post(Some(&carol), &format!("signal.typing.lobby.{id}")).await.unwrap().status(), 204);
    let heard = bo.next_of("signal").await;
    assert_eq!(heard["actor"], format!("user:{id}"));
    let other = uuid::Uuid::now_v7();
    problem(
        post(Some(&carol), &format!("signal.typing.lobby.{other}")).await.unwrap(),
        403,
        "live.bad_signal",
    )
    .await;
    problem(
        post(None, &format!("signal.typing.lobby.{id}")).await.unwrap(),
        401,
        "live.signal_sign_in_first",
    )
    .await;
}

#[tokio::test]
async fn a_cloudevents_socket_carries_bare_envelopes_one_a_message() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let mut said = vec![];
    for text in ["one", "two"] {
        said.push(floor.say(&ada, "lobby", text).await);
    }
    let since = said[0]["position"].as_u64().unwrap() - 1;
    let url = format!("ws://{}/live/ws?match=chat.lobby.message_posted&since={since}", floor.server.addr);
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("cloudevents.json"));
    let (mut socket, answer) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(answer.headers()["sec-websocket-protocol"], "cloudevents.json");
    for receipt in [&said[0], &said[1], &floor.say(&ada, "lobby", "three").await] {
        let message = socket.next().await.unwrap().unwrap();
        let event: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
        assert_eq!(
            (event["specversion"].as_str(), event["id"].as_str()),
            (Some("1.0"), Some(event_id(receipt)))
        );
    }
    futures::SinkExt::send(&mut socket, Message::text("{}")).await.unwrap();
    let Some(Ok(Message::Close(Some(close)))) = socket.next().await else { panic!("it goes one way") };
    assert_eq!(u16::from(close.code), 4000);
}

//! A real server on a free port over a temporary folder, and clients for it.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test binary uses some of it")]

use futures::{SinkExt, StreamExt};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use server::{config::Settings, run::Server};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

/// A running server and its folder.
pub struct Floor {
    pub server: Server,
    pub folder: tempfile::TempDir,
    pub client: Client,
}

impl Floor {
    /// With the demo people, whose password is `demo`.
    pub async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(adjust: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(settings(folder.path(), adjust)).await.unwrap();
        Self { server, folder, client: Client::new() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.addr)
    }

    /// Signs somebody in and returns their token.
    pub async fn sign_in(&self, handle: &str) -> String {
        let body = json!({"handle": handle, "password": "demo"});
        let answer = self.client.post(self.url("/api/session")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
    }

    /// Registers somebody and returns their token and id.
    pub async fn register(&self, handle: &str) -> (String, String) {
        let body = json!({"handle": handle, "password": "long enough"});
        let answer = self.client.post(self.url("/api/accounts")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let answer: Value = answer.json().await.unwrap();
        (answer["token"].as_str().unwrap().to_owned(), answer["user"].as_str().unwrap().to_owned())
    }

    pub fn command(&self, token: &str, name: &str, data: Value) -> RequestBuilder {
        self.client.post(self.url(&format!("/api/commands/{name}"))).bearer_auth(token).json(&data)
    }

    /// Sends a command that must be accepted.
    pub async fn run(&self, token: &str, name: &str, data: Value) -> Value {
        let answer = self.command(token, name, data).send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{name}: {body}");
        body
    }

    pub async fn say(&self, token: &str, room: &str, text: &str) -> Value {
        self.run(token, "chat.post_message", json!({"room": room, "text": text})).await
    }

    /// Everything that somebody may see of the log.
    pub async fn log(&self, token: Option<&str>, pattern: &str) -> Vec<Value> {
        let (mut events, mut after) = (vec![], 0);
        loop {
            let url = self.url(&format!("/api/events?match={pattern}&after={after}&limit=500"));
            let mut request = self.client.get(url);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let page: Value = request.send().await.unwrap().json().await.unwrap();
            events.extend(page["events"].as_array().unwrap().iter().cloned());
            let next = page["next"].as_u64().unwrap();
            if next == after {
                return events;
            }
            after = next;
        }
    }

    /// As a page opens it that was rendered for this person.
    pub async fn page(&self, token: &str, user: &str) -> Socket {
        Socket::open(&format!("ws://{}/live/ws?as={user}", self.server.addr), Some(token)).await
    }

    pub async fn socket(&self, token: Option<&str>) -> Socket {
        Socket::open(&format!("ws://{}/live/ws", self.server.addr), token).await
    }
}

pub fn settings(folder: &std::path::Path, adjust: impl FnOnce(&mut Settings)) -> Settings {
    let site = folder.join("site");
    std::fs::create_dir_all(site.join("pkg")).unwrap();
    let url = format!("sqlite://{}/hubbub.db", folder.display());
    let mut settings = Settings::for_tests(url, site).unwrap();
    settings.demo = true;
    adjust(&mut settings);
    settings
}

/// Checks that an answer is problem+json with this status and code, and returns its sentence.
pub async fn problem(answer: Response, status: u16, code: &str) -> String {
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let got = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert_eq!((got.as_u16(), body["code"].as_str().unwrap()), (status, code), "{body}");
    assert_eq!(kind, "application/problem+json");
    body["detail"].as_str().unwrap().to_owned()
}

/// A WebSocket client that reads frames one at a time.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    waiting: std::collections::VecDeque<Value>,
}

impl Socket {
    pub async fn open(url: &str, token: Option<&str>) -> Self {
        Self::try_open(url, token, None).await.unwrap()
    }

    pub async fn try_open(
        url: &str,
        token: Option<&str>,
        origin: Option<&str>,
    ) -> Result<Self, tokio_tungstenite::tungstenite::Error> {
        let mut request = url.into_client_request().unwrap();
        if let Some(token) = token {
            let (name, value) = match token.strip_prefix("cookie ") {
                Some(token) => ("cookie", format!("hubbub={token}")),
                None => ("authorization", format!("Bearer {token}")),
            };
            request.headers_mut().insert(name, HeaderValue::try_from(value).unwrap());
        }
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", HeaderValue::try_from(origin).unwrap());
        }
        let (stream, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(Self { stream, waiting: Default::default() })
    }

    pub async fn send(&mut self, frame: Value) {
        self.send_text(frame.to_string()).await;
    }

    pub async fn send_text(&mut self, text: String) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// Bytes past everything that makes frames of them.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).await.unwrap();
    }

    /// Says hello with one subscription named `a`, and reads until it is live.
    pub async fn follow(&mut self, pattern: &str, since: Option<&str>) {
        let mut sub = json!({"sid": "a", "match": pattern});
        if let Some(since) = since {
            sub["since"] = since.into();
        }
        self.send(json!({"kind": "hello", "v": 1, "subs": [sub]})).await;
        while self.next().await["outcome"] != "live" {}
    }

    /// The next frame. A close becomes `{"kind": "closed", "code": …}`, a broken line code 1006.
    pub async fn next(&mut self) -> Value {
        loop {
            if let Some(frame) = self.waiting.pop_front() {
                return frame;
            }
            let next = tokio::time::timeout(std::time::Duration::from_secs(30), self.stream.next());
            match next.await.expect("the server says something within half a minute") {
                Some(Ok(Message::Text(text))) => {
                    self.waiting.extend(text.split('\n').map(|frame| serde_json::from_str(frame).unwrap()));
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return json!({"kind": "closed", "code": u16::from(frame.code)});
                }
                Some(Ok(_)) => {}
                None | Some(Err(_)) => return json!({"kind": "closed", "code": 1006}),
            }
        }
    }

    /// The next frame of a kind; others are passed over.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["kind"] == kind {
                return frame;
            }
            assert_ne!(frame["kind"], "closed", "closed while waiting for {kind}: {frame}");
        }
    }

    /// Events until one has this id; others come before it.
    pub async fn events_until(&mut self, id: &str) -> Vec<Value> {
        let mut events = vec![];
        loop {
            let event = self.next_of("event").await["event"].clone();
            let last = event["id"] == id;
            events.push(event);
            if last {
                return events;
            }
        }
    }
}

/// The id of a receipt's only event.
pub fn event_id(receipt: &Value) -> &str {
    receipt["events"][0]["id"].as_str().unwrap()
}

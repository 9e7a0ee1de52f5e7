//! HTTP as far as a load generator needs it: one keep-alive connection, one request at a time.

use std::{fmt, net::SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use uuid::Uuid;

use crate::Failure;

/// An answer that is not 2xx.
#[derive(Debug)]
pub(crate) struct Refused {
    asked: String,
    /// The status line.
    status: String,
    /// The body.
    problem: String,
}

impl Refused {
    /// Whether it is the server's fault, or only too often: the same may be taken later.
    pub(crate) fn is_passing(&self) -> bool {
        self.status.contains(" 5") || self.status.contains(" 429")
    }

    /// The problem's stable code; empty if it has none.
    pub(crate) fn code(&self) -> String {
        let problem: Value = serde_json::from_str(&self.problem).unwrap_or_default();
        problem["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.asked, self.status, self.problem)
    }
}

impl std::error::Error for Refused {}

/// One connection.
pub(crate) struct Http {
    stream: TcpStream,
    addr: SocketAddr,
    buffer: Vec<u8>,
}

impl Http {
    pub(crate) async fn connect(addr: SocketAddr) -> Result<Self, Failure> {
        Ok(Self::over(TcpStream::connect(addr).await?, addr))
    }

    /// Over a stream that is connected already.
    pub(crate) fn over(stream: TcpStream, addr: SocketAddr) -> Self {
        // It fails on a dead stream.
        let _ = stream.set_nodelay(true);
        Self { stream, addr, buffer: Vec::new() }
    }

    /// Sends a request and returns the answer's body. Anything but 2xx is an error.
    pub(crate) async fn call(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> Result<Vec<u8>, Failure> {
        let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        self.send(method, path, &bearer, body).await
    }

    /// Sends a command under an idempotency key.
    pub(crate) async fn command(
        &mut self,
        name: &str,
        token: &str,
        key: Uuid,
        data: &str,
    ) -> Result<Vec<u8>, Failure> {
        let headers = format!("Authorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n");
        self.send("POST", &format!("/api/commands/{name}"), &headers, data).await
    }

    /// Sends a request with these headers, each with its line's end, and returns the answer's body. Any answer but
    /// 2xx is the error [`Refused`].
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> Result<Vec<u8>, Failure> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            self.addr,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let head = read_head(&mut self.stream, &mut self.buffer).await?;
        let text = String::from_utf8_lossy(&self.buffer[..head]).to_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.ok_or("the answer does not say how long it is")?.trim().parse()?;
        while self.buffer.len() < head + length {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the answer was cut off".into());
            }
        }
        let answer = self.buffer[head..head + length].to_vec();
        if !text.starts_with("http/1.1 2") {
            let status = text.lines().next().unwrap_or_default().to_owned();
            let asked = format!("{method} {path}");
            return Err(Refused { asked, status, problem: String::from_utf8_lossy(&answer).into() }.into());
        }
        Ok(answer)
    }

    /// Signs a demo person in and returns their token.
    pub(crate) async fn sign_in(addr: SocketAddr, handle: &str) -> Result<String, Failure> {
        Ok(Self::enter(addr, handle).await?.0)
    }

    /// Signs a demo person in and returns their token and id.
    pub(crate) async fn enter(addr: SocketAddr, handle: &str) -> Result<(String, String), Failure> {
        let credentials = json!({"handle": handle, "password": "demo"}).to_string();
        let answer = Self::connect(addr).await?.call("POST", "/api/session", None, &credentials).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let field = |name: &str| answer[name].as_str().map(str::to_owned);
        Ok(field("token").zip(field("user")).ok_or("the answer holds no token")?)
    }
}

/// Reads until the head of an answer is whole and returns its length; what follows it may be there already.
pub(crate) async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<usize, Failure> {
    loop {
        if let Some(at) = memchr::memmem::find(buffer, b"\r\n\r\n") {
            return Ok(at + 4);
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server closed the connection".into());
        }
    }
}

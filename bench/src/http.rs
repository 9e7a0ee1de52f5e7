//! HTTP as far as a load generator needs it: one keep-alive connection, one request at a time.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use uuid::Uuid;

use crate::Failure;

/// One connection.
pub(crate) struct Http {
    stream: TcpStream,
    addr: SocketAddr,
    buffer: Vec<u8>,
}

impl Http {
    pub(crate) async fn connect(addr: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, addr, buffer: Vec::new() })
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

    async fn send(
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
            return Err(format!("{method} {path}: {status}: {}", String::from_utf8_lossy(&answer)).into());
        }
        Ok(answer)
    }

    /// Signs a demo person in and returns their token.
    pub(crate) async fn sign_in(addr: SocketAddr, handle: &str) -> Result<String, Failure> {
        let credentials = json!({"handle": handle, "password": "demo"}).to_string();
        let answer = Self::connect(addr).await?.call("POST", "/api/session", None, &credentials).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        Ok(answer["token"].as_str().ok_or("the answer holds no token")?.to_owned())
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

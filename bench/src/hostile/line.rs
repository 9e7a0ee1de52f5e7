//! A connection that says whatever it likes, from whichever address it likes, and how the server ends it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpSocket, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    time::{sleep, timeout},
};

use crate::{Failure, http, wire};

/// What is kept of what the server said.
const KEPT: usize = 4 << 10;

/// The receive buffer of who does not mean to read.
const NARROW: u32 = 4 << 10;

/// One connection.
pub(super) struct Line {
    stream: TcpStream,
    to: SocketAddr,
    /// What has been read and not been looked at.
    heard: Vec<u8>,
}

impl Line {
    pub(super) async fn open(from: Ipv4Addr, to: SocketAddr) -> io::Result<Self> {
        Self::over(TcpSocket::new_v4()?, from, to).await
    }

    /// One that takes little in before it is read.
    pub(super) async fn narrow(from: Ipv4Addr, to: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(NARROW)?;
        Self::over(socket, from, to).await
    }

    async fn over(socket: TcpSocket, from: Ipv4Addr, to: SocketAddr) -> io::Result<Self> {
        socket.bind((from, 0).into())?;
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, to, heard: Vec::new() })
    }

    /// Opens a WebSocket. The error is what the server answers instead, in short.
    pub(super) async fn upgrade(&mut self, token: Option<&str>) -> Result<(), Failure> {
        let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!("GET /live/ws HTTP/1.1\r\nHost: {}\r\n{bearer}{}\r\n", self.to, wire::UPGRADE);
        // What was refused before it was heard may be read all the same.
        let _ = self.stream.write_all(request.as_bytes()).await;
        let head = http::read_head(&mut self.stream, &mut self.heard).await?;
        if !self.heard.starts_with(b"HTTP/1.1 101") {
            self.ended(Duration::from_secs(1)).await;
            return Err(self.how(true).into());
        }
        self.heard.drain(..head);
        Ok(())
    }

    pub(super) async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The next message.
    pub(super) async fn next(&mut self) -> Result<String, Failure> {
        self.split().0.next().await
    }

    /// Both directions, for who does not wait for an answer.
    pub(super) fn split(&mut self) -> (Ear<'_>, WriteHalf<'_>) {
        let (reading, writing) = self.stream.split();
        (Ear { reading, heard: &mut self.heard }, writing)
    }

    /// Reads until the server ends the line. Returns how, in short: `bye 4000`, `408 request.too_slow`, `cut` if
    /// it was without a word, `held` if it has not.
    pub(super) async fn ended(&mut self, within: Duration) -> String {
        let ended = timeout(within, self.split().0.exhaust()).await;
        self.how(ended.is_ok())
    }

    /// The same, while it says these bytes again and again.
    pub(super) async fn ended_under(&mut self, within: Duration, every: Duration, bytes: &[u8]) -> String {
        let (mut ear, writing) = self.split();
        let saying = async {
            repeat(writing, every, bytes).await;
            // The other half hears why.
            std::future::pending::<()>().await;
        };
        let ended = timeout(within, async {
            tokio::select! {
                () = saying => {}
                () = ear.exhaust() => {}
            }
        });
        let ended = ended.await.is_ok();
        self.how(ended)
    }

    /// The same, and reads nothing: it has ended when these bytes are no longer taken.
    pub(super) async fn ended_unread(&mut self, within: Duration, every: Duration, bytes: &[u8]) -> String {
        let ended = timeout(within, repeat(self.split().1, every, bytes)).await;
        self.how(ended.is_ok())
    }

    fn how(&self, ended: bool) -> String {
        let text = String::from_utf8_lossy(&self.heard);
        let after = |mark: &str| text.rsplit_once(mark).map(|(_, rest)| rest);
        if !ended {
            "held".into()
        } else if let Some(bye) = after(r#""kind":"bye","code":"#) {
            format!("bye {}", bye.chars().take_while(char::is_ascii_digit).collect::<String>())
        } else if let Some(answer) = text.strip_prefix("HTTP/1.1 ") {
            let code = after(r#""code":""#).and_then(|rest| rest.split('"').next()).unwrap_or_default();
            format!("{} {code}", answer.get(..3).unwrap_or_default()).trim_end().to_owned()
        } else {
            "cut".into()
        }
    }
}

/// Says these bytes again and again, as long as they are taken.
async fn repeat(mut writing: WriteHalf<'_>, every: Duration, bytes: &[u8]) {
    while writing.write_all(bytes).await.is_ok() {
        if !every.is_zero() {
            sleep(every).await;
        }
    }
}

/// The half of a line that listens.
pub(super) struct Ear<'a> {
    reading: ReadHalf<'a>,
    heard: &'a mut Vec<u8>,
}

impl Ear<'_> {
    /// The next message. Control frames are passed over.
    pub(super) async fn next(&mut self) -> Result<String, Failure> {
        loop {
            if let Some((header, length)) = wire::header(self.heard)
                && let Some(end) = usize::try_from(length).ok().and_then(|length| header.checked_add(length))
                && self.heard.len() >= end
            {
                let control = self.heard[0] & 0x08 != 0;
                let frame: Vec<u8> = self.heard.drain(..end).collect();
                if control {
                    continue;
                }
                return Ok(String::from_utf8(frame[header..].to_vec())?);
            }
            if self.reading.read_buf(self.heard).await? == 0 {
                return Err("the server hung up".into());
            }
        }
    }

    /// Reads until the line is over, and keeps a little.
    async fn exhaust(&mut self) {
        while self.reading.read_buf(self.heard).await.is_ok_and(|read| read > 0) {
            // What an answer begins with is kept, and what was said last.
            if self.heard.len() > KEPT {
                self.heard.drain(KEPT / 2..self.heard.len() - KEPT / 2);
            }
        }
    }
}

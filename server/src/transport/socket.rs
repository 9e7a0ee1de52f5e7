//! A WebSocket on a TCP stream. Reading is the library's: it unmasks, joins and checks what clients send.
//! Writing goes past it, see `out`.

use std::{
    future::poll_fn,
    io::{self, Read, Write},
    time::Duration,
};

use bytes::Bytes;
use live::Outgoing;
use tokio::{net::TcpStream, task::coop::consume_budget, time::timeout};
use tokio_tungstenite::tungstenite::{
    Error, Message, Utf8Bytes,
    protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext},
};

use super::out::{Out, PING, TEXT};
use crate::listen::{Connection, Place};

/// A message that has so many bytes is full, so that a slow line shows progress. (Events come in batches of
/// about as many.)
const MESSAGE_BYTES: usize = 64 << 10;

/// What is read at a time: clients say little.
const READ_BYTES: usize = 1 << 10;

/// The largest message that is read. The session refuses smaller ones, by name.
const MOST_READ: usize = 256 << 10;

/// What came in.
pub(super) enum Received {
    Text(Utf8Bytes),
    Binary,
    /// The other side has closed, or what it sent cannot be read.
    Closed,
    /// Larger than is read at all: a sentence.
    TooLarge(String),
}

/// Why a socket is over without a goodbye.
#[derive(Debug, thiserror::Error)]
pub(super) enum Gone {
    #[error("the socket broke: {0}")]
    Io(#[from] io::Error),
    #[error("the socket took no byte for too long")]
    Stalled,
}

pub(super) struct Socket {
    stream: TcpStream,
    codec: WebSocketContext,
    out: Out,
    /// Whether there may be more to read without waiting.
    more: bool,
    /// How long the other side may take no byte.
    stall: Duration,
    _place: Place,
}

impl Socket {
    /// `read` is what has been read already.
    pub(super) fn new(connection: Connection, read: &[u8], stall: Duration) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .max_message_size(Some(MOST_READ))
            .max_frame_size(Some(MOST_READ));
        let (stream, place) = connection.into_parts();
        let codec = if read.is_empty() {
            WebSocketContext::new(Role::Server, Some(config))
        } else {
            WebSocketContext::from_partially_read(read.to_vec(), Role::Server, Some(config))
        };
        Self { stream, codec, out: Out::default(), more: true, stall, _place: place }
    }

    /// Waits for the next message. May be dropped at any point: nothing is lost.
    pub(super) async fn receive(&mut self) -> Result<Received, Gone> {
        loop {
            // However much the other side sends, others have their turn.
            consume_budget().await;
            if !self.more {
                poll_fn(|cx| self.stream.poll_read_ready(cx)).await?;
                self.more = true;
            }
            let mut line = Line { stream: &self.stream, out: &mut self.out };
            match self.codec.read(&mut line) {
                Ok(Message::Text(text)) => return Ok(Received::Text(text)),
                Ok(Message::Binary(_)) => return Ok(Received::Binary),
                // The library has answered already.
                Ok(_) => self.flush().await?,
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.more = false;
                    self.flush().await?;
                }
                Err(Error::Io(error)) => return Err(error.into()),
                Err(Error::Capacity(error)) => return Ok(Received::TooLarge(error.to_string())),
                Err(_) => {
                    self.flush().await?;
                    return Ok(Received::Closed);
                }
            }
        }
    }

    /// Writes frames, one a line, in as few messages as the bound allows.
    pub(super) async fn write(&mut self, frames: Vec<Outgoing>) -> Result<(), Gone> {
        let mut message = self.out.begin();
        for frames in frames {
            if message.bytes() > MESSAGE_BYTES {
                self.out.trim(&mut message);
                self.out.end(&message, TEXT);
                message = self.out.begin();
            }
            match frames {
                Outgoing::Events(events) => {
                    events.iter().for_each(|event| self.out.share(&mut message, event.line()));
                }
                own => self.out.add(&mut message, |text| own.lines_into(text)),
            }
        }
        self.out.trim(&mut message);
        self.out.end(&message, TEXT);
        self.flush().await
    }

    /// Writes each of these as a message of its own.
    pub(super) async fn write_each(&mut self, texts: impl IntoIterator<Item = Bytes>) -> Result<(), Gone> {
        for text in texts {
            let mut message = self.out.begin();
            self.out.share(&mut message, text);
            self.out.end(&message, TEXT);
        }
        self.flush().await
    }

    /// Asks the other side for a sign of life, by the WebSocket's own means.
    pub(super) async fn ping(&mut self) -> Result<(), Gone> {
        let message = self.out.begin();
        self.out.end(&message, PING);
        self.flush().await
    }

    /// Says goodbye and waits a moment for the answer: closing with input unread would reset the line, and the
    /// goodbye with it.
    pub(super) async fn close(mut self, code: u16, why: &str) -> Result<(), Gone> {
        let reason = Utf8Bytes::from(shorten(why));
        let mut line = Line { stream: &self.stream, out: &mut self.out };
        // That it is closing is what the library reports as an error.
        let _ = self.codec.close(&mut line, Some(CloseFrame { code: code.into(), reason }));
        self.flush().await?;
        let answered = async { while let Ok(Received::Text(_) | Received::Binary) = self.receive().await {} };
        // Who does not answer is closed all the same.
        let _ = timeout(Duration::from_secs(1), answered).await;
        Ok(())
    }

    /// Writes what is queued. May be dropped at any point: it goes on where it was.
    async fn flush(&mut self) -> Result<(), Gone> {
        while !self.out.is_empty() {
            match self.out.write_to(&self.stream) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    timeout(self.stall, self.stream.writable()).await.map_err(|_| Gone::Stalled)??;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// A close frame's reason has at most 123 bytes (RFC 6455, section 5.5).
fn shorten(why: &str) -> &str {
    &why[..why.floor_char_boundary(123)]
}

/// What the library reads from and answers to: the stream itself, and the queue.
struct Line<'a> {
    stream: &'a TcpStream,
    out: &'a mut Out,
}

impl Read for Line<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.try_read(buf)
    }
}

impl Write for Line<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.out.raw(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_characters() {
        let long = "ä".repeat(100);
        assert_eq!(shorten(&long).len(), 122);
    }
}

//! A WebSocket on a TCP stream. Reading is the library's: it unmasks, joins and checks what clients send.
//! Writing goes past it, see `wire`.

use std::{
    future::poll_fn,
    io::{self, Read, Write},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use live::{CloseCode, Outgoing, message};
use tokio::{task::coop::consume_budget, time::timeout};
use tokio_tungstenite::tungstenite::{
    Error, Message, Utf8Bytes,
    error::ProtocolError,
    protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext},
};

use crate::{
    listen::{Connection, Place},
    wire::{Form, Gone, Wire},
};

/// A message that has so many bytes is full, so that a slow line shows progress. (Events come in batches of
/// about as many.)
const MESSAGE_BYTES: usize = 64 << 10;

/// What is read at a time: clients say little.
const READ_BYTES: usize = 1 << 10;

/// The largest message that is read. The session refuses smaller ones, by name.
const MOST_READ: usize = 256 << 10;

/// A ping that says nothing (RFC 6455, section 5.5.2).
const PING: &[u8] = &[0x89, 0];

/// What came in.
pub(super) enum Received {
    Text(Utf8Bytes),
    Binary,
    /// The other side has closed.
    Closed,
    /// What it sent cannot be read: why, and a sentence.
    Unreadable(CloseCode, String),
}

pub(super) struct Socket {
    wire: Arc<Wire>,
    codec: WebSocketContext,
    /// Whether there may be more to read without waiting.
    more: bool,
    /// What came could not be read, so that nothing after it means anything.
    broken: bool,
    _place: Place,
}

impl Socket {
    /// `read` is what has been read already.
    pub(super) fn new(connection: Connection, read: &[u8]) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .max_message_size(Some(MOST_READ))
            .max_frame_size(Some(MOST_READ));
        let (wire, place) = connection.into_parts();
        let codec = if read.is_empty() {
            WebSocketContext::new(Role::Server, Some(config))
        } else {
            WebSocketContext::from_partially_read(read.to_vec(), Role::Server, Some(config))
        };
        wire.speak(Form::Messages);
        Self { wire, codec, more: true, broken: false, _place: place }
    }

    /// Waits for the next message. May be dropped at any point: nothing is lost.
    pub(super) async fn receive(&mut self) -> Result<Received, Gone> {
        loop {
            // However much the other side sends, others have their turn.
            consume_budget().await;
            if !self.more {
                poll_fn(|cx| self.wire.poll_read_ready(cx)).await?;
                self.more = true;
            }
            match self.codec.read(&mut Ends(&self.wire)) {
                Ok(Message::Text(text)) => return Ok(Received::Text(text)),
                Ok(Message::Binary(_)) => return Ok(Received::Binary),
                // The library has answered already.
                Ok(_) => self.flush().await?,
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.more = false;
                    self.flush().await?;
                }
                Err(Error::Io(error)) => return Err(error.into()),
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => {
                    self.flush().await?;
                    return Ok(Received::Closed);
                }
                // The line has ended, and nobody said goodbye.
                Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                    return Ok(Received::Closed);
                }
                Err(error) => {
                    self.broken = true;
                    let large = matches!(error, Error::Capacity(_));
                    let code = if large { CloseCode::FrameTooLarge } else { CloseCode::BadFrame };
                    return Ok(Received::Unreadable(code, error.to_string()));
                }
            }
        }
    }

    /// Writes frames: what others get as well in its own message, what is only for this client one a line, in as
    /// few messages as the bound allows.
    pub(super) async fn write(&mut self, frames: Vec<Outgoing>) -> Result<(), Gone> {
        let mut own = Vec::new();
        for frames in frames {
            if let Outgoing::Batch(batch) = frames {
                self.say(&mut own);
                self.wire.push(batch.message().into_owned());
            } else {
                frames.lines_into(&mut own);
                if own.len() > MESSAGE_BYTES {
                    self.say(&mut own);
                }
            }
        }
        self.say(&mut own);
        self.flush().await
    }

    /// Puts lines into the queue as one message, if there are any.
    fn say(&mut self, lines: &mut Vec<u8>) {
        // Lines are separated by newlines, not ended.
        if let Some(text) = lines.strip_suffix(b"\n") {
            self.wire.push(message(text));
            lines.clear();
        }
    }

    /// Writes each of these as a message of its own.
    pub(super) async fn write_each(&mut self, texts: impl IntoIterator<Item = Bytes>) -> Result<(), Gone> {
        texts.into_iter().for_each(|text| self.wire.push(message(&text)));
        self.flush().await
    }

    /// Asks the other side for a sign of life, by the WebSocket's own means.
    pub(super) async fn ping(&mut self) -> Result<(), Gone> {
        self.wire.push(Bytes::from_static(PING));
        self.flush().await
    }

    /// What the hub may write to while there is nothing else to do.
    pub(super) fn line(&self) -> Arc<dyn hub::Line> {
        self.wire.clone()
    }

    /// Says goodbye and waits a moment for the answer: closing with input unread would reset the line, and the
    /// goodbye with it.
    pub(super) async fn close(mut self, code: u16, why: &str) -> Result<(), Gone> {
        let reason = Utf8Bytes::from(shorten(why));
        // That it is closing is what the library reports as an error.
        let _ = self.codec.close(&mut Ends(&self.wire), Some(CloseFrame { code: code.into(), reason }));
        self.flush().await?;
        let answered = async {
            while !self.broken && matches!(self.receive().await, Ok(Received::Text(_) | Received::Binary)) {}
            if self.broken {
                self.swallow().await;
            }
        };
        // Who does not answer is closed all the same.
        let _ = timeout(Duration::from_secs(1), answered).await;
        Ok(())
    }

    /// Takes what comes, whatever it is, until nothing comes any more.
    async fn swallow(&self) {
        let mut buffer = vec![0; READ_BYTES];
        while self.wire.readable().await.is_ok() {
            match (&*self.wire).read(&mut buffer) {
                Ok(0) => return,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
                _ => consume_budget().await,
            }
        }
    }

    /// Writes what is queued. May be dropped at any point: it goes on where it was.
    pub(super) async fn flush(&self) -> Result<(), Gone> {
        self.wire.flush().await
    }
}

/// A close frame's reason has at most 123 bytes (RFC 6455, section 5.5).
fn shorten(why: &str) -> &str {
    &why[..why.floor_char_boundary(123)]
}

/// What the library reads from and answers to: the stream itself, and the queue.
struct Ends<'a>(&'a Wire);

impl Read for Ends<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Ends<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.push(Bytes::copy_from_slice(buf));
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

//! A WebSocket on a TCP stream. Reading is the library's: it unmasks, joins and checks what clients send.
//! Writing goes past it: a message is a few bytes of header (RFC 6455, section 5.2) before frames that many
//! sockets share, and all of it leaves in one `writev` without being copied.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, Read, Write},
    ops::Range,
    time::Duration,
};

use bytes::{Buf, Bytes};
use live::Outgoing;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::tungstenite::{
    Error, Message, Utf8Bytes,
    protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext},
};

use crate::listen::{Connection, Place};

/// How many bytes of frames go into one message at most, so that a slow line shows progress.
const MESSAGE_BYTES: usize = 64 << 10;

/// What is read at a time: clients say little.
const READ_BYTES: usize = 1 << 10;

/// The largest message that is read. The session refuses smaller ones, by name.
const MOST_READ: usize = 256 << 10;

/// How many pieces are handed to one `writev`.
const PIECES: usize = 64;

/// As much of its text's memory a socket keeps when there is nothing to write.
const KEPT_BYTES: usize = 512;

/// A text message, whole.
const TEXT: u8 = 0x81;

/// A ping.
const PING: u8 = 0x89;

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
        Self { stream, codec, out: Out::default(), stall, _place: place }
    }

    /// Waits for the next message. May be dropped at any point: nothing is lost.
    pub(super) async fn receive(&mut self) -> Result<Received, Gone> {
        loop {
            let mut line = Line { stream: &self.stream, out: &mut self.out };
            match self.codec.read(&mut line) {
                Ok(Message::Text(text)) => return Ok(Received::Text(text)),
                Ok(Message::Binary(_)) => return Ok(Received::Binary),
                // The library has answered already.
                Ok(_) => self.flush().await?,
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.flush().await?;
                    self.stream.readable().await?;
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
        for frame in frames {
            if message.bytes > MESSAGE_BYTES {
                self.out.trim(&mut message);
                self.out.end(message, TEXT);
                message = self.out.begin();
            }
            match frame {
                Outgoing::Event(event) => self.out.share(&mut message, event.line()),
                own => self.out.add(&mut message, |text| own.line_into(text)),
            }
        }
        self.out.trim(&mut message);
        self.out.end(message, TEXT);
        self.flush().await
    }

    /// Writes each of these as a message of its own.
    pub(super) async fn write_each(&mut self, texts: impl IntoIterator<Item = Bytes>) -> Result<(), Gone> {
        for text in texts {
            let mut message = self.out.begin();
            self.out.share(&mut message, text);
            self.out.end(message, TEXT);
        }
        self.flush().await
    }

    /// Asks the other side for a sign of life, by the WebSocket's own means.
    pub(super) async fn ping(&mut self) -> Result<(), Gone> {
        let message = self.out.begin();
        self.out.end(message, PING);
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
        let start = self.out.text.len();
        self.out.text.extend_from_slice(buf);
        self.out.pieces.push_back(Piece::Own(start..self.out.text.len()));
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What waits to be written: pieces of our own text, and bytes that others write as well.
#[derive(Default)]
struct Out {
    text: Vec<u8>,
    pieces: VecDeque<Piece>,
}

enum Piece {
    /// Where it lies in the text.
    Own(Range<usize>),
    Shared(Bytes),
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Piece::Own(range) => range.len(),
            Piece::Shared(bytes) => bytes.len(),
        }
    }

    fn advance(&mut self, by: usize) {
        match self {
            Piece::Own(range) => range.start += by,
            Piece::Shared(bytes) => bytes.advance(by),
        }
    }
}

/// A message that is being put together. Its header stands before it and is known last.
struct Draft {
    /// Where the header's piece stands.
    header: usize,
    bytes: usize,
}

impl Out {
    fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    fn begin(&mut self) -> Draft {
        self.pieces.push_back(Piece::Own(0..0));
        Draft { header: self.pieces.len() - 1, bytes: 0 }
    }

    fn share(&mut self, draft: &mut Draft, bytes: Bytes) {
        draft.bytes += bytes.len();
        self.pieces.push_back(Piece::Shared(bytes));
    }

    fn add(&mut self, draft: &mut Draft, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.text.len();
        write(&mut self.text);
        draft.bytes += self.text.len() - start;
        self.pieces.push_back(Piece::Own(start..self.text.len()));
    }

    /// Takes the last newline away: lines are separated by it.
    fn trim(&mut self, draft: &mut Draft) {
        match self.pieces.back_mut() {
            Some(Piece::Own(range)) if range.start < range.end => range.end -= 1,
            Some(Piece::Shared(bytes)) => bytes.truncate(bytes.len() - 1),
            _ => return,
        }
        draft.bytes -= 1;
    }

    /// Writes the header. A text without a byte is no message.
    #[expect(clippy::cast_possible_truncation, reason = "each arm says what fits")]
    fn end(&mut self, draft: Draft, opcode: u8) {
        if draft.bytes == 0 && opcode == TEXT {
            self.pieces.truncate(draft.header);
            return;
        }
        let start = self.text.len();
        self.text.push(opcode);
        match draft.bytes {
            short @ ..126 => self.text.push(short as u8),
            medium @ ..0x1_0000 => {
                self.text.push(126);
                self.text.extend_from_slice(&(medium as u16).to_be_bytes());
            }
            long => {
                self.text.push(127);
                self.text.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        self.pieces[draft.header] = Piece::Own(start..self.text.len());
    }

    fn write_to(&mut self, stream: &TcpStream) -> io::Result<()> {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(match piece {
                Piece::Own(range) => &self.text[range.clone()],
                Piece::Shared(bytes) => bytes,
            });
            count += 1;
        }
        let mut written = stream.try_write_vectored(&slices[..count])?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        while let Some(piece) = self.pieces.front_mut() {
            if written < piece.len() {
                piece.advance(written);
                return Ok(());
            }
            written -= piece.len();
            self.pieces.pop_front();
        }
        // An idle socket holds next to nothing.
        self.text.clear();
        self.text.shrink_to(KEPT_BYTES);
        self.pieces.shrink_to(PIECES);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_how_long_the_message_is() {
        for (bytes, header) in [
            (1, &[0x81, 1][..]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 0xff, 0xff]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut out = Out::default();
            let mut draft = out.begin();
            out.share(&mut draft, vec![b'x'; bytes].into());
            out.end(draft, TEXT);
            let Some(Piece::Own(range)) = out.pieces.front() else { panic!("no header") };
            assert_eq!(&out.text[range.clone()], header);
        }
        let mut out = Out::default();
        let draft = out.begin();
        out.end(draft, TEXT);
        assert!(out.is_empty(), "nothing is not a message");
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let long = "ä".repeat(100);
        assert_eq!(shorten(&long).len(), 122);
    }
}

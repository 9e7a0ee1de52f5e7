//! One peer's TCP stream. Several write to it, never at once, and only whole pieces: hyper, what speaks WebSocket, and
//! the hub, to which it is lent while nobody else has anything to write.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, Read},
    sync::{Mutex, MutexGuard},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use domain::Epoch;
use hub::Taken;
use live::Batch;
use tokio::{
    io::ReadBuf,
    net::TcpStream,
    time::{error::Elapsed, timeout},
};

/// How many pieces are handed to one `writev`.
const PIECES: usize = 64;

/// As much room is kept when there is nothing to write.
const KEPT: usize = 4;

/// Why nothing more can be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Gone {
    #[error("the line broke: {0}")]
    Io(#[from] io::Error),
    #[error("the peer took no byte for too long")]
    Stalled(#[from] Elapsed),
}

/// How the hub writes what it is lent the line for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Not at all: whatever is said is said by hyper.
    Http,
    /// As messages of a WebSocket. hyper has nothing to do with it any more.
    Messages,
    /// As chunks of the body that hyper is sending, with cursors of this epoch. A chunk stands for itself (RFC 9112,
    /// section 7.1), so it does no harm that hyper does not know of it, as long as hyper is not in the middle of one.
    Chunks(Epoch),
}

/// See the module.
pub(crate) struct Wire {
    stream: TcpStream,
    /// How long the peer may take no byte.
    stall: Duration,
    out: Mutex<Out>,
}

/// What waits to be written: pieces shared with everybody else who gets the same. What waits together leaves
/// together, in one `writev`.
struct Out {
    waiting: VecDeque<Bytes>,
    form: Form,
    /// Whether hyper has written all that it was given.
    settled: bool,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, stall: Duration) -> Self {
        // What waits together is written together already; the rest must not wait. It fails on a dead stream.
        let _ = stream.set_nodelay(true);
        let out = Out { waiting: VecDeque::new(), form: Form::Http, settled: false };
        Self { stream, stall, out: Mutex::new(out) }
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().expect("no holder of this lock panics")
    }

    /// How long the peer may take no byte.
    pub(crate) fn stall(&self) -> Duration {
        self.stall
    }

    /// From here on the hub writes so.
    pub(crate) fn speak(&self, form: Form) {
        self.out().form = form;
    }

    /// hyper is given something to write: until it is written nobody else may.
    pub(crate) fn unsettle(&self) {
        self.out().settled = false;
    }

    /// hyper has written all that it was given.
    pub(crate) fn settle(&self) {
        self.out().settled = true;
    }

    /// Adds bytes after what waits already.
    pub(crate) fn push(&self, bytes: Bytes) {
        self.out().waiting.push_back(bytes);
    }

    /// Writes what waits. May be dropped at any point: it goes on where it was.
    pub(crate) async fn flush(&self) -> Result<(), Gone> {
        loop {
            // The lock is not held while waiting.
            let written = self.out().write_to(&self.stream);
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    timeout(self.stall, self.stream.writable()).await??;
                }
                written => return Ok(written?),
            }
        }
    }

    /// Waits until there may be something to read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.stream.readable().await
    }

    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_read_ready(cx)
    }

    pub(crate) fn poll_read(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match self.stream.try_read_buf(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read.map(|_| ())),
            }
        }
    }

    /// Writes what hyper has. Nothing of anybody else's may wait.
    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match self.stream.try_write_vectored(pieces) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

/// Reads without waiting.
impl Read for &Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.try_read(buf)
    }
}

impl hub::Line for Wire {
    fn write(&self, batch: &Batch) -> Taken {
        let mut out = self.out();
        if !out.waiting.is_empty() {
            return Taken::Nothing;
        }
        let bytes = match out.form {
            Form::Messages => batch.message(),
            Form::Chunks(epoch) if out.settled => batch.chunk(epoch),
            Form::Chunks(_) | Form::Http => return Taken::Nothing,
        };
        match out.write_at_once(&bytes, &self.stream) {
            Ok(()) => Taken::All,
            // The rest waits here. If the line is broken, its task finds out.
            Err(_) => Taken::Begun,
        }
    }
}

impl Out {
    /// Writes bytes for which nothing waits, as far as the stream takes them now; what it does not take waits.
    ///
    /// # Errors
    /// As [`Out::write_to`].
    fn write_at_once(&mut self, bytes: &Bytes, stream: &TcpStream) -> io::Result<()> {
        match stream.try_write(bytes) {
            Ok(written) if written == bytes.len() => Ok(()),
            Ok(written) => {
                self.waiting.push_back(bytes.slice(written..));
                self.write_to(stream)
            }
            Err(error) => {
                self.waiting.push_back(bytes.clone());
                Err(error)
            }
        }
    }

    /// Writes as much as the stream takes now. Nothing may be waiting if this succeeds.
    ///
    /// # Errors
    /// `WouldBlock` if it does not take all of it; or why it is broken.
    fn write_to(&mut self, stream: &TcpStream) -> io::Result<()> {
        while let Some(first) = self.waiting.front() {
            let written = match self.waiting.len() {
                1 => stream.try_write(first)?,
                pieces => stream.try_write_vectored(&self.slices()[..pieces.min(PIECES)])?,
            };
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.advance(written);
        }
        self.waiting.shrink_to(KEPT);
        Ok(())
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(piece) = self.waiting.front_mut() {
            if written < piece.len() {
                return piece.advance(written);
            }
            written -= piece.len();
            self.waiting.pop_front();
        }
    }

    fn slices(&self) -> [IoSlice<'_>; PIECES] {
        let mut slices = [IoSlice::new(&[]); PIECES];
        for (slice, piece) in slices.iter_mut().zip(&self.waiting) {
            *slice = IoSlice::new(piece);
        }
        slices
    }
}

#[cfg(test)]
mod tests {
    use domain::Position;
    use hub::Line;
    use tokio::{io::AsyncReadExt, net::TcpListener};

    use super::*;

    #[tokio::test]
    async fn the_hub_writes_when_nobody_else_is_in_the_middle_of_something() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let wire = Wire::new(listener.accept().await.unwrap().0, Duration::from_secs(9));
        let batch = Batch::new(Position(1), Position(2), vec![]);
        wire.settle();
        assert_eq!(wire.write(&batch), Taken::Nothing, "an answer of HTTP may come");
        wire.speak(Form::Chunks(Epoch(1)));
        wire.unsettle();
        assert_eq!(wire.write(&batch), Taken::Nothing, "hyper has something to write");
        wire.settle();
        wire.push(Bytes::from_static(b"first"));
        assert_eq!(wire.write(&batch), Taken::Nothing, "something waits");
        wire.flush().await.unwrap();
        assert_eq!(wire.write(&batch), Taken::All);
        wire.speak(Form::Messages);
        wire.unsettle();
        assert_eq!(wire.write(&batch), Taken::All, "hyper has nothing to do with it");
        drop(wire);
        let mut read = vec![];
        peer.read_to_end(&mut read).await.unwrap();
        let said = [&b"first"[..], &batch.chunk(Epoch(1))[..], &batch.message()[..]].concat();
        assert_eq!(read, said);
    }

    #[test]
    fn what_was_not_written_is_written_next() {
        let waiting = ["one", "two", "three"].map(Bytes::from).into();
        let mut out = Out { waiting, form: Form::Messages, settled: false };
        out.advance(4);
        let left: Vec<u8> = out.slices().iter().flat_map(|slice| slice.iter().copied()).collect();
        assert_eq!(left, b"wothree");
        out.advance(7);
        assert!(out.waiting.is_empty());
    }
}

//! What waits to be written to a socket: messages, each with its header (RFC 6455, section 5.2) before it.
//!
//! Little is copied together and leaves in one `send`; much stays where it is, shared with everybody else who
//! gets it, and leaves in one `writev`.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    ops::Range,
};

use bytes::{Buf, Bytes};
use tokio::net::TcpStream;

/// A text message, whole.
pub(super) const TEXT: u8 = 0x81;

/// A ping.
pub(super) const PING: u8 = 0x89;

/// Up to so many bytes copying is cheaper than one more piece.
const COPIED: usize = 4 << 10;

/// Copying ends when so much is copied already.
const MOST_COPIED: usize = 32 << 10;

/// As much memory is kept when there is nothing to write.
const KEPT: usize = 4 << 10;

/// How many pieces are handed to one `writev`.
const PIECES: usize = 64;

/// The longest header.
const HEADER: usize = 10;

/// See the module.
#[derive(Default)]
pub(super) struct Out {
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

/// A message that is being put together.
pub(super) struct Draft {
    /// The piece it begins with.
    first: usize,
    /// Where in the text the room for its header ends.
    header: usize,
    bytes: usize,
}

impl Draft {
    /// How long the message is so far, without its header.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Out {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Begins a message. Nothing may be written before it is [ended](Out::end).
    pub(super) fn begin(&mut self) -> Draft {
        // How long the header is, is known last.
        self.text.extend_from_slice(&[0; HEADER]);
        let header = self.text.len();
        self.pieces.push_back(Piece::Own(header..header));
        Draft { first: self.pieces.len() - 1, header, bytes: 0 }
    }

    /// Adds bytes that others write as well.
    pub(super) fn share(&mut self, draft: &mut Draft, bytes: Bytes) {
        if bytes.len() <= COPIED && self.text.len() < MOST_COPIED {
            return self.add(draft, |text| text.extend_from_slice(&bytes));
        }
        draft.bytes += bytes.len();
        self.pieces.push_back(Piece::Shared(bytes));
    }

    /// Adds bytes of our own.
    pub(super) fn add(&mut self, draft: &mut Draft, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.text.len();
        write(&mut self.text);
        let end = self.text.len();
        draft.bytes += end - start;
        match self.pieces.back_mut() {
            Some(Piece::Own(range)) if range.end == start => range.end = end,
            _ => self.pieces.push_back(Piece::Own(start..end)),
        }
    }

    /// Takes the last newline away: lines are separated by it.
    pub(super) fn trim(&mut self, draft: &mut Draft) {
        if draft.bytes > 0 {
            draft.bytes -= 1;
            match self.pieces.back_mut() {
                Some(Piece::Own(range)) => range.end -= 1,
                Some(Piece::Shared(bytes)) => bytes.truncate(bytes.len() - 1),
                None => {}
            }
        }
    }

    /// Writes the header. A text without a byte is no message.
    pub(super) fn end(&mut self, draft: &Draft, opcode: u8) {
        if draft.bytes == 0 && opcode == TEXT {
            self.pieces.truncate(draft.first);
            return;
        }
        let [a, b, c, d, e, f, g, h] = (draft.bytes as u64).to_be_bytes();
        let header: &[u8] = match draft.bytes {
            0..126 => &[opcode, h],
            126..0x1_0000 => &[opcode, 126, g, h],
            _ => &[opcode, 127, a, b, c, d, e, f, g, h],
        };
        let start = draft.header - header.len();
        self.text[start..draft.header].copy_from_slice(header);
        if let Piece::Own(range) = &mut self.pieces[draft.first] {
            range.start = start;
        }
    }

    /// Adds what is a message already.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        let start = self.text.len();
        self.text.extend_from_slice(bytes);
        self.pieces.push_back(Piece::Own(start..self.text.len()));
    }

    /// Writes as much as the stream takes now.
    ///
    /// # Errors
    /// `WouldBlock` if it takes nothing; or why it is broken.
    pub(super) fn write_to(&mut self, stream: &TcpStream) -> io::Result<()> {
        let mut written = match self.pieces.front() {
            None => return Ok(()),
            Some(Piece::Own(range)) if self.pieces.len() == 1 => {
                stream.try_write(&self.text[range.clone()])?
            }
            Some(_) => stream.try_write_vectored(&self.slices()[..self.pieces.len().min(PIECES)])?,
        };
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
        self.text.clear();
        // What one large message needed is given back; what each needs is kept.
        if self.text.capacity() > KEPT {
            self.text = Vec::new();
        }
        self.pieces.shrink_to(PIECES);
        Ok(())
    }

    fn slices(&self) -> [IoSlice<'_>; PIECES] {
        let mut slices = [IoSlice::new(&[]); PIECES];
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(match piece {
                Piece::Own(range) => &self.text[range.clone()],
                Piece::Shared(bytes) => bytes,
            });
        }
        slices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(out: &Out) -> Vec<u8> {
        out.slices().iter().flat_map(|slice| slice.iter().copied()).collect()
    }

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
            out.end(&draft, TEXT);
            let written = written(&out);
            assert_eq!(written.len(), header.len() + bytes);
            assert!(written.starts_with(header));
        }
        let mut out = Out::default();
        let draft = out.begin();
        out.end(&draft, TEXT);
        assert!(out.is_empty(), "nothing is not a message");
    }

    #[test]
    fn little_is_copied_together_and_much_stays_where_it_is() {
        let mut out = Out::default();
        let mut draft = out.begin();
        out.share(&mut draft, Bytes::from_static(b"one\n"));
        out.add(&mut draft, |text| text.extend_from_slice(b"two\n"));
        out.trim(&mut draft);
        out.end(&draft, TEXT);
        assert_eq!(out.pieces.len(), 1);
        assert_eq!(written(&out), b"\x81\x07one\ntwo");

        let large = Bytes::from(vec![b'x'; COPIED + 1]);
        let mut draft = out.begin();
        out.share(&mut draft, large.clone());
        out.add(&mut draft, |text| text.extend_from_slice(b"end\n"));
        out.trim(&mut draft);
        out.end(&draft, TEXT);
        assert!(matches!(&out.pieces[2], Piece::Shared(bytes) if bytes.as_ptr() == large.as_ptr()));
        assert!(written(&out).ends_with(b"xend"));
    }
}

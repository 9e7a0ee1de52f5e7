//! What many readers get alike, written once: an event, and a stretch of the log as everybody sees it who stood at
//! the same place and asked for the same.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use domain::{Cursor, Epoch, Position};

use crate::{
    frames::{Flush, ServerFrame},
    subscription::Sid,
};

pub(crate) const EVENT_OPEN: &str = r#"{"kind":"event","event":"#;

/// One event, written once for everybody: a block of Server-Sent Events, in which lies the frame as a line of
/// text, and in that the bare envelope. All of them are slices of the same bytes; a clone copies nothing. Once it
/// is [blanked](Encoded::blank), every clone shows the event without what was personal.
#[derive(Clone)]
pub struct Encoded(Arc<Written>);

struct Written {
    block: Bytes,
    /// Where the frame begins in the block.
    frame: usize,
    position: Position,
    /// The same event's block without what was personal.
    blanked: OnceLock<Bytes>,
}

impl Encoded {
    /// Wraps an event that is encoded already. Called once for each event.
    #[must_use]
    pub fn new(cursor: Cursor, json: &str) -> Self {
        let head = format!("id: {cursor}\ndata: ");
        let frame = head.len();
        let block = [&head, EVENT_OPEN, json, "}\n\n"].concat().into();
        Self(Arc::new(Written { block, frame, position: cursor.position, blanked: OnceLock::new() }))
    }

    /// From here on the event shows as `blanked`, to whoever holds it.
    pub fn blank(&self, blanked: &Encoded) {
        // Twice is once.
        let _ = self.0.blanked.set(blanked.shown().clone());
    }

    /// The bytes as they may be shown now. The frame begins where it always did: the cursor is the same.
    fn shown(&self) -> &Bytes {
        self.0.blanked.get().unwrap_or(&self.0.block)
    }

    /// The frame, as one line with its newline.
    #[must_use]
    pub fn line(&self) -> Bytes {
        let block = self.shown();
        block.slice(self.0.frame..block.len() - 1)
    }

    /// A block of an event stream (HTML Standard, section 9.2), with the cursor as its id.
    #[must_use]
    pub fn block(&self) -> Bytes {
        self.shown().clone()
    }

    /// The bare CloudEvents envelope.
    #[must_use]
    pub fn envelope(&self) -> Bytes {
        let block = self.shown();
        block.slice(self.0.frame + EVENT_OPEN.len()..block.len() - 3)
    }

    /// Where the event stands in the log.
    #[must_use]
    pub fn position(&self) -> Position {
        self.0.position
    }

    /// How many bytes are held.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.block.len()
    }
}

impl PartialEq for Encoded {
    fn eq(&self, other: &Self) -> bool {
        self.shown() == other.shown()
    }
}

impl Eq for Encoded {}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoded({})", String::from_utf8_lossy(&self.envelope()))
    }
}

/// A stretch of the log, as one group sees it. What it says on the wire is written when the first asks for it, and
/// shared by all who get the same batch.
#[derive(Debug)]
pub struct Batch {
    /// Where the group's last batch ended.
    pub prev: Position,
    /// Everything up to here was considered.
    pub pos: Position,
    /// The events in position order. What one subscription of the group has seen already may be among them.
    pub events: Vec<Encoded>,
    message: OnceLock<Said>,
    chunk: OnceLock<Said>,
}

/// What a batch says, and how many of its events were blanked when that was written.
#[derive(Debug)]
struct Said(usize, Bytes);

impl Batch {
    /// What was found between two positions.
    #[must_use]
    pub fn new(prev: Position, pos: Position, events: Vec<Encoded>) -> Self {
        Self { prev, pos, events, message: OnceLock::new(), chunk: OnceLock::new() }
    }

    /// How many bytes its events hold.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.events.iter().map(Encoded::len).sum()
    }

    /// The events and the flush as a message of a WebSocket, header and all, see [`message`].
    #[must_use]
    pub fn message(&self) -> Cow<'_, Bytes> {
        self.said(&self.message, || {
            let mut text = Vec::with_capacity(self.bytes() + 96);
            self.events.iter().for_each(|event| text.extend_from_slice(&event.line()));
            self.flush(None).encode_into(&mut text);
            message(&text)
        })
    }

    /// The events and the flush as blocks of an event stream, with cursors of this epoch, which is the log's; as one
    /// chunk of HTTP, size and all (RFC 9112, section 7.1).
    #[must_use]
    pub fn chunk(&self, epoch: Epoch) -> Cow<'_, Bytes> {
        self.said(&self.chunk, || {
            let mut text = Vec::with_capacity(self.bytes() + 96);
            self.events.iter().for_each(|event| text.extend_from_slice(&event.block()));
            self.flush(None).block_into(epoch, &mut text);
            let size = format!("{:x}\r\n", text.len());
            [size.as_bytes(), &text, b"\r\n"].concat().into()
        })
    }

    /// What is in the [chunk](Batch::chunk).
    #[must_use]
    pub fn blocks(&self, epoch: Epoch) -> Bytes {
        let chunk = self.chunk(epoch);
        let size = chunk.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        chunk.slice(size..chunk.len() - 2)
    }

    /// How far it goes, for these subscriptions; without, for all that are not replayed on their own.
    pub(crate) fn flush(&self, sids: Option<&[Sid]>) -> ServerFrame {
        ServerFrame::Flush(Flush { pos: self.pos, prev: self.prev, sids: sids.map(<[Sid]>::to_vec) })
    }

    /// What was written once; written again if an event has been blanked since.
    fn said<'a>(&'a self, once: &'a OnceLock<Said>, write: impl Fn() -> Bytes) -> Cow<'a, Bytes> {
        let blanked = self.events.iter().filter(|event| event.0.blanked.get().is_some()).count();
        let Said(at, bytes) = once.get_or_init(|| Said(blanked, write()));
        if *at == blanked { Cow::Borrowed(bytes) } else { Cow::Owned(write()) }
    }
}

/// A text as one message of a WebSocket from a server: the header (RFC 6455, section 5.2), then the text.
#[must_use]
pub fn message(text: &[u8]) -> Bytes {
    const TEXT: u8 = 0x81;
    let [a, b, c, d, e, f, g, h] = (text.len() as u64).to_be_bytes();
    let header: &[u8] = match text.len() {
        0..126 => &[TEXT, h],
        126..0x1_0000 => &[TEXT, 126, g, h],
        _ => &[TEXT, 127, a, b, c, d, e, f, g, h],
    };
    [header, text].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(position: u64, json: &str) -> Encoded {
        Encoded::new(Cursor { epoch: Epoch(1), position: Position(position) }, json)
    }

    #[test]
    fn what_a_batch_says_is_written_once_and_again_when_an_event_is_blanked() {
        let event = encoded(7, r#"{"text":"secret"}"#);
        let batch = Batch::new(Position(5), Position(9), vec![event.clone()]);
        let first = batch.message();
        assert_eq!(first.as_ptr(), batch.message().as_ptr(), "the same bytes for everybody");
        assert_eq!(
            first[..],
            b"\x81\x4c{\"kind\":\"event\",\"event\":{\"text\":\"secret\"}}\n{\"kind\":\"flush\",\"pos\":9,\"prev\":5}"[..]
        );
        let blocks =
            b"id: 0000000000000001.7\ndata: {\"kind\":\"event\",\"event\":{\"text\":\"secret\"}}\n\n\
            event: flush\nid: 0000000000000001.9\ndata: {\"kind\":\"flush\",\"pos\":9,\"prev\":5}\n\n";
        assert_eq!(*batch.blocks(Epoch(1)), *blocks);
        let size = format!("{:x}\r\n", blocks.len());
        assert_eq!(**batch.chunk(Epoch(1)), *[size.as_bytes(), blocks, b"\r\n"].concat());

        event.blank(&encoded(7, r#"{"text":""}"#));
        for shown in [batch.message(), batch.chunk(Epoch(1)), Cow::Owned(batch.events[0].envelope())] {
            assert!(!String::from_utf8_lossy(&shown).contains("secret"), "{shown:?}");
        }
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
            let written = message(&vec![b'x'; bytes]);
            assert_eq!(written.len(), header.len() + bytes);
            assert!(written.starts_with(header));
        }
    }
}

//! Counts what comes over a connection without understanding it: WebSocket frames by their headers, and in
//! their payload one byte that only our texts hold. No allocation, no copy.

use std::time::{Duration, Instant};

/// Stands once in each text that is sent, and nowhere else in what servers write around it.
const MARK: u8 = b'~';

/// The digits of the instant that follows the mark, in microseconds.
const DIGITS: usize = 12;

/// A text of so many bytes, marked with the instant it is due at.
pub(crate) fn text(bytes: usize, due: Duration) -> String {
    let mut text = format!("~{:0DIGITS$}", due.as_micros());
    while text.len() < bytes {
        text.push_str(
            " The parcel for order 4711 is packed and waits at the desk; who takes it along at noon?",
        );
    }
    text.truncate(bytes.max(DIGITS + 1));
    text
}

/// How the payload is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// WebSocket frames (RFC 6455, section 5.2).
    WebSocket,
    /// Bytes until the end: server-sent events.
    Stream,
}

/// One connection's reader.
#[derive(Debug)]
pub(crate) struct Reader {
    framing: Framing,
    header: [u8; 10],
    have: usize,
    left: u64,
    control: bool,
}

/// What some bytes held.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Marked texts.
    pub(crate) texts: u64,
    /// WebSocket messages.
    pub(crate) messages: u64,
    /// The protocol's ping, which wants an answer.
    pub(crate) ping: bool,
    /// A WebSocket close.
    pub(crate) closed: bool,
}

impl Reader {
    pub(crate) fn new(framing: Framing) -> Self {
        Self { framing, header: [0; 10], have: 0, left: 0, control: false }
    }

    /// Takes what was read; `payload` is called with each piece of payload.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut payload: impl FnMut(&[u8])) -> Seen {
        let mut seen = Seen::default();
        if self.framing == Framing::Stream {
            seen.look_at(bytes);
            payload(bytes);
            return seen;
        }
        while !bytes.is_empty() {
            if self.left > 0 {
                let take = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
                let (piece, rest) = bytes.split_at(take);
                self.left -= take as u64;
                bytes = rest;
                if !self.control {
                    seen.look_at(piece);
                    payload(piece);
                }
                continue;
            }
            self.header[self.have] = bytes[0];
            self.have += 1;
            bytes = &bytes[1..];
            if let Some(length) = self.length() {
                let opcode = self.header[0] & 0x0f;
                self.control = opcode >= 8;
                seen.closed |= opcode == 8;
                seen.messages += u64::from(!self.control && self.header[0] & 0x80 != 0);
                (self.left, self.have) = (length, 0);
            }
        }
        seen
    }

    /// The payload's length, once the header is whole.
    fn length(&self) -> Option<u64> {
        header(&self.header[..self.have]).map(|(_, length)| length)
    }
}

/// How long a server's frame's header is, and its payload, once the header is whole.
pub(crate) fn header(bytes: &[u8]) -> Option<(usize, u64)> {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    match bytes.get(1)? {
        126 => bytes.get(2..4).map(|extended| (4, number(extended))),
        127 => bytes.get(2..10).map(|extended| (10, number(extended))),
        length => Some((2, u64::from(*length))),
    }
}

impl Seen {
    fn look_at(&mut self, piece: &[u8]) {
        self.texts += memchr::memchr_iter(MARK, piece).count() as u64;
        // A ping travels alone or last; there is no need to search through many events for it.
        let tail = &piece[piece.len().saturating_sub(64)..];
        self.ping |= memchr::memmem::find(tail, b"\"ping\"").is_some();
    }
}

/// How long after they were due the texts in `piece` came, in microseconds. One that is cut off is left out.
pub(crate) fn latencies(piece: &[u8], began: Instant) -> impl Iterator<Item = u32> {
    let now = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    memchr::memchr_iter(MARK, piece).filter_map(move |at| {
        let digits = std::str::from_utf8(piece.get(at + 1..at + 1 + DIGITS)?).ok()?;
        let due: u64 = digits.parse().ok()?;
        Some(u32::try_from(now.saturating_sub(due)).unwrap_or(u32::MAX))
    })
}

/// The headers that ask for a WebSocket.
pub(crate) const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A client's text frame.
pub(crate) fn client_frame(text: &str) -> Vec<u8> {
    masked(0x81, text.as_bytes())
}

/// A client's frame. The mask is all zeros: that is allowed, and costs nothing.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let [a, b, c, d, e, f, g, h] = (payload.len() as u64).to_be_bytes();
    let mut frame = match payload.len() {
        0..126 => vec![first, 0x80 | h],
        126..0x1_0000 => vec![first, 0x80 | 126, g, h],
        _ => vec![first, 0x80 | 127, a, b, c, d, e, f, g, h],
    };
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_frame(text: &str) -> Vec<u8> {
        let mut frame = vec![0x81];
        match text.len() {
            length @ 0..=125 => frame.push(u8::try_from(length).unwrap()),
            length @ 126..=65_535 => {
                frame.push(126);
                frame.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            length => {
                frame.push(127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(text.as_bytes());
        frame
    }

    #[test]
    fn texts_are_counted_however_the_bytes_are_cut() {
        let texts = [
            text(40, Duration::ZERO),
            "no mark".repeat(18),
            text(126, Duration::ZERO),
            text(70_000, Duration::ZERO),
        ];
        let mut bytes: Vec<u8> = texts.iter().flat_map(|text| server_frame(text)).collect();
        bytes.extend([0x88, 0]);
        for step in [1, 2, 3, 7, 126, 1000, bytes.len()] {
            let mut reader = Reader::new(Framing::WebSocket);
            let (mut seen, mut read) = (Seen::default(), 0);
            for piece in bytes.chunks(step) {
                let now = reader.feed(piece, |payload| read += payload.len());
                seen.texts += now.texts;
                seen.messages += now.messages;
                seen.closed |= now.closed;
            }
            assert_eq!(read, texts.iter().map(String::len).sum::<usize>());
            assert_eq!(seen, Seen { texts: 3, messages: 4, ping: false, closed: true }, "step {step}");
        }
    }

    #[test]
    fn a_text_says_when_it_was_due() {
        let began = Instant::now();
        let late: Vec<u32> = latencies(text(30, Duration::ZERO).as_bytes(), began).collect();
        assert!(late.len() == 1 && u128::from(late[0]) <= began.elapsed().as_micros());
        assert_eq!(latencies(&text(30, Duration::ZERO).as_bytes()[..8], began).count(), 0);
    }

    #[test]
    fn a_ping_is_seen_and_what_a_client_says_is_masked() {
        let mut reader = Reader::new(Framing::WebSocket);
        assert!(reader.feed(&server_frame(r#"{"kind":"ping"}"#), |_| {}).ping);
        assert_eq!(client_frame("hi"), [0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
        assert_eq!(client_frame(&"x".repeat(300))[..4], [0x81, 0xfe, 1, 44]);
    }
}

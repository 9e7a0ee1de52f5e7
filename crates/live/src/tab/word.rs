//! What the tabs of one browser say to each other: one short line each, understood by tabs of other builds as
//! long as the name of their channel stays the same.

use super::Wire;
use crate::subscription::Sid;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    /// Which tab says it.
    pub(super) from: Sid,
    /// To whom; without, to all.
    pub(super) to: Option<Sid>,
    /// The lead in which it is said; nothing from one that does not lead.
    pub(super) term: u64,
    /// Which of the follower's attempts to join it is about, if it is about one.
    pub(super) turn: u64,
    pub(super) word: Word,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// To the leader: I want to be on your line.
    Join,
    /// To the leader: say this on your line.
    Send(String),
    /// To the leader: are you there?
    Ask,
    /// The leader is there; whether it can be seen.
    Here(bool),
    /// There is a line; who waits for one may join.
    Line(Wire),
    /// You are on the line, which was welcomed with this.
    Up(String),
    /// A line is about to be made: say your hello.
    Say,
    /// You are on the line, with what you said.
    Go,
    /// There is no room on the line: make your own.
    Full,
    /// This has come over the line.
    Text(String),
    /// The line is gone, with this code if one came.
    Down(Option<u16>),
    /// Leave the line and join again: there is another leader, or it makes another line.
    Renew,
}

impl Note {
    pub(super) fn encode(&self) -> String {
        let (kind, body) = match &self.word {
            Word::Join => ("join", ""),
            Word::Send(text) => ("send", text.as_str()),
            Word::Ask => ("ask", ""),
            Word::Here(true) => ("here", "seen"),
            Word::Here(false) => ("here", ""),
            Word::Line(Wire::WebSocket) => ("line", "ws"),
            Word::Line(Wire::EventSource) => ("line", "sse"),
            Word::Up(welcome) => ("up", welcome.as_str()),
            Word::Say => ("say", ""),
            Word::Go => ("go", ""),
            Word::Full => ("full", ""),
            Word::Text(text) => ("text", text.as_str()),
            Word::Down(code) => {
                return self.line("down", &code.map(|code| code.to_string()).unwrap_or_default());
            }
            Word::Renew => ("renew", ""),
        };
        self.line(kind, body)
    }

    fn line(&self, kind: &str, body: &str) -> String {
        let to = self.to.as_ref().map_or("*", Sid::as_str);
        format!("{kind} {} {to} {} {} {body}", self.from, self.term, self.turn)
    }

    /// `None` for what is not understood here.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut parts = line.splitn(6, ' ');
        let (kind, from, to) = (parts.next()?, parts.next()?, parts.next()?);
        let (term, turn, body) = (parts.next()?, parts.next()?, parts.next()?);
        let word = match kind {
            "join" => Word::Join,
            "send" => Word::Send(body.to_owned()),
            "ask" => Word::Ask,
            "here" => Word::Here(body == "seen"),
            "line" => Word::Line(if body == "sse" { Wire::EventSource } else { Wire::WebSocket }),
            "up" => Word::Up(body.to_owned()),
            "say" => Word::Say,
            "go" => Word::Go,
            "full" => Word::Full,
            "text" => Word::Text(body.to_owned()),
            "down" => Word::Down(body.parse().ok()),
            "renew" => Word::Renew,
            _ => return None,
        };
        let to = if to == "*" { None } else { Some(Sid::new(to).ok()?) };
        let (term, turn) = (term.parse().ok()?, turn.parse().ok()?);
        Some(Self { from: Sid::new(from).ok()?, to, term, turn, word })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_as_it_was_said() {
        let text = "{\"a\": \"b c\"}\n{\"d\":1}".to_owned();
        let words = [
            Word::Join,
            Word::Send(text.clone()),
            Word::Ask,
            Word::Here(true),
            Word::Here(false),
            Word::Line(Wire::WebSocket),
            Word::Line(Wire::EventSource),
            Word::Up(text.clone()),
            Word::Say,
            Word::Go,
            Word::Full,
            Word::Text(text),
            Word::Down(None),
            Word::Down(Some(4010)),
            Word::Renew,
        ];
        for (nth, word) in words.into_iter().enumerate() {
            let to = (nth % 2 == 0).then(|| Sid::new("b7").unwrap());
            let note = Note { from: Sid::new("a1").unwrap(), to, term: nth as u64, turn: 7, word };
            assert_eq!(Note::parse(&note.encode()), Some(note));
        }
    }

    #[test]
    fn what_is_not_understood_is_nothing() {
        for line in
            ["", "join", "join a1 * 0", "dance a1 * 0 ", "join A! * 0 ", "join a1 * x ", "join a1 B! 0 "]
        {
            assert_eq!(Note::parse(line), None, "{line:?}");
        }
    }
}

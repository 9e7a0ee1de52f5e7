//! Typed ids: a room is never mistaken for a person, and nothing is a bare string.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::checked::checked_text;

/// Why a text is not an id of the wanted kind. The sentence is meant for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(pub String);

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(s: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(s)
                    .map($name)
                    .map_err(|_| InvalidId(format!("{:?} is not a UUID", shorten(s))))
            }
        }
    )+};
}

uuid_id! {
    /// One event. A UUIDv7 minted by the committer.
    EventId,
    /// One command: the idempotency key, minted by whoever wants something.
    CommandId,
    /// One person.
    UserId,
    /// One message in a room. It equals the id of the command that posted it, so that a page can show
    /// the message before the server has answered and recognise it afterwards.
    MessageId,
    /// One signed-in session. Not a credential: the secret token is stored hashed, elsewhere.
    SessionId,
}

/// Checks length and alphabet.
fn spelt(
    text: &str,
    what: &str,
    length: RangeInclusive<usize>,
    alphabet: &str,
    allowed: fn(char) -> bool,
) -> Result<(), InvalidId> {
    if length.contains(&text.len()) && text.chars().all(allowed) {
        return Ok(());
    }
    let (text, least, most) = (shorten(text), length.start(), length.end());
    Err(InvalidId(format!("{text:?} is not {what}: {least} to {most} of {alphabet}")))
}

fn is_slug(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '-' | '_')
}

checked_text!(
    /// A room's address: the slug in `/chat/<room>`, and one subject token.
    RoomId,
    InvalidId,
    |text| spelt(text, "a room's address", 1..=40, "a-z, 0-9, '-' and '_'", is_slug)
);

checked_text!(
    /// The name somebody signs in with and is mentioned by. Unique, never changed.
    Handle,
    InvalidId,
    |text| spelt(text, "a handle", 2..=24, "a-z, 0-9 and '_'", |c| c != '-' && is_slug(c))
);

checked_text!(
    /// A consistency boundary: `<category>-<key>`, for example `room-lobby`.
    StreamId,
    InvalidId,
    |text| spelt(text, "a stream id", 3..=80, "a-z, 0-9, '-' and '_'", is_slug)
);

impl StreamId {
    /// What comes before the first dash: the kind of aggregate the stream holds.
    #[must_use]
    pub fn category(&self) -> &str {
        self.0.split_once('-').map_or(self.0.as_str(), |(category, _)| category)
    }

    /// The stream of a person.
    #[must_use]
    pub fn account(user: UserId) -> Self {
        Self(format!("account-{user}"))
    }

    /// The stream of a room: its opening and its membership.
    #[must_use]
    pub fn room(room: &RoomId) -> Self {
        Self(format!("room-{room}"))
    }

    /// The stream of what a person has read.
    #[must_use]
    pub fn reader(user: UserId) -> Self {
        Self(format!("reader-{user}"))
    }

    /// The stream of one message.
    #[must_use]
    pub fn message(message: MessageId) -> Self {
        Self(format!("message-{message}"))
    }
}

/// For error texts: never echo an arbitrarily long input.
pub(crate) fn shorten(text: &str) -> String {
    shorten_to(60, text)
}

/// The first `most` characters.
pub(crate) fn shorten_to(most: usize, text: &str) -> String {
    let mut short: String = text.chars().take(most).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_refuse_what_they_do_not_allow_and_say_what_they_do() {
        assert!(RoomId::new("desk-2").is_ok());
        for bad in ["", "Lobby", "a b", "a.b", "ä", &"x".repeat(41)] {
            let error = RoomId::new(bad).unwrap_err().to_string();
            assert!(error.contains("1 to 40"), "{error}");
        }
        assert!(serde_json::from_str::<RoomId>("\"a/b\"").is_err());
    }

    #[test]
    fn a_stream_knows_its_category() {
        assert_eq!(StreamId::room(&RoomId::new("a-b").unwrap()).category(), "room");
    }
}

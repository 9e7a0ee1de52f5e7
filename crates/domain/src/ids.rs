//! Typed ids: a room is never mistaken for a person, and nothing is a bare string.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

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

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $min:literal ..= $max:literal, $allowed:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        pub struct $name(String);

        impl $name {
            /// Checks length and alphabet.
            ///
            /// # Errors
            /// A sentence that says what is allowed.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let ok: fn(char) -> bool = $ok;
                if ($min..=$max).contains(&text.len()) && text.chars().all(ok) {
                    Ok(Self(text))
                } else {
                    Err(InvalidId(format!(
                        "{:?} is not {}: {} to {} of {}",
                        shorten(&text), $what, $min, $max, $allowed
                    )))
                }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

text_id!(
    /// A room's address: the slug in `/chat/<room>`, and one subject token.
    RoomId,
    "a room's address",
    1..=40,
    "a-z, 0-9, '-' and '_'",
    |c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_')
);

text_id!(
    /// The name somebody signs in with and is mentioned by. Unique, never changed.
    Handle,
    "a handle",
    2..=24,
    "a-z, 0-9 and '_'",
    |c| matches!(c, 'a'..='z' | '0'..='9' | '_')
);

text_id!(
    /// A consistency boundary: `<category>-<key>`, for example `room-lobby`.
    StreamId,
    "a stream id",
    3..=80,
    "a-z, 0-9, '-' and '_'",
    |c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_')
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

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
    /// One order. It equals the id of the command that placed it.
    OrderId,
    /// One notification. It equals the id of the command that raised it.
    NotificationId,
    /// One signed-in session. Not a credential: the secret token is stored hashed, elsewhere.
    SessionId,
}

impl OrderId {
    /// The length of a short name.
    pub const SHORT: usize = 6;

    /// What people call the order: the end of its id, which differs most.
    #[must_use]
    pub fn short(self) -> String {
        let id = self.0.simple().to_string();
        id[id.len() - Self::SHORT..].to_owned()
    }
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
    /// A product's number ("stock keeping unit"): the slug in `/shop/<sku>`, and one subject token.
    Sku,
    InvalidId,
    |text| spelt(text, "a SKU", 1..=40, "a-z, 0-9, '-' and '_'", is_slug)
);

checked_text!(
    /// The name somebody signs in with and is mentioned by. Unique, never changed.
    Handle,
    InvalidId,
    |text| spelt(text, "a handle", 2..=24, "a-z, 0-9 and '_'", |c| c != '-' && is_slug(c))
);

checked_text!(
    /// One of our own services or stored projections, as an operator knows it.
    ServiceName,
    InvalidId,
    |text| spelt(text, "a service's name", 1..=40, "a-z, 0-9, '-' and '_'", is_slug)
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
}

/// A stream's id from its key, for every category: `StreamId::room(&room)` is `room-<room>`.
macro_rules! streams {
    ($($(#[$doc:meta])* $category:ident($key:ty);)+) => {
        impl StreamId {
            $($(#[$doc])*
            #[must_use]
            pub fn $category(key: $key) -> Self {
                Self(format!(concat!(stringify!($category), "-{}"), key))
            })+
        }
    };
}

streams! {
    /// The stream of a person.
    account(UserId);
    /// The stream of a room: its opening and its membership.
    room(&RoomId);
    /// The stream of what a person has read.
    reader(UserId);
    /// The stream of one message.
    message(MessageId);
    /// The stream of a product: its listing and its price.
    product(&Sku);
    /// The stream of how many there are of a product.
    stock(&Sku);
    /// The stream of what is kept for an order.
    reservation(OrderId);
    /// The stream of a person's cart.
    cart(UserId);
    /// The stream of an order.
    order(OrderId);
    /// The stream of an order's review.
    review(OrderId);
    /// The stream of a person's money.
    wallet(UserId);
    /// The stream of an order's parcel.
    shipment(OrderId);
    /// The stream of what a person is told.
    notification(UserId);
    /// The stream of what is said to a service, and of what it says of itself.
    service(&ServiceName);
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

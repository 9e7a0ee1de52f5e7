//! What somebody wants, who wants it, and the answer when they do not get it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    account, cart, catalog, chat,
    contract::{Event, Intent},
    ids::{CommandId, InvalidId, UserId, shorten},
    notification, order, review, service, shipment, stock, wallet,
};

/// A reaction to a reaction to a reaction ends here, so that no loop runs away.
pub const MAX_HOPS: u8 = 32;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
#[serde(try_from = "String", into = "String")]
pub enum Actor {
    /// A person.
    User(UserId),
    /// One of our own services.
    Service(String),
    /// Something outside, by the name of its source.
    External(String),
}

impl Actor {
    /// The person, if it is one.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self {
            Actor::User(user) => Some(*user),
            _ => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::User(user) => write!(f, "user:{user}"),
            Actor::Service(name) => write!(f, "service:{name}"),
            Actor::External(source) => write!(f, "external:{source}"),
        }
    }
}

impl FromStr for Actor {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.split_once(':') {
            Some(("user", user)) => user.parse().map(Actor::User),
            Some(("service", name)) if !name.is_empty() => Ok(Actor::Service(name.to_owned())),
            Some(("external", source)) if !source.is_empty() => Ok(Actor::External(source.to_owned())),
            _ => Err(InvalidId(format!("{:?} is not an actor", shorten(text)))),
        }
    }
}

impl TryFrom<String> for Actor {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> String {
        actor.to_string()
    }
}

/// A wish to change something. It mirrors the envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The idempotency key, minted by the caller: the same id again gives the same receipt.
    pub id: CommandId,
    /// Who wants it.
    pub actor: Actor,
    /// What is wanted.
    pub intent: Intent,
    /// If given, the version the command's own stream must have; otherwise the command is refused.
    pub expected_version: Option<u64>,
    /// The first command of the flow; this command itself if it starts one.
    pub correlation: Uuid,
    /// The event or command that led to this one; this command itself if nothing did.
    pub causation: Uuid,
    /// How many reactions deep; 0 for what a person does.
    pub hop: u8,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

impl Command {
    /// A command that starts a flow of its own.
    #[must_use]
    pub fn new(id: CommandId, actor: Actor, intent: impl Into<Intent>) -> Self {
        Self {
            id,
            actor,
            intent: intent.into(),
            expected_version: None,
            correlation: id.0,
            causation: id.0,
            hop: 0,
            traceparent: None,
        }
    }
}

/// The broad kind of a refusal; it becomes the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The command is malformed or out of bounds (422).
    Invalid,
    /// The actor may not do this (403).
    Forbidden,
    /// What the command is about is not there, or not for the actor to know of (404).
    NotFound,
    /// The world has moved: somebody else was first, or it is already so (409).
    Conflict,
}

/// Every refusal of every context: its broad kind and its code, `<context>.<reason>`.
pub fn all_refusals() -> impl Iterator<Item = (RefusalKind, &'static str)> {
    [
        account::Refusal::ALL,
        chat::Refusal::ALL,
        catalog::Refusal::ALL,
        cart::Refusal::ALL,
        order::Refusal::ALL,
        stock::Refusal::ALL,
        review::Refusal::ALL,
        wallet::Refusal::ALL,
        shipment::Refusal::ALL,
        notification::Refusal::ALL,
        service::Refusal::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// What comes of a command: what happens then, or what stands in the way.
pub type Decision = Result<Vec<Event>, Refusal>;

/// A context's refusals: for each when it is given, its broad kind, its stable code and its sentence.
macro_rules! refusals {
    ($(
        $(#[$doc:meta])*
        $name:ident $({ $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)? })?
            = $kind:ident $code:literal $sentence:literal;
    )+) => {
        /// Why a command of this context is not carried out.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        pub enum Refusal {
            $($(#[$doc])* #[error($sentence)] $name $({ $($(#[$field_doc])* $field: $type),+ })?,)+
        }

        impl Refusal {
            /// Every refusal of this context: its broad kind and its code.
            pub const ALL: &[(RefusalKind, &str)] = &[$((RefusalKind::$kind, $code)),+];

            /// The stable code.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self { $(Refusal::$name { .. } => $code,)+ }
            }

            /// The broad kind.
            #[must_use]
            pub fn kind(&self) -> RefusalKind {
                match self { $(Refusal::$name { .. } => RefusalKind::$kind,)+ }
            }
        }
    };
}
pub(crate) use refusals;

/// Why a command is not carried out. Closed per context; each has a stable code and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// From the accounts context.
    #[error(transparent)]
    Account(#[from] account::Refusal),
    /// From the chat context.
    #[error(transparent)]
    Chat(#[from] chat::Refusal),
    /// From the catalog context.
    #[error(transparent)]
    Catalog(#[from] catalog::Refusal),
    /// From the cart context.
    #[error(transparent)]
    Cart(#[from] cart::Refusal),
    /// From the order context.
    #[error(transparent)]
    Order(#[from] order::Refusal),
    /// From the stock context.
    #[error(transparent)]
    Stock(#[from] stock::Refusal),
    /// From the review context.
    #[error(transparent)]
    Review(#[from] review::Refusal),
    /// From the wallet context.
    #[error(transparent)]
    Wallet(#[from] wallet::Refusal),
    /// From the shipment context.
    #[error(transparent)]
    Shipment(#[from] shipment::Refusal),
    /// From the notification context.
    #[error(transparent)]
    Notification(#[from] notification::Refusal),
    /// From the context of the services.
    #[error(transparent)]
    Service(#[from] service::Refusal),
    /// The command's own stream is not at the version the caller expected.
    #[error("Somebody changed this a moment ago: it is at version {actual}, you expected {expected}.")]
    VersionConflict {
        /// What the caller expected.
        expected: u64,
        /// What it is.
        actual: u64,
    },
    /// Too many reactions deep.
    #[error("This reaction is {MAX_HOPS} steps from its cause; it looks like a loop and was stopped.")]
    TooManyHops,
}

impl Refusal {
    /// The stable code, `<context>.<reason>`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Account(refusal) => refusal.code(),
            Refusal::Chat(refusal) => refusal.code(),
            Refusal::Catalog(refusal) => refusal.code(),
            Refusal::Cart(refusal) => refusal.code(),
            Refusal::Order(refusal) => refusal.code(),
            Refusal::Stock(refusal) => refusal.code(),
            Refusal::Review(refusal) => refusal.code(),
            Refusal::Wallet(refusal) => refusal.code(),
            Refusal::Shipment(refusal) => refusal.code(),
            Refusal::Notification(refusal) => refusal.code(),
            Refusal::Service(refusal) => refusal.code(),
            Refusal::VersionConflict { .. } => "command.version_conflict",
            Refusal::TooManyHops => "command.too_many_hops",
        }
    }

    /// The broad kind.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        match self {
            Refusal::Account(refusal) => refusal.kind(),
            Refusal::Chat(refusal) => refusal.kind(),
            Refusal::Catalog(refusal) => refusal.kind(),
            Refusal::Cart(refusal) => refusal.kind(),
            Refusal::Order(refusal) => refusal.kind(),
            Refusal::Stock(refusal) => refusal.kind(),
            Refusal::Review(refusal) => refusal.kind(),
            Refusal::Wallet(refusal) => refusal.kind(),
            Refusal::Shipment(refusal) => refusal.kind(),
            Refusal::Notification(refusal) => refusal.kind(),
            Refusal::Service(refusal) => refusal.kind(),
            Refusal::VersionConflict { .. } | Refusal::TooManyHops => RefusalKind::Conflict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_read_back_as_it_was_written() {
        for text in ["user:018f0000-0000-7000-8000-000000000001", "service:payment", "external:courier/7"] {
            assert_eq!(text.parse::<Actor>().unwrap().to_string(), text);
        }
        for bad in ["", "user:bob", "service:", "ada"] {
            assert!(bad.parse::<Actor>().is_err(), "{bad}");
        }
    }
}

//! What is written: a unit of commands and effects, and the answer to it.

use domain::{Command, EventId, Handle, Position, Refusal, Scopes, SessionId, Timestamp, UserId, contract};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What is accepted or refused as a whole, across any number of streams.
#[derive(Debug, Clone, Default)]
pub struct Unit {
    /// Decided in this order; a later one sees what the earlier ones have brought about.
    pub commands: Vec<Command>,
    /// Carried out if, and only if, every command is accepted.
    pub effects: Vec<Effect>,
}

impl Unit {
    /// The same unit with one more effect.
    #[must_use]
    pub fn with(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }
}

impl From<Command> for Unit {
    fn from(command: Command) -> Self {
        Self { commands: vec![command], effects: Vec::new() }
    }
}

impl From<Effect> for Unit {
    fn from(effect: Effect) -> Self {
        Self { commands: Vec::new(), effects: vec![effect] }
    }
}

/// What is written beside the log, in the same transaction, because it must never be in an event.
#[derive(Clone)]
pub enum Effect {
    /// What somebody signs in with. A taken handle refuses the unit.
    AddCredential {
        /// Whose.
        user: UserId,
        /// What they sign in with. Unique.
        handle: Handle,
        /// A PHC string, for example Argon2id's. Never the password.
        password_hash: String,
    },
    /// Somebody signed in, or gave a token to a program. Nothing happens if the session exists already.
    StartSession {
        /// The session's public name.
        session: SessionId,
        /// Who.
        user: UserId,
        /// SHA-256 of the secret that the browser or the program holds.
        token_hash: [u8; 32],
        /// What its owner calls it, if it is a token.
        name: Option<String>,
        /// What it may be used for.
        scopes: Scopes,
        /// From this instant on the session is over.
        expires: Timestamp,
    },
    /// Somebody signed out. Nothing happens if they have no such session.
    EndSession {
        /// Which.
        session: SessionId,
        /// Whose.
        user: UserId,
    },
}

/// Never shows a hash: this ends up in logs.
impl std::fmt::Debug for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Effect::AddCredential { user, handle, .. } => write!(f, "AddCredential({user}, {handle})"),
            Effect::StartSession { session, user, .. } => write!(f, "StartSession({session}, {user})"),
            Effect::EndSession { session, user } => write!(f, "EndSession({session}, {user})"),
        }
    }
}

/// The answer to an accepted unit: its events are on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The last event's; if there is none, how far the log had come.
    pub position: Position,
    /// The unit's events, in order.
    pub events: Vec<EventRef>,
    /// Whether the unit had been accepted before: these are the events of that time.
    pub repeated: bool,
}

/// One event of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRef {
    /// Its id.
    pub id: EventId,
    /// Where it stands in the log.
    pub position: Position,
    /// Its type.
    pub kind: String,
}

/// Why a unit was not carried out. None of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// A rule stands in the way.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The same person has used this command id for something else.
    #[error("This command id was used before, for a different command.")]
    CommandReused,
    /// The database cannot be written at the moment. Sending the same command ids again is safe.
    #[error("{0}")]
    Unavailable(String),
    /// The store has been closed.
    #[error("The server is shutting down.")]
    Closed,
}

/// What the same command id must mean when it comes again.
pub(crate) fn body_hash(command: &Command) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(command.intent.name());
    hash.update([0]);
    hash.update(command.intent.data().get());
    hash.update([0]);
    if let Some(version) = command.expected_version {
        hash.update(version.to_le_bytes());
    }
    hash.finalize().into()
}

/// The name of an event type, from the contract's table where it is known there.
pub(crate) fn kind_name(name: &str) -> std::borrow::Cow<'static, str> {
    match contract::kind(name) {
        Some(kind) => kind.name.into(),
        None => name.to_owned().into(),
    }
}

//! What is written: a unit of commands and effects, and the answer to it.

use domain::{Command, EventId, Handle, Position, Refusal, Scopes, SessionId, Timestamp, UserId, contract};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::reactor::{Checkpoint, LetterStatus, Timer};

/// What is accepted or refused as a whole, across any number of streams.
#[derive(Debug, Clone, Default)]
pub struct Unit {
    /// Decided in this order; a later one sees what the earlier ones have brought about.
    pub commands: Vec<Command>,
    /// Carried out if, and only if, every command is accepted.
    pub effects: Vec<Effect>,
    /// The step that a reactor takes with this unit. A command of such a unit that was accepted before is
    /// passed over as done, because whoever crashes reads the same events again.
    pub checkpoint: Option<Checkpoint>,
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
        Self { commands: vec![command], ..Self::default() }
    }
}

impl From<Effect> for Unit {
    fn from(effect: Effect) -> Self {
        Self { effects: vec![effect], ..Self::default() }
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
    /// What a reactor remembers under a key. Replaces what was there.
    SaveState {
        /// Whose.
        reactor: String,
        /// Under which key.
        key: String,
        /// What, as JSON. No text that somebody may want deleted: a redaction does not reach it.
        doc: String,
    },
    /// A reactor need not remember something any longer.
    DropState {
        /// Whose.
        reactor: String,
        /// Under which key.
        key: String,
    },
    /// A reactor has handled an event after its checkpoint.
    Handled {
        /// Which reactor.
        reactor: String,
        /// Which event.
        position: Position,
    },
    /// The checkpoint has reached this position: what was [`Effect::Handled`] up to it need not be known.
    DropHandled {
        /// Which reactor.
        reactor: String,
        /// Up to and including.
        upto: Position,
    },
    /// Nobody can ask for these commands again: that they were accepted need not be known.
    ForgetAccepted {
        /// Who sent them, as [`domain::Actor`] is written.
        actors: Vec<String>,
        /// Those whose unit has ended after this position,
        after: Position,
        /// up to and including this one.
        upto: Position,
    },
    /// A reactor puts an event aside that it cannot handle, or that waits behind such a one.
    Park {
        /// Which reactor.
        reactor: String,
        /// What the event must be handled in order of.
        key: String,
        /// Which event.
        position: Position,
        /// What went wrong.
        error: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// What becomes of the dead letters of a key that are parked or being redriven.
    SetLetters {
        /// Which reactor.
        reactor: String,
        /// Which key.
        key: String,
        /// Only this one of them.
        position: Option<Position>,
        /// What becomes of them.
        status: LetterStatus,
    },
    /// Sends a command at an instant.
    SetTimer(Timer),
    /// Nothing has to be sent any longer. If an instant is given, only if the timer is still set to it.
    ClearTimer {
        /// Which timer.
        key: String,
        /// As it was set.
        due: Option<Timestamp>,
    },
    /// An event came in from outside. If it has come before, the unit is not carried out again, and the
    /// receipt has the position of that time.
    Ingested {
        /// Who says so.
        source: String,
        /// What it is called there.
        id: String,
    },
}

impl Effect {
    /// Whether somebody is signed in after it, or not signed in any more.
    pub(crate) fn changes_sessions(&self) -> bool {
        matches!(self, Self::StartSession { .. } | Self::EndSession { .. })
    }
}

/// Never shows a hash or what a reactor remembers: this ends up in logs.
impl std::fmt::Debug for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Effect::AddCredential { user, handle, .. } => write!(f, "AddCredential({user}, {handle})"),
            Effect::StartSession { session, user, .. } => write!(f, "StartSession({session}, {user})"),
            Effect::EndSession { session, user } => write!(f, "EndSession({session}, {user})"),
            Effect::SaveState { reactor, key, .. } => write!(f, "SaveState({reactor}, {key})"),
            Effect::DropState { reactor, key } => write!(f, "DropState({reactor}, {key})"),
            Effect::Handled { reactor, position } => write!(f, "Handled({reactor}, {position})"),
            Effect::DropHandled { reactor, upto } => write!(f, "DropHandled({reactor}, {upto})"),
            Effect::ForgetAccepted { after, upto, .. } => write!(f, "ForgetAccepted({after}, {upto})"),
            Effect::Park { reactor, key, position, .. } => write!(f, "Park({reactor}, {key}, {position})"),
            Effect::SetLetters { reactor, key, status, .. } => {
                write!(f, "SetLetters({reactor}, {key}, {})", status.name())
            }
            Effect::SetTimer(timer) => write!(f, "SetTimer({}, {})", timer.key, timer.due),
            Effect::ClearTimer { key, .. } => write!(f, "ClearTimer({key})"),
            Effect::Ingested { source, id } => write!(f, "Ingested({source}, {id})"),
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
    /// The reactor does not stand where its unit says: another process has gone on for it.
    #[error("The reactor {reactor} stands at {at} and not where this unit begins.")]
    CheckpointMoved {
        /// Which reactor.
        reactor: String,
        /// Where it stands.
        at: Position,
    },
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

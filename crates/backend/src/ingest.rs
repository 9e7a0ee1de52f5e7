//! Events from outside: a courier's device, a warehouse. They are not events of ours but reports, and each type
//! that is let in stands for one command, which the domain decides on like any other. A source names its events,
//! so one that comes twice is carried out once.

use domain::{Actor, Command, CommandId, Intent, Scope, Token, contract};
use store::{Effect, Receipt, Unit};
use uuid::Uuid;

use crate::{Backend, Caller, ExecuteError, ScopeMissing, TooMany};

/// The types that are let in, and the command that each stands for. Its data is the command's.
pub const TYPES: [(&str, &str); 4] = [
    ("courier.position_reported", "shipment.report_position"),
    ("courier.delivered", "shipment.deliver"),
    ("courier.failed", "shipment.fail"),
    ("warehouse.goods_received", "stock.receive"),
];

/// The longest source, and the longest id, in bytes.
pub const MAX_NAME: usize = 200;

/// An event from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// Who says so.
    pub source: String,
    /// What it is called there.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Its data, as JSON.
    pub data: String,
}

/// Why an event from outside is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A name that names nothing.
    #[error(
        "The event's {0} must have 1 to {MAX_NAME} characters of ASCII, without spaces and control characters."
    )]
    BadName(&'static str),
    /// One of our own types: those come about here and nowhere else.
    #[error("“{0}” is an event of Hubbub itself; nobody brings it in. Let in are {types}.", types = types())]
    OwnType(String),
    /// A type that is not let in.
    #[error("“{0}” is not let in; {types} are.", types = types())]
    UnknownType(String),
    /// Data that the type does not have.
    #[error("The data of “{kind}” does not fit: {why}.")]
    BadData {
        /// The type.
        kind: String,
        /// What is wrong.
        why: String,
    },
    /// Whoever brings it may not.
    #[error("Only the shop's staff, and programs with a token of theirs, bring events in from outside.")]
    NotStaff,
    /// The same source has used the id for something else.
    #[error("This source has sent another event with this id before.")]
    IdReused,
    /// As for any command.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
}

fn types() -> String {
    TYPES.map(|(kind, _)| kind).join(", ")
}

impl From<ScopeMissing> for IngestError {
    fn from(missing: ScopeMissing) -> Self {
        Self::Execute(missing.into())
    }
}

impl From<TooMany> for IngestError {
    fn from(too_many: TooMany) -> Self {
        Self::Execute(too_many.into())
    }
}

impl IngestError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadName(_) => "ingest.bad_name",
            Self::OwnType(_) | Self::UnknownType(_) => "ingest.unknown_type",
            Self::BadData { .. } => "ingest.bad_data",
            Self::NotStaff => "ingest.forbidden",
            Self::IdReused => "ingest.id_reused",
            Self::Execute(error) => error.code(),
        }
    }

    /// The HTTP status that fits.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::BadName(_) | Self::BadData { .. } => 400,
            Self::OwnType(_) | Self::UnknownType(_) => 422,
            Self::NotStaff => 403,
            Self::IdReused => 409,
            Self::Execute(error) => error.status(),
        }
    }

    /// In how many seconds it makes sense to try again, if time is all it needs.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Execute(error) => error.retry_after(),
            _ => None,
        }
    }
}

impl Outside {
    /// The command that it stands for.
    fn command(&self) -> Result<Command, IngestError> {
        for (what, name) in [("source", &self.source), ("id", &self.id)] {
            if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(IngestError::BadName(what));
            }
        }
        let Some((_, intent)) = TYPES.into_iter().find(|(kind, _)| *kind == self.kind) else {
            let kind = self.kind.chars().take(100).collect();
            return Err(match contract::kind(&self.kind) {
                Some(_) => IngestError::OwnType(kind),
                None => IngestError::UnknownType(kind),
            });
        };
        let intent = Intent::parse(intent, &self.data).map_err(|bad| IngestError::BadData {
            kind: self.kind.clone(),
            why: match bad {
                contract::BadCommand::Malformed(why) | contract::BadCommand::Unknown(why) => why,
            },
        })?;
        // Names have no spaces, so these two together are one name.
        let name = format!("{} {}", self.source, self.id);
        let id = CommandId(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()));
        Ok(Command::new(id, Actor::External(self.source.clone()), intent))
    }
}

impl Backend {
    /// Whether the caller may bring events in.
    ///
    /// # Errors
    /// [`IngestError`], if not.
    pub fn may_ingest(&self, caller: &Caller) -> Result<(), IngestError> {
        if caller.user.is_none() {
            return Err(ExecuteError::SignInFirst.into());
        }
        caller.require(Scope::Ingest)?;
        if !self.0.hub.tokens(caller.user).holds(&Token::Staff) {
            return Err(IngestError::NotStaff);
        }
        Ok(())
    }

    /// Takes an event in that somebody brings. One that has come before changes nothing, and is answered alike.
    ///
    /// # Errors
    /// [`IngestError`], with a code and a sentence.
    pub async fn ingest_for(&self, caller: &Caller, event: &Outside) -> Result<Receipt, IngestError> {
        self.may_ingest(caller)?;
        if let Some(user) = caller.user {
            self.0.commands.check(&user)?;
        }
        self.ingest(event).await
    }

    /// Takes an event in, whoever brings it: for what is part of this server.
    ///
    /// # Errors
    /// [`IngestError`], with a code and a sentence.
    pub async fn ingest(&self, event: &Outside) -> Result<Receipt, IngestError> {
        let came_in = Effect::Ingested { source: event.source.clone(), id: event.id.clone() };
        let unit = Unit::from(event.command()?).with(came_in);
        self.0.store.execute(unit).await.map_err(|error| match error.into() {
            ExecuteError::CommandReused => IngestError::IdReused,
            error => error.into(),
        })
    }
}

//! What goes wrong, each with a stable code and a sentence for people. Details that help nobody outside go
//! to the log and not into the sentence.

use domain::{Position, Refusal, RefusalKind, Scope, ServiceName, account, envelope::Undecodable};
use store::{ReadError, UnitError};

use crate::{rates::TooMany, sessions::MAX_TOKEN_DAYS};

/// How long the passwords that wait take about, in seconds.
const BUSY_SECONDS: u64 = 2;

/// The caller's session may not be used for this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("This token may not be used for this: it lacks the scope “{0}”{hint}.", hint = hint(*.0))]
pub struct ScopeMissing(pub Scope);

fn hint(scope: Scope) -> &'static str {
    match scope {
        Scope::Manage => ", which only signing in gives",
        _ => "",
    }
}

impl ScopeMissing {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "account.scope_missing"
    }

    /// The HTTP status that fits.
    #[must_use]
    pub fn status(&self) -> u16 {
        403
    }
}

/// The HTTP status that fits a refusal.
#[must_use]
pub fn status_of(kind: RefusalKind) -> u16 {
    match kind {
        RefusalKind::Invalid => 422,
        RefusalKind::Forbidden => 403,
        RefusalKind::NotFound => 404,
        RefusalKind::Conflict => 409,
    }
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The domain says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Commands are for people who are signed in.
    #[error("Sign in to do this.")]
    SignInFirst,
    /// The caller's token may not be used for this.
    #[error(transparent)]
    Scope(#[from] ScopeMissing),
    /// The caller sends more than a person does.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// An operator speaks to a service that there is not.
    #[error("There is no service {service}. There are {known}.")]
    NoService {
        /// Which.
        service: ServiceName,
        /// Those that there are.
        known: String,
    },
    /// The id was used for another command.
    #[error("This command id was used before, for something else. Use a fresh one.")]
    CommandReused,
    /// The store cannot write now.
    #[error("The log cannot be written right now. Try again: sending the same command twice is safe.")]
    Unavailable,
    /// The server is shutting down.
    #[error("The server is restarting. Try again in a moment: sending the same command twice is safe.")]
    Closed,
}

impl From<UnitError> for ExecuteError {
    fn from(error: UnitError) -> Self {
        match error {
            UnitError::Refused(refusal) => Self::Refused(refusal),
            UnitError::CommandReused => Self::CommandReused,
            // What people send takes no reactor's step.
            UnitError::CheckpointMoved { .. } => Self::Unavailable,
            UnitError::Unavailable(why) => {
                tracing::error!(why, "a command could not be written");
                Self::Unavailable
            }
            UnitError::Closed => Self::Closed,
        }
    }
}

impl ExecuteError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::SignInFirst => "account.sign_in_first",
            Self::Scope(missing) => missing.code(),
            Self::TooMany(too_many) => too_many.code(),
            Self::NoService { .. } => "service.not_found",
            Self::CommandReused => "command.id_reused",
            Self::Unavailable => "store.unavailable",
            Self::Closed => "server.closing",
        }
    }

    /// The HTTP status that fits.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Refused(refusal) => status_of(refusal.kind()),
            Self::SignInFirst => 401,
            Self::Scope(missing) => missing.status(),
            Self::TooMany(too_many) => too_many.status(),
            Self::NoService { .. } => 404,
            Self::CommandReused => 409,
            Self::Unavailable | Self::Closed => 503,
        }
    }

    /// In how many seconds it makes sense to try again, if time is all it needs.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany(too_many) => Some(too_many.retry_after),
            _ => None,
        }
    }
}
/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// It does not exist, or the caller may not know that it does.
    #[error("This is not here, or it is not for you to see.")]
    NotFound,
    /// Only for people who are signed in.
    #[error("Sign in to see this.")]
    SignInFirst,
    /// The log cannot be read now.
    #[error("The log cannot be read right now. Try again in a moment.")]
    Unavailable(#[source] ReadError),
    /// Nothing can have been read up to there yet.
    #[error("The log ends at {head}; {after} is past it. Perhaps it was restored: read it from the start.")]
    PastHead {
        /// What was asked for.
        after: Position,
        /// Where the log ends.
        head: Position,
    },
    /// It did not exist yet then.
    #[error("This was not there yet at that time.")]
    NotYet,
    /// Nobody can have looked at it then.
    #[error("That lies in the future: nothing is known of it yet.")]
    InFuture,
    /// A view that there is not.
    #[error("There is no view “{0}”.")]
    NoView(String),
    /// Neither a position nor an instant.
    #[error("“{0}” is neither a position of the log nor an instant (RFC 3339).")]
    BadInstant(String),
    /// The server is shutting down.
    #[error("The server is restarting. Try again in a moment.")]
    Closed,
    /// The log holds something this build cannot read.
    #[error("The log holds something that this build cannot read.")]
    Undecodable(#[from] Undecodable),
    /// The answer could not be kept or read back.
    #[error("The stored view is damaged.")]
    Damaged(#[from] serde_json::Error),
}

impl From<ReadError> for QueryError {
    fn from(error: ReadError) -> Self {
        tracing::error!(%error, "the log cannot be read");
        Self::Unavailable(error)
    }
}

impl From<hub::HubError> for QueryError {
    fn from(error: hub::HubError) -> Self {
        match error {
            hub::HubError::Closed => Self::Closed,
            hub::HubError::Read(error) => error.into(),
        }
    }
}

impl QueryError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "query.not_found",
            Self::SignInFirst => "account.sign_in_first",
            Self::Unavailable(_) => "store.unavailable",
            Self::PastHead { .. } => "subscription.past_head",
            Self::NotYet => "query.not_yet",
            Self::InFuture => "query.in_future",
            Self::NoView(_) => "query.no_view",
            Self::BadInstant(_) => "query.bad_instant",
            Self::Closed => "server.closing",
            Self::Undecodable(_) | Self::Damaged(_) => "store.unreadable",
        }
    }

    /// The HTTP status that fits.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::NotFound | Self::NotYet | Self::NoView(_) => 404,
            Self::SignInFirst => 401,
            Self::Unavailable(_) | Self::Closed => 503,
            Self::PastHead { .. } | Self::InFuture | Self::BadInstant(_) => 400,
            Self::Undecodable(_) | Self::Damaged(_) => 500,
        }
    }
}

/// Why somebody is not registered or signed in.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Wrong handle or wrong password: never said which.
    #[error("That handle and password do not belong together.")]
    BadCredentials,
    /// The password is too short or too long.
    #[error("A password has 8 to 200 characters.")]
    BadPassword,
    /// The handle has characters or a length that handles do not have.
    #[error("{0}.")]
    BadHandle(#[from] domain::ids::InvalidId),
    /// The token's name is empty, too long or has control characters.
    #[error("A token needs a name of 1 to {} characters, without control characters.", account::MAX_NAME)]
    BadTokenName,
    /// The token may do nothing, or more than a token may.
    #[error("Choose what the token may be used for: read, command, ingest, or several of them.")]
    BadScopes,
    /// The token lasts too short or too long.
    #[error("A token lasts 1 to {MAX_TOKEN_DAYS} days.")]
    BadLifetime,
    /// The person has as many tokens as one may have.
    #[error("You have very many tokens already. Revoke one that is not needed.")]
    TooManyTokens,
    /// The same request has made a token before.
    #[error(
        "This token was made already, and its secret is shown only once. Revoke it and make another one."
    )]
    TokenMade,
    /// More passwords wait to be checked than the server can bear.
    #[error("Very many people are signing in right now. Try again in a moment.")]
    Busy,
    /// As for any command.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// As for any question.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl From<UnitError> for AccountError {
    fn from(error: UnitError) -> Self {
        Self::Execute(error.into())
    }
}

impl From<ReadError> for AccountError {
    fn from(error: ReadError) -> Self {
        Self::Query(error.into())
    }
}

impl From<TooMany> for AccountError {
    fn from(too_many: TooMany) -> Self {
        Self::Execute(too_many.into())
    }
}

impl From<ScopeMissing> for AccountError {
    fn from(missing: ScopeMissing) -> Self {
        Self::Execute(missing.into())
    }
}

impl From<account::Refusal> for AccountError {
    fn from(refusal: account::Refusal) -> Self {
        Self::Execute(Refusal::from(refusal).into())
    }
}

impl AccountError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadCredentials => "account.bad_credentials",
            Self::BadPassword => "account.bad_password",
            Self::BadHandle(_) => "account.bad_handle",
            Self::BadTokenName => "account.bad_token_name",
            Self::BadScopes => "account.bad_scopes",
            Self::BadLifetime => "account.bad_lifetime",
            Self::TooManyTokens => "account.too_many_tokens",
            Self::TokenMade => "account.token_made",
            Self::Busy => "server.busy",
            Self::Execute(error) => error.code(),
            Self::Query(error) => error.code(),
        }
    }

    /// The HTTP status that fits.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::BadCredentials => 401,
            Self::BadPassword
            | Self::BadHandle(_)
            | Self::BadTokenName
            | Self::BadScopes
            | Self::BadLifetime => 422,
            Self::TooManyTokens | Self::TokenMade => 409,
            Self::Busy => 503,
            Self::Execute(error) => error.status(),
            Self::Query(error) => error.status(),
        }
    }

    /// In how many seconds it makes sense to try again, if time is all it needs.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Busy => Some(BUSY_SECONDS),
            Self::Execute(error) => error.retry_after(),
            _ => None,
        }
    }
}

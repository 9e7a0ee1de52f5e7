//! What is read: which events, how many of them, and the rows beside the log.

use domain::{Handle, Pattern, Position, Recorded, Scopes, SessionId, Timestamp, Tokens, UserId};

/// Which events a reader wants. All conditions must hold.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Matched against the subject.
    pub pattern: Pattern,
    /// What the reader holds. `None` shows everything and is for our own reactors and projections.
    pub tokens: Option<Tokens>,
    /// Only these event types.
    pub kinds: Option<Vec<&'static str>>,
    /// Nothing after this position.
    pub before_or_at: Option<Position>,
}

impl Filter {
    /// Every event, whoever it is for. Only for the server's own use.
    #[must_use]
    pub fn everything() -> Self {
        Self { pattern: Pattern::everything(), tokens: None, kinds: None, before_or_at: None }
    }

    /// The same filter, for a pattern.
    #[must_use]
    pub fn matching(self, pattern: Pattern) -> Self {
        Self { pattern, ..self }
    }

    /// The same filter, for some event types only.
    #[must_use]
    pub fn of_kinds(self, kinds: impl IntoIterator<Item = &'static str>) -> Self {
        Self { kinds: Some(kinds.into_iter().collect()), ..self }
    }

    /// The same filter, up to and including a position.
    #[must_use]
    pub fn up_to(self, position: Position) -> Self {
        Self { before_or_at: Some(position), ..self }
    }

    /// Whether an event is wanted: the meaning of a filter. (The database does the same with indexes.)
    #[must_use]
    pub fn admits(&self, event: &Recorded) -> bool {
        let meta = &event.meta;
        self.before_or_at.is_none_or(|last| meta.position <= last)
            && self.kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| *kind == meta.kind))
            && self.tokens.as_ref().is_none_or(|tokens| meta.audience.admits(tokens))
            && self.pattern.matches(&meta.subject)
    }
}

/// What one look at the log has found.
#[derive(Debug, Clone)]
pub struct Page {
    /// The wanted events, in order.
    pub events: Vec<Recorded>,
    /// Everything up to here has been considered, wanted or not: read on from here. The log was read to
    /// its end when this has reached its head (or the filter's own end); an empty page does not say so.
    pub next: Position,
}

/// One committed transaction.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Its events, in order, without a gap to the commit before. Never empty.
    pub events: Vec<Recorded>,
    /// Earlier events, complete, as they are since this commit has redacted them: for everybody who
    /// keeps events in memory.
    pub redactions: Vec<Recorded>,
    /// The last event's position.
    pub head: Position,
}

/// What somebody signs in with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// Who.
    pub user: UserId,
    /// What they sign in with.
    pub handle: Handle,
    /// The PHC string that was given with [`crate::Effect::AddCredential`].
    pub password_hash: String,
}

/// Never shows the hash: this ends up in logs.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("user", &self.user)
            .field("handle", &self.handle)
            .finish_non_exhaustive()
    }
}

/// Somebody who is signed in, or a token of theirs. Check `expires`: a row may outlive its session for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// The session's public name.
    pub session: SessionId,
    /// Who.
    pub user: UserId,
    /// What its owner calls it, if it is a token.
    pub name: Option<String>,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it began.
    pub created: Timestamp,
    /// From this instant on it is over.
    pub expires: Timestamp,
}

/// Why something could not be read (or a snapshot not be kept).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The database does not answer at the moment.
    #[error("{0}")]
    Unavailable(String),
    /// A row holds what this build cannot read.
    #[error("The log holds something that this version of Hubbub cannot read: {0}.")]
    Unreadable(String),
    /// The store has been closed.
    #[error("The server is shutting down.")]
    Closed,
}

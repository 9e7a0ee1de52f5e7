//! The use cases that a screen or an API client can call.
//!
//! | module | holds |
//! |---|---|
//! | [`Backend`] | execute a command, ask for a view, read the log |
//! | `accounts` | register, sign in |
//! | [`named`] | views by their names, now or as they were |
//! | [`ingest`] | events from outside, as commands |
//! | `sessions` | sessions and tokens: who asks, what for, until when |
//! | `passwords` | Argon2id, off the async threads and limited in number |
//! | [`rates`] | how often somebody may do something |
//! | `shop` | the shop, and a customer's cart, orders and wallet |
//! | `views` | views folded on demand from the log, kept warm |
//! | [`demo`] | people, rooms, first words and a shop for demo mode |
//!
//! It knows no HTTP, no cookie and no page.

mod accounts;
pub mod demo;
mod errors;
pub mod ingest;
pub mod named;
mod passwords;
mod queries;
pub mod rates;
mod sessions;
mod shop;
mod views;

use std::sync::{Arc, OnceLock};

use domain::{
    Actor, Command, CommandId, Handle, Intent, Position, Scope, Scopes, ServiceName, SessionId, StreamId,
    Timestamp, Token, UserId, account::Person,
};
use hub::Hub;
use store::{Effect, Receipt, Store, Unit};

pub use errors::{AccountError, ExecuteError, QueryError, ScopeMissing, status_of};
pub use ingest::{IngestError, Outside};
pub use named::At;
pub use queries::LogPage;
pub use rates::{Rate, TooMany};
pub use sessions::{MAX_TOKEN_DAYS, SESSION_DAYS, SignedIn, TokenWish};

/// Who asks: nobody in particular, or a person in a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The person; `None` for a visitor.
    pub user: Option<UserId>,
    /// The session they are signed in with.
    pub session: Option<SessionId>,
    /// When the session ends by itself.
    pub expires: Option<Timestamp>,
    /// What the session may be used for.
    pub scopes: Scopes,
}

/// The handle that pages and routes hold. Cheap to clone.
#[derive(Clone)]
pub struct Backend(Arc<Inner>);

struct Inner {
    store: Store,
    hub: Hub,
    views: views::Views,
    passwords: passwords::Passwords,
    commands: Rate<UserId>,
    sign_ins: Rate<String>,
    /// The services that there are, once that is known.
    services: OnceLock<Vec<ServiceName>>,
}

/// How often one person may do something, in a minute; 0 is without bound.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds {
    /// Commands of one person.
    pub commands: u32,
    /// Attempts to sign in with one handle, whether it exists or not.
    pub sign_ins: u32,
}

impl Backend {
    /// Over an open store and its hub, without bounds.
    #[must_use]
    pub fn new(store: Store, hub: Hub) -> Self {
        Self::bounded(store, hub, Bounds::default())
    }

    /// Over an open store and its hub.
    #[must_use]
    pub fn bounded(store: Store, hub: Hub, bounds: Bounds) -> Self {
        Self(Arc::new(Inner {
            store,
            hub,
            views: views::Views::default(),
            passwords: passwords::Passwords::default(),
            commands: Rate::per_minute("commands", bounds.commands),
            sign_ins: Rate::per_minute("attempts to sign in", bounds.sign_ins),
            services: OnceLock::new(),
        }))
    }

    /// Says which services there are: nobody else can be told to pause. Said once.
    pub fn know_services(&self, services: Vec<ServiceName>) {
        // Who says it again says the same.
        let _ = self.0.services.set(services);
    }

    /// The hub, for transports.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }

    /// Carries a command out for somebody. Answered only when its events are on disk.
    ///
    /// # Errors
    /// [`ExecuteError`], with a code and a sentence.
    pub async fn execute(
        &self,
        caller: &Caller,
        id: CommandId,
        intent: Intent,
        expected_version: Option<u64>,
    ) -> Result<Receipt, ExecuteError> {
        let user = caller.user.ok_or(ExecuteError::SignInFirst)?;
        caller.require(match intent.name().starts_with("account.") {
            true => Scope::Manage,
            false => Scope::Command,
        })?;
        self.0.commands.check(&user)?;
        let spoken_to = match &intent {
            Intent::ServicePause(pause) => Some(&pause.service),
            Intent::ServiceResume(resume) => Some(&resume.service),
            _ => None,
        };
        if let (Some(service), Some(known)) = (spoken_to, self.0.services.get())
            && !known.contains(service)
            && self.0.hub.tokens(caller.user).holds(&Token::Operator)
        {
            return Err(ExecuteError::NoService { service: service.clone(), known: listed(known) });
        }
        self.carry_out(user, id, intent, expected_version).await
    }

    /// Carries a command out for somebody who may send it now.
    pub(crate) async fn carry_out(
        &self,
        user: UserId,
        id: CommandId,
        intent: Intent,
        expected_version: Option<u64>,
    ) -> Result<Receipt, ExecuteError> {
        let mut unit =
            Unit::from(Command { expected_version, ..Command::new(id, Actor::User(user), intent) });
        if let Intent::AccountEndSession(wanted) = &unit.commands[0].intent {
            let session = wanted.session;
            unit = unit.with(Effect::EndSession { session, user });
        }
        Ok(self.0.store.execute(unit).await?)
    }

    /// Who the caller is.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn person(&self, caller: &Caller) -> Result<Option<Person>, QueryError> {
        match caller.user {
            Some(user) => self.person_by_id(user).await,
            None => Ok(None),
        }
    }

    /// Who has this handle.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn person_by_handle(&self, handle: &Handle) -> Result<Option<Person>, QueryError> {
        match self.0.store.credential(handle).await? {
            Some(credential) => self.person_by_id(credential.user).await,
            None => Ok(None),
        }
    }

    async fn person_by_id(&self, user: UserId) -> Result<Option<Person>, QueryError> {
        let events = self.0.store.read_stream(&StreamId::account(user)).await?;
        let mut person = None;
        for recorded in events {
            domain::account::fold_person(&mut person, &recorded.decode()?.event);
        }
        Ok(person)
    }

    /// How long the caller's session lasts yet, in milliseconds; `None` for a visitor.
    #[must_use]
    pub fn remaining_millis(&self, caller: &Caller) -> Option<u64> {
        let expires = caller.expires?;
        Some(u64::try_from(expires.millis() - accounts::now().millis()).unwrap_or(0))
    }

    /// Whether commands can be carried out now.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub async fn writable(&self) -> Result<(), String> {
        self.0.store.writable().await
    }

    /// The last position on disk.
    #[must_use]
    pub fn head(&self) -> Position {
        self.0.store.head()
    }
}

/// Names as a sentence has them.
fn listed(names: &[ServiceName]) -> String {
    names.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ")
}

//! Sessions and tokens. Either is a row in the store, found by the hash of a random secret that only its holder
//! knows. Somebody who has signed in may do everything that is theirs; a token is given to a program, has a
//! name, and may do less. Ending either is one event, at which its open streams end.

use argon2::password_hash::rand_core::{OsRng, RngCore};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{
    Command, CommandId, Scope, Scopes, SessionId, Timestamp, UserId,
    account::{EndSession, MAX_NAME, Session},
    text,
};
use sha2::{Digest, Sha256};
use store::{Effect, SessionRow, Unit};
use uuid::Uuid;

use crate::{
    AccountError, Backend, Caller, QueryError, ScopeMissing,
    accounts::{now, service},
};

/// How long somebody stays signed in, in days.
pub const SESSION_DAYS: i64 = 30;

/// The longest a token may last, in days.
pub const MAX_TOKEN_DAYS: u32 = 366;

/// What each secret begins with, so that people and scanners of secrets know it when they see it, and so that none
/// begins with a `-`, which a command line takes for an option.
const PREFIX: &str = "hubbub_";

/// The most tokens of one person.
const MAX_TOKENS: usize = 50;

/// A fresh session or token.
#[derive(Debug)]
pub struct SignedIn {
    /// Who, in which session.
    pub caller: Caller,
    /// The secret to give to the person's browser or program and to nobody else.
    pub token: String,
    /// When it ends by itself.
    pub expires: Timestamp,
}

/// What a token shall be.
#[derive(Debug, Clone)]
pub struct TokenWish {
    /// What its owner calls it: 1 to 40 characters.
    pub name: String,
    /// What it may be used for; not to manage anything.
    pub scopes: Scopes,
    /// For how many days, from 1 to [`MAX_TOKEN_DAYS`].
    pub days: u32,
}

impl Caller {
    /// Whether the caller's session may be used for this. That the caller is a person at all, and what is
    /// theirs, is another question.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// Refuses if the caller's session may not be used for this.
    ///
    /// # Errors
    /// [`ScopeMissing`]
    pub fn require(&self, scope: Scope) -> Result<(), ScopeMissing> {
        if self.may(scope) { Ok(()) } else { Err(ScopeMissing(scope)) }
    }

    /// The person, if they have signed in themselves: no token manages an account.
    fn managing(&self) -> Result<UserId, AccountError> {
        let user = self.user.ok_or(QueryError::SignInFirst)?;
        self.require(Scope::Manage)?;
        Ok(user)
    }
}

fn hashed(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl Backend {
    pub(crate) async fn start_session(&self, user: UserId) -> Result<SignedIn, AccountError> {
        self.start(SessionId(Uuid::now_v7()), user, None, Scopes::ALL, SESSION_DAYS).await
    }

    async fn start(
        &self,
        session: SessionId,
        user: UserId,
        name: Option<String>,
        scopes: Scopes,
        days: i64,
    ) -> Result<SignedIn, AccountError> {
        let mut secret = [0; 32];
        OsRng.fill_bytes(&mut secret);
        let token = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(secret));
        let expires = now().plus_millis(days * 24 * 3_600 * 1_000);
        let token_hash = hashed(&token);
        let effect = Effect::StartSession { session, user, token_hash, name, scopes, expires };
        self.0.store.execute(Unit::default().with(effect)).await?;
        let caller = Caller { user: Some(user), session: Some(session), expires: Some(expires), scopes };
        Ok(SignedIn { caller, token, expires })
    }

    /// Whose session a token belongs to; a visitor if it is unknown, ended or expired.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn authenticate(&self, token: &str) -> Result<Caller, QueryError> {
        let row = self.0.store.session(&hashed(token)).await?;
        Ok(row
            .filter(|row| row.expires > now())
            .map(|row| Caller {
                user: Some(row.user),
                session: Some(row.session),
                expires: Some(row.expires),
                scopes: row.scopes,
            })
            .unwrap_or_default())
    }

    /// Ends the caller's session; its open streams end with it.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), AccountError> {
        match (caller.user, caller.session) {
            (Some(user), Some(session)) => self.end(user, session).await,
            _ => Ok(()),
        }
    }

    async fn end(&self, user: UserId, session: SessionId) -> Result<(), AccountError> {
        let id = CommandId(Uuid::new_v5(&session.0, b"sign-out"));
        let unit = Unit::from(Command::new(id, service(), EndSession { user, session }))
            .with(Effect::EndSession { session, user });
        self.0.store.execute(unit).await?;
        Ok(())
    }

    /// Gives the caller a token. `id` is the caller's idempotency key.
    ///
    /// # Errors
    /// [`AccountError`]; [`AccountError::TokenMade`] if the same was asked before, since the secret is said
    /// only once.
    pub async fn give_token(
        &self,
        caller: &Caller,
        id: CommandId,
        wish: TokenWish,
    ) -> Result<SignedIn, AccountError> {
        self.make_token(id, caller.managing()?, wish).await
    }

    /// Makes a token for somebody, for the command line.
    ///
    /// # Errors
    /// As [`Backend::give_token`].
    pub async fn make_token(
        &self,
        id: CommandId,
        user: UserId,
        wish: TokenWish,
    ) -> Result<SignedIn, AccountError> {
        let name = text::line(&wish.name, MAX_NAME).map_err(|_| AccountError::BadTokenName)?;
        if wish.scopes == Scopes::NONE || wish.scopes.contains(Scope::Manage) {
            return Err(AccountError::BadScopes);
        }
        if !(1..=MAX_TOKEN_DAYS).contains(&wish.days) {
            return Err(AccountError::BadLifetime);
        }
        let tokens = self.sessions_of(user).await?.into_iter().filter(|session| session.name.is_some());
        if tokens.count() >= MAX_TOKENS {
            return Err(AccountError::TooManyTokens);
        }
        let session = SessionId(Uuid::new_v5(&id.0, format!("token {user}").as_bytes()));
        let made = self.start(session, user, Some(name), wish.scopes, i64::from(wish.days)).await?;
        // Nothing is written over a token that is there already; then this secret is nobody's.
        match self.0.store.session(&hashed(&made.token)).await? {
            Some(_) => Ok(made),
            None => Err(AccountError::TokenMade),
        }
    }

    /// The caller's sessions and tokens that have not ended, oldest first.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<Session>, AccountError> {
        let mut sessions = self.sessions_of(caller.managing()?).await?;
        for session in &mut sessions {
            session.current = caller.session == Some(session.id);
        }
        Ok(sessions)
    }

    /// Somebody's sessions and tokens that have not ended, oldest first, for the command line.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<Session>, AccountError> {
        let rows = self.0.store.sessions_of(user).await?;
        let now = now();
        let session = |row: SessionRow| Session {
            id: row.session,
            name: row.name,
            scopes: row.scopes,
            created: row.created,
            expires: row.expires,
            current: false,
        };
        Ok(rows.into_iter().filter(|row| row.expires > now).map(session).collect())
    }

    /// Ends one of the caller's sessions or tokens; its open streams end with it.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] if the caller has no such session.
    pub async fn end_session(&self, caller: &Caller, session: SessionId) -> Result<(), AccountError> {
        let user = caller.managing()?;
        match self.0.store.session_by_id(session).await? {
            Some(row) if row.user == user => self.end(user, session).await,
            _ => Err(QueryError::NotFound.into()),
        }
    }

    /// Ends anybody's session or token, for the command line. Says what it was.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] if there is none.
    pub async fn revoke(&self, session: SessionId) -> Result<SessionRow, AccountError> {
        let row = self.0.store.session_by_id(session).await?.ok_or(QueryError::NotFound)?;
        self.end(row.user, session).await?;
        Ok(row)
    }
}

//! Register and sign in.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::{
    Actor, Command, CommandId, Handle, Timestamp, UserId,
    account::{Register, Role},
    text,
};
use store::{Effect, Receipt, Unit};
use uuid::Uuid;

use crate::{AccountError, Backend, ExecuteError, QueryError, SignedIn};

/// What is longer than any handle need not be remembered whole.
const MAX_COUNTED: usize = 32;

pub(crate) fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

pub(crate) fn service() -> Actor {
    Actor::Service("accounts".into())
}

impl Backend {
    /// Opens an account and signs it in.
    ///
    /// `id` is the caller's idempotency key. If the handle is taken and the password fits, this signs in: it
    /// is the same request again, or as good as.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn register(
        &self,
        id: CommandId,
        handle: &str,
        name: &str,
        password: String,
    ) -> Result<SignedIn, AccountError> {
        let handle = Handle::new(handle.trim())?;
        // Checked before the costly hash; decided by the domain all the same.
        text::clean(name, domain::account::MAX_NAME).map_err(domain::account::Refusal::from)?;
        if !(8..=200).contains(&password.chars().count()) {
            return Err(AccountError::BadPassword);
        }
        // The same request again is the same person.
        let user = UserId(Uuid::new_v5(&id.0, b"user"));
        let created =
            self.create(id, user, handle.clone(), name.to_owned(), Role::Customer, password.clone());
        match created.await {
            Ok(receipt) if !receipt.repeated => self.start_session(user).await,
            // Somebody was there first, perhaps this very request a moment ago: the password tells.
            Ok(_) | Err(AccountError::Execute(ExecuteError::Refused(_) | ExecuteError::CommandReused)) => {
                match self.sign_in(handle.as_str(), password).await {
                    Err(AccountError::BadCredentials) => {
                        Err(domain::account::Refusal::HandleTaken { handle }.into())
                    }
                    other => other,
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Creates an account in any role, for the command line and demo data.
    ///
    /// # Errors
    /// [`AccountError`]
    pub async fn create(
        &self,
        id: CommandId,
        user: UserId,
        handle: Handle,
        name: String,
        role: Role,
        password: String,
    ) -> Result<Receipt, AccountError> {
        let password_hash = self.0.passwords.hash(password).await?;
        let register = Register { user, handle: handle.clone(), name, role };
        let unit = Unit::from(Command::new(id, service(), register)).with(Effect::AddCredential {
            user,
            handle,
            password_hash,
        });
        Ok(self.0.store.execute(unit).await?)
    }

    /// Signs somebody in.
    ///
    /// # Errors
    /// [`AccountError::BadCredentials`], whichever of the two is wrong; [`TooMany`](crate::TooMany) however
    /// the attempts before went, and whether the handle exists or not.
    pub async fn sign_in(&self, handle: &str, password: String) -> Result<SignedIn, AccountError> {
        let handle: String = handle.trim().trim_start_matches('@').to_lowercase();
        self.0.sign_ins.check(&handle.chars().take(MAX_COUNTED).collect())?;
        let credential = match Handle::new(handle) {
            Ok(handle) => self.0.store.credential(&handle).await?,
            Err(_) => None,
        };
        if password.len() > 1_000 {
            return Err(AccountError::BadCredentials);
        }
        let stored = credential.as_ref().map(|credential| credential.password_hash.clone());
        match credential {
            _ if !self.0.passwords.fits(password, stored).await? => Err(AccountError::BadCredentials),
            Some(credential) => self.start_session(credential.user).await,
            None => Err(AccountError::BadCredentials),
        }
    }

    /// Signs a persona in without a password. The server calls this in demo mode only, for demo people only.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] if there is no such person.
    pub async fn enter(&self, handle: &Handle) -> Result<SignedIn, AccountError> {
        let credential = self.0.store.credential(handle).await?;
        // Somebody real may have taken the handle before demo mode was turned on.
        let persona = credential.filter(|credential| crate::demo::is_persona(credential.user));
        self.start_session(persona.ok_or(QueryError::NotFound)?.user).await
    }
}

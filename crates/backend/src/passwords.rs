//! Argon2id with the parameters of the OWASP Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane; the
//! crate's defaults), off the async threads and limited in number, so that a flood of sign-ins costs
//! neither latency nor memory elsewhere.

use std::sync::{Arc, OnceLock};

use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{SaltString, rand_core::OsRng},
};
use tokio::sync::Semaphore;

use crate::AccountError;

/// How many hashes may be computed at once.
const AT_ONCE: usize = 2;

/// How many more may wait for their turn. It takes a second or two until they have had it.
const WAITING: usize = 64;

pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    places: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)), places: Semaphore::new(AT_ONCE + WAITING) }
    }
}

/// Too many wait already.
#[derive(Debug)]
pub(crate) struct Busy;

impl From<Busy> for AccountError {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl Passwords {
    /// The hash to store for a password.
    pub(crate) async fn hash(&self, password: String) -> Result<String, Busy> {
        self.work(move || hash(&password)).await
    }

    /// Whether the password fits the stored hash. Without one the same work is done for nothing, so that the
    /// time does not tell whether the handle exists.
    pub(crate) async fn fits(&self, password: String, stored: Option<String>) -> Result<bool, Busy> {
        self.work(move || {
            let known = stored.is_some();
            let against = stored.unwrap_or_else(|| nobodys().to_owned());
            let fits = PasswordHash::new(&against)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
            fits && known
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let _place = self.places.try_acquire().map_err(|_| Busy)?;
        let permit = self.permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        let worked = tokio::task::spawn_blocking(move || {
            let _held = permit;
            work()
        });
        Ok(worked.await.expect("hashing does not panic"))
    }
}

fn hash(password: &str) -> String {
    Argon2::default()
        .hash_password(password.as_bytes(), &SaltString::generate(&mut OsRng))
        .expect("the parameters are the crate's own and the salt is well-formed")
        .to_string()
}

fn nobodys() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| hash("nobody has this password"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn as_many_as_there_are_places_wait_and_the_next_is_told_that_it_is_busy() {
        let passwords = Arc::new(Passwords::default());
        let held = passwords.permits.clone().acquire_many_owned(AT_ONCE as u32).await.unwrap();
        let waiting: Vec<_> = (0..AT_ONCE + WAITING)
            .map(|nth| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.work(move || nth).await })
            })
            .collect();
        while passwords.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(passwords.work(|| ()).await.is_err());
        drop(held);
        for (nth, waiter) in waiting.into_iter().enumerate() {
            assert_eq!(waiter.await.unwrap().unwrap(), nth);
        }
        assert!(passwords.work(|| ()).await.is_ok());
    }
}

//! Argon2id with the parameters of the OWASP Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane; the
//! crate's defaults), off the async threads and limited in number, so that a flood of sign-ins costs
//! neither latency nor memory elsewhere.

use std::sync::{Arc, OnceLock};

use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{SaltString, rand_core::OsRng},
};
use tokio::sync::Semaphore;

/// How many hashes may be computed at once.
const AT_ONCE: usize = 2;

pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Passwords {
    /// The hash to store for a password.
    pub(crate) async fn hash(&self, password: String) -> String {
        self.work(move || hash(&password)).await
    }

    /// Whether the password fits the stored hash. Without one the same work is done for nothing, so that the
    /// time does not tell whether the handle exists.
    pub(crate) async fn fits(&self, password: String, stored: Option<String>) -> bool {
        self.work(move || {
            let known = stored.is_some();
            let against = stored.unwrap_or_else(|| nobodys().to_owned());
            let fits = PasswordHash::new(&against)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
            fits && known
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let permit = self.permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        tokio::task::spawn_blocking(move || {
            let _held = permit;
            work()
        })
        .await
        .expect("hashing does not panic")
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

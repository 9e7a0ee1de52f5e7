//! Sessions that were looked up, in memory: every request of somebody who is signed in begins with one.
//!
//! Here as in the database: whoever asks after a session's end was committed is not told of it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::read::SessionRow;

/// At most so many are held; then all are forgotten, and looked up again as they are needed.
const HELD: usize = 10_000;

/// See the module. Found by the hash of the secret. What is not there is not remembered, so guessing fills nothing.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    rows: HashMap<[u8; 32], SessionRow>,
    /// How often all were forgotten.
    forgotten: u64,
}

/// What a look at the database is worth: nothing, if sessions have changed since.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Since(u64);

impl Sessions {
    /// A session; or, if it has to be looked up, since when what is found counts.
    pub(crate) fn find(&self, token_hash: &[u8; 32]) -> Result<SessionRow, Since> {
        let held = self.held();
        held.rows.get(token_hash).cloned().ok_or(Since(held.forgotten))
    }

    /// Takes in what was found.
    pub(crate) fn take_in(&self, since: Since, token_hash: [u8; 32], row: SessionRow) {
        let mut held = self.held();
        if held.forgotten != since.0 {
            return;
        }
        if held.rows.len() >= HELD {
            held.rows.clear();
        }
        held.rows.insert(token_hash, row);
    }

    /// Sessions have changed, or may have.
    pub(crate) fn forget(&self) {
        let mut held = self.held();
        held.rows.clear();
        held.forgotten += 1;
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use domain::{Scopes, SessionId, Timestamp, UserId};
    use uuid::Uuid;

    use super::*;

    fn row() -> SessionRow {
        SessionRow {
            session: SessionId(Uuid::from_u128(1)),
            user: UserId(Uuid::from_u128(2)),
            name: None,
            scopes: Scopes::ALL,
            created: Timestamp::from_millis(0),
            expires: Timestamp::from_millis(1),
        }
    }

    #[test]
    fn what_was_found_before_sessions_changed_is_not_taken_in_after() {
        let sessions = Sessions::default();
        let before = sessions.find(&[7; 32]).unwrap_err();
        sessions.forget();
        sessions.take_in(before, [7; 32], row());
        let now = sessions.find(&[7; 32]).unwrap_err();
        sessions.take_in(now, [7; 32], row());
        assert_eq!(sessions.find(&[7; 32]).unwrap(), row());
        sessions.forget();
        assert!(sessions.find(&[7; 32]).is_err());
    }

    #[test]
    fn so_many_are_held() {
        let sessions = Sessions::default();
        for nth in 0..=HELD as u64 {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&nth.to_le_bytes());
            let since = sessions.find(&hash).unwrap_err();
            sessions.take_in(since, hash, row());
        }
        assert_eq!(sessions.held().rows.len(), 1);
    }
}

//! How often somebody may do something: so many times at once, and again as a minute gives back as many. Who
//! has not come for a minute is forgotten, so that memory follows the number of those who come.

use std::{
    fmt,
    hash::Hash,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};

/// After so many questions, those who have not come for long are forgotten.
const SWEEP_EVERY: u32 = 1_024;

/// Somebody has come too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Too many {what} in a short time. Try again in {}.", seconds(*.retry_after))]
pub struct TooMany {
    /// What there were too many of.
    pub what: &'static str,
    /// In how many seconds it makes sense to try again; at least one.
    pub retry_after: u64,
}

fn seconds(count: u64) -> String {
    if count == 1 { "a second".to_owned() } else { format!("{count} seconds") }
}

impl TooMany {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "request.too_many"
    }

    /// The HTTP status that fits.
    #[must_use]
    pub fn status(&self) -> u16 {
        429
    }
}

/// A bound on how often each `K` comes.
pub struct Rate<K: Clone + Eq + Hash> {
    what: &'static str,
    limiter: Option<DefaultKeyedRateLimiter<K>>,
    asked: AtomicU32,
}

impl<K: Clone + Eq + Hash> Rate<K> {
    /// So many of `what` a minute; 0 is without bound.
    #[must_use]
    pub fn per_minute(what: &'static str, most: u32) -> Self {
        let limiter =
            NonZeroU32::new(most).map(|most| DefaultKeyedRateLimiter::keyed(Quota::per_minute(most)));
        Self { what, limiter, asked: AtomicU32::new(0) }
    }

    /// Counts one more of this key.
    ///
    /// # Errors
    /// [`TooMany`]; then it is not counted.
    pub fn check(&self, key: &K) -> Result<(), TooMany> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            limiter.retain_recent();
        }
        limiter.check_key(key).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            TooMany { what: self.what, retry_after: wait.as_secs_f64().ceil().max(1.0) as u64 }
        })
    }
}

impl<K: Clone + Eq + Hash> fmt::Debug for Rate<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rate").field("what", &self.what).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_count_and_is_told_when_to_come_again() {
        let rate = Rate::per_minute("visits", 2);
        for key in ["a", "b"] {
            assert_eq!((rate.check(&key), rate.check(&key)), (Ok(()), Ok(())));
            let refused = rate.check(&key).unwrap_err();
            // Half a minute gives one back.
            assert!((1..=30).contains(&refused.retry_after), "{refused:?}");
            assert!(refused.to_string().starts_with("Too many visits in a short time. Try again in "));
        }
        assert_eq!(rate.check(&"c"), Ok(()));
    }

    #[test]
    fn without_a_bound_nothing_is_counted() {
        let rate = Rate::per_minute("visits", 0);
        assert!((0..10_000).all(|_| rate.check(&"a").is_ok()));
    }

    #[test]
    fn those_who_come_once_are_forgotten() {
        // At this rate a key is as good as new after 60 nanoseconds.
        let rate = Rate::per_minute("visits", 1_000_000_000);
        assert!((0..20 * SWEEP_EVERY).all(|key| rate.check(&key).is_ok()));
        let kept = rate.limiter.as_ref().unwrap().len();
        assert!(kept <= 2 * SWEEP_EVERY as usize, "{kept} are remembered");
    }
}

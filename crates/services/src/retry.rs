//! How long to wait before trying again.

use std::time::Duration;

use crate::reactor::Failure;

/// Exponential back-off with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The first wait.
    pub base: Duration,
    /// No wait is longer.
    pub cap: Duration,
    /// After so many attempts an event is put aside.
    pub attempts: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self { base: Duration::from_millis(100), cap: Duration::from_secs(30), attempts: 8 }
    }
}

impl Retry {
    /// The wait before the attempt after so many waits. `chance` is from 0 to 1: half of the wait is left to
    /// it, so that those who failed together do not try again together.
    #[must_use]
    pub fn delay(&self, waits: u32, chance: f64) -> Duration {
        let doubled = self.base.saturating_mul(2_u32.saturating_pow(waits)).min(self.cap);
        doubled.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }
}

/// How often one event has been tried.
#[derive(Debug)]
pub(crate) struct Patience {
    retry: Retry,
    /// Attempts that say something against the event.
    pub(crate) attempts: u32,
    waits: u32,
}

/// What comes after a failed attempt.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// Another attempt after a while.
    Wait(Duration, String),
    /// The event is put aside.
    GiveUp(String),
}

impl Patience {
    pub(crate) fn new(retry: Retry) -> Self {
        Self { retry, attempts: 0, waits: 0 }
    }

    /// Takes a failed attempt in.
    pub(crate) fn after(&mut self, failure: Failure) -> Next {
        let error = match failure {
            Failure::Pause(error) => error,
            Failure::Poison(error) => {
                self.attempts += 1;
                return Next::GiveUp(error);
            }
            Failure::Transient(error) => {
                self.attempts += 1;
                if self.attempts >= self.retry.attempts {
                    return Next::GiveUp(error);
                }
                error
            }
        };
        let delay = self.retry.delay(self.waits, fastrand::f64());
        self.waits = self.waits.saturating_add(1);
        Next::Wait(delay, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_chance_takes_up_to_half_off() {
        let retry = Retry::default();
        let longest: Vec<u64> =
            (0..12).map(|waits| retry.delay(waits, 1.0).as_millis().try_into().unwrap_or(u64::MAX)).collect();
        let expected = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000];
        assert_eq!(longest, expected);
        assert_eq!(retry.delay(0, 0.0), Duration::from_millis(50));
        assert_eq!(retry.delay(u32::MAX, 0.0), Duration::from_secs(15));
    }

    #[test]
    fn patience_ends_with_the_last_attempt_or_with_poison_but_not_with_pauses() {
        let mut patience = Patience::new(Retry { attempts: 3, ..Retry::default() });
        let transient = || Failure::Transient("no luck".into());
        for _ in 0..50 {
            assert!(matches!(patience.after(Failure::Pause("down".into())), Next::Wait(..)));
        }
        assert_eq!(patience.attempts, 0);
        assert!(matches!(patience.after(transient()), Next::Wait(..)));
        assert!(matches!(patience.after(transient()), Next::Wait(..)));
        assert_eq!(patience.after(transient()), Next::GiveUp("no luck".into()));
        let mut patience = Patience::new(Retry::default());
        assert_eq!(patience.after(Failure::Poison("bad".into())), Next::GiveUp("bad".into()));
        assert_eq!(patience.attempts, 1);
    }
}

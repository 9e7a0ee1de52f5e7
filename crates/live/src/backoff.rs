//! When to try again: exponential, with full jitter, capped, so that a thousand pages do not come back at
//! once (Brooker, "Exponential Backoff and Jitter").

/// Counts failures and draws waits. The generator is `splitmix64`: nothing here needs secrecy.
#[derive(Debug)]
pub(crate) struct Backoff {
    state: u64,
    base_ms: u64,
    cap_ms: u64,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(seed: u64, base_ms: u64, cap_ms: u64) -> Self {
        Self { state: seed, base_ms, cap_ms, failures: 0 }
    }

    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after one more failure: anything from nothing to the doubled base.
    pub(crate) fn after_failure(&mut self) -> u64 {
        let factor = 1u64.checked_shl(self.failures).unwrap_or(u64::MAX);
        self.failures = self.failures.saturating_add(1);
        self.share_of(self.base_ms.saturating_mul(factor).min(self.cap_ms))
    }

    /// A random share: 0 to `most`, both included.
    pub(crate) fn share_of(&mut self, most: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.state;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^= x >> 31;
        most.checked_add(1).map_or(x, |choices| x % choices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_doubles_up_to_the_cap_and_a_reset_begins_again() {
        let longest = |failures: usize| {
            (0..200u64)
                .map(|seed| {
                    let mut backoff = Backoff::new(seed, 250, 30_000);
                    (0..failures).map(|_| backoff.after_failure()).last().unwrap()
                })
                .max()
                .unwrap()
        };
        for (failures, most) in [(1, 250), (2, 500), (5, 4_000), (8, 30_000), (100, 30_000)] {
            let longest = longest(failures);
            assert!(longest <= most && longest > most * 9 / 10, "{failures} failures: {longest} of {most}");
        }
        let mut backoff = Backoff::new(1, 250, 30_000);
        for _ in 0..50 {
            backoff.after_failure();
        }
        backoff.reset();
        assert!(backoff.after_failure() <= 250);
    }

    #[test]
    fn the_jitter_is_full() {
        let mut backoff = Backoff::new(7, 250, 30_000);
        let shares: Vec<u64> = (0..2_000).map(|_| backoff.share_of(9)).collect();
        assert!((0..=9).all(|share| shares.contains(&share)));
        assert!(shares.iter().all(|share| *share <= 9));
        assert_eq!(backoff.share_of(0), 0);
        backoff.share_of(u64::MAX);
    }
}

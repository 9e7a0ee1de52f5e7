//! Faults on purpose, to show and to test what happens then. There are none unless somebody asks for them, and
//! they do not outlast the process.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// A service is slowed down by no more than this for each step, so that it never looks as if it hung.
pub const SLOWEST: Duration = Duration::from_secs(5);

/// What shall go wrong. All clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    payments: AtomicU32,
    slow: Mutex<BTreeMap<String, Duration>>,
}

impl Faults {
    /// Declines the next payments, whatever the wallets hold.
    pub fn fail_payments(&self, next: u32) {
        self.0.payments.store(next, Ordering::Relaxed);
    }

    /// How many payments will still be declined.
    #[must_use]
    pub fn failing_payments(&self) -> u32 {
        self.0.payments.load(Ordering::Relaxed)
    }

    /// Makes a service take so much longer for each step of an order, [`SLOWEST`] at most; no longer, with zero.
    pub fn slow_down(&self, service: &str, by: Duration) {
        let mut slow = self.slow();
        match by.is_zero() {
            true => slow.remove(service),
            false => slow.insert(service.to_owned(), by.min(SLOWEST)),
        };
    }

    /// By how much each service is slowed down that is.
    #[must_use]
    pub fn slowed_down(&self) -> BTreeMap<String, Duration> {
        self.slow().clone()
    }

    /// Whether this payment is one of those that shall fail. A handling that is repeated asks again.
    pub(crate) fn fails_payment(&self) -> bool {
        let one_less = |left: u32| left.checked_sub(1);
        self.0.payments.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }

    /// Takes as much longer as the service shall take.
    pub(crate) async fn drag(&self, service: &str) {
        let by = self.slow().get(service).copied();
        if let Some(by) = by {
            tokio::time::sleep(by).await;
        }
    }

    fn slow(&self) -> MutexGuard<'_, BTreeMap<String, Duration>> {
        self.0.slow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_payments_fail_and_no_more() {
        let faults = Faults::default();
        assert!(!faults.fails_payment());
        faults.clone().fail_payments(2);
        assert_eq!([(); 3].map(|()| faults.fails_payment()), [true, true, false]);
        assert_eq!(faults.failing_payments(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_is_slowed_down_within_bounds_until_it_is_not() {
        let faults = Faults::default();
        faults.slow_down("payment", Duration::from_secs(3_600));
        assert_eq!(faults.slowed_down(), BTreeMap::from([("payment".to_owned(), SLOWEST)]));
        let before = tokio::time::Instant::now();
        faults.drag("inventory").await;
        assert_eq!(before.elapsed(), Duration::ZERO);
        faults.drag("payment").await;
        assert!(before.elapsed() >= SLOWEST);
        faults.slow_down("payment", Duration::ZERO);
        assert!(faults.slowed_down().is_empty());
    }
}

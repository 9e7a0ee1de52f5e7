//! Lanes for those who are late. A connection reads on when it has one, and has it until what it read was tried on
//! its line; then the lane rests. So however many are late, they are few among those who are not, and while somebody
//! writes they take no more than their share of the processor.
//!
//! Why a rest, and not a lower priority: the runtime has one queue for all tasks and no priorities.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{sleep, timeout},
};

/// For each unit of time that a lane was used it rests so many, while somebody writes.
const REST: u32 = 12;

/// Somebody writes if something was published within this time.
const WRITES: Duration = Duration::from_millis(100);

/// A line that has not taken what was read within this time is full. Its lane is for others then.
const FULL: Duration = Duration::from_millis(5);

/// See the module.
pub(crate) struct Lanes {
    free: Arc<Semaphore>,
    published: Arc<Published>,
}

/// When something was published last.
struct Published {
    began: Instant,
    /// In milliseconds after `began`, and one more; 0 for never.
    last: AtomicU64,
}

impl Published {
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_recent(&self) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        last > 0 && u128::from(self.now().saturating_sub(last)) < WRITES.as_millis()
    }
}

/// The right to read on.
pub(crate) struct Lane {
    place: OwnedSemaphorePermit,
    published: Arc<Published>,
    taken: Instant,
}

/// What was read on a lane is being written. Dropped when that is done.
pub(crate) struct Writing {
    _over: oneshot::Sender<()>,
}

impl Lanes {
    pub(crate) fn new(count: usize) -> Self {
        let published = Published { began: Instant::now(), last: AtomicU64::new(0) };
        Self { free: Arc::new(Semaphore::new(count)), published: Arc::new(published) }
    }

    /// Something was published just now.
    pub(crate) fn published(&self) {
        self.published.last.store(self.published.now() + 1, Ordering::Relaxed);
    }

    /// Waits for a lane. They are given in the order in which they were asked for.
    pub(crate) async fn take(&self) -> Lane {
        let place = self.free.clone().acquire_owned().await;
        self.lane(place.expect("nobody closes it"))
    }

    /// A lane that nobody wants, if there is one.
    pub(crate) fn try_take(&self) -> Option<Lane> {
        self.free.clone().try_acquire_owned().ok().map(|place| self.lane(place))
    }

    fn lane(&self, place: OwnedSemaphorePermit) -> Lane {
        Lane { place, published: self.published.clone(), taken: Instant::now() }
    }
}

impl Lane {
    /// Keeps the lane until what was read has been written, or is not taken, and then for its rest.
    pub(crate) fn write(self) -> Writing {
        let (over, written) = oneshot::channel();
        let read = self.taken.elapsed();
        tokio::spawn(async move {
            let used = match timeout(FULL, written).await {
                Ok(_) => self.taken.elapsed(),
                // To wait for a line is no work.
                Err(_) => read,
            };
            if self.published.is_recent() {
                sleep(used * REST).await;
            }
            drop(self.place);
        });
        Writing { _over: over }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_lane_is_free_once_it_was_written_or_its_line_is_full() {
        let lanes = Lanes::new(1);
        let first = lanes.take().await;
        assert!(lanes.take().now_or_never().is_none(), "there is one");
        let writing = first.write();
        assert!(lanes.take().now_or_never().is_none(), "it is still being written");
        drop(writing);
        let second = lanes.take().await;
        let began = Instant::now();
        let _not_taken = second.write();
        lanes.take().await;
        assert!(began.elapsed() >= FULL, "a line that is full holds up nobody for longer");
    }

    #[tokio::test]
    async fn a_lane_rests_while_somebody_writes() {
        let lanes = Lanes::new(1);
        lanes.published();
        let lane = lanes.take().await;
        let used = Duration::from_millis(2);
        while lane.taken.elapsed() < used {
            std::hint::spin_loop();
        }
        let began = Instant::now();
        drop(lane.write());
        lanes.take().await;
        assert!(began.elapsed() >= used * REST);
    }
}

//! How often a client may do something.

/// A token bucket. Counted in thousandths, so that no time is lost.
#[derive(Debug)]
pub(super) struct Bucket {
    per_s: u64,
    most: u64,
    level: u64,
    filled: u64,
    empty: bool,
}

pub(super) enum Taken {
    Yes,
    /// `first`: since the last one that was taken.
    No {
        first: bool,
    },
}

impl Bucket {
    /// So often a second, and as often at once, or `at_once` if that is more.
    pub(super) fn full(per_s: u32, at_once: usize, now: u64) -> Self {
        let per_s = u64::from(per_s);
        let most = per_s.max(at_once as u64).saturating_mul(1000);
        Self { per_s, most, level: most, filled: now, empty: false }
    }

    pub(super) fn take(&mut self, now: u64) -> Taken {
        let gained = now.saturating_sub(self.filled).saturating_mul(self.per_s);
        self.level = self.level.saturating_add(gained).min(self.most);
        self.filled = self.filled.max(now);
        if self.level >= 1000 {
            self.level -= 1000;
            self.empty = false;
            Taken::Yes
        } else {
            Taken::No { first: !std::mem::replace(&mut self.empty, true) }
        }
    }
}

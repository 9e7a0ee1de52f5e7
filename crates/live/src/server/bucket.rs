//! How many signals a client may send.

/// A token bucket that holds one second's worth. Counted in thousandths, so that no time is lost.
#[derive(Debug)]
pub(super) struct Bucket {
    per_s: u64,
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
    pub(super) fn full(per_s: u32, now: u64) -> Self {
        let per_s = u64::from(per_s);
        Self { per_s, level: per_s * 1000, filled: now, empty: false }
    }

    pub(super) fn take(&mut self, now: u64) -> Taken {
        let gained = now.saturating_sub(self.filled).saturating_mul(self.per_s);
        self.level = self.level.saturating_add(gained).min(self.per_s * 1000);
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

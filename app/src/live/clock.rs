//! The time that has passed in this page.

/// Adds up what has passed, by two clocks of which neither tells the truth alone: the steady one may stand still
/// while the device sleeps, and the one on the wall is set. A wall clock that is set forward looks like a
/// sleep, which does no harm: the line is tried.
#[derive(Debug, Default)]
pub(super) struct Clock {
    steady: f64,
    wall: f64,
    passed: f64,
}

impl Clock {
    /// Milliseconds that never go back and never stand still, from both clocks' milliseconds.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it never goes back")]
    pub(super) fn now(&mut self, steady: f64, wall: f64) -> u64 {
        self.passed += (steady - self.steady).max(wall - self.wall).max(0.0);
        (self.steady, self.wall) = (steady, wall);
        self.passed as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_whatever_is_done_to_the_clock_on_the_wall() {
        let mut clock = Clock::default();
        let at = clock.now(100.0, 1_000_000.0);
        assert_eq!(clock.now(150.0, 1_000_050.0), at + 50);
        assert_eq!(clock.now(200.0, 400_000.0), at + 100, "set back");
        assert_eq!(clock.now(250.0, 400_050.0), at + 150, "and it goes on at once");
        assert_eq!(clock.now(260.0, 460_050.0), at + 60_150, "asleep for a minute");
    }
}

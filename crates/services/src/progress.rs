//! How each service is getting on, for operators.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use domain::{Position, ServiceName, Timestamp};
use serde::Serialize;
use tokio::{sync::watch, time::Instant};

use crate::runtime::Settings;

/// How a service is getting on.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Which service.
    pub service: ServiceName,
    /// Everything up to here is handled, or put aside.
    pub position: Position,
    /// How many positions it is behind the log.
    pub lag: u64,
    /// For how long the event that it handles has been waiting.
    pub lag_time: Duration,
    /// What it is doing.
    pub state: State,
    /// How many events it has put aside, those included that only wait behind another.
    pub parked: u64,
}

/// What a service is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It is up to date, or nearly so.
    Running,
    /// An operator has told it to wait.
    Paused,
    /// Something went wrong, and it is about to try again.
    Retrying {
        /// How often it has been tried.
        attempt: u32,
        /// What went wrong.
        error: String,
        /// When it tries again.
        next: Timestamp,
    },
    /// It is behind, and catching up.
    Lagging,
    /// It is behind, and does not move.
    Stuck,
}

/// What a worker says of itself.
#[derive(Debug)]
pub(crate) struct Progress {
    service: ServiceName,
    position: watch::Sender<Position>,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    activity: Activity,
    /// When the event in hand was recorded.
    in_hand: Option<Timestamp>,
    moved: Instant,
    parked: u64,
}

#[derive(Debug, Clone)]
enum Activity {
    Idle,
    Working,
    Paused,
    Retrying { attempt: u32, error: String, next: Timestamp },
}

impl Progress {
    pub(crate) fn new(service: ServiceName) -> Self {
        let now = Now { activity: Activity::Working, in_hand: None, moved: Instant::now(), parked: 0 };
        Self { service, position: watch::Sender::new(Position::START), now: Mutex::new(now) }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().expect("no holder of this lock panics")
    }

    /// Nothing is left to do.
    pub(crate) fn idle(&self) {
        let mut now = self.now();
        now.activity = Activity::Idle;
        now.in_hand = None;
    }

    /// Begins with an event that was recorded then, or looks for one.
    pub(crate) fn working(&self, on: Option<Timestamp>) {
        let mut now = self.now();
        if matches!(now.activity, Activity::Idle) {
            now.moved = Instant::now();
        }
        now.activity = Activity::Working;
        now.in_hand = on.or(now.in_hand);
    }

    /// Waits for an operator, and with it what was recorded then.
    pub(crate) fn paused(&self, waiting: Option<Timestamp>) {
        let mut now = self.now();
        now.activity = Activity::Paused;
        now.in_hand = waiting;
    }

    pub(crate) fn retrying(&self, attempt: u32, error: String, next: Timestamp) {
        self.now().activity = Activity::Retrying { attempt, error, next };
    }

    /// Everything up to here is done with.
    pub(crate) fn reached(&self, position: Position) {
        if self.position.send_replace(position) != position {
            self.now().moved = Instant::now();
        }
    }

    /// Follows how far it has come.
    pub(crate) fn follow(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
    }

    pub(crate) fn parked(&self, parked: u64) {
        self.now().parked = parked;
    }

    pub(crate) fn status(&self, head: Position, at: Timestamp, alive: bool, settings: &Settings) -> Status {
        let (now, position) = (self.now(), *self.position.borrow());
        let lag = head.0.saturating_sub(position.0);
        let state = match &now.activity {
            _ if !alive => State::Stuck,
            Activity::Paused => State::Paused,
            Activity::Retrying { attempt, error, next } => {
                State::Retrying { attempt: *attempt, error: error.clone(), next: *next }
            }
            Activity::Working if lag > 0 && now.moved.elapsed() > settings.stuck_after => State::Stuck,
            _ if lag > settings.lagging_after => State::Lagging,
            Activity::Idle | Activity::Working => State::Running,
        };
        let waiting = now.in_hand.filter(|_| lag > 0).map_or(0, |since| at.millis() - since.millis());
        Status {
            service: self.service.clone(),
            position,
            lag,
            lag_time: Duration::from_millis(u64::try_from(waiting).unwrap_or(0)),
            state,
            parked: now.parked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(progress: &Progress, head: u64) -> Status {
        progress.status(Position(head), Timestamp::from_millis(9_000), true, &Settings::default())
    }

    #[tokio::test(start_paused = true)]
    async fn lagging_is_told_apart_from_stuck() {
        let progress = Progress::new("mail".parse().expect("a valid name"));
        let far = Settings::default().lagging_after + 10;
        progress.working(Some(Timestamp::from_millis(4_000)));
        progress.reached(Position(5));
        assert_eq!(status(&progress, 5).state, State::Running);
        assert_eq!(status(&progress, 6).lag_time, Duration::from_secs(5));
        for position in 6..9 {
            tokio::time::advance(Settings::default().stuck_after).await;
            assert_eq!(status(&progress, far).state, State::Lagging);
            progress.reached(Position(position));
        }
        tokio::time::advance(Settings::default().stuck_after * 2).await;
        assert_eq!(status(&progress, far).state, State::Stuck);
        assert_eq!(status(&progress, 8).state, State::Running, "there is nothing to do");
        progress.idle();
        progress.working(None);
        assert_eq!(status(&progress, 9).state, State::Running, "it has only begun");
        let dead = progress.status(Position(9), Timestamp::from_millis(9_000), false, &Settings::default());
        assert_eq!(dead.state, State::Stuck);
    }
}

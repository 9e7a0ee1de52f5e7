//! Who is here, told to everybody: one task that drives [`live::presence`]. It is fed by whoever holds a live
//! stream and by what people report of themselves; what it decides is published as the retained signal
//! `signal.presence.<user>`, so that whoever comes later knows at once.

use std::time::{Duration, Instant};

use domain::{Actor, Audience, Subject, Token, UserId};
use hub::{Hub, HubError};
use live::presence::{Config, Presence as Machine, State};
use serde_json::value::to_raw_value;
use tokio::sync::mpsc;

/// A handle to the task. Cheap to clone; the task ends with the last of them.
#[derive(Clone)]
pub(crate) struct Presence(mpsc::UnboundedSender<Turn>);

/// Somebody is here for as long as this is held.
#[must_use = "dropping it leaves"]
pub(crate) struct Guard {
    user: UserId,
    presence: Presence,
}

enum Turn {
    Enter(UserId),
    Leave(UserId),
    Active { user: UserId, idle_ms: u64 },
}

impl Presence {
    /// Starts the task.
    pub(crate) fn start(hub: Hub, grace: Duration) -> Self {
        let (turns, inbox) = mpsc::unbounded_channel();
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let machine = Machine::new(Config { grace_ms, ..Config::default() });
        tokio::spawn(run(machine, hub, inbox));
        Self(turns)
    }

    /// Somebody opened a stream.
    pub(crate) fn enter(&self, user: UserId) -> Guard {
        self.tell(Turn::Enter(user));
        Guard { user, presence: self.clone() }
    }

    /// Somebody did something `idle_ms` milliseconds ago.
    pub(crate) fn active(&self, user: UserId, idle_ms: u64) {
        self.tell(Turn::Active { user, idle_ms });
    }

    fn tell(&self, turn: Turn) {
        // The task ends when the hub has: then there is nobody to tell anything.
        let _ = self.0.send(turn);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.presence.tell(Turn::Leave(self.user));
    }
}

async fn run(mut machine: Machine, hub: Hub, mut inbox: mpsc::UnboundedReceiver<Turn>) {
    let began = Instant::now();
    let now = || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    loop {
        let due = machine.next_timer();
        let timer = async {
            match due {
                Some(at) => tokio::time::sleep_until((began + Duration::from_millis(at)).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            turn = inbox.recv() => match turn {
                Some(Turn::Enter(user)) => machine.connected(user, now()),
                Some(Turn::Leave(user)) => machine.disconnected(user, now()),
                Some(Turn::Active { user, idle_ms }) => machine.active(user, idle_ms, now()),
                None => return,
            },
            () = timer => machine.tick(now()),
        }
        while let Some((user, state)) = machine.poll() {
            if publish(&hub, user, state).is_err() {
                return;
            }
        }
    }
}

/// The signal names nobody but the id, so everybody may see it.
fn publish(hub: &Hub, user: UserId, state: State) -> Result<(), HubError> {
    let subject = Subject::new(format!("signal.presence.{user}")).expect("an id is a token");
    let data = to_raw_value(&serde_json::json!({ "state": state })).expect("a word is JSON");
    let frame = live::signal_frame(subject.clone(), data, Some(Actor::User(user)));
    let everyone = || Audience::new([Token::Everyone]);
    hub.retain(subject.clone(), everyone(), Some(frame))?;
    if state == State::Away {
        hub.retain(subject, everyone(), None)?;
    }
    Ok(())
}

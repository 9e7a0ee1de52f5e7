//! Timers: commands that are sent at an instant. One task sleeps until the first of them is due, and is woken
//! when another one is set. After a start it lets the services catch up first ([`Settings::grace`]): what is overdue may
//! be so because nobody was there, and not because somebody was late.

use std::{sync::Arc, time::Duration};

use domain::{Actor, Command, CommandId, Intent, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{Effect, Store, Timer, Unit, UnitError};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::runtime::Settings;

/// How many timers are looked at together.
const AT_ONCE: usize = 64;

/// The clock is looked at again after this at the latest, because somebody may have set it.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// How long to wait when the store does not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// A command as it waits in the store.
#[derive(Serialize, Deserialize)]
struct Waiting {
    id: CommandId,
    actor: Actor,
    name: String,
    data: Box<RawValue>,
    correlation: Uuid,
    causation: Uuid,
    hop: u8,
    traceparent: Option<String>,
}

/// A command as the text that a timer keeps.
pub(crate) fn write(command: &Command) -> String {
    let waiting = Waiting {
        id: command.id,
        actor: command.actor.clone(),
        name: command.intent.name().to_owned(),
        data: command.intent.data(),
        correlation: command.correlation,
        causation: command.causation,
        hop: command.hop,
        traceparent: command.traceparent.clone(),
    };
    serde_json::to_string(&waiting).expect("a command is plain data")
}

/// The way back from [`write()`].
fn read(text: &str) -> Result<Command, String> {
    let waiting: Waiting = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let intent = Intent::parse(&waiting.name, waiting.data.get()).map_err(|error| error.to_string())?;
    Ok(Command {
        correlation: waiting.correlation,
        causation: waiting.causation,
        hop: waiting.hop,
        traceparent: waiting.traceparent,
        ..Command::new(waiting.id, waiting.actor, intent)
    })
}

/// Sends what is due until it is told to stop.
pub(crate) async fn run(store: Store, settings: Settings, set: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    let work = async {
        tokio::time::sleep(settings.grace).await;
        loop {
            let sleep = match due(&store, (settings.clock)()).await {
                Ok(sleep) => sleep,
                Err(error) => {
                    tracing::warn!(%error, "timers have to wait");
                    AGAIN
                }
            };
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                () = set.notified() => {}
            }
        }
    };
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Sends what is due, and says how long nothing else is.
async fn due(store: &Store, now: Timestamp) -> Result<Duration, String> {
    loop {
        let timers = store.timers(AT_ONCE).await.map_err(|error| error.to_string())?;
        for timer in &timers {
            if timer.due > now {
                let millis = u64::try_from(timer.due.millis() - now.millis()).unwrap_or(0);
                return Ok(Duration::from_millis(millis).min(LONGEST_SLEEP));
            }
            send(store, timer).await.map_err(|error| error.to_string())?;
        }
        if timers.len() < AT_ONCE {
            return Ok(LONGEST_SLEEP);
        }
    }
}

/// Sends one command and clears its timer, in one transaction. A command that nobody can carry out is given
/// up: it would be refused for ever.
async fn send(store: &Store, timer: &Timer) -> Result<(), UnitError> {
    let clear = Effect::ClearTimer { key: timer.key.clone(), due: Some(timer.due) };
    match read(&timer.command) {
        Ok(command) => match store.execute(Unit::from(command).with(clear.clone())).await {
            Ok(receipt) if !receipt.repeated => return Ok(()),
            Ok(_) => {}
            Err(error @ (UnitError::Refused(_) | UnitError::CommandReused)) => {
                tracing::error!(timer = timer.key, %error, "what a timer wanted was refused");
            }
            Err(error) => return Err(error),
        },
        Err(error) => tracing::error!(timer = timer.key, error, "a timer cannot be read"),
    }
    store.execute(clear.into()).await.map(drop)
}

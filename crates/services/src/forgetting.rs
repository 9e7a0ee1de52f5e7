//! Forgets which commands of services were accepted, once nobody can ask for them again.
//!
//! The id of a service's command is made from the event that has caused it, so that a handling that is repeated wants
//! what was accepted before. Most commands are those of services, so to remember all of them for ever would soon be
//! the largest part of the database. They need not be:
//!
//! - A command is recorded after the event that has caused it. So when the service's checkpoint has come to the
//!   command, the event is behind the checkpoint too.
//! - What is behind the checkpoint is not read again. What was handled out of order before the checkpoint came is in
//!   `handled`, until the checkpoint comes.
//! - Two things lead back behind it, and neither wants a command that was accepted. A dead letter was put aside
//!   *because* nothing of its handling was written; when it is, the letter is done in the same transaction. A timer's
//!   command is sent in one transaction with the timer's end.
//!
//! Beyond that as many of the newest events are left out as the settings say, should a person ever put a checkpoint
//! back by hand. What people and the outside have sent is kept for ever: they may ask again whenever they like.
//!
//! It goes along the log in steps, each one unit, fenced by a checkpoint of its own.

use domain::{Actor, Position, ServiceName};
use store::{Checkpoint, Effect, ReadError, Store, Unit};
use tokio::sync::watch;

use crate::{
    runtime::Settings,
    worker::{Halt, halted},
};

/// Its own checkpoint. No service can be called so.
const CHECKPOINT: &str = "services/forgetting";

/// See the module.
pub(crate) struct Forgetting {
    store: Store,
    services: Vec<ServiceName>,
    settings: Settings,
}

impl Forgetting {
    /// For these services, all that there are.
    pub(crate) fn new(store: Store, services: Vec<ServiceName>, settings: Settings) -> Self {
        Self { store, services, settings }
    }

    /// Works until it is told to stop.
    pub(crate) async fn run(self, mut published: watch::Receiver<Position>, mut stop: watch::Receiver<bool>) {
        let work = async {
            loop {
                let looked = self.store.head();
                match self.catch_up().await {
                    Ok(()) => {}
                    Err(Halt::Stop) => return,
                    // Another process may be at it, or the disk full: there is no hurry.
                    Err(halt) => tracing::warn!(?halt, "what services have sent is not forgotten for now"),
                }
                let more = |head: &Position| head.0 >= looked.0.saturating_add(self.settings.forget_together);
                if published.wait_for(more).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = work => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Goes as far as it may go now.
    async fn catch_up(&self) -> Result<(), Halt> {
        let mut at = self.store.checkpoint(CHECKPOINT).await?;
        // Mostly the log itself is not long enough, and no service need be asked.
        if self.may_step(at, self.store.head()) {
            let reached = self.reached().await?;
            while self.may_step(at, reached) {
                at = self.step(at).await?;
            }
        }
        Ok(())
    }

    /// Whether there is a step to take if everybody has come so far, but for what is kept.
    fn may_step(&self, at: Position, reached: Position) -> bool {
        let Settings { forget_together, keep_commands, .. } = self.settings;
        at.0.saturating_add(forget_together).saturating_add(keep_commands) <= reached.0
    }

    /// How far all services have come.
    async fn reached(&self) -> Result<Position, ReadError> {
        let mut reached = self.store.head();
        for service in &self.services {
            reached = reached.min(self.store.checkpoint(service.as_str()).await?);
        }
        Ok(reached)
    }

    async fn step(&self, from: Position) -> Result<Position, Halt> {
        let to = Position(from.0 + self.settings.forget_together);
        let actors =
            self.services.iter().map(|service| Actor::Service(service.to_string()).to_string()).collect();
        let checkpoint = Checkpoint { reactor: CHECKPOINT.to_owned(), from, to };
        let forget = Effect::ForgetAccepted { actors, after: from, upto: to };
        let unit = Unit { checkpoint: Some(checkpoint), ..Unit::default() }.with(forget);
        halted(self.store.execute(unit).await)?;
        Ok(to)
    }
}

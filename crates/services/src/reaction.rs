//! What a reactor collects while it handles an event, to be written as one unit.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use domain::{Actor, Command, CommandId, Intent, Position, ServiceName, Timestamp, envelope::Meta};
use serde::{Serialize, de::DeserializeOwned};
use store::{Checkpoint, Effect, Store, Timer, Unit};
use uuid::Uuid;

use crate::{reactor::Failure, timers, worker::after as later};

/// What a reactor collects while it handles an event.
///
/// Nothing of it is written unless the handling succeeds. Command ids are made from the event's id, the
/// reactor's name and a label, so that the same handling, whenever it is repeated, wants the same commands.
pub struct Reaction {
    store: Store,
    service: ServiceName,
    cause: Meta,
    /// When this attempt began.
    began: Timestamp,
    docs: Docs,
    step: Step,
}

impl Reaction {
    pub(crate) fn new(store: Store, service: ServiceName, cause: Meta, began: Timestamp, docs: Docs) -> Self {
        Self { store, service, cause, began, docs, step: Step::default() }
    }

    /// When the event was recorded: the instant that a handling should reckon with, because it is the same
    /// however often the handling is repeated.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.cause.time
    }

    /// The log and what is kept beside it, for reading.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Wants a command carried out. The label tells the commands of one handling apart.
    pub fn command(&mut self, label: &str, intent: impl Into<Intent>) -> CommandId {
        let command = command(&self.service, &self.cause, label, intent.into());
        let id = command.id;
        self.step.commands.push(command);
        id
    }

    /// Wants something written beside the log.
    pub fn effect(&mut self, effect: Effect) {
        self.step.effects.push(effect);
    }

    /// What the reactor remembers under a key.
    ///
    /// # Errors
    /// [`Failure::Pause`] if it cannot be read now, [`Failure::Poison`] if it is not what is expected.
    pub async fn state<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, Failure> {
        let known = self.step.saved.get(key).cloned().or_else(|| self.docs.get(key));
        let doc = match known {
            Some(doc) => doc,
            None => {
                let doc = self.store.state(self.service.as_str(), key).await?;
                self.docs.put(key, doc.clone());
                doc
            }
        };
        let unreadable =
            |error| Failure::Poison(format!("What is remembered of {key:?} cannot be read: {error}."));
        doc.map(|doc| serde_json::from_str(&doc).map_err(unreadable)).transpose()
    }

    /// Remembers something under a key, in place of what was there. No text that somebody may want deleted:
    /// a deletion in the log does not reach it.
    ///
    /// # Errors
    /// [`Failure::Poison`] if it cannot be written as JSON.
    pub fn save<T: Serialize>(&mut self, key: &str, state: &T) -> Result<(), Failure> {
        let unwritable = |error| Failure::Poison(format!("{key:?} cannot be remembered: {error}."));
        let doc = serde_json::to_string(state).map_err(unwritable)?;
        self.step.saved.insert(key.to_owned(), Some(doc));
        Ok(())
    }

    /// Need not remember anything under a key any longer.
    pub fn forget(&mut self, key: &str) {
        self.step.saved.insert(key.to_owned(), None);
    }

    /// Wants a command carried out after some time, counted from now and not from the event: while the service was
    /// paused or down, nobody was late. A timer of the same key that this reactor has set before is replaced.
    pub fn timer(&mut self, key: &str, after: Duration, intent: impl Into<Intent>) {
        let due = later(self.began, after);
        let command = command(&self.service, &self.cause, &format!("timer/{key}"), intent.into());
        let timer = Timer { key: self.timer_key(key), due, command: timers::write(&command) };
        self.step.effects.push(Effect::SetTimer(timer));
    }

    /// Takes a timer back, if it is still set.
    pub fn clear_timer(&mut self, key: &str) {
        let key = self.timer_key(key);
        self.step.effects.push(Effect::ClearTimer { key, due: None });
    }

    fn timer_key(&self, key: &str) -> String {
        format!("{}/{key}", self.service)
    }

    pub(crate) fn finish(self) -> Step {
        self.step
    }
}

/// A command of a service, caused by an event.
pub(crate) fn command(service: &ServiceName, cause: &Meta, label: &str, intent: Intent) -> Command {
    let id = Uuid::new_v5(&cause.id.0, format!("{service}/{label}").as_bytes());
    Command {
        correlation: cause.correlation,
        causation: cause.id.0,
        hop: cause.hop.saturating_add(1),
        traceparent: cause.traceparent.clone(),
        ..Command::new(CommandId(id), Actor::Service(service.to_string()), intent)
    }
}

/// What one or several handlings have come to.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) commands: Vec<Command>,
    pub(crate) effects: Vec<Effect>,
    /// What is remembered from now on, by key; nothing where something is forgotten.
    pub(crate) saved: BTreeMap<String, Option<String>>,
}

impl Step {
    /// Takes in what a later handling has come to.
    pub(crate) fn absorb(&mut self, later: Step) {
        self.commands.extend(later.commands);
        self.effects.extend(later.effects);
        self.saved.extend(later.saved);
    }

    /// Whether it comes to nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.effects.is_empty() && self.saved.is_empty()
    }

    pub(crate) fn sets_timers(&self) -> bool {
        self.effects.iter().any(|effect| matches!(effect, Effect::SetTimer(_)))
    }

    pub(crate) fn into_unit(self, reactor: &ServiceName, from: Position, to: Position) -> Unit {
        let reactor = reactor.to_string();
        let mut effects = self.effects;
        effects.extend(self.saved.into_iter().map(|(key, doc)| match doc {
            Some(doc) => Effect::SaveState { reactor: reactor.clone(), key, doc },
            None => Effect::DropState { reactor: reactor.clone(), key },
        }));
        Unit { commands: self.commands, effects, checkpoint: Some(Checkpoint { reactor, from, to }) }
    }
}

/// What the reactor remembers, as far as the handlings that are committed together have read or changed it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Docs(Arc<Mutex<HashMap<String, Option<String>>>>);

impl Docs {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Option<String>>> {
        self.0.lock().expect("no holder of this lock panics")
    }

    fn get(&self, key: &str) -> Option<Option<String>> {
        self.lock().get(key).cloned()
    }

    fn put(&self, key: &str, doc: Option<String>) {
        self.lock().insert(key.to_owned(), doc);
    }

    /// What a handling has changed, for those after it.
    pub(crate) fn take_in(&self, step: &Step) {
        self.lock().extend(step.saved.iter().map(|(key, doc)| (key.clone(), doc.clone())));
    }
}

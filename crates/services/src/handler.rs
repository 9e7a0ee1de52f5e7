//! One attempt to handle one event: bounded in time, safe from panics, and noted.

use std::{any::Any, panic::AssertUnwindSafe};

use domain::{
    Command, Envelope, Position, Recorded,
    command::MAX_HOPS,
    envelope::{Meta, Undecodable},
    service::Park,
};
use futures::FutureExt;
use store::{Handling, Store};
use tokio::time::timeout;

use crate::{
    reaction::{Docs, Reaction, Step, command},
    reactor::{Failure, Service},
    runtime::Settings,
    trace::Recorder,
};

/// An event on its way to a service.
#[derive(Debug)]
pub(crate) struct Mail {
    pub(crate) meta: Meta,
    /// The event, or why this build cannot read it.
    pub(crate) event: Result<Envelope, String>,
    pub(crate) key: String,
    /// How often it was tried before it was put aside, if it comes from there.
    pub(crate) redriven: Option<u32>,
}

impl Mail {
    pub(crate) fn position(&self) -> Position {
        self.meta.position
    }
}

/// Everything that an attempt needs besides the event.
#[derive(Clone)]
pub(crate) struct Handler {
    pub(crate) service: Service,
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    pub(crate) recorder: Recorder,
}

impl Handler {
    /// An event as mail for the service. Nothing, if the service does not listen to it, or if it is of a type
    /// that this build does not know.
    pub(crate) fn mail(&self, recorded: &Recorded, redriven: Option<u32>) -> Option<Mail> {
        if !self.service.wants(recorded) {
            return None;
        }
        let meta = recorded.meta.clone();
        let (event, key) = match recorded.decode() {
            Ok(envelope) => {
                let key = self.service.key(&envelope).as_str().to_owned();
                (Ok(envelope), key)
            }
            Err(Undecodable::UnknownType(_)) => return None,
            Err(error) => (Err(format!("It cannot be read here: {error}.")), meta.stream.to_string()),
        };
        Some(Mail { meta, event, key, redriven })
    }

    /// Tries once. What comes of it is not written yet.
    pub(crate) async fn attempt(&self, mail: &Mail, attempt: u32, docs: &Docs) -> Result<Step, Failure> {
        let event = mail.event.as_ref().map_err(|error| Failure::Poison(error.clone()))?;
        let name = self.service.name().clone();
        let started = (self.settings.clock)();
        let mut reaction = Reaction::new(self.store.clone(), name, mail.meta.clone(), started, docs.clone());
        let reacting = AssertUnwindSafe(self.service.react(event, &mut reaction)).catch_unwind();
        let outcome = match timeout(self.settings.timeout, reacting).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => Err(Failure::Transient(format!("It panicked: {}", said(panic.as_ref())))),
            Err(_) => {
                let limit = self.settings.timeout;
                Err(Failure::Transient(format!("It did not come to an end within {limit:?}.")))
            }
        };
        self.recorder.note(Handling {
            reactor: self.service.name().to_string(),
            position: mail.position(),
            attempt,
            started,
            ended: (self.settings.clock)(),
            outcome: outcome.as_ref().map_or_else(ToString::to_string, |()| "done".to_owned()),
        });
        outcome.map(|()| reaction.finish())
    }

    /// The command that says that an event is put aside. Nothing at the end of a chain of dead letters about
    /// dead letters, which would never end.
    pub(crate) fn parking(&self, mail: &Mail, error: &str, attempts: u32) -> Option<Command> {
        let Mail { meta, key, .. } = mail;
        if meta.hop >= MAX_HOPS && meta.kind == "service.dead_letter_parked" {
            return None;
        }
        let park = Park {
            service: self.service.name().clone(),
            key: key.clone(),
            at: meta.position,
            kind: meta.kind.clone().into_owned(),
            error: error.to_owned(),
            attempts,
        };
        let command = command(self.service.name(), meta, &format!("park/{attempts}"), park.into());
        Some(Command { hop: command.hop.min(MAX_HOPS), ..command })
    }
}

/// What somebody said who panicked.
fn said(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it did not say why.")
}

//! The services themselves: paused and resumed, what they could not handle, what was built anew. An
//! operator's word to a service is a command like any other, and the service's runtime follows the events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    account::{self, Role, payloads},
    command::{self, Actor, Command, Decision, RefusalKind, refusals},
    contract::Event,
    decide::State,
    envelope::Position,
    ids::ServiceName,
    text,
};

/// The longest reason that somebody gives, in characters.
pub const MAX_REASON: usize = 200;

payloads! {
    /// See [`crate::Event::ServicePaused`].
    Paused {
        /// Which service.
        service: ServiceName,
        /// Who did it.
        by: Actor,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// See [`crate::Event::ServiceResumed`].
    Resumed {
        /// Which service.
        service: ServiceName,
        /// Who did it.
        by: Actor,
    }
    /// See [`crate::Event::ServiceDeadLetterParked`].
    DeadLetterParked {
        /// Which service.
        service: ServiceName,
        /// What the event must be handled in order of: later events of this key wait behind it.
        key: String,
        /// Where the event stands in the log.
        at: Position,
        /// The event's type.
        kind: String,
        /// What went wrong.
        error: String,
        /// How often it was tried.
        attempts: u32,
    }
    /// See [`crate::Event::ServiceDeadLetterRedriven`].
    DeadLetterRedriven {
        /// Which service.
        service: ServiceName,
        /// Whose events are handled again, in order.
        key: String,
        /// Who did it.
        by: Actor,
    }
    /// See [`crate::Event::ServiceDeadLetterDiscarded`].
    DeadLetterDiscarded {
        /// Which service.
        service: ServiceName,
        /// The key of what is given up.
        key: String,
        /// Only the event at this position, and those behind it are handled; else all of them are given up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Position>,
        /// Why.
        reason: String,
        /// Who did it.
        by: Actor,
    }
    /// See [`crate::Event::ServiceProjectionRebuilt`].
    ProjectionRebuilt {
        /// Which projection.
        projection: ServiceName,
        /// Which generation is read from now on.
        generation: u32,
        /// How many events were folded.
        events: u64,
        /// How long it took, in milliseconds.
        took_ms: u64,
    }
    /// Command `service.pause`.
    #[serde(deny_unknown_fields)]
    Pause {
        /// Which service.
        service: ServiceName,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// Command `service.resume`.
    #[serde(deny_unknown_fields)]
    Resume {
        /// Which service.
        service: ServiceName,
    }
    /// Command `service.park`.
    #[serde(deny_unknown_fields)]
    Park {
        /// Which service.
        service: ServiceName,
        /// What the event must be handled in order of.
        key: String,
        /// Where the event stands in the log.
        at: Position,
        /// The event's type.
        kind: String,
        /// What went wrong.
        error: String,
        /// How often it was tried.
        attempts: u32,
    }
    /// Command `service.redrive`.
    #[serde(deny_unknown_fields)]
    Redrive {
        /// Which service.
        service: ServiceName,
        /// The key of the dead letters.
        key: String,
    }
    /// Command `service.discard`.
    #[serde(deny_unknown_fields)]
    Discard {
        /// Which service.
        service: ServiceName,
        /// The key of the dead letters.
        key: String,
        /// Only the first of them, which must stand at this position; else all of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Position>,
        /// Why.
        reason: String,
    }
    /// Command `service.note_rebuilt`.
    #[serde(deny_unknown_fields)]
    NoteRebuilt {
        /// Which projection.
        projection: ServiceName,
        /// Which generation is read from now on.
        generation: u32,
        /// How many events were folded.
        events: u64,
        /// How long it took, in milliseconds.
        took_ms: u64,
    }
}

refusals! {
    /// Only for operators, or for the service itself.
    Forbidden = Forbidden "service.forbidden" "Only an operator may do this.";
    /// No dead letter has this key.
    NoDeadLetter {
        /// Which service.
        service: ServiceName,
        /// The key that was asked for.
        key: String,
    } = NotFound "service.no_dead_letter"
        "The service {service} has no dead letter for {key:?}. Perhaps somebody has dealt with it a moment ago.";
    /// Something else than what is meant is the first dead letter of its key.
    NotTheFirst {
        /// Which service.
        service: ServiceName,
        /// The key.
        key: String,
        /// Where the first stands.
        first: Position,
    } = Conflict "service.not_the_first_dead_letter"
        "Of what the service {service} has put aside for {key:?}, the event at {first} comes first; only that one can be given up alone.";
    /// The reason is empty, too long or has control characters.
    BadReason = Invalid "service.bad_reason" "Give a reason of 1 to {MAX_REASON} characters on one line.";
}

/// What the stream `service-<service>` has come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Service {
    paused: bool,
    /// The keys that have dead letters, and where the first of each stands. How many wait behind it is the runtime's
    /// business.
    parked: BTreeMap<String, Position>,
}

impl Service {
    /// Whether an operator has told it to wait.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// The keys that have dead letters.
    pub fn parked(&self) -> impl Iterator<Item = &str> {
        self.parked.keys().map(String::as_str)
    }
}

/// Folds one event of the stream.
pub fn fold(service: &mut Option<Service>, event: &Event) {
    let service = service.get_or_insert_default();
    match event {
        Event::ServicePaused(_) => service.paused = true,
        Event::ServiceResumed(_) => service.paused = false,
        Event::ServiceDeadLetterParked(e) => {
            service.parked.insert(e.key.clone(), e.at);
        }
        Event::ServiceDeadLetterRedriven(e) => {
            service.parked.remove(&e.key);
        }
        // Giving up the first has the others handled; what fails again is parked again.
        Event::ServiceDeadLetterDiscarded(e) => {
            service.parked.remove(&e.key);
        }
        _ => {}
    }
}

/// Operators, and the server's own code on their behalf.
fn operator(state: &State, command: &Command) -> Result<Actor, command::Refusal> {
    let allowed = match &command.actor {
        Actor::Service(_) => true,
        _ => account::acting(state, command)?.role == Role::Operator,
    };
    if allowed { Ok(command.actor.clone()) } else { Err(Refusal::Forbidden.into()) }
}

fn line(reason: &str) -> Result<String, Refusal> {
    text::line(reason, MAX_REASON).map_err(|_| Refusal::BadReason)
}

fn service_only(command: &Command) -> Result<(), Refusal> {
    match command.actor {
        Actor::Service(_) => Ok(()),
        _ => Err(Refusal::Forbidden),
    }
}

/// Where the first dead letter of a key stands.
fn first_of(state: &State, service: &ServiceName, key: &str) -> Result<Position, Refusal> {
    let nothing = || Refusal::NoDeadLetter { service: service.clone(), key: crate::ids::shorten(key) };
    state.service(service).and_then(|found| found.parked.get(key)).copied().ok_or_else(nothing)
}

pub(crate) fn pause(state: &State, command: &Command, wanted: &Pause) -> Decision {
    let by = operator(state, command)?;
    let reason = wanted.reason.as_deref().map(line).transpose()?;
    if state.service(&wanted.service).is_some_and(Service::is_paused) {
        return Ok(vec![]);
    }
    Ok(vec![Paused { service: wanted.service.clone(), by, reason }.into()])
}

pub(crate) fn resume(state: &State, command: &Command, wanted: &Resume) -> Decision {
    let by = operator(state, command)?;
    if !state.service(&wanted.service).is_some_and(Service::is_paused) {
        return Ok(vec![]);
    }
    Ok(vec![Resumed { service: wanted.service.clone(), by }.into()])
}

pub(crate) fn park(command: &Command, wanted: &Park) -> Decision {
    service_only(command)?;
    let Park { service, key, at, kind, error, attempts } = wanted.clone();
    Ok(vec![DeadLetterParked { service, key, at, kind, error, attempts }.into()])
}

pub(crate) fn redrive(state: &State, command: &Command, wanted: &Redrive) -> Decision {
    let by = operator(state, command)?;
    first_of(state, &wanted.service, &wanted.key)?;
    Ok(vec![DeadLetterRedriven { service: wanted.service.clone(), key: wanted.key.clone(), by }.into()])
}

pub(crate) fn discard(state: &State, command: &Command, wanted: &Discard) -> Decision {
    let by = operator(state, command)?;
    let reason = line(&wanted.reason)?;
    let Discard { service, key, at, .. } = wanted.clone();
    let first = first_of(state, &service, &key)?;
    if at.is_some_and(|at| at != first) {
        return Err(Refusal::NotTheFirst { service, key, first }.into());
    }
    Ok(vec![DeadLetterDiscarded { service, key, at, reason, by }.into()])
}

pub(crate) fn note_rebuilt(command: &Command, wanted: &NoteRebuilt) -> Decision {
    service_only(command)?;
    let NoteRebuilt { projection, generation, events, took_ms } = wanted.clone();
    Ok(vec![ProjectionRebuilt { projection, generation, events, took_ms }.into()])
}

//! What the tests share: the people, a log in memory that decides as the committer does, generated
//! histories, and one sample of every event type. Nothing here asserts a rule of the contract.

#![allow(dead_code, reason = "every test file uses another part")]

pub(crate) mod history;
pub(crate) mod samples;
pub(crate) mod shop;

use std::collections::HashMap;

use domain::{
    Actor, Aggregate, Command, CommandId, Context, Envelope, Event, EventId, Intent, MessageId, Position,
    Refusal, RoomId, Sku, State, StreamId, Timestamp, UserId,
    account::{Register, Role},
    decide::{MOST_ROUNDS, decide, streams},
    envelope::Meta,
};
use uuid::Uuid;

/// A customer.
pub(crate) const ADA: UserId = UserId(Uuid::from_u128(0xada));
/// A desk worker.
pub(crate) const BO: UserId = UserId(Uuid::from_u128(0xb0));
/// An operator.
pub(crate) const OLGA: UserId = UserId(Uuid::from_u128(0x01a));
/// Another customer.
pub(crate) const CYRIL: UserId = UserId(Uuid::from_u128(0xc1));

/// Everybody, with handle, name and role.
pub(crate) const PEOPLE: [(UserId, &str, &str, Role); 4] = [
    (ADA, "ada", "Ada", Role::Customer),
    (BO, "bo", "Bo", Role::Desk),
    (OLGA, "olga", "Olga", Role::Operator),
    (CYRIL, "cyril", "Cyril", Role::Customer),
];

/// The service on whose behalf people are registered.
pub(crate) fn server() -> Actor {
    Actor::Service("accounts".into())
}

/// A room by its address.
pub(crate) fn room(address: &str) -> RoomId {
    RoomId::new(address).expect("the test names a valid room")
}

/// A product by its number.
pub(crate) fn sku(number: &str) -> Sku {
    Sku::new(number).expect("the test names a valid SKU")
}

/// A message by number.
pub(crate) fn message(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(number))
}

/// The instant of a position: events a second apart.
pub(crate) fn instant(position: Position) -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000).plus_millis(i64::try_from(position.0).expect("small") * 1_000)
}

/// Decides with nothing but the streams that the decision says it rests on, as the committer does, and
/// checks that knowing everything would not have changed the answer.
pub(crate) fn decide_as_the_committer(
    known: &HashMap<StreamId, (Aggregate, u64)>,
    command: &Command,
    context: &Context,
) -> Result<Vec<Event>, Refusal> {
    let (mut named, mut all) = (State::default(), State::default());
    for (stream, (aggregate, version)) in known {
        all.insert(stream.clone(), aggregate.clone(), *version);
    }
    for _ in 0..MOST_ROUNDS {
        for stream in streams(&named, command) {
            let (aggregate, version) =
                known.get(&stream).cloned().unwrap_or_else(|| (Aggregate::empty(&stream), 0));
            named.insert(stream, aggregate, version);
        }
    }
    assert!(streams(&named, command).iter().all(|stream| named.contains(stream)), "asked too often");
    let decided = decide(&named, command, context);
    assert_eq!(decided, decide(&all, command, context), "`streams` does not name all it rests on");
    decided
}

/// A log in memory.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Everything recorded, in order; the first is at position 1.
    pub(crate) envelopes: Vec<Envelope>,
    known: HashMap<StreamId, (Aggregate, u64)>,
    commands: u128,
}

impl Log {
    /// A log in which [`PEOPLE`] are registered.
    pub(crate) fn with_people() -> Self {
        let mut log = Self::default();
        for (user, handle, name, role) in PEOPLE {
            let handle = handle.parse().expect("the test names a valid handle");
            log.run(server(), Register { user, handle, name: name.into(), role }).expect("a new person");
        }
        log
    }

    /// The last position.
    pub(crate) fn head(&self) -> Position {
        Position(self.envelopes.len() as u64)
    }

    /// Runs a command with a fresh id and records what it leads to.
    pub(crate) fn run(&mut self, actor: Actor, intent: impl Into<Intent>) -> Result<Vec<Event>, Refusal> {
        self.commands += 1;
        let id = CommandId(Uuid::from_u128(0xc000_0000 + self.commands));
        self.execute(&Command::new(id, actor, intent))
    }

    /// The same for a person whose wish is known to be granted.
    pub(crate) fn granted(&mut self, user: UserId, intent: impl Into<Intent>) -> Vec<Event> {
        self.run(Actor::User(user), intent).expect("the test wishes for what is allowed")
    }

    /// Runs a command and records what it leads to.
    pub(crate) fn execute(&mut self, command: &Command) -> Result<Vec<Event>, Refusal> {
        let context = Context { now: instant(self.head()), head: self.head() };
        let events = decide_as_the_committer(&self.known, command, &context)?;
        for event in &events {
            self.record(command, event);
        }
        Ok(events)
    }

    fn record(&mut self, command: &Command, event: &Event) {
        let stream = event.stream();
        let (aggregate, version) =
            self.known.entry(stream.clone()).or_insert_with(|| (Aggregate::empty(&stream), 0));
        aggregate.fold(event);
        *version += 1;
        let version = *version;
        let position = self.head().next();
        self.envelopes.push(Envelope {
            meta: Meta {
                position,
                id: EventId(Uuid::from_u128(0xe000_0000 + u128::from(position.0))),
                kind: event.kind().name.into(),
                schema: event.kind().version,
                subject: event.subject(),
                time: instant(position),
                stream,
                version,
                correlation: command.correlation,
                causation: command.causation,
                hop: command.hop,
                traceparent: command.traceparent.clone(),
                actor: command.actor.clone(),
                audience: event.audience(),
            },
            event: event.clone(),
        });
    }
}

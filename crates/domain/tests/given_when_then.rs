//! Every command of every context, granted and refused: given what happened, when somebody wants something,
//! then this happens, or this stands in the way.

#[path = "given_when_then/accounts.rs"]
mod accounts;
#[path = "given_when_then/commands.rs"]
mod commands;
mod common;
#[path = "given_when_then/devices.rs"]
mod devices;
#[path = "given_when_then/messages.rs"]
mod messages;
#[path = "given_when_then/money.rs"]
mod money;
#[path = "given_when_then/orders.rs"]
mod orders;
#[path = "given_when_then/rooms.rs"]
mod rooms;
#[path = "given_when_then/services.rs"]
mod services;
#[path = "given_when_then/shelves.rs"]
mod shelves;
#[path = "given_when_then/steps.rs"]
mod steps;

use std::collections::HashMap;

use common::{PEOPLE, decide_as_the_committer, instant};
use domain::{
    Actor, Aggregate, Command, CommandId, Context, Event, Intent, Position, Refusal, StreamId, UserId,
    account::Registered,
};
use uuid::Uuid;

/// What happened so far.
struct Given {
    known: HashMap<StreamId, (Aggregate, u64)>,
    head: Position,
}

/// What came of a command.
struct Outcome(Result<Vec<Event>, Refusal>);

/// [`PEOPLE`] are registered, and then this happened.
fn given(events: impl IntoIterator<Item = Event>) -> Given {
    let people = PEOPLE.map(|(user, handle, name, role)| {
        Registered { user, handle: handle.parse().expect("a valid handle"), name: name.into(), role }.into()
    });
    let mut given = Given { known: HashMap::new(), head: Position::START };
    for event in people.into_iter().chain(events) {
        let stream = event.stream();
        let (aggregate, version) =
            given.known.entry(stream.clone()).or_insert_with(|| (Aggregate::empty(&stream), 0));
        aggregate.fold(&event);
        *version += 1;
        given.head = given.head.next();
    }
    given
}

/// The id of the command under test; a message it posts has the same.
const THIS: u128 = 0xc0de;

/// A command of somebody's.
fn command(actor: Actor, intent: impl Into<Intent>) -> Command {
    Command::new(CommandId(Uuid::from_u128(THIS)), actor, intent)
}

impl Given {
    /// A person wants something.
    fn when(&self, user: UserId, intent: impl Into<Intent>) -> Outcome {
        self.when_actor(Actor::User(user), intent)
    }

    /// Anybody wants something.
    fn when_actor(&self, actor: Actor, intent: impl Into<Intent>) -> Outcome {
        self.when_command(&command(actor, intent))
    }

    /// A command with everything it carries.
    fn when_command(&self, command: &Command) -> Outcome {
        let context = Context { now: instant(self.head), head: self.head };
        Outcome(decide_as_the_committer(&self.known, command, &context))
    }
}

impl Outcome {
    #[track_caller]
    fn then(self, events: impl IntoIterator<Item = Event>) {
        let expected: Vec<Event> = events.into_iter().collect();
        assert_eq!(self.0.as_ref(), Ok(&expected));
    }

    /// It is so already.
    #[track_caller]
    fn then_nothing(self) {
        self.then([]);
    }

    /// Refused with this code, and with a sentence.
    #[track_caller]
    fn then_refused(self, code: &str) -> Refusal {
        let refusal = self.0.expect_err("it should be refused");
        let sentence = refusal.to_string();
        assert_eq!(refusal.code(), code, "{sentence}");
        assert!(
            sentence.starts_with(|c: char| c.is_uppercase() || c == '“') && sentence.ends_with('.'),
            "not a sentence: {sentence}"
        );
        refusal
    }
}

//! People, rooms and what they say: what the tests are told in.

use domain::{
    Actor, Command, CommandId, EventId, Handle, Intent, MessageId, Position, Recorded, RoomId, UserId,
    account::{Register, Role},
    chat::{AddMember, DeleteMessage, EditMessage, OpenRoom, PostMessage},
};
use store::{Commit, Effect, Filter, Options, Receipt, Store, Unit, UnitError};
use tokio::sync::mpsc;
use uuid::Uuid;

/// An open store with one person and one public room.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) commits: mpsc::Receiver<Commit>,
    pub(crate) ada: UserId,
}

impl World {
    /// Opens an empty database and furnishes it. The commits of that are taken.
    pub(crate) async fn new(options: Options) -> Self {
        let (store, mut commits) = Store::open(options).await.unwrap();
        let ada = person(&store, "ada").await;
        run(&store, opening(ada, "lobby", false)).await;
        while commits.recv().await.unwrap().head < store.head() {}
        Self { store, commits, ada }
    }

    /// Ada says something in the lobby.
    pub(crate) async fn say(&self, text: &str) -> Receipt {
        run(&self.store, self.saying(text)).await
    }

    /// The command with which Ada says something in the lobby.
    pub(crate) fn saying(&self, text: &str) -> Command {
        saying(self.ada, "lobby", text)
    }
}

pub(crate) fn room(name: &str) -> RoomId {
    RoomId::new(name).unwrap()
}

pub(crate) fn handle(name: &str) -> Handle {
    Handle::new(name).unwrap()
}

pub(crate) fn command(user: UserId, intent: impl Into<Intent>) -> Command {
    Command::new(CommandId(Uuid::new_v4()), Actor::User(user), intent)
}

pub(crate) fn saying(user: UserId, name: &str, text: &str) -> Command {
    command(user, PostMessage { room: room(name), text: text.into(), reply_to: None })
}

pub(crate) fn opening(user: UserId, name: &str, private: bool) -> Command {
    command(user, OpenRoom { room: room(name), title: name.into(), private })
}

pub(crate) fn inviting(user: UserId, name: &str, guest: UserId) -> Command {
    command(user, AddMember { room: room(name), user: guest })
}

pub(crate) fn editing(user: UserId, name: &str, message: MessageId, text: &str) -> Command {
    command(user, EditMessage { room: room(name), message, text: text.into() })
}

pub(crate) fn deleting(user: UserId, name: &str, message: MessageId) -> Command {
    command(user, DeleteMessage { room: room(name), message })
}

/// The message that a command posts.
pub(crate) fn message_of(posting: &Command) -> MessageId {
    MessageId(posting.id.0)
}

/// What the server sends to open an account.
pub(crate) fn registering(user: UserId, name: &str) -> Unit {
    let register = Register { user, handle: handle(name), name: name.into(), role: Role::Customer };
    let server = Actor::Service("accounts".into());
    Unit::from(Command::new(CommandId(Uuid::new_v4()), server, register)).with(Effect::AddCredential {
        user,
        handle: handle(name),
        password_hash: format!("hash of {name}"),
    })
}

/// Somebody with an account.
pub(crate) async fn person(store: &Store, name: &str) -> UserId {
    let user = UserId(Uuid::new_v4());
    store.execute(registering(user, name)).await.unwrap();
    user
}

/// Carries out one command that must be accepted.
pub(crate) async fn run(store: &Store, command: Command) -> Receipt {
    store.execute(command.into()).await.unwrap()
}

/// Everything in the log.
pub(crate) async fn everything(store: &Store) -> Vec<Recorded> {
    let mut events = Vec::new();
    let mut after = Position::START;
    while after < store.head() {
        let page = store.read(after, &Filter::everything(), 1000).await.unwrap();
        events.extend(page.events);
        after = page.next;
    }
    events
}

pub(crate) fn ids(events: &[Recorded]) -> Vec<EventId> {
    events.iter().map(|event| event.meta.id).collect()
}

/// Sends all units at once, so that they share batches, and waits for all answers.
pub(crate) async fn at_once(store: &Store, units: Vec<Unit>) -> Vec<Result<Receipt, UnitError>> {
    let tasks: Vec<_> = units
        .into_iter()
        .map(|unit| {
            let store = store.clone();
            tokio::spawn(async move { store.execute(unit).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// Sends all units in this order without waiting for an answer in between, and waits for all answers.
pub(crate) async fn in_order(store: &Store, units: Vec<Unit>) -> Vec<Result<Receipt, UnitError>> {
    let mut sent: Vec<_> = units.into_iter().map(|unit| Box::pin(store.execute(unit))).collect();
    // One look at each puts it into the queue.
    let early = std::future::poll_fn(|context| {
        std::task::Poll::Ready(sent.iter_mut().map(|unit| unit.as_mut().poll(context)).collect::<Vec<_>>())
    })
    .await;
    let mut answers = Vec::new();
    for (unit, early) in sent.into_iter().zip(early) {
        answers.push(match early {
            std::task::Poll::Ready(answer) => answer,
            std::task::Poll::Pending => unit.await,
        });
    }
    answers
}

/// Positions are 1, 2, 3, …; versions are so in every stream; times never decrease; ids are unique.
pub(crate) fn assert_intact(events: &[Recorded]) {
    let mut versions = std::collections::HashMap::new();
    let mut seen = std::collections::HashSet::new();
    for (nth, event) in events.iter().enumerate() {
        assert_eq!(event.meta.position, Position(nth as u64 + 1));
        let version = versions.entry(event.meta.stream.clone()).or_insert(0);
        *version += 1;
        assert_eq!(event.meta.version, *version, "{}", event.meta.stream);
        assert!(seen.insert(event.meta.id));
        event.decode().unwrap();
    }
    assert!(events.is_sorted_by_key(|event| event.meta.time));
}

//! A shop floor with services on it, and a service that does what the messages tell it to.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test binary uses some of it")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{
    Actor, Command, CommandId, Envelope, Event, Intent, Position, Recorded, SessionId, UserId,
    account::{ChangeRole, EndSession, Register, Role},
    chat::{OpenRoom, PostMessage},
};
use hub::Hub;
use services::{Failure, Reaction, Reactor, Retry, Runtime, SequenceKey, Service, Settings, Status};
use store::{Filter, Letter, LetterStatus, Receipt, Store};
use tempfile::TempDir;
use uuid::Uuid;

/// A store, a hub and some people in two rooms.
pub struct Floor {
    pub store: Store,
    pub hub: Hub,
    pub ada: UserId,
    pub olga: UserId,
    folder: TempDir,
}

impl Floor {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, hub) = open(&folder).await;
        let floor = Self { store, hub, ada: user(), olga: user(), folder };
        for (user, name, role) in [(floor.ada, "ada", Role::Customer), (floor.olga, "olga", Role::Operator)] {
            let register = Register { user, handle: name.parse().unwrap(), name: name.into(), role };
            floor.run(Actor::Service("test".into()), register).await;
        }
        for room in ["lobby", "garden"] {
            let open = OpenRoom { room: room.parse().unwrap(), title: room.into(), private: false };
            floor.run(Actor::User(floor.ada), open).await;
        }
        floor
    }

    /// Closes the store and opens it again, as a restarted server does.
    pub async fn reopen(self) -> Self {
        let Self { store, ada, olga, folder, .. } = self;
        store.close().await;
        let (store, hub) = open(&folder).await;
        Self { store, hub, ada, olga, folder }
    }

    pub fn start(&self, services: Vec<Service>) -> Runtime {
        Runtime::start(self.store.clone(), &self.hub, services, settings())
    }

    pub async fn run(&self, actor: Actor, intent: impl Into<Intent>) -> Receipt {
        let command = Command::new(CommandId(Uuid::now_v7()), actor, intent);
        self.store.execute(command.into()).await.unwrap()
    }

    /// An operator says something to a service.
    pub async fn operate(&self, intent: impl Into<Intent>) {
        self.run(Actor::User(self.olga), intent).await;
    }

    pub async fn say(&self, room: &str, text: &str) -> Position {
        let post = PostMessage { room: room.parse().unwrap(), text: text.into(), reply_to: None };
        self.run(Actor::User(self.ada), post).await.position
    }

    pub async fn events(&self, kind: &'static str) -> Vec<Recorded> {
        let filter = Filter::everything().of_kinds([kind]);
        let mut events = Vec::new();
        let mut after = Position::START;
        while after < self.store.head() {
            let page = self.store.read(after, &filter, 1_000).await.unwrap();
            events.extend(page.events);
            after = page.next;
        }
        events
    }

    /// What was said and answered, in the order of the answers.
    pub async fn answered(&self) -> Vec<String> {
        let said: HashMap<Uuid, String> = self
            .events("chat.message_posted")
            .await
            .iter()
            .map(|event| match event.decode().unwrap().event {
                Event::ChatMessagePosted(e) => (e.message.0, e.text),
                other => panic!("{other:?}"),
            })
            .collect();
        self.events("account.session_ended")
            .await
            .iter()
            .map(|event| match event.decode().unwrap().event {
                Event::AccountSessionEnded(e) => said[&e.session.0].clone(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    pub async fn letters(&self, status: LetterStatus) -> Vec<Letter> {
        self.store.letters(None, status, 100).await.unwrap()
    }

    /// Waits until all services are done with everything, and with what that has led to.
    pub async fn settled(&self, runtime: &Runtime) {
        let settling = async {
            loop {
                let head = self.store.head();
                runtime.reached(head).await;
                if self.store.head() == head {
                    return;
                }
            }
        };
        let settled = tokio::time::timeout(PATIENCE, settling).await;
        assert!(settled.is_ok(), "it does not settle: {:?}", runtime.status());
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so.
pub async fn eventually(what: &str, so: impl AsyncFn() -> bool) {
    let looking = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, looking).await.is_ok(), "never: {what}");
}

async fn open(folder: &TempDir) -> (Store, Hub) {
    let url = format!("sqlite://{}/hubbub.db", folder.path().display());
    let (store, commits) = Store::open(store::Options::new(url)).await.unwrap();
    let hub = Hub::start(store.clone(), commits, hub::Options::default()).await.unwrap();
    (store, hub)
}

fn user() -> UserId {
    UserId(Uuid::now_v7())
}

/// Little patience, so that tests need none.
pub fn settings() -> Settings {
    let retry = Retry { base: Duration::from_millis(1), cap: Duration::from_millis(5), attempts: 3 };
    Settings {
        retry,
        timeout: Duration::from_secs(20),
        grace: Duration::ZERO,
        batch: 8,
        ..Settings::default()
    }
}

pub fn status(runtime: &Runtime, service: &str) -> Status {
    runtime.status().into_iter().find(|status| status.service.as_str() == service).unwrap()
}

/// Answers every message by ending a session that has the message's id, and counts them in what it remembers.
/// A text may say what shall go wrong: the whole text is looked up in the script.
#[derive(Clone, Default)]
pub struct Answerer(pub Script);

/// What goes wrong with which text, and what was tried.
#[derive(Clone, Default)]
pub struct Script {
    faults: Arc<Mutex<HashMap<String, Fault>>>,
    tried: Arc<Mutex<Vec<String>>>,
}

#[derive(Debug, Clone)]
pub enum Fault {
    Fail(Failure),
    /// Fails so often, and then works.
    Twice(Failure, u32),
    Panic,
    Hang,
    /// Wants what is refused.
    Refused,
}

impl Script {
    pub fn with(self, text: &str, fault: Fault) -> Self {
        self.faults.lock().unwrap().insert(text.into(), fault);
        self
    }

    pub fn mend(&self, text: &str) {
        self.faults.lock().unwrap().remove(text);
    }

    pub fn tried(&self) -> Vec<String> {
        self.tried.lock().unwrap().clone()
    }

    pub async fn play(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        let Event::ChatMessagePosted(said) = &event.event else { return Ok(()) };
        self.tried.lock().unwrap().push(said.text.clone());
        let fault = self.faults.lock().unwrap().get(&said.text).cloned();
        match fault {
            None => {}
            Some(Fault::Fail(failure)) => return Err(failure),
            Some(Fault::Twice(failure, left)) => {
                let next = (left > 1).then(|| Fault::Twice(failure.clone(), left - 1));
                let mut faults = self.faults.lock().unwrap();
                match next {
                    Some(next) => faults.insert(said.text.clone(), next),
                    None => faults.remove(&said.text),
                };
                return Err(failure);
            }
            Some(Fault::Panic) => panic!("as the message says"),
            Some(Fault::Hang) => std::future::pending::<()>().await,
            Some(Fault::Refused) => {
                unit.command("refused", ChangeRole { user: UserId(Uuid::nil()), role: Role::Desk });
            }
        }
        let count: u64 = unit.state("count").await?.unwrap_or(0);
        unit.save("count", &(count + 1))?;
        unit.command("end", EndSession { user: said.author, session: SessionId(said.message.0) });
        Ok(())
    }
}

/// What an event of a room must be handled in order of.
pub fn room_of(event: &Envelope) -> SequenceKey {
    match &event.event {
        Event::ChatMessagePosted(e) => SequenceKey::new(format!("room-{}", e.room)),
        _ => SequenceKey::from(&event.meta.stream),
    }
}

impl Reactor for Answerer {
    const NAME: &'static str = "answerer";
    const PATTERNS: &'static [&'static str] = &["chat.*.message_posted"];

    fn key(event: &Envelope) -> SequenceKey {
        room_of(event)
    }

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        self.0.play(event, unit).await
    }
}

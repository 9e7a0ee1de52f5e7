//! A hub over a real store with two people in it, and readers that check what they are handed.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test binary uses some of it")]

use domain::{
    Actor, Command, CommandId, Cursor, Event, Intent, Pattern, Position, Recorded, RoomId, SessionId, UserId,
    account::{Register, Role},
    chat::{OpenRoom, PostMessage},
};
use hub::{Connection, Delivery, Hub, Options};
use live::{Encoded, OnGap, OpenSub, Sid};
use store::{Receipt, Store};
use uuid::Uuid;

pub struct Floor {
    pub store: Store,
    pub hub: Hub,
    pub ada: UserId,
    pub bo: UserId,
    _folder: tempfile::TempDir,
}

impl Floor {
    pub async fn open(options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/hubbub.db", folder.path().display());
        let (store, commits) = Store::open(store::Options::new(url)).await.unwrap();
        let hub = Hub::start(store.clone(), commits, options).await.unwrap();
        let [ada, bo] = [UserId(Uuid::now_v7()), UserId(Uuid::now_v7())];
        let floor = Self { store, hub, ada, bo, _folder: folder };
        for (user, handle) in [(ada, "ada"), (bo, "bo")] {
            let register =
                Register { user, handle: handle.parse().unwrap(), name: handle.into(), role: Role::Customer };
            floor.run(Actor::Service("test".into()), register).await;
        }
        floor.run(Actor::User(ada), open("lobby", false)).await;
        floor
    }

    pub async fn run(&self, actor: Actor, intent: impl Into<Intent>) -> Receipt {
        let command = Command::new(CommandId(Uuid::now_v7()), actor, intent);
        self.store.execute(command.into()).await.unwrap()
    }

    pub async fn say(&self, room: &str, text: &str) -> Receipt {
        self.run(Actor::User(self.ada), post(room, text)).await
    }

    pub fn cursor(&self, position: Position) -> Option<Cursor> {
        Some(Cursor { epoch: self.hub.epoch(), position })
    }

    pub async fn connect(&self, user: Option<UserId>, subs: Vec<OpenSub>) -> Reader {
        self.connect_in(user, None, subs).await
    }

    pub async fn connect_in(
        &self,
        user: Option<UserId>,
        session: Option<SessionId>,
        subs: Vec<OpenSub>,
    ) -> Reader {
        let mut connection = self.hub.connect(user, session).await.unwrap();
        connection.open(0, subs).unwrap();
        Reader { connection, reached: None }
    }

    pub async fn connection(&self) -> Connection {
        self.hub.connect(Some(self.bo), None).await.unwrap()
    }

    /// A connection that the hub feeds already.
    pub async fn live(&self, user: Option<UserId>, session: Option<SessionId>, pattern: &str) -> Reader {
        let mut reader = self.connect_in(user, session, vec![sub("a", pattern, None)]).await;
        loop {
            match reader.next().await {
                Delivery::Opened { .. } => {}
                Delivery::Live { position, .. } => {
                    reader.reached = Some(position);
                    return reader;
                }
                other => panic!("unexpected: {other:?}"),
            }
        }
    }
}

pub fn room(room: &str) -> RoomId {
    room.parse().unwrap()
}

pub fn open(name: &str, private: bool) -> OpenRoom {
    OpenRoom { room: room(name), title: name.into(), private }
}

pub fn post(name: &str, text: &str) -> PostMessage {
    PostMessage { room: room(name), text: text.into(), reply_to: None }
}

pub fn sub(sid: &str, pattern: &str, since: Option<Cursor>) -> OpenSub {
    OpenSub {
        sid: Sid::new(sid).unwrap(),
        pattern: Pattern::new(pattern).unwrap(),
        since,
        on_gap: OnGap::Replay,
    }
}

/// The event inside.
pub fn event(encoded: &Encoded) -> Recorded {
    serde_json::from_slice(&encoded.envelope()).unwrap()
}

/// A connection and how far its main group has come.
pub struct Reader {
    pub connection: Connection,
    pub reached: Option<Position>,
}

impl Reader {
    /// Reads until everything up to a position has been considered; checks that the batches chain.
    pub async fn read_to(&mut self, target: Position) -> Vec<Recorded> {
        let mut events = vec![];
        while self.reached.is_none_or(|reached| reached < target) {
            match self.next().await {
                Delivery::Opened { .. } => {}
                Delivery::Batch { group: 0, batch } => {
                    assert_eq!(batch.prev, self.reached.unwrap_or(batch.prev), "a gap between two batches");
                    self.reached = Some(batch.pos);
                    events.extend(batch.events.iter().map(event));
                }
                Delivery::Live { position, .. } => self.reached = Some(position),
                other => panic!("unexpected: {other:?}"),
            }
        }
        events
    }

    pub async fn next(&mut self) -> Delivery {
        let next = tokio::time::timeout(std::time::Duration::from_secs(20), self.connection.next());
        next.await.unwrap_or_else(|_| panic!("nothing came after {:?}", self.reached)).unwrap()
    }
}

pub fn positions(events: &[Recorded]) -> Vec<u64> {
    events.iter().map(|event| event.meta.position.0).collect()
}

pub fn texts(events: &[Recorded]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| match event.decode().unwrap().event {
            Event::ChatMessagePosted(e) => Some(e.text),
            _ => None,
        })
        .collect()
}

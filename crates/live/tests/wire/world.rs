//! The truth: a log of chat events made by the real contract, and what each viewer may see of it.

use domain::{
    Access, Actor, Command, CommandId, Context, Cursor, Envelope, Epoch, Event, MessageId, Pattern, Position,
    Recorded, RoomId, State, Timestamp, Token, Tokens, UserId, View,
    account::{self, Role},
    chat, contract, decide,
    envelope::Meta,
};
use live::Encoded;

use crate::rng::Rng;

pub(crate) struct Entry {
    pub(crate) envelope: Envelope,
    pub(crate) frame: Encoded,
    /// Who could see it when it was recorded, by the viewer's number.
    pub(crate) seen: Vec<bool>,
}

pub(crate) struct World {
    pub(crate) epoch: Epoch,
    pub(crate) log: Vec<Entry>,
    /// The last of them is a visitor.
    pub(crate) viewers: Vec<Option<UserId>>,
    pub(crate) rooms: Vec<RoomId>,
    state: State,
    access: Access,
    messages: Vec<(RoomId, MessageId)>,
    ids: u64,
}

fn uuid<T: std::str::FromStr<Err: std::fmt::Debug>>(n: u64) -> T {
    format!("00000000-0000-7000-8000-{n:012x}").parse().unwrap()
}

impl World {
    /// Three people, a public room, and a private one that holds the first two.
    pub(crate) fn new() -> Self {
        let people: Vec<UserId> = (1..=3).map(uuid).collect();
        let mut world = Self {
            epoch: Epoch(1),
            log: vec![],
            viewers: people.iter().copied().map(Some).chain([None]).collect(),
            rooms: ["lobby", "ops", "den"].map(|room| RoomId::new(room).unwrap()).to_vec(),
            state: State::default(),
            access: Access::default(),
            messages: vec![],
            ids: 100,
        };
        for (nth, user) in people.iter().enumerate() {
            let role = if nth == 0 { Role::Desk } else { Role::Customer };
            let (handle, name) = (format!("user{nth}").parse().unwrap(), format!("User {nth}"));
            let register = account::Register { user: *user, handle, name, role };
            world.execute(Actor::Service("test".into()), register);
        }
        let [lobby, ops, _] = world.rooms.clone().try_into().unwrap();
        let first = Actor::User(people[0]);
        world.execute(first.clone(), chat::OpenRoom { room: lobby, title: "Lobby".into(), private: false });
        world
            .execute(first.clone(), chat::OpenRoom { room: ops.clone(), title: "Ops".into(), private: true });
        world.execute(first, chat::AddMember { room: ops, user: people[1] });
        world
    }

    pub(crate) fn head(&self) -> u64 {
        self.log.len() as u64
    }

    pub(crate) fn cursor(&self, position: u64) -> Cursor {
        Cursor { epoch: self.epoch, position: Position(position) }
    }

    /// Somebody does something, if they may.
    pub(crate) fn act(&mut self, rng: &mut Rng) {
        let user = self.viewers[rng.below(3)].unwrap();
        let other = self.viewers[rng.below(3)].unwrap();
        let room = rng.pick(&self.rooms).clone();
        let actor = Actor::User(user);
        let about = if self.messages.is_empty() { None } else { Some(rng.pick(&self.messages).clone()) };
        match (rng.below(20), about) {
            (0, _) => {
                let title = format!("The {room}");
                self.execute(actor, chat::OpenRoom { room, title, private: rng.percent(70) });
            }
            (1 | 2, _) => self.execute(actor, chat::AddMember { room, user: other }),
            (3, _) => self.execute(actor, chat::RemoveMember { room, user: other }),
            (4 | 5, Some((room, message))) => {
                self.execute(
                    actor,
                    chat::EditMessage { room, message, text: format!("edited {}", rng.below(9)) },
                );
            }
            (6 | 7, Some((room, message))) => self.execute(actor, chat::DeleteMessage { room, message }),
            (8, Some((room, message))) => {
                self.execute(actor, chat::AddReaction { room, message, reaction: "+1".into() });
            }
            (9, Some((room, message))) => {
                self.execute(actor, chat::RemoveReaction { room, message, reaction: "+1".into() });
            }
            (10 | 11, _) => self.execute(actor, chat::MarkRead { room, upto: Position(self.head()) }),
            _ => self.say(user, room, format!("words {}", rng.below(1000))),
        }
    }

    pub(crate) fn say(&mut self, user: UserId, room: RoomId, text: String) {
        self.execute(Actor::User(user), chat::PostMessage { room, text, reply_to: None });
    }

    fn execute(&mut self, actor: Actor, intent: impl Into<domain::Intent>) {
        self.ids += 1;
        let command = Command::new(uuid::<CommandId>(self.ids), actor, intent);
        let context = Context { now: Timestamp::default(), head: Position(self.head()) };
        for event in decide(&self.state, &command, &context).unwrap_or_default() {
            self.append(event, &command);
        }
    }

    fn append(&mut self, event: Event, command: &Command) {
        self.ids += 1;
        let kind = event.kind();
        let meta = Meta {
            position: Position(self.head() + 1),
            id: uuid(self.ids),
            kind: kind.name.into(),
            schema: kind.version,
            subject: event.subject(),
            time: Timestamp::from_millis(1_000 * self.log.len() as i64),
            stream: event.stream(),
            version: self.state.version(&event.stream()) + 1,
            correlation: command.correlation,
            causation: command.causation,
            hop: 0,
            traceparent: None,
            actor: command.actor.clone(),
            audience: event.audience(),
        };
        if kind.redacts {
            for earlier in self.log.iter_mut().filter(|entry| entry.envelope.meta.stream == meta.stream) {
                earlier.redact();
            }
        }
        if let Event::ChatMessagePosted(posted) = &event {
            self.messages.push((posted.room.clone(), posted.message));
        }
        let envelope = Envelope { meta, event };
        let frame = encoded(&envelope.to_recorded());
        self.record(Entry { envelope, frame, seen: vec![] });
    }

    fn record(&mut self, mut entry: Entry) {
        let audience = &entry.envelope.meta.audience;
        let admits = |viewer: &Option<UserId>| audience.admits(&self.access.tokens(*viewer));
        entry.seen = self.viewers.iter().map(admits).collect();
        self.state.fold(&entry.envelope.event);
        self.access.fold(&entry.envelope.event);
        self.log.push(entry);
    }

    /// A backup is restored: the log is shorter, and is another log from here on.
    pub(crate) fn restore(&mut self, upto: usize) {
        self.epoch = Epoch(self.epoch.0 + 1);
        let mut kept = std::mem::take(&mut self.log);
        kept.truncate(upto);
        (self.state, self.access) = (State::default(), Access::default());
        kept.into_iter().for_each(|entry| self.record(entry));
        self.messages.retain(|(_, message)| {
            let id = |event: &Event| match event {
                Event::ChatMessagePosted(posted) => Some(posted.message),
                _ => None,
            };
            self.log.iter().any(|entry| id(&entry.envelope.event) == Some(*message))
        });
    }

    /// What the viewer holds now, by the whole log.
    pub(crate) fn tokens_now(&self, viewer: usize) -> Tokens {
        self.access.tokens(self.viewers[viewer])
    }

    /// The view as the server would render it: folded from what the viewer could see, up to a position.
    pub(crate) fn view<V: View>(&self, key: &V::Key, viewer: usize, upto: u64) -> V {
        let pattern = V::pattern(key);
        let mut view = V::empty(key);
        for entry in &self.log[..usize::try_from(upto).unwrap()] {
            if entry.seen[viewer] && pattern.matches(&entry.envelope.meta.subject) {
                view.feed(&entry.envelope);
            }
        }
        view
    }

    /// The positions after `begun` that a tail of this pattern shows the viewer.
    pub(crate) fn tail(&self, pattern: &Pattern, viewer: usize, begun: u64) -> Vec<u64> {
        self.log
            .iter()
            .filter(|entry| entry.seen[viewer] && pattern.matches(&entry.envelope.meta.subject))
            .map(|entry| entry.envelope.meta.position.0)
            .filter(|position| *position > begun)
            .collect()
    }
}

fn encoded(event: &Recorded) -> Encoded {
    // The block's id is of no concern here: pages keep their own cursors.
    Encoded::new(Cursor { epoch: Epoch(1), position: event.meta.position }, &event.encode())
}

impl Entry {
    fn redact(&mut self) {
        let Recorded { meta, data } = self.envelope.to_recorded();
        if let Some(blanked) = contract::redacted(&meta.kind, data.get()) {
            let data = serde_json::value::RawValue::from_string(blanked).unwrap();
            let recorded = Recorded { meta, data };
            self.frame = encoded(&recorded);
            self.envelope = recorded.decode().unwrap();
        }
    }

    /// Whether a holder of these tokens sees it.
    pub(crate) fn admits(&self, tokens: &Tokens) -> bool {
        debug_assert!(tokens.holds(&Token::Everyone));
        self.envelope.meta.audience.admits(tokens)
    }
}

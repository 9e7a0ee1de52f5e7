//! From a command and what is known to events, or to a refusal. Pure: the committer loads the streams that
//! [`streams`] names, folds them into a [`State`], and calls [`decide`].

use std::collections::HashMap;

use crate::{
    account::{self, Account},
    chat::{self, Message, Reader, Room},
    command::{Command, MAX_HOPS, Refusal},
    contract::{Event, Intent},
    envelope::Position,
    ids::{MessageId, RoomId, StreamId, UserId},
    time::Timestamp,
};

/// What a decision may know besides the state.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The instant at which the events will be recorded.
    pub now: Timestamp,
    /// The last position of the log, including what was decided earlier in the same batch.
    pub head: Position,
}

/// What one stream has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aggregate {
    /// `account-<user>`
    Account(Option<Account>),
    /// `room-<room>`
    Room(Option<Room>),
    /// `message-<message>`
    Message(Option<Message>),
    /// `reader-<user>`
    Reader(Reader),
}

impl Aggregate {
    /// An empty stream of the given kind.
    ///
    /// # Panics
    /// If the contract's table names a stream category that has no aggregate; a test folds every type.
    #[must_use]
    pub fn empty(stream: &StreamId) -> Self {
        match stream.category() {
            "account" => Aggregate::Account(None),
            "room" => Aggregate::Room(None),
            "message" => Aggregate::Message(None),
            "reader" => Aggregate::Reader(Reader::new()),
            other => unreachable!("the contract has no stream category {other}"),
        }
    }

    /// Folds one event of the stream.
    pub fn fold(&mut self, event: &Event) {
        match self {
            Aggregate::Account(account) => account::fold(account, event),
            Aggregate::Room(room) => chat::fold_room(room, event),
            Aggregate::Message(message) => chat::fold_message(message, event),
            Aggregate::Reader(reader) => chat::fold_reader(reader, event),
        }
    }
}

/// The streams a decision rests on, folded, each with its version.
#[derive(Debug, Clone, Default)]
pub struct State {
    streams: HashMap<StreamId, (Aggregate, u64)>,
}

impl State {
    /// Puts a folded stream in, at its version (0 if it is empty).
    pub fn insert(&mut self, stream: StreamId, aggregate: Aggregate, version: u64) {
        self.streams.insert(stream, (aggregate, version));
    }

    /// Whether a stream is known here.
    #[must_use]
    pub fn contains(&self, stream: &StreamId) -> bool {
        self.streams.contains_key(stream)
    }

    /// Forgets a stream; it must be loaded again before it is decided upon.
    pub fn remove(&mut self, stream: &StreamId) {
        self.streams.remove(stream);
    }

    /// How many streams are known here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether no stream is known here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// The version of a stream: how many events it has. 0 if unknown or empty.
    #[must_use]
    pub fn version(&self, stream: &StreamId) -> u64 {
        self.streams.get(stream).map_or(0, |(_, version)| *version)
    }

    /// Folds a new event into its stream and returns the event's version in it.
    pub fn fold(&mut self, event: &Event) -> u64 {
        let stream = event.stream();
        let (aggregate, version) =
            self.streams.entry(stream.clone()).or_insert_with(|| (Aggregate::empty(&stream), 0));
        aggregate.fold(event);
        *version += 1;
        *version
    }

    fn get(&self, stream: &StreamId) -> Option<&Aggregate> {
        self.streams.get(stream).map(|(aggregate, _)| aggregate)
    }

    pub(crate) fn account(&self, user: UserId) -> Option<&Account> {
        match self.get(&StreamId::account(user)) {
            Some(Aggregate::Account(account)) => account.as_ref(),
            _ => None,
        }
    }

    pub(crate) fn room(&self, room: &RoomId) -> Option<&Room> {
        match self.get(&StreamId::room(room)) {
            Some(Aggregate::Room(room)) => room.as_ref(),
            _ => None,
        }
    }

    pub(crate) fn message(&self, message: MessageId) -> Option<&Message> {
        match self.get(&StreamId::message(message)) {
            Some(Aggregate::Message(message)) => message.as_ref(),
            _ => None,
        }
    }

    pub(crate) fn reader(&self, user: UserId) -> Option<&Reader> {
        match self.get(&StreamId::reader(user)) {
            Some(Aggregate::Reader(reader)) => Some(reader),
            _ => None,
        }
    }
}

/// The streams that a decision on this command rests on. The first is the command's own: the one that
/// `expected_version` speaks of.
#[must_use]
pub fn streams(command: &Command) -> Vec<StreamId> {
    let me = command.actor.user();
    let mut streams = match &command.intent {
        Intent::AccountRegister(c) => vec![StreamId::account(c.user)],
        Intent::AccountChangeProfile(_) => vec![],
        Intent::AccountChangeRole(c) => vec![StreamId::account(c.user)],
        Intent::AccountEndSession(c) => vec![StreamId::account(c.user)],
        Intent::ChatOpenRoom(c) => vec![StreamId::room(&c.room)],
        Intent::ChatAddMember(c) => vec![StreamId::room(&c.room), StreamId::account(c.user)],
        Intent::ChatRemoveMember(c) => vec![StreamId::room(&c.room), StreamId::account(c.user)],
        Intent::ChatPostMessage(c) => {
            let own = StreamId::message(MessageId(command.id.0));
            [own, StreamId::room(&c.room)].into_iter().chain(c.reply_to.map(StreamId::message)).collect()
        }
        Intent::ChatEditMessage(c) => vec![StreamId::message(c.message), StreamId::room(&c.room)],
        Intent::ChatDeleteMessage(c) => vec![StreamId::message(c.message), StreamId::room(&c.room)],
        Intent::ChatAddReaction(c) => vec![StreamId::message(c.message), StreamId::room(&c.room)],
        Intent::ChatRemoveReaction(c) => vec![StreamId::message(c.message), StreamId::room(&c.room)],
        Intent::ChatMarkRead(c) => {
            me.map(StreamId::reader).into_iter().chain([StreamId::room(&c.room)]).collect()
        }
    };
    if let Some(me) = me.map(StreamId::account)
        && !streams.contains(&me)
    {
        streams.push(me);
    }
    streams
}

/// Decides. No events means: accepted, and it is so already.
///
/// # Errors
/// A [`Refusal`]: what stands in the way, with a code and a sentence.
pub fn decide(state: &State, command: &Command, context: &Context) -> Result<Vec<Event>, Refusal> {
    if command.hop > MAX_HOPS {
        return Err(Refusal::TooManyHops);
    }
    if let Some(expected) = command.expected_version {
        let actual = streams(command).first().map_or(0, |own| state.version(own));
        if actual != expected {
            return Err(Refusal::VersionConflict { expected, actual });
        }
    }
    match &command.intent {
        Intent::AccountRegister(c) => account::register(state, command, c).map_err(Into::into),
        Intent::AccountChangeProfile(c) => account::change_profile(state, command, c).map_err(Into::into),
        Intent::AccountChangeRole(c) => account::change_role(state, command, c).map_err(Into::into),
        Intent::AccountEndSession(c) => account::end_session(state, command, c).map_err(Into::into),
        Intent::ChatOpenRoom(c) => chat::open_room(state, command, c).map_err(Into::into),
        Intent::ChatAddMember(c) => chat::add_member(state, command, c).map_err(Into::into),
        Intent::ChatRemoveMember(c) => chat::remove_member(state, command, c).map_err(Into::into),
        Intent::ChatPostMessage(c) => chat::post_message(state, command, c).map_err(Into::into),
        Intent::ChatEditMessage(c) => chat::edit_message(state, command, c).map_err(Into::into),
        Intent::ChatDeleteMessage(c) => chat::delete_message(state, command, c).map_err(Into::into),
        Intent::ChatAddReaction(c) => chat::add_reaction(state, command, c).map_err(Into::into),
        Intent::ChatRemoveReaction(c) => chat::remove_reaction(state, command, c).map_err(Into::into),
        Intent::ChatMarkRead(c) => chat::mark_read(state, command, c, context).map_err(Into::into),
    }
}

//! What rooms and messages have come to, and the rules for changing them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AddMember, AddReaction, DeleteMessage, EditMessage, MAX_REACTION, MAX_TEXT, MAX_TITLE, MarkRead,
    MemberJoined, MemberLeft, MessageDeleted, MessageEdited, MessagePosted, OpenRoom, PostMessage,
    ReactionAdded, ReactionRemoved, Refusal, RemoveMember, RemoveReaction, RoomOpened, RoomRead,
};
use crate::{
    account::{self, Account},
    command::{Command, Decision},
    contract::Event,
    decide::{Context, State},
    envelope::Position,
    ids::{MessageId, RoomId, UserId},
    text,
};

/// What the stream `room-<room>` has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    title: String,
    private: bool,
    members: BTreeMap<UserId, String>,
}

/// What the stream `message-<id>` has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    room: RoomId,
    private: bool,
    author: UserId,
    text: String,
    deleted: bool,
    reactions: BTreeSet<(UserId, String)>,
}

/// What the stream `reader-<user>` has come to: how far somebody has read each room.
pub type Reader = BTreeMap<RoomId, Position>;

/// Folds one event of a room's stream.
pub fn fold_room(room: &mut Option<Room>, event: &Event) {
    match (event, room) {
        (Event::ChatRoomOpened(e), room) => {
            *room = Some(Room { title: e.title.clone(), private: e.private, members: BTreeMap::new() });
        }
        (Event::ChatMemberJoined(e), Some(room)) => {
            room.members.insert(e.user, e.name.clone());
        }
        (Event::ChatMemberLeft(e), Some(room)) => {
            room.members.remove(&e.user);
        }
        _ => {}
    }
}

/// Folds one event of a message's stream.
pub fn fold_message(message: &mut Option<Message>, event: &Event) {
    match (event, message) {
        (Event::ChatMessagePosted(e), message) => {
            *message = Some(Message {
                room: e.room.clone(),
                private: e.private,
                author: e.author,
                text: e.text.clone(),
                deleted: false,
                reactions: BTreeSet::new(),
            });
        }
        (Event::ChatMessageEdited(e), Some(message)) => message.text.clone_from(&e.text),
        (Event::ChatMessageDeleted(_), Some(message)) => {
            message.deleted = true;
            message.text.clear();
        }
        (Event::ChatReactionAdded(e), Some(message)) => {
            message.reactions.insert((e.user, e.reaction.clone()));
        }
        (Event::ChatReactionRemoved(e), Some(message)) => {
            message.reactions.remove(&(e.user, e.reaction.clone()));
        }
        _ => {}
    }
}

/// Folds one event of a reader's stream.
pub fn fold_reader(reader: &mut Option<Reader>, event: &Event) {
    if let Event::ChatRoomRead(e) = event {
        reader.get_or_insert_default().insert(e.room.clone(), e.upto);
    }
}

/// The room, if the person may see it.
fn open_to<'a>(state: &'a State, room: &RoomId, user: UserId) -> Result<&'a Room, Refusal> {
    state
        .room(room)
        .filter(|found| !found.private || found.members.contains_key(&user))
        .ok_or_else(|| Refusal::NoRoom { room: room.clone() })
}

/// The message, if it is in the room, the person may see it, and it is not deleted.
fn message_in<'a>(
    state: &'a State,
    command: &Command,
    room: &RoomId,
    message: MessageId,
) -> Result<(&'a Account, &'a Message), crate::Refusal> {
    let me = account::acting(state, command)?;
    open_to(state, room, me.user)?;
    let found = state.message(message).filter(|found| found.room == *room).ok_or(Refusal::NoMessage)?;
    if found.deleted { Err(Refusal::Deleted.into()) } else { Ok((me, found)) }
}

pub(crate) fn open_room(state: &State, command: &Command, wanted: &OpenRoom) -> Decision {
    let me = account::acting(state, command)?;
    let title = text::line(&wanted.title, MAX_TITLE).map_err(|_| Refusal::BadTitle)?;
    if state.room(&wanted.room).is_some() {
        return Err(Refusal::RoomExists { room: wanted.room.clone() }.into());
    }
    let (room, private) = (wanted.room.clone(), wanted.private);
    let mut events =
        vec![RoomOpened { room: room.clone(), title: title.clone(), private, by: me.user }.into()];
    if private {
        let members = BTreeMap::from([(me.user, me.name.clone())]);
        events.push(MemberJoined { room, title, user: me.user, name: me.name.clone(), members }.into());
    }
    Ok(events)
}

pub(crate) fn add_member(state: &State, command: &Command, wanted: &AddMember) -> Decision {
    let me = account::acting(state, command)?;
    let room = open_to(state, &wanted.room, me.user)?;
    if !room.private {
        return Err(Refusal::NotPrivate.into());
    }
    let them = state.account(wanted.user).ok_or(account::Refusal::Unknown)?;
    if room.members.contains_key(&them.user) {
        return Ok(vec![]);
    }
    let mut members = room.members.clone();
    members.insert(them.user, them.name.clone());
    let joined = MemberJoined {
        members,
        room: wanted.room.clone(),
        title: room.title.clone(),
        user: them.user,
        name: them.name.clone(),
    };
    Ok(vec![joined.into()])
}

pub(crate) fn remove_member(state: &State, command: &Command, wanted: &RemoveMember) -> Decision {
    let me = account::acting(state, command)?;
    let room = open_to(state, &wanted.room, me.user)?;
    if !room.private {
        return Err(Refusal::NotPrivate.into());
    }
    if !room.members.contains_key(&wanted.user) {
        return Ok(vec![]);
    }
    Ok(vec![MemberLeft { room: wanted.room.clone(), user: wanted.user }.into()])
}

pub(crate) fn post_message(state: &State, command: &Command, wanted: &PostMessage) -> Decision {
    let me = account::acting(state, command)?;
    let room = open_to(state, &wanted.room, me.user)?;
    let text = text::clean(&wanted.text, MAX_TEXT).map_err(Refusal::from)?;
    let message = MessageId(command.id.0);
    if state.message(message).is_some() {
        return Err(Refusal::MessageExists.into());
    }
    if let Some(parent) = wanted.reply_to {
        state.message(parent).filter(|found| found.room == wanted.room).ok_or(Refusal::NoMessage)?;
    }
    let posted = MessagePosted {
        room: wanted.room.clone(),
        private: room.private,
        message,
        author: me.user,
        name: me.name.clone(),
        text,
        reply_to: wanted.reply_to,
    };
    Ok(vec![posted.into()])
}

pub(crate) fn edit_message(state: &State, command: &Command, wanted: &EditMessage) -> Decision {
    let (me, found) = message_in(state, command, &wanted.room, wanted.message)?;
    if found.author != me.user {
        return Err(Refusal::NotAuthor.into());
    }
    let text = text::clean(&wanted.text, MAX_TEXT).map_err(Refusal::from)?;
    if text == found.text {
        return Ok(vec![]);
    }
    let edited =
        MessageEdited { room: wanted.room.clone(), private: found.private, message: wanted.message, text };
    Ok(vec![edited.into()])
}

pub(crate) fn delete_message(state: &State, command: &Command, wanted: &DeleteMessage) -> Decision {
    let (me, found) = match message_in(state, command, &wanted.room, wanted.message) {
        Err(crate::Refusal::Chat(Refusal::Deleted)) => return Ok(vec![]),
        other => other?,
    };
    let moderates = me.role.is_staff() && !found.private;
    if found.author != me.user && !moderates {
        return Err(Refusal::NotAuthor.into());
    }
    let deleted = MessageDeleted {
        room: wanted.room.clone(),
        private: found.private,
        message: wanted.message,
        by: me.user,
    };
    Ok(vec![deleted.into()])
}

fn clean_reaction(text: &str) -> Result<String, Refusal> {
    text::clean(text, MAX_REACTION)
        .ok()
        .filter(|reaction| !reaction.contains(char::is_whitespace))
        .ok_or(Refusal::BadReaction)
}

pub(crate) fn add_reaction(state: &State, command: &Command, wanted: &AddReaction) -> Decision {
    let (me, found) = message_in(state, command, &wanted.room, wanted.message)?;
    let reaction = clean_reaction(&wanted.reaction)?;
    if found.reactions.contains(&(me.user, reaction.clone())) {
        return Ok(vec![]);
    }
    let added = ReactionAdded {
        room: wanted.room.clone(),
        private: found.private,
        message: wanted.message,
        user: me.user,
        reaction,
    };
    Ok(vec![added.into()])
}

pub(crate) fn remove_reaction(state: &State, command: &Command, wanted: &RemoveReaction) -> Decision {
    let (me, found) = message_in(state, command, &wanted.room, wanted.message)?;
    let reaction = clean_reaction(&wanted.reaction)?;
    if !found.reactions.contains(&(me.user, reaction.clone())) {
        return Ok(vec![]);
    }
    let removed = ReactionRemoved {
        room: wanted.room.clone(),
        private: found.private,
        message: wanted.message,
        user: me.user,
        reaction,
    };
    Ok(vec![removed.into()])
}

pub(crate) fn mark_read(state: &State, command: &Command, wanted: &MarkRead, context: &Context) -> Decision {
    let me = account::acting(state, command)?;
    open_to(state, &wanted.room, me.user)?;
    if wanted.upto > context.head {
        return Err(Refusal::ReadPastHead.into());
    }
    let known = state.reader(me.user).and_then(|reader| reader.get(&wanted.room)).copied();
    if known >= Some(wanted.upto) {
        return Ok(vec![]);
    }
    Ok(vec![RoomRead { room: wanted.room.clone(), user: me.user, upto: wanted.upto }.into()])
}

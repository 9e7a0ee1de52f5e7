//! Rooms and what is said in them. A room's stream holds its opening and its membership; a message is a
//! stream of its own, so that a busy room never conflicts with itself.

mod rules;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    account::payloads,
    command::{RefusalKind, refusals},
    envelope::Position,
    ids::{MessageId, RoomId, UserId},
    text::TextFault,
};

pub use rules::{Message, Reader, Room, fold_message, fold_reader, fold_room};
pub(crate) use rules::{
    add_member, add_reaction, delete_message, edit_message, mark_read, open_room, post_message,
    remove_member, remove_reaction,
};

/// The longest message, in characters.
pub const MAX_TEXT: usize = 4_000;

/// The longest room title, in characters.
pub const MAX_TITLE: usize = 60;

/// The longest reaction, in characters (an emoji may be several).
pub const MAX_REACTION: usize = 12;

payloads! {
    /// See [`crate::Event::ChatRoomOpened`].
    RoomOpened {
        /// Its address.
        room: RoomId,
        /// What it is called.
        title: String,
        /// Whether only members see it. (Since version 2; version 1 knew public rooms only.)
        private: bool,
        /// Who opened it. (Since version 2; nil where version 1 did not say.)
        by: UserId,
    }
    /// See [`crate::Event::ChatMemberJoined`].
    MemberJoined {
        /// Which room.
        room: RoomId,
        /// What it is called: the new member has not seen its opening.
        title: String,
        /// Who.
        user: UserId,
        /// What they are shown as.
        name: String,
        /// Everybody who is a member now, the new one included, by what they are shown as.
        members: BTreeMap<UserId, String>,
    }
    /// See [`crate::Event::ChatMemberLeft`].
    MemberLeft {
        /// Which room.
        room: RoomId,
        /// Who.
        user: UserId,
    }
    /// See [`crate::Event::ChatMessagePosted`].
    MessagePosted {
        /// Which room.
        room: RoomId,
        /// Whether the room is private.
        private: bool,
        /// The message: the id of the command that posted it.
        message: MessageId,
        /// Who said it.
        author: UserId,
        /// What the author was shown as.
        name: String,
        /// What was said.
        text: String,
        /// The message it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageId>,
    }
    /// See [`crate::Event::ChatMessageEdited`].
    MessageEdited {
        /// Which room.
        room: RoomId,
        /// Whether the room is private.
        private: bool,
        /// Which message.
        message: MessageId,
        /// What it says now.
        text: String,
    }
    /// See [`crate::Event::ChatMessageDeleted`].
    MessageDeleted {
        /// Which room.
        room: RoomId,
        /// Whether the room is private.
        private: bool,
        /// Which message.
        message: MessageId,
        /// Who deleted it.
        by: UserId,
    }
    /// See [`crate::Event::ChatReactionAdded`].
    ReactionAdded {
        /// Which room.
        room: RoomId,
        /// Whether the room is private.
        private: bool,
        /// Which message.
        message: MessageId,
        /// Who reacts.
        user: UserId,
        /// With what, usually one emoji.
        reaction: String,
    }
    /// See [`crate::Event::ChatReactionRemoved`].
    ReactionRemoved {
        /// Which room.
        room: RoomId,
        /// Whether the room is private.
        private: bool,
        /// Which message.
        message: MessageId,
        /// Who takes it back.
        user: UserId,
        /// What is taken back.
        reaction: String,
    }
    /// See [`crate::Event::ChatRoomRead`].
    RoomRead {
        /// Which room.
        room: RoomId,
        /// Who.
        user: UserId,
        /// Everything up to this position is read.
        upto: Position,
    }
    /// Command `chat.open_room`.
    #[serde(deny_unknown_fields)]
    OpenRoom {
        /// Its address.
        room: RoomId,
        /// What it is called.
        title: String,
        /// Whether only members shall see it.
        #[serde(default)]
        private: bool,
    }
    /// Command `chat.add_member`.
    #[serde(deny_unknown_fields)]
    AddMember {
        /// Which room.
        room: RoomId,
        /// Whom to let in.
        user: UserId,
    }
    /// Command `chat.remove_member`.
    #[serde(deny_unknown_fields)]
    RemoveMember {
        /// Which room.
        room: RoomId,
        /// Whom to put out; oneself, to leave.
        user: UserId,
    }
    /// Command `chat.post_message`.
    #[serde(deny_unknown_fields)]
    PostMessage {
        /// Which room.
        room: RoomId,
        /// What to say.
        text: String,
        /// The message it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageId>,
    }
    /// Command `chat.edit_message`.
    #[serde(deny_unknown_fields)]
    EditMessage {
        /// Which room.
        room: RoomId,
        /// Which message.
        message: MessageId,
        /// What it shall say.
        text: String,
    }
    /// Command `chat.delete_message`.
    #[serde(deny_unknown_fields)]
    DeleteMessage {
        /// Which room.
        room: RoomId,
        /// Which message.
        message: MessageId,
    }
    /// Command `chat.add_reaction`.
    #[serde(deny_unknown_fields)]
    AddReaction {
        /// Which room.
        room: RoomId,
        /// Which message.
        message: MessageId,
        /// With what.
        reaction: String,
    }
    /// Command `chat.remove_reaction`.
    #[serde(deny_unknown_fields)]
    RemoveReaction {
        /// Which room.
        room: RoomId,
        /// Which message.
        message: MessageId,
        /// What to take back.
        reaction: String,
    }
    /// Command `chat.mark_read`.
    #[serde(deny_unknown_fields)]
    MarkRead {
        /// Which room.
        room: RoomId,
        /// Everything up to this position is read.
        upto: Position,
    }
}

/// Version 1 of `chat.room_opened` knew public rooms only and did not say who opened them.
pub(crate) fn lift_room_opened_v1(mut data: Value) -> Value {
    if let Some(fields) = data.as_object_mut() {
        fields.insert("private".into(), false.into());
        fields.insert("by".into(), uuid::Uuid::nil().to_string().into());
    }
    data
}

refusals! {
    /// The room does not exist, or is private and the actor is not a member: the same answer for both.
    NoRoom {
        /// What was asked for.
        room: RoomId,
    } = NotFound "chat.no_room" "There is no room “{room}”, or it is private and you are not a member.";
    /// The address is taken.
    RoomExists {
        /// The address.
        room: RoomId,
    } = Conflict "chat.room_exists" "There is already a room at “{room}”.";
    /// The title does not fit.
    BadTitle = Invalid "chat.bad_title" "A title has 1 to {MAX_TITLE} characters and no control characters.";
    /// There is nothing to say.
    Empty = Invalid "chat.message_empty" "The message is empty.";
    /// The message is too long.
    TooLong = Invalid "chat.message_too_long" "The message is longer than {MAX_TEXT} characters. Split it in two.";
    /// The message has control characters.
    ControlCharacters = Invalid "chat.message_control_characters" "The message has control characters in it. Remove them and send it again.";
    /// No such message in this room.
    NoMessage = NotFound "chat.no_message" "This message is not in this room.";
    /// The message was deleted meanwhile.
    Deleted = Conflict "chat.message_deleted" "This message was deleted a moment ago.";
    /// Only the author may edit.
    NotAuthor = Forbidden "chat.not_author" "Only the person who wrote a message can change it.";
    /// Another command took this message id.
    MessageExists = Conflict "chat.message_exists" "A message with this id exists already.";
    /// Membership exists in private rooms only.
    NotPrivate = Invalid "chat.not_private" "This room is open to everyone; it has no member list.";
    /// A reaction is one short text without white space.
    BadReaction = Invalid "chat.bad_reaction" "A reaction is one emoji or short word of at most {MAX_REACTION} characters.";
    /// One cannot have read what is not there yet.
    ReadPastHead = Invalid "chat.read_past_head" "The log has not come that far yet.";
}

impl From<TextFault> for Refusal {
    fn from(fault: TextFault) -> Self {
        match fault {
            TextFault::Empty => Refusal::Empty,
            TextFault::TooLong => Refusal::TooLong,
            TextFault::Control => Refusal::ControlCharacters,
        }
    }
}

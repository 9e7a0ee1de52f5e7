//! What is said in one room: the newest [`WINDOW`] messages, as they read now.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::{
    audience::{Audience, Token},
    contract::Event,
    envelope::{Envelope, Position},
    ids::{EventId, MessageId, RoomId, UserId},
    subject::Pattern,
    time::Timestamp,
    view::View,
};

/// How many messages a feed holds; older ones are fetched when somebody scrolls up to them.
pub const WINDOW: usize = 200;

/// Which feed: a room, and for a private room the member who looks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FeedKey {
    /// The room.
    pub room: RoomId,
    /// The member. `None` for a public room, whose feed is the same for everybody.
    pub viewer: Option<UserId>,
}

/// One message as it reads now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedMessage {
    /// Which message.
    pub id: MessageId,
    /// The event that posted it.
    pub event: EventId,
    /// Where it was posted.
    pub position: Position,
    /// When it was posted.
    pub time: Timestamp,
    /// Who wrote it.
    pub author: UserId,
    /// What the author was shown as.
    pub name: String,
    /// What it says; empty once deleted.
    pub text: String,
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Whether the author has changed it.
    pub edited: bool,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Who reacted with what.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reactions: BTreeMap<String, BTreeSet<UserId>>,
}

/// The feed of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomFeed {
    /// What the feed is about.
    pub key: FeedKey,
    /// What the room is called; `None` while there is no such room.
    pub title: Option<String>,
    /// Whether only members see it.
    pub private: bool,
    /// Whether the viewer is no longer a member.
    pub closed: bool,
    /// Who is in a private room, by name. Empty for a public one.
    pub members: BTreeMap<UserId, String>,
    /// The newest messages, oldest first.
    pub messages: VecDeque<FeedMessage>,
    /// Whether there are older messages than these.
    pub earlier: bool,
}

impl View for RoomFeed {
    const NAME: &'static str = "room_feed";
    type Key = FeedKey;
    const KINDS: &'static [&'static str] = &[
        "chat.room_opened",
        "chat.member_joined",
        "chat.member_left",
        "chat.message_posted",
        "chat.message_edited",
        "chat.message_deleted",
        "chat.reaction_added",
        "chat.reaction_removed",
    ];

    fn empty(key: &FeedKey) -> Self {
        Self {
            key: key.clone(),
            title: None,
            private: false,
            closed: false,
            members: BTreeMap::new(),
            messages: VecDeque::new(),
            earlier: false,
        }
    }

    fn pattern(key: &FeedKey) -> Pattern {
        Pattern::new(format!("chat.{}.>", key.room)).expect("a room's address is a subject token")
    }

    fn viewer(key: &FeedKey) -> Token {
        key.viewer.map_or(Token::Everyone, Token::User)
    }

    fn sees(&self, audience: &Audience) -> bool {
        audience.iter().any(|token| match token {
            Token::Everyone => true,
            Token::User(user) => self.key.viewer == Some(*user),
            Token::Room(_) => self.key.viewer.is_some_and(|viewer| self.members.contains_key(&viewer)),
            Token::Staff | Token::Operator => false,
        })
    }

    fn fold(&mut self, envelope: &Envelope) {
        match &envelope.event {
            Event::ChatRoomOpened(e) => {
                self.title = Some(e.title.clone());
                self.private = e.private;
            }
            Event::ChatMemberJoined(e) => {
                if Some(e.user) == self.key.viewer {
                    // A member sees what is said from the moment they join, so that a page that was
                    // open before and one that opens now show the same.
                    *self = Self { title: Some(e.title.clone()), private: true, ..Self::empty(&self.key) };
                }
                self.members.clone_from(&e.members);
            }
            Event::ChatMemberLeft(e) => {
                self.members.remove(&e.user);
                if Some(e.user) == self.key.viewer {
                    *self = Self {
                        title: self.title.take(),
                        private: true,
                        closed: true,
                        ..Self::empty(&self.key)
                    };
                }
            }
            Event::ChatMessagePosted(e) => {
                self.messages.push_back(FeedMessage {
                    id: e.message,
                    event: envelope.meta.id,
                    position: envelope.meta.position,
                    time: envelope.meta.time,
                    author: e.author,
                    name: e.name.clone(),
                    text: e.text.clone(),
                    reply_to: e.reply_to,
                    edited: false,
                    deleted: false,
                    reactions: BTreeMap::new(),
                });
                if self.messages.len() > WINDOW {
                    self.messages.pop_front();
                    self.earlier = true;
                }
            }
            Event::ChatMessageEdited(e) => {
                if let Some(message) = self.message_mut(e.message) {
                    message.text.clone_from(&e.text);
                    message.edited = true;
                }
            }
            Event::ChatMessageDeleted(e) => {
                if let Some(message) = self.message_mut(e.message) {
                    message.deleted = true;
                    message.text.clear();
                    message.reactions.clear();
                }
            }
            Event::ChatReactionAdded(e) => {
                if let Some(message) = self.message_mut(e.message) {
                    message.reactions.entry(e.reaction.clone()).or_default().insert(e.user);
                }
            }
            Event::ChatReactionRemoved(e) => {
                if let Some(message) = self.message_mut(e.message)
                    && let Some(who) = message.reactions.get_mut(&e.reaction)
                {
                    who.remove(&e.user);
                    if who.is_empty() {
                        message.reactions.remove(&e.reaction);
                    }
                }
            }
            _ => {}
        }
    }
}

impl RoomFeed {
    fn message_mut(&mut self, id: MessageId) -> Option<&mut FeedMessage> {
        // Nearly always one of the last.
        self.messages.iter_mut().rev().find(|message| message.id == id)
    }

    /// The message with this id, if it is among the newest.
    #[must_use]
    pub fn message(&self, id: MessageId) -> Option<&FeedMessage> {
        self.messages.iter().rev().find(|message| message.id == id)
    }
}

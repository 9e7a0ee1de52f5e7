//! The rooms one person can see, each with its last line and what they have not read.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::{
    audience::{Audience, Token},
    contract::Event,
    envelope::{Envelope, Position},
    ids::{MessageId, RoomId, UserId},
    subject::Pattern,
    time::Timestamp,
    view::View,
};

/// Unread messages are counted up to this many; a page shows "99+".
pub const MOST_UNREAD: usize = 100;

/// Whose list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ListKey {
    /// The person; `None` for a visitor.
    pub viewer: Option<UserId>,
}

/// The last thing said in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastLine {
    /// Which message.
    pub message: MessageId,
    /// When.
    pub time: Timestamp,
    /// Who, by the name shown.
    pub name: String,
    /// The beginning of the text; empty once deleted.
    pub text: String,
}

/// One room of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedRoom {
    /// Its address.
    pub room: RoomId,
    /// What it is called.
    pub title: String,
    /// Whether only members see it.
    pub private: bool,
    /// The last thing said.
    pub last: Option<LastLine>,
    /// How far the viewer has read; `None` if they have never been there.
    pub read: Option<Position>,
    /// Messages of others after `read`, the newest [`MOST_UNREAD`].
    pub unread: VecDeque<(Position, MessageId)>,
}

/// The list of rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomList {
    /// Whose list.
    pub key: ListKey,
    /// The rooms by address.
    pub rooms: BTreeMap<RoomId, ListedRoom>,
}

impl View for RoomList {
    const NAME: &'static str = "room_list";
    type Key = ListKey;
    const KINDS: &'static [&'static str] = &[
        "chat.room_opened",
        "chat.member_joined",
        "chat.member_left",
        "chat.message_posted",
        "chat.message_edited",
        "chat.message_deleted",
        "chat.room_read",
    ];

    fn empty(key: &ListKey) -> Self {
        Self { key: key.clone(), rooms: BTreeMap::new() }
    }

    fn pattern(_: &ListKey) -> Pattern {
        Pattern::new("chat.>").expect("the pattern is valid")
    }

    fn viewer(key: &ListKey) -> Token {
        key.viewer.map_or(Token::Everyone, Token::User)
    }

    fn sees(&self, audience: &Audience) -> bool {
        audience.iter().any(|token| match token {
            Token::Everyone => true,
            Token::User(user) => self.key.viewer == Some(*user),
            Token::Room(room) => self.rooms.contains_key(room),
            Token::Staff | Token::Operator => false,
        })
    }

    fn fold(&mut self, envelope: &Envelope) {
        match &envelope.event {
            Event::ChatRoomOpened(e) if !e.private => self.list(&e.room, &e.title, false),
            Event::ChatMemberJoined(e) if Some(e.user) == self.key.viewer => {
                self.list(&e.room, &e.title, true);
            }
            Event::ChatMemberLeft(e) if Some(e.user) == self.key.viewer => {
                self.rooms.remove(&e.room);
            }
            Event::ChatMessagePosted(e) => {
                let mine = Some(e.author) == self.key.viewer;
                if let Some(room) = self.rooms.get_mut(&e.room) {
                    room.last = Some(LastLine {
                        message: e.message,
                        time: envelope.meta.time,
                        name: e.name.clone(),
                        text: beginning(&e.text),
                    });
                    if room.read.is_some() && !mine {
                        room.unread.push_back((envelope.meta.position, e.message));
                        if room.unread.len() > MOST_UNREAD {
                            room.unread.pop_front();
                        }
                    }
                }
            }
            Event::ChatMessageEdited(e) => {
                if let Some(last) = self.last_line(&e.room, e.message) {
                    last.text = beginning(&e.text);
                }
            }
            Event::ChatMessageDeleted(e) => {
                if let Some(last) = self.last_line(&e.room, e.message) {
                    last.text.clear();
                }
                if let Some(room) = self.rooms.get_mut(&e.room) {
                    room.unread.retain(|(_, message)| *message != e.message);
                }
            }
            Event::ChatRoomRead(e) if Some(e.user) == self.key.viewer => {
                if let Some(room) = self.rooms.get_mut(&e.room) {
                    room.read = Some(e.upto);
                    room.unread.retain(|(position, _)| *position > e.upto);
                }
            }
            _ => {}
        }
    }
}

impl RoomList {
    fn list(&mut self, room: &RoomId, title: &str, private: bool) {
        let listed = ListedRoom {
            room: room.clone(),
            title: title.to_owned(),
            private,
            last: None,
            read: None,
            unread: VecDeque::new(),
        };
        self.rooms.insert(room.clone(), listed);
    }

    fn last_line(&mut self, room: &RoomId, message: MessageId) -> Option<&mut LastLine> {
        self.rooms.get_mut(room)?.last.as_mut().filter(|last| last.message == message)
    }
}

/// The first 80 characters, on one line.
fn beginning(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_whitespace() { ' ' } else { c }).collect()
}

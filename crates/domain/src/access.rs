//! Who may see what, folded from the log: roles and memberships give and take audience tokens, in position
//! order. The hub folds it as events are committed, so that open subscriptions follow at once.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::{
    account::Role,
    audience::{Token, Tokens},
    contract::Event,
    ids::{RoomId, UserId},
};

/// The event types that [`Access`] folds; a server reads only these when it starts.
pub const KINDS: [&str; 5] = [
    "account.registered",
    "account.role_changed",
    "chat.room_opened",
    "chat.member_joined",
    "chat.member_left",
];

/// What every person holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    people: HashMap<UserId, Grants>,
    public: HashSet<RoomId>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Grants {
    role: Role,
    rooms: BTreeSet<RoomId>,
}

impl Access {
    /// Folds one event. Returns whose tokens changed, if anybody's.
    pub fn fold(&mut self, event: &Event) -> Option<UserId> {
        match event {
            Event::AccountRegistered(e) => {
                self.people.entry(e.user).or_default().role = e.role;
                Some(e.user)
            }
            Event::AccountRoleChanged(e) => {
                self.people.entry(e.user).or_default().role = e.role;
                Some(e.user)
            }
            Event::ChatRoomOpened(e) => {
                if !e.private {
                    self.public.insert(e.room.clone());
                }
                None
            }
            Event::ChatMemberJoined(e) => {
                self.people.entry(e.user).or_default().rooms.insert(e.room.clone());
                Some(e.user)
            }
            Event::ChatMemberLeft(e) => {
                self.people.entry(e.user).or_default().rooms.remove(&e.room);
                Some(e.user)
            }
            _ => None,
        }
    }

    /// The tokens somebody holds now; a visitor's if nobody is given.
    #[must_use]
    pub fn tokens(&self, user: Option<UserId>) -> Tokens {
        let mut tokens = Tokens::anonymous();
        let Some(user) = user else { return tokens };
        tokens.grant(Token::User(user));
        if let Some(grants) = self.people.get(&user) {
            if grants.role.is_staff() {
                tokens.grant(Token::Staff);
            }
            if grants.role == Role::Operator {
                tokens.grant(Token::Operator);
            }
            for room in &grants.rooms {
                tokens.grant(Token::Room(room.clone()));
            }
        }
        tokens
    }

    /// The token that what happens in a room is for; `None` if there is no such room for a holder of
    /// `tokens`.
    #[must_use]
    pub fn room_token(&self, room: &RoomId, tokens: &Tokens) -> Option<Token> {
        let private = Token::Room(room.clone());
        match self.public.contains(room) {
            true => Some(Token::Everyone),
            false => tokens.holds(&private).then_some(private),
        }
    }

    /// What somebody may do; `None` if nobody has this id.
    #[must_use]
    pub fn role(&self, user: UserId) -> Option<Role> {
        self.people.get(&user).map(|grants| grants.role)
    }
}

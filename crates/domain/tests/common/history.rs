//! Generated histories: wishes of several people about several rooms, run through `decide`. What is
//! refused is left out, as in the real log.

use domain::{
    Actor, Event, Intent, MessageId, Position, RoomId, SessionId, UserId,
    account::{ChangeProfile, ChangeRole, EndSession, Role},
    chat::{
        AddMember, AddReaction, DeleteMessage, EditMessage, MarkRead, OpenRoom, PostMessage, ReactionAdded,
        RemoveMember, RemoveReaction,
    },
};
use proptest::{collection, prelude::*, sample::Index};
use uuid::Uuid;

use super::{Log, PEOPLE, room};

/// The rooms of a history, each with whether it is private.
pub(crate) const ROOMS: [(&str, bool); 4] =
    [("lobby", false), ("garden", false), ("attic", true), ("vault", true)];

const REACTIONS: [&str; 3] = ["👍", "🎉", "no"];

/// One wish. People and rooms by number, messages by their place among those posted so far.
#[derive(Debug, Clone)]
pub(crate) enum Wish {
    Open {
        who: usize,
        room: usize,
    },
    Add {
        who: usize,
        room: usize,
        whom: usize,
    },
    Remove {
        who: usize,
        room: usize,
        whom: usize,
    },
    /// A member lets somebody in.
    LetIn {
        member: Index,
        whom: usize,
    },
    /// A member says something.
    Whisper {
        member: Index,
    },
    /// A member is put out by the first of the members, or leaves.
    PutOut {
        member: Index,
        alone: bool,
    },
    Post {
        who: usize,
        room: usize,
        reply_to: Option<Index>,
    },
    Edit {
        who: Option<usize>,
        message: Index,
    },
    Delete {
        who: Option<usize>,
        message: Index,
    },
    React {
        who: usize,
        message: Index,
        reaction: usize,
    },
    Unreact {
        who: usize,
        message: Index,
        reaction: usize,
    },
    /// Somebody takes back what they gave.
    TakeBack {
        given: Index,
    },
    Read {
        who: usize,
        room: usize,
        upto: Index,
    },
    Rename {
        who: usize,
    },
    Promote {
        who: usize,
        whom: usize,
        role: Role,
    },
    SignOut {
        who: usize,
    },
}

/// Wishes that make a lively history: many are granted, some are refused.
pub(crate) fn wishes(count: usize) -> impl Strategy<Value = Vec<Wish>> {
    let who = 0..PEOPLE.len();
    let whom = 0..PEOPLE.len();
    let place = 0..ROOMS.len();
    let opener = (who.clone(), place.clone()).prop_map(|(who, room)| Wish::Open { who, room });
    let someone = prop_oneof![3 => Just(None), 1 => who.clone().prop_map(Some)];
    let message = any::<Index>();
    let role = prop_oneof![Just(Role::Customer), Just(Role::Desk), Just(Role::Operator)];
    let reaction = 0..REACTIONS.len();
    let wish = prop_oneof![
        2 => opener.clone(),
        4 => (who.clone(), place.clone(), whom.clone())
            .prop_map(|(who, room, whom)| Wish::Add { who, room, whom }),
        2 => (who.clone(), place.clone(), whom.clone())
            .prop_map(|(who, room, whom)| Wish::Remove { who, room, whom }),
        4 => (message.clone(), whom.clone()).prop_map(|(member, whom)| Wish::LetIn { member, whom }),
        5 => message.clone().prop_map(|member| Wish::Whisper { member }),
        3 => (message.clone(), any::<bool>()).prop_map(|(member, alone)| Wish::PutOut { member, alone }),
        10 => (who.clone(), place.clone(), prop::option::weighted(0.2, message.clone()))
            .prop_map(|(who, room, reply_to)| Wish::Post { who, room, reply_to }),
        3 => (someone.clone(), message.clone()).prop_map(|(who, message)| Wish::Edit { who, message }),
        3 => (someone, message.clone()).prop_map(|(who, message)| Wish::Delete { who, message }),
        3 => (who.clone(), message.clone(), reaction.clone())
            .prop_map(|(who, message, reaction)| Wish::React { who, message, reaction }),
        2 => message.clone().prop_map(|given| Wish::TakeBack { given }),
        1 => (who.clone(), message.clone(), reaction)
            .prop_map(|(who, message, reaction)| Wish::Unreact { who, message, reaction }),
        4 => (who.clone(), place, message).prop_map(|(who, room, upto)| Wish::Read { who, room, upto }),
        1 => who.clone().prop_map(|who| Wish::Rename { who }),
        1 => (who.clone(), whom, role).prop_map(|(who, whom, role)| Wish::Promote { who, whom, role }),
        1 => who.prop_map(|who| Wish::SignOut { who }),
    ];
    // Without rooms nothing happens, so a history begins with some.
    (collection::vec(opener, 4..8), collection::vec(wish, count / 4..count))
        .prop_map(|(first, then)| first.into_iter().chain(then).collect())
}

/// A history as it ended: the log, and every text that was ever said, by message.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) log: Log,
    pub(crate) texts: Vec<(MessageId, String)>,
}

/// What wishes may refer to: what is so at the moment.
#[derive(Debug, Default)]
struct Now {
    /// Every message ever posted, its room and its author.
    posted: Vec<(MessageId, RoomId, UserId)>,
    /// Every member of every private room.
    members: Vec<(RoomId, UserId)>,
    /// Every reaction that stands.
    reactions: Vec<ReactionAdded>,
}

impl Now {
    fn fold(&mut self, event: &Event) {
        match event {
            Event::ChatMessagePosted(e) => self.posted.push((e.message, e.room.clone(), e.author)),
            Event::ChatMemberJoined(e) => self.members.push((e.room.clone(), e.user)),
            Event::ChatMemberLeft(e) => {
                self.members.retain(|(room, user)| (room, *user) != (&e.room, e.user));
            }
            Event::ChatReactionAdded(e) => self.reactions.push(e.clone()),
            Event::ChatReactionRemoved(e) => self.reactions.retain(|given| {
                (given.message, given.user, &given.reaction) != (e.message, e.user, &e.reaction)
            }),
            _ => {}
        }
    }

    /// What a wish comes to now: who wants what. Nothing if it speaks of what is not there.
    fn intent(&self, wish: &Wish, said: &str, head: Position) -> Option<(UserId, Intent)> {
        let person = |nth: usize| PEOPLE[nth].0;
        let address = |nth: usize| room(ROOMS[nth].0);
        let said = said.to_owned();
        Some(match wish {
            Wish::Open { who, room } => {
                let (title, private) = (format!("The {}", ROOMS[*room].0), ROOMS[*room].1);
                (person(*who), OpenRoom { room: address(*room), title, private }.into())
            }
            Wish::Add { who, room, whom } => {
                (person(*who), AddMember { room: address(*room), user: person(*whom) }.into())
            }
            Wish::Remove { who, room, whom } => {
                (person(*who), RemoveMember { room: address(*room), user: person(*whom) }.into())
            }
            Wish::LetIn { member, whom } => {
                let (room, by) = pick(&self.members, member)?;
                (by, AddMember { room, user: person(*whom) }.into())
            }
            Wish::Whisper { member } => {
                let (room, by) = pick(&self.members, member)?;
                (by, PostMessage { room, text: said, reply_to: None }.into())
            }
            Wish::PutOut { member, alone } => {
                let (room, user) = pick(&self.members, member)?;
                let first = self.members.iter().find(|(other, _)| *other == room).map(|(_, user)| *user);
                let by = if *alone { user } else { first? };
                (by, RemoveMember { room, user }.into())
            }
            Wish::Post { who, room, reply_to } => {
                let reply_to = reply_to
                    .as_ref()
                    .and_then(|index| pick(&self.posted, index))
                    .map(|(message, ..)| message);
                (person(*who), PostMessage { room: address(*room), text: said, reply_to }.into())
            }
            Wish::Edit { who, message } => {
                let (message, room, author) = pick(&self.posted, message)?;
                (who.map_or(author, person), EditMessage { room, message, text: said }.into())
            }
            Wish::Delete { who, message } => {
                let (message, room, author) = pick(&self.posted, message)?;
                (who.map_or(author, person), DeleteMessage { room, message }.into())
            }
            Wish::React { who, message, reaction } => {
                let (message, room, _) = pick(&self.posted, message)?;
                (person(*who), AddReaction { room, message, reaction: REACTIONS[*reaction].into() }.into())
            }
            Wish::Unreact { who, message, reaction } => {
                let (message, room, _) = pick(&self.posted, message)?;
                (person(*who), RemoveReaction { room, message, reaction: REACTIONS[*reaction].into() }.into())
            }
            Wish::TakeBack { given } => {
                let ReactionAdded { room, message, user, reaction, .. } = pick(&self.reactions, given)?;
                (user, RemoveReaction { room, message, reaction }.into())
            }
            Wish::Read { who, room, upto } => {
                let upto = Position(upto.index(usize::try_from(head.0).expect("small") + 1) as u64);
                (person(*who), MarkRead { room: address(*room), upto }.into())
            }
            Wish::Rename { who } => (person(*who), ChangeProfile { name: said }.into()),
            Wish::Promote { who, whom, role } => {
                (person(*who), ChangeRole { user: person(*whom), role: *role }.into())
            }
            Wish::SignOut { who } => {
                let session = SessionId(Uuid::from_u128(0x5e55));
                (person(*who), EndSession { user: person(*who), session }.into())
            }
        })
    }
}

fn pick<T: Clone>(some: &[T], index: &Index) -> Option<T> {
    (!some.is_empty()).then(|| index.get(some).clone())
}

/// Grants what can be granted.
pub(crate) fn play(wishes: &[Wish]) -> History {
    let mut history = History { log: Log::with_people(), texts: vec![] };
    let mut now = Now::default();
    for (nth, wish) in wishes.iter().enumerate() {
        // The brackets keep one text from being a part of another.
        let said = format!("«{nth}»");
        let Some((who, intent)) = now.intent(wish, &said, history.log.head()) else { continue };
        for event in history.log.run(Actor::User(who), intent).unwrap_or_default() {
            now.fold(&event);
            match event {
                Event::ChatMessagePosted(e) => history.texts.push((e.message, e.text)),
                Event::ChatMessageEdited(e) => history.texts.push((e.message, e.text)),
                _ => {}
            }
        }
    }
    history
}

impl History {
    /// Whether a message was deleted in the end.
    pub(crate) fn deleted(&self, message: MessageId) -> bool {
        self.log
            .envelopes
            .iter()
            .any(|envelope| matches!(&envelope.event, Event::ChatMessageDeleted(e) if e.message == message))
    }
}

//! One event of every type, as it might really happen. The golden samples were made from these; since
//! then the golden samples are the truth and these may change with the code.

use domain::{
    Actor, Envelope, Event, EventId, Position, SessionId, Timestamp, UserId,
    account::{ProfileChanged, Registered, Role, RoleChanged, SessionEnded},
    chat::{
        MemberJoined, MemberLeft, MessageDeleted, MessageEdited, MessagePosted, ReactionAdded,
        ReactionRemoved, RoomOpened, RoomRead,
    },
    envelope::Meta,
};
use uuid::Uuid;

use super::room;

/// What the names in the samples stand for.
fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0193_4a5c_0000_7000_8000_0000_0000_0000 + number)
}

/// One event of every type, in the order of the table.
pub(crate) fn all() -> Vec<Event> {
    let (ada, bo) = (UserId(id(0xada)), UserId(id(0xb0)));
    let said = domain::MessageId(id(0x100));
    let lobby = || room("lobby");
    vec![
        Registered {
            user: ada,
            handle: "ada".parse().expect("a valid handle"),
            name: "Ada".into(),
            role: Role::Customer,
        }
        .into(),
        ProfileChanged { user: ada, name: "Ada \"Countess\" L. 👑".into() }.into(),
        RoleChanged { user: bo, role: Role::Desk, by: Actor::Service("demo".into()) }.into(),
        SessionEnded { user: ada, session: SessionId(id(0x5e5)) }.into(),
        RoomOpened { room: lobby(), title: "The lobby".into(), private: false, by: bo }.into(),
        MemberJoined {
            room: room("back-office"),
            title: "Back office".into(),
            user: bo,
            name: "Bo".into(),
            members: [(ada, "Ada".to_owned()), (bo, "Bo".to_owned())].into(),
        }
        .into(),
        MemberLeft { room: room("back-office"), user: bo }.into(),
        MessagePosted {
            room: lobby(),
            private: false,
            message: said,
            author: ada,
            name: "Ada".into(),
            text: "Hello, is anybody here?\nI have \"two\" questions…".into(),
            reply_to: Some(domain::MessageId(id(0xff))),
        }
        .into(),
        MessageEdited {
            room: lobby(),
            private: false,
            message: said,
            text: "Hello, is anybody here? I have one question.".into(),
        }
        .into(),
        MessageDeleted { room: lobby(), private: false, message: said, by: bo }.into(),
        ReactionAdded { room: lobby(), private: false, message: said, user: bo, reaction: "👍".into() }
            .into(),
        ReactionRemoved { room: lobby(), private: false, message: said, user: bo, reaction: "👍".into() }
            .into(),
        RoomRead { room: lobby(), user: ada, upto: Position(41) }.into(),
    ]
}

/// A sample in a full envelope. Every third one is a reaction to something and carries a trace.
pub(crate) fn envelope(nth: usize, event: Event) -> Envelope {
    let number = nth as u128;
    let deep = nth % 3 == 2;
    let command = id(0x1000 + number);
    let (ada, bo) = (Actor::User(UserId(id(0xada))), Actor::User(UserId(id(0xb0))));
    let (actor, version) = match &event {
        Event::AccountRegistered(_) => (Actor::Service("accounts".into()), 1),
        Event::AccountRoleChanged(_) => (Actor::Service("demo".into()), 2),
        Event::ChatRoomOpened(_) => (bo, 1),
        Event::ChatMessagePosted(_) => (ada, 1),
        Event::ChatMessageDeleted(_) | Event::ChatMemberJoined(_) | Event::ChatMemberLeft(_) => (bo, 3),
        Event::ChatReactionAdded(_) | Event::ChatReactionRemoved(_) => (bo, 4),
        _ => (ada, 2),
    };
    Envelope {
        meta: Meta {
            position: Position(42 + nth as u64),
            id: EventId(id(0xe000 + number)),
            kind: event.kind().name.into(),
            schema: event.kind().version,
            subject: event.subject(),
            time: Timestamp::from_millis(1_795_000_000_123),
            stream: event.stream(),
            version,
            correlation: command,
            causation: if deep { id(0xe000) } else { command },
            hop: if deep { 2 } else { 0 },
            traceparent: deep.then(|| "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
            actor,
            audience: event.audience(),
        },
        event,
    }
}

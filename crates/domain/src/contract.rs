//! **The table.** Every event type has exactly one stream, one subject and one audience rule, written here
//! next to each other. The catalogue, the schemas, the golden samples and the tests are made from it.
//!
//! To add an event: write its payload in its context's module, add an entry here, run the tests; they name
//! the golden sample and the schema that are still missing. To change a payload in a way that old readers
//! or old events would notice: raise the version and add an upcaster.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use crate::{
    account,
    audience::{Audience, Token},
    chat,
    envelope::Undecodable,
    ids::{StreamId, shorten, shorten_to},
    subject::Subject,
};

/// One type of event, as the catalogue shows it.
#[derive(Debug)]
pub struct Kind {
    /// For example `chat.message_posted`. Never reused.
    pub name: &'static str,
    /// The current schema version.
    pub version: u16,
    /// What it means, in one sentence.
    pub summary: &'static str,
    /// The stream, with `{placeholders}`.
    pub stream: &'static str,
    /// The subject, with `{placeholders}`.
    pub subject: &'static str,
    /// Who may see it: tokens with `{placeholders}`; where it depends on the event, the cases between ` | `.
    pub audience: &'static str,
    /// Payload fields that are blanked when the event is redacted.
    pub personal: &'static [&'static str],
    /// Whether recording it redacts everything recorded before in the same stream.
    pub redacts: bool,
    /// The JSON Schema of the payload.
    #[cfg(feature = "schema")]
    pub schema: fn() -> schemars::Schema,
    /// `upcasters[n]` lifts version `n + 1` to `n + 2`.
    upcasters: &'static [fn(Value) -> Value],
}

/// What an entry of the table says, or else the default.
macro_rules! given {
    ($default:expr,) => {
        $default
    };
    ($default:expr, $given:expr) => {
        $given
    };
}

macro_rules! contract {
    ($(
        $(#[doc = $summary:literal])+
        $variant:ident ( $payload:path { $($field:ident),* } ) = $name:literal version $version:literal {
            stream $stream:literal;
            subject $subject:literal;
            audience $tokens:literal = $audience:expr;
            $(personal $personal:tt;)?
            $(redacts $redacts:literal;)?
            $(lift [$($upcaster:path),+];)?
        }
    )+) => {
        /// Something that happened: every event type of the contract.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $($(#[doc = $summary])+ $variant($payload),)+
        }

        /// All event types, in the order of the table.
        pub static KINDS: &[Kind] = &[$(Kind {
            name: $name,
            version: $version,
            summary: concat!($($summary),+).trim_ascii(),
            stream: $stream,
            subject: $subject,
            audience: $tokens,
            personal: given!(&[], $(&$personal)?),
            redacts: given!(false, $($redacts)?),
            #[cfg(feature = "schema")]
            schema: || described(schemars::schema_for!($payload), concat!($($summary),+).trim_ascii()),
            upcasters: &[$($($upcaster),+)?],
        }),+];

        enum Index { $($variant),+ }

        impl Event {
            /// Its type's entry in the table.
            #[must_use]
            pub fn kind(&self) -> &'static Kind {
                match self { $(Event::$variant(_) => &KINDS[Index::$variant as usize]),+ }
            }

            /// The stream it is recorded in.
            #[must_use]
            pub fn stream(&self) -> StreamId {
                let text = match self {
                    $(Event::$variant(payload) => {
                        #[allow(unused_variables, reason = "the fields serve three rules")]
                        let $payload { $($field,)* .. } = payload;
                        format!($stream)
                    })+
                };
                StreamId::new(text).expect("ids are made of characters that a stream id allows")
            }

            /// Where it is published.
            #[must_use]
            pub fn subject(&self) -> Subject {
                let text = match self {
                    $(Event::$variant(payload) => {
                        #[allow(unused_variables, reason = "the fields serve three rules")]
                        let $payload { $($field,)* .. } = payload;
                        format!($subject)
                    })+
                };
                Subject::new(text).expect("ids are made of characters that a subject allows")
            }

            /// Who may see it.
            #[must_use]
            pub fn audience(&self) -> Audience {
                match self {
                    $(Event::$variant(payload) => {
                        #[allow(unused_variables, reason = "the fields serve three rules")]
                        let $payload { $($field,)* .. } = payload;
                        Audience::new($audience)
                    })+
                }
            }

            /// The payload as JSON, in the current version.
            ///
            /// # Panics
            /// Never: payloads are plain structs.
            #[must_use]
            pub fn data(&self) -> Box<RawValue> {
                match self { $(Event::$variant(payload) => raw(payload)),+ }
            }
        }

        fn parse_current(index: usize, data: &str) -> serde_json::Result<Event> {
            $(if index == Index::$variant as usize {
                return serde_json::from_str(data).map(Event::$variant);
            })+
            unreachable!("the index comes from the table")
        }

        $(impl From<$payload> for Event {
            fn from(payload: $payload) -> Event {
                Event::$variant(payload)
            }
        })+
    };
}

/// Whoever reads the schema wants to know what happened, not where the code is.
#[cfg(feature = "schema")]
fn described(mut schema: schemars::Schema, summary: &str) -> schemars::Schema {
    schema.insert("description".into(), summary.into());
    schema
}

fn raw<T: Serialize>(payload: &T) -> Box<RawValue> {
    serde_json::value::to_raw_value(payload).expect("payloads are plain structs")
}

/// Reads a payload of any known version and lifts it to the current one.
///
/// # Errors
/// [`Undecodable`] if the type or version is unknown here, or the payload does not fit.
pub fn decode(name: &str, version: u16, data: &str) -> Result<Event, Undecodable> {
    let (index, kind) = find(name).ok_or_else(|| Undecodable::UnknownType(name.to_owned()))?;
    let bad = |error: serde_json::Error| Undecodable::BadData {
        kind: name.to_owned(),
        schema: version,
        why: error.to_string(),
    };
    if version == kind.version {
        return parse_current(index, data).map_err(bad);
    }
    if version > kind.version || version == 0 {
        return Err(Undecodable::NewerVersion {
            kind: name.to_owned(),
            schema: version,
            known: kind.version,
        });
    }
    let stored: Value = serde_json::from_str(data).map_err(bad)?;
    let lifted =
        kind.upcasters[usize::from(version) - 1..].iter().fold(stored, |data, upcaster| upcaster(data));
    // Through text, rare as it is, so that there is one reader for each payload and not two.
    parse_current(index, &lifted.to_string()).map_err(bad)
}

fn find(name: &str) -> Option<(usize, &'static Kind)> {
    KINDS.iter().enumerate().find(|(_, kind)| kind.name == name)
}

/// The table's entry for a type.
#[must_use]
pub fn kind(name: &str) -> Option<&'static Kind> {
    find(name).map(|(_, kind)| kind)
}

/// The payload with its personal fields blanked; `None` if it has none. Texts become empty, lists and maps
/// become empty, everything else null, so that the payload still fits its schema.
#[must_use]
pub fn redacted(name: &str, data: &str) -> Option<String> {
    let kind = kind(name)?;
    let mut data: Value = serde_json::from_str(data).ok()?;
    let fields = data.as_object_mut()?;
    let mut changed = false;
    for personal in kind.personal {
        if let Some(value) = fields.get_mut(*personal) {
            *value = match value {
                Value::String(_) => Value::String(String::new()),
                Value::Array(_) => Value::Array(Vec::new()),
                Value::Object(_) => Value::Object(serde_json::Map::new()),
                _ => Value::Null,
            };
            changed = true;
        }
    }
    changed.then(|| data.to_string())
}

macro_rules! intents {
    ($($(#[doc = $summary:literal])+ $variant:ident($payload:path) = $name:literal;)+) => {
        /// What a command wants: every command of the contract.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Intent {
            $($(#[doc = $summary])+ $variant($payload),)+
        }

        /// All command types: name and meaning.
        pub static INTENTS: &[(&str, &str)] = &[$(($name, concat!($($summary),+).trim_ascii())),+];

        impl Intent {
            /// The command's type, for example `chat.post_message`.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Intent::$variant(_) => $name),+ }
            }

            /// The payload as JSON.
            #[must_use]
            pub fn data(&self) -> Box<RawValue> {
                match self { $(Intent::$variant(payload) => raw(payload)),+ }
            }

            /// Reads a command's payload. Unknown fields are refused, so that a misspelt one is noticed.
            ///
            /// # Errors
            /// [`BadCommand`] in a sentence.
            pub fn parse(name: &str, data: &str) -> Result<Intent, BadCommand> {
                match name {
                    $($name => strict(data).map(Intent::$variant),)+
                    _ => Err(BadCommand::Unknown(shorten(name))),
                }
            }
        }

        $(impl From<$payload> for Intent {
            fn from(payload: $payload) -> Intent {
                Intent::$variant(payload)
            }
        })+

        /// The JSON Schema of every command's payload, by name.
        #[cfg(feature = "schema")]
        #[must_use]
        pub fn intent_schemas() -> Vec<(&'static str, schemars::Schema)> {
            vec![$(($name, described(schemars::schema_for!($payload), concat!($($summary),+).trim_ascii()))),+]
        }
    };
}

fn strict<T: DeserializeOwned>(data: &str) -> Result<T, BadCommand> {
    serde_json::from_str(data).map_err(|error| BadCommand::Malformed(shorten_to(300, &error.to_string())))
}

/// Why a text is not a command of the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCommand {
    /// No such command.
    #[error("There is no command {0:?}.")]
    Unknown(String),
    /// The payload does not fit the command.
    #[error("The command's data does not fit: {0}.")]
    Malformed(String),
}

fn everyone() -> [Token; 1] {
    [Token::Everyone]
}

/// Public rooms are for everyone, private ones for their members.
fn in_room(room: &crate::RoomId, private: bool) -> [Token; 1] {
    [if private { Token::Room(room.clone()) } else { Token::Everyone }]
}

contract! {
    /// Somebody opened an account.
    AccountRegistered(account::Registered { user }) = "account.registered" version 1 {
        stream "account-{user}";
        subject "account.{user}.registered";
        audience "user:{user} staff" = [Token::User(*user), Token::Staff];
        personal ["name"];
    }
    /// Somebody changed the name they are shown by.
    AccountProfileChanged(account::ProfileChanged { user }) = "account.profile_changed" version 1 {
        stream "account-{user}";
        subject "account.{user}.profile_changed";
        audience "user:{user} staff" = [Token::User(*user), Token::Staff];
        personal ["name"];
    }
    /// Somebody was given another role.
    AccountRoleChanged(account::RoleChanged { user }) = "account.role_changed" version 1 {
        stream "account-{user}";
        subject "account.{user}.role_changed";
        audience "user:{user} operator" = [Token::User(*user), Token::Operator];
    }
    /// A session was signed out; its open streams end here.
    AccountSessionEnded(account::SessionEnded { user }) = "account.session_ended" version 1 {
        stream "account-{user}";
        subject "account.{user}.session_ended";
        audience "user:{user}" = [Token::User(*user)];
    }
    /// A room was opened.
    ChatRoomOpened(chat::RoomOpened { room, private, by }) = "chat.room_opened" version 2 {
        stream "room-{room}";
        subject "chat.{room}.room_opened";
        audience "everyone | room:{room} user:{by}" = if *private { vec![Token::Room(room.clone()), Token::User(*by)] } else { everyone().to_vec() };
        lift [chat::lift_room_opened_v1];
    }
    /// Somebody became a member of a private room and may see it from here on.
    ChatMemberJoined(chat::MemberJoined { room, user }) = "chat.member_joined" version 1 {
        stream "room-{room}";
        subject "chat.{room}.member_joined";
        audience "room:{room} user:{user}" = [Token::Room(room.clone()), Token::User(*user)];
        personal ["name", "members"];
    }
    /// Somebody is no longer a member of a private room and sees nothing of it after this.
    ChatMemberLeft(chat::MemberLeft { room, user }) = "chat.member_left" version 1 {
        stream "room-{room}";
        subject "chat.{room}.member_left";
        audience "room:{room} user:{user}" = [Token::Room(room.clone()), Token::User(*user)];
    }
    /// Somebody said something in a room.
    ChatMessagePosted(chat::MessagePosted { room, private, message }) = "chat.message_posted" version 1 {
        stream "message-{message}";
        subject "chat.{room}.message_posted";
        audience "everyone | room:{room}" = in_room(room, *private);
        personal ["text"];
    }
    /// The author changed what a message says.
    ChatMessageEdited(chat::MessageEdited { room, private, message }) = "chat.message_edited" version 1 {
        stream "message-{message}";
        subject "chat.{room}.message_edited";
        audience "everyone | room:{room}" = in_room(room, *private);
        personal ["text"];
    }
    /// A message was deleted; its text is nowhere any more.
    ChatMessageDeleted(chat::MessageDeleted { room, private, message }) = "chat.message_deleted" version 1 {
        stream "message-{message}";
        subject "chat.{room}.message_deleted";
        audience "everyone | room:{room}" = in_room(room, *private);
        redacts true;
    }
    /// Somebody reacted to a message.
    ChatReactionAdded(chat::ReactionAdded { room, private, message }) = "chat.reaction_added" version 1 {
        stream "message-{message}";
        subject "chat.{room}.reaction_added";
        audience "everyone | room:{room}" = in_room(room, *private);
    }
    /// Somebody took a reaction back.
    ChatReactionRemoved(chat::ReactionRemoved { room, private, message }) = "chat.reaction_removed" version 1 {
        stream "message-{message}";
        subject "chat.{room}.reaction_removed";
        audience "everyone | room:{room}" = in_room(room, *private);
    }
    /// Somebody has read a room up to a position.
    ChatRoomRead(chat::RoomRead { room, user }) = "chat.room_read" version 1 {
        stream "reader-{user}";
        subject "chat.{room}.room_read";
        audience "user:{user}" = [Token::User(*user)];
    }
}

intents! {
    /// Open an account. Sent by the server on behalf of somebody who is not signed in yet.
    AccountRegister(account::Register) = "account.register";
    /// Change the name one is shown by.
    AccountChangeProfile(account::ChangeProfile) = "account.change_profile";
    /// Give somebody another role (operators only).
    AccountChangeRole(account::ChangeRole) = "account.change_role";
    /// Sign a session out.
    AccountEndSession(account::EndSession) = "account.end_session";
    /// Open a room.
    ChatOpenRoom(chat::OpenRoom) = "chat.open_room";
    /// Let somebody into a private room (members only).
    ChatAddMember(chat::AddMember) = "chat.add_member";
    /// Put somebody out of a private room, or leave it.
    ChatRemoveMember(chat::RemoveMember) = "chat.remove_member";
    /// Say something in a room.
    ChatPostMessage(chat::PostMessage) = "chat.post_message";
    /// Change what one said.
    ChatEditMessage(chat::EditMessage) = "chat.edit_message";
    /// Delete what one said (staff: what anybody said in a public room).
    ChatDeleteMessage(chat::DeleteMessage) = "chat.delete_message";
    /// React to a message.
    ChatAddReaction(chat::AddReaction) = "chat.add_reaction";
    /// Take a reaction back.
    ChatRemoveReaction(chat::RemoveReaction) = "chat.remove_reaction";
    /// Note how far one has read.
    ChatMarkRead(chat::MarkRead) = "chat.mark_read";
}

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
    cart, catalog, chat,
    envelope::Undecodable,
    ids::{StreamId, UserId, shorten, shorten_to},
    notification, order, payment, review, service, shipment, stock,
    subject::Subject,
    wallet,
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

/// Whether events of this type blank what came before them in their stream.
#[must_use]
pub fn redacts(name: &str) -> bool {
    kind(name).is_some_and(|kind| kind.redacts)
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

/// What concerns an order is for its customer and the desk.
fn desk_and(customer: UserId) -> [Token; 2] {
    [Token::User(customer), Token::Staff]
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
    /// A product is on sale, at a price.
    CatalogProductListed(catalog::ProductListed { sku }) = "catalog.product_listed" version 1 {
        stream "product-{sku}";
        subject "catalog.{sku}.product_listed";
        audience "everyone" = everyone();
    }
    /// A product costs something else.
    CatalogPriceChanged(catalog::PriceChanged { sku }) = "catalog.price_changed" version 1 {
        stream "product-{sku}";
        subject "catalog.{sku}.price_changed";
        audience "everyone" = everyone();
    }
    /// A product is not sold any more.
    CatalogProductRetired(catalog::ProductRetired { sku }) = "catalog.product_retired" version 1 {
        stream "product-{sku}";
        subject "catalog.{sku}.product_retired";
        audience "everyone" = everyone();
    }
    /// Somebody put a product into their cart, or more of it.
    CartItemAdded(cart::ItemAdded { user }) = "cart.item_added" version 1 {
        stream "cart-{user}";
        subject "cart.{user}.item_added";
        audience "user:{user}" = [Token::User(*user)];
    }
    /// Somebody wants another number of a product.
    CartQuantityChanged(cart::QuantityChanged { user }) = "cart.quantity_changed" version 1 {
        stream "cart-{user}";
        subject "cart.{user}.quantity_changed";
        audience "user:{user}" = [Token::User(*user)];
    }
    /// Somebody took a product out of their cart.
    CartItemRemoved(cart::ItemRemoved { user }) = "cart.item_removed" version 1 {
        stream "cart-{user}";
        subject "cart.{user}.item_removed";
        audience "user:{user}" = [Token::User(*user)];
    }
    /// A cart became an order and is empty again.
    CartCheckedOut(cart::CheckedOut { user }) = "cart.checked_out" version 1 {
        stream "cart-{user}";
        subject "cart.{user}.checked_out";
        audience "user:{user}" = [Token::User(*user)];
    }
    /// A customer ordered what was in the cart.
    OrderPlaced(order::OrderPlaced { order, customer }) = "order.placed" version 1 {
        stream "order-{order}";
        subject "order.{order}.placed";
        audience "user:{customer} staff" = desk_and(*customer);
        personal ["name", "address"];
    }
    /// An order is checked and paid for, and can be dispatched.
    OrderConfirmed(order::OrderConfirmed { order, customer }) = "order.confirmed" version 1 {
        stream "order-{order}";
        subject "order.{order}.confirmed";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// Somebody of the desk looks after an order.
    OrderClaimed(order::OrderClaimed { order }) = "order.claimed" version 1 {
        stream "order-{order}";
        subject "order.{order}.claimed";
        audience "staff" = [Token::Staff];
        personal ["name"];
    }
    /// The desk handed an order to the courier.
    OrderDispatched(order::OrderDispatched { order, customer }) = "order.dispatched" version 1 {
        stream "order-{order}";
        subject "order.{order}.dispatched";
        audience "user:{customer} staff" = desk_and(*customer);
        personal ["name"];
    }
    /// An order has arrived.
    OrderDelivered(order::OrderDelivered { order, customer }) = "order.delivered" version 1 {
        stream "order-{order}";
        subject "order.{order}.delivered";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// Nothing comes of an order.
    OrderCancelled(order::OrderCancelled { order, customer }) = "order.cancelled" version 1 {
        stream "order-{order}";
        subject "order.{order}.cancelled";
        audience "user:{customer} staff" = desk_and(*customer);
        personal ["note"];
    }
    /// The desk gave the money for a delivered order back.
    OrderRefunded(order::OrderRefunded { order, customer }) = "order.refunded" version 1 {
        stream "order-{order}";
        subject "order.{order}.refunded";
        audience "user:{customer} staff" = desk_and(*customer);
        personal ["note"];
    }
    /// What an order waited for did not come in time.
    OrderTimedOut(order::OrderTimedOut { order, customer }) = "order.timed_out" version 1 {
        stream "order-{order}";
        subject "order.{order}.timed_out";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// The saga of an order asks a service for the next step.
    OrderStepRequested(order::StepRequested { order, customer }) = "order.step_requested" version 1 {
        stream "order-{order}";
        subject "order.{order}.step_requested";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// Pieces of a product came in.
    StockReceived(stock::StockReceived { sku }) = "stock.received" version 1 {
        stream "stock-{sku}";
        subject "stock.{sku}.received";
        audience "staff" = [Token::Staff];
    }
    /// There are more or fewer of a product, or more or fewer to be had.
    StockLevelChanged(stock::LevelChanged { sku }) = "stock.level_changed" version 1 {
        stream "stock-{sku}";
        subject "stock.{sku}.level_changed";
        audience "everyone" = everyone();
    }
    /// All products of an order are kept for it.
    StockReserved(stock::StockReserved { order, customer }) = "stock.reserved" version 1 {
        stream "reservation-{order}";
        subject "stock.{order}.reserved";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// There was not enough for an order, so nothing is kept for it.
    StockRejected(stock::StockRejected { order, customer }) = "stock.rejected" version 1 {
        stream "reservation-{order}";
        subject "stock.{order}.rejected";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// The products of an order are kept for it no longer.
    StockReleased(stock::StockReleased { order, customer }) = "stock.released" version 1 {
        stream "reservation-{order}";
        subject "stock.{order}.released";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// The products of an order have left the house.
    StockCommitted(stock::StockCommitted { order, customer }) = "stock.committed" version 1 {
        stream "reservation-{order}";
        subject "stock.{order}.committed";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// The products of an order came back.
    StockReturned(stock::StockReturned { order, customer }) = "stock.returned" version 1 {
        stream "reservation-{order}";
        subject "stock.{order}.returned";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// There is nothing unusual about an order.
    ReviewCleared(review::ReviewCleared { order, customer }) = "review.cleared" version 1 {
        stream "review-{order}";
        subject "review.{order}.cleared";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// A person must look at an order before it goes on.
    ReviewFlagged(review::ReviewFlagged { order, customer }) = "review.flagged" version 1 {
        stream "review-{order}";
        subject "review.{order}.flagged";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// Somebody of the desk lets a flagged order go on.
    ReviewApproved(review::ReviewApproved { order, customer }) = "review.approved" version 1 {
        stream "review-{order}";
        subject "review.{order}.approved";
        audience "user:{customer} staff" = desk_and(*customer);
        personal ["name", "note"];
    }
    /// Somebody of the desk stopped a flagged order.
    ReviewRejected(review::ReviewRejected { order, customer }) = "review.rejected" version 1 {
        stream "review-{order}";
        subject "review.{order}.rejected";
        audience "user:{customer} staff" = desk_and(*customer);
        personal ["name", "note"];
    }
    /// A customer has a wallet.
    WalletOpened(wallet::WalletOpened { user }) = "wallet.opened" version 1 {
        stream "wallet-{user}";
        subject "wallet.{user}.opened";
        audience "user:{user}" = [Token::User(*user)];
    }
    /// A customer put money into their wallet.
    WalletDeposited(wallet::WalletDeposited { user }) = "wallet.deposited" version 1 {
        stream "wallet-{user}";
        subject "wallet.{user}.deposited";
        audience "user:{user}" = [Token::User(*user)];
    }
    /// The money for an order is held.
    PaymentAuthorized(payment::PaymentAuthorized { order, customer }) = "payment.authorized" version 1 {
        stream "wallet-{customer}";
        subject "payment.{order}.authorized";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// The money for an order was not to be had.
    PaymentDeclined(payment::PaymentDeclined { order, customer }) = "payment.declined" version 1 {
        stream "wallet-{customer}";
        subject "payment.{order}.declined";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// The money for an order was taken.
    PaymentCaptured(payment::PaymentCaptured { order, customer }) = "payment.captured" version 1 {
        stream "wallet-{customer}";
        subject "payment.{order}.captured";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// The money for an order is held no longer.
    PaymentVoided(payment::PaymentVoided { order, customer }) = "payment.voided" version 1 {
        stream "wallet-{customer}";
        subject "payment.{order}.voided";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// The money for an order went back.
    PaymentRefunded(payment::PaymentRefunded { order, customer }) = "payment.refunded" version 1 {
        stream "wallet-{customer}";
        subject "payment.{order}.refunded";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// There is a parcel for an order.
    ShipmentCreated(shipment::ShipmentCreated { order, customer }) = "shipment.created" version 1 {
        stream "shipment-{order}";
        subject "shipment.{order}.created";
        audience "user:{customer} staff" = desk_and(*customer);
        personal ["address"];
    }
    /// A parcel is on its way.
    ShipmentDispatched(shipment::ShipmentDispatched { order, customer }) = "shipment.dispatched" version 1 {
        stream "shipment-{order}";
        subject "shipment.{order}.dispatched";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// A parcel was seen somewhere.
    ShipmentPositionReported(shipment::PositionReported { order, customer }) = "shipment.position_reported" version 1 {
        stream "shipment-{order}";
        subject "shipment.{order}.position_reported";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// A parcel has arrived.
    ShipmentDelivered(shipment::ShipmentDelivered { order, customer }) = "shipment.delivered" version 1 {
        stream "shipment-{order}";
        subject "shipment.{order}.delivered";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// A parcel will not arrive.
    ShipmentFailed(shipment::ShipmentFailed { order, customer }) = "shipment.failed" version 1 {
        stream "shipment-{order}";
        subject "shipment.{order}.failed";
        audience "user:{customer} staff" = desk_and(*customer);
    }
    /// Somebody is told something.
    NotificationRaised(notification::NotificationRaised { user }) = "notification.raised" version 1 {
        stream "notification-{user}";
        subject "notification.{user}.raised";
        audience "user:{user}" = [Token::User(*user)];
        personal ["text"];
    }
    /// Somebody has read what they were told, up to a position.
    NotificationRead(notification::NotificationRead { user }) = "notification.read" version 1 {
        stream "notification-{user}";
        subject "notification.{user}.read";
        audience "user:{user}" = [Token::User(*user)];
    }
    /// Somebody was told by mail.
    NotificationEmailSent(notification::EmailSent { user }) = "notification.email_sent" version 1 {
        stream "notification-{user}";
        subject "notification.{user}.email_sent";
        audience "user:{user}" = [Token::User(*user)];
    }
    /// Somebody could not be told by mail.
    NotificationEmailFailed(notification::EmailFailed { user }) = "notification.email_failed" version 1 {
        stream "notification-{user}";
        subject "notification.{user}.email_failed";
        audience "user:{user}" = [Token::User(*user)];
    }
    /// An operator told a service to wait.
    ServicePaused(service::Paused { service }) = "service.paused" version 1 {
        stream "service-{service}";
        subject "service.{service}.paused";
        audience "staff operator" = [Token::Staff, Token::Operator];
    }
    /// An operator told a service to go on.
    ServiceResumed(service::Resumed { service }) = "service.resumed" version 1 {
        stream "service-{service}";
        subject "service.{service}.resumed";
        audience "staff operator" = [Token::Staff, Token::Operator];
    }
    /// A service could not handle an event and has put it aside, with every later event of its key behind it.
    ServiceDeadLetterParked(service::DeadLetterParked { service }) = "service.dead_letter_parked" version 1 {
        stream "service-{service}";
        subject "service.{service}.dead_letter_parked";
        audience "staff operator" = [Token::Staff, Token::Operator];
    }
    /// An operator has the dead letters of a key handled again.
    ServiceDeadLetterRedriven(service::DeadLetterRedriven { service }) = "service.dead_letter_redriven" version 1 {
        stream "service-{service}";
        subject "service.{service}.dead_letter_redriven";
        audience "staff operator" = [Token::Staff, Token::Operator];
    }
    /// An operator gave dead letters of a key up.
    ServiceDeadLetterDiscarded(service::DeadLetterDiscarded { service }) = "service.dead_letter_discarded" version 1 {
        stream "service-{service}";
        subject "service.{service}.dead_letter_discarded";
        audience "staff operator" = [Token::Staff, Token::Operator];
    }
    /// A stored projection was built anew, and is read from now on.
    ServiceProjectionRebuilt(service::ProjectionRebuilt { projection }) = "service.projection_rebuilt" version 1 {
        stream "service-{projection}";
        subject "service.{projection}.projection_rebuilt";
        audience "staff operator" = [Token::Staff, Token::Operator];
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
    /// Put a product on sale (staff).
    CatalogListProduct(catalog::ListProduct) = "catalog.list_product";
    /// Change what a product costs (staff).
    CatalogChangePrice(catalog::ChangePrice) = "catalog.change_price";
    /// Sell a product no longer (staff).
    CatalogRetireProduct(catalog::RetireProduct) = "catalog.retire_product";
    /// Put a product into one's cart.
    CartAddItem(cart::AddItem) = "cart.add_item";
    /// Want another number of a product.
    CartSetQuantity(cart::SetQuantity) = "cart.set_quantity";
    /// Take a product out of one's cart.
    CartRemoveItem(cart::RemoveItem) = "cart.remove_item";
    /// Order what is in one's cart.
    OrderPlace(order::Place) = "order.place";
    /// Cancel an order that has not arrived yet (one's own; staff: any).
    OrderCancel(order::Cancel) = "order.cancel";
    /// Look after an order (staff).
    OrderClaim(order::Claim) = "order.claim";
    /// Hand a confirmed order to the courier (staff).
    OrderDispatch(order::Dispatch) = "order.dispatch";
    /// Give the money for a delivered order back (staff).
    OrderRefund(order::Refund) = "order.refund";
    /// Confirm an order (services).
    OrderConfirm(order::Confirm) = "order.confirm";
    /// Note that an order has arrived (services).
    OrderDeliver(order::Deliver) = "order.deliver";
    /// Give an order up (services).
    OrderAbort(order::Abort) = "order.abort";
    /// Note that an order has waited too long (services).
    OrderExpire(order::Expire) = "order.expire";
    /// Ask a service for the next step of an order (services).
    OrderRequestStep(order::RequestStep) = "order.request_step";
    /// Take pieces of a product in (staff).
    StockReceive(stock::Receive) = "stock.receive";
    /// Keep the products of an order for it: all of them or none (services).
    StockReserve(stock::Reserve) = "stock.reserve";
    /// Keep them no longer (services).
    StockRelease(stock::Release) = "stock.release";
    /// Let them leave the house (services).
    StockCommit(stock::Commit) = "stock.commit";
    /// Take them back (services).
    StockTakeBack(stock::TakeBack) = "stock.take_back";
    /// See whether a person must look at an order (services).
    ReviewCheck(review::CheckReview) = "review.check";
    /// Let a flagged order go on (staff).
    ReviewApprove(review::ApproveReview) = "review.approve";
    /// Stop a flagged order (staff).
    ReviewReject(review::RejectReview) = "review.reject";
    /// Give somebody a wallet (services).
    WalletOpen(wallet::Open) = "wallet.open";
    /// Put money into one's wallet.
    WalletDeposit(wallet::Deposit) = "wallet.deposit";
    /// Hold the money for an order (services).
    PaymentAuthorize(payment::AuthorizePayment) = "payment.authorize";
    /// Take the money that is held (services).
    PaymentCapture(payment::CapturePayment) = "payment.capture";
    /// Hold the money no longer (services).
    PaymentVoid(payment::VoidPayment) = "payment.void";
    /// Give the money back that was taken (services).
    PaymentRefund(payment::RefundPayment) = "payment.refund";
    /// Make a parcel of a confirmed order (services).
    ShipmentCreate(shipment::CreateShipment) = "shipment.create";
    /// Send a parcel on its way (services).
    ShipmentDispatch(shipment::DispatchShipment) = "shipment.dispatch";
    /// Say where a parcel is (the couriers' devices).
    ShipmentReportPosition(shipment::ReportPosition) = "shipment.report_position";
    /// Note that a parcel has arrived (services).
    ShipmentDeliver(shipment::DeliverShipment) = "shipment.deliver";
    /// Note that a parcel will not arrive (services).
    ShipmentFail(shipment::FailShipment) = "shipment.fail";
    /// Tell somebody something (services).
    NotificationRaise(notification::Raise) = "notification.raise";
    /// Note how far one has read what one was told.
    NotificationMarkRead(notification::MarkNotificationsRead) = "notification.mark_read";
    /// Note that a notification was mailed (services).
    NotificationNoteEmailSent(notification::NoteEmailSent) = "notification.note_email_sent";
    /// Note that a notification could not be mailed (services).
    NotificationNoteEmailFailure(notification::NoteEmailFailure) = "notification.note_email_failure";
    /// Tell a service to wait (operators only).
    ServicePause(service::Pause) = "service.pause";
    /// Tell a service to go on (operators only).
    ServiceResume(service::Resume) = "service.resume";
    /// Put aside an event that cannot be handled. Sent by the service itself.
    ServicePark(service::Park) = "service.park";
    /// Have the dead letters of a key handled again, in order (operators only).
    ServiceRedrive(service::Redrive) = "service.redrive";
    /// Give up the first dead letter of a key, or all of them (operators only).
    ServiceDiscard(service::Discard) = "service.discard";
    /// Note that a stored projection was built anew. Sent by the service that builds it.
    ServiceNoteRebuilt(service::NoteRebuilt) = "service.note_rebuilt";
}

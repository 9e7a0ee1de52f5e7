//! One event of every type, as it might really happen. The golden samples were made from these; since
//! then the golden samples are the truth and these may change with the code.

use domain::{
    Actor, Cents, Currency, Envelope, Event, EventId, NotificationId, OrderId, Position, ServiceName,
    SessionId, StreamId, Timestamp, UserId,
    account::{ProfileChanged, Registered, Role, RoleChanged, SessionEnded},
    cart::{CheckedOut, ItemAdded, ItemRemoved, QuantityChanged},
    catalog::{PriceChanged, ProductListed, ProductRetired},
    chat::{
        MemberJoined, MemberLeft, MessageDeleted, MessageEdited, MessagePosted, ReactionAdded,
        ReactionRemoved, RoomOpened, RoomRead,
    },
    envelope::Meta,
    notification::{EmailFailed, EmailSent, MailFault, NotificationRaised, NotificationRead},
    order::{
        CancelReason, OrderCancelled, OrderClaimed, OrderConfirmed, OrderDelivered, OrderDispatched,
        OrderLine, OrderPlaced, OrderRefunded, OrderTimedOut, Step, StepRequested, Wait,
    },
    payment::{Decline, PaymentAuthorized, PaymentCaptured, PaymentDeclined, PaymentRefunded, PaymentVoided},
    review::{ReviewApproved, ReviewCleared, ReviewFlag, ReviewFlagged, ReviewRejected},
    service::{
        DeadLetterDiscarded, DeadLetterParked, DeadLetterRedriven, Paused, ProjectionRebuilt, Resumed,
    },
    shipment::{
        PositionReported, ShipmentCreated, ShipmentDelivered, ShipmentDispatched, ShipmentFailed,
        ShipmentFault,
    },
    stock::{
        LevelChanged, Shortage, StockCommitted, StockLine, StockReceived, StockRejected, StockReleased,
        StockReserved, StockReturned,
    },
    wallet::{WalletDeposited, WalletOpened},
};
use uuid::Uuid;

use super::{room, sku};

/// What the names in the samples stand for.
fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0193_4a5c_0000_7000_8000_0000_0000_0000 + number)
}

/// One event of every type, in the order of the table.
pub(crate) fn all() -> Vec<Event> {
    people_and_rooms()
        .into_iter()
        .chain(goods())
        .chain(orders())
        .chain(money_parcels_and_bells())
        .chain(services())
        .collect()
}

fn people_and_rooms() -> Vec<Event> {
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

fn services() -> Vec<Event> {
    let mail = || ServiceName::new("mail").expect("a valid name");
    let olga = || Actor::User(UserId(id(0x01a)));
    let key = || StreamId::room(&room("lobby")).to_string();
    vec![
        Paused { service: mail(), by: olga(), reason: Some("The mail server is being moved.".into()) }.into(),
        Resumed { service: mail(), by: olga() }.into(),
        DeadLetterParked {
            service: mail(),
            key: key(),
            at: Position(41),
            kind: "chat.message_posted".into(),
            error: "The mail server does not know this mailbox.".into(),
            attempts: 8,
        }
        .into(),
        DeadLetterRedriven { service: mail(), key: key(), by: olga() }.into(),
        DeadLetterDiscarded {
            service: mail(),
            key: key(),
            at: Some(Position(41)),
            reason: "The mailbox was closed.".into(),
            by: olga(),
        }
        .into(),
        ProjectionRebuilt {
            projection: ServiceName::new("search").expect("a valid name"),
            generation: 2,
            events: 41,
            took_ms: 12,
        }
        .into(),
    ]
}

fn goods() -> Vec<Event> {
    let (user, order) = (UserId(id(0xada)), OrderId(id(0x0d)));
    let mug = || sku("mug-blue");
    let price_cents = Cents(1_290);
    vec![
        ProductListed {
            sku: mug(),
            title: "Blue mug".into(),
            price_cents,
            currency: Currency::Eur,
            description: Some("Thrown by hand, glazed twice.".into()),
            category: Some("Table".into()),
        }
        .into(),
        PriceChanged { sku: mug(), price_cents: Cents(1_490) }.into(),
        ProductRetired { sku: mug() }.into(),
        ItemAdded { user, sku: mug(), quantity: 2, price_cents }.into(),
        QuantityChanged { user, sku: mug(), quantity: 3, price_cents }.into(),
        ItemRemoved { user, sku: mug() }.into(),
        CheckedOut { user, order, at: Timestamp::from_millis(1_795_000_000_123) }.into(),
    ]
}

fn orders() -> Vec<Event> {
    let (customer, by, order) = (UserId(id(0xada)), UserId(id(0xb0)), OrderId(id(0x0d)));
    let name = || "Bo".to_owned();
    let lines = || {
        vec![
            StockLine { sku: sku("mug-blue"), quantity: 2 },
            StockLine { sku: sku("tea-green"), quantity: 1 },
        ]
    };
    let line = |number, title: &str, quantity, price_cents| OrderLine {
        sku: sku(number),
        title: title.into(),
        quantity,
        price_cents,
    };
    let short = Shortage { sku: sku("mug-blue"), title: "Blue mug".into(), wanted: 2, available: 1 };
    vec![
        OrderPlaced {
            order,
            customer,
            name: "Ada".into(),
            lines: vec![
                line("mug-blue", "Blue mug", 2, Cents(1_290)),
                line("tea-green", "Green tea", 1, Cents(450)),
            ],
            total_cents: Cents(3_030),
            currency: Currency::Eur,
            address: Some("Ada Lovelace\n12 St James's Square\nLondon".into()),
            recent_orders: 1,
        }
        .into(),
        OrderConfirmed { order, customer }.into(),
        OrderClaimed { order, customer, by, name: name() }.into(),
        OrderDispatched { order, customer, by, name: name() }.into(),
        OrderDelivered { order, customer }.into(),
        OrderCancelled {
            order,
            customer,
            by: Actor::User(customer),
            reason: CancelReason::Asked,
            note: Some("I found one in the attic.".into()),
        }
        .into(),
        OrderRefunded {
            order,
            customer,
            by,
            total_cents: Cents(3_030),
            note: Some("It was cracked.".into()),
        }
        .into(),
        OrderTimedOut { order, customer, waiting_for: Wait::Authorize }.into(),
        StepRequested { order, customer, step: Step::Reserve }.into(),
        StockReceived { sku: sku("mug-blue"), quantity: 12 }.into(),
        LevelChanged { sku: sku("mug-blue"), on_hand: 12, available: 10 }.into(),
        StockReserved { order, customer, lines: lines() }.into(),
        StockRejected { order, customer, lines: lines(), short: vec![short] }.into(),
        StockReleased { order, customer, lines: lines() }.into(),
        StockCommitted { order, customer, lines: lines() }.into(),
        StockReturned { order, customer, lines: lines() }.into(),
        ReviewCleared { order, customer }.into(),
        ReviewFlagged { order, customer, flags: vec![ReviewFlag::LargeOrder, ReviewFlag::ManyOrders] }.into(),
        ReviewApproved { order, customer, by, name: name(), note: Some("A regular.".into()) }.into(),
        ReviewRejected { order, customer, by, name: name(), note: Some("Nobody answered.".into()) }.into(),
    ]
}

fn money_parcels_and_bells() -> Vec<Event> {
    let (user, customer, order) = (UserId(id(0xada)), UserId(id(0xada)), OrderId(id(0x0d)));
    let (amount_cents, notification) = (Cents(3_030), NotificationId(id(0xbe)));
    vec![
        WalletOpened { user, currency: Currency::Eur, credit_cents: Cents(10_000) }.into(),
        WalletDeposited { user, amount_cents: Cents(5_000) }.into(),
        PaymentAuthorized { order, customer, amount_cents }.into(),
        PaymentDeclined { order, customer, amount_cents, reason: Decline::InsufficientFunds }.into(),
        PaymentCaptured { order, customer, amount_cents }.into(),
        PaymentVoided { order, customer, amount_cents }.into(),
        PaymentRefunded { order, customer, amount_cents }.into(),
        ShipmentCreated { order, customer, address: Some("12 St James's Square".into()) }.into(),
        ShipmentDispatched { order, customer }.into(),
        PositionReported { order, customer, latitude_e6: 51_507_222, longitude_e6: -134_722 }.into(),
        ShipmentDelivered { order, customer }.into(),
        ShipmentFailed { order, customer, reason: ShipmentFault::Undeliverable }.into(),
        NotificationRaised {
            user,
            notification,
            text: "Your order is on its way.".into(),
            link: Some(format!("/orders/{order}")),
        }
        .into(),
        NotificationRead { user, upto: Position(41) }.into(),
        EmailSent { user, notification }.into(),
        EmailFailed { user, notification, reason: MailFault::Unreachable }.into(),
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
        Event::OrderPlaced(_) => (ada, 1),
        Event::OrderClaimed(_) | Event::OrderDispatched(_) | Event::OrderRefunded(_) => (bo, 3),
        Event::ReviewApproved(_) | Event::ReviewRejected(_) | Event::StockReceived(_) => (bo, 2),
        Event::CatalogProductListed(_) => (bo, 1),
        Event::CatalogPriceChanged(_) | Event::CatalogProductRetired(_) | Event::StockLevelChanged(_) => {
            (bo, 2)
        }
        Event::WalletOpened(_) => (Actor::Service("welcome".into()), 1),
        Event::ShipmentPositionReported(_) => (Actor::External("courier/7".into()), 3),
        Event::ServiceDeadLetterParked(_) | Event::ServiceProjectionRebuilt(_) => {
            (Actor::Service("mail".into()), 3)
        }
        Event::ServicePaused(_)
        | Event::ServiceResumed(_)
        | Event::ServiceDeadLetterRedriven(_)
        | Event::ServiceDeadLetterDiscarded(_) => (Actor::User(UserId(id(0x01a))), 4),
        _ => match event.kind().name.split_once('.').expect("a context").0 {
            "order" if !matches!(event, Event::OrderCancelled(_)) => (Actor::Service("orders".into()), 2),
            "stock" | "review" | "payment" | "shipment" => (Actor::Service("orders".into()), 2),
            "notification" if !matches!(event, Event::NotificationRead(_)) => {
                (Actor::Service("notifications".into()), 2)
            }
            _ => (ada, 2),
        },
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

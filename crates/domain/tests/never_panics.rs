//! Whatever arrives is refused or understood; nothing panics. And what is understood is written back as
//! something that is understood the same way.

mod common;

use std::{collections::HashMap, str::FromStr};

use common::{
    ADA, decide_as_the_committer,
    history::{ROOMS, play, wishes},
    instant, samples,
    shop::{PRODUCTS, Shop, errands},
};
use domain::{
    Actor, Aggregate, Audience, Command, CommandId, Context, Cursor, Epoch, EventId, Handle, Intent, Pattern,
    Position, Recorded, RoomId, Sku, StreamId, Subject, Timestamp, Token, UserId,
    contract::{self, INTENTS, KINDS},
    order::Step,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Any JSON, often with the names and values that the contract knows.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        known_value(),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(field(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => prop::sample::select(vec![
            "room", "title", "private", "user", "message", "text", "reply_to", "reaction", "upto", "name",
            "handle", "role", "session", "by", "author", "sku", "quantity", "order", "customer", "lines",
            "price_cents", "amount_cents", "expected_total_cents", "reason", "address", "link", "notification",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn known_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::from(ADA.to_string())),
        Just(Value::from(Uuid::from_u128(0xc000_0005).to_string())),
        prop::sample::select(ROOMS.map(|(address, _)| address).to_vec()).prop_map(Value::from),
        prop::sample::select(vec!["customer", "desk", "operator", "👍", "", "hello"]).prop_map(Value::from),
        (0_u64..60).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ]
}

/// A payload that fits the command far more often than chance would have it.
fn payload(name: &'static str) -> BoxedStrategy<Value> {
    let user = || prop::sample::select(common::PEOPLE.map(|(user, ..)| user.to_string()).to_vec());
    let address = || prop::sample::select(ROOMS.map(|(address, _)| address).to_vec());
    let id = || (0_u128..60).prop_map(|n| Uuid::from_u128(0xc000_0000 + n).to_string());
    let text = || prop_oneof![any::<String>(), "[a-z ]{0,70}", Just("x".repeat(5_000))];
    let role = || prop::sample::select(vec!["customer", "desk", "operator"]);
    let object = |pairs: Vec<(&str, Value)>| {
        Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    };
    match name {
        "account.register" => (id(), "[a-z]{2,4}", text(), role())
            .prop_map(move |(user, handle, name, role)| {
                object(vec![
                    ("user", user.into()),
                    ("handle", handle.into()),
                    ("name", name.into()),
                    ("role", role.into()),
                ])
            })
            .boxed(),
        "account.change_profile" => text().prop_map(move |n| object(vec![("name", n.into())])).boxed(),
        "account.change_role" => (user(), role())
            .prop_map(move |(u, r)| object(vec![("user", u.into()), ("role", r.into())]))
            .boxed(),
        "account.end_session" => (user(), id())
            .prop_map(move |(u, s)| object(vec![("user", u.into()), ("session", s.into())]))
            .boxed(),
        "chat.open_room" => ("[a-z]{1,5}", text(), any::<bool>())
            .prop_map(move |(r, t, p)| {
                object(vec![("room", r.into()), ("title", t.into()), ("private", p.into())])
            })
            .boxed(),
        "chat.add_member" | "chat.remove_member" => (address(), user())
            .prop_map(move |(r, u)| object(vec![("room", r.into()), ("user", u.into())]))
            .boxed(),
        "chat.post_message" => (address(), text(), prop::option::of(id()))
            .prop_map(move |(r, t, m)| {
                object(vec![("room", r.into()), ("text", t.into()), ("reply_to", m.into())])
            })
            .boxed(),
        "chat.edit_message" => (address(), text(), id())
            .prop_map(move |(r, t, m)| {
                object(vec![("room", r.into()), ("text", t.into()), ("message", m.into())])
            })
            .boxed(),
        "chat.delete_message" => (address(), id())
            .prop_map(move |(r, m)| object(vec![("room", r.into()), ("message", m.into())]))
            .boxed(),
        "chat.add_reaction" | "chat.remove_reaction" => (address(), id(), text())
            .prop_map(move |(r, m, t)| {
                object(vec![("room", r.into()), ("message", m.into()), ("reaction", t.into())])
            })
            .boxed(),
        "chat.mark_read" => (address(), any::<u64>())
            .prop_map(move |(r, upto)| object(vec![("room", r.into()), ("upto", upto.into())]))
            .boxed(),
        "service.pause" => (address(), prop::option::of(text()))
            .prop_map(move |(s, t)| object(vec![("service", s.into()), ("reason", t.into())]))
            .boxed(),
        "service.resume" => address().prop_map(move |s| object(vec![("service", s.into())])).boxed(),
        "service.park" => (address(), text(), any::<u64>())
            .prop_map(move |(s, t, at)| {
                object(vec![
                    ("service", s.into()),
                    ("key", t.clone().into()),
                    ("at", at.into()),
                    ("kind", t.clone().into()),
                    ("error", t.into()),
                    ("attempts", 8.into()),
                ])
            })
            .boxed(),
        "service.redrive" => (address(), text())
            .prop_map(move |(s, t)| object(vec![("service", s.into()), ("key", t.into())]))
            .boxed(),
        "service.discard" => (address(), text(), prop::option::of(any::<u64>()))
            .prop_map(move |(s, t, at)| {
                object(vec![
                    ("service", s.into()),
                    ("key", t.clone().into()),
                    ("at", at.into()),
                    ("reason", t.into()),
                ])
            })
            .boxed(),
        "service.note_rebuilt" => (address(), any::<u64>())
            .prop_map(move |(s, n)| {
                object(vec![
                    ("projection", s.into()),
                    ("generation", 2.into()),
                    ("events", n.into()),
                    ("took_ms", n.into()),
                ])
            })
            .boxed(),
        other => shop_payload(other),
    }
}

/// The same for the commands of the shop: their fields are few, and mean the same everywhere.
fn shop_payload(name: &'static str) -> BoxedStrategy<Value> {
    let user = || prop::sample::select(common::PEOPLE.map(|(user, ..)| user.to_string()).to_vec());
    let order = || (0_u128..60).prop_map(|n| Uuid::from_u128(0xc000_0000 + n).to_string());
    let sku = || prop::sample::select(PRODUCTS.map(|(number, ..)| number).to_vec());
    let cents = || prop_oneof![any::<i64>(), 0_i64..100_000];
    let text = || prop_oneof![any::<String>(), "[a-z ]{0,70}", "/[a-z/]{0,9}", Just("x".repeat(5_000))];
    let degrees = || any::<i32>();
    let (reason, wait) = ("asked", "reserve");
    match name {
        "catalog.list_product" => (sku(), text(), cents())
            .prop_map(|(sku, title, price)| json!({ "sku": sku, "title": title, "price_cents": price }))
            .boxed(),
        "catalog.change_price" => {
            (sku(), cents()).prop_map(|(sku, price)| json!({ "sku": sku, "price_cents": price })).boxed()
        }
        "catalog.retire_product" | "cart.remove_item" => sku().prop_map(|sku| json!({ "sku": sku })).boxed(),
        "cart.add_item" | "cart.set_quantity" | "stock.receive" => {
            (sku(), prop_oneof![any::<u32>(), 0..120_u32])
                .prop_map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity }))
                .boxed()
        }
        "order.place" => (cents(), prop::option::of(text()))
            .prop_map(|(total, address)| json!({ "expected_total_cents": total, "address": address }))
            .boxed(),
        "order.cancel" | "order.refund" | "review.approve" | "review.reject" => {
            (order(), prop::option::of(text()))
                .prop_map(|(order, reason)| json!({ "order": order, "reason": reason }))
                .boxed()
        }
        "order.abort" => order().prop_map(move |order| json!({ "order": order, "reason": reason })).boxed(),
        "order.expire" => {
            order().prop_map(move |order| json!({ "order": order, "waiting_for": wait })).boxed()
        }
        "order.request_step" => prop::sample::select(Step::ALL.to_vec())
            .prop_flat_map(move |step| order().prop_map(move |order| json!({ "order": order, "step": step })))
            .boxed(),
        "shipment.fail" => order().prop_map(|order| json!({ "order": order, "reason": "lost" })).boxed(),
        "shipment.report_position" => (order(), degrees(), degrees())
            .prop_map(
                |(order, north, east)| json!({ "order": order, "latitude_e6": north, "longitude_e6": east }),
            )
            .boxed(),
        "wallet.open" => (user(), cents())
            .prop_map(|(user, credit)| json!({ "user": user, "credit_cents": credit }))
            .boxed(),
        "wallet.deposit" => cents().prop_map(|amount| json!({ "amount_cents": amount })).boxed(),
        "notification.raise" => (user(), text(), prop::option::of(text()))
            .prop_map(|(user, text, link)| json!({ "user": user, "text": text, "link": link }))
            .boxed(),
        "notification.mark_read" => any::<u64>().prop_map(|upto| json!({ "upto": upto })).boxed(),
        "notification.note_email_sent" => (user(), order())
            .prop_map(|(user, notification)| json!({ "user": user, "notification": notification }))
            .boxed(),
        "notification.note_email_failure" => (user(), order())
            .prop_map(|(user, id)| json!({ "user": user, "notification": id, "reason": "refused" }))
            .boxed(),
        other
            if ["order.", "stock.", "review.", "payment.", "shipment."]
                .iter()
                .any(|of| other.starts_with(of)) =>
        {
            order().prop_map(|order| json!({ "order": order })).boxed()
        }
        other => panic!("{other} is new: say here what its payload looks like"),
    }
}

fn any_command() -> impl Strategy<Value = Command> {
    let intent = prop::sample::select(INTENTS)
        .prop_flat_map(|(name, _)| payload(name).prop_map(move |data| (name, data)))
        .prop_map(|(name, data)| {
            Intent::parse(name, &data.to_string())
                .unwrap_or_else(|error| panic!("the payload of {name} does not fit: {error}"))
        });
    let actor = prop_oneof![
        8 => prop::sample::select(common::PEOPLE.map(|(user, ..)| Actor::User(user)).to_vec()),
        1 => any::<u128>().prop_map(|id| Actor::User(UserId(Uuid::from_u128(id)))),
        4 => any::<String>().prop_map(Actor::Service),
        1 => any::<String>().prop_map(Actor::External),
    ];
    (0_u128..60, actor, intent, prop::option::weighted(0.2, any::<u64>()), 0_u8..40).prop_map(
        |(id, actor, intent, expected_version, hop)| Command {
            expected_version,
            hop,
            ..Command::new(CommandId(Uuid::from_u128(0xc000_0000 + id)), actor, intent)
        },
    )
}

/// What is read is written as something that is read the same.
fn reads_what_it_writes<T: FromStr + ToString + PartialEq + std::fmt::Debug>(text: &str) {
    if let Ok(read) = T::from_str(text) {
        assert_eq!(T::from_str(&read.to_string()).ok().as_ref(), Some(&read), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn deciding_on_anything_grants_or_refuses(
        wishes in wishes(30),
        errands in errands(30),
        commands in prop::collection::vec(any_command(), 1..20),
    ) {
        let mut shop = Shop::in_log(play(&wishes).log);
        errands.iter().for_each(|errand| shop.errand(errand));
        let mut known: HashMap<StreamId, (Aggregate, u64)> = HashMap::new();
        for envelope in &shop.log.envelopes {
            let stream = envelope.meta.stream.clone();
            let (aggregate, version) = known.entry(stream.clone()).or_insert_with(|| (Aggregate::empty(&stream), 0));
            aggregate.fold(&envelope.event);
            *version += 1;
        }
        let head = shop.log.head();
        let context = Context { now: instant(head), head };
        for command in commands {
            match decide_as_the_committer(&known, &command, &context) {
                Ok(events) => for event in events {
                    prop_assert!(!event.audience().to_string().is_empty());
                    prop_assert_eq!(event.stream(), event.stream());
                    prop_assert!(event.subject().tokens().count() == 3);
                },
                Err(refusal) => prop_assert!(refusal.code().contains('.') && !refusal.to_string().is_empty()),
            }
        }
    }

    #[test]
    fn a_command_of_any_json_is_read_or_refused(
        name in prop::sample::select(INTENTS).prop_map(|(name, _)| name),
        data in any_json(),
    ) {
        if let Ok(intent) = Intent::parse(name, &data.to_string()) {
            prop_assert_eq!(intent.name(), name);
            prop_assert_eq!(Intent::parse(name, intent.data().get()), Ok(intent));
        }
    }

    #[test]
    fn a_command_of_any_text_is_read_or_refused(name in any::<String>(), data in any::<String>()) {
        let _ = Intent::parse(&name, &data);
        for (name, _) in INTENTS {
            let _ = Intent::parse(name, &data);
        }
    }

    #[test]
    fn a_payload_of_any_json_is_read_redacted_or_refused(
        kind in prop::sample::select(KINDS.iter().collect::<Vec<_>>()),
        version in 0_u16..5,
        data in any_json(),
    ) {
        let data = data.to_string();
        let _ = contract::redacted(kind.name, &data);
        if let Ok(event) = contract::decode(kind.name, version, &data) {
            prop_assert_eq!(event.kind().name, kind.name);
            prop_assert_eq!(
                contract::decode(kind.name, kind.version, event.data().get()),
                Ok(event)
            );
        }
    }

    #[test]
    fn an_envelope_of_any_bytes_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = serde_json::from_slice::<Recorded>(&bytes);
    }

    #[test]
    fn a_damaged_envelope_is_read_or_refused(
        nth in 0..KINDS.len(),
        at in any::<prop::sample::Index>(),
        cut in 0_usize..6,
        put in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..6),
            prop::sample::select(vec!["\"", "null", "{", "}", "0", "-1", "é", "99999999999999999999999"])
                .prop_map(|text| text.as_bytes().to_vec()),
        ],
    ) {
        let sample = samples::all().remove(nth);
        let mut bytes = samples::envelope(nth, sample).to_recorded().encode().into_bytes();
        let at = at.index(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, put);
        if let Ok(recorded) = serde_json::from_slice::<Recorded>(&bytes) {
            let again: Recorded = serde_json::from_str(&recorded.encode()).expect("what is written is read");
            prop_assert_eq!(&again.meta, &recorded.meta);
            if let Ok(envelope) = recorded.decode() {
                let _ = (envelope.event.stream(), envelope.event.subject(), envelope.event.audience());
            }
        }
    }

    #[test]
    fn every_small_word_of_the_vocabulary_is_read_or_refused(
        text in prop_oneof![
            any::<String>(),
            "[a-z0-9_.*>:-]{0,30}",
            "(user|room|service|staff|external):[a-z0-9-]{0,40}",
            "[0-9a-f]{16}\\.[0-9]{1,21}",
            "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})",
        ],
    ) {
        reads_what_it_writes::<Subject>(&text);
        reads_what_it_writes::<Pattern>(&text);
        reads_what_it_writes::<Token>(&text);
        reads_what_it_writes::<Audience>(&text);
        reads_what_it_writes::<Actor>(&text);
        reads_what_it_writes::<Cursor>(&text);
        reads_what_it_writes::<Epoch>(&text);
        reads_what_it_writes::<Position>(&text);
        reads_what_it_writes::<RoomId>(&text);
        reads_what_it_writes::<Sku>(&text);
        reads_what_it_writes::<Handle>(&text);
        reads_what_it_writes::<StreamId>(&text);
        reads_what_it_writes::<EventId>(&text);
        reads_what_it_writes::<Timestamp>(&text);
    }

    #[test]
    fn what_is_shown_of_a_text_is_clean(text in any::<String>(), max in 1_usize..40) {
        if let Ok(clean) = domain::text::clean(&text, max) {
            prop_assert!(!clean.is_empty() && clean.chars().count() <= max);
            prop_assert_eq!(clean.trim(), &clean);
            prop_assert!(clean.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t')));
            prop_assert_eq!(domain::text::clean(&clean, max), Ok(clean));
        }
        if let Ok(line) = domain::text::line(&text, max) {
            prop_assert!(line.chars().all(|c| !c.is_control()));
        }
    }
}

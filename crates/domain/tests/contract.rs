//! The table against what it promises: names, streams, subjects, audiences. And against an oracle that
//! knows nothing of tokens: over generated histories, everybody with `>` receives what is theirs and
//! nothing else.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{
    ADA, BO, Log, OLGA, PEOPLE,
    history::{play, wishes},
    room, samples,
    shop::{Shop, errands, open_for},
};
use domain::{
    Actor, Aggregate, Envelope, Event, Pattern, RoomId, State, UserId,
    access::{self, Access},
    account::Role,
    chat::{AddMember, OpenRoom, PostMessage, RemoveMember},
    contract::KINDS,
};
use proptest::prelude::*;
use serde_json::Value;

#[test]
fn every_type_has_a_sample_in_the_order_of_the_table() {
    let names: Vec<&str> = samples::all().iter().map(|event| event.kind().name).collect();
    let table: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(names, table, "tests/common/samples.rs holds one event of every type");
}

#[test]
fn a_name_is_a_context_and_what_happened_in_the_past_tense() {
    let irregular = ["left", "read", "out", "sent", "rebuilt", "redriven"];
    let mut seen = BTreeSet::new();
    for kind in KINDS {
        assert!(seen.insert(kind.name), "{} twice", kind.name);
        let (context, happened) = kind.name.split_once('.').expect(kind.name);
        assert!(
            kind.name.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'.')),
            "{}",
            kind.name
        );
        assert!(!context.is_empty() && !happened.contains('.'), "{}", kind.name);
        let verb = happened.rsplit('_').next().expect("a word");
        assert!(verb.ends_with("ed") || irregular.contains(&verb), "{} is no past tense", kind.name);
        assert_ne!(verb, "updated", "{} says nothing", kind.name);
        assert!(kind.summary.ends_with('.') && kind.version >= 1, "{}", kind.name);
    }
}

#[test]
fn every_type_has_one_stream_whose_aggregate_folds_it() {
    for event in samples::all() {
        let (kind, stream) = (event.kind(), event.stream());
        // Panics if the category has no aggregate.
        let _ = Aggregate::empty(&stream);
        assert_eq!(State::default().fold(&event), 1, "{}", kind.name);
        assert!(kind.stream.starts_with(&format!("{}-{{", stream.category())), "{}: {stream}", kind.name);
    }
}

#[test]
fn a_subject_begins_with_the_context_and_ends_with_what_happened() {
    for event in samples::all() {
        let (kind, subject) = (event.kind(), event.subject());
        let (context, happened) = kind.name.split_once('.').unwrap();
        let tokens: Vec<&str> = subject.tokens().collect();
        assert_eq!(tokens.first(), Some(&context), "{subject}");
        assert_eq!(tokens.last(), Some(&happened), "{subject}");
        assert_eq!(tokens.len(), 3, "{subject}: context, what it is about, what happened");
        assert!(!subject.is_signal(), "{subject}");
        assert!(kind.subject.starts_with(&format!("{context}.{{")), "{}", kind.subject);
    }
}

/// Who sees what, in words, for the samples: written down a second time, on purpose.
const AUDIENCES: [(&str, &str); 62] = [
    ("account.registered", "the person and the staff"),
    ("account.profile_changed", "the person and the staff"),
    ("account.role_changed", "the person and the operators"),
    ("account.session_ended", "the person"),
    ("chat.room_opened", "everyone, or the members and who opened it"),
    ("chat.member_joined", "the members and the person"),
    ("chat.member_left", "the members and the person"),
    ("chat.message_posted", "everyone, or the members"),
    ("chat.message_edited", "everyone, or the members"),
    ("chat.message_deleted", "everyone, or the members"),
    ("chat.reaction_added", "everyone, or the members"),
    ("chat.reaction_removed", "everyone, or the members"),
    ("chat.room_read", "the person"),
    ("catalog.product_listed", "everyone"),
    ("catalog.price_changed", "everyone"),
    ("catalog.product_retired", "everyone"),
    ("cart.item_added", "the person"),
    ("cart.quantity_changed", "the person"),
    ("cart.item_removed", "the person"),
    ("cart.checked_out", "the person"),
    ("order.placed", "the customer and the staff"),
    ("order.confirmed", "the customer and the staff"),
    ("order.claimed", "the staff"),
    ("order.dispatched", "the customer and the staff"),
    ("order.delivered", "the customer and the staff"),
    ("order.cancelled", "the customer and the staff"),
    ("order.refunded", "the customer and the staff"),
    ("order.timed_out", "the customer and the staff"),
    ("order.step_requested", "the customer and the staff"),
    ("stock.received", "the staff"),
    ("stock.level_changed", "everyone"),
    ("stock.reserved", "the customer and the staff"),
    ("stock.rejected", "the customer and the staff"),
    ("stock.released", "the customer and the staff"),
    ("stock.committed", "the customer and the staff"),
    ("stock.returned", "the customer and the staff"),
    ("review.cleared", "the customer and the staff"),
    ("review.flagged", "the customer and the staff"),
    ("review.approved", "the customer and the staff"),
    ("review.rejected", "the customer and the staff"),
    ("wallet.opened", "the person"),
    ("wallet.deposited", "the person"),
    ("payment.authorized", "the customer and the staff"),
    ("payment.declined", "the customer and the staff"),
    ("payment.captured", "the customer and the staff"),
    ("payment.voided", "the customer and the staff"),
    ("payment.refunded", "the customer and the staff"),
    ("shipment.created", "the customer and the staff"),
    ("shipment.dispatched", "the customer and the staff"),
    ("shipment.position_reported", "the customer and the staff"),
    ("shipment.delivered", "the customer and the staff"),
    ("shipment.failed", "the customer and the staff"),
    ("notification.raised", "the person"),
    ("notification.read", "the person"),
    ("notification.email_sent", "the person"),
    ("notification.email_failed", "the person"),
    ("service.paused", "the staff and the operators"),
    ("service.resumed", "the staff and the operators"),
    ("service.dead_letter_parked", "the staff and the operators"),
    ("service.dead_letter_redriven", "the staff and the operators"),
    ("service.dead_letter_discarded", "the staff and the operators"),
    ("service.projection_rebuilt", "the staff and the operators"),
];

#[test]
fn streams_subjects_and_audiences_are_what_the_table_says_of_them() {
    for event in samples::all() {
        let kind = event.kind();
        let data: Value = serde_json::from_str(event.data().get()).unwrap();
        let filled = |template: &str| {
            data.as_object().unwrap().iter().fold(template.to_owned(), |text, (field, value)| {
                text.replace(&format!("{{{field}}}"), value.as_str().unwrap_or_default())
            })
        };
        assert_eq!(event.stream().to_string(), filled(kind.stream));
        assert_eq!(event.subject().to_string(), filled(kind.subject));
        let tokens = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
        let audience = tokens(&event.audience().to_string());
        let said: Vec<_> = kind.audience.split(" | ").map(|case| tokens(&filled(case))).collect();
        assert!(said.contains(&audience), "{}: {audience:?} is none of {said:?}", kind.name);
    }
}

#[test]
fn every_audience_is_what_was_agreed() {
    for (event, (name, agreed)) in samples::all().into_iter().zip(AUDIENCES) {
        assert_eq!(event.kind().name, name);
        let data: Value = serde_json::from_str(event.data().get()).unwrap();
        let field = |field: &str| data[field].as_str().unwrap_or_else(|| panic!("{name} has no {field}"));
        let person = || format!("user:{}", field("user"));
        let members = || format!("room:{}", field("room"));
        for private in [false, true] {
            let mut tokens: Vec<String> = match agreed {
                "the person" => vec![person()],
                "the staff and the operators" => vec!["staff".into(), "operator".into()],
                "the person and the staff" => vec![person(), "staff".into()],
                "the person and the operators" => vec![person(), "operator".into()],
                "the members and the person" => vec![members(), person()],
                "the customer and the staff" => vec![format!("user:{}", field("customer")), "staff".into()],
                "the staff" => vec!["staff".into()],
                "everyone" => vec!["everyone".into()],
                _ if !private => vec!["everyone".into()],
                "everyone, or the members" => vec![members()],
                "everyone, or the members and who opened it" => {
                    vec![members(), format!("user:{}", field("by"))]
                }
                other => panic!("{other}"),
            };
            let event = with_privacy(&event, private);
            let audience = event.audience().to_string();
            let mut found: Vec<&str> = audience.split(' ').collect();
            tokens.sort();
            found.sort_unstable();
            assert_eq!(found, tokens, "{name}, private: {private}");
        }
    }
}

/// The same event in a private or a public room; itself if it is about neither.
fn with_privacy(event: &Event, private: bool) -> Event {
    let mut data: Value = serde_json::from_str(event.data().get()).expect("a payload is JSON");
    if let Some(field) = data.get_mut("private") {
        *field = private.into();
    }
    let kind = event.kind();
    domain::contract::decode(kind.name, kind.version, &data.to_string()).expect("it still fits")
}

#[test]
fn no_payload_has_room_for_a_credential_or_an_address() {
    const NEVER: [&str; 14] = [
        "password",
        "passwd",
        "secret",
        "token",
        "credential",
        "hash",
        "salt",
        "cookie",
        "api_key",
        "mail",
        "phone",
        "authorization",
        "otp",
        "pin",
    ];
    for event in samples::all() {
        let data: Value = serde_json::from_str(event.data().get()).unwrap();
        for field in data.as_object().unwrap().keys() {
            let offending = NEVER.iter().find(|never| {
                field.split('_').any(|word| word == **never) || (never.len() > 4 && field.contains(**never))
            });
            assert_eq!(offending, None, "{} has a field {field}", event.kind().name);
        }
    }
}

#[test]
fn personal_fields_exist_and_free_text_is_personal() {
    for event in samples::all() {
        let kind = event.kind();
        let data: Value = serde_json::from_str(event.data().get()).unwrap();
        for field in kind.personal {
            assert!(data.get(field).is_some(), "{} has no field {field}", kind.name);
        }
        for said in ["text", "note", "address"] {
            assert!(data.get(said).is_none() || kind.personal.contains(&said), "{}: {said}", kind.name);
        }
    }
    let redacting: Vec<&str> = KINDS.iter().filter(|kind| kind.redacts).map(|kind| kind.name).collect();
    assert_eq!(redacting, ["chat.message_deleted"]);
}

#[test]
fn access_is_folded_from_the_types_it_names_and_no_others() {
    for event in samples::all() {
        let name = event.kind().name;
        let mut access = Access::default();
        access.fold(&event);
        assert_eq!(access != Access::default(), access::KINDS.contains(&name), "{name}");
    }
}

/// Who may see what, from what people were granted, without a token anywhere. It is told every event after
/// deciding on it.
#[derive(Default)]
struct Oracle {
    members: BTreeMap<RoomId, BTreeSet<UserId>>,
    roles: BTreeMap<UserId, Role>,
}

impl Oracle {
    fn may_see(&self, event: &Event, viewer: Option<UserId>) -> bool {
        let is = |user: UserId| viewer == Some(user);
        let role = viewer.and_then(|viewer| self.roles.get(&viewer));
        let hears = |room: &RoomId, private: bool| {
            !private
                || viewer.is_some_and(|viewer| self.members.get(room).is_some_and(|m| m.contains(&viewer)))
        };
        match event {
            Event::AccountRegistered(e) => is(e.user) || matches!(role, Some(Role::Desk | Role::Operator)),
            Event::AccountProfileChanged(e) => {
                is(e.user) || matches!(role, Some(Role::Desk | Role::Operator))
            }
            Event::AccountRoleChanged(e) => is(e.user) || matches!(role, Some(Role::Operator)),
            Event::AccountSessionEnded(e) => is(e.user),
            Event::ChatRoomOpened(e) => hears(&e.room, e.private) || is(e.by),
            Event::ChatMemberJoined(e) => hears(&e.room, true) || is(e.user),
            Event::ChatMemberLeft(e) => hears(&e.room, true) || is(e.user),
            Event::ChatMessagePosted(e) => hears(&e.room, e.private),
            Event::ChatMessageEdited(e) => hears(&e.room, e.private),
            Event::ChatMessageDeleted(e) => hears(&e.room, e.private),
            Event::ChatReactionAdded(e) => hears(&e.room, e.private),
            Event::ChatReactionRemoved(e) => hears(&e.room, e.private),
            Event::ChatRoomRead(e) => is(e.user),
            other => self.may_see_of_the_shop(other, viewer),
        }
    }

    /// What concerns an order is its customer's and the desk's business; carts, wallets and bells are their
    /// owners'; what is sold, and how much of it there is, is everybody's.
    fn may_see_of_the_shop(&self, event: &Event, viewer: Option<UserId>) -> bool {
        let data: Value = serde_json::from_str(event.data().get()).expect("a payload is JSON");
        let owner = |field: &str| viewer.is_some_and(|viewer| data[field] == viewer.to_string());
        let works_here =
            matches!(viewer.and_then(|viewer| self.roles.get(&viewer)), Some(Role::Desk | Role::Operator));
        match event.kind().name.split_once('.').expect("a context") {
            ("catalog", _) | ("stock", "level_changed") => true,
            ("stock", "received") | ("order", "claimed") | ("service", _) => works_here,
            ("cart" | "wallet" | "notification", _) => owner("user"),
            ("order" | "stock" | "review" | "payment" | "shipment", _) => works_here || owner("customer"),
            (other, _) => panic!("{other} is new: say here who may see it"),
        }
    }

    fn hear(&mut self, event: &Event) {
        match event {
            Event::AccountRegistered(e) => {
                self.roles.insert(e.user, e.role);
            }
            Event::AccountRoleChanged(e) => {
                self.roles.insert(e.user, e.role);
            }
            Event::ChatMemberJoined(e) => {
                self.members.entry(e.room.clone()).or_default().insert(e.user);
            }
            Event::ChatMemberLeft(e) => {
                self.members.entry(e.room.clone()).or_default().remove(&e.user);
            }
            _ => {}
        }
    }
}

/// A person who is signed in and has nothing to do with anything.
fn stranger() -> UserId {
    UserId(uuid::Uuid::from_u128(0x5742))
}

/// The events that somebody with `>` receives live.
fn received(log: &[Envelope], viewer: Option<UserId>) -> Vec<&Envelope> {
    let (mut access, everything) = (Access::default(), Pattern::everything());
    log.iter()
        .filter(|envelope| {
            let before = envelope.meta.audience.admits(&access.tokens(viewer));
            access.fold(&envelope.event);
            let after = envelope.meta.audience.admits(&access.tokens(viewer));
            assert_eq!(before, after, "it must not matter whether tokens move before or after {envelope:?}");
            everything.matches(&envelope.meta.subject) && after
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everybody_with_the_widest_pattern_receives_what_is_theirs_and_nothing_else(
        wishes in wishes(60),
        errands in errands(90),
    ) {
        let mut shop = Shop::in_log(play(&wishes).log);
        errands.iter().for_each(|errand| shop.errand(errand));
        let log = shop.log.envelopes;
        let people = PEOPLE.map(|(user, ..)| Some(user));
        for viewer in people.into_iter().chain([None, Some(stranger())]) {
            let mut oracle = Oracle::default();
            let mut theirs = vec![];
            for envelope in &log {
                if oracle.may_see(&envelope.event, viewer) {
                    theirs.push(envelope);
                }
                oracle.hear(&envelope.event);
            }
            prop_assert_eq!(received(&log, viewer), theirs);
        }
    }

    #[test]
    fn a_stranger_and_a_visitor_receive_public_rooms_only(wishes in wishes(90)) {
        let log = play(&wishes).log.envelopes;
        for viewer in [None, Some(stranger())] {
            for envelope in received(&log, viewer) {
                let data: Value = serde_json::from_str(envelope.event.data().get()).unwrap();
                prop_assert_eq!(data.get("private"), Some(&Value::Bool(false)));
                prop_assert!(["lobby", "garden"].contains(&data["room"].as_str().unwrap()));
            }
        }
    }

    #[test]
    fn a_stranger_and_a_visitor_receive_of_the_shop_what_is_on_the_shelves_only(errands in errands(90)) {
        let log = open_for(&errands).log.envelopes;
        for viewer in [None, Some(stranger())] {
            for envelope in received(&log, viewer) {
                let data: Value = serde_json::from_str(envelope.event.data().get()).unwrap();
                prop_assert!(data.get("sku").is_some(), "{envelope:?}");
                for of_somebody in ["user", "customer", "order", "by", "name", "address"] {
                    prop_assert_eq!(data.get(of_somebody), None, "{:?}", envelope);
                }
            }
        }
    }

    #[test]
    fn what_the_envelope_says_of_stream_and_version_is_gapless(wishes in wishes(90)) {
        let mut versions = BTreeMap::<_, u64>::new();
        for envelope in play(&wishes).log.envelopes {
            let version = versions.entry(envelope.meta.stream.clone()).or_default();
            *version += 1;
            prop_assert_eq!(envelope.meta.version, *version);
            let encoded = envelope.to_recorded().encode();
            let read: domain::Recorded = serde_json::from_str(&encoded).unwrap();
            prop_assert_eq!(read.decode().unwrap(), envelope);
        }
    }
}

#[test]
fn rank_opens_no_private_room() {
    let mut log = Log::with_people();
    let (attic, opened) = (room("attic"), log.head());
    log.run(Actor::User(ADA), OpenRoom { room: attic.clone(), title: "Attic".into(), private: true })
        .unwrap();
    log.granted(ADA, PostMessage { room: attic, text: "hush".into(), reply_to: None });
    for staff in [BO, OLGA] {
        let seen = received(&log.envelopes, Some(staff));
        assert!(seen.iter().all(|envelope| envelope.meta.position <= opened), "{seen:?}");
        assert!(seen.len() >= 2, "staff see who registers after them");
    }
}

#[test]
fn a_member_who_is_put_out_receives_that_and_nothing_after_it() {
    let mut log = Log::with_people();
    let attic = || room("attic");
    let say = |log: &mut Log, text: &str| {
        let post = PostMessage { room: attic(), text: text.into(), reply_to: None };
        log.granted(ADA, post);
        log.head()
    };
    log.granted(ADA, OpenRoom { room: attic(), title: "Attic".into(), private: true });
    log.granted(ADA, AddMember { room: attic(), user: BO });
    let heard = say(&mut log, "with Bo");
    log.granted(ADA, RemoveMember { room: attic(), user: BO });
    let put_out = log.head();
    let after = say(&mut log, "without Bo");
    let positions: Vec<_> = received(&log.envelopes, Some(BO)).iter().map(|e| e.meta.position).collect();
    assert!(positions.contains(&heard) && positions.contains(&put_out), "{positions:?}");
    assert!(!positions.contains(&after));
}

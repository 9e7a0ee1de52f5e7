//! **The view law**: for every history and every viewer, the view at n, plus the visible events after n,
//! equals a fresh view. Held for every view, over generated histories, for every n; and so is what follows
//! from it: a redacted log makes the same view, and a deleted text is nowhere in it.
//!
//! More histories: `PROPTEST_CASES=1000 cargo nextest run -p domain --test view_law`.

mod common;

use std::fmt::Debug;

use common::{
    ADA, BO, CYRIL, Log, PEOPLE,
    history::{History, ROOMS, play, wishes},
    room,
    shop::{errands, open_for},
};
use domain::{
    Envelope, Event, OrderId, Position, Recorded, RoomId, Token, Tokens, UserId, View,
    access::Access,
    chat::{
        AddMember, AddReaction, DeleteMessage, EditMessage, MarkRead, OpenRoom, PostMessage, RemoveMember,
    },
    contract::redacted,
    views::{
        Bell, CartView, Desk, FeedKey, ListKey, MOST_UNREAD, OrderKey, OrderList, OrderView, OwnKey,
        RoomFeed, RoomList, Shop, WINDOW, WalletView,
    },
};
use proptest::prelude::*;

/// Everybody who may look, a visitor first.
fn viewers() -> impl Iterator<Item = Option<UserId>> {
    [None].into_iter().chain(PEOPLE.map(|(user, ..)| Some(user)))
}

/// What the server has, as far as one viewer is concerned.
struct Server {
    /// Every event, whoever may see it.
    log: Vec<Envelope>,
    /// The same after redaction, as it stands on disk in the end.
    redacted: Vec<Envelope>,
    /// For every event, whether it was delivered to the viewer when it was recorded.
    delivered: Vec<bool>,
    /// What the viewer holds in the end.
    tokens: Tokens,
}

impl Server {
    fn new(log: &[Envelope], viewer: Option<UserId>) -> Self {
        let mut access = Access::default();
        let delivered = log
            .iter()
            .map(|envelope| {
                access.fold(&envelope.event);
                envelope.meta.audience.admits(&access.tokens(viewer))
            })
            .collect();
        Self { log: log.to_vec(), redacted: redact(log), delivered, tokens: access.tokens(viewer) }
    }

    /// Holds the law for one view and returns it as it ended.
    fn hold<V: View>(&self, key: &V::Key) -> V {
        let pattern = V::pattern(key);
        let wanted: Vec<usize> =
            (0..self.log.len()).filter(|nth| pattern.matches(&self.log[*nth].meta.subject)).collect();
        let feed = |view: &mut V, log: &[Envelope], nth: usize| view.feed(&log[nth]);

        let mut fresh = V::empty(key);
        wanted.iter().for_each(|nth| feed(&mut fresh, &self.log, *nth));

        // The same from the log that the viewer may read now, and from the redacted log.
        let mut replayed = V::empty(key);
        for nth in &wanted {
            if self.log[*nth].meta.audience.admits(&self.tokens) {
                feed(&mut replayed, &self.log, *nth);
            }
        }
        assert_same::<V>(&replayed, &fresh, "replayed with the tokens held now");
        let mut frugal = V::empty(key);
        for nth in wanted.iter().filter(|nth| V::KINDS.contains(&self.log[**nth].event.kind().name)) {
            feed(&mut frugal, &self.log, *nth);
        }
        assert_same::<V>(&frugal, &fresh, "fed with nothing but the types that it names");
        let mut forgetful = V::empty(key);
        wanted.iter().for_each(|nth| feed(&mut forgetful, &self.redacted, *nth));
        assert_same::<V>(&forgetful, &fresh, "made from the redacted log");

        // A page is rendered at n, and goes live from n.
        for log in [&self.log, &self.redacted] {
            let mut rendered = V::empty(key);
            for cut in 0..=wanted.len() {
                let mut page = through_json(&rendered);
                for nth in &wanted[cut..] {
                    if self.delivered[*nth] {
                        feed(&mut page, &self.log, *nth);
                    }
                }
                assert_same::<V>(&page, &fresh, &format!("rendered after {cut} events and gone live"));
                if let Some(nth) = wanted.get(cut) {
                    feed(&mut rendered, log, *nth);
                }
            }
        }
        fresh
    }
}

#[track_caller]
fn assert_same<V: View>(found: &V, fresh: &V, how: &str) {
    assert!(found == fresh, "{} {how} differs:\n{found:#?}\nfresh:\n{fresh:#?}", V::NAME);
}

fn written<V: View>(view: &V) -> String {
    serde_json::to_string(view).expect("a view is written as JSON")
}

fn through_json<V: View>(view: &V) -> V {
    let read: V = serde_json::from_str(&written(view)).expect("and read back");
    assert_same(&read, view, "written as JSON and read back");
    read
}

/// The log as redaction leaves it: an event whose type redacts blanks what was recorded before it in its
/// stream.
fn redact(log: &[Envelope]) -> Vec<Envelope> {
    let gone = |nth: usize, envelope: &Envelope| {
        log[nth + 1..]
            .iter()
            .any(|later| later.event.kind().redacts && later.meta.stream == envelope.meta.stream)
    };
    let blank = |(nth, envelope): (usize, &Envelope)| {
        let recorded = envelope.to_recorded();
        match redacted(&recorded.meta.kind, recorded.data.get()) {
            Some(data) if gone(nth, envelope) => {
                let data = serde_json::value::RawValue::from_string(data).expect("redaction leaves JSON");
                Recorded { meta: recorded.meta, data }.decode().expect("a redacted event still fits")
            }
            _ => envelope.clone(),
        }
    };
    log.iter().enumerate().map(blank).collect()
}

/// Holds the law for every view and viewer, and hands each view, written out, to `also`.
fn hold_for_all(log: &[Envelope], mut also: impl FnMut(Option<UserId>, &dyn Debug, &str)) {
    for viewer in viewers() {
        let server = Server::new(log, viewer);
        for (address, _) in ROOMS {
            let feed: RoomFeed = server.hold(&FeedKey { room: room(address), viewer });
            also(viewer, &feed, &written(&feed));
        }
        let list: RoomList = server.hold(&ListKey { viewer });
        also(viewer, &list, &written(&list));
    }
}

/// The same for every view of a shop's day.
fn hold_for_the_shop(log: &[Envelope]) {
    let orders: Vec<OrderId> = log.iter().filter_map(|envelope| placed(&envelope.event)).collect();
    for viewer in viewers() {
        let server = Server::new(log, viewer);
        server.hold::<Shop>(&());
        let Some(user) = viewer else { continue };
        let key = OwnKey { user };
        server.hold::<CartView>(&key);
        server.hold::<OrderList>(&key);
        server.hold::<WalletView>(&key);
        server.hold::<Bell>(&key);
        if server.tokens.holds(&Token::Staff) {
            server.hold::<Desk>(&());
        }
        for order in orders.iter().copied() {
            for customer in [Some(user), None] {
                let key = OrderKey { order, customer };
                if server.tokens.holds(&OrderView::viewer(&key)) {
                    server.hold::<OrderView>(&key);
                }
            }
        }
    }
}

fn placed(event: &Event) -> Option<OrderId> {
    match event {
        Event::OrderPlaced(e) => Some(e.order),
        _ => None,
    }
}

/// What no view may say any more.
fn deleted_texts(history: &History) -> Vec<&str> {
    history
        .texts
        .iter()
        .filter(|(message, _)| history.deleted(*message))
        .map(|(_, text)| text.as_str())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(48),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_view_at_n_and_the_visible_events_after_n_equal_a_fresh_view(wishes in wishes(70)) {
        let history = play(&wishes);
        let gone = deleted_texts(&history);
        hold_for_all(&history.log.envelopes, |viewer, view, text| {
            for deleted in &gone {
                assert!(!text.contains(deleted), "{deleted} was deleted; {viewer:?} is shown {view:#?}");
            }
        });
    }

    #[test]
    fn the_law_holds_for_the_shop_and_nobody_is_shown_what_is_somebody_elses(errands in errands(70)) {
        let log = open_for(&errands).log.envelopes;
        hold_for_the_shop(&log);
        // The same views, made of the whole log, whoever may see it.
        for user in [ADA, CYRIL] {
            let key = OwnKey { user };
            let mut views = vec![
                made_of_everything::<Shop>(&(), &log),
                made_of_everything::<CartView>(&key, &log),
                made_of_everything::<OrderList>(&key, &log),
                made_of_everything::<WalletView>(&key, &log),
                made_of_everything::<Bell>(&key, &log),
            ];
            for envelope in &log {
                let Event::OrderPlaced(e) = &envelope.event else { continue };
                let key = OrderKey { order: e.order, customer: Some(user) };
                let view: OrderView = serde_json::from_str(&made_of_everything::<OrderView>(&key, &log)).unwrap();
                prop_assert_eq!(view.placed.is_some(), e.customer == user);
                prop_assert_eq!(&view.claimed, &None, "that is the desk's business");
                if e.customer == user {
                    views.push(written(&view));
                }
            }
            let others = log.iter().filter_map(|envelope| match &envelope.event {
                Event::OrderPlaced(e) if e.customer != user => Some(e.order),
                _ => None,
            });
            for order in others {
                let shown = views.iter().find(|view| view.contains(&order.to_string()));
                prop_assert_eq!(shown, None, "{:?} is shown {}", user, order);
            }
        }
    }

    #[test]
    fn a_view_never_says_what_its_viewer_could_not_see(wishes in wishes(70)) {
        let history = play(&wishes);
        let log = &history.log.envelopes;
        for viewer in viewers() {
            let delivered = Server::new(log, viewer).delivered;
            let hidden: Vec<&str> = log.iter().zip(delivered).filter(|(_, delivered)| !delivered)
                .filter_map(|(envelope, _)| match &envelope.event {
                    Event::ChatMessagePosted(e) => Some(e.text.as_str()),
                    Event::ChatMessageEdited(e) => Some(e.text.as_str()),
                    _ => None,
                })
                .collect();
            let mut views = vec![];
            for (address, _) in ROOMS {
                views.push(made_of_everything::<RoomFeed>(&FeedKey { room: room(address), viewer }, log));
            }
            views.push(made_of_everything::<RoomList>(&ListKey { viewer }, log));
            for (text, view) in hidden.iter().flat_map(|text| views.iter().map(move |view| (text, view))) {
                prop_assert!(!view.contains(*text), "{text} was not for {viewer:?}: {view}");
            }
        }
    }
}

/// A view as JSON, fed the whole log, whoever may see it.
fn made_of_everything<V: View>(key: &V::Key, log: &[Envelope]) -> String {
    let mut view = V::empty(key);
    let pattern = V::pattern(key);
    log.iter().filter(|e| pattern.matches(&e.meta.subject)).for_each(|envelope| view.feed(envelope));
    written(&view)
}

#[test]
fn the_generated_histories_are_lively() {
    // A law that holds over nothing says nothing: every type of event comes up, and so do deletions of
    // what was edited and of what was said in private. (What services say of themselves is in no view.)
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::<&str, usize>::new();
    let (mut edited_then_deleted, mut deleted_in_private, mut let_in_again) = (0, 0, 0);
    for _ in 0..200 {
        let history = play(&wishes(70).new_tree(&mut runner).unwrap().current());
        let mut left = vec![];
        for envelope in &history.log.envelopes {
            *seen.entry(envelope.event.kind().name).or_default() += 1;
            match &envelope.event {
                Event::ChatMessageDeleted(e) => {
                    deleted_in_private += usize::from(e.private);
                    let texts = history.texts.iter().filter(|(message, _)| *message == e.message).count();
                    edited_then_deleted += usize::from(texts > 1);
                }
                Event::ChatMemberLeft(e) => left.push((e.room.clone(), e.user)),
                Event::ChatMemberJoined(e) => {
                    let_in_again += usize::from(left.contains(&(e.room.clone(), e.user)));
                }
                _ => {}
            }
        }
        let errands = errands(520).new_tree(&mut runner).unwrap().current();
        for envelope in open_for(&errands).log.envelopes {
            *seen.entry(envelope.event.kind().name).or_default() += 1;
        }
    }
    for kind in domain::contract::KINDS.iter().filter(|kind| !kind.name.starts_with("service.")) {
        assert!(seen.get(kind.name).copied() > Some(20), "too few {}: {seen:?}", kind.name);
    }
    assert!(
        edited_then_deleted > 20 && deleted_in_private > 20 && let_in_again > 20,
        "{edited_then_deleted} {deleted_in_private} {let_in_again}"
    );
}

/// A log with the lobby and the attic (Ada and Bo) open.
fn two_rooms() -> Log {
    let mut log = Log::with_people();
    let open = |address: &str, private| OpenRoom { room: room(address), title: address.into(), private };
    log.granted(BO, open("lobby", false));
    log.granted(ADA, open("attic", true));
    log.granted(ADA, AddMember { room: room("attic"), user: BO });
    log
}

fn post(log: &mut Log, user: UserId, address: &str, text: &str) -> domain::MessageId {
    match log.granted(user, PostMessage { room: room(address), text: text.into(), reply_to: None }).as_slice()
    {
        [Event::ChatMessagePosted(posted)] => posted.message,
        other => panic!("{other:?}"),
    }
}

fn feed(log: &Log, room: RoomId, viewer: Option<UserId>) -> RoomFeed {
    Server::new(&log.envelopes, viewer).hold(&FeedKey { room, viewer })
}

fn list(log: &Log, viewer: Option<UserId>) -> RoomList {
    Server::new(&log.envelopes, viewer).hold(&ListKey { viewer })
}

#[test]
fn a_feed_keeps_the_newest_messages_and_knows_that_there_are_earlier_ones() {
    let mut log = two_rooms();
    let oldest = post(&mut log, ADA, "lobby", "message 0");
    for nth in 1..WINDOW {
        post(&mut log, ADA, "lobby", &format!("message {nth}"));
    }
    assert!(!feed(&log, room("lobby"), None).earlier);
    post(&mut log, BO, "lobby", "one more");
    // What has slid out of the window is not brought back by an edit.
    let edit = EditMessage { room: room("lobby"), message: oldest, text: "changed".into() };
    log.granted(ADA, edit);
    let mut view = RoomFeed::empty(&FeedKey { room: room("lobby"), viewer: None });
    log.envelopes.iter().for_each(|envelope| {
        if RoomFeed::pattern(&view.key).matches(&envelope.meta.subject) {
            view.feed(envelope);
        }
    });
    assert!(view.earlier);
    assert_eq!(view.messages.len(), WINDOW);
    assert_eq!(view.messages.front().unwrap().text, "message 1");
    assert_eq!(view.messages.back().unwrap().text, "one more");
    assert!(view.message(oldest).is_none());
}

#[test]
fn a_member_sees_a_private_room_from_joining_to_leaving() {
    let mut log = two_rooms();
    post(&mut log, ADA, "attic", "both hear this");
    let seen = feed(&log, room("attic"), Some(BO));
    assert_eq!((seen.title.as_deref(), seen.private, seen.closed), (Some("attic"), true, false));
    assert_eq!(seen.messages.len(), 1);
    assert!(list(&log, Some(BO)).rooms.contains_key(&room("attic")));

    log.granted(ADA, RemoveMember { room: room("attic"), user: BO });
    post(&mut log, ADA, "attic", "Bo does not hear this");
    let closed = feed(&log, room("attic"), Some(BO));
    assert!(closed.closed && closed.messages.is_empty() && closed.members.is_empty());
    assert!(!list(&log, Some(BO)).rooms.contains_key(&room("attic")));

    log.granted(ADA, AddMember { room: room("attic"), user: BO });
    post(&mut log, ADA, "attic", "welcome back");
    let again = feed(&log, room("attic"), Some(BO));
    let texts: Vec<&str> = again.messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["welcome back"], "what was said meanwhile stays unseen");
    assert_eq!(feed(&log, room("attic"), Some(ADA)).messages.len(), 3);
    log.granted(BO, RemoveMember { room: room("attic"), user: BO });
    let left = feed(&log, room("attic"), Some(ADA));
    assert_eq!(left.members.keys().collect::<Vec<_>>(), [&ADA], "who left is on nobody's list of members");
    assert_eq!(feed(&log, room("attic"), None).title, None, "to a visitor there is no such room");
}

#[test]
fn unread_messages_are_those_of_others_after_what_was_read_last() {
    let mut log = two_rooms();
    let unread = |log: &Log| list(log, Some(ADA)).rooms[&room("lobby")].unread.len();
    post(&mut log, BO, "lobby", "before Ada ever came");
    assert_eq!(unread(&log), 0, "who has never been there has missed nothing");
    let upto = log.head();
    log.granted(ADA, MarkRead { room: room("lobby"), upto });
    let first = post(&mut log, BO, "lobby", "one");
    let upto = log.head();
    post(&mut log, ADA, "lobby", "my own");
    let last = post(&mut log, BO, "lobby", "two");
    assert_eq!(unread(&log), 2);
    log.granted(ADA, MarkRead { room: room("lobby"), upto });
    assert_eq!(unread(&log), 1);
    log.granted(BO, DeleteMessage { room: room("lobby"), message: last });
    assert_eq!(unread(&log), 0, "a deleted message is nothing to read");
    assert_eq!(list(&log, Some(ADA)).rooms[&room("lobby")].last.as_ref().unwrap().text, "");
    assert!(first != last && log.head() > Position(upto.0));
}

#[test]
fn no_more_unread_messages_are_counted_than_a_page_shows() {
    let mut log = two_rooms();
    let upto = log.head();
    log.granted(ADA, MarkRead { room: room("lobby"), upto });
    for nth in 0..MOST_UNREAD + 5 {
        post(&mut log, BO, "lobby", &format!("message {nth}"));
    }
    let key = ListKey { viewer: Some(ADA) };
    let mut view = RoomList::empty(&key);
    log.envelopes.iter().for_each(|envelope| view.feed(envelope));
    assert_eq!(view.rooms[&room("lobby")].unread.len(), MOST_UNREAD);
}

#[test]
fn a_feed_shows_edits_and_reactions_and_forgets_both_with_the_message() {
    let mut log = two_rooms();
    let said = post(&mut log, ADA, "lobby", "helo");
    let edit = EditMessage { room: room("lobby"), message: said, text: "hello".into() };
    log.granted(ADA, edit);
    let react = AddReaction { room: room("lobby"), message: said, reaction: "👍".into() };
    log.granted(BO, react);
    let shown = feed(&log, room("lobby"), None);
    let shown = shown.message(said).unwrap();
    assert_eq!((shown.text.as_str(), shown.edited, shown.deleted), ("hello", true, false));
    assert!(shown.reactions["👍"].contains(&BO));
    log.granted(BO, DeleteMessage { room: room("lobby"), message: said });
    let shown = feed(&log, room("lobby"), None);
    let shown = shown.message(said).unwrap();
    assert_eq!((shown.text.as_str(), shown.deleted, shown.reactions.len()), ("", true, 0));
}

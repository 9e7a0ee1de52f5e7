//! Reading: every filter, pages, readers that follow, and snapshots.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::{Pattern, Position, Recorded, StreamId, Timestamp, Token, Tokens};
use store::{Filter, Options, Store, Unit};

use super::{
    Fixture,
    world::{
        World, at_once, command, deleting, editing, everything, ids, inviting, message_of, opening, person,
        room, run, saying,
    },
};

/// Two public rooms, two private ones, three people, about 200 events of many types.
async fn history(world: &World) -> Vec<Tokens> {
    let store = &world.store;
    let (bo, olga) = (person(store, "bo").await, person(store, "olga").await);
    for (owner, name, private) in
        [(world.ada, "desk", false), (world.ada, "ops", true), (bo, "plans", true), (olga, "attic", false)]
    {
        run(store, opening(owner, name, private)).await;
    }
    run(store, inviting(world.ada, "ops", bo)).await;
    let mut units = Vec::new();
    for nth in 0..24 {
        for (user, name) in [
            (world.ada, "lobby"),
            (bo, "desk"),
            (world.ada, "ops"),
            (bo, "plans"),
            (bo, "ops"),
            (olga, "lobby"),
        ] {
            let post = saying(user, name, &format!("message {nth}"));
            let mut commands = vec![post.clone()];
            match nth % 8 {
                3 => commands.push(editing(user, name, message_of(&post), "edited")),
                5 => commands.push(deleting(user, name, message_of(&post))),
                6 => commands
                    .push(command(user, domain::chat::MarkRead { room: room(name), upto: Position(nth) })),
                _ => {}
            }
            units.push(Unit { commands, ..Unit::default() });
        }
    }
    for answer in at_once(store, units).await {
        answer.unwrap();
    }
    let user = |user| [Token::Everyone, Token::User(user)].into_iter().collect::<Tokens>();
    let mut member = user(bo);
    member.grant(Token::Room(room("ops")));
    member.grant(Token::Room(room("plans")));
    vec![
        Tokens::anonymous(),
        user(olga),
        member,
        [Token::Room(room("ops")), Token::User(olga)].into_iter().collect(),
        [Token::Staff].into_iter().collect(),
        Tokens::default(),
    ]
}

/// Reads on until the end, and checks that pages keep to `max`.
async fn follow(store: &Store, after: Position, filter: &Filter, max: usize) -> Vec<Recorded> {
    let end = filter.before_or_at.map_or(store.head(), |last| last.min(store.head()));
    let mut found = Vec::new();
    let mut at = after;
    while at < end {
        let page = store.read(at, filter, max).await.unwrap();
        assert!(page.events.len() <= max);
        assert!(page.next > at, "reading goes on");
        assert!(page.events.iter().all(|event| event.meta.position > at && event.meta.position <= page.next));
        at = page.next;
        found.extend(page.events);
    }
    found
}

pub(crate) async fn every_filter_finds_what_looking_at_every_event_finds(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let holders = history(&world).await;
    let all = everything(&world.store).await;
    look_at_everything(&world.store, &holders, &all).await;
    // Nobody has written to a store that was only opened: now the database itself is asked.
    world.store.close().await;
    let (store, _commits) = Store::open(fixture.options()).await.unwrap();
    look_at_everything(&store, &holders, &all).await;
}

async fn look_at_everything(store: &Store, holders: &[Tokens], all: &[Recorded]) {
    let patterns = [
        ">",
        "chat.>",
        "chat.lobby.>",
        "chat.ops.message_posted",
        "chat.*.message_posted",
        "*.*.registered",
        "*.lobby.>",
        "chat.*.message_edited.>",
        "*.*",
        "nothing.here.>",
        "account.*.>",
        "chat.ops.>,account.*.>",
        "chat.ops.message_posted,chat.lobby.message_posted",
        "*.lobby.>,account.>,*.ops.message_edited",
    ];
    let kinds: [Option<Vec<&'static str>>; 4] = [
        None,
        Some(vec!["chat.message_posted"]),
        Some(vec!["chat.message_edited", "account.registered", "chat.message_deleted"]),
        Some(vec![]),
    ];
    let mut checked = 0;
    for pattern in patterns.map(|pattern| Pattern::new(pattern).unwrap()) {
        for tokens in holders.iter().cloned().map(Some).chain([None]) {
            for kinds in &kinds {
                for (after, before_or_at, max) in [(0, None, 7), (60, Some(Position(150)), 1000)] {
                    let filter = Filter {
                        pattern: pattern.clone(),
                        tokens: tokens.clone(),
                        kinds: kinds.clone(),
                        before_or_at,
                    };
                    let wanted: Vec<Recorded> = all
                        .iter()
                        .filter(|event| event.meta.position.0 > after && filter.admits(event))
                        .cloned()
                        .collect();
                    let found = follow(store, Position(after), &filter, max).await;
                    assert_eq!(ids(&found), ids(&wanted), "{filter:?}");
                    let count = store.count(Position(after), &filter, usize::MAX).await.unwrap();
                    assert_eq!(count, wanted.len(), "{filter:?}");
                    assert!(store.count(Position(after), &filter, 3).await.unwrap() <= 3);
                    checked += wanted.len();
                }
            }
        }
    }
    assert!(checked > 1000, "the history is rich enough to prove something");
}

pub(crate) async fn an_empty_page_is_not_the_end(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    // More than one call considers.
    for _ in 0..10 {
        let commands = (0..500).map(|_| world.saying("hay")).collect();
        world.store.execute(Unit { commands, ..Unit::default() }).await.unwrap();
    }
    let needle = run(&world.store, opening(world.ada, "needle", false)).await;
    let filter = Filter::everything().matching(Pattern::new("*.needle.>").unwrap());
    let first = world.store.read(Position(2), &filter, 10).await.unwrap();
    assert!(first.events.is_empty() && first.next < world.store.head());
    let found = follow(&world.store, Position(2), &filter, 10).await;
    assert_eq!(ids(&found), [needle.events[0].id]);
    // An index leads there at once.
    let filter = Filter::everything().of_kinds(["chat.room_opened"]);
    let page = world.store.read(Position(2), &filter, 10).await.unwrap();
    assert_eq!(page.events.last().unwrap().meta.position, needle.position);
    assert_eq!(page.next, world.store.head());
    // Past the end there is nothing, and nobody is sent back.
    let past = world.store.read(Position(1_000_000), &Filter::everything(), 10).await.unwrap();
    assert_eq!((past.events.len(), past.next), (0, Position(1_000_000)));
}

pub(crate) async fn a_reader_that_follows_never_sees_a_gap(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let goal = world.store.head().0 + 400;
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let store = world.store.clone();
            tokio::spawn(async move {
                let mut at = Position::START;
                while at.0 < goal {
                    let page = store.read(at, &Filter::everything(), 50).await.unwrap();
                    for event in &page.events {
                        assert_eq!(event.meta.position, at.next());
                        at = event.meta.position;
                    }
                    assert_eq!(page.next, at);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for _ in 0..20 {
        let units = (0..20).map(|_| world.saying("on and on").into()).collect();
        for answer in at_once(&world.store, units).await {
            answer.unwrap();
        }
    }
    for reader in readers {
        reader.await.unwrap();
    }
}

pub(crate) async fn earlier_messages_are_read_newest_first(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    run(&world.store, opening(world.ada, "desk", false)).await;
    let mut said = Vec::new();
    for nth in 0..6 {
        said.push(world.say(&format!("message {nth}")).await.position);
        run(&world.store, saying(world.ada, "desk", "elsewhere")).await;
    }
    let back = |before, max| world.store.read_back(before, "chat.lobby", "chat.message_posted", max);
    let positions =
        |events: Vec<Recorded>| -> Vec<Position> { events.iter().map(|event| event.meta.position).collect() };
    assert_eq!(positions(back(said[4], 3).await.unwrap()), [said[3], said[2], said[1]]);
    assert_eq!(positions(back(Position(u64::MAX), 2).await.unwrap()), [said[5], said[4]]);
    assert!(back(said[0], 3).await.unwrap().is_empty());
}

pub(crate) async fn an_event_is_found_by_its_id_and_its_flow(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let first = world.saying("cause");
    let receipt = run(&world.store, first.clone()).await;
    world.say("something else").await;
    let mut reaction = world.saying("effect");
    (reaction.correlation, reaction.causation, reaction.hop) = (first.id.0, receipt.events[0].id.0, 1);
    reaction.traceparent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into());
    let effect = run(&world.store, reaction.clone()).await;

    let flow = world.store.flow(first.id.0).await.unwrap();
    assert_eq!(ids(&flow), [receipt.events[0].id, effect.events[0].id]);
    let found = world.store.event(effect.events[0].id).await.unwrap().unwrap();
    assert_eq!(found.meta, flow[1].meta);
    assert_eq!((found.meta.causation, found.meta.hop), (receipt.events[0].id.0, 1));
    assert_eq!(found.meta.traceparent, reaction.traceparent);
    assert!(world.store.event(domain::EventId(first.id.0)).await.unwrap().is_none());
}

pub(crate) async fn a_stream_is_read_in_its_own_order(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let post = world.saying("draft");
    run(&world.store, post.clone()).await;
    world.say("in between").await;
    run(&world.store, editing(world.ada, "lobby", message_of(&post), "final")).await;
    let stream = world.store.read_stream(&StreamId::message(message_of(&post))).await.unwrap();
    assert_eq!(stream.iter().map(|event| event.meta.version).collect::<Vec<_>>(), [1, 2]);
    let nobody = StreamId::room(&room("nowhere"));
    assert!(world.store.read_stream(&nobody).await.unwrap().is_empty());
}

pub(crate) async fn an_instant_is_found_in_the_log(fixture: &impl Fixture) {
    let millis = Arc::new(AtomicI64::new(1_000));
    let clock = millis.clone();
    let options = Options {
        clock: Arc::new(move || Timestamp::from_millis(clock.load(Ordering::Relaxed))),
        ..fixture.options()
    };
    // Several events of one instant, and instants between two events.
    let world = World::new(options).await;
    for nth in 0..20 {
        millis.store(2_000 + nth / 3 * 100, Ordering::Relaxed);
        world.say("tick").await;
    }
    let events = everything(&world.store).await;
    for at in [0, 999, 1_000, 1_001, 1_999].into_iter().chain((2_000..2_800).step_by(50)) {
        let at = Timestamp::from_millis(at);
        let expected = events.iter().rfind(|event| event.meta.time <= at).map(|event| event.meta.position);
        assert_eq!(world.store.position_at(at).await.unwrap(), expected.unwrap_or_default(), "{at}");
    }
}

pub(crate) async fn snapshots_are_kept_for_one_generation(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let store = &world.store;
    store.save_snapshot("room_feed", 1, "lobby", Position(2), "{\"v\":1}").await.unwrap();
    let kept = Some((Position(2), "{\"v\":1}".to_owned()));
    assert_eq!(store.load_snapshot("room_feed", 1, "lobby").await.unwrap(), kept);
    assert_eq!(store.load_snapshot("room_feed", 2, "lobby").await.unwrap(), None);
    assert_eq!(store.load_snapshot("room_feed", 1, "desk").await.unwrap(), None);
    // An older one does not overwrite a newer one; another generation does.
    store.save_snapshot("room_feed", 1, "lobby", Position(1), "late").await.unwrap();
    assert_eq!(store.load_snapshot("room_feed", 1, "lobby").await.unwrap(), kept);
    store.save_snapshot("room_feed", 2, "lobby", Position(1), "new").await.unwrap();
    assert_eq!(store.load_snapshot("room_feed", 1, "lobby").await.unwrap(), None);
    assert!(store.load_snapshot("room_feed", 2, "lobby").await.unwrap().is_some());
    store.delete_snapshots("room_feed").await.unwrap();
    assert_eq!(store.load_snapshot("room_feed", 2, "lobby").await.unwrap(), None);
}

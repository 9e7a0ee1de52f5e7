//! The hub over a real store: what a connection is handed, whatever happens around it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Floor, event, open, positions, post, room, sub, texts};
use domain::{
    Actor, Command, CommandId, Cursor, Event, Position, Recorded, SessionId, UserId,
    account::{ChangeRole, EndSession, Register, Role},
    chat::{AddMember, DeleteMessage, RemoveMember},
};
use hub::{Delivery, Ended, Options};
use live::{OnGap, OpenSub, Outcome, Sid};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_starts_while_others_write_misses_nothing_and_repeats_nothing() {
    let floor = Floor::open(Options::default()).await;
    let mut writers = vec![];
    for writer in 0..4 {
        let (store, ada) = (floor.store.clone(), floor.ada);
        writers.push(tokio::spawn(async move {
            for nth in 0..100 {
                let id = CommandId(Uuid::now_v7());
                let say = post("lobby", &format!("{writer}:{nth}"));
                store.execute(Command::new(id, Actor::User(ada), say).into()).await.unwrap();
            }
        }));
    }
    let mut readers = vec![];
    for _ in 0..8 {
        let mut connection =
            floor.connect(None, vec![sub("a", "chat.lobby.>", floor.cursor(Position(0)))]).await;
        readers.push(tokio::spawn(async move { positions(&connection.read_to(Position(403)).await) }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    for reader in readers {
        assert_eq!(reader.await.unwrap(), (3..=403).collect::<Vec<u64>>());
    }
}

#[tokio::test]
async fn a_connection_that_does_not_read_is_behind_and_reads_on_without_a_gap() {
    let floor =
        Floor::open(Options { queue_bytes: 2_000, ring_bytes: 4_000, chunk: 7, ..Options::default() }).await;
    let mut connection = floor.connect(None, vec![sub("a", "chat.>", floor.cursor(Position(0)))]).await;
    let here = floor.store.head();
    connection.read_to(here).await;
    for nth in 0..60 {
        floor.say("lobby", &format!("message number {nth}")).await;
    }
    let events = connection.read_to(floor.store.head()).await;
    assert_eq!(positions(&events), (here.0 + 1..=here.0 + 60).collect::<Vec<u64>>());
    // And it is live again.
    floor.say("lobby", "after").await;
    assert_eq!(texts(&connection.read_to(floor.store.head()).await), ["after"]);
}

#[tokio::test]
async fn a_later_subscription_replays_on_its_own_and_then_joins() {
    let floor = Floor::open(Options { chunk: 5, ..Options::default() }).await;
    floor.run(Actor::User(floor.ada), open("help", false)).await;
    for nth in 0..20 {
        floor.say("help", &format!("old {nth}")).await;
    }
    let mut connection = floor.connect(None, vec![sub("a", "chat.lobby.>", None)]).await;
    connection.read_to(floor.store.head()).await;
    connection.connection.open(1, vec![sub("b", "chat.help.>", floor.cursor(Position(0)))]).unwrap();
    floor.say("lobby", "meanwhile").await;
    let (mut replayed, mut live) = (vec![], vec![]);
    let joined = loop {
        match connection.next().await {
            Delivery::Batch { group: 1, batch } => replayed.extend(batch.events.iter().map(event)),
            Delivery::Batch { group: 0, batch } => live.extend(batch.events.iter().map(event)),
            Delivery::Live { group: 1, position } => break position,
            Delivery::Live { group: 0, .. } => {}
            Delivery::Opened { group: 1, outcomes, .. } => assert_eq!(outcomes[0].1, Outcome::Replaying),
            other => panic!("unexpected: {other:?}"),
        }
    };
    assert_eq!(texts(&replayed).len(), 20);
    floor.say("help", "new").await;
    while texts(&live).len() < 2 {
        match connection.next().await {
            Delivery::Batch { group: 0, batch } => {
                live.extend(batch.events.iter().map(event));
                assert!(batch.pos >= joined || texts(&live) == ["meanwhile"]);
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!(texts(&live), ["meanwhile", "new"]);
}

#[tokio::test]
async fn a_member_sees_a_private_room_from_joining_to_leaving_and_not_one_event_more() {
    let floor = Floor::open(Options::default()).await;
    floor.run(Actor::User(floor.ada), open("secret", true)).await;
    let mut bo = floor.live(Some(floor.bo), None, ">").await;
    floor.say("secret", "before").await;
    floor.run(Actor::User(floor.ada), AddMember { room: room("secret"), user: floor.bo }).await;
    floor.say("secret", "during").await;
    let left = floor.run(Actor::User(floor.ada), RemoveMember { room: room("secret"), user: floor.bo }).await;
    floor.say("secret", "after").await;
    floor.say("lobby", "for all").await;
    let events = bo.read_to(floor.store.head()).await;
    assert_eq!(texts(&events), ["during", "for all"]);
    assert!(positions(&events).contains(&left.position.0), "the removal itself is shown");
    // Whoever comes back later is shown none of it.
    let mut again = floor.connect(Some(floor.bo), vec![sub("a", ">", floor.cursor(Position(0)))]).await;
    assert_eq!(texts(&again.read_to(floor.store.head()).await), ["for all"]);
}

#[tokio::test]
async fn what_a_role_shows_comes_and_goes_with_it_on_streams_that_are_open() {
    let floor = Floor::open(Options::default()).await;
    let shop = || Actor::Service("test".into());
    let newcomer = async |name: &str| {
        let (user, handle) = (UserId(Uuid::now_v7()), name.parse().unwrap());
        floor.run(shop(), Register { user, handle, name: name.into(), role: Role::Customer }).await.position
    };
    let mut bo = floor.live(Some(floor.bo), None, "account.>").await;
    newcomer("before").await;
    floor.run(shop(), ChangeRole { user: floor.bo, role: Role::Desk }).await;
    let during = newcomer("during").await;
    floor.run(shop(), ChangeRole { user: floor.bo, role: Role::Customer }).await;
    newcomer("after").await;
    let events = bo.read_to(floor.store.head()).await;
    let others = |event: &&Recorded| event.meta.kind == "account.registered";
    let seen: Vec<Position> = events.iter().filter(others).map(|event| event.meta.position).collect();
    assert_eq!(seen, [during]);
}

#[tokio::test]
async fn the_streams_of_a_session_end_with_it_and_others_do_not() {
    let floor = Floor::open(Options::default()).await;
    let sessions = [SessionId(Uuid::now_v7()), SessionId(Uuid::now_v7())];
    let mut connections = vec![];
    for session in sessions {
        connections.push(floor.live(Some(floor.ada), Some(session), "chat.>").await);
    }
    floor.say("lobby", "last words").await;
    floor.run(Actor::User(floor.ada), EndSession { user: floor.ada, session: sessions[0] }).await;
    floor.say("lobby", "not for that session").await;
    let mut seen = vec![];
    let ended = loop {
        match connections[0].next().await {
            Delivery::Batch { batch, .. } => seen.extend(batch.events.iter().map(event)),
            Delivery::Ended(why) => break why,
            other => panic!("unexpected: {other:?}"),
        }
    };
    assert_eq!(ended, Ended::Session);
    assert_eq!(texts(&seen), ["last words"], "nothing after the end of the session");
    let other = connections[1].read_to(floor.store.head()).await;
    assert_eq!(texts(&other), ["last words", "not for that session"]);
}

#[tokio::test]
async fn a_deleted_text_is_shown_to_nobody_who_reads_later() {
    for ring_bytes in [16 << 20, 1] {
        let floor = Floor::open(Options { ring_bytes, ..Options::default() }).await;
        let said = floor.say("lobby", "to be forgotten").await;
        let Event::ChatMessagePosted(posted) =
            floor.store.event(said.events[0].id).await.unwrap().unwrap().decode().unwrap().event
        else {
            panic!("not a message")
        };
        let delete = DeleteMessage { room: room("lobby"), message: posted.message };
        floor.run(Actor::User(floor.ada), delete).await;
        let mut late = floor.connect(None, vec![sub("a", "chat.lobby.>", floor.cursor(Position(0)))]).await;
        let events = late.read_to(floor.store.head()).await;
        assert_eq!(texts(&events), [""]);
        assert!(!format!("{events:?}").contains("forgotten"));
    }
}

#[tokio::test]
async fn five_of_two_hundred_never_read_and_the_others_do_not_notice() {
    let floor = Floor::open(Options { queue_bytes: 8_000, ring_bytes: 64_000, ..Options::default() }).await;
    let mut readers = vec![];
    for _ in 0..195 {
        readers.push(floor.live(None, None, "chat.lobby.>").await);
    }
    let mut stalled = vec![];
    for _ in 0..5 {
        stalled.push(floor.live(None, None, "chat.lobby.>").await);
    }
    let before = floor.store.head();
    for nth in 0..10 {
        for inner in 0..10 {
            floor.say("lobby", &format!("{nth} {inner}")).await;
        }
        for reader in &mut readers {
            assert_eq!(reader.read_to(floor.store.head()).await.len(), 10);
        }
    }
    for connection in &mut stalled {
        assert!(connection.connection.waiting_bytes() <= 8_000, "a queue outgrew its bound");
        let events = connection.read_to(floor.store.head()).await;
        assert_eq!(positions(&events), (before.0 + 1..=before.0 + 100).collect::<Vec<u64>>());
    }
}

#[tokio::test]
async fn of_several_waiting_signals_with_one_subject_the_newest_is_delivered() {
    let floor = Floor::open(Options::default()).await;
    let mut connection = floor.connect(Some(floor.bo), vec![sub("a", "signal.typing.lobby.*", None)]).await;
    while !matches!(connection.next().await, Delivery::Live { .. }) {}
    for data in ["1", "2"] {
        let subject = "signal.typing.lobby.ada".parse().unwrap();
        floor.hub.signal(subject, "everyone".parse().unwrap(), data.into()).unwrap();
    }
    floor
        .hub
        .signal("signal.typing.secret.ada".parse().unwrap(), "room:secret".parse().unwrap(), "3".into())
        .unwrap();
    // A turn of the hub comes after the signals before it.
    floor.hub.connect(None, None).await.unwrap();
    let Delivery::Signals(frames) = connection.next().await else { panic!("no signal") };
    assert_eq!(frames, ["2"]);
}

#[tokio::test]
async fn a_foreign_epoch_a_cursor_past_the_head_and_too_large_a_gap_ask_for_a_fresh_view() {
    let floor = Floor::open(Options::default()).await;
    for _ in 0..5 {
        floor.say("lobby", "x").await;
    }
    let foreign = Cursor { epoch: domain::Epoch(floor.hub.epoch().0 ^ 1), position: Position(1) };
    let too_far =
        |most| OpenSub { on_gap: OnGap::Resync(most), ..sub("x", "chat.>", floor.cursor(Position(0))) };
    for (asked, outcome) in [
        (sub("a", "chat.>", Some(foreign)), Outcome::Resync),
        (sub("b", "chat.>", floor.cursor(Position(999))), Outcome::Resync),
        (too_far(5), Outcome::Resync),
        (too_far(6), Outcome::Replaying),
    ] {
        let mut connection = floor.connect(None, vec![asked]).await;
        let Delivery::Opened { outcomes, .. } = connection.next().await else { panic!("not opened") };
        assert_eq!(outcomes[0].1, outcome);
    }
}

#[tokio::test]
async fn a_flood_of_signals_does_not_hold_events_up() {
    let floor = Floor::open(Options::default()).await;
    let mut connection = floor.connection().await;
    let subs = vec![sub("a", "signal.typing.lobby.*", None), sub("b", "chat.lobby.>", None)];
    connection.open(0, subs).unwrap();
    while !matches!(connection.next().await.unwrap(), Delivery::Live { .. }) {}
    let said = floor.say("lobby", "hello").await;
    for _ in 0..10 {
        let subject = "signal.typing.lobby.ada".parse().unwrap();
        floor.hub.signal(subject, "everyone".parse().unwrap(), "x".into()).unwrap();
        // A turn of the hub comes after the signal before it.
        floor.connection().await;
        if let Delivery::Batch { batch, .. } = connection.next().await.unwrap() {
            assert_eq!(batch.pos, said.position);
            return;
        }
    }
    panic!("ten signals went past one event");
}

#[tokio::test]
async fn a_subscription_that_is_closed_while_it_replays_leaves_nothing_behind() {
    let floor = Floor::open(Options { chunk: 1, ring_bytes: 1, ..Options::default() }).await;
    for _ in 0..20 {
        floor.say("lobby", "old").await;
    }
    let mut reader = floor.live(None, None, "chat.lobby.>").await;
    for group in 1..50 {
        reader.connection.open(group, vec![sub("x", "chat.>", floor.cursor(Position(0)))]).unwrap();
        reader.connection.close(&Sid::new("x").unwrap());
    }
    floor.say("lobby", "new").await;
    loop {
        match reader.next().await {
            Delivery::Opened { .. } => {}
            Delivery::Batch { group: 0, batch } => {
                let events: Vec<Recorded> = batch.events.iter().map(event).collect();
                assert_eq!(texts(&events), ["new"]);
                return;
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
}

#[tokio::test]
async fn somebody_who_stops_waiting_loses_neither_events_nor_their_turn() {
    let floor = Floor::open(Options { ring_bytes: 1, chunk: 3, ..Options::default() }).await;
    for nth in 0..50 {
        floor.say("lobby", &format!("{nth}")).await;
    }
    let mut connection = floor.connection().await;
    connection.open(0, vec![sub("a", "chat.lobby.message_posted", floor.cursor(Position(0)))]).unwrap();
    let mut seen = vec![];
    loop {
        // Dropped at its first await, again and again.
        let next = tokio::select! {
            biased;
            next = connection.next() => Some(next.unwrap()),
            () = tokio::task::yield_now() => None,
        };
        match next {
            Some(Delivery::Batch { batch, .. }) => seen.extend(batch.events.iter().map(event)),
            Some(Delivery::Live { .. }) => break,
            _ => {}
        }
    }
    assert_eq!(texts(&seen), (0..50).map(|nth| nth.to_string()).collect::<Vec<_>>());
}

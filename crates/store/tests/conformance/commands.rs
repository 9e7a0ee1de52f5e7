//! Commands: decided in order, once, and acknowledged when their events are recorded.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::{Position, Refusal, StreamId, Timestamp};
use store::{Options, Unit, UnitError};

use super::{
    Fixture,
    world::{
        World, assert_intact, at_once, editing, everything, ids, in_order, message_of, opening, person, run,
        saying,
    },
};

pub(crate) async fn a_lone_command_is_recorded_and_acknowledged(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let before = world.store.head();
    let saying = world.saying("hello");
    let receipt = run(&world.store, saying.clone()).await;

    assert_eq!(receipt.position, before.next());
    assert_eq!(receipt.position, world.store.head());
    assert!(!receipt.repeated);
    let event = world.store.event(receipt.events[0].id).await.unwrap().unwrap();
    assert_eq!(event.meta.position, receipt.position);
    assert_eq!(event.meta.kind, "chat.message_posted");
    assert_eq!(event.meta.subject.as_str(), "chat.lobby.message_posted");
    assert_eq!(event.meta.actor, saying.actor);
    assert_eq!((event.meta.correlation, event.meta.causation), (saying.id.0, saying.id.0));
    assert!(event.data.get().contains("hello"));
}

pub(crate) async fn units_of_one_batch_are_decided_in_order(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    // The channel keeps the order in which one task sends; none waits for the one before.
    let first = world.saying("one");
    let mut units =
        vec![Unit::from(opening(world.ada, "desk", false)), saying(world.ada, "desk", "x").into()];
    units.push(first.clone().into());
    for text in ["two", "three", "four"] {
        units.push(editing(world.ada, "lobby", message_of(&first), text).into());
    }
    for answer in in_order(&world.store, units).await {
        answer.unwrap();
    }
    let stream = world.store.read_stream(&StreamId::message(message_of(&first))).await.unwrap();
    let texts: Vec<bool> = ["one", "two", "three", "four"]
        .iter()
        .zip(&stream)
        .map(|(text, event)| event.data.get().contains(text))
        .collect();
    assert_eq!(texts, [true; 4]);
    assert_intact(&everything(&world.store).await);
}

pub(crate) async fn sixty_four_callers_in_one_room_never_conflict(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let before = world.store.head().0;
    let units = (0..64).map(|nth| world.saying(&format!("message {nth}")).into()).collect();
    let mut positions: Vec<u64> =
        at_once(&world.store, units).await.into_iter().map(|answer| answer.unwrap().position.0).collect();
    positions.sort_unstable();
    assert_eq!(positions, (before + 1..=before + 64).collect::<Vec<_>>());
    assert_intact(&everything(&world.store).await);
}

pub(crate) async fn the_same_command_again_gets_the_same_receipt(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let saying = world.saying("once");
    let first = run(&world.store, saying.clone()).await;
    world.say("something else").await;
    let head = world.store.head();
    let second = run(&world.store, saying).await;
    assert_eq!((second.events, second.position), (first.events, first.position));
    assert!(second.repeated && !first.repeated);
    assert_eq!(world.store.head(), head);
}

pub(crate) async fn the_same_command_sent_at_once_by_many_is_one_event(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let before = world.store.head();
    let saying = world.saying("once");
    let units = (0..16).map(|_| saying.clone().into()).collect();
    let receipts: Vec<_> = at_once(&world.store, units).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(receipts.iter().filter(|receipt| !receipt.repeated).count(), 1);
    assert!(receipts.iter().all(|receipt| receipt.events == receipts[0].events));
    assert_eq!(world.store.head(), before.next());
}

pub(crate) async fn a_command_id_used_for_something_else_is_refused(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let first = world.saying("this");
    let mut other = world.saying("that");
    other.id = first.id;
    let mut stricter = first.clone();
    stricter.expected_version = Some(0);
    run(&world.store, first).await;
    let head = world.store.head();
    assert_eq!(world.store.execute(other.into()).await, Err(UnitError::CommandReused));
    assert_eq!(world.store.execute(stricter.into()).await, Err(UnitError::CommandReused));
    assert_eq!(world.store.head(), head);
}

pub(crate) async fn people_do_not_share_command_ids(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let bo = person(&world.store, "bo").await;
    let first = opening(world.ada, "one", false);
    let mut second = opening(bo, "two", false);
    second.id = first.id;
    assert!(!run(&world.store, first).await.repeated);
    assert!(!run(&world.store, second).await.repeated);
}

pub(crate) async fn of_two_commands_with_one_expected_version_one_wins(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let first = world.saying("draft");
    run(&world.store, first.clone()).await;
    let edits = ["mine", "yours"].map(|text| {
        let mut edit = editing(world.ada, "lobby", message_of(&first), text);
        edit.expected_version = Some(1);
        edit.into()
    });
    let answers = at_once(&world.store, edits.into()).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let conflict = Refusal::VersionConflict { expected: 1, actual: 2 };
    assert!(answers.contains(&Err(UnitError::Refused(conflict))));
}

pub(crate) async fn a_refusal_in_the_middle_of_a_batch_harms_nobody(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let units = (0..60)
        .map(|nth| if nth % 3 == 1 { world.saying("  ") } else { world.saying("fine") }.into())
        .collect();
    for (nth, answer) in at_once(&world.store, units).await.into_iter().enumerate() {
        if nth % 3 == 1 {
            assert_eq!(answer, Err(UnitError::Refused(domain::chat::Refusal::Empty.into())));
        } else {
            answer.unwrap();
        }
    }
    assert_intact(&everything(&world.store).await);
}

pub(crate) async fn a_unit_is_accepted_or_refused_as_a_whole(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let head = world.store.head();
    let posted = world.saying("will be edited");
    let edit = editing(world.ada, "lobby", message_of(&posted), "is edited");
    let refused = Unit { commands: vec![posted.clone(), edit.clone(), world.saying(" ")], ..Unit::default() };
    assert!(matches!(world.store.execute(refused).await, Err(UnitError::Refused(_))));
    assert_eq!(world.store.head(), head);
    // Nothing of it is left in the cache either: the message can be posted, and edited, from scratch.
    let unit = Unit { commands: vec![posted, edit], ..Unit::default() };
    let receipt = world.store.execute(unit.clone()).await.unwrap();
    let kinds: Vec<&str> = receipt.events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["chat.message_posted", "chat.message_edited"]);
    assert_eq!(world.store.execute(unit.clone()).await.unwrap().events, receipt.events);
    // A part of it is another body.
    let part = Unit { commands: vec![unit.commands[0].clone(), world.saying("new")], ..Unit::default() };
    assert_eq!(world.store.execute(part).await, Err(UnitError::CommandReused));
    assert_intact(&everything(&world.store).await);
}

pub(crate) async fn a_failed_unit_takes_nothing_of_its_batch_with_it(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let post = world.saying("draft");
    let edit = |text| editing(world.ada, "lobby", message_of(&post), text);
    // Whatever the first shares its transaction with, the others queue behind it and share one.
    let units = vec![
        world.saying("keeps the committer busy").into(),
        post.clone().into(),
        Unit { commands: vec![edit("never"), world.saying(" ")], ..Unit::default() },
        edit("final").into(),
    ];
    let answers = in_order(&world.store, units).await;
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false, true]);
    let stream = world.store.read_stream(&StreamId::message(message_of(&post))).await.unwrap();
    assert_eq!(stream.len(), 2);
    assert!(stream[1].data.get().contains("final"));
    assert_intact(&everything(&world.store).await);
}

pub(crate) async fn one_command_twice_in_a_unit_is_refused(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let saying = world.saying("once");
    let unit = Unit { commands: vec![saying.clone(), saying], ..Unit::default() };
    assert_eq!(world.store.execute(unit).await, Err(UnitError::CommandReused));
    world.say("and on it goes").await;
}

pub(crate) async fn commits_are_told_in_order_before_callers_are_answered(fixture: &impl Fixture) {
    let mut world = World::new(fixture.options()).await;
    let mut next = world.store.head();
    for _ in 0..5 {
        let units = (0..20).map(|nth| world.saying(&format!("message {nth}")).into()).collect();
        let answers = at_once(&world.store, units).await;
        let mut told = Vec::new();
        // Already there: nothing has to be waited for.
        while let Ok(commit) = world.commits.try_recv() {
            for event in &commit.events {
                assert_eq!(event.meta.position, next.next());
                next = event.meta.position;
            }
            assert_eq!(commit.head, next);
            told.extend(ids(&commit.events));
        }
        for answer in answers {
            assert!(told.contains(&answer.unwrap().events[0].id));
        }
    }
    // Nobody listens any more, and the log goes on.
    let World { store, commits, ada, .. } = world;
    drop(commits);
    run(&store, saying(ada, "lobby", "anybody?")).await;
}

pub(crate) async fn a_clock_that_jumps_back_does_not_take_the_log_with_it(fixture: &impl Fixture) {
    let millis = Arc::new(AtomicI64::new(1_800_000_000_000));
    let clock = millis.clone();
    let options = Options {
        clock: Arc::new(move || Timestamp::from_millis(clock.load(Ordering::Relaxed))),
        ..fixture.options()
    };
    let world = World::new(options.clone()).await;
    world.say("now").await;
    millis.store(1_700_000_000_000, Ordering::Relaxed);
    world.say("a year earlier").await;
    assert!(ids(&everything(&world.store).await).is_sorted(), "ids were minted in order");
    world.store.close().await;
    let (store, _commits) = store::Store::open(options).await.unwrap();
    run(&store, saying(world.ada, "lobby", "still")).await;
    let events = everything(&store).await;
    assert!(events.iter().all(|event| event.meta.time == Timestamp::from_millis(1_800_000_000_000)));
    assert_eq!(events.last().unwrap().meta.position, Position(5));
}

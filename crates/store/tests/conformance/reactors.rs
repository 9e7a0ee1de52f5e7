//! What reactors keep: fenced steps, memory, dead letters, timers, handlings; and what comes in from outside.

use domain::{
    Actor, Command, CommandId, Position, Refusal, SessionId, StreamId, Timestamp, account::EndSession,
};
use store::{Checkpoint, Effect, Handling, LetterStatus, Store, Timer, Unit, UnitError};
use uuid::Uuid;

use super::{
    Fixture,
    world::{World, assert_intact, at_once, everything, in_order, message_of, run},
};

const ECHO: &str = "echo";

fn step(from: u64, to: u64) -> Unit {
    let checkpoint = Checkpoint { reactor: ECHO.into(), from: Position(from), to: Position(to) };
    Unit { checkpoint: Some(checkpoint), ..Unit::default() }
}

fn moved(at: u64) -> Result<store::Receipt, UnitError> {
    Err(UnitError::CheckpointMoved { reactor: ECHO.into(), at: Position(at) })
}

fn remember(key: &str, doc: &str) -> Effect {
    Effect::SaveState { reactor: ECHO.into(), key: key.into(), doc: doc.into() }
}

/// What may go wrong on the way into the database, where rows are JSON.
const ODD: &str = "\"quoted\" \\u0041 \0 \u{1} \n \u{e9} \u{1f4e6} \u{2028}";

fn park(key: &str, position: u64, attempts: u32) -> Effect {
    let (reactor, key, error) = (ECHO.into(), key.into(), format!("number {position} fails: {ODD}"));
    Effect::Park { reactor, key, position: Position(position), error, attempts }
}

fn set(key: &str, position: Option<u64>, status: LetterStatus) -> Effect {
    Effect::SetLetters { reactor: ECHO.into(), key: key.into(), position: position.map(Position), status }
}

async fn letters(store: &Store, status: LetterStatus) -> Vec<(u64, String, u32)> {
    let letters = store.letters(Some(ECHO), status, 100).await.unwrap();
    assert_eq!(store.letters(None, status, 100).await.unwrap(), letters);
    assert!(store.letters(Some("another"), status, 100).await.unwrap().is_empty());
    letters.into_iter().map(|letter| (letter.position.0, letter.key, letter.attempts)).collect()
}

pub(crate) async fn a_step_is_taken_once_and_only_from_where_the_reactor_stands(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let head = world.store.head();
    assert_eq!(world.store.checkpoint(ECHO).await.unwrap(), Position::START);
    assert_eq!(world.store.execute(step(1, 2)).await, moved(0));

    let unit = Unit { commands: vec![world.saying("an answer")], ..step(0, 2) };
    let receipt = world.store.execute(unit.clone()).await.unwrap();
    assert_eq!((receipt.position, receipt.events.len()), (head.next(), 1));
    assert_eq!(world.store.checkpoint(ECHO).await.unwrap(), Position(2));
    assert_eq!(world.store.execute(unit).await, moved(2));
    // Only fenced, and back again.
    world.store.execute(step(2, 2)).await.unwrap();
    world.store.execute(step(2, 1)).await.unwrap();
    assert_eq!(world.store.checkpoint(ECHO).await.unwrap(), Position(1));
    assert_eq!(world.store.checkpoint("another").await.unwrap(), Position::START);
    assert_eq!(world.store.head(), head.next());
}

pub(crate) async fn of_two_who_take_the_same_step_at_once_one_wins(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let head = world.store.head();
    for from in 0..5 {
        let rival = |text: &str| Unit { commands: vec![world.saying(text)], ..step(from, from + 1) };
        let answers = at_once(&world.store, (0..8).map(|nth| rival(&format!("{nth}"))).collect()).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        assert_eq!(answers.iter().filter(|answer| **answer == moved(from + 1)).count(), 7);
    }
    assert_eq!(world.store.head().0, head.0 + 5);
    // Several steps in one transaction.
    let answers = in_order(&world.store, (5..25).map(|from| step(from, from + 1)).collect()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(world.store.checkpoint(ECHO).await.unwrap(), Position(25));
}

pub(crate) async fn a_refused_unit_takes_no_step(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let refused = |from| Unit {
        commands: vec![world.saying("fine"), world.saying(" ")],
        effects: vec![remember("a", "1"), park("a", 1, 1)],
        ..step(from, from + 1)
    };
    // Between others of the same transaction, too.
    let units = vec![step(0, 1), refused(1), step(1, 2).with(remember("b", "2")), refused(2), step(2, 3)];
    let answers = in_order(&world.store, units).await;
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, false, true]);
    assert!(matches!(answers[1], Err(UnitError::Refused(Refusal::Chat(_)))));
    assert_eq!(world.store.checkpoint(ECHO).await.unwrap(), Position(3));
    assert_eq!(world.store.state(ECHO, "a").await.unwrap(), None);
    assert_eq!(world.store.state(ECHO, "b").await.unwrap().as_deref(), Some("2"));
    assert!(letters(&world.store, LetterStatus::Parked).await.is_empty());
    assert_intact(&everything(&world.store).await);
}

pub(crate) async fn a_command_that_was_accepted_before_is_passed_over_in_a_step(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let (before, new) = (world.saying("before"), world.saying("new"));
    run(&world.store, before.clone()).await;
    let head = world.store.head();
    let unit = Unit { commands: vec![before.clone(), new.clone()], ..step(0, 1) };
    let receipt = world.store.execute(unit.with(remember("a", "1"))).await.unwrap();
    assert_eq!((receipt.position, receipt.events.len()), (head.next(), 1));
    let all = Unit { commands: vec![new.clone(), before.clone()], ..step(1, 2) };
    let receipt = world.store.execute(all).await.unwrap();
    assert_eq!((receipt.position, receipt.events.len()), (head.next(), 0));
    assert_eq!(world.store.checkpoint(ECHO).await.unwrap(), Position(2));
    for command in [&before, &new] {
        let stream = StreamId::message(message_of(command));
        assert_eq!(world.store.read_stream(&stream).await.unwrap().len(), 1);
    }
    // The same id for something else is a mistake here as everywhere, and so is one command twice.
    let mut other = world.saying("other");
    other.id = before.id;
    for commands in [vec![other], vec![world.saying("twice"); 2]] {
        let unit = Unit { commands, ..step(2, 3) };
        assert_eq!(world.store.execute(unit).await, Err(UnitError::CommandReused));
    }
    assert_eq!(world.store.checkpoint(ECHO).await.unwrap(), Position(2));
}

pub(crate) async fn steps_survive_reopening(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let unit = Unit { commands: vec![world.saying("an answer")], ..step(0, 2) };
    let timer = Timer { key: "t".into(), due: Timestamp::from_millis(5), command: "{}".into() };
    let unit = unit.with(remember("a", "1")).with(park("b", 1, 8)).with(Effect::SetTimer(timer.clone()));
    world.store.execute(unit.clone()).await.unwrap();
    world.store.close().await;
    let (store, _commits) = Store::open(fixture.options()).await.unwrap();
    assert_eq!(store.execute(unit).await, moved(2));
    assert_eq!(store.checkpoint(ECHO).await.unwrap(), Position(2));
    assert_eq!(store.state(ECHO, "a").await.unwrap().as_deref(), Some("1"));
    assert_eq!(letters(&store, LetterStatus::Parked).await, [(1, "b".to_owned(), 8)]);
    assert_eq!(store.timers(10).await.unwrap(), [timer]);
}

pub(crate) async fn a_reactor_remembers_and_forgets(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let keys: Vec<String> = (0..100).map(|nth| format!("key {nth}")).collect();
    let all = keys.iter().map(|key| remember(key, "1")).chain([remember("key 7", "2")]);
    world.store.execute(Unit { effects: all.collect(), ..Unit::default() }).await.unwrap();
    for key in &keys {
        let doc = if key == "key 7" { "2" } else { "1" };
        assert_eq!(world.store.state(ECHO, key).await.unwrap().as_deref(), Some(doc));
    }
    assert_eq!(world.store.state("another", "key 7").await.unwrap(), None);
    let drop = |key: &str| Effect::DropState { reactor: ECHO.into(), key: key.into() };
    let unit =
        Unit::from(drop("key 7")).with(drop("never there")).with(drop("key 8")).with(remember("key 8", "3"));
    world.store.execute(unit).await.unwrap();
    assert_eq!(world.store.state(ECHO, "key 7").await.unwrap(), None);
    assert_eq!(world.store.state(ECHO, "key 8").await.unwrap().as_deref(), Some("3"), "effects are in order");
}

pub(crate) async fn what_is_handled_is_known_until_the_checkpoint_has_passed_it(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let handled = |at| Effect::Handled { reactor: ECHO.into(), position: Position(at) };
    let unit = [9, 4, 7].into_iter().fold(step(0, 3), |unit, at| unit.with(handled(at)));
    world.store.execute(unit).await.unwrap();
    assert_eq!(world.store.handled(ECHO).await.unwrap(), [4, 7, 9].map(Position));
    let drop = Effect::DropHandled { reactor: ECHO.into(), upto: Position(7) };
    world.store.execute(step(3, 7).with(drop)).await.unwrap();
    assert_eq!(world.store.handled(ECHO).await.unwrap(), [Position(9)]);
    assert_eq!(world.store.handled("another").await.unwrap(), []);
}

pub(crate) async fn what_is_forgotten_of_accepted_commands_is_what_was_asked_for(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let ending = |service: &str| {
        let end = EndSession { user: world.ada, session: SessionId(Uuid::new_v4()) };
        Command::new(CommandId(Uuid::new_v4()), Actor::Service(service.into()), end)
    };
    let said = world.saying("by a person");
    let commands = [ending(ECHO), ending("another"), said, ending(ECHO), ending(ECHO)];
    let mut positions = Vec::new();
    for command in &commands {
        positions.push(run(&world.store, command.clone()).await.position);
    }
    let actors = vec![Actor::Service(ECHO.into()).to_string()];
    let forget = Effect::ForgetAccepted { actors, after: positions[0], upto: positions[3] };
    world.store.execute(forget.into()).await.unwrap();
    let mut known = Vec::new();
    for command in commands {
        known.push(run(&world.store, command).await.repeated);
    }
    assert_eq!(known, [true, true, true, false, true]);
}

pub(crate) async fn dead_letters_change_their_status_key_by_key(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let execute = async |effect: Effect| {
        world.store.execute(effect.into()).await.unwrap();
    };
    let unit = [park("a", 3, 8), park("b", 4, 8), park("a", 5, 0), park("a", 6, 0)];
    world.store.execute(Unit { effects: unit.into(), ..Unit::default() }).await.unwrap();
    let keys = [("a".to_owned(), 3), ("b".to_owned(), 1)];
    assert_eq!(world.store.parked_keys(ECHO).await.unwrap(), keys);
    let letter = &world.store.letters(Some(ECHO), LetterStatus::Parked, 1).await.unwrap()[0];
    assert_eq!((letter.error.clone(), letter.attempts), (format!("number 3 fails: {ODD}"), 8));

    execute(set("a", None, LetterStatus::Redriving)).await;
    let positions = async |status| {
        let letters = letters(&world.store, status).await;
        letters.into_iter().map(|(position, ..)| position).collect::<Vec<_>>()
    };
    assert_eq!(positions(LetterStatus::Redriving).await, [3, 5, 6]);
    assert_eq!(positions(LetterStatus::Parked).await, [4]);
    assert_eq!(world.store.parked_keys(ECHO).await.unwrap(), keys, "still in the way of later ones");
    execute(set("a", Some(3), LetterStatus::Done)).await;
    // The next one fails again, and what is behind it waits again.
    execute(set("a", None, LetterStatus::Parked)).await;
    execute(park("a", 5, 9)).await;
    let parked = letters(&world.store, LetterStatus::Parked).await;
    assert_eq!(parked, [(4, "b".into(), 8), (5, "a".into(), 9), (6, "a".into(), 0)]);
    execute(set("a", Some(5), LetterStatus::Discarded)).await;
    execute(set("a", Some(6), LetterStatus::Discarded)).await;
    // What is settled stays so.
    execute(set("a", None, LetterStatus::Redriving)).await;
    assert_eq!(positions(LetterStatus::Done).await, [3]);
    assert_eq!(positions(LetterStatus::Discarded).await, [5, 6]);
    assert!(positions(LetterStatus::Redriving).await.is_empty());
    assert_eq!(world.store.parked_keys(ECHO).await.unwrap(), [("b".to_owned(), 1)]);
}

pub(crate) async fn timers_come_in_the_order_in_which_they_are_due(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let timer = |key: &str, due: i64, command: &str| Timer {
        key: key.into(),
        due: Timestamp::from_millis(due),
        command: command.into(),
    };
    let set = [
        timer("late", 300, "1"),
        timer("early", 100, "2"),
        timer("middle", 200, "3"),
        timer("late", 50, "4"),
    ];
    let effects = set.into_iter().map(Effect::SetTimer).collect();
    world.store.execute(Unit { effects, ..Unit::default() }).await.unwrap();
    let due = async |max| {
        let timers = world.store.timers(max).await.unwrap();
        timers.into_iter().map(|timer| (timer.key, timer.command)).collect::<Vec<_>>()
    };
    let pair = |key: &str, command: &str| (key.to_owned(), command.to_owned());
    assert_eq!(due(10).await, [pair("late", "4"), pair("early", "2"), pair("middle", "3")]);
    assert_eq!(due(1).await, [pair("late", "4")]);
    let clear = |key: &str, due: Option<i64>| {
        Unit::from(Effect::ClearTimer { key: key.into(), due: due.map(Timestamp::from_millis) })
    };
    for unit in
        [clear("early", None), clear("late", Some(300)), clear("middle", Some(200)), clear("none", None)]
    {
        world.store.execute(unit).await.unwrap();
    }
    assert_eq!(due(10).await, [pair("late", "4")], "it was set again meanwhile");
}

pub(crate) async fn what_comes_in_twice_is_one_event(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let unit = |text: &str, id: &str| {
        let (source, id) = ("courier/7".to_owned(), id.to_owned());
        Unit::from(world.saying(text)).with(Effect::Ingested { source, id })
    };
    let units = (0..12).map(|nth| unit(&format!("report {nth}"), "a")).collect();
    let answers = at_once(&world.store, units).await;
    let first = world.store.ingested("courier/7", "a").await.unwrap().unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().position == first));
    assert_eq!(answers.iter().filter(|answer| answer.as_ref().unwrap().repeated).count(), 11);
    let head = world.store.head();
    assert_eq!(head, first);
    assert_eq!(world.store.execute(unit("later", "a")).await.unwrap().position, first);
    assert_eq!(world.store.head(), head);
    // A refused one may come again.
    assert!(matches!(world.store.execute(unit(" ", "b")).await, Err(UnitError::Refused(_))));
    assert_eq!(world.store.ingested("courier/7", "b").await.unwrap(), None);
    assert!(!world.store.execute(unit("fine", "b")).await.unwrap().repeated);
    assert_eq!(world.store.ingested("courier/8", "b").await.unwrap(), None);
}

pub(crate) async fn handlings_are_kept_for_a_while(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let handling = |position: u64, reactor: &str, attempt| Handling {
        reactor: reactor.into(),
        position: Position(position),
        attempt,
        started: Timestamp::from_millis(1_000 + i64::from(attempt)),
        ended: Timestamp::from_millis(2_000),
        outcome: if attempt == 2 { "done".into() } else { ODD.into() },
    };
    let noted: Vec<Handling> = (1..=80)
        .flat_map(|at| [handling(at, ECHO, 1), handling(at, ECHO, 2), handling(at, "bell", 2)])
        .collect();
    world.store.note_handlings(&noted, Position(10)).await.unwrap();
    assert_eq!(world.store.handlings(&[Position(10), Position(99)]).await.unwrap(), []);
    let found = world.store.handlings(&[Position(40), Position(20)]).await.unwrap();
    let expected: Vec<Handling> = [20, 40]
        .into_iter()
        .flat_map(|at| [handling(at, ECHO, 1), handling(at, "bell", 2), handling(at, ECHO, 2)])
        .collect();
    assert_eq!(found, expected);
    world.store.close().await;
    let (store, _commits) = Store::open(fixture.options()).await.unwrap();
    assert_eq!(store.handlings(&[Position(40)]).await.unwrap().len(), 3);
    store.note_handlings(&[], Position(40)).await.unwrap();
    assert_eq!(store.handlings(&[Position(40)]).await.unwrap(), []);
}

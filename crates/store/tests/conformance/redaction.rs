//! Forgetting: the one change a recorded event may undergo.

use domain::{Position, StreamId};
use store::{Store, Unit, UnitError};

use super::{
    Fixture,
    world::{World, deleting, editing, everything, message_of, run, saying},
};

/// Nobody says this by accident.
const SECRET: &str = "xylophone-under-the-stairs";
const SECOND: &str = "zither-in-the-larder";

fn on_disk(fixture: &impl Fixture, text: &str) -> bool {
    fixture.bytes().windows(text.len()).any(|window| window == text.as_bytes())
}

pub(crate) async fn a_deleted_text_is_nowhere(fixture: &impl Fixture) {
    let mut world = World::new(fixture.options()).await;
    // Long enough to fill pages of its own, which are freed when it is blanked.
    let post = world.saying(&SECRET.repeat(140));
    let posted = run(&world.store, post.clone()).await;
    for nth in 0..50 {
        world.say(&format!("in between {nth}")).await;
    }
    let edited = run(&world.store, editing(world.ada, "lobby", message_of(&post), SECOND)).await;
    world.store.save_snapshot("room_feed", 1, "lobby", edited.position, SECRET).await.unwrap();
    assert!(on_disk(fixture, SECRET) && on_disk(fixture, SECOND), "the test would see it");
    while world.commits.try_recv().is_ok() {}

    run(&world.store, deleting(world.ada, "lobby", message_of(&post))).await;

    assert!(!on_disk(fixture, SECRET) && !on_disk(fixture, SECOND));
    let says = |event: &domain::Recorded| [SECRET, SECOND].iter().any(|text| event.data.get().contains(text));
    assert!(!everything(&world.store).await.iter().any(says));
    let commit = world.commits.try_recv().unwrap();
    assert_eq!(commit.events.len(), 1);
    let blanked: Vec<Position> = commit.redactions.iter().map(|event| event.meta.position).collect();
    assert_eq!(blanked, [posted.position, edited.position]);
    assert!(commit.redactions.iter().all(|event| event.data.get().contains("\"text\":\"\"")));
    // The command again gets its receipt, although what it said is not known any more.
    assert!(run(&world.store, post.clone()).await.repeated);
    // And so nobody can find out by guessing: any text is taken for the same.
    let mut guess = world.saying("a guess");
    guess.id = post.id;
    assert!(run(&world.store, guess).await.repeated);
    let edit = editing(world.ada, "lobby", message_of(&post), "too late");
    assert_eq!(
        world.store.execute(edit.into()).await,
        Err(UnitError::Refused(domain::chat::Refusal::Deleted.into()))
    );
    world.store.close().await;
    assert!(!on_disk(fixture, SECRET) && !on_disk(fixture, SECOND));
}

pub(crate) async fn a_text_deleted_in_the_same_batch_is_nowhere(fixture: &impl Fixture) {
    let mut world = World::new(fixture.options()).await;
    let post = world.saying(SECRET);
    let delete = deleting(world.ada, "lobby", message_of(&post));
    world.store.execute(Unit { commands: vec![post, delete], ..Unit::default() }).await.unwrap();
    let commit = world.commits.try_recv().unwrap();
    assert_eq!((commit.events.len(), commit.redactions.len()), (2, 0));
    assert!(commit.events.iter().all(|event| !event.data.get().contains(SECRET)));
    assert!(everything(&world.store).await.iter().all(|event| !event.data.get().contains(SECRET)));
    assert!(!on_disk(fixture, SECRET));
}

pub(crate) async fn a_redacted_event_keeps_everything_but_its_personal_fields(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let post = world.saying(SECRET);
    run(&world.store, post.clone()).await;
    let stream = StreamId::message(message_of(&post));
    let before = world.store.read_stream(&stream).await.unwrap().remove(0);
    run(&world.store, deleting(world.ada, "lobby", message_of(&post))).await;
    let after = world.store.read_stream(&stream).await.unwrap().remove(0);
    assert_eq!(after.meta, before.meta);
    let domain::Event::ChatMessagePosted(mut said) = before.decode().unwrap().event else { panic!() };
    said.text.clear();
    assert_eq!(after.decode().unwrap().event, said.into());
}

pub(crate) async fn snapshots_from_before_a_redaction_are_gone_and_stay_gone(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let post = world.saying(SECRET);
    let at = run(&world.store, post.clone()).await.position;
    world.store.save_snapshot("room_feed", 1, "lobby", at, SECRET).await.unwrap();
    let by = run(&world.store, deleting(world.ada, "lobby", message_of(&post))).await.position;
    let load = async |store: &Store| store.load_snapshot("room_feed", 1, "lobby").await.unwrap();
    assert_eq!(load(&world.store).await, None);
    // A projection that has not come so far yet saves what it has.
    world.store.save_snapshot("room_feed", 1, "lobby", at, SECRET).await.unwrap();
    assert_eq!(load(&world.store).await, None);
    assert!(!on_disk(fixture, SECRET));
    world.store.save_snapshot("room_feed", 1, "lobby", by, "clean").await.unwrap();
    world.store.close().await;

    let (store, _commits) = Store::open(fixture.options()).await.unwrap();
    assert_eq!(load(&store).await, Some((by, "clean".to_owned())));
    store.save_snapshot("room_feed", 1, "lobby", at, SECRET).await.unwrap();
    assert!(!on_disk(fixture, SECRET));
}

pub(crate) async fn nobody_changes_or_deletes_an_event(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let post = world.saying("as it was said");
    run(&world.store, post.clone()).await;
    let before = everything(&world.store).await;
    for sql in [
        "UPDATE events SET data = '{}'",
        "UPDATE events SET actor = 'service:evil' WHERE pos = 1",
        "UPDATE events SET pos = pos + 100",
        "DELETE FROM events WHERE pos = 3",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE pos = 1",
        "INSERT INTO events SELECT pos + 10, randomblob(16), 'room-x', 1, type, schema_version, subject, topic,
             recorded_at, correlation_id, causation_id, hop, traceparent, actor, audience, data
         FROM events WHERE pos = 1",
    ] {
        let refused = fixture.tamper(sql).await.unwrap_err();
        assert!(refused.contains("recorded"), "{sql}: {refused}");
    }
    let after = everything(&world.store).await;
    assert!(before.iter().zip(&after).all(|(a, b)| a.meta == b.meta && a.data.get() == b.data.get()));
    assert_eq!(before.len(), after.len());
    run(&world.store, saying(world.ada, "lobby", "and on")).await;
}

//! Closing and opening again.

use store::{Store, Unit, UnitError};

use super::{
    Fixture,
    world::{World, assert_intact, editing, everything, ids, message_of, run, saying},
};

pub(crate) async fn a_reopened_log_goes_on_where_it_was(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    for nth in 0..10 {
        world.say(&format!("message {nth}")).await;
    }
    let (before, head) = (everything(&world.store).await, world.store.head());
    world.store.clone().close().await;
    assert_eq!(world.store.execute(Unit::default()).await, Err(UnitError::Closed));

    let (store, mut commits) = Store::open(fixture.options()).await.unwrap();
    assert_eq!(store.head(), head);
    assert_eq!(ids(&everything(&store).await), ids(&before));
    let receipt = run(&store, saying(world.ada, "lobby", "hello again")).await;
    assert_eq!(receipt.position, head.next());
    assert_eq!(commits.recv().await.unwrap().events[0].meta.position, head.next());
    assert_intact(&everything(&store).await);
}

pub(crate) async fn decisions_after_reopening_know_what_happened_before(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let post = world.saying("draft");
    let receipt = run(&world.store, post.clone()).await;
    world.store.close().await;

    let (store, _commits) = Store::open(fixture.options()).await.unwrap();
    let again = run(&store, post.clone()).await;
    assert!(again.repeated);
    assert_eq!(again.events, receipt.events);
    let mut edit = editing(world.ada, "lobby", message_of(&post), "final");
    edit.expected_version = Some(1);
    run(&store, edit).await;
    let stream = store.read_stream(&domain::StreamId::message(message_of(&post))).await.unwrap();
    assert_eq!(stream.last().unwrap().meta.version, 2);
}

pub(crate) async fn closing_carries_out_what_has_queued(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let before = world.store.head();
    let mut units: Vec<_> =
        (0..50).map(|nth| Box::pin(world.store.execute(world.saying(&format!("{nth}")).into()))).collect();
    // One look at each puts it into the queue.
    std::future::poll_fn(|context| {
        for unit in &mut units {
            assert!(unit.as_mut().poll(context).is_pending());
        }
        std::task::Poll::Ready(())
    })
    .await;
    world.store.clone().close().await;
    for unit in units {
        unit.await.unwrap();
    }
    let (store, _commits) = Store::open(fixture.options()).await.unwrap();
    assert_eq!(store.head().0, before.0 + 50);
}

pub(crate) async fn an_epoch_outlives_reopening(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let epoch = world.store.epoch();
    world.say("hello").await;
    world.store.close().await;
    let (store, _commits) = Store::open(fixture.options()).await.unwrap();
    assert_eq!(store.epoch(), epoch);
}

//! A database that cannot be written: refused, nothing lost, and over by itself.

use store::{Filter, UnitError};

use super::{
    Fixture,
    world::{World, assert_intact, at_once, everything, message_of, run},
};

pub(crate) async fn a_full_disk_refuses_writes_and_recovers_by_itself(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    world.store.limit_size(Some(0)).await.unwrap();
    let long = "many words ".repeat(300);
    let mut acknowledged = Vec::new();
    let refusal = loop {
        let post = world.saying(&long);
        match world.store.execute(post.clone().into()).await {
            Ok(receipt) => acknowledged.push(receipt.events[0].id),
            Err(error) => break error,
        }
    };
    let UnitError::Unavailable(sentence) = &refusal else { panic!("{refusal:?}") };
    assert!(sentence.contains("disk is full"), "{sentence}");
    // It goes on like this, for everybody, and reading goes on too.
    let units = (0..8).map(|_| world.saying(&long).into()).collect();
    assert!(at_once(&world.store, units).await.iter().any(Result::is_err));
    let page = world.store.read(world.store.head(), &Filter::everything(), 10).await.unwrap();
    assert!(page.events.is_empty());
    assert_eq!(everything(&world.store).await.len() as u64, world.store.head().0);

    world.store.limit_size(None).await.unwrap();
    world.store.writable().await.unwrap();
    world.say(&long).await;
    let events = everything(&world.store).await;
    assert_intact(&events);
    for id in acknowledged {
        assert_eq!(events.iter().filter(|event| event.meta.id == id).count(), 1);
    }
}

pub(crate) async fn a_failed_transaction_leaves_nothing_in_the_cache(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    world.store.limit_size(Some(0)).await.unwrap();
    let refused = loop {
        let post = world.saying(&"many words ".repeat(300));
        if world.store.execute(post.clone().into()).await.is_err() {
            break post;
        }
    };
    world.store.limit_size(None).await.unwrap();
    // The same command again is neither "repeated" nor "exists already".
    assert!(!run(&world.store, refused.clone()).await.repeated);
    let stream = domain::StreamId::message(message_of(&refused));
    assert_eq!(world.store.read_stream(&stream).await.unwrap().len(), 1);
}

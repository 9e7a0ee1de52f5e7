//! Many who are late at once: they share what is read for them, and a redaction reaches it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Floor, Reader, event, positions, post, sub};
use domain::{Actor, Command, CommandId, Position, chat::DeleteMessage};
use futures::{FutureExt, future::join_all};
use hub::{Delivery, Options};
use live::Encoded;
use uuid::Uuid;

/// A floor with two blocks of history, and a ring that holds next to nothing of it.
async fn long_ago() -> (Floor, Vec<CommandId>) {
    long_ago_with(Options { ring_bytes: 1, ..Options::default() }).await
}

async fn long_ago_with(options: Options) -> (Floor, Vec<CommandId>) {
    let floor = Floor::open(options).await;
    let ids: Vec<CommandId> = (0..600).map(|_| CommandId(Uuid::now_v7())).collect();
    let said = ids.iter().enumerate().map(|(nth, id)| {
        let say = post("lobby", &format!("word {nth}"));
        floor.store.execute(Command::new(*id, Actor::User(floor.ada), say).into())
    });
    for receipt in join_all(said).await {
        receipt.unwrap();
    }
    (floor, ids)
}

/// The first events that a late reader is handed.
async fn first(reader: &mut Reader) -> Vec<Encoded> {
    loop {
        if let Delivery::Batch { batch, .. } = reader.next().await
            && !batch.events.is_empty()
        {
            return batch.events.clone();
        }
    }
}

#[tokio::test]
async fn the_late_share_the_bytes_that_were_read_for_the_first_of_them() {
    let (floor, _) = long_ago().await;
    let since = floor.cursor(Position(0));
    let mut readers = vec![];
    for pattern in [">", "chat.>", "chat.lobby.>"] {
        readers.push(floor.connect(Some(floor.bo), vec![sub("a", pattern, since)]).await);
    }
    let mut tenth = vec![];
    for reader in &mut readers {
        let events = first(reader).await;
        tenth.push(events.iter().find(|event| event.position() == Position(10)).unwrap().block());
    }
    assert!(tenth.iter().all(|block| block.as_ptr() == tenth[0].as_ptr()), "each has read for itself");
    let head = floor.store.head();
    for mut reader in readers {
        // Its first batch has been taken already.
        reader.reached = None;
        let seen = positions(&reader.read_to(head).await);
        assert!(seen.is_sorted() && seen.last() == Some(&head.0));
    }
}

#[tokio::test]
async fn what_was_deleted_is_not_shown_to_who_comes_late() {
    let (floor, ids) = long_ago().await;
    let since = floor.cursor(Position(0));
    let text = |events: &[Encoded], wanted: &str| events.iter().any(|e| event(e).data.get().contains(wanted));
    let mut before = floor.connect(Some(floor.bo), vec![sub("a", "chat.>", since)]).await;
    let held = first(&mut before).await;
    assert!(text(&held, "\"word 7\""));
    let message = domain::MessageId(ids[7].0);
    floor.run(Actor::User(floor.ada), DeleteMessage { room: common::room("lobby"), message }).await;
    let mut after = floor.connect(Some(floor.bo), vec![sub("a", "chat.>", since)]).await;
    let shown = first(&mut after).await;
    assert_eq!(shown.len(), held.len());
    assert!(!text(&shown, "\"word 7\"") && text(&shown, "\"word 8\""));
    assert!(!text(&held, "\"word 7\""), "who has not written it out yet writes it blanked");
}

#[tokio::test]
async fn who_stops_listening_in_the_middle_of_a_read_holds_nobody_up() {
    let (floor, _) = long_ago_with(Options { ring_bytes: 1, lanes: 1, ..Options::default() }).await;
    let since = floor.cursor(Position(0));
    let mut frozen = vec![];
    for _ in 0..3 {
        let mut reader = floor.connect(Some(floor.bo), vec![sub("a", "chat.lobby.>", since)]).await;
        assert!(matches!(reader.next().await, Delivery::Opened { .. }));
        // It begins to read, and nobody asks it again.
        assert!(reader.connection.next().now_or_never().is_none());
        frozen.push(reader);
    }
    let mut other = floor.connect(Some(floor.ada), vec![sub("a", "chat.lobby.>", since)]).await;
    let head = floor.store.head();
    assert_eq!(positions(&other.read_to(head).await).last(), Some(&head.0));
}

#[tokio::test]
async fn who_has_missed_nothing_of_interest_is_live_without_reading() {
    let floor = Floor::open(Options { lanes: 0, chunk: 10, ..Options::default() }).await;
    floor.run(Actor::User(floor.ada), common::open("den", false)).await;
    let since = floor.cursor(floor.store.head());
    for nth in 0..50 {
        floor.say("lobby", &format!("word {nth}")).await;
    }
    let mut reader = floor.connect(Some(floor.bo), vec![sub("a", "chat.den.>", since)]).await;
    let head = floor.store.head();
    assert!(reader.read_to(head).await.is_empty());
    floor.say("den", "at last").await;
    let head = floor.store.head();
    assert_eq!(positions(&reader.read_to(head).await), [head.0]);
}

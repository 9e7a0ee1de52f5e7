//! The service that the README shows, word for word: it is compiled, and it does what it says.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

#[path = "../common/mod.rs"]
mod common;
mod service;
#[path = "../shop/mod.rs"]
mod shop;

use common::Floor;
use domain::{
    Actor, Event, OrderId,
    order::{Confirm, Deliver, Dispatch},
};
use service::Loyalty;
// The service names these as it would in the crate itself.
use services::{Failure, Reaction, Reactor};

/// An order goes all its way.
async fn deliver(floor: &Floor, order: OrderId) {
    floor.run(shop::service(), Confirm { order }).await;
    floor.run(Actor::User(floor.olga), Dispatch { order }).await;
    floor.run(shop::service(), Deliver { order }).await;
}

async fn told(floor: &Floor) -> Vec<String> {
    let events = floor.events("notification.raised").await;
    events
        .iter()
        .map(|event| match event.decode().unwrap().event {
            Event::NotificationRaised(e) => e.text,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test]
async fn points_are_given_for_orders_that_arrived_also_before_the_service_was_there() {
    let floor = Floor::open().await;
    shop::list(&floor, "mug", "A mug", 900).await;
    let early = shop::order(&floor, floor.ada, "mug", 900).await;
    deliver(&floor, early).await;
    shop::order(&floor, floor.ada, "mug", 900).await;

    let runtime = floor.start(vec![Loyalty.into()]);
    floor.settled(&runtime).await;
    runtime.stop().await;
    let runtime = floor.start(vec![Loyalty.into()]);
    let another = shop::order(&floor, floor.ada, "mug", 900).await;
    deliver(&floor, another).await;
    floor.settled(&runtime).await;
    assert_eq!(
        told(&floor).await,
        ["Thank you! You have 10 points now.", "Thank you! You have 20 points now."]
    );
}

#[test]
fn the_readme_shows_this_service() {
    let (readme, service) = (include_str!("../../../../README.md"), include_str!("service.rs"));
    assert!(readme.contains(&format!("```rust\n{service}```")), "README.md and service.rs differ");
}

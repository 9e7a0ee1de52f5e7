//! Who is told what, and what newcomers find.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;
mod shop;

use common::{Answerer, Fault, Floor, Script};
use domain::{
    Actor, Cents, Envelope, Event, UserId,
    account::{ChangeRole, Register, Role},
    order::{Abort, Cancel, CancelReason, Confirm, Deliver, Dispatch, Refund},
    payment::AuthorizePayment,
    review::CheckReview,
};
use services::{Failure, Reaction, Reactor, notifications::Notifications, welcome::Welcome};
use store::LetterStatus;
use uuid::Uuid;

/// What somebody was told, without the ids of orders, and where it leads.
async fn told(floor: &Floor, user: UserId) -> Vec<(String, String)> {
    let events = floor.events("notification.raised").await;
    let told = events.iter().filter_map(|event| match event.decode().unwrap().event {
        Event::NotificationRaised(e) if e.user == user => Some((e.text, e.link.unwrap_or_default())),
        _ => None,
    });
    told.collect()
}

fn texts(told: &[(String, String)]) -> Vec<&str> {
    told.iter().map(|(text, _)| text.as_str()).collect()
}

#[tokio::test]
async fn a_customer_is_told_what_becomes_of_an_order() {
    let floor = Floor::open().await;
    shop::list(&floor, "mug", "A mug", 900).await;
    let runtime = floor.start(vec![Notifications.into()]);
    let (service, ada, olga) = (shop::service, Actor::User(floor.ada), Actor::User(floor.olga));
    let order = shop::order(&floor, floor.ada, "mug", 900).await;
    floor.run(service(), Confirm { order }).await;
    floor.run(olga.clone(), Dispatch { order }).await;
    floor.run(service(), Deliver { order }).await;
    floor.run(olga, Refund { order, reason: None }).await;
    let other = shop::order(&floor, floor.ada, "mug", 900).await;
    floor.run(ada, Cancel { order: other, reason: None }).await;
    let third = shop::order(&floor, floor.ada, "mug", 900).await;
    floor.run(service(), AuthorizePayment { order: third, simulate_fault: false }).await;
    floor.run(service(), Abort { order: third, reason: CancelReason::PaymentDeclined }).await;
    let fourth = shop::order(&floor, floor.ada, "mug", 900).await;
    floor.run(service(), Abort { order: fourth, reason: CancelReason::OutOfStock }).await;
    floor.settled(&runtime).await;

    let told = told(&floor, floor.ada).await;
    let short =
        [order, order, order, order, other, third, fourth].map(|order| order.to_string()[30..].to_owned());
    let expected = [
        "is confirmed.",
        "is on its way.",
        "has arrived.",
        "is refunded: you get €9.00 back.",
        "was cancelled: you asked for it.",
        "was cancelled: your wallet holds less than the €9.00 it costs.",
        "was cancelled: there was not enough of a product.",
    ];
    let expected: Vec<String> =
        short.iter().zip(expected).map(|(id, text)| format!("Your order {id} {text}")).collect();
    assert_eq!(texts(&told), expected);
    assert_eq!(told[0].1, format!("/orders/{order}"));
    assert!(floor.letters(LetterStatus::Parked).await.is_empty());
}

#[tokio::test]
async fn the_staff_is_told_what_waits_for_it_whoever_that_is_then() {
    let floor = Floor::open().await;
    shop::list(&floor, "piano", "A piano", 900_000).await;
    let script = Script::default().with("poison", Fault::Fail(Failure::Poison("no".into())));
    let runtime = floor.start(vec![Notifications.into(), Answerer(script).into()]);
    let dan = UserId(Uuid::now_v7());
    let register =
        Register { user: dan, handle: "dan".parse().unwrap(), name: "Dan".into(), role: Role::Desk };
    floor.run(shop::service(), register).await;
    let order = shop::order(&floor, floor.ada, "piano", 900_000).await;
    floor.run(shop::service(), CheckReview { order }).await;
    floor.settled(&runtime).await;
    let waits = format!("Order {} waits for somebody to look at it.", &order.to_string()[30..]);
    for user in [floor.olga, dan] {
        assert_eq!(texts(&told(&floor, user).await), [&waits]);
    }
    floor.operate(ChangeRole { user: dan, role: Role::Customer }).await;
    floor.say("lobby", "poison").await;
    floor.settled(&runtime).await;
    assert_eq!(texts(&told(&floor, dan).await), [&waits], "of the staff no longer");
    let aside = "The service answerer has put an event aside: chat.message_posted.";
    assert_eq!(texts(&told(&floor, floor.olga).await), [&waits, aside]);
    assert!(told(&floor, floor.ada).await.is_empty());
}

#[tokio::test]
async fn a_bell_that_cannot_be_handled_rings_no_other_bell() {
    struct Deaf;
    impl Reactor for Deaf {
        const NAME: &'static str = "deaf";
        const PATTERNS: &'static [&'static str] = &["notification.*.raised", "chat.*.message_posted"];
        async fn react(&self, _: &Envelope, _: &mut Reaction) -> Result<(), Failure> {
            Err(Failure::Poison("what?".into()))
        }
    }
    let floor = Floor::open().await;
    let runtime = floor.start(vec![Notifications.into(), Deaf.into()]);
    floor.say("lobby", "hello").await;
    floor.settled(&runtime).await;
    let parked = floor.events("service.dead_letter_parked").await;
    assert_eq!(parked.len(), 2, "the message, and the bell about it");
    assert_eq!(floor.events("notification.raised").await.len(), 1);
}

#[tokio::test]
async fn a_newcomer_finds_a_wallet_and_a_word_of_welcome_once() {
    let floor = Floor::open().await;
    let welcome = Welcome { credit: Cents(5_000) };
    let runtime = floor.start(vec![welcome.into()]);
    floor.settled(&runtime).await;
    runtime.stop().await;
    let runtime = floor.start(vec![welcome.into()]);
    floor.settled(&runtime).await;
    let opened = floor.events("wallet.opened").await;
    let credits: Vec<(UserId, Cents)> = opened
        .iter()
        .map(|event| match event.decode().unwrap().event {
            Event::WalletOpened(e) => (e.user, e.credit_cents),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(credits, [(floor.ada, Cents(5_000)), (floor.olga, Cents(5_000))]);
    let text = "Welcome! Your wallet holds €50.00. Say hello in one of the rooms.";
    assert_eq!(told(&floor, floor.ada).await, [(text.to_owned(), "/chat".to_owned())]);
    assert!(floor.letters(LetterStatus::Parked).await.is_empty());
}

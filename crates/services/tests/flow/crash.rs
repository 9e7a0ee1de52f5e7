//! Services that are cut off and stores that are reopened at any moment while orders are on their way: every order
//! ends, and money and stock are conserved.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Actor, Command, CommandId, OrderId, Position, UserId,
    order::{Cancel, Order, Status},
    review::{ApproveReview, RejectReview},
    shipment::{FailShipment, ShipmentFault},
    stock::Receive,
};
use uuid::Uuid;

use crate::{
    books::Books,
    shop::{CREDIT, PRODUCTS, Shop, name, order_of, sku},
};

/// How many customers order in every round.
const CUSTOMERS: usize = 8;

/// How often everything is cut off.
const ROUNDS: u64 = 15;

/// Somebody does something that may come too late by now.
async fn attempt(shop: &Shop, actor: Actor, intent: impl Into<domain::Intent>) {
    let command = Command::new(CommandId(Uuid::now_v7()), actor, intent);
    drop(shop.floor.store.execute(command.into()).await);
}

/// Everybody orders: some more than there is, some more than they can pay, some of what is looked at.
async fn order_all(shop: &Shop, customers: &[UserId], round: u64) {
    for (nth, customer) in customers.iter().enumerate() {
        let lines: &[(&str, u32)] = match (nth as u64 + round) % 4 {
            0 => &[("mug", 1)],
            1 => &[("mug", 2), ("lamp", 1)],
            2 => &[("lamp", 2), ("sofa", 1)],
            _ => &[("sofa", 4)],
        };
        shop.order(*customer, lines).await;
    }
}

/// The desk and the couriers do what there is for them to do, and some customers change their minds.
async fn go_on(shop: &Shop) -> Books {
    let log = shop.log().await;
    let books = Books::of(&log);
    let mut flagged = BTreeMap::<OrderId, bool>::new();
    for event in &log {
        if let Some(order) = order_of(event) {
            match name(event).as_str() {
                "review.flagged" => drop(flagged.insert(order, true)),
                "review.approved" | "review.rejected" => drop(flagged.remove(&order)),
                _ => {}
            }
        }
    }
    let (desk, courier) = (|| Actor::User(shop.floor.olga), || Actor::Service("courier".into()));
    for (order, Order { customer, status, .. }) in &books.orders {
        let order = *order;
        let chance = order.0.as_bytes()[15];
        match status {
            Status::Placed if flagged.contains_key(&order) && chance < 60 => {
                attempt(shop, desk(), RejectReview { order, reason: None }).await;
            }
            Status::Placed if flagged.contains_key(&order) => {
                attempt(shop, desk(), ApproveReview { order, reason: None }).await;
            }
            Status::Placed | Status::Confirmed if chance < 40 => {
                attempt(shop, Actor::User(*customer), Cancel { order, reason: None }).await;
            }
            Status::Confirmed => attempt(shop, desk(), domain::order::Dispatch { order }).await,
            Status::Dispatched if chance < 70 => {
                attempt(shop, courier(), FailShipment { order, reason: ShipmentFault::Lost }).await;
            }
            Status::Dispatched => {
                attempt(shop, courier(), domain::shipment::DeliverShipment { order }).await;
            }
            _ => {}
        }
    }
    books
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_cut_off_every_order_ends_and_nothing_is_lost() {
    let mut shop = Shop::open().await;
    for (number, _) in PRODUCTS {
        shop.desk(Receive { sku: sku(number), quantity: 60 }).await;
    }
    let mut customers = vec![];
    for nth in 0..CUSTOMERS {
        customers.push(shop.customer(&format!("c{nth}")).await);
    }
    for round in 0..ROUNDS {
        let runtime = shop.start();
        order_all(&shop, &customers, round).await;
        go_on(&shop).await;
        let reached = Position(shop.floor.store.head().0 + 60);
        let moment = Duration::from_micros(500 + (round * 7_919) % 25_000);
        let _ = tokio::time::timeout(moment, runtime.reached(reached)).await;
        drop(runtime);
        if round % 3 == 2 {
            shop = Shop { floor: shop.floor.reopen().await };
        }
    }
    let runtime = shop.start();
    let books = loop {
        shop.floor.settled(&runtime).await;
        let head = shop.floor.store.head();
        let books = go_on(&shop).await;
        if shop.floor.store.head() == head {
            break books;
        }
    };
    books.close();
    assert_eq!(books.orders.len() as u64, ROUNDS * CUSTOMERS as u64);
    let ended = |status| books.orders.values().filter(|order| order.status == status).count();
    assert!(ended(Status::Delivered) > 0 && ended(Status::Cancelled) > 0, "some of both");
    assert!(books.taken.values().all(|taken| *taken <= CREDIT.0));
    assert!(shop.floor.letters(store::LetterStatus::Parked).await.is_empty());
}

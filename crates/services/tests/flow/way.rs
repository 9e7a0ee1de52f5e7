//! The way an order goes when nothing is in its way, and two who want the last piece.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Actor, Envelope, Event,
    order::{Refund, Status},
    stock::Level,
};
use services::courier;
use store::UnitError;

use crate::shop::{PIECES, Shop, name, order_of, sku, take_in};

/// What happened, who did it, what it was a reaction to, and how many steps it is from what a person did.
const WAY: [(&str, &str, &str, u8); 21] = [
    ("order.placed", "user", "", 0),
    ("asked to reserve", "service:orders", "order.placed", 1),
    ("stock.reserved", "service:inventory", "asked to reserve", 2),
    ("asked to check_review", "service:orders", "stock.reserved", 3),
    ("review.cleared", "service:review", "asked to check_review", 4),
    ("asked to authorize", "service:orders", "review.cleared", 5),
    ("payment.authorized", "service:payment", "asked to authorize", 6),
    ("order.confirmed", "service:orders", "payment.authorized", 7),
    ("asked to create_shipment", "service:orders", "payment.authorized", 7),
    ("shipment.created", "service:shipping", "asked to create_shipment", 8),
    ("order.dispatched", "user", "", 0),
    ("asked to commit", "service:orders", "order.dispatched", 1),
    ("stock.committed", "service:inventory", "asked to commit", 2),
    ("asked to dispatch_shipment", "service:orders", "order.dispatched", 1),
    ("shipment.dispatched", "service:shipping", "asked to dispatch_shipment", 2),
    ("shipment.position_reported", "external:courier/7", "", 0),
    ("shipment.delivered", "service:courier", "", 0),
    ("order.delivered", "service:orders", "shipment.delivered", 1),
    ("asked to capture", "service:orders", "shipment.delivered", 1),
    ("payment.captured", "service:payment", "asked to capture", 2),
    ("stock.level_changed", "service:inventory", "asked to commit", 2),
];

#[tokio::test]
async fn every_step_of_an_order_has_its_actor_and_its_cause() {
    let shop = Shop::open().await;
    let runtime = shop.start();
    let ada = shop.customer("cleo").await;
    let before = shop.floor.store.head();
    let order = shop.order(ada, &[("mug", 2)]).await;
    shop.floor.settled(&runtime).await;
    assert_eq!(shop.status(order).await, Status::Confirmed);
    shop.dispatch(order).await;

    let (store, published) = (shop.floor.store.clone(), shop.floor.hub.follow());
    let couriers = tokio::spawn(async move {
        let send = |report| take_in(store.clone(), report);
        courier::run(store.clone(), published, Duration::from_millis(1), send).await;
    });
    shop.until(order, "payment.captured").await;
    couriers.abort();
    shop.floor.settled(&runtime).await;

    let log = shop.log().await;
    let flow: Vec<&Envelope> = log.iter().filter(|event| event.meta.position > before).collect();
    let names: BTreeMap<_, _> = flow.iter().map(|event| (event.meta.id.0, name(event))).collect();
    let seen = flow.iter().filter(|event| name(event) == "shipment.position_reported").count();
    assert_eq!(seen, usize::from(courier::STOPS));
    for (what, who, cause, hop) in WAY {
        let event =
            flow.iter().rev().find(|event| name(event) == what).unwrap_or_else(|| panic!("no {what}"));
        let actor = event.meta.actor.to_string();
        assert!(
            actor == who || (who == "user" && matches!(event.meta.actor, Actor::User(_))),
            "{what}: {actor}"
        );
        let caused = names.get(&event.meta.causation).map_or("", String::as_str);
        assert_eq!((caused, event.meta.hop), (cause, hop), "{what}");
        // What a person does begins a flow of its own.
        let placing = ["order.placed", "asked to reserve", "stock.reserved"].contains(&what) || hop > 2;
        assert_eq!(event.meta.correlation == order.0, placing, "{what}");
    }
    let stray: Vec<String> = flow
        .iter()
        .filter(|event| order_of(event) == Some(order))
        .map(|event| name(event))
        .filter(|name| !WAY.iter().any(|(what, ..)| what == name))
        .collect();
    assert_eq!(stray, [""; 0]);
    let books = shop.books().await;
    books.close();
    assert_eq!(books.taken[&ada], 2 * 1_250);

    shop.desk(Refund { order, reason: None }).await;
    shop.floor.settled(&runtime).await;
    assert_eq!(shop.status(order).await, Status::Refunded);
    shop.books().await.nothing_happened();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_one_is_sold_once_two_hundred_times() {
    let shop = Shop::open().await;
    let runtime = shop.start();
    let mut rounds = vec![];
    for round in 0..200 {
        let product = format!("last-{round}");
        shop.stock(&product, 700, 1).await;
        let buyers = [shop.customer(&format!("a{round}")).await, shop.customer(&format!("b{round}")).await];
        for buyer in buyers {
            shop.fill_cart(buyer, &[(&product, 1)]).await;
        }
        let (first, second) = tokio::join!(shop.place(buyers[0], 700), shop.place(buyers[1], 700));
        rounds.push((product, [first.unwrap(), second.unwrap()]));
    }
    shop.floor.settled(&runtime).await;
    let (log, books) = (shop.log().await, shop.books().await);
    for (product, orders) in rounds {
        let statuses = orders.map(|order| books.orders[&order].status);
        let lost = match statuses {
            [Status::Confirmed, Status::Cancelled] => orders[1],
            [Status::Cancelled, Status::Confirmed] => orders[0],
            other => panic!("{product}: {other:?}"),
        };
        assert_eq!(books.levels[&sku(&product)], Level { on_hand: 1, available: 0 });
        let told = log.iter().find_map(|event| match &event.event {
            Event::StockRejected(e) if e.order == lost => Some(e.short[0].to_string()),
            _ => None,
        });
        let sentence = format!("“A {product}” is sold out: somebody bought the last one a moment ago.");
        assert_eq!(told, Some(sentence));
    }
}

#[tokio::test]
async fn of_three_products_of_which_one_is_gone_none_is_kept() {
    let shop = Shop::open().await;
    let runtime = shop.start();
    let (ada, bob) = (shop.customer("cleo").await, shop.customer("bob").await);
    shop.order(ada, &[("lamp", PIECES)]).await;
    shop.floor.settled(&runtime).await;
    let before = shop.books().await.levels;
    let order = shop.order(bob, &[("mug", 1), ("lamp", 1), ("sofa", 1)]).await;
    shop.floor.settled(&runtime).await;
    assert_eq!(shop.status(order).await, Status::Cancelled);
    assert_eq!(shop.books().await.levels, before);
    let log = shop.log().await;
    let short = log.iter().find_map(|event| match &event.event {
        Event::StockRejected(e) => Some(e.short.clone()),
        _ => None,
    });
    let short = short.unwrap();
    assert_eq!((short.len(), short[0].sku.as_str(), short[0].available), (1, "lamp", 0));
}

#[tokio::test]
async fn a_cart_is_ordered_once() {
    let shop = Shop::open().await;
    let ada = shop.customer("cleo").await;
    shop.fill_cart(ada, &[("mug", 1)]).await;
    let (once, again) = tokio::join!(shop.place(ada, 1_250), shop.place(ada, 1_250));
    let refused = [once, again].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    let [UnitError::Refused(refusal)] = &refused[..] else { panic!("{refused:?}") };
    assert_eq!(refusal.code(), "order.cart_empty");
}

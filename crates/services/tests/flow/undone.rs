//! Whatever is in an order's way, it ends, and what was done for it is undone.

use std::time::Duration;

use domain::{
    Actor, Event, OrderId,
    order::{Cancel, CancelReason, Status, Wait},
    review::{ApproveReview, RejectReview},
    shipment::{FailShipment, ShipmentFault},
};
use services::{Faults, Runtime};
use store::UnitError;

use crate::shop::Shop;

/// The reason that an order was cancelled for.
async fn why(shop: &Shop, order: OrderId) -> CancelReason {
    let reason = |event: &domain::Envelope| match &event.event {
        Event::OrderCancelled(e) if e.order == order => Some(e.reason),
        _ => None,
    };
    shop.log().await.iter().find_map(reason).unwrap()
}

#[tokio::test]
async fn a_declined_payment_gives_the_stock_free() {
    let shop = Shop::open().await;
    let faults = Faults::default();
    let runtime = shop.start_with(services::order_flow(&faults), 0);
    let ada = shop.customer("cleo").await;
    faults.fail_payments(1);
    let unlucky = shop.order(ada, &[("mug", 1)]).await;
    shop.floor.settled(&runtime).await;
    // Three lamps and three sofas are more than anybody here can pay.
    let poor = shop.order(ada, &[("lamp", 3), ("sofa", 3)]).await;
    shop.until(poor, "review.flagged").await;
    shop.desk(ApproveReview { order: poor, reason: None }).await;
    shop.floor.settled(&runtime).await;
    for order in [unlucky, poor] {
        let story = shop.story(order).await;
        assert!(story.contains(&"payment.declined".into()), "{story:?}");
        assert!(story.contains(&"stock.released".into()), "{story:?}");
        assert_eq!(why(&shop, order).await, CancelReason::PaymentDeclined);
    }
    shop.books().await.nothing_happened();
    let lucky = shop.order(ada, &[("mug", 1)]).await;
    shop.floor.settled(&runtime).await;
    assert_eq!(shop.status(lucky).await, Status::Confirmed);
}

#[tokio::test]
async fn a_person_decides_about_a_flagged_order() {
    let shop = Shop::open().await;
    let runtime = shop.start();
    let ada = shop.customer("cleo").await;
    let (wanted, unwanted) = (shop.order(ada, &[("sofa", 1)]).await, shop.order(ada, &[("sofa", 1)]).await);
    shop.floor.settled(&runtime).await;
    for order in [wanted, unwanted] {
        assert_eq!(shop.story(order).await.last().unwrap(), "review.flagged");
    }
    shop.desk(ApproveReview { order: wanted, reason: None }).await;
    shop.desk(RejectReview { order: unwanted, reason: Some("Nobody answers.".into()) }).await;
    shop.floor.settled(&runtime).await;
    assert_eq!(shop.status(wanted).await, Status::Confirmed);
    assert_eq!(why(&shop, unwanted).await, CancelReason::ReviewRejected);
    let cancel = Cancel { order: wanted, reason: None };
    shop.floor.run(Actor::User(ada), cancel).await;
    shop.floor.settled(&runtime).await;
    shop.books().await.nothing_happened();
}

#[tokio::test]
async fn whoever_orders_unusually_fast_is_looked_at() {
    let shop = Shop::open().await;
    let runtime = shop.start();
    let ada = shop.customer("cleo").await;
    let mut orders = vec![];
    for _ in 0..6 {
        orders.push(shop.order(ada, &[("mug", 1)]).await);
    }
    shop.floor.settled(&runtime).await;
    let last = orders.pop().unwrap();
    assert_eq!(shop.story(last).await.last().unwrap(), "review.flagged");
    for order in orders {
        assert_eq!(shop.status(order).await, Status::Confirmed);
    }
}

/// Where an order can be held up: by which service's pause, or by a person who does nothing; and by what one sees
/// that it is there.
const HOLDS: [(Wait, &str, &str, &str); 5] = [
    (Wait::Reserve, "inventory", "mug", "asked to reserve"),
    (Wait::Review, "", "sofa", "review.flagged"),
    (Wait::Authorize, "payment", "mug", "asked to authorize"),
    (Wait::Dispatch, "", "mug", "shipment.created"),
    (Wait::Delivery, "", "mug", "shipment.dispatched"),
];

/// An order that has come just so far.
async fn held_up(shop: &Shop, runtime: &Runtime, hold: (Wait, &str, &str, &str)) -> OrderId {
    let (wait, service, product, seen) = hold;
    if !service.is_empty() {
        shop.pause(runtime, service).await;
    }
    let ada = shop.customer("cleo").await;
    let order = shop.order(ada, &[(product, 2)]).await;
    if wait == Wait::Delivery {
        shop.until(order, "shipment.created").await;
        shop.dispatch(order).await;
    }
    shop.until(order, seen).await;
    order
}

#[tokio::test]
async fn a_customer_cancels_whenever_they_like() {
    for hold in HOLDS {
        let shop = Shop::open().await;
        let runtime = shop.start();
        let order = held_up(&shop, &runtime, hold).await;
        let customer = shop.look(order).await.customer;
        shop.floor.run(Actor::User(customer), Cancel { order, reason: None }).await;
        if !hold.1.is_empty() {
            shop.resume(hold.1).await;
        }
        shop.floor.settled(&runtime).await;
        assert_eq!(why(&shop, order).await, CancelReason::Asked, "{hold:?}");
        let books = shop.books().await;
        books.close();
        books.nothing_happened();
    }
}

#[tokio::test]
async fn what_was_delivered_is_not_cancelled_any_more() {
    let shop = Shop::open().await;
    let runtime = shop.start();
    let order = held_up(&shop, &runtime, HOLDS[4]).await;
    shop.arrive(order).await;
    shop.floor.settled(&runtime).await;
    let customer = shop.look(order).await.customer;
    let command = domain::Command::new(
        domain::CommandId(uuid::Uuid::now_v7()),
        Actor::User(customer),
        Cancel { order, reason: None },
    );
    let Err(UnitError::Refused(refusal)) = shop.floor.store.execute(command.into()).await else {
        panic!("it was delivered")
    };
    assert_eq!(refusal.code(), "order.delivered");
}

fn millis(time: Duration) -> i64 {
    time.as_millis().try_into().unwrap()
}

#[tokio::test]
async fn every_wait_ends_at_its_deadline() {
    for hold in HOLDS {
        let shop = Shop::open().await;
        let runtime = shop.start();
        let order = held_up(&shop, &runtime, hold).await;
        let (wait, service, ..) = hold;
        if service.is_empty() {
            shop.floor.settled(&runtime).await;
        }
        runtime.stop().await;
        let almost = shop.start_with(services::order_flow(&Faults::default()), millis(wait.limit()) / 2);
        almost.stop().await;
        assert!(shop.status(order).await < Status::Cancelled, "{wait:?}: not before its time");
        let late = millis(wait.limit()) + 60_000;
        let runtime = shop.start_with(services::order_flow(&Faults::default()), late);
        shop.until(order, "order.cancelled").await;
        if !service.is_empty() {
            shop.resume(service).await;
        }
        shop.floor.settled(&runtime).await;
        assert_eq!(why(&shop, order).await, CancelReason::TimedOut, "{wait:?}");
        let timed_out: Vec<Wait> = shop
            .log()
            .await
            .iter()
            .filter_map(|event| match &event.event {
                Event::OrderTimedOut(e) => Some(e.waiting_for),
                _ => None,
            })
            .collect();
        assert_eq!(timed_out, [wait]);
        shop.books().await.nothing_happened();
        assert!(
            shop.floor.store.timers(10).await.unwrap().is_empty(),
            "{wait:?}: nothing more is waited for"
        );
    }
}

/// Ten minutes: no answer may take so long.
const AWAY: i64 = 600_000;

#[tokio::test]
async fn while_nobody_was_there_nobody_was_late() {
    // Not even the saga has heard of the order; or it has, and nobody else.
    for others in [0, 1] {
        let shop = Shop::open().await;
        let ada = shop.customer("cleo").await;
        let order = shop.order(ada, &[("mug", 1)]).await;
        let mut services = services::order_flow(&Faults::default());
        services.truncate(others);
        let alone = shop.start_with(services, 0);
        shop.floor.settled(&alone).await;
        alone.stop().await;
        let grace = Duration::from_secs(if others == 0 { 0 } else { 3_600 });
        let runtime = shop.start_after(services::order_flow(&Faults::default()), AWAY, grace);
        shop.floor.settled(&runtime).await;
        assert_eq!(shop.status(order).await, Status::Confirmed, "{:?}", shop.story(order).await);
    }
}

#[tokio::test]
async fn a_parcel_that_is_lost_costs_nothing() {
    for fault in [ShipmentFault::Undeliverable, ShipmentFault::Lost] {
        let shop = Shop::open().await;
        let runtime = shop.start();
        let order = held_up(&shop, &runtime, HOLDS[4]).await;
        let failed = FailShipment { order, reason: fault };
        shop.floor.run(Actor::Service("courier".into()), failed).await;
        shop.floor.settled(&runtime).await;
        let story = shop.story(order).await;
        for undone in ["order.cancelled", "payment.voided", "stock.returned"] {
            assert!(story.contains(&undone.into()), "{undone} is not in {story:?}");
        }
        assert_eq!(why(&shop, order).await, CancelReason::DeliveryFailed);
        shop.books().await.nothing_happened();
    }
}

//! The shop's stored projections: what is in them, who finds it, and that folding them anew changes nothing.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;
mod shop;

use std::{collections::BTreeSet, time::Duration};

use common::{Floor, eventually};
use domain::{
    Actor, Cents, Event, MessageId, OrderId, Token, Tokens,
    catalog::RetireProduct,
    chat::{DeleteMessage, EditMessage, OpenRoom},
    order::{Cancel, Confirm, Deliver, Dispatch, Status},
};
use services::{
    Projection, Projections, Stored,
    analytics::{Analytics, Tally},
    order_list::{OrderList, OrderRow},
    search::{FoundKind, Search},
};
use store::Stage;

const WITHIN: Duration = Duration::from_secs(20);

fn start(floor: &Floor) -> Projections {
    let all = vec![Stored::new::<OrderList>(), Stored::new::<Analytics>(), Stored::new::<Search>()];
    Projections::start(floor.store.clone(), &floor.hub, all)
}

async fn up_to_date<P: Projection>(floor: &Floor, projections: &Projections) {
    assert!(projections.wait_for::<P>(floor.store.head(), WITHIN).await);
}

/// Every document of a projection.
async fn everything<P: Projection>(projections: &Projections) -> Vec<(String, String)> {
    let (docs, _) = projections.range::<P>("", "~", 10_000).await.unwrap();
    docs.into_iter().map(|(key, doc)| (key, serde_json::to_string(&doc).unwrap())).collect()
}

async fn rebuild<P: Projection>(floor: &Floor, projections: &Projections) {
    let before = floor.events("service.projection_rebuilt").await.len();
    assert!(projections.rebuild(&P::NAME.parse().unwrap()));
    let done = async || floor.events("service.projection_rebuilt").await.len() > before;
    eventually("it is folded anew", done).await;
}

#[tokio::test]
async fn orders_are_listed_by_customer_and_while_they_are_open() {
    let floor = Floor::open().await;
    let projections = start(&floor);
    shop::list(&floor, "mug", "A mug", 900).await;
    let mut orders = Vec::new();
    for _ in 0..4 {
        orders.push(shop::order(&floor, floor.ada, "mug", 900).await);
    }
    let others = shop::order(&floor, floor.olga, "mug", 900).await;
    let [first, second, third, fourth] = orders[..] else { panic!() };
    floor.run(shop::service(), Confirm { order: second }).await;
    floor.run(Actor::User(floor.olga), Dispatch { order: second }).await;
    floor.run(shop::service(), Deliver { order: second }).await;
    floor.run(shop::service(), Confirm { order: third }).await;
    floor.run(Actor::User(floor.ada), Cancel { order: fourth, reason: None }).await;
    up_to_date::<OrderList>(&floor, &projections).await;

    let statuses =
        |rows: Vec<OrderRow>| rows.into_iter().map(|row| (row.order, row.status)).collect::<Vec<_>>();
    let (rows, position) = OrderList::of_customer(&projections, floor.ada, 10).await.unwrap();
    assert_eq!(position, floor.store.head());
    assert_eq!((rows[0].customer, rows[0].total_cents), (floor.ada, Cents(900)));
    assert_eq!(
        statuses(rows),
        [
            (fourth, Status::Cancelled),
            (third, Status::Confirmed),
            (second, Status::Delivered),
            (first, Status::Placed)
        ]
    );
    let (newest, _) = OrderList::of_customer(&projections, floor.ada, 1).await.unwrap();
    assert_eq!(statuses(newest), [(fourth, Status::Cancelled)]);
    let (open, _) = OrderList::open(&projections, 10).await.unwrap();
    assert_eq!(
        statuses(open),
        [(first, Status::Placed), (third, Status::Confirmed), (others, Status::Placed)]
    );
    let (row, _) = OrderList::order(&projections, second).await.unwrap();
    assert_eq!(row.map(|row| row.status), Some(Status::Delivered));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebuilding_while_orders_are_placed_neither_misses_nor_repeats_a_row() {
    let floor = Floor::open().await;
    let projections = start(&floor);
    shop::list(&floor, "mug", "A mug", 900).await;
    let mut placed: Vec<OrderId> = Vec::new();
    let mut rebuilds = 0;
    for nth in 0..120 {
        let order = shop::order(&floor, floor.ada, "mug", 900).await;
        placed.push(order);
        if nth % 3 == 0 {
            floor.run(shop::service(), Confirm { order }).await;
        }
        if nth % 40 == 10 {
            assert!(projections.rebuild(&OrderList::NAME.parse().unwrap()));
            rebuilds += 1;
        }
        // What a page shows meanwhile is the log as far as it says.
        let (rows, position) = OrderList::of_customer(&projections, floor.ada, 1_000).await.unwrap();
        let shown: Vec<OrderId> = rows.iter().rev().map(|row| row.order).collect();
        let log = floor.events("order.placed").await;
        let expected: Vec<OrderId> = log
            .iter()
            .filter(|event| event.meta.position <= position)
            .map(|event| match event.decode().unwrap().event {
                Event::OrderPlaced(e) => e.order,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(shown, expected);
    }
    let told = async || floor.events("service.projection_rebuilt").await.len() == rebuilds;
    eventually("it is folded anew", told).await;
    up_to_date::<OrderList>(&floor, &projections).await;
    let (rows, _) = OrderList::of_customer(&projections, floor.ada, 1_000).await.unwrap();
    assert_eq!(rows.iter().rev().map(|row| row.order).collect::<Vec<_>>(), placed);

    // What is folded anew is what was there.
    let before = everything::<OrderList>(&projections).await;
    assert_eq!(before.len(), 3 * placed.len());
    rebuild::<OrderList>(&floor, &projections).await;
    assert_eq!(everything::<OrderList>(&projections).await, before);
    let generations = floor.store.generations(OrderList::NAME).await.unwrap();
    let keys: Vec<String> = before.iter().map(|(key, _)| key.clone()).collect();
    let mut found = Vec::new();
    for stage in [Stage::Previous, Stage::Live] {
        let generation = generations.iter().find(|generation| generation.stage == stage).unwrap();
        let docs = floor.store.docs(OrderList::NAME, generation.number, &keys).await.unwrap();
        found.push(docs.into_iter().collect::<BTreeSet<_>>());
    }
    assert_eq!(found[0], found[1]);
}

#[tokio::test]
async fn every_minute_and_day_has_its_tally_also_when_it_is_folded_anew() {
    let floor = Floor::open().await;
    let projections = start(&floor);
    shop::list(&floor, "mug", "A mug", 900).await;
    for nth in 0..3 {
        floor.say("lobby", &format!("number {nth}")).await;
    }
    let arrived = shop::order(&floor, floor.ada, "mug", 900).await;
    floor.run(shop::service(), Confirm { order: arrived }).await;
    floor.run(Actor::User(floor.olga), Dispatch { order: arrived }).await;
    floor.run(shop::service(), Deliver { order: arrived }).await;
    let cancelled = shop::order(&floor, floor.ada, "mug", 900).await;
    floor.run(Actor::User(floor.ada), Cancel { order: cancelled, reason: None }).await;
    up_to_date::<Analytics>(&floor, &projections).await;
    let expected = Tally {
        messages: 3,
        carted: 2,
        placed: 2,
        confirmed: 1,
        dispatched: 1,
        delivered: 1,
        cancelled: 1,
        revenue_cents: Cents::ZERO,
    };
    let total = async |keys: &str| {
        let (tallies, _) =
            projections.range::<Analytics>(&format!("{keys}/"), &format!("{keys}0"), 10).await.unwrap();
        // The test may run across midnight.
        tallies.into_iter().fold(Tally::default(), |sum, (_, tally)| Tally {
            messages: sum.messages + tally.messages,
            carted: sum.carted + tally.carted,
            placed: sum.placed + tally.placed,
            confirmed: sum.confirmed + tally.confirmed,
            dispatched: sum.dispatched + tally.dispatched,
            delivered: sum.delivered + tally.delivered,
            cancelled: sum.cancelled + tally.cancelled,
            revenue_cents: sum.revenue_cents.plus(tally.revenue_cents),
        })
    };
    assert_eq!(total("day").await, expected);
    assert_eq!(total("minute").await, expected);
    let first = floor.events("chat.message_posted").await[0].meta.time;
    let (minute, _) = projections.read::<Analytics>(&Analytics::minute(first)).await.unwrap();
    assert!(minute.unwrap().messages > 0);
    let before = everything::<Analytics>(&projections).await;
    rebuild::<Analytics>(&floor, &projections).await;
    assert_eq!(everything::<Analytics>(&projections).await, before);
}

async fn found(projections: &Projections, query: &str, tokens: &Tokens) -> Vec<(FoundKind, String)> {
    let (found, _) = projections.search::<Search>(query, tokens, 10).await.unwrap();
    found.into_iter().map(|(_, found)| (found.kind, found.text)).collect()
}

#[tokio::test]
async fn everybody_finds_what_they_may_see_and_nobody_what_was_deleted() {
    let floor = Floor::open().await;
    let projections = start(&floor);
    let room = |room: &str| room.parse().unwrap();
    let private = OpenRoom { room: room("backstage"), title: "Backstage".into(), private: true };
    floor.run(Actor::User(floor.ada), private).await;
    shop::list(&floor, "teapot", "A blue teapot", 900).await;
    shop::list(&floor, "mug", "A mug for tea", 900).await;
    floor.say("lobby", "Who wants tea?").await;
    floor.say("backstage", "No tea for the others").await;
    let order = shop::order(&floor, floor.ada, "teapot", 900).await;
    up_to_date::<Search>(&floor, &projections).await;

    let anybody = Tokens::anonymous();
    let customer = Tokens::from_iter([Token::Everyone, Token::User(floor.ada)]);
    let member = Tokens::from_iter([Token::Everyone, Token::Room(room("backstage"))]);
    let kinds = |found: Vec<(FoundKind, String)>| found.into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
    assert_eq!(found(&projections, "tea", &anybody).await.len(), 3);
    assert_eq!(found(&projections, "tea", &member).await.len(), 4);
    assert_eq!(kinds(found(&projections, "blue teapot", &anybody).await), [FoundKind::Product]);
    assert_eq!(found(&projections, "blue", &customer).await.len(), 2);
    assert_eq!(kinds(found(&projections, &order.to_string(), &customer).await), [FoundKind::Order]);

    let said = floor.events("chat.message_posted").await;
    let message = |nth: usize| match said[nth].decode().unwrap().event {
        Event::ChatMessagePosted(e) => e.message,
        other => panic!("{other:?}"),
    };
    let edit = |message: MessageId| EditMessage { room: room("lobby"), message, text: "Coffee?".into() };
    floor.run(Actor::User(floor.ada), edit(message(0))).await;
    floor.run(Actor::User(floor.ada), DeleteMessage { room: room("backstage"), message: message(1) }).await;
    floor.run(shop::service(), RetireProduct { sku: "mug".parse().unwrap() }).await;
    up_to_date::<Search>(&floor, &projections).await;
    for _ in 0..2 {
        assert_eq!(found(&projections, "tea", &member).await, [(FoundKind::Product, "A blue teapot".into())]);
        assert_eq!(found(&projections, "coffee", &anybody).await, [(FoundKind::Message, "Coffee?".into())]);
        assert!(found(&projections, "others", &member).await.is_empty());
        // The same when it is folded from a log in which the text is blank.
        rebuild::<Search>(&floor, &projections).await;
    }
}

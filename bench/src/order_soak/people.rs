//! Who does what: customers order and change their minds, the desk decides and dispatches, couriers deliver or fail.
//! What they do is decided by the seed, so that it is the same again.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use client::{Client, Options, Update};
use domain::{Cents, Cursor, Event, EventId, OrderId, Pattern, Position, order::saga::Input};
use futures::StreamExt;
use live::{ClientConfig, OnGap, Sid, Status};
use serde_json::json;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::sleep,
};
use uuid::Uuid;

use super::Tally;
use crate::{
    Failure,
    http::Refused,
    relay::Relay,
    shop::{self, Caller, Customer, Product},
};

/// What the staff follows.
pub(super) const FOLLOWED: &str =
    "review.*.flagged,order.*.confirmed,shipment.*.dispatched,order.*.delivered,order.*.cancelled";

/// How many of the staff are at work.
const HANDS: usize = 8;

/// The most orders of one customer: more than a person need not look at.
const MOST_ORDERS: usize = 9;

/// How long somebody thinks before changing their mind, in milliseconds.
const SECOND_THOUGHTS: u64 = 2_000;

/// What there is to be bought.
pub(super) struct Market(Vec<Product>);

/// What somebody wants.
pub(super) struct Wish {
    order: OrderId,
    basket: Vec<(Product, u32)>,
    regret: Option<Regret>,
}

/// When somebody wants it no longer.
enum Regret {
    AtOnce,
    After(Duration),
}

impl Market {
    /// Fills the shelves, some more and some less than is going to be wanted.
    pub(super) async fn furnish(
        desk: &mut Caller,
        orders: usize,
        rng: &mut fastrand::Rng,
    ) -> Result<Self, Failure> {
        let products = shop::catalogue(desk).await?;
        let most = u32::try_from(orders / 4)?;
        for product in &products {
            match rng.u32(..=most) {
                0 => {}
                pieces => shop::receive(desk, product, pieces).await?,
            }
        }
        Ok(Self(products))
    }

    /// What everybody wants: so many orders altogether, by customer.
    pub(super) fn wishes(&self, orders: usize, rng: &mut fastrand::Rng) -> Vec<Vec<Wish>> {
        let (mut all, mut left) = (Vec::new(), orders);
        while left > 0 {
            let share = rng.usize(1..=MOST_ORDERS).min(left);
            all.push((0..share).map(|_| self.wish(rng)).collect());
            left -= share;
        }
        all
    }

    fn wish(&self, rng: &mut fastrand::Rng) -> Wish {
        let (lines, order) = (rng.usize(1..=3), order_id(rng));
        let chosen = rng.choose_multiple(&self.0, lines);
        let basket = chosen.into_iter().map(|product| (product.clone(), rng.u32(1..=2))).collect();
        let regret = match rng.u8(..12) {
            0 => Some(Regret::AtOnce),
            1 => Some(Regret::After(Duration::from_millis(rng.u64(..SECOND_THOUGHTS)))),
            _ => None,
        };
        Wish { order, basket, regret }
    }

    /// What the very last customer wants, and gets.
    pub(super) async fn last_wish(&self, desk: &mut Caller) -> Result<Wish, Failure> {
        let product = self.0.first().ok_or("nothing is sold")?;
        shop::receive(desk, product, 1).await?;
        Ok(Wish { order: OrderId(Uuid::now_v7()), basket: vec![(product.clone(), 1)], regret: None })
    }
}

/// What somebody has to spend: not always enough.
pub(super) fn credit(rng: &mut fastrand::Rng) -> Cents {
    Cents(rng.i64(10_000..=200_000))
}

/// As those ids are that say when they were made; else it is as the seed decides.
fn order_id(rng: &mut fastrand::Rng) -> OrderId {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
    let mut bytes = [0; 10];
    rng.fill(&mut bytes);
    OrderId(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
}

/// One customer orders everything, and then takes some of it back. Returns what was ordered.
pub(super) async fn order_all(
    mut customer: Customer,
    wishes: Vec<Wish>,
    tally: Arc<Tally>,
) -> Result<Vec<OrderId>, Failure> {
    let (mut orders, mut regrets) = (Vec::new(), Vec::new());
    for Wish { order, basket, regret } in wishes {
        customer.order(order, &basket).await?;
        tally.placed.fetch_add(1, Relaxed);
        orders.push(order);
        match regret {
            None => {}
            Some(Regret::AtOnce) => cancel(&mut customer, order).await?,
            Some(Regret::After(thoughts)) => regrets.push((thoughts, order)),
        }
    }
    for (thoughts, order) in regrets {
        sleep(thoughts).await;
        cancel(&mut customer, order).await?;
    }
    Ok(orders)
}

async fn cancel(customer: &mut Customer, order: OrderId) -> Result<(), Failure> {
    let asked = customer.caller.command("order.cancel", key(order, "cancel"), &json!({"order": order})).await;
    unless(asked, "order.delivered")
}

/// The staff: follows the log on one line, whatever becomes of it, and does what there is to do until `ending` names the
/// last event. Returns what it was told, in order.
pub(super) async fn look_after(
    target: watch::Receiver<SocketAddr>,
    staff: Caller,
    seed: u64,
    tally: Arc<Tally>,
    mut ending: watch::Receiver<Option<EventId>>,
) -> Result<Vec<EventId>, Failure> {
    let relay = Relay::start(target).await?;
    let mut client = Client::new(&Options {
        token: Some(staff.token().to_owned()),
        session: ClientConfig { base_ms: 20, cap_ms: 200, stable_ms: 100, ..ClientConfig::new(seed) },
        ..Options::new(format!("http://{}", relay.addr))
    })?;
    let (mut hands, mut tasks) = (Vec::new(), JoinSet::new());
    for _ in 0..HANDS {
        let (give, given) = mpsc::unbounded_channel();
        hands.push(give);
        tasks.spawn(work(staff.again(), seed, given));
    }
    let (sid, pattern): (Sid, Pattern) = ("staff".parse()?, FOLLOWED.parse()?);
    let (mut subscribed, mut heard) = (false, Vec::new());
    loop {
        let end = *ending.borrow_and_update();
        if end.is_some() && heard.last().copied() == end {
            return Ok(heard);
        }
        let update = tokio::select! {
            update = client.next() => update.ok_or("the staff was stopped")?,
            Some(failed) = tasks.join_next() => return Err(failed?.expect_err("nobody stops working before")),
            _ = ending.changed() => continue,
        };
        match update {
            Update::Event { event, .. } => {
                heard.push(event.meta.id);
                let envelope = event.decode()?;
                let Some((order, input)) = Input::of(&envelope.event) else { continue };
                if matches!(input, Input::OrderDelivered | Input::OrderCancelled) {
                    tally.ended.fetch_add(1, Relaxed);
                }
                // Each order is in one hand, so its events are looked after in order.
                let _ = hands[usize::from(order.0.as_bytes()[15]) % HANDS].send(envelope.event);
            }
            Update::Status(Status::Live) if !subscribed => {
                subscribed = true;
                let epoch = client.epoch().ok_or("connected to a log without an epoch")?;
                let start = Cursor { epoch, position: Position::START };
                client.subscribe(sid.clone(), pattern.clone(), Some(start), OnGap::Replay);
            }
            Update::Refused { code, why, .. } => return Err(format!("a refusal: {code}: {why}").into()),
            Update::Resync { .. } => return Err("the staff was asked to fetch afresh".into()),
            _ => {}
        }
    }
}

/// One pair of hands, until there is no more work.
async fn work(
    mut caller: Caller,
    seed: u64,
    mut given: mpsc::UnboundedReceiver<Event>,
) -> Result<(), Failure> {
    while let Some(event) = given.recv().await {
        if let Some((order, input)) = Input::of(&event) {
            deal_with(&mut caller, seed, order, input).await?;
        }
    }
    Ok(())
}

/// What is to be done when that has happened to an order.
async fn deal_with(staff: &mut Caller, seed: u64, order: OrderId, input: Input) -> Result<(), Failure> {
    let (_, low) = order.0.as_u64_pair();
    let mut rng = fastrand::Rng::with_seed(seed ^ low);
    let [rejected, lost, refunded] = [3, 10, 12].map(|times| rng.u64(..times) == 0);
    let this = json!({"order": order});
    match input {
        Input::ReviewFlagged => {
            let decision = if rejected { "review.reject" } else { "review.approve" };
            unless(staff.command(decision, key(order, "review"), &this).await, "review.order_cancelled")
        }
        Input::OrderConfirmed => {
            unless(staff.command("order.dispatch", key(order, "dispatch"), &this).await, "order.cancelled")
        }
        Input::ShipmentDispatched => {
            let courier = "couriers/soak";
            let seen = json!({"order": order, "latitude_e6": 52_520_008, "longitude_e6": 13_404_954});
            staff.bring_in(courier, &format!("{order}/seen"), "courier.position_reported", &seen).await?;
            let (kind, data) = match lost {
                true => ("courier.failed", json!({"order": order, "reason": "lost"})),
                false => ("courier.delivered", this),
            };
            Ok(staff.bring_in(courier, &format!("{order}/end"), kind, &data).await?)
        }
        Input::OrderDelivered if refunded => {
            Ok(staff.command("order.refund", key(order, "refund"), &this).await?)
        }
        _ => Ok(()),
    }
}

/// The key under which something is asked for an order, however often.
fn key(order: OrderId, what: &str) -> Uuid {
    Uuid::new_v5(&order.0, what.as_bytes())
}

/// Nothing but this may stand in the way: somebody was first.
fn unless(done: Result<(), Refused>, code: &str) -> Result<(), Failure> {
    match done {
        Err(refused) if refused.code() != code => Err(refused.into()),
        _ => Ok(()),
    }
}

//! Orders through the whole saga of a real server, as fast as it takes them: customers fill carts and order, the desk
//! dispatches, couriers report and deliver through the ingest, and somebody else follows on another connection.

mod footprint;
mod rebuild;

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use client::{Client, Options, Update};
use domain::{OrderId, Pattern, order::saga::Input, review, wallet::MAX_DEPOSIT};
use futures::StreamExt;
use live::{OnGap, Sid};
use serde_json::json;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};
use uuid::Uuid;

use self::footprint::Footprint;
pub(crate) use self::rebuild::{Rebuilt, rebuild};
use crate::{
    Failure,
    fanout::percentile,
    process::{self, Process, Usage},
    shop::{self, Caller, Customer, Product},
};

/// How often a customer orders: more would be looked at by a person.
const EACH: usize = review::MANY_ORDERS;

/// Pieces of every product that come in before anybody orders.
const PLENTY: u32 = 100_000;

/// What is followed: what the desk and the couriers wait for, and the end.
const FOLLOWED: &str =
    "order.*.confirmed,shipment.*.dispatched,payment.*.captured,order.*.cancelled,review.*.flagged";

/// The log has not grown for so long: everything is done that comes of the orders.
const QUIET: Duration = Duration::from_secs(1);

/// So many orders, so many of them on their way at any time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) at_once: usize,
    pub(crate) orders: usize,
}

/// How a load was borne.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Borne {
    pub(crate) load: Load,
    /// From the first that was placed to the last that was paid.
    pub(crate) orders_per_s: f64,
    /// Of the server, with everything that came of the orders afterwards, in milliseconds.
    pub(crate) cpu_ms_per_order: f64,
    pub(crate) generator_cpu_ms_per_order: f64,
    /// From *placed*, acknowledged, to *confirmed* on another connection, in milliseconds.
    pub(crate) confirmed_ms: [f64; 2],
}

/// What all of it has come to.
pub(crate) struct Served {
    pub(crate) borne: Vec<Borne>,
    /// Rows that an order has left, by table, the most first.
    pub(crate) rows: Vec<(String, f64)>,
    /// Bytes that it has left.
    pub(crate) bytes: f64,
    pub(crate) rebuilt: Rebuilt,
}

/// Bears one load after the other.
pub(crate) async fn serve(binary: &Path, loads: &[Load]) -> Result<Served, Failure> {
    let folder = process::folder()?;
    let (server, target) = start(binary, folder.path())?;
    let mut staff = Caller::persona(&target, "bo").await?;
    let products = shop::catalogue(&mut staff).await?;
    for product in &products {
        shop::receive(&mut staff, product, PLENTY).await?;
    }
    let mut crowds = Vec::new();
    for (nth, load) in loads.iter().enumerate() {
        let name = format!("crowd_{nth}");
        crowds.push(shop::customers(&target, &name, load.orders.div_ceil(EACH), |_| MAX_DEPOSIT).await?);
    }
    settled(&mut staff).await?;
    server.terminate().await?;

    let before = Footprint::of(folder.path()).await?;
    let (server, target) = start(binary, folder.path())?;
    let mut staff = Caller::new(&target, staff.token());
    let mut borne = Vec::new();
    for (load, crowd) in loads.iter().zip(crowds) {
        let crowd: Vec<Customer> = crowd
            .into_iter()
            .map(|customer| Customer { caller: Caller::new(&target, customer.caller.token()), ..customer })
            .collect();
        borne.push(bear(&server, &mut staff, *load, crowd, &products).await?);
    }
    server.terminate().await?;

    let after = Footprint::of(folder.path()).await?;
    let orders = borne.iter().map(|borne| borne.load.orders as f64).sum();
    let (rows, bytes) = after.since(&before, orders);
    Ok(Served { borne, rows, bytes, rebuilt: rebuild(folder.path()).await? })
}

/// A server whose own couriers leave the parcels to those of this run.
fn start(binary: &Path, folder: &Path) -> Result<(Process, watch::Receiver<SocketAddr>), Failure> {
    let server = Process::hubbub_with(binary, folder, None, &[("HUBBUB_COURIER_PACE_MS", "86400000")])?;
    let (_, target) = watch::channel(server.addr);
    Ok((server, target))
}

async fn bear(
    server: &Process,
    staff: &mut Caller,
    load: Load,
    crowd: Vec<Customer>,
    products: &[Product],
) -> Result<Borne, Failure> {
    let (used, own) = (server.usage()?, Usage::own()?);
    let waiting = Waiting::default();
    let (ready, is_ready) = oneshot::channel();
    let following = tokio::spawn(follow(server.addr, staff.token().to_owned(), waiting.clone(), ready));
    is_ready.await.map_err(|_| "nobody can follow the log")?;
    let jobs: Vec<(Customer, usize)> = crowd.into_iter().zip(shares(load.orders)).collect();
    let (jobs, begun) = (Arc::new(Mutex::new(jobs)), Instant::now());
    let mut lanes = JoinSet::new();
    for nth in 0..load.at_once {
        let product = products[nth % products.len()].clone();
        lanes.spawn(carry(jobs.clone(), waiting.clone(), staff.again(), product));
    }
    let mut late = Vec::new();
    while let Some(lane) = lanes.join_next().await {
        late.extend(lane??);
    }
    let took = begun.elapsed();
    following.abort();
    settled(staff).await?;
    late.sort_unstable();
    let orders = load.orders as f64;
    Ok(Borne {
        load,
        orders_per_s: orders / took.as_secs_f64(),
        cpu_ms_per_order: (server.usage()?.cpu_s - used.cpu_s) / orders * 1e3,
        generator_cpu_ms_per_order: (Usage::own()?.cpu_s - own.cpu_s) / orders * 1e3,
        confirmed_ms: [50, 99].map(|percent| percentile(&late, percent)),
    })
}

/// How often each customer orders.
fn shares(orders: usize) -> impl Iterator<Item = usize> {
    (0..orders).step_by(EACH).map(move |from| EACH.min(orders - from))
}

/// What is told to those who wait for an order, and when it came.
type Told = (Input, Instant);

/// Those who wait, by order.
#[derive(Clone, Default)]
struct Waiting(Arc<Mutex<HashMap<OrderId, mpsc::UnboundedSender<Told>>>>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, HashMap<OrderId, mpsc::UnboundedSender<Told>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for what becomes of an order.
    fn order(&self, order: OrderId) -> mpsc::UnboundedReceiver<Told> {
        let (tell, told) = mpsc::unbounded_channel();
        self.lock().insert(order, tell);
        told
    }
}

/// Follows as somebody of the staff, and tells those who wait.
async fn follow(
    addr: SocketAddr,
    token: String,
    waiting: Waiting,
    ready: oneshot::Sender<()>,
) -> Result<(), Failure> {
    let mut client = Client::new(&Options { token: Some(token), ..Options::new(format!("http://{addr}")) })?;
    let (sid, pattern): (Sid, Pattern) = ("orders".parse()?, FOLLOWED.parse()?);
    client.subscribe(sid, pattern, None, OnGap::Replay);
    let mut ready = Some(ready);
    while let Some(update) = client.next().await {
        match update {
            Update::Live { .. } => {
                // Whoever waited for it may have given up.
                let _ = ready.take().map(|ready| ready.send(()));
            }
            Update::Event { event, .. } => {
                let now = Instant::now();
                let Some((order, input)) = Input::of(&event.decode()?.event) else { continue };
                let mut waiting = waiting.lock();
                let told = waiting.get(&order).is_some_and(|tell| tell.send((input, now)).is_ok());
                if !told || input == Input::PaymentCaptured {
                    waiting.remove(&order);
                }
            }
            Update::Refused { code, why, .. } => return Err(format!("a refusal: {code}: {why}").into()),
            _ => {}
        }
    }
    Ok(())
}

/// Takes one order after the other all the way, as customer, desk and courier. Returns how long after *placed* was
/// acknowledged each was heard to be confirmed, in microseconds.
async fn carry(
    jobs: Arc<Mutex<Vec<(Customer, usize)>>>,
    waiting: Waiting,
    mut staff: Caller,
    product: Product,
) -> Result<Vec<u32>, Failure> {
    let mut late = Vec::new();
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some((mut customer, share)) = job else { return Ok(late) };
        for _ in 0..share {
            let order = OrderId(Uuid::now_v7());
            let mut told = waiting.order(order);
            customer.order(order, &[(product.clone(), 1)]).await?;
            let acknowledged = Instant::now();
            let confirmed = until(&mut told, Input::OrderConfirmed).await?;
            late.push(u32::try_from(confirmed.saturating_duration_since(acknowledged).as_micros())?);
            staff.command("order.dispatch", Uuid::now_v7(), &json!({"order": order})).await?;
            until(&mut told, Input::ShipmentDispatched).await?;
            let here = json!({"order": order, "latitude_e6": 52_520_008, "longitude_e6": 13_404_954});
            let id = |report: &str| format!("{order}/{report}");
            staff.bring_in("couriers/bench", &id("seen"), "courier.position_reported", &here).await?;
            let there = json!({"order": order});
            staff.bring_in("couriers/bench", &id("arrived"), "courier.delivered", &there).await?;
            until(&mut told, Input::PaymentCaptured).await?;
        }
    }
}

/// Waits until this is told; nothing else may be told before.
async fn until(told: &mut mpsc::UnboundedReceiver<Told>, wanted: Input) -> Result<Instant, Failure> {
    match told.recv().await {
        Some((input, at)) if input == wanted => Ok(at),
        Some((input, _)) => Err(format!("{input:?} instead of {wanted:?}").into()),
        None => Err("nobody follows the log any more".into()),
    }
}

/// Waits until the log grows no more.
async fn settled(anybody: &mut Caller) -> Result<(), Failure> {
    let (mut head, mut since) = (anybody.head().await?, Instant::now());
    while since.elapsed() < QUIET {
        tokio::time::sleep(QUIET / 10).await;
        let now = anybody.head().await?;
        if now != head {
            (head, since) = (now, Instant::now());
        }
    }
    Ok(())
}

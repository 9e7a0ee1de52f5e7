//! Services that fail, stand still or panic, and what the others notice of it.

use std::sync::{Arc, Mutex};

use domain::{
    Actor, Envelope, Event, ServiceName, UserId,
    order::{Cancel, Status},
    service::Redrive,
};
use services::{
    Failure, Faults, Reaction, Reactor, SequenceKey, Service, State, inventory::Inventory, orders::Orders,
    payment::Payment, review::Review, shipping::Shipping,
};
use store::LetterStatus;

use crate::{
    common::{eventually, status},
    shop::Shop,
};

/// A service that fails at the steps of some customer's orders.
struct Broken<R> {
    inner: R,
    fault: Fault,
}

/// Whose orders it fails at, and how. All clones are the same.
#[derive(Clone, Default)]
struct Fault(Arc<Mutex<Option<(UserId, How)>>>);

#[derive(Clone, Copy)]
enum How {
    Poison,
    Panic,
}

impl Fault {
    fn set(&self, fault: Option<(UserId, How)>) {
        *self.0.lock().unwrap() = fault;
    }
}

impl<R: Reactor> Reactor for Broken<R> {
    const NAME: &'static str = R::NAME;
    const PATTERNS: &'static [&'static str] = R::PATTERNS;

    fn key(event: &Envelope) -> SequenceKey {
        R::key(event)
    }

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        let fault = *self.fault.0.lock().unwrap();
        if let (Event::OrderStepRequested(e), Some((customer, how))) = (&event.event, fault)
            && e.customer == customer
            && e.step.service() == Self::NAME
        {
            match how {
                How::Poison => return Err(Failure::Poison("the bank does not know this customer".into())),
                How::Panic => panic!("nobody thought of this customer"),
            }
        }
        self.inner.react(event, unit).await
    }
}

/// The services, of which the payment fails as told.
fn with_broken_payment(fault: &Fault) -> Vec<Service> {
    let payment = Broken { inner: Payment::default(), fault: fault.clone() };
    vec![
        Orders.into(),
        Inventory::default().into(),
        Review::default().into(),
        payment.into(),
        Shipping::default().into(),
    ]
}

fn redrive(key: String) -> Redrive {
    Redrive { service: ServiceName::new("payment").unwrap(), key }
}

#[tokio::test]
async fn poison_holds_up_its_order_and_no_other_and_goes_on_in_order_when_it_is_mended() {
    let shop = Shop::open().await;
    let fault = Fault::default();
    let runtime = shop.start_with(with_broken_payment(&fault), 0);
    let (ada, bob) = (shop.customer("cleo").await, shop.customer("bob").await);
    fault.set(Some((ada, How::Poison)));
    let (stuck, cancelled) = (shop.order(ada, &[("mug", 1)]).await, shop.order(ada, &[("lamp", 1)]).await);
    let other = shop.order(bob, &[("mug", 1)]).await;
    shop.floor.settled(&runtime).await;
    shop.floor.run(Actor::User(ada), Cancel { order: cancelled, reason: None }).await;
    shop.floor.settled(&runtime).await;

    assert_eq!(shop.status(other).await, Status::Confirmed);
    let keys: Vec<String> =
        shop.floor.letters(LetterStatus::Parked).await.into_iter().map(|letter| letter.key).collect();
    let key = |order| format!("order-{order}");
    let count = |order| keys.iter().filter(|found| **found == key(order)).count();
    assert_eq!((count(stuck), count(other)), (1, 0), "{keys:?}");
    assert!(count(cancelled) > 1, "what was asked for later waits behind it: {keys:?}");
    assert_eq!(shop.status(stuck).await, Status::Placed);

    fault.set(None);
    for order in [stuck, cancelled] {
        shop.desk(redrive(key(order))).await;
    }
    eventually("nothing is parked", async || status(&runtime, "payment").parked == 0).await;
    shop.floor.settled(&runtime).await;
    assert_eq!(shop.status(stuck).await, Status::Confirmed);
    let story = shop.story(cancelled).await;
    let at = |what: &str| story.iter().position(|name| name == what);
    assert!(
        at("payment.authorized").is_some() && at("payment.authorized") < at("payment.voided"),
        "{story:?}"
    );
    let books = shop.books().await;
    assert_eq!((books.held[&ada], books.held[&bob]), (1_250, 1_250));
}

#[tokio::test]
async fn while_payment_is_paused_its_lag_grows_and_then_drains_and_nothing_is_parked() {
    let shop = Shop::open().await;
    let runtime = shop.start();
    shop.pause(&runtime, "payment").await;
    let (mut orders, mut lags) = (vec![], vec![]);
    for nth in 0..5 {
        let customer = shop.customer(&format!("c{nth}")).await;
        let order = shop.order(customer, &[("mug", 1)]).await;
        shop.until(order, "asked to authorize").await;
        orders.push(order);
        lags.push(status(&runtime, "payment").lag);
    }
    assert!(lags.windows(2).all(|pair| pair[0] < pair[1]), "{lags:?}");
    eventually("it is said for how long", async || !status(&runtime, "payment").lag_time.is_zero()).await;
    let log = shop.log().await;
    assert!(!log.iter().any(|event| event.meta.kind.starts_with("payment.")));
    shop.resume("payment").await;
    shop.floor.settled(&runtime).await;
    let now = status(&runtime, "payment");
    assert_eq!((now.lag, now.parked, now.state), (0, 0, State::Running));
    for order in orders {
        assert_eq!(shop.status(order).await, Status::Confirmed);
    }
    assert!(shop.floor.letters(LetterStatus::Parked).await.is_empty());
}

#[tokio::test]
async fn of_a_service_that_panics_the_others_notice_nothing() {
    let shop = Shop::open().await;
    let fault = Fault::default();
    let runtime = shop.start_with(with_broken_payment(&fault), 0);
    let (ada, bob) = (shop.customer("cleo").await, shop.customer("bob").await);
    fault.set(Some((ada, How::Panic)));
    let (stuck, other) = (shop.order(ada, &[("mug", 1)]).await, shop.order(bob, &[("mug", 1)]).await);
    shop.floor.settled(&runtime).await;
    assert_eq!(shop.status(other).await, Status::Confirmed);
    assert_eq!(shop.status(stuck).await, Status::Placed);
    for service in ["orders", "inventory", "review", "shipping"] {
        let status = status(&runtime, service);
        assert_eq!((status.state, status.parked, status.lag), (State::Running, 0, 0), "{service}");
    }
    assert_eq!(status(&runtime, "payment").parked, 1);
    fault.set(None);
    shop.desk(redrive(format!("order-{stuck}"))).await;
    eventually("nothing is parked", async || status(&runtime, "payment").parked == 0).await;
    shop.floor.settled(&runtime).await;
    assert_eq!(shop.status(stuck).await, Status::Confirmed);
}

#[tokio::test]
async fn a_service_that_is_slow_is_only_slow() {
    let shop = Shop::open().await;
    let faults = Faults::default();
    let runtime = shop.start_with(services::order_flow(&faults), 0);
    faults.slow_down("review", std::time::Duration::from_millis(30));
    let ada = shop.customer("cleo").await;
    let order = shop.order(ada, &[("mug", 1)]).await;
    shop.floor.settled(&runtime).await;
    assert_eq!(shop.status(order).await, Status::Confirmed);
    let log = shop.log().await;
    let time = |what: &str| log.iter().find(|event| crate::shop::name(event) == what).unwrap().meta.time;
    let took = time("review.cleared").millis() - time("asked to check_review").millis();
    assert!(took >= 25, "{took} ms");
}

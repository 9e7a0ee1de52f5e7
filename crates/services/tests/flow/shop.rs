//! A shop with products on its shelves, staff, and as many customers as a test wants.

use std::{sync::Arc, time::Duration};

use domain::{
    Actor, Cents, Command, CommandId, Envelope, Event, OrderId, Position, ServiceName, Sku, UserId,
    account::{Register, Role},
    cart::AddItem,
    catalog::ListProduct,
    order::{Dispatch, Order, Place, Status, saga::Input},
    service::{Pause, Resume},
    shipment::{DeliverShipment, ReportPosition},
    stock::Receive,
    wallet::Open,
};
use services::{Faults, Runtime, Service, Settings, State, courier::Report};
use store::{Filter, Store, UnitError};
use uuid::Uuid;

use crate::{
    books::Books,
    common::{self, Floor, eventually, status},
};

/// What the shop sells: number and price. A sofa is so dear that somebody looks at the order.
pub(crate) const PRODUCTS: [(&str, i64); 3] = [("mug", 1_250), ("lamp", 9_900), ("sofa", 60_000)];

/// How many there are of each.
pub(crate) const PIECES: u32 = 6;

/// What a customer has to spend.
pub(crate) const CREDIT: Cents = Cents(200_000);

pub(crate) struct Shop {
    pub(crate) floor: Floor,
}

pub(crate) fn sku(number: &str) -> Sku {
    Sku::new(number).unwrap()
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let shop = Self { floor: Floor::open().await };
        for (number, cents) in PRODUCTS {
            shop.stock(number, cents, PIECES).await;
        }
        shop
    }

    /// Puts a new product on the shelves.
    pub(crate) async fn stock(&self, number: &str, cents: i64, quantity: u32) {
        let (title, price_cents) = (format!("A {number}"), Cents(cents));
        self.desk(ListProduct { sku: sku(number), title, price_cents, description: None, category: None })
            .await;
        self.desk(Receive { sku: sku(number), quantity }).await;
    }

    pub(crate) async fn customer(&self, name: &str) -> UserId {
        let user = UserId(Uuid::now_v7());
        let (handle, role) = (name.parse().unwrap(), Role::Customer);
        let server = || Actor::Service("test".into());
        self.floor.run(server(), Register { user, handle, name: name.into(), role }).await;
        self.floor.run(server(), Open { user, credit_cents: CREDIT }).await;
        user
    }

    /// Starts the services of the order flow.
    pub(crate) fn start(&self) -> Runtime {
        self.start_with(services::order_flow(&Faults::default()), 0)
    }

    /// Starts these services, with clocks that are so many milliseconds ahead.
    pub(crate) fn start_with(&self, services: Vec<Service>, ahead: i64) -> Runtime {
        self.start_after(services, ahead, Duration::ZERO)
    }

    /// The same; and they are given some time before a timer goes off.
    pub(crate) fn start_after(&self, services: Vec<Service>, ahead: i64, grace: Duration) -> Runtime {
        let clock = Settings::default().clock;
        let clock = Arc::new(move || clock().plus_millis(ahead));
        let patient = Settings { batch: 64, clock, grace, ..common::settings() };
        Runtime::start(self.floor.store.clone(), &self.floor.hub, services, patient)
    }

    /// Somebody of the desk does something.
    pub(crate) async fn desk(&self, intent: impl Into<domain::Intent>) {
        self.floor.run(Actor::User(self.floor.olga), intent).await;
    }

    /// Pauses a service, and waits until it has heard of it.
    pub(crate) async fn pause(&self, runtime: &Runtime, service: &str) {
        self.desk(Pause { service: ServiceName::new(service).unwrap(), reason: None }).await;
        eventually("it is paused", async || status(runtime, service).state == State::Paused).await;
    }

    pub(crate) async fn resume(&self, service: &str) {
        self.desk(Resume { service: ServiceName::new(service).unwrap() }).await;
    }

    pub(crate) async fn fill_cart(&self, customer: UserId, lines: &[(&str, u32)]) {
        for (number, quantity) in lines {
            let add = AddItem { sku: sku(number), quantity: *quantity };
            self.floor.run(Actor::User(customer), add).await;
        }
    }

    /// Orders what is in the cart.
    pub(crate) async fn place(&self, customer: UserId, total: i64) -> Result<OrderId, UnitError> {
        let id = CommandId(Uuid::now_v7());
        let place = Place { expected_total_cents: Cents(total), address: None };
        let command = Command::new(id, Actor::User(customer), place);
        self.floor.store.execute(command.into()).await.map(|_| OrderId(id.0))
    }

    /// Orders some of what every shop has.
    pub(crate) async fn order(&self, customer: UserId, lines: &[(&str, u32)]) -> OrderId {
        self.fill_cart(customer, lines).await;
        let price = |number: &str| PRODUCTS.iter().find(|(known, _)| *known == number).unwrap().1;
        let total = lines.iter().map(|(number, quantity)| price(number) * i64::from(*quantity)).sum();
        self.place(customer, total).await.unwrap()
    }

    pub(crate) async fn dispatch(&self, order: OrderId) {
        self.desk(Dispatch { order }).await;
    }

    pub(crate) async fn arrive(&self, order: OrderId) {
        self.floor.run(Actor::Service("courier".into()), DeliverShipment { order }).await;
    }

    pub(crate) async fn log(&self) -> Vec<Envelope> {
        let (mut log, mut after) = (vec![], Position::START);
        while after < self.floor.store.head() {
            let page = self.floor.store.read(after, &Filter::everything(), 1_000).await.unwrap();
            log.extend(page.events.iter().map(|event| event.decode().unwrap()));
            after = page.next;
        }
        log
    }

    pub(crate) async fn books(&self) -> Books {
        Books::of(&self.log().await)
    }

    /// What has happened to an order, by name.
    pub(crate) async fn story(&self, order: OrderId) -> Vec<String> {
        self.log().await.iter().filter(|event| order_of(event) == Some(order)).map(name).collect()
    }

    /// Waits until something has happened to an order.
    pub(crate) async fn until(&self, order: OrderId, what: &str) {
        let happened = async || self.story(order).await.iter().any(|name| name == what);
        eventually(what, happened).await;
    }

    pub(crate) async fn look(&self, order: OrderId) -> Order {
        self.books().await.orders.remove(&order).unwrap()
    }

    pub(crate) async fn status(&self, order: OrderId) -> Status {
        self.look(order).await.status
    }
}

/// Which order an event is about.
pub(crate) fn order_of(event: &Envelope) -> Option<OrderId> {
    match &event.event {
        Event::OrderStepRequested(e) => Some(e.order),
        other => Input::of(other).map(|(order, _)| order),
    }
}

/// An event's type; of a step that is asked for, which.
pub(crate) fn name(event: &Envelope) -> String {
    match &event.event {
        Event::OrderStepRequested(e) => format!("asked to {}", e.step.name()),
        other => other.kind().name.to_owned(),
    }
}

/// Takes a courier's report in, as the ingest does.
pub(crate) async fn take_in(store: Store, report: Report) -> Result<(), String> {
    let id = CommandId(Uuid::new_v5(&Uuid::NAMESPACE_URL, report.id.as_bytes()));
    let command = if report.kind == "courier.delivered" {
        let arrived: DeliverShipment = serde_json::from_value(report.data).unwrap();
        Command::new(id, Actor::Service("courier".into()), arrived)
    } else {
        let seen: ReportPosition = serde_json::from_value(report.data).unwrap();
        Command::new(id, Actor::External("courier/7".into()), seen)
    };
    store.execute(command.into()).await.map(drop).map_err(|error| error.to_string())
}

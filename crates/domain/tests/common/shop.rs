//! Generated days of a shop: customers fill carts and place orders, the desk works, parcels travel, deadlines
//! pass, and the saga drives every order. It reads the log as far behind as chance has it, and what it wants
//! done is done later still, in the order in which it was wanted: so everything that can come late does.

use std::collections::{BTreeMap, VecDeque};

use domain::{
    Actor, Event, Intent, NotificationId, OrderId, Position, Sku, UserId,
    cart::{AddItem, RemoveItem, SetQuantity},
    catalog::{ChangePrice, ListProduct, RetireProduct},
    money::Cents,
    notification::{MailFault, MarkNotificationsRead, NoteEmailFailure, NoteEmailSent, Raise},
    order::{
        Cancel, Claim, Dispatch, Place, Refund, Step, Wait,
        saga::{Action, Input, Saga},
    },
    payment::AuthorizePayment,
    review::{ApproveReview, RejectReview},
    shipment::{DeliverShipment, FailShipment, ReportPosition, ShipmentFault},
    stock::Receive,
    wallet::{Deposit, Open},
};
use proptest::{collection, prelude::*, sample::Index};

use super::{ADA, BO, CYRIL, Log, OLGA, PEOPLE, sku};

/// What a shop sells: number, title, and price in cents.
pub(crate) const PRODUCTS: [(&str, &str, i64); 3] =
    [("mug", "Mug", 1_250), ("lamp", "Lamp", 9_900), ("sofa", "Sofa", 45_000)];

/// The services that do what the saga asks for.
const SERVICES: [&str; 4] = ["inventory", "review", "payment", "shipping"];

/// Why a service's command is never refused.
const NO_REFUSAL: &str = "what a service is told no about is an event or nothing";

/// One of the shop's services.
pub(crate) fn service() -> Actor {
    Actor::Service("orders".into())
}

/// One thing that somebody does. People and products by number, orders by their place among those placed.
#[derive(Debug, Clone)]
pub(crate) enum Errand {
    List {
        product: usize,
    },
    Reprice {
        product: usize,
        cents: i64,
    },
    Retire {
        product: usize,
    },
    Receive {
        product: usize,
        quantity: u32,
    },
    OpenWallet {
        who: usize,
    },
    Deposit {
        who: usize,
        cents: i64,
    },
    Add {
        who: usize,
        product: usize,
        quantity: u32,
    },
    Set {
        who: usize,
        product: usize,
        quantity: u32,
    },
    Remove {
        who: usize,
        product: usize,
    },
    Place {
        who: usize,
        off_by: i64,
        address: bool,
    },
    Cancel {
        order: Index,
        who: Option<usize>,
    },
    Claim {
        order: Index,
        olga: bool,
    },
    Approve {
        order: Index,
        olga: bool,
    },
    Reject {
        order: Index,
        olga: bool,
    },
    Dispatch {
        order: Index,
        olga: bool,
    },
    Refund {
        order: Index,
    },
    Expire {
        order: Index,
        wait: Option<Wait>,
    },
    Seen {
        order: Index,
        degrees: i32,
    },
    Arrive {
        order: Index,
    },
    Lose {
        order: Index,
    },
    Raise {
        who: usize,
    },
    Read {
        who: usize,
        upto: Index,
    },
    Mail {
        notification: Index,
        fails: bool,
    },
    /// The saga reads on.
    Hear {
        events: usize,
    },
    /// The saga hears something a second time.
    HearAgain {
        event: Index,
    },
    /// Something that the saga wants is done, or asked for; what is asked for may be done promptly.
    Act {
        order: Index,
        times: usize,
        promptly: bool,
        fault: bool,
    },
    /// A service does what it was asked for; a payment may be made to fail.
    Serve {
        order: Index,
        service: Index,
        times: usize,
        fault: bool,
    },
}

/// A day in the shop: it begins with products, stock and money.
pub(crate) fn errands(count: usize) -> impl Strategy<Value = Vec<Errand>> {
    let who = || 0..PEOPLE.len();
    let product = || 0..PRODUCTS.len();
    let order = any::<Index>;
    let olga = any::<bool>;
    let cents = || prop_oneof![3 => 1_000_i64..200_000, 1 => -5_i64..5];
    let wait = prop::sample::select(vec![
        Wait::Reserve,
        Wait::Review,
        Wait::Authorize,
        Wait::Dispatch,
        Wait::Delivery,
    ]);
    let shelves = prop_oneof![
        1 => Just(Errand::Retire { product: 0 }),
        2 => product().prop_map(|product| Errand::List { product }),
        2 => (product(), cents()).prop_map(|(product, cents)| Errand::Reprice { product, cents }),
        1 => product().prop_map(|product| Errand::Retire { product }),
        4 => (product(), 0..4_u32).prop_map(|(product, quantity)| Errand::Receive { product, quantity }),
        2 => (who(), cents()).prop_map(|(who, cents)| Errand::Deposit { who, cents }),
        1 => who().prop_map(|who| Errand::OpenWallet { who }),
    ];
    let carts = prop_oneof![
        8 => (who(), product(), 1..3_u32)
            .prop_map(|(who, product, quantity)| Errand::Add { who, product, quantity }),
        2 => (who(), product(), 0..101_u32)
            .prop_map(|(who, product, quantity)| Errand::Set { who, product, quantity }),
        2 => (who(), product(), 1..3_u32)
            .prop_map(|(who, product, quantity)| Errand::Set { who, product, quantity }),
        2 => (who(), product()).prop_map(|(who, product)| Errand::Remove { who, product }),
        4 => (who(), prop_oneof![9 => Just(0), 1 => Just(5)], any::<bool>())
            .prop_map(|(who, off_by, address)| Errand::Place { who, off_by, address }),
    ];
    let desk = prop_oneof![
        1 => (order(), prop::option::of(who())).prop_map(|(order, who)| Errand::Cancel { order, who }),
        2 => (order(), olga()).prop_map(|(order, olga)| Errand::Claim { order, olga }),
        4 => (order(), olga()).prop_map(|(order, olga)| Errand::Approve { order, olga }),
        4 => (order(), olga()).prop_map(|(order, olga)| Errand::Reject { order, olga }),
        9 => (order(), olga()).prop_map(|(order, olga)| Errand::Dispatch { order, olga }),
        6 => order().prop_map(|order| Errand::Refund { order }),
        1 => (order(), prop::option::weighted(0.7, wait)).prop_map(|(order, wait)| Errand::Expire { order, wait }),
    ];
    let road = prop_oneof![
        5 => (order(), any::<i32>()).prop_map(|(order, degrees)| Errand::Seen { order, degrees: degrees / 20 }),
        8 => order().prop_map(|order| Errand::Arrive { order }),
        1 => order().prop_map(|order| Errand::Lose { order }),
        2 => who().prop_map(|who| Errand::Raise { who }),
        1 => (who(), order()).prop_map(|(who, upto)| Errand::Read { who, upto }),
        2 => (order(), any::<bool>()).prop_map(|(notification, fails)| Errand::Mail { notification, fails }),
    ];
    let saga = prop_oneof![
        6 => (1..40_usize).prop_map(|events| Errand::Hear { events }),
        1 => order().prop_map(|event| Errand::HearAgain { event }),
        12 => (order(), 2..8_usize, prop::bool::weighted(0.85), prop::bool::weighted(0.1)).prop_map(
            |(order, times, promptly, fault)| Errand::Act { order, times, promptly, fault }
        ),
        4 => (order(), order(), 1..6_usize, prop::bool::weighted(0.1))
            .prop_map(|(order, service, times, fault)| Errand::Serve { order, service, times, fault }),
    ];
    let errand = prop_oneof![1 => shelves, 3 => carts, 5 => desk, 4 => road, 16 => saga];
    let opening: Vec<Errand> = (0..PRODUCTS.len())
        .flat_map(|product| [Errand::List { product }, Errand::Receive { product, quantity: 4 }])
        .chain((0..PEOPLE.len()).map(|who| Errand::Deposit { who, cents: 300_000 }))
        .collect();
    collection::vec(errand, count / 4..count)
        .prop_map(move |then| opening.iter().cloned().chain(then).collect())
}

/// A shop, its log, and the sagas of its orders.
#[derive(Debug, Default)]
pub(crate) struct Shop {
    pub(crate) log: Log,
    pub(crate) sagas: BTreeMap<OrderId, Saga>,
    /// What the sagas want done, in the order in which they wanted it.
    wanted: BTreeMap<OrderId, VecDeque<Action>>,
    /// What the services are asked for, each in the order in which it was asked.
    asked: BTreeMap<(&'static str, OrderId), VecDeque<Step>>,
    /// Until when each may wait, and for what.
    pub(crate) deadlines: BTreeMap<OrderId, Wait>,
    /// Orders in the order in which they were placed.
    orders: Vec<(OrderId, UserId)>,
    heard: usize,
    notifications: Vec<(UserId, NotificationId)>,
    carts: BTreeMap<UserId, BTreeMap<Sku, u32>>,
    prices: BTreeMap<Sku, Cents>,
    noted: usize,
}

impl Shop {
    /// A shop in which [`PEOPLE`] are registered.
    pub(crate) fn open() -> Self {
        Self::in_log(Log::with_people())
    }

    /// A shop that goes on where a log ends.
    pub(crate) fn in_log(log: Log) -> Self {
        Self { noted: log.envelopes.len(), heard: log.envelopes.len(), log, ..Self::default() }
    }

    /// Runs a command, granted or not, and notes what came of it.
    pub(crate) fn run(&mut self, actor: Actor, intent: impl Into<Intent>) -> bool {
        let granted = self.log.run(actor, intent).is_ok();
        while let Some(envelope) = self.log.envelopes.get(self.noted) {
            self.noted += 1;
            match envelope.event.clone() {
                Event::CatalogProductListed(e) => drop(self.prices.insert(e.sku, e.price_cents)),
                Event::CatalogPriceChanged(e) => drop(self.prices.insert(e.sku, e.price_cents)),
                Event::CartItemAdded(e) => {
                    *self.carts.entry(e.user).or_default().entry(e.sku).or_default() += e.quantity;
                }
                Event::CartQuantityChanged(e) => {
                    self.carts.entry(e.user).or_default().insert(e.sku, e.quantity);
                }
                Event::CartItemRemoved(e) => drop(self.carts.entry(e.user).or_default().remove(&e.sku)),
                Event::CartCheckedOut(e) => drop(self.carts.remove(&e.user)),
                Event::OrderPlaced(e) => self.orders.push((e.order, e.customer)),
                Event::NotificationRaised(e) => self.notifications.push((e.user, e.notification)),
                _ => {}
            }
        }
        granted
    }

    /// What somebody's cart costs now.
    pub(crate) fn total(&self, user: UserId) -> Cents {
        let lines = self.carts.get(&user).into_iter().flatten();
        Cents(lines.map(|(sku, quantity)| self.prices[sku].0 * i64::from(*quantity)).sum())
    }

    /// Somebody does something.
    pub(crate) fn errand(&mut self, errand: &Errand) {
        match errand {
            Errand::Hear { events } => {
                for _ in 0..*events {
                    self.hear();
                }
            }
            Errand::HearAgain { event } if self.heard > 0 => self.step(event.index(self.heard)),
            Errand::Act { order, times, promptly, fault } => {
                if let Some((order, _)) = self.order(order) {
                    for _ in 0..*times {
                        self.act(order);
                        while *promptly && self.serve(order, *fault) {}
                    }
                }
            }
            Errand::Serve { order, service, times, fault } => {
                if let Some((order, _)) = self.order(order) {
                    for _ in 0..*times {
                        let mut busy = SERVICES.to_vec();
                        busy.retain(|name| {
                            self.asked.get(&(*name, order)).is_some_and(|asked| !asked.is_empty())
                        });
                        if !busy.is_empty() {
                            let service = busy[service.index(busy.len())];
                            self.serve_as(service, order, *fault);
                        }
                    }
                }
            }
            other => {
                if let Some((actor, intent)) = self.intent(other) {
                    self.run(actor, intent);
                }
            }
        }
    }

    /// What an errand comes to now: who wants what. Nothing if it speaks of what is not there.
    fn intent(&self, errand: &Errand) -> Option<(Actor, Intent)> {
        let person = |nth: usize| Actor::User(PEOPLE[nth].0);
        let number = |nth: usize| sku(PRODUCTS[nth].0);
        let hand = |olga: bool| Actor::User(if olga { OLGA } else { BO });
        Some(match errand {
            Errand::List { product } => {
                let (number, title, cents) = PRODUCTS[*product];
                (Actor::User(BO), listing(sku(number), title, cents).into())
            }
            Errand::Reprice { product, cents } => {
                let price_cents = Cents(*cents);
                (Actor::User(BO), ChangePrice { sku: number(*product), price_cents }.into())
            }
            Errand::Retire { product } => (Actor::User(BO), RetireProduct { sku: number(*product) }.into()),
            Errand::Receive { product, quantity } => {
                (Actor::User(BO), Receive { sku: number(*product), quantity: *quantity }.into())
            }
            Errand::OpenWallet { who } => {
                (service(), Open { user: PEOPLE[*who].0, credit_cents: Cents(10_000) }.into())
            }
            Errand::Deposit { who, cents } => (person(*who), Deposit { amount_cents: Cents(*cents) }.into()),
            Errand::Add { who, product, quantity } => {
                (person(*who), AddItem { sku: number(*product), quantity: *quantity }.into())
            }
            Errand::Set { who, product, quantity } => {
                (person(*who), SetQuantity { sku: number(*product), quantity: *quantity }.into())
            }
            Errand::Remove { who, product } => (person(*who), RemoveItem { sku: number(*product) }.into()),
            Errand::Place { who, off_by, address } => {
                let expected_total_cents = self.total(PEOPLE[*who].0).plus(Cents(*off_by));
                let address = address.then(|| "12 St James's Square".to_owned());
                (person(*who), Place { expected_total_cents, address }.into())
            }
            Errand::Cancel { order, who } => {
                let (order, customer) = self.order(order)?;
                let by = who.map_or(Actor::User(customer), person);
                (by, Cancel { order, reason: Some("I changed my mind.".into()) }.into())
            }
            Errand::Claim { order, olga } => (hand(*olga), Claim { order: self.order(order)?.0 }.into()),
            Errand::Approve { order, olga } => {
                (hand(*olga), ApproveReview { order: self.order(order)?.0, reason: None }.into())
            }
            Errand::Reject { order, olga } => {
                let reason = Some("It looks odd.".into());
                (hand(*olga), RejectReview { order: self.order(order)?.0, reason }.into())
            }
            Errand::Dispatch { order, olga } => {
                (hand(*olga), Dispatch { order: self.order(order)?.0 }.into())
            }
            Errand::Refund { order } => {
                (Actor::User(BO), Refund { order: self.order(order)?.0, reason: None }.into())
            }
            Errand::Expire { order, wait } => {
                let order = self.order(order)?.0;
                // A timer that was overtaken may still fire; more often the one that is set does.
                let wait = wait.or_else(|| self.deadlines.get(&order).copied())?;
                (service(), wait.expiry(order))
            }
            Errand::Seen { order, degrees } => {
                let (order, degrees) = (self.order(order)?.0, *degrees);
                let report = ReportPosition { order, latitude_e6: degrees / 2, longitude_e6: degrees };
                (Actor::External("courier/7".into()), report.into())
            }
            Errand::Arrive { order } => (service(), DeliverShipment { order: self.order(order)?.0 }.into()),
            Errand::Lose { order } => {
                let (order, reason) = (self.order(order)?.0, ShipmentFault::Lost);
                (service(), FailShipment { order, reason }.into())
            }
            Errand::Raise { who } => {
                let link = Some("/orders".to_owned());
                (
                    service(),
                    Raise { user: PEOPLE[*who].0, text: "Something has happened.".into(), link }.into(),
                )
            }
            Errand::Read { who, upto } => {
                let upto = Position(upto.index(self.log.envelopes.len() + 1) as u64);
                (person(*who), MarkNotificationsRead { upto }.into())
            }
            Errand::Mail { notification, fails } => {
                if self.notifications.is_empty() {
                    return None;
                }
                let (user, notification) = *notification.get(&self.notifications);
                let (sent, reason) = (NoteEmailSent { user, notification }, MailFault::Refused);
                match fails {
                    true => (service(), NoteEmailFailure { user, notification, reason }.into()),
                    false => (service(), sent.into()),
                }
            }
            Errand::Hear { .. } | Errand::HearAgain { .. } => return None,
            Errand::Act { .. } | Errand::Serve { .. } => return None,
        })
    }

    /// Mostly one of the last orders: those before are done with.
    fn order(&self, index: &Index) -> Option<(OrderId, UserId)> {
        let last = &self.orders[self.orders.len().saturating_sub(4)..];
        (!last.is_empty()).then(|| *index.get(last))
    }

    /// The sagas hear the next event of the log. Whether there was one.
    pub(crate) fn hear(&mut self) -> bool {
        if self.heard == self.log.envelopes.len() {
            return false;
        }
        self.step(self.heard);
        self.heard += 1;
        true
    }

    fn step(&mut self, nth: usize) {
        let event = &self.log.envelopes[nth].event;
        let Some((order, _)) = Input::of(event) else { return };
        let saga = self.sagas.entry(order).or_insert_with(|| Saga::new(order));
        for action in saga.step(event) {
            match action {
                Action::SetDeadline(wait) => drop(self.deadlines.insert(order, wait)),
                Action::ClearDeadline => drop(self.deadlines.remove(&order)),
                other => self.wanted.entry(order).or_default().push_back(other),
            }
        }
    }

    /// The next thing that an order's saga wants is done, or asked for. Whether there was one.
    pub(crate) fn act(&mut self, order: OrderId) -> bool {
        let Some(action) = self.wanted.get_mut(&order).and_then(VecDeque::pop_front) else { return false };
        let intent = action.intent(order).expect("a deadline is not carried out");
        assert!(self.run(service(), intent), "{action:?}: {NO_REFUSAL}");
        if let Action::Request(step) = action {
            self.asked.entry((step.service(), order)).or_default().push_back(step);
        }
        true
    }

    /// Some service does the next thing that it was asked for. Whether there was one.
    pub(crate) fn serve(&mut self, order: OrderId, fault: bool) -> bool {
        SERVICES.iter().any(|service| self.serve_as(service, order, fault))
    }

    fn serve_as(&mut self, name: &'static str, order: OrderId, fault: bool) -> bool {
        let Some(step) = self.asked.get_mut(&(name, order)).and_then(VecDeque::pop_front) else {
            return false;
        };
        let intent = match step {
            Step::Authorize => AuthorizePayment { order, simulate_fault: fault }.into(),
            other => other.intent(order),
        };
        assert!(self.run(Actor::Service(name.into()), intent), "{step:?}: {NO_REFUSAL}");
        true
    }

    /// Everything is heard and done, until nothing is left to hear or to do.
    pub(crate) fn settle(&mut self) {
        loop {
            let heard = self.hear();
            let orders: Vec<OrderId> = self.wanted.keys().copied().collect();
            let acted =
                orders.into_iter().filter(|order| self.act(*order) | self.serve(*order, false)).count();
            if !heard && acted == 0 {
                return;
            }
        }
    }

    /// Settles, and lets every deadline pass that is still set, so that every order comes to its end.
    pub(crate) fn close(&mut self) {
        self.settle();
        // Each deadline that passes ends an order's waiting: it is not set again.
        while let Some((order, wait)) = self.deadlines.pop_first() {
            self.run(service(), wait.expiry(order));
            self.settle();
        }
    }
}

/// A day as it ended: whatever was still going on.
pub(crate) fn open_for(errands: &[Errand]) -> Shop {
    let mut shop = Shop::open();
    errands.iter().for_each(|errand| shop.errand(errand));
    shop
}

/// A customer's order of one product that the shop has, and what its id is.
pub(crate) fn order_of(shop: &mut Shop, customer: UserId, number: &str, quantity: u32) -> OrderId {
    assert!(shop.run(Actor::User(customer), AddItem { sku: sku(number), quantity }));
    let expected_total_cents = shop.total(customer);
    assert!(shop.run(Actor::User(customer), Place { expected_total_cents, address: None }));
    shop.orders.last().expect("it was placed").0
}

fn listing(sku: Sku, title: &str, cents: i64) -> ListProduct {
    let (title, price_cents) = (title.into(), Cents(cents));
    ListProduct { sku, title, price_cents, description: None, category: None }
}

/// A shop with everything on its shelves and money in the customers' wallets.
pub(crate) fn stocked() -> Shop {
    let mut shop = Shop::open();
    for (number, title, cents) in PRODUCTS {
        let sku = sku(number);
        assert!(shop.run(Actor::User(BO), listing(sku.clone(), title, cents)));
        assert!(shop.run(Actor::User(BO), Receive { sku, quantity: 5 }));
    }
    for user in [ADA, CYRIL] {
        assert!(shop.run(service(), Open { user, credit_cents: Cents(300_000) }));
    }
    shop
}

//! Stock and money, added up from the log, knowing nothing of how it was decided.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Cents, Envelope, Event, OrderId, Sku, UserId,
    order::{self, Order, Status, saga::Input},
    stock::{Level, StockLine},
};

use crate::shop::name;

#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) orders: BTreeMap<OrderId, Order>,
    pub(crate) levels: BTreeMap<Sku, Level>,
    /// What came in, what is kept for orders, and what has left the house, by product.
    received: BTreeMap<Sku, i64>,
    kept: BTreeMap<Sku, i64>,
    sold: BTreeMap<Sku, i64>,
    /// What was paid in, what is held for orders, and what was taken, by customer.
    paid_in: BTreeMap<UserId, i64>,
    pub(crate) held: BTreeMap<UserId, i64>,
    pub(crate) taken: BTreeMap<UserId, i64>,
    told: BTreeSet<(OrderId, String)>,
}

impl Books {
    /// Adds everything up. At every step there is as much as there can be, and nothing is below zero.
    pub(crate) fn of(log: &[Envelope]) -> Self {
        let mut books = Self::default();
        for event in log {
            books.enter(event);
        }
        books
    }

    fn enter(&mut self, envelope: &Envelope) {
        let event = &envelope.event;
        match event {
            Event::StockReceived(e) => {
                *self.received.entry(e.sku.clone()).or_default() += i64::from(e.quantity)
            }
            Event::StockLevelChanged(e) => {
                let of = |pieces: &BTreeMap<Sku, i64>| pieces.get(&e.sku).copied().unwrap_or(0);
                let on_hand = of(&self.received) - of(&self.sold);
                assert_eq!(i64::from(e.on_hand), on_hand, "{} after {}", e.sku, envelope.meta.position);
                assert_eq!(i64::from(e.available), on_hand - of(&self.kept), "{}", e.sku);
                self.levels.insert(e.sku.clone(), Level { on_hand: e.on_hand, available: e.available });
            }
            Event::StockReserved(e) => add(&mut self.kept, &e.lines, 1),
            Event::StockReleased(e) => add(&mut self.kept, &e.lines, -1),
            Event::StockCommitted(e) => {
                add(&mut self.kept, &e.lines, -1);
                add(&mut self.sold, &e.lines, 1);
            }
            Event::StockReturned(e) => add(&mut self.sold, &e.lines, -1),
            Event::WalletOpened(e) => *self.paid_in.entry(e.user).or_default() += e.credit_cents.0,
            Event::PaymentAuthorized(e) => self.hold(e.customer, e.amount_cents.0),
            Event::PaymentVoided(e) => self.hold(e.customer, -e.amount_cents.0),
            Event::PaymentCaptured(e) => {
                self.hold(e.customer, -e.amount_cents.0);
                *self.taken.entry(e.customer).or_default() += e.amount_cents.0;
            }
            Event::PaymentRefunded(e) => *self.taken.entry(e.customer).or_default() -= e.amount_cents.0,
            _ => {}
        }
        let Some((order, input)) = Input::of(event) else { return };
        let mut found = self.orders.remove(&order);
        order::fold(&mut found, event);
        self.orders.insert(order, found.unwrap());
        if !matches!(input, Input::PositionReported | Input::TimedOut(_)) {
            let twice = format!("{} twice for {order}", name(envelope));
            assert!(self.told.insert((order, name(envelope))), "{twice}");
        }
    }

    fn hold(&mut self, customer: UserId, amount: i64) {
        let held = self.held.entry(customer).or_default();
        *held += amount;
        let spendable = self.paid_in[&customer] - self.taken.get(&customer).copied().unwrap_or(0);
        assert!((0..=spendable).contains(held), "{held} of {spendable} are held for {customer}");
    }

    /// Every order has come to its end: nothing is kept or held for any, and exactly what was delivered, and
    /// not refunded, has left the house and is paid.
    pub(crate) fn close(&self) {
        let (mut owed, mut gone) = (BTreeMap::<UserId, i64>::new(), BTreeMap::<Sku, i64>::new());
        for (id, order) in &self.orders {
            match order.status {
                Status::Delivered => {
                    let Cents(total) = order.total;
                    *owed.entry(order.customer).or_default() += total;
                    for line in &order.lines {
                        *gone.entry(line.sku.clone()).or_default() += i64::from(line.quantity);
                    }
                }
                Status::Cancelled | Status::Refunded => {}
                other => panic!("the order {id} is {other:?} for ever"),
            }
        }
        assert_eq!(without_zeros(&self.taken), owed);
        assert_eq!(without_zeros(&self.sold), gone);
        assert_eq!(without_zeros(&self.held), BTreeMap::new());
        assert_eq!(without_zeros(&self.kept), BTreeMap::new());
    }

    /// Nothing of any order is left: all the stock is there, and all the money.
    pub(crate) fn nothing_happened(&self) {
        assert_eq!(without_zeros(&self.sold), BTreeMap::new());
        assert_eq!(without_zeros(&self.taken), BTreeMap::new());
        assert_eq!(without_zeros(&self.held), BTreeMap::new());
        assert_eq!(without_zeros(&self.kept), BTreeMap::new());
    }
}

fn add(to: &mut BTreeMap<Sku, i64>, lines: &[StockLine], times: i64) {
    for line in lines {
        let pieces = to.entry(line.sku.clone()).or_default();
        *pieces += times * i64::from(line.quantity);
        assert!(*pieces >= 0, "{}", line.sku);
    }
}

fn without_zeros<K: Clone + Ord>(amounts: &BTreeMap<K, i64>) -> BTreeMap<K, i64> {
    amounts.iter().filter(|(_, amount)| **amount != 0).map(|(key, amount)| (key.clone(), *amount)).collect()
}

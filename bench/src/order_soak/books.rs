//! Stock, money and bells, added up from the log alone, knowing nothing of how it was decided.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use domain::{
    Envelope, Event, OrderId, Sku, UserId,
    order::{self, CancelReason, Order, Status, saga::Input},
    stock::StockLine,
};
use uuid::Uuid;

/// What is wrong, as a sentence.
type Wrong = String;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) orders: BTreeMap<OrderId, Order>,
    /// What came in, what is kept for orders, and what has left the house, by product.
    received: BTreeMap<Sku, i64>,
    kept: BTreeMap<Sku, i64>,
    gone: BTreeMap<Sku, i64>,
    /// What was given and paid in, what is held for orders, and what was taken, by customer.
    paid_in: BTreeMap<UserId, i64>,
    held: BTreeMap<UserId, i64>,
    taken: BTreeMap<UserId, i64>,
    happened: HashSet<(OrderId, Input)>,
    /// Whom something was told because of what.
    bells: BTreeSet<(Uuid, UserId)>,
    /// Who has to be told because of what.
    due: BTreeSet<(Uuid, UserId)>,
}

impl Books {
    /// Adds everything up. At no moment more is kept, held or taken than there is.
    pub(super) fn of<'a>(log: impl Iterator<Item = &'a Envelope>) -> Result<Self, Wrong> {
        let mut books = Self::default();
        for envelope in log {
            let entered = books.enter(envelope);
            entered.map_err(|wrong| format!("{wrong}, at position {}", envelope.meta.position))?;
        }
        Ok(books)
    }

    fn enter(&mut self, envelope: &Envelope) -> Result<(), Wrong> {
        self.count_stock(&envelope.event)?;
        self.count_money(&envelope.event)?;
        self.ring(envelope)?;
        let Some((order, input)) = Input::of(&envelope.event) else { return Ok(()) };
        let mut found = self.orders.remove(&order);
        order::fold(&mut found, &envelope.event);
        self.orders
            .insert(order, found.ok_or_else(|| format!("{input:?} for {order}, which nobody placed"))?);
        let often = matches!(input, Input::PositionReported | Input::TimedOut(_));
        if !often && !self.happened.insert((order, input)) {
            return Err(format!("{input:?} twice for {order}"));
        }
        Ok(())
    }

    fn count_stock(&mut self, event: &Event) -> Result<(), Wrong> {
        match event {
            Event::StockReceived(e) => {
                *self.received.entry(e.sku.clone()).or_default() += i64::from(e.quantity);
                Ok(())
            }
            Event::StockLevelChanged(e) => {
                let of = |pieces: &BTreeMap<Sku, i64>| pieces.get(&e.sku).copied().unwrap_or(0);
                let on_hand = of(&self.received) - of(&self.gone);
                let said = (i64::from(e.on_hand), i64::from(e.available));
                let counted = (on_hand, on_hand - of(&self.kept));
                equal(&format!("there are and can be had of {}", e.sku), &said, &counted)
            }
            Event::StockReserved(e) => add(&mut self.kept, &e.lines, 1),
            Event::StockReleased(e) => add(&mut self.kept, &e.lines, -1),
            Event::StockCommitted(e) => {
                add(&mut self.kept, &e.lines, -1)?;
                add(&mut self.gone, &e.lines, 1)
            }
            Event::StockReturned(e) => add(&mut self.gone, &e.lines, -1),
            _ => Ok(()),
        }
    }

    fn count_money(&mut self, event: &Event) -> Result<(), Wrong> {
        let (customer, held, taken) = match event {
            Event::WalletOpened(e) => {
                *self.paid_in.entry(e.user).or_default() += e.credit_cents.0;
                return Ok(());
            }
            Event::WalletDeposited(e) => {
                *self.paid_in.entry(e.user).or_default() += e.amount_cents.0;
                return Ok(());
            }
            Event::PaymentAuthorized(e) => (e.customer, e.amount_cents.0, 0),
            Event::PaymentVoided(e) => (e.customer, -e.amount_cents.0, 0),
            Event::PaymentCaptured(e) => (e.customer, -e.amount_cents.0, e.amount_cents.0),
            Event::PaymentRefunded(e) => (e.customer, 0, -e.amount_cents.0),
            _ => return Ok(()),
        };
        let holds = self.held.entry(customer).or_default();
        let takes = self.taken.entry(customer).or_default();
        *holds += held;
        *takes += taken;
        let there = self.paid_in.get(&customer).copied().unwrap_or(0);
        if *holds < 0 || *takes < 0 || *holds + *takes > there {
            return Err(format!("{takes} cents taken and {holds} held of the {there} of {customer}"));
        }
        Ok(())
    }

    /// Nobody is told the same twice, and customers are told what becomes of their orders.
    fn ring(&mut self, envelope: &Envelope) -> Result<(), Wrong> {
        let customer = match &envelope.event {
            Event::NotificationRaised(e) => {
                let news = envelope.meta.causation;
                // The welcome is told because of the account, as is the wallet's opening.
                let first = self.bells.insert((news, e.user));
                return if first {
                    Ok(())
                } else {
                    Err(format!("{} is told twice because of {news}", e.user))
                };
            }
            Event::OrderConfirmed(e) => e.customer,
            Event::OrderDispatched(e) => e.customer,
            Event::OrderDelivered(e) => e.customer,
            Event::OrderRefunded(e) => e.customer,
            Event::PaymentDeclined(e) => e.customer,
            // Told when it was declined.
            Event::OrderCancelled(e) if e.reason != CancelReason::PaymentDeclined => e.customer,
            _ => return Ok(()),
        };
        self.due.insert((envelope.meta.id.0, customer));
        Ok(())
    }

    /// Those orders were placed and no others, and each has come to its end: nothing is kept or held for any, and
    /// exactly what was delivered, and not refunded, has left the house and is paid.
    pub(super) fn close(&self, placed: &[OrderId]) -> Result<(), Wrong> {
        let (mut owed, mut sold) = (BTreeMap::<UserId, i64>::new(), BTreeMap::<Sku, i64>::new());
        for (id, order) in &self.orders {
            match order.status {
                Status::Delivered => {
                    *owed.entry(order.customer).or_default() += order.total.0;
                    for line in &order.lines {
                        *sold.entry(line.sku.clone()).or_default() += i64::from(line.quantity);
                    }
                }
                Status::Cancelled | Status::Refunded => {}
                other => return Err(format!("the order {id} is {other:?} for ever")),
            }
        }
        let placed: BTreeSet<OrderId> = placed.iter().copied().collect();
        equal("orders were placed", &self.orders.keys().copied().collect(), &placed)?;
        equal("was taken", &without_zeros(&self.taken), &owed)?;
        equal("is held", &without_zeros(&self.held), &BTreeMap::new())?;
        equal("has left the house", &without_zeros(&self.gone), &sold)?;
        equal("is kept", &without_zeros(&self.kept), &BTreeMap::new())?;
        let silent = self.due.difference(&self.bells).next();
        silent.map_or(Ok(()), |(news, user)| Err(format!("{user} was never told of {news}")))
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, wanted: &T) -> Result<(), Wrong> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found:?} instead of {wanted:?}")) }
}

fn add(to: &mut BTreeMap<Sku, i64>, lines: &[StockLine], times: i64) -> Result<(), Wrong> {
    for line in lines {
        let pieces = to.entry(line.sku.clone()).or_default();
        *pieces += times * i64::from(line.quantity);
        if *pieces < 0 {
            return Err(format!("{pieces} pieces of {}", line.sku));
        }
    }
    Ok(())
}

fn without_zeros<K: Clone + Ord>(amounts: &BTreeMap<K, i64>) -> BTreeMap<K, i64> {
    amounts.iter().filter(|(_, amount)| **amount != 0).map(|(key, amount)| (key.clone(), *amount)).collect()
}

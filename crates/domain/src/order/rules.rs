//! What an order has come to, and the rules for changing it.

use super::{
    Abort, Cancel, CancelReason, Claim, Confirm, Deliver, Dispatch, Expire, MAX_ADDRESS, MAX_REASON,
    OrderCancelled, OrderClaimed, OrderConfirmed, OrderDelivered, OrderDispatched, OrderLine, OrderPlaced,
    OrderRefunded, OrderTimedOut, Place, Refund, Refusal, RequestStep, StepRequested, Wait,
};
use crate::{
    account::{self, Account},
    cart::{Cart, CheckedOut},
    command::{Command, Decision},
    contract::Event,
    decide::{Context, State},
    ids::{OrderId, UserId},
    money::{Cents, Currency},
    review, text,
};

/// How far an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is being checked: stock, review, payment.
    Placed,
    /// The desk may dispatch it.
    Confirmed,
    /// It is on its way.
    Dispatched,
    /// It has arrived.
    Delivered,
    /// Nothing comes of it.
    Cancelled,
    /// It had arrived, and the money went back.
    Refunded,
}

/// Somebody of the desk, by name.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hand {
    /// Who.
    pub by: UserId,
    /// What they are shown as.
    pub name: String,
}

/// What the stream `order-<id>` has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Whose.
    pub customer: UserId,
    /// What was ordered; every product once.
    pub lines: Vec<OrderLine>,
    /// What it costs altogether.
    pub total: Cents,
    /// Where it goes.
    pub address: Option<String>,
    /// How many orders the customer had placed lately.
    pub recent_orders: u32,
    /// How far it is.
    pub status: Status,
    /// Who looks after it.
    pub claimed: Option<Hand>,
    /// Who dispatched it.
    pub dispatched: Option<Hand>,
}

/// Folds one event of the stream.
pub fn fold(order: &mut Option<Order>, event: &Event) {
    if let Event::OrderPlaced(e) = event {
        *order = Some(Order {
            customer: e.customer,
            lines: e.lines.clone(),
            total: e.total_cents,
            address: e.address.clone(),
            recent_orders: e.recent_orders,
            status: Status::Placed,
            claimed: None,
            dispatched: None,
        });
    }
    let Some(order) = order else { return };
    match event {
        Event::OrderConfirmed(_) => order.status = Status::Confirmed,
        Event::OrderClaimed(e) => order.claimed = Some(Hand { by: e.by, name: e.name.clone() }),
        Event::OrderDispatched(e) => {
            order.status = Status::Dispatched;
            order.dispatched = Some(Hand { by: e.by, name: e.name.clone() });
        }
        Event::OrderDelivered(_) => order.status = Status::Delivered,
        Event::OrderCancelled(_) => order.status = Status::Cancelled,
        Event::OrderRefunded(_) => order.status = Status::Refunded,
        _ => {}
    }
}

/// Somebody of the staff, and the order.
fn at_the_desk<'a>(
    state: &'a State,
    command: &Command,
    order: OrderId,
) -> Result<(&'a Account, &'a Order), crate::Refusal> {
    let me = account::staff(state, command)?;
    Ok((me, state.order(order).ok_or(Refusal::NoOrder { order })?))
}

/// What somebody said about it, if anything.
fn note(reason: Option<&str>) -> Result<Option<String>, Refusal> {
    reason.map(|reason| text::clean(reason, MAX_REASON)).transpose().map_err(|_| Refusal::BadReason)
}

/// The lines of an order made from a cart, and what they cost.
fn priced(state: &State, cart: &Cart) -> Result<(Vec<OrderLine>, Cents), Refusal> {
    let (mut lines, mut total) = (vec![], Cents::ZERO);
    for (sku, put) in &cart.lines {
        let product = match state.product(sku) {
            Some(product) if !product.retired => product,
            found => {
                let title = found.map_or_else(|| sku.to_string(), |product| product.title.clone());
                return Err(Refusal::Retired { title });
            }
        };
        let (title, quantity, price_cents) = (product.title.clone(), put.quantity, product.price);
        total = price_cents
            .times(quantity)
            .and_then(|line| total.checked_add(line))
            .expect("quantities, prices and the number of lines are bounded far below");
        lines.push(OrderLine { sku: sku.clone(), title, quantity, price_cents });
    }
    Ok((lines, total))
}

/// Why the total is not what was expected: because of a price, if one of them moved.
fn moved(cart: &Cart, lines: &[OrderLine], expected: Cents, total: Cents) -> Refusal {
    let was = |line: &OrderLine| cart.lines.get(&line.sku).map(|put| put.price);
    match lines.iter().find(|line| was(line) != Some(line.price_cents)) {
        Some(line) => Refusal::PriceMoved {
            title: line.title.clone(),
            from: was(line).unwrap_or_default(),
            to: line.price_cents,
            total,
        },
        None => Refusal::TotalMoved { expected, total },
    }
}

pub(crate) fn place(state: &State, command: &Command, wanted: &Place, context: &Context) -> Decision {
    let me = account::acting(state, command)?;
    let order = OrderId(command.id.0);
    if state.order(order).is_some() {
        return Err(Refusal::OrderExists.into());
    }
    let address = wanted.address.as_deref().map(|address| text::clean(address, MAX_ADDRESS));
    let address = address.transpose().map_err(|_| Refusal::BadAddress)?;
    let cart = state.cart(me.user).filter(|cart| !cart.lines.is_empty()).ok_or(Refusal::EmptyCart)?;
    let (lines, total_cents) = priced(state, cart)?;
    if total_cents != wanted.expected_total_cents {
        return Err(moved(cart, &lines, wanted.expected_total_cents, total_cents).into());
    }
    let since = context.now.plus_millis(-review::RECENT_MILLIS);
    let recent = cart.checkouts.iter().filter(|at| **at > since).count() + 1;
    let placed = OrderPlaced {
        order,
        customer: me.user,
        name: me.name.clone(),
        lines,
        total_cents,
        currency: Currency::default(),
        address,
        recent_orders: u32::try_from(recent).unwrap_or(u32::MAX),
    };
    Ok(vec![placed.into(), CheckedOut { user: me.user, order, at: context.now }.into()])
}

pub(crate) fn cancel(state: &State, command: &Command, wanted: &Cancel) -> Decision {
    let me = account::acting(state, command)?;
    let order = wanted.order;
    let found = state
        .order(order)
        .filter(|found| found.customer == me.user || me.role.is_staff())
        .ok_or(Refusal::NoOrder { order })?;
    let note = note(wanted.reason.as_deref())?;
    match found.status {
        Status::Placed | Status::Confirmed | Status::Dispatched => {
            let (customer, by, reason) = (found.customer, command.actor.clone(), CancelReason::Asked);
            Ok(vec![OrderCancelled { order, customer, by, reason, note }.into()])
        }
        Status::Cancelled => Ok(vec![]),
        Status::Delivered | Status::Refunded => Err(Refusal::Delivered.into()),
    }
}

pub(crate) fn claim(state: &State, command: &Command, wanted: &Claim) -> Decision {
    let (me, found) = at_the_desk(state, command, wanted.order)?;
    match (&found.claimed, found.status) {
        (_, Status::Cancelled) => Err(Refusal::Cancelled.into()),
        (_, Status::Refunded) => Err(Refusal::Closed.into()),
        (Some(hand), _) if hand.by == me.user => Ok(vec![]),
        (Some(hand), _) => Err(Refusal::Claimed { name: hand.name.clone() }.into()),
        (None, _) => {
            let (order, customer) = (wanted.order, found.customer);
            Ok(vec![OrderClaimed { order, customer, by: me.user, name: me.name.clone() }.into()])
        }
    }
}

pub(crate) fn dispatch(state: &State, command: &Command, wanted: &Dispatch) -> Decision {
    let (me, found) = at_the_desk(state, command, wanted.order)?;
    match (found.status, &found.dispatched) {
        (Status::Placed, _) => Err(Refusal::NotConfirmed.into()),
        (Status::Cancelled, _) => Err(Refusal::Cancelled.into()),
        (_, Some(hand)) if hand.by == me.user => Ok(vec![]),
        (_, Some(hand)) => Err(Refusal::Dispatched { name: hand.name.clone() }.into()),
        (_, None) => {
            let (order, customer) = (wanted.order, found.customer);
            Ok(vec![OrderDispatched { order, customer, by: me.user, name: me.name.clone() }.into()])
        }
    }
}

pub(crate) fn refund(state: &State, command: &Command, wanted: &Refund) -> Decision {
    let (me, found) = at_the_desk(state, command, wanted.order)?;
    let note = note(wanted.reason.as_deref())?;
    match found.status {
        Status::Placed | Status::Confirmed | Status::Dispatched => Err(Refusal::NotDelivered.into()),
        Status::Cancelled => Err(Refusal::Cancelled.into()),
        Status::Refunded => Ok(vec![]),
        Status::Delivered => {
            let (order, customer, total_cents) = (wanted.order, found.customer, found.total);
            Ok(vec![OrderRefunded { order, customer, by: me.user, total_cents, note }.into()])
        }
    }
}

pub(crate) fn confirm(state: &State, command: &Command, wanted: &Confirm) -> Decision {
    account::service(command)?;
    Ok(match state.order(wanted.order) {
        Some(found) if found.status == Status::Placed => {
            vec![OrderConfirmed { order: wanted.order, customer: found.customer }.into()]
        }
        _ => vec![],
    })
}

pub(crate) fn deliver(state: &State, command: &Command, wanted: &Deliver) -> Decision {
    account::service(command)?;
    Ok(match state.order(wanted.order) {
        Some(found) if found.status == Status::Dispatched => {
            vec![OrderDelivered { order: wanted.order, customer: found.customer }.into()]
        }
        _ => vec![],
    })
}

pub(crate) fn abort(state: &State, command: &Command, wanted: &Abort) -> Decision {
    account::service(command)?;
    let (order, reason) = (wanted.order, wanted.reason);
    Ok(match state.order(order) {
        Some(found) if found.status < Status::Delivered => {
            let (customer, by) = (found.customer, command.actor.clone());
            vec![OrderCancelled { order, customer, by, reason, note: None }.into()]
        }
        _ => vec![],
    })
}

pub(crate) fn expire(state: &State, command: &Command, wanted: &Expire) -> Decision {
    account::service(command)?;
    let (order, waiting_for) = (wanted.order, wanted.waiting_for);
    let waits_at = match waiting_for {
        Wait::Reserve | Wait::Review | Wait::Authorize => Status::Placed,
        Wait::Dispatch => Status::Confirmed,
        Wait::Delivery => Status::Dispatched,
    };
    Ok(match state.order(order) {
        // Every time it is said, so that a deadline that was missed once is not missed for ever.
        Some(found) if found.status == waits_at => {
            vec![OrderTimedOut { order, customer: found.customer, waiting_for }.into()]
        }
        _ => vec![],
    })
}

pub(crate) fn request_step(state: &State, command: &Command, wanted: &RequestStep) -> Decision {
    account::service(command)?;
    let RequestStep { order, step } = *wanted;
    let requested = |found: &Order| StepRequested { order, customer: found.customer, step }.into();
    Ok(state.order(order).map(requested).into_iter().collect())
}

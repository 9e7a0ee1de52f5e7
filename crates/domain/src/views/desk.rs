//! The desk's work: every order that is still open, and the last [`MOST_CLOSED`] that are not.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::{
    audience::{Audience, Token},
    contract::Event,
    envelope::{Envelope, Position},
    ids::{OrderId, UserId},
    money::Cents,
    order::{CancelReason, Hand, Status},
    review::ReviewFlag,
    subject::Pattern,
    time::Timestamp,
    view::View,
};

/// How many orders stay on the desk that were delivered, cancelled or refunded.
pub const MOST_CLOSED: usize = 100;

/// Where on the desk an order lies: what somebody has to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    /// Somebody must say yes or no.
    Review,
    /// Somebody must dispatch it.
    Dispatch,
    /// It is being checked; there is nothing to do.
    Checking,
    /// It is on its way.
    Underway,
    /// It was delivered, cancelled or refunded.
    Closed,
}

/// One order on the desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskRow {
    /// Which order.
    pub order: OrderId,
    /// Where it was placed.
    pub position: Position,
    /// When it was placed.
    pub time: Timestamp,
    /// Whose.
    pub customer: UserId,
    /// What the customer was shown as.
    pub name: String,
    /// How many pieces were ordered.
    pub pieces: u32,
    /// What it costs altogether.
    pub total: Cents,
    /// How far it is.
    pub status: Status,
    /// What is unusual about it, while it waits for somebody's yes or no.
    pub flags: Vec<ReviewFlag>,
    /// Who looks after it.
    pub claimed: Option<Hand>,
    /// Why it was cancelled.
    pub cancelled: Option<CancelReason>,
    /// When something about it changed.
    pub changed: Timestamp,
}

impl DeskRow {
    /// Where on the desk it lies.
    #[must_use]
    pub fn queue(&self) -> Queue {
        match self.status {
            Status::Placed if !self.flags.is_empty() => Queue::Review,
            Status::Placed => Queue::Checking,
            Status::Confirmed => Queue::Dispatch,
            Status::Dispatched => Queue::Underway,
            Status::Delivered | Status::Cancelled | Status::Refunded => Queue::Closed,
        }
    }
}

/// The desk. The same for all of the staff.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    /// The orders.
    pub rows: BTreeMap<OrderId, DeskRow>,
    /// Those that are closed, in the order in which they were.
    closed: VecDeque<OrderId>,
}

impl Desk {
    /// The orders of a queue, those placed first before those placed later.
    #[must_use]
    pub fn queue(&self, queue: Queue) -> Vec<&DeskRow> {
        let mut rows: Vec<&DeskRow> = self.rows.values().filter(|row| row.queue() == queue).collect();
        rows.sort_by_key(|row| row.position);
        rows
    }

    fn change(&mut self, order: OrderId, at: Timestamp, change: impl FnOnce(&mut DeskRow)) {
        let Some(row) = self.rows.get_mut(&order) else { return };
        let before = row.queue();
        change(row);
        row.changed = at;
        if row.queue() == Queue::Closed && before != Queue::Closed {
            self.closed.push_back(order);
            if self.closed.len() > MOST_CLOSED
                && let Some(oldest) = self.closed.pop_front()
            {
                self.rows.remove(&oldest);
            }
        }
    }
}

impl View for Desk {
    const NAME: &'static str = "desk";
    type Key = ();
    const KINDS: &'static [&'static str] = &[
        "order.placed",
        "order.confirmed",
        "order.claimed",
        "order.dispatched",
        "order.delivered",
        "order.cancelled",
        "order.refunded",
        "review.flagged",
        "review.approved",
        "review.rejected",
    ];

    fn empty((): &()) -> Self {
        Self::default()
    }

    fn pattern((): &()) -> Pattern {
        Pattern::new("order.>,review.>").expect("the pattern is valid")
    }

    fn viewer((): &()) -> Token {
        Token::Staff
    }

    fn sees(&self, audience: &Audience) -> bool {
        audience.iter().any(|token| *token == Token::Staff)
    }

    fn fold(&mut self, envelope: &Envelope) {
        let at = envelope.meta.time;
        match &envelope.event {
            Event::OrderPlaced(e) => {
                let row = DeskRow {
                    order: e.order,
                    position: envelope.meta.position,
                    time: at,
                    customer: e.customer,
                    name: e.name.clone(),
                    pieces: e.lines.iter().map(|line| line.quantity).sum(),
                    total: e.total_cents,
                    status: Status::Placed,
                    flags: vec![],
                    claimed: None,
                    cancelled: None,
                    changed: at,
                };
                self.rows.insert(e.order, row);
            }
            Event::OrderConfirmed(e) => self.change(e.order, at, |row| row.status = Status::Confirmed),
            Event::OrderClaimed(e) => {
                self.change(e.order, at, |row| {
                    row.claimed = Some(Hand { by: e.by, name: e.name.clone() });
                });
            }
            Event::OrderDispatched(e) => self.change(e.order, at, |row| row.status = Status::Dispatched),
            Event::OrderDelivered(e) => self.change(e.order, at, |row| row.status = Status::Delivered),
            Event::OrderCancelled(e) => self.change(e.order, at, |row| {
                (row.status, row.cancelled) = (Status::Cancelled, Some(e.reason));
            }),
            Event::OrderRefunded(e) => self.change(e.order, at, |row| row.status = Status::Refunded),
            Event::ReviewFlagged(e) => self.change(e.order, at, |row| row.flags.clone_from(&e.flags)),
            Event::ReviewApproved(e) => self.change(e.order, at, |row| row.flags.clear()),
            Event::ReviewRejected(e) => self.change(e.order, at, |row| row.flags.clear()),
            _ => {}
        }
    }
}

//! The orders of one person, the newest [`MOST_ORDERS`].

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::cart::OwnKey;
use crate::{
    audience::{Audience, Token},
    contract::Event,
    envelope::{Envelope, Position},
    ids::OrderId,
    money::Cents,
    order::{CancelReason, OrderLine, Status},
    subject::Pattern,
    time::Timestamp,
    view::View,
};

/// How many orders a list holds.
pub const MOST_ORDERS: usize = 200;

/// One order of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedOrder {
    /// Which order.
    pub order: OrderId,
    /// Where it was placed.
    pub position: Position,
    /// When it was placed.
    pub time: Timestamp,
    /// What was ordered.
    pub lines: Vec<OrderLine>,
    /// What it costs altogether.
    pub total: Cents,
    /// How far it is.
    pub status: Status,
    /// Why it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<CancelReason>,
    /// When it came so far.
    pub changed: Timestamp,
}

/// The orders of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderList {
    /// Whose.
    pub key: OwnKey,
    /// The newest orders, oldest first.
    pub orders: VecDeque<ListedOrder>,
    /// Whether there are older ones.
    pub earlier: bool,
}

impl View for OrderList {
    const NAME: &'static str = "order_list";
    type Key = OwnKey;
    const KINDS: &'static [&'static str] = &[
        "order.placed",
        "order.confirmed",
        "order.dispatched",
        "order.delivered",
        "order.cancelled",
        "order.refunded",
    ];

    fn empty(key: &OwnKey) -> Self {
        Self { key: *key, orders: VecDeque::new(), earlier: false }
    }

    fn pattern(_: &OwnKey) -> Pattern {
        Pattern::new("order.>").expect("the pattern is valid")
    }

    fn viewer(key: &OwnKey) -> Token {
        Token::User(key.user)
    }

    fn sees(&self, audience: &Audience) -> bool {
        audience.iter().any(|token| *token == Token::User(self.key.user))
    }

    fn fold(&mut self, envelope: &Envelope) {
        let now = envelope.meta.time;
        match &envelope.event {
            Event::OrderPlaced(e) => {
                self.orders.push_back(ListedOrder {
                    order: e.order,
                    position: envelope.meta.position,
                    time: now,
                    lines: e.lines.clone(),
                    total: e.total_cents,
                    status: Status::Placed,
                    cancelled: None,
                    changed: now,
                });
                if self.orders.len() > MOST_ORDERS {
                    self.orders.pop_front();
                    self.earlier = true;
                }
            }
            Event::OrderConfirmed(e) => self.change(e.order, Status::Confirmed, now),
            Event::OrderDispatched(e) => self.change(e.order, Status::Dispatched, now),
            Event::OrderDelivered(e) => self.change(e.order, Status::Delivered, now),
            Event::OrderCancelled(e) => {
                self.change(e.order, Status::Cancelled, now);
                if let Some(listed) = self.listed(e.order) {
                    listed.cancelled = Some(e.reason);
                }
            }
            Event::OrderRefunded(e) => self.change(e.order, Status::Refunded, now),
            _ => {}
        }
    }
}

impl OrderList {
    fn listed(&mut self, order: OrderId) -> Option<&mut ListedOrder> {
        // Nearly always one of the last.
        self.orders.iter_mut().rev().find(|listed| listed.order == order)
    }

    fn change(&mut self, order: OrderId, status: Status, changed: Timestamp) {
        if let Some(listed) = self.listed(order) {
            (listed.status, listed.changed) = (status, changed);
        }
    }
}

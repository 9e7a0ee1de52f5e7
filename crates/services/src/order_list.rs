//! All orders as a list, for pages that show many of them: by customer, or those that are not finished. A row is
//! stored once for each list that it is in.

use domain::{Cents, Envelope, Event, OrderId, Position, Timestamp, UserId, order::Status};
use serde::{Deserialize, Serialize};
use store::ReadError;

use crate::projection::{Projection, Projections};

/// One order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRow {
    /// Which.
    pub order: OrderId,
    /// Whose.
    pub customer: UserId,
    /// How far it is.
    pub status: Status,
    /// What it costs altogether.
    pub total_cents: Cents,
    /// When it was placed.
    pub placed: Timestamp,
}

/// See the module.
#[derive(Debug)]
pub struct OrderList;

impl Projection for OrderList {
    const NAME: &'static str = "order_list";
    const VERSION: u32 = 1;
    const PATTERNS: &'static [&'static str] = &[
        "order.*.placed",
        "order.*.confirmed",
        "order.*.dispatched",
        "order.*.delivered",
        "order.*.cancelled",
        "order.*.refunded",
    ];
    type Doc = OrderRow;

    fn keys(event: &Envelope) -> Vec<String> {
        let Some((order, customer, _)) = told(&event.event) else { return vec![] };
        vec![format!("order/{order}"), of_customer(customer, order), format!("open/{order}")]
    }

    fn fold(doc: &mut Option<OrderRow>, key: &str, event: &Envelope) {
        let Some((order, customer, status)) = told(&event.event) else { return };
        if let Event::OrderPlaced(e) = &event.event {
            let (total_cents, placed) = (e.total_cents, event.meta.time);
            *doc = Some(OrderRow { order, customer, status, total_cents, placed });
        } else if key.starts_with("open/") && is_finished(status) {
            *doc = None;
        } else if let Some(row) = doc {
            row.status = status;
        }
    }
}

impl OrderList {
    /// One order.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn order(
        projections: &Projections,
        order: OrderId,
    ) -> Result<(Option<OrderRow>, Position), ReadError> {
        projections.read::<Self>(&format!("order/{order}")).await
    }

    /// A customer's orders, at most `max`, the newest first. (The ids of orders are made of the time, as long as
    /// those who make them follow the custom.)
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn of_customer(
        projections: &Projections,
        customer: UserId,
        max: usize,
    ) -> Result<(Vec<OrderRow>, Position), ReadError> {
        let (from, before) = (format!("customer/{customer}/"), format!("customer/{customer}0"));
        Self::rows(projections, &from, &before, max).await
    }

    /// The orders that are not finished, at most `max`, the oldest first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn open(projections: &Projections, max: usize) -> Result<(Vec<OrderRow>, Position), ReadError> {
        Self::rows(projections, "open/", "open0", max).await
    }

    async fn rows(
        projections: &Projections,
        from: &str,
        before: &str,
        max: usize,
    ) -> Result<(Vec<OrderRow>, Position), ReadError> {
        let (rows, position) = projections.range::<Self>(from, before, max).await?;
        Ok((rows.into_iter().map(|(_, row)| row).collect(), position))
    }
}

/// The key of an order among those of a customer: later ids come first.
fn of_customer(customer: UserId, order: OrderId) -> String {
    format!("customer/{customer}/{:032x}", !order.0.as_u128())
}

fn is_finished(status: Status) -> bool {
    matches!(status, Status::Delivered | Status::Cancelled | Status::Refunded)
}

/// Which order an event is about, whose it is, and how far it is with that.
fn told(event: &Event) -> Option<(OrderId, UserId, Status)> {
    Some(match event {
        Event::OrderPlaced(e) => (e.order, e.customer, Status::Placed),
        Event::OrderConfirmed(e) => (e.order, e.customer, Status::Confirmed),
        Event::OrderDispatched(e) => (e.order, e.customer, Status::Dispatched),
        Event::OrderDelivered(e) => (e.order, e.customer, Status::Delivered),
        Event::OrderCancelled(e) => (e.order, e.customer, Status::Cancelled),
        Event::OrderRefunded(e) => (e.order, e.customer, Status::Refunded),
        _ => return None,
    })
}

//! How the shop is doing: what happened in each minute and on each day, in UTC, with the way from a cart to the
//! doorstep as a funnel.

use domain::{Cents, Envelope, Event, Timestamp};
use serde::{Deserialize, Serialize};

use crate::projection::Projection;

/// What has happened within a minute or a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// What people said in rooms.
    pub messages: u64,
    /// How often something was put into a cart: where the funnel begins.
    pub carted: u64,
    /// Orders that were placed.
    pub placed: u64,
    /// Orders that were confirmed.
    pub confirmed: u64,
    /// Orders that were dispatched.
    pub dispatched: u64,
    /// Orders that were delivered: where the funnel ends.
    pub delivered: u64,
    /// Orders that were cancelled.
    pub cancelled: u64,
    /// The money that was taken, less what went back.
    pub revenue_cents: Cents,
}

/// See the module.
#[derive(Debug)]
pub struct Analytics;

impl Analytics {
    /// The key of the day of an instant. The keys of days sort like the days.
    #[must_use]
    pub fn day(at: Timestamp) -> String {
        format!("day/{}", at.day())
    }

    /// The key of the minute of an instant. The keys of minutes sort like the minutes.
    #[must_use]
    pub fn minute(at: Timestamp) -> String {
        format!("minute/{}T{}", at.day(), at.clock())
    }
}

impl Projection for Analytics {
    const NAME: &'static str = "analytics";
    const VERSION: u32 = 1;
    const PATTERNS: &'static [&'static str] = &[
        "chat.*.message_posted",
        "cart.*.item_added",
        "order.*.placed",
        "order.*.confirmed",
        "order.*.dispatched",
        "order.*.delivered",
        "order.*.cancelled",
        "payment.*.captured",
        "payment.*.refunded",
    ];
    type Doc = Tally;

    fn keys(event: &Envelope) -> Vec<String> {
        match &event.event {
            Event::ChatMessagePosted(_)
            | Event::CartItemAdded(_)
            | Event::OrderPlaced(_)
            | Event::OrderConfirmed(_)
            | Event::OrderDispatched(_)
            | Event::OrderDelivered(_)
            | Event::OrderCancelled(_)
            | Event::PaymentCaptured(_)
            | Event::PaymentRefunded(_) => vec![Self::day(event.meta.time), Self::minute(event.meta.time)],
            _ => vec![],
        }
    }

    fn fold(doc: &mut Option<Tally>, _: &str, event: &Envelope) {
        let tally = doc.get_or_insert_default();
        match &event.event {
            Event::ChatMessagePosted(_) => tally.messages += 1,
            Event::CartItemAdded(_) => tally.carted += 1,
            Event::OrderPlaced(_) => tally.placed += 1,
            Event::OrderConfirmed(_) => tally.confirmed += 1,
            Event::OrderDispatched(_) => tally.dispatched += 1,
            Event::OrderDelivered(_) => tally.delivered += 1,
            Event::OrderCancelled(_) => tally.cancelled += 1,
            Event::PaymentCaptured(e) => tally.revenue_cents = tally.revenue_cents.plus(e.amount_cents),
            Event::PaymentRefunded(e) => tally.revenue_cents = tally.revenue_cents.minus(e.amount_cents),
            _ => {}
        }
    }
}

//! Orders: a cart that was checked out, and what became of it. The order's own stream says how far it is;
//! stock, review, payment and shipment have streams of their own, and the [`saga`] holds them together.

mod mention;
mod rules;
pub mod saga;
mod step;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    account::payloads,
    command::{Actor, RefusalKind, refusals},
    ids::{OrderId, Sku, UserId},
    money::{Cents, Currency},
};

pub use mention::{MOST_MENTIONS, OrderName, mentions};
pub use rules::{Hand, Order, Status, fold};
pub(crate) use rules::{
    abort, cancel, claim, confirm, deliver, dispatch, expire, place, refund, request_step,
};
pub use step::Step;

/// The longest address, in characters.
pub const MAX_ADDRESS: usize = 300;

/// The longest reason that somebody gives, in characters.
pub const MAX_REASON: usize = 300;

/// One product of an order, as it was when the order was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderLine {
    /// Which product.
    pub sku: Sku,
    /// What it was called.
    pub title: String,
    /// How many.
    pub quantity: u32,
    /// What one piece cost.
    pub price_cents: Cents,
}

/// What an order can wait for, each for a bounded time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// The stock to reserve its products.
    Reserve,
    /// Its review.
    Review,
    /// The payment to be authorized.
    Authorize,
    /// The desk to dispatch it.
    Dispatch,
    /// The courier to deliver it.
    Delivery,
}

impl Wait {
    /// How long.
    #[must_use]
    pub fn limit(self) -> Duration {
        const HOUR: u64 = 3_600;
        Duration::from_secs(match self {
            Wait::Reserve | Wait::Authorize => 30,
            Wait::Review => 24 * HOUR,
            Wait::Dispatch => 72 * HOUR,
            Wait::Delivery => 14 * 24 * HOUR,
        })
    }
}

/// Why an order was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// Somebody wanted it.
    Asked,
    /// There was not enough of a product.
    OutOfStock,
    /// Whoever reviewed it said no.
    ReviewRejected,
    /// The payment was declined.
    PaymentDeclined,
    /// The courier could not deliver it.
    DeliveryFailed,
    /// Something that it waited for took too long.
    TimedOut,
}

payloads! {
    /// See [`crate::Event::OrderPlaced`].
    OrderPlaced {
        /// The order: the id of the command that placed it.
        order: OrderId,
        /// Who ordered.
        customer: UserId,
        /// What the customer was shown as.
        name: String,
        /// What was ordered.
        lines: Vec<OrderLine>,
        /// What it costs altogether.
        total_cents: Cents,
        /// In what prices are counted.
        currency: Currency,
        /// Where it goes, if the customer said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// How many orders the customer has placed within a short time, this one included. (Those who order
        /// unusually fast are reviewed; it is not counted much further than that takes.)
        recent_orders: u32,
    }
    /// See [`crate::Event::OrderConfirmed`].
    OrderConfirmed {
        /// Which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
    }
    /// See [`crate::Event::OrderClaimed`].
    OrderClaimed {
        /// Which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// Who looks after it.
        by: UserId,
        /// What they are shown as.
        name: String,
    }
    /// See [`crate::Event::OrderDispatched`].
    OrderDispatched {
        /// Which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// Who dispatched it.
        by: UserId,
        /// What they are shown as.
        name: String,
    }
    /// See [`crate::Event::OrderDelivered`].
    OrderDelivered {
        /// Which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
    }
    /// See [`crate::Event::OrderCancelled`].
    OrderCancelled {
        /// Which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// The customer, somebody of the desk, or the service that gave up.
        by: Actor,
        /// Why.
        reason: CancelReason,
        /// What somebody said about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }
    /// See [`crate::Event::OrderRefunded`].
    OrderRefunded {
        /// Which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// Who decided it.
        by: UserId,
        /// How much the customer gets back.
        total_cents: Cents,
        /// What was said about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }
    /// See [`crate::Event::OrderTimedOut`].
    OrderTimedOut {
        /// Which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// What did not come.
        waiting_for: Wait,
    }
    /// See [`crate::Event::OrderStepRequested`].
    StepRequested {
        /// Of which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// What is to be done.
        step: Step,
    }
    /// Command `order.place`.
    #[serde(deny_unknown_fields)]
    Place {
        /// What the customer has seen as the total. The order is refused if it is not that any more.
        expected_total_cents: Cents,
        /// Where it shall go.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
    }
    /// Command `order.cancel`.
    #[serde(deny_unknown_fields)]
    Cancel {
        /// Which order.
        order: OrderId,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// Command `order.claim`.
    #[serde(deny_unknown_fields)]
    Claim {
        /// Which order.
        order: OrderId,
    }
    /// Command `order.dispatch`.
    #[serde(deny_unknown_fields)]
    Dispatch {
        /// Which order.
        order: OrderId,
    }
    /// Command `order.refund`.
    #[serde(deny_unknown_fields)]
    Refund {
        /// Which order.
        order: OrderId,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// Command `order.confirm`.
    #[serde(deny_unknown_fields)]
    Confirm {
        /// Which order.
        order: OrderId,
    }
    /// Command `order.deliver`.
    #[serde(deny_unknown_fields)]
    Deliver {
        /// Which order.
        order: OrderId,
    }
    /// Command `order.abort`.
    #[serde(deny_unknown_fields)]
    Abort {
        /// Which order.
        order: OrderId,
        /// Why.
        reason: CancelReason,
    }
    /// Command `order.expire`.
    #[serde(deny_unknown_fields)]
    Expire {
        /// Which order.
        order: OrderId,
        /// What did not come in time.
        waiting_for: Wait,
    }
    /// Command `order.request_step`.
    #[serde(deny_unknown_fields)]
    RequestStep {
        /// Of which order.
        order: OrderId,
        /// What is to be done.
        step: Step,
    }
}

refusals! {
    /// No such order, or somebody else's: the same answer for both.
    NoOrder {
        /// What was asked for.
        order: OrderId,
    } = NotFound "order.no_order" "There is no order {order}.";
    /// Another command took this order's id.
    OrderExists = Conflict "order.exists" "An order with this id exists already.";
    /// There is nothing to order.
    EmptyCart = Conflict "order.cart_empty" "Your cart is empty. Put something in first.";
    /// A product costs something else now.
    PriceMoved {
        /// Which product.
        title: String,
        /// What it cost when it was put into the cart.
        from: Cents,
        /// What it costs now.
        to: Cents,
        /// What everything costs now.
        total: Cents,
    } = Conflict "order.price_moved" "“{title}” costs {to} now; it was {from} when you put it in your cart. The total is {total}.";
    /// The cart is not what the customer has seen.
    TotalMoved {
        /// What the customer has seen.
        expected: Cents,
        /// What everything costs now.
        total: Cents,
    } = Conflict "order.total_moved" "The total is {total}, not {expected}: your cart has changed. Look at it again.";
    /// A product is not sold any more.
    Retired {
        /// Which product.
        title: String,
    } = Conflict "order.product_retired" "“{title}” is not sold any more. Take it out of your cart.";
    /// The address does not fit.
    BadAddress = Invalid "order.bad_address" "An address has 1 to {MAX_ADDRESS} characters and no control characters.";
    /// What was said about it does not fit.
    BadReason = Invalid "order.bad_reason" "A reason has 1 to {MAX_REASON} characters and no control characters.";
    /// It is too early.
    NotConfirmed = Conflict "order.not_confirmed" "This order is still being checked. It can be dispatched once it is confirmed.";
    /// It is too early.
    NotDelivered = Conflict "order.not_delivered" "Only a delivered order is refunded. Cancel this one instead.";
    /// It is too late.
    Delivered = Conflict "order.delivered" "This order was delivered already. Ask for a refund instead.";
    /// Somebody was first.
    Cancelled = Conflict "order.cancelled" "This order was cancelled a moment ago.";
    /// Somebody was first.
    Dispatched {
        /// Who.
        name: String,
    } = Conflict "order.dispatched" "{name} dispatched this order already.";
    /// Somebody was first.
    Claimed {
        /// Who.
        name: String,
    } = Conflict "order.claimed" "{name} claimed this order before you.";
    /// There is nothing left to look after.
    Closed = Conflict "order.closed" "This order is closed: there is nothing left to do.";
}

//! Whether a person should look at an order before it goes on: large ones, and those of somebody who orders
//! unusually fast. The policy is in the constants here.

use serde::{Deserialize, Serialize};

use crate::{
    account::{self, payloads},
    command::{Command, Decision, RefusalKind, refusals},
    contract::Event,
    decide::State,
    ids::{OrderId, UserId},
    money::Cents,
    order::{Hand, MAX_REASON, Order, Status},
    text,
};

/// An order above this is looked at.
pub const LARGE_ORDER: Cents = Cents(50_000);

/// Whoever places more orders than this within [`RECENT_MILLIS`] has the last one looked at.
pub const MANY_ORDERS: usize = 5;

/// What counts as within a short time: ten minutes.
pub const RECENT_MILLIS: i64 = 10 * 60 * 1_000;

/// What is unusual about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReviewFlag {
    /// It is large.
    LargeOrder,
    /// The customer orders unusually fast.
    ManyOrders,
}

payloads! {
    /// See [`crate::Event::ReviewCleared`].
    ReviewCleared {
        /// Which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
    }
    /// See [`crate::Event::ReviewFlagged`].
    ReviewFlagged {
        /// Which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// What is unusual about it.
        flags: Vec<ReviewFlag>,
    }
    /// See [`crate::Event::ReviewApproved`].
    ReviewApproved {
        /// Which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// Who decided.
        by: UserId,
        /// What they are shown as.
        name: String,
        /// What they said about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }
    /// See [`crate::Event::ReviewRejected`].
    ReviewRejected {
        /// Which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// Who decided.
        by: UserId,
        /// What they are shown as.
        name: String,
        /// What they said about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }
    /// Command `review.check`.
    #[serde(deny_unknown_fields)]
    CheckReview {
        /// Which order.
        order: OrderId,
    }
    /// Command `review.approve`.
    #[serde(deny_unknown_fields)]
    ApproveReview {
        /// Which order.
        order: OrderId,
        /// What to say about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// Command `review.reject`.
    #[serde(deny_unknown_fields)]
    RejectReview {
        /// Which order.
        order: OrderId,
        /// What to say about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
}

refusals! {
    /// No such order.
    NoOrder {
        /// What was asked for.
        order: OrderId,
    } = NotFound "review.no_order" "There is no order {order}.";
    /// It need not be looked at, or has not been checked yet.
    NotFlagged = Conflict "review.not_flagged" "This order does not wait for anybody's decision.";
    /// Somebody was first.
    Approved {
        /// Who.
        name: String,
    } = Conflict "review.approved" "{name} approved this order already.";
    /// Somebody was first.
    Rejected {
        /// Who.
        name: String,
    } = Conflict "review.rejected" "{name} rejected this order already.";
    /// The order was cancelled meanwhile.
    Cancelled = Conflict "review.order_cancelled" "This order was cancelled a moment ago.";
    /// What was said about it does not fit.
    BadReason = Invalid "review.bad_reason" "A reason has 1 to {MAX_REASON} characters and no control characters.";
}

/// What the stream `review-<order>` has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Review {
    /// There is nothing unusual about the order.
    Cleared,
    /// It waits for a person.
    Flagged,
    /// Somebody has approved it.
    Approved(Hand),
    /// Somebody has rejected it.
    Rejected(Hand),
}

/// Folds one event of the stream.
pub fn fold(review: &mut Option<Review>, event: &Event) {
    *review = Some(match event {
        Event::ReviewCleared(_) => Review::Cleared,
        Event::ReviewFlagged(_) => Review::Flagged,
        Event::ReviewApproved(e) => Review::Approved(Hand { by: e.by, name: e.name.clone() }),
        Event::ReviewRejected(e) => Review::Rejected(Hand { by: e.by, name: e.name.clone() }),
        _ => return,
    });
}

/// What is unusual about an order.
fn unusual(order: &Order) -> Vec<ReviewFlag> {
    let many = usize::try_from(order.recent_orders).is_ok_and(|recent| recent > MANY_ORDERS);
    [(order.total > LARGE_ORDER, ReviewFlag::LargeOrder), (many, ReviewFlag::ManyOrders)]
        .into_iter()
        .filter_map(|(is_so, flag)| is_so.then_some(flag))
        .collect()
}

pub(crate) fn check(state: &State, command: &Command, wanted: &CheckReview) -> Decision {
    account::service(command)?;
    let order = wanted.order;
    let (Some(placed), None) = (state.order(order), state.review(order)) else { return Ok(vec![]) };
    let (customer, flags) = (placed.customer, unusual(placed));
    Ok(vec![match flags.is_empty() {
        true => ReviewCleared { order, customer }.into(),
        false => ReviewFlagged { order, customer, flags }.into(),
    }])
}

pub(crate) fn approve(state: &State, command: &Command, wanted: &ApproveReview) -> Decision {
    judge(state, command, wanted.order, wanted.reason.as_deref(), true)
}

pub(crate) fn reject(state: &State, command: &Command, wanted: &RejectReview) -> Decision {
    judge(state, command, wanted.order, wanted.reason.as_deref(), false)
}

fn judge(state: &State, command: &Command, order: OrderId, reason: Option<&str>, approve: bool) -> Decision {
    let me = account::staff(state, command)?;
    let found = state.order(order).ok_or(Refusal::NoOrder { order })?;
    let note = reason.map(|reason| text::clean(reason, MAX_REASON)).transpose();
    let note = note.map_err(|_| Refusal::BadReason)?;
    match state.review(order) {
        Some(Review::Approved(hand)) if approve && hand.by == me.user => Ok(vec![]),
        Some(Review::Rejected(hand)) if !approve && hand.by == me.user => Ok(vec![]),
        Some(Review::Approved(hand)) => Err(Refusal::Approved { name: hand.name.clone() }.into()),
        Some(Review::Rejected(hand)) => Err(Refusal::Rejected { name: hand.name.clone() }.into()),
        _ if found.status == Status::Cancelled => Err(Refusal::Cancelled.into()),
        Some(Review::Flagged) => {
            let (customer, by, name) = (found.customer, me.user, me.name.clone());
            Ok(vec![match approve {
                true => ReviewApproved { order, customer, by, name, note }.into(),
                false => ReviewRejected { order, customer, by, name, note }.into(),
            }])
        }
        Some(Review::Cleared) | None => Err(Refusal::NotFlagged.into()),
    }
}

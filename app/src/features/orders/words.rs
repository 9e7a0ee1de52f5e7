//! What happens to an order, in words. Pure.

use domain::{
    Actor,
    order::{CancelReason, Status, Wait},
    payment::{Decline, Progress},
    review::ReviewFlag,
    stock::Kept,
    views::{OrderView, ReviewState, TimelineEntry},
};

use crate::ui::Step;

/// How far an order is, in a word.
pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Placed => "Being checked",
        Status::Confirmed => "Confirmed",
        Status::Dispatched => "On its way",
        Status::Delivered => "Delivered",
        Status::Cancelled => "Cancelled",
        Status::Refunded => "Refunded",
    }
}

/// As the style sheet calls it.
pub(super) fn name(status: Status) -> &'static str {
    match status {
        Status::Placed => "placed",
        Status::Confirmed => "confirmed",
        Status::Dispatched => "dispatched",
        Status::Delivered => "delivered",
        Status::Cancelled => "cancelled",
        Status::Refunded => "refunded",
    }
}

/// Why nothing came of it.
pub(super) fn cancelled(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Asked => "It was cancelled on request.",
        CancelReason::OutOfStock => "There was not enough in stock.",
        CancelReason::ReviewRejected => "Somebody looked at it and said no.",
        CancelReason::PaymentDeclined => "The payment was declined.",
        CancelReason::DeliveryFailed => "The courier could not deliver it.",
        CancelReason::TimedOut => "Something it waited for took too long.",
    }
}

/// Everything there is to say about why an order was cancelled; nothing for others.
pub(super) fn misfortune(order: &OrderView) -> Option<String> {
    let mut text = cancelled(order.cancelled?).to_owned();
    for short in &order.short {
        text.push_str(&format!(" {short}"));
    }
    match order.declined {
        Some(Decline::InsufficientFunds) => text.push_str(" There was not enough in the wallet."),
        Some(Decline::SimulatedFault) => text.push_str(" It was made to fail, to show what happens then."),
        None => {}
    }
    if let (CancelReason::TimedOut, Some(wait)) = (order.cancelled?, order.timed_out) {
        text.push_str(match wait {
            Wait::Reserve => " The stock did not answer.",
            Wait::Review => " Nobody reviewed it.",
            Wait::Authorize => " The payment did not answer.",
            Wait::Dispatch => " Nobody dispatched it.",
            Wait::Delivery => " It did not arrive.",
        });
    }
    text.push_str(match order.payment {
        Some(Progress::Held | Progress::Captured) => " Your money is on its way back.",
        Some(Progress::Voided | Progress::Refunded) => " You have your money back.",
        Some(Progress::Declined) | None => " Nothing was taken from your wallet.",
    });
    Some(text)
}

/// How far the three checks are that come before an order is confirmed: what, how far, whether it is well.
pub(super) fn checks(order: &OrderView) -> [(&'static str, &'static str, &'static str); 3] {
    let stock = match order.stock {
        None => ("waits", "asked"),
        Some(Kept::Reserved) => ("well", "kept for you"),
        Some(Kept::Committed) => ("well", "packed"),
        Some(Kept::Rejected) => ("bad", "not enough"),
        Some(Kept::Released | Kept::Returned) => ("over", "back on the shelf"),
    };
    let review = match order.review {
        None => ("waits", "to come"),
        Some(ReviewState::Cleared) => ("well", "nothing unusual"),
        Some(ReviewState::Approved) => ("well", "approved"),
        Some(ReviewState::Flagged) => ("waits", "waits for a person"),
        Some(ReviewState::Rejected) => ("bad", "rejected"),
    };
    let payment = match order.payment {
        None => ("waits", "to come"),
        Some(Progress::Held) => ("well", "held"),
        Some(Progress::Captured) => ("well", "paid"),
        Some(Progress::Declined) => ("bad", "declined"),
        Some(Progress::Voided | Progress::Refunded) => ("over", "given back"),
    };
    [("Stock", stock.0, stock.1), ("Review", review.0, review.1), ("Payment", payment.0, payment.1)]
}

/// What is unusual about an order.
pub(super) fn flag(flag: ReviewFlag) -> &'static str {
    match flag {
        ReviewFlag::LargeOrder => "it is a large order",
        ReviewFlag::ManyOrders => "there were many orders in a short time",
    }
}

/// What happened, by the event's type.
pub(super) fn happened(kind: &str) -> &'static str {
    match kind {
        "order.placed" => "The order was placed",
        "order.step_requested" => "The next step was asked for",
        "order.confirmed" => "The order is confirmed",
        "order.claimed" => "Somebody looks after it",
        "order.dispatched" => "It was handed to the courier",
        "order.delivered" => "The order is complete",
        "order.cancelled" => "The order was cancelled",
        "order.refunded" => "The order was refunded",
        "order.timed_out" => "A deadline passed",
        "stock.reserved" => "Everything is kept for it",
        "stock.rejected" => "There was not enough in stock",
        "stock.released" => "It is back on the shelf",
        "stock.committed" => "It has left the shelf",
        "stock.returned" => "It came back to the shelf",
        "review.cleared" => "Nothing unusual was found",
        "review.flagged" => "A person shall look at it",
        "review.approved" => "The review was passed",
        "review.rejected" => "The review was not passed",
        "payment.authorized" => "The money is held",
        "payment.declined" => "The payment was declined",
        "payment.captured" => "The money was taken",
        "payment.voided" => "The money is held no longer",
        "payment.refunded" => "The money went back",
        "shipment.created" => "There is a parcel",
        "shipment.dispatched" => "The parcel is on its way",
        "shipment.delivered" => "The parcel has arrived",
        "shipment.failed" => "The parcel will not arrive",
        _ => "Something happened",
    }
}

/// Who did it.
pub(super) fn who(entry: &TimelineEntry, customer: Option<domain::UserId>) -> String {
    match (&entry.name, &entry.actor) {
        (Some(name), _) => name.clone(),
        (None, Actor::User(user)) if Some(*user) == customer => "The customer".to_owned(),
        (None, Actor::User(_)) => "The desk".to_owned(),
        (None, Actor::Service(service)) => service.clone(),
        (None, Actor::External(source)) => source.clone(),
    }
}

/// Whether an entry only leads from one step to the next.
pub(super) fn is_between(entry: &TimelineEntry) -> bool {
    entry.kind == "order.step_requested"
}

/// An entry as something to look back at.
pub(super) fn step(entry: &TimelineEntry) -> Step {
    Step { position: entry.position, time: entry.time, what: happened(&entry.kind) }
}

/// What of an order can be looked back at, the oldest first.
pub(super) fn steps(order: &OrderView) -> Vec<Step> {
    order.timeline.iter().filter(|entry| !is_between(entry)).map(step).collect()
}

/// What it followed from, if that is on the timeline too.
pub(super) fn cause(entry: &TimelineEntry, timeline: &[TimelineEntry]) -> Option<&'static str> {
    let mut cause = timeline.iter().find(|earlier| earlier.event.0 == entry.cause)?;
    // That the saga has asked for it says nothing; why it has, does.
    if is_between(cause) {
        cause = timeline.iter().find(|earlier| earlier.event.0 == cause.cause)?;
    }
    Some(happened(&cause.kind))
}

#[cfg(test)]
mod tests {
    use domain::{EventId, OrderId, Position, Timestamp, UserId, View, views::OrderKey};
    use uuid::Uuid;

    use super::*;

    fn order() -> OrderView {
        OrderView::empty(&OrderKey { order: OrderId(Uuid::nil()), customer: None })
    }

    #[test]
    fn everything_that_an_order_folds_has_words() {
        for kind in OrderView::KINDS.iter().filter(|kind| **kind != "shipment.position_reported") {
            assert_ne!(happened(kind), "Something happened", "{kind}");
        }
    }

    #[test]
    fn a_cancelled_order_says_why_and_where_the_money_is() {
        assert_eq!(misfortune(&order()), None);
        let mut declined = order();
        declined.cancelled = Some(CancelReason::PaymentDeclined);
        (declined.payment, declined.declined) = (Some(Progress::Declined), Some(Decline::InsufficientFunds));
        let text = misfortune(&declined).unwrap();
        assert!(
            text.contains("not enough in the wallet")
                && text.ends_with("Nothing was taken from your wallet.")
        );
        let mut late = order();
        (late.cancelled, late.timed_out) = (Some(CancelReason::TimedOut), Some(Wait::Dispatch));
        late.payment = Some(Progress::Voided);
        let text = misfortune(&late).unwrap();
        assert!(text.contains("Nobody dispatched it.") && text.ends_with("You have your money back."));
    }

    #[test]
    fn who_did_it_and_what_it_followed_from() {
        let customer = UserId(Uuid::from_u128(1));
        let entry = |nth: u128, kind: &str, actor, cause| TimelineEntry {
            event: EventId(Uuid::from_u128(nth)),
            position: Position(1),
            time: Timestamp::from_millis(0),
            kind: kind.into(),
            actor,
            cause: Uuid::from_u128(cause),
            name: None,
            note: None,
        };
        let timeline = [
            entry(10, "order.placed", Actor::User(customer), 9),
            entry(11, "stock.reserved", Actor::Service("inventory".into()), 10),
        ];
        assert_eq!(who(&timeline[0], Some(customer)), "The customer");
        assert_eq!(who(&timeline[1], Some(customer)), "inventory");
        assert_eq!(cause(&timeline[0], &timeline), None);
        assert_eq!(cause(&timeline[1], &timeline), Some("The order was placed"));
    }
}

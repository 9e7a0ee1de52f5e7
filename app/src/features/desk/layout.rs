//! Where the orders lie on the desk as somebody looks at it. Pure. What is shown stays where it is until it is
//! asked for anew, so that no row moves away under the pointer; what a row says is always of now.

use domain::{
    OrderId, UserId,
    order::{CancelReason, Status},
    review::ReviewFlag,
    views::{Desk, DeskRow, Queue},
};

/// The heaps of the desk in their order, with what they are called.
pub(super) const HEAPS: [(Queue, &str); 5] = [
    (Queue::Review, "To review"),
    (Queue::Dispatch, "To dispatch"),
    (Queue::Checking, "Being checked"),
    (Queue::Underway, "On the way"),
    (Queue::Closed, "Closed"),
];

/// Which order is shown in which heap.
pub(super) type Layout = Vec<(OrderId, Queue)>;

/// The desk as it is now: in each heap what was placed first, but of the closed ones what was placed last.
pub(super) fn layout(desk: &Desk) -> Layout {
    let mut layout = Vec::with_capacity(desk.rows.len());
    for (heap, _) in HEAPS {
        let mut rows = desk.queue(heap);
        if heap == Queue::Closed {
            rows.reverse();
        }
        layout.extend(rows.into_iter().map(|row| (row.order, heap)));
    }
    layout
}

/// What is not shown yet, in a few words: orders that are new, and orders that now belong elsewhere.
pub(super) fn news(shown: &Layout, desk: &Desk) -> Option<String> {
    let new = desk.rows.keys().filter(|order| !shown.iter().any(|(known, _)| known == *order)).count();
    let moved = shown
        .iter()
        .filter(|(order, heap)| desk.rows.get(order).is_none_or(|row| row.queue() != *heap))
        .count();
    match (new, moved) {
        (0, 0) => None,
        (new, 0) => Some(format!("{new} new")),
        (0, moved) => Some(format!("{moved} moved on")),
        (new, moved) => Some(format!("{new} new, {moved} moved on")),
    }
}

/// What can be done about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Action {
    /// Say that one looks after it.
    Claim,
    /// Say yes.
    Approve,
    /// Say no, and why.
    Reject,
    /// Hand it to the courier.
    Dispatch,
    /// Give the money back, and say why.
    Refund,
}

impl Action {
    /// The command.
    pub(super) fn command(self) -> &'static str {
        match self {
            Action::Claim => "order.claim",
            Action::Approve => "review.approve",
            Action::Reject => "review.reject",
            Action::Dispatch => "order.dispatch",
            Action::Refund => "order.refund",
        }
    }

    /// What its button says.
    pub(super) fn label(self) -> &'static str {
        match self {
            Action::Claim => "Claim",
            Action::Approve => "Approve",
            Action::Reject => "Reject",
            Action::Dispatch => "Dispatch",
            Action::Refund => "Refund",
        }
    }

    /// Whether it takes a reason, for which it asks first.
    pub(super) fn asks(self) -> bool {
        matches!(self, Action::Reject | Action::Refund)
    }
}

/// What can be done about an order now.
pub(super) fn actions(row: &DeskRow) -> Vec<Action> {
    let mut actions = Vec::new();
    if row.claimed.is_none() && row.queue() != Queue::Closed {
        actions.push(Action::Claim);
    }
    actions.extend(match row.status {
        Status::Placed if !row.flags.is_empty() => &[Action::Approve, Action::Reject][..],
        Status::Confirmed => &[Action::Dispatch],
        Status::Delivered => &[Action::Refund],
        _ => &[],
    });
    actions
}

/// How far an order is, in a few words.
pub(super) fn progress(row: &DeskRow) -> String {
    match (row.status, row.cancelled) {
        (Status::Placed, _) if !row.flags.is_empty() => {
            row.flags.iter().map(flag).collect::<Vec<_>>().join(" · ")
        }
        (Status::Placed, _) => "Being checked".to_owned(),
        (Status::Confirmed, _) => "Ready to dispatch".to_owned(),
        (Status::Dispatched, _) => "On the way".to_owned(),
        (Status::Delivered, _) => "Delivered".to_owned(),
        (Status::Refunded, _) => "Refunded".to_owned(),
        (Status::Cancelled, Some(reason)) => format!("Cancelled: {}", why(reason)),
        (Status::Cancelled, None) => "Cancelled".to_owned(),
    }
}

fn flag(flag: &ReviewFlag) -> &'static str {
    match flag {
        ReviewFlag::LargeOrder => "Unusually large",
        ReviewFlag::ManyOrders => "Unusually many orders",
    }
}

fn why(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Asked => "somebody wanted it",
        CancelReason::OutOfStock => "not enough in stock",
        CancelReason::ReviewRejected => "the review said no",
        CancelReason::PaymentDeclined => "the payment was declined",
        CancelReason::DeliveryFailed => "it could not be delivered",
        CancelReason::TimedOut => "something took too long",
    }
}

/// Who looks after it, as somebody reads it.
pub(super) fn keeper(row: &DeskRow, me: Option<UserId>) -> Option<String> {
    let hand = row.claimed.as_ref()?;
    Some(if Some(hand.by) == me {
        "You look after it".to_owned()
    } else {
        format!("{} looks after it", hand.name)
    })
}

#[cfg(test)]
mod tests {
    use domain::{Cents, Position, Timestamp, View, order::Hand};
    use uuid::Uuid;

    use super::*;

    fn row(nth: u128, status: Status) -> DeskRow {
        DeskRow {
            order: OrderId(Uuid::from_u128(nth)),
            position: Position(u64::try_from(nth).unwrap()),
            time: Timestamp::default(),
            customer: UserId(Uuid::nil()),
            name: "Ada".into(),
            pieces: 1,
            total: Cents(900),
            status,
            flags: vec![],
            claimed: None,
            cancelled: None,
            changed: Timestamp::default(),
        }
    }

    fn desk(rows: impl IntoIterator<Item = DeskRow>) -> Desk {
        let mut desk = Desk::empty(&());
        desk.rows.extend(rows.into_iter().map(|row| (row.order, row)));
        desk
    }

    #[test]
    fn what_waits_for_somebody_lies_on_top_and_nothing_is_left_out() {
        let flagged = DeskRow { flags: vec![ReviewFlag::LargeOrder], ..row(4, Status::Placed) };
        let desk = desk([
            row(1, Status::Delivered),
            row(2, Status::Confirmed),
            row(3, Status::Placed),
            flagged,
            row(5, Status::Cancelled),
        ]);
        let nth: Vec<u128> = layout(&desk).iter().map(|(order, _)| order.0.as_u128()).collect();
        assert_eq!(nth, [4, 2, 3, 5, 1]);
    }

    #[test]
    fn what_changes_is_told_and_moves_nothing() {
        let before = desk([row(1, Status::Confirmed), row(2, Status::Placed)]);
        let shown = layout(&before);
        assert_eq!(news(&shown, &before), None);
        let after = desk([row(1, Status::Dispatched), row(2, Status::Placed), row(3, Status::Placed)]);
        assert_eq!(news(&shown, &after).as_deref(), Some("1 new, 1 moved on"));
        assert_eq!(news(&layout(&after), &after), None);
    }

    #[test]
    fn only_what_an_order_allows_is_offered() {
        assert_eq!(actions(&row(1, Status::Placed)), [Action::Claim]);
        let flagged = DeskRow { flags: vec![ReviewFlag::ManyOrders], ..row(1, Status::Placed) };
        assert_eq!(actions(&flagged), [Action::Claim, Action::Approve, Action::Reject]);
        let claimed = Some(Hand { by: UserId(Uuid::nil()), name: "Bo".into() });
        let claimed = DeskRow { claimed, ..row(1, Status::Confirmed) };
        assert_eq!(actions(&claimed), [Action::Dispatch]);
        assert_eq!(keeper(&claimed, None).as_deref(), Some("Bo looks after it"));
        assert_eq!(actions(&row(1, Status::Delivered)), [Action::Refund]);
        assert!(actions(&row(1, Status::Cancelled)).is_empty());
    }
}

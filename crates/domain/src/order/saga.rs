//! The saga of an order: one machine that hears everything about it and says what is to be done next. Pure:
//! whoever runs it feeds it every event of the order's flow, in order, keeps its state, and carries out its
//! actions. It is total: whatever comes in whatever phase, it is written here what that means. What comes
//! too late (money held, or stock reserved, for an order that was cancelled meanwhile) is undone.
//!
//! ```text
//! placed -> Reserving -> Reviewing -> Authorizing -> Dispatching -> Delivering -> Done -> Refunded
//!               \____________\____________\______________\_____________\________\-> Cancelled
//! ```

use serde::{Deserialize, Serialize};

use super::{Abort, CancelReason, Confirm, Deliver, Expire, RequestStep, Step, Wait};
use crate::{
    contract::{Event, Intent},
    ids::OrderId,
};

/// How far the saga is: what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// For the order to be placed.
    #[default]
    New,
    /// For the stock to reserve its products.
    Reserving,
    /// For its review.
    Reviewing,
    /// For the payment to be authorized.
    Authorizing,
    /// For the desk to dispatch it.
    Dispatching,
    /// For the courier to deliver it.
    Delivering,
    /// For nothing: it was delivered and is paid.
    Done,
    /// For nothing: it was cancelled, and what was done for it is undone.
    Cancelled,
    /// For nothing: it was delivered, and the money went back.
    Refunded,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Phase; 9] = [
        Phase::New,
        Phase::Reserving,
        Phase::Reviewing,
        Phase::Authorizing,
        Phase::Dispatching,
        Phase::Delivering,
        Phase::Done,
        Phase::Cancelled,
        Phase::Refunded,
    ];

    /// Whether nothing more is to come. (What comes all the same is dealt with.)
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Phase::Done | Phase::Cancelled | Phase::Refunded)
    }
}

macro_rules! inputs {
    ($($(#[$doc:meta])* $input:ident <- $variant:ident,)+) => {
        /// What the saga hears: the events of an order's flow without what it need not know of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Input {
            $($(#[$doc])* $input,)+
            /// Something that the order waited for has taken too long.
            TimedOut(Wait),
        }

        impl Input {
            /// All of them.
            pub const ALL: &[Input] = &[
                $(Input::$input,)+
                Input::TimedOut(Wait::Reserve),
                Input::TimedOut(Wait::Review),
                Input::TimedOut(Wait::Authorize),
                Input::TimedOut(Wait::Dispatch),
                Input::TimedOut(Wait::Delivery),
            ];

            /// What an event is to the saga, and of which order; nothing, if it is of none. What the saga itself
            /// has asked for is not news to it.
            #[must_use]
            pub fn of(event: &Event) -> Option<(OrderId, Input)> {
                Some(match event {
                    $(Event::$variant(e) => (e.order, Input::$input),)+
                    Event::OrderTimedOut(e) => (e.order, Input::TimedOut(e.waiting_for)),
                    _ => return None,
                })
            }
        }
    };
}

inputs! {
    /// The customer has placed the order.
    OrderPlaced <- OrderPlaced,
    /// The order is confirmed.
    OrderConfirmed <- OrderConfirmed,
    /// Somebody of the desk looks after it.
    OrderClaimed <- OrderClaimed,
    /// The desk has dispatched it.
    OrderDispatched <- OrderDispatched,
    /// It is delivered.
    OrderDelivered <- OrderDelivered,
    /// Somebody, or the saga itself, has cancelled it.
    OrderCancelled <- OrderCancelled,
    /// The desk gives the money back.
    OrderRefunded <- OrderRefunded,
    /// Its products are kept for it.
    StockReserved <- StockReserved,
    /// There was not enough of them.
    StockRejected <- StockRejected,
    /// They are not kept any more.
    StockReleased <- StockReleased,
    /// They have left the house.
    StockCommitted <- StockCommitted,
    /// They came back.
    StockReturned <- StockReturned,
    /// There is nothing unusual about it.
    ReviewCleared <- ReviewCleared,
    /// A person must look at it.
    ReviewFlagged <- ReviewFlagged,
    /// Somebody said yes.
    ReviewApproved <- ReviewApproved,
    /// Somebody said no.
    ReviewRejected <- ReviewRejected,
    /// The money is held.
    PaymentAuthorized <- PaymentAuthorized,
    /// The money was not to be had.
    PaymentDeclined <- PaymentDeclined,
    /// The money was taken.
    PaymentCaptured <- PaymentCaptured,
    /// The money is not held any more.
    PaymentVoided <- PaymentVoided,
    /// The money went back.
    PaymentRefunded <- PaymentRefunded,
    /// There is a parcel.
    ShipmentCreated <- ShipmentCreated,
    /// The parcel is on its way.
    ShipmentDispatched <- ShipmentDispatched,
    /// The parcel was seen.
    PositionReported <- ShipmentPositionReported,
    /// The parcel has arrived.
    ShipmentDelivered <- ShipmentDelivered,
    /// The parcel will not arrive.
    ShipmentFailed <- ShipmentFailed,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Ask another service for a step.
    Request(Step),
    /// Confirm the order.
    Confirm,
    /// Note that it is delivered.
    Deliver,
    /// Cancel it.
    Abort(CancelReason),
    /// From now on, wait so long and no longer. There is one deadline for each order; this one takes the
    /// place of the one before.
    SetDeadline(Wait),
    /// There is nothing more to wait for.
    ClearDeadline,
}

impl Action {
    /// Its name: the same for the same action, different for different actions of one step.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Action::Request(step) => step.name(),
            Action::Confirm => "confirm",
            Action::Deliver => "deliver",
            Action::Abort(_) => "abort",
            Action::SetDeadline(_) => "set_deadline",
            Action::ClearDeadline => "clear_deadline",
        }
    }

    /// The command that does it; none for a deadline, which is the runtime's to keep.
    #[must_use]
    pub fn intent(self, order: OrderId) -> Option<Intent> {
        Some(match self {
            Action::Request(step) => RequestStep { order, step }.into(),
            Action::Confirm => Confirm { order }.into(),
            Action::Deliver => Deliver { order }.into(),
            Action::Abort(reason) => Abort { order, reason }.into(),
            Action::SetDeadline(_) | Action::ClearDeadline => return None,
        })
    }
}

impl Wait {
    /// The command to send when the deadline has passed.
    #[must_use]
    pub fn expiry(self, order: OrderId) -> Intent {
        Expire { order, waiting_for: self }.into()
    }
}

/// The saga of one order. Kept as JSON between events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saga {
    /// Which order.
    pub order: OrderId,
    /// How far it is.
    pub phase: Phase,
}

impl Saga {
    /// Before anything has happened.
    #[must_use]
    pub fn new(order: OrderId) -> Self {
        Self { order, phase: Phase::New }
    }

    /// Takes an event in and says what is to be done. Events of other orders, and of no order, are nothing
    /// to it.
    pub fn step(&mut self, event: &Event) -> Vec<Action> {
        match Input::of(event) {
            Some((order, input)) if order == self.order => {
                let (phase, actions) = next(self.phase, input);
                self.phase = phase;
                actions
            }
            _ => vec![],
        }
    }
}

/// The table: in this phase, when that comes, then this is the phase and that is to be done.
#[must_use]
pub fn next(phase: Phase, input: Input) -> (Phase, Vec<Action>) {
    use Action::{Abort, ClearDeadline, Confirm, Deliver, Request, SetDeadline};
    use CancelReason::{DeliveryFailed, OutOfStock, PaymentDeclined, ReviewRejected, TimedOut};
    use Step::{
        Authorize, Capture, CheckReview, Commit, CreateShipment, DispatchShipment, RecallShipment, Refund,
        Release, Reserve, TakeBack, Void,
    };

    let go = |phase, actions: &[Action]| (phase, actions.to_vec());
    // Giving up: the order learns it first, then everything that was done for it is undone. Both are left
    // out where there is nothing to say or to undo.
    let give_up = |why: Option<CancelReason>, undo: &[Action]| {
        let actions = why.map(Abort).into_iter().chain(undo.iter().copied()).chain([ClearDeadline]);
        (Phase::Cancelled, actions.collect())
    };
    let stay = (phase, vec![]);
    match phase {
        Phase::New => match input {
            Input::OrderPlaced => go(Phase::Reserving, &[Request(Reserve), SetDeadline(Wait::Reserve)]),
            _ => stay,
        },
        Phase::Reserving => match input {
            Input::StockReserved => go(Phase::Reviewing, &[Request(CheckReview), SetDeadline(Wait::Review)]),
            Input::StockRejected => give_up(Some(OutOfStock), &[]),
            Input::TimedOut(Wait::Reserve) => give_up(Some(TimedOut), &[Request(Release)]),
            Input::OrderCancelled => give_up(None, &[Request(Release)]),
            _ => stay,
        },
        Phase::Reviewing => match input {
            Input::ReviewCleared | Input::ReviewApproved => {
                go(Phase::Authorizing, &[Request(Authorize), SetDeadline(Wait::Authorize)])
            }
            Input::ReviewRejected => give_up(Some(ReviewRejected), &[Request(Release)]),
            Input::TimedOut(Wait::Review) => give_up(Some(TimedOut), &[Request(Release)]),
            Input::OrderCancelled => give_up(None, &[Request(Release)]),
            _ => stay,
        },
        Phase::Authorizing => match input {
            Input::PaymentAuthorized => {
                go(Phase::Dispatching, &[Confirm, Request(CreateShipment), SetDeadline(Wait::Dispatch)])
            }
            Input::PaymentDeclined => give_up(Some(PaymentDeclined), &[Request(Release)]),
            Input::TimedOut(Wait::Authorize) => give_up(Some(TimedOut), &[Request(Void), Request(Release)]),
            Input::OrderCancelled => give_up(None, &[Request(Void), Request(Release)]),
            _ => stay,
        },
        Phase::Dispatching => match input {
            Input::OrderDispatched => go(
                Phase::Delivering,
                &[Request(Commit), Request(DispatchShipment), SetDeadline(Wait::Delivery)],
            ),
            Input::ShipmentFailed => give_up(Some(DeliveryFailed), &[Request(Void), Request(Release)]),
            Input::TimedOut(Wait::Dispatch) => {
                give_up(Some(TimedOut), &[Request(RecallShipment), Request(Void), Request(Release)])
            }
            Input::OrderCancelled => {
                give_up(None, &[Request(RecallShipment), Request(Void), Request(Release)])
            }
            _ => stay,
        },
        Phase::Delivering => match input {
            Input::ShipmentDelivered => go(Phase::Done, &[Deliver, Request(Capture), ClearDeadline]),
            Input::ShipmentFailed => give_up(Some(DeliveryFailed), &[Request(Void), Request(TakeBack)]),
            Input::TimedOut(Wait::Delivery) => {
                give_up(Some(TimedOut), &[Request(RecallShipment), Request(Void), Request(TakeBack)])
            }
            Input::OrderCancelled => {
                give_up(None, &[Request(RecallShipment), Request(Void), Request(TakeBack)])
            }
            _ => stay,
        },
        Phase::Done => match input {
            Input::OrderRefunded => go(Phase::Refunded, &[Request(Refund), Request(TakeBack)]),
            // Cancelled in the moment in which it arrived.
            Input::OrderCancelled => go(Phase::Cancelled, &[Request(Refund), Request(TakeBack)]),
            _ => stay,
        },
        Phase::Cancelled => match input {
            Input::StockReserved => go(phase, &[Request(Release)]),
            Input::StockCommitted => go(phase, &[Request(TakeBack)]),
            Input::PaymentAuthorized => go(phase, &[Request(Void)]),
            Input::PaymentCaptured => go(phase, &[Request(Refund)]),
            Input::ShipmentCreated | Input::ShipmentDispatched => go(phase, &[Request(RecallShipment)]),
            _ => stay,
        },
        Phase::Refunded => match input {
            Input::StockCommitted => go(phase, &[Request(TakeBack)]),
            Input::PaymentCaptured => go(phase, &[Request(Refund)]),
            _ => stay,
        },
    }
}

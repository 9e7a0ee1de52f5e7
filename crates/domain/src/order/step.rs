//! What the saga of an order asks the other services to do: one step each. It is asked for by an event in the
//! order's stream, and the service whose step it is carries it out when it comes to it: so each works at its
//! own pace, and each can be paused.

use serde::{Deserialize, Serialize};

use crate::{
    contract::Intent,
    ids::OrderId,
    payment::{AuthorizePayment, CapturePayment, RefundPayment, VoidPayment},
    review::CheckReview,
    shipment::{CreateShipment, DispatchShipment, FailShipment, ShipmentFault},
    stock::{Commit, Release, Reserve, TakeBack},
};

/// One step of an order's way, to be done by another service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Keep the products for the order.
    Reserve,
    /// Give them free again.
    Release,
    /// Let them leave the house.
    Commit,
    /// Take them back.
    TakeBack,
    /// See whether a person must look at the order.
    CheckReview,
    /// Hold the money.
    Authorize,
    /// Take the money that is held.
    Capture,
    /// Hold it no longer.
    Void,
    /// Give back the money that was taken.
    Refund,
    /// Make a parcel.
    CreateShipment,
    /// Send it on its way.
    DispatchShipment,
    /// Call it back.
    RecallShipment,
}

impl Step {
    /// All of them.
    pub const ALL: [Step; 12] = [
        Step::Reserve,
        Step::Release,
        Step::Commit,
        Step::TakeBack,
        Step::CheckReview,
        Step::Authorize,
        Step::Capture,
        Step::Void,
        Step::Refund,
        Step::CreateShipment,
        Step::DispatchShipment,
        Step::RecallShipment,
    ];

    /// Its name, as it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Step::Reserve => "reserve",
            Step::Release => "release",
            Step::Commit => "commit",
            Step::TakeBack => "take_back",
            Step::CheckReview => "check_review",
            Step::Authorize => "authorize",
            Step::Capture => "capture",
            Step::Void => "void",
            Step::Refund => "refund",
            Step::CreateShipment => "create_shipment",
            Step::DispatchShipment => "dispatch_shipment",
            Step::RecallShipment => "recall_shipment",
        }
    }

    /// The service that does it.
    #[must_use]
    pub fn service(self) -> &'static str {
        match self {
            Step::Reserve | Step::Release | Step::Commit | Step::TakeBack => "inventory",
            Step::CheckReview => "review",
            Step::Authorize | Step::Capture | Step::Void | Step::Refund => "payment",
            Step::CreateShipment | Step::DispatchShipment | Step::RecallShipment => "shipping",
        }
    }

    /// The command that does it. Done a second time, or when it is too late for it, it changes nothing.
    #[must_use]
    pub fn intent(self, order: OrderId) -> Intent {
        match self {
            Step::Reserve => Reserve { order }.into(),
            Step::Release => Release { order }.into(),
            Step::Commit => Commit { order }.into(),
            Step::TakeBack => TakeBack { order }.into(),
            Step::CheckReview => CheckReview { order }.into(),
            Step::Authorize => AuthorizePayment { order, simulate_fault: false }.into(),
            Step::Capture => CapturePayment { order }.into(),
            Step::Void => VoidPayment { order }.into(),
            Step::Refund => RefundPayment { order }.into(),
            Step::CreateShipment => CreateShipment { order }.into(),
            Step::DispatchShipment => DispatchShipment { order }.into(),
            Step::RecallShipment => FailShipment { order, reason: ShipmentFault::Recalled }.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_written_as_it_is_called() {
        for step in Step::ALL {
            let json = serde_json::to_string(&step).unwrap();
            assert_eq!(json, format!("{:?}", step.name()));
            assert_eq!(serde_json::from_str::<Step>(&json).unwrap(), step);
        }
    }
}

//! Parcels on their way. A courier's device says where it is; the shop's services say the rest.

use serde::{Deserialize, Serialize};

use crate::{
    account::{self, payloads},
    command::{Actor, Command, Decision, RefusalKind, refusals},
    contract::Event,
    decide::State,
    ids::{OrderId, UserId},
    order::Status,
};

/// Why a parcel did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ShipmentFault {
    /// The order was cancelled, so it was called back.
    Recalled,
    /// Nobody took it.
    Undeliverable,
    /// Nobody knows where it is.
    Lost,
}

/// A place on the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Degrees north, in millionths.
    pub latitude_e6: i32,
    /// Degrees east, in millionths.
    pub longitude_e6: i32,
}

payloads! {
    /// See [`crate::Event::ShipmentCreated`].
    ShipmentCreated {
        /// For which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// Where it goes, if the customer said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
    }
    /// See [`crate::Event::ShipmentDispatched`].
    ShipmentDispatched {
        /// For which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
    }
    /// See [`crate::Event::ShipmentPositionReported`].
    PositionReported {
        /// For which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// Degrees north, in millionths.
        latitude_e6: i32,
        /// Degrees east, in millionths.
        longitude_e6: i32,
    }
    /// See [`crate::Event::ShipmentDelivered`].
    ShipmentDelivered {
        /// For which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
    }
    /// See [`crate::Event::ShipmentFailed`].
    ShipmentFailed {
        /// For which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// Why.
        reason: ShipmentFault,
    }
    /// Command `shipment.create`.
    #[serde(deny_unknown_fields)]
    CreateShipment {
        /// For which order.
        order: OrderId,
    }
    /// Command `shipment.dispatch`.
    #[serde(deny_unknown_fields)]
    DispatchShipment {
        /// For which order.
        order: OrderId,
    }
    /// Command `shipment.report_position`.
    #[serde(deny_unknown_fields)]
    ReportPosition {
        /// For which order.
        order: OrderId,
        /// Degrees north, in millionths.
        latitude_e6: i32,
        /// Degrees east, in millionths.
        longitude_e6: i32,
    }
    /// Command `shipment.deliver`.
    #[serde(deny_unknown_fields)]
    DeliverShipment {
        /// For which order.
        order: OrderId,
    }
    /// Command `shipment.fail`.
    #[serde(deny_unknown_fields)]
    FailShipment {
        /// For which order.
        order: OrderId,
        /// Why.
        reason: ShipmentFault,
    }
}

refusals! {
    /// There is no such place.
    BadPosition = Invalid "shipment.bad_position" "A position is between 90 degrees south and north, and 180 degrees west and east.";
    /// Only devices and services say where a parcel is and what became of it.
    NotADevice = Forbidden "shipment.not_a_device" "Where a parcel is, and what became of it, is said by the couriers' devices.";
    /// A device speaks of a parcel that there is not.
    NoShipment {
        /// What it speaks of.
        order: OrderId,
    } = NotFound "shipment.no_shipment" "There is no parcel for an order {order}.";
    /// A device speaks of a parcel that has not left yet, or of which that is not known yet.
    NotOnItsWay {
        /// For which order.
        order: OrderId,
    } = Conflict "shipment.not_on_its_way" "The parcel for the order {order} has not left yet. Say it again in a moment.";
}

/// How far a parcel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Journey {
    /// It waits to be dispatched.
    Created,
    /// It is on its way.
    Dispatched,
    /// It has arrived.
    Delivered,
    /// It will not arrive.
    Failed,
}

/// What the stream `shipment-<order>` has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// Whose order it is for.
    pub customer: UserId,
    /// How far it is.
    pub journey: Journey,
    /// Where it was seen last.
    pub place: Option<Place>,
}

/// Folds one event of the stream.
pub fn fold(shipment: &mut Option<Shipment>, event: &Event) {
    match (event, shipment) {
        (Event::ShipmentCreated(e), shipment) => {
            *shipment = Some(Shipment { customer: e.customer, journey: Journey::Created, place: None });
        }
        (Event::ShipmentDispatched(_), Some(shipment)) => shipment.journey = Journey::Dispatched,
        (Event::ShipmentPositionReported(e), Some(shipment)) => {
            shipment.place = Some(Place { latitude_e6: e.latitude_e6, longitude_e6: e.longitude_e6 });
        }
        (Event::ShipmentDelivered(_), Some(shipment)) => shipment.journey = Journey::Delivered,
        (Event::ShipmentFailed(_), Some(shipment)) => shipment.journey = Journey::Failed,
        _ => {}
    }
}

/// What a courier's device may say of a parcel that there is, and a service of any.
fn device(state: &State, command: &Command, order: OrderId) -> Result<(), Refusal> {
    match command.actor {
        Actor::User(_) => Err(Refusal::NotADevice),
        Actor::External(_) if state.shipment(order).is_none() => Err(Refusal::NoShipment { order }),
        Actor::External(_) | Actor::Service(_) => Ok(()),
    }
}

/// What it may say only of one that has left. A report that is taken in is not taken in again, so one that comes too
/// early must not be.
fn device_under_way(state: &State, command: &Command, order: OrderId) -> Result<(), Refusal> {
    device(state, command, order)?;
    let early =
        matches!(command.actor, Actor::External(_)) && so_far(state, order, &[Journey::Created]).is_some();
    if early { Err(Refusal::NotOnItsWay { order }) } else { Ok(()) }
}

/// Whose the parcel is, if it is so far.
fn so_far(state: &State, order: OrderId, journeys: &[Journey]) -> Option<UserId> {
    state.shipment(order).filter(|found| journeys.contains(&found.journey)).map(|found| found.customer)
}

pub(crate) fn create(state: &State, command: &Command, wanted: &CreateShipment) -> Decision {
    account::service(command)?;
    let order = wanted.order;
    Ok(match (state.order(order), state.shipment(order)) {
        // The desk may be quicker than whoever makes the parcel.
        (Some(placed), None) if matches!(placed.status, Status::Confirmed | Status::Dispatched) => {
            vec![ShipmentCreated { order, customer: placed.customer, address: placed.address.clone() }.into()]
        }
        _ => vec![],
    })
}

pub(crate) fn dispatch(state: &State, command: &Command, wanted: &DispatchShipment) -> Decision {
    account::service(command)?;
    let order = wanted.order;
    let dispatched = |customer| ShipmentDispatched { order, customer }.into();
    Ok(so_far(state, order, &[Journey::Created]).map(dispatched).into_iter().collect())
}

pub(crate) fn report_position(state: &State, command: &Command, wanted: &ReportPosition) -> Decision {
    device_under_way(state, command, wanted.order)?;
    let ReportPosition { order, latitude_e6, longitude_e6 } = *wanted;
    if !(-90_000_000..=90_000_000).contains(&latitude_e6)
        || !(-180_000_000..=180_000_000).contains(&longitude_e6)
    {
        return Err(Refusal::BadPosition.into());
    }
    let here = Some(Place { latitude_e6, longitude_e6 });
    let moved = so_far(state, order, &[Journey::Dispatched])
        .filter(|_| state.shipment(order).is_some_and(|shipment| shipment.place != here));
    let reported = |customer| PositionReported { order, customer, latitude_e6, longitude_e6 }.into();
    Ok(moved.map(reported).into_iter().collect())
}

pub(crate) fn deliver(state: &State, command: &Command, wanted: &DeliverShipment) -> Decision {
    device_under_way(state, command, wanted.order)?;
    let order = wanted.order;
    let delivered = |customer| ShipmentDelivered { order, customer }.into();
    Ok(so_far(state, order, &[Journey::Dispatched]).map(delivered).into_iter().collect())
}

pub(crate) fn fail(state: &State, command: &Command, wanted: &FailShipment) -> Decision {
    device(state, command, wanted.order)?;
    let FailShipment { order, reason } = *wanted;
    let failed = |customer| ShipmentFailed { order, customer, reason }.into();
    Ok(so_far(state, order, &[Journey::Created, Journey::Dispatched]).map(failed).into_iter().collect())
}

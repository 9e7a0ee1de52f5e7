//! What couriers' devices say from outside.

use domain::{
    Actor, Event, OrderId,
    catalog::RetireProduct,
    order::Deliver,
    shipment::{
        DeliverShipment, DispatchShipment, FailShipment, PositionReported, ReportPosition, ShipmentCreated,
        ShipmentDelivered, ShipmentDispatched, ShipmentFailed, ShipmentFault,
    },
};
use uuid::Uuid;

use super::given;
use crate::common::{ADA, BO, sku};

const ORDER: OrderId = OrderId(Uuid::from_u128(0x0d));

fn courier() -> Actor {
    Actor::External("couriers/7".into())
}

fn on_its_way() -> [Event; 2] {
    [
        ShipmentCreated { order: ORDER, customer: ADA, address: None }.into(),
        ShipmentDispatched { order: ORDER, customer: ADA }.into(),
    ]
}

#[test]
fn a_device_says_where_a_parcel_is_and_what_became_of_it() {
    let here = ReportPosition { order: ORDER, latitude_e6: 52_520_008, longitude_e6: 13_404_954 };
    let reported = PositionReported {
        order: ORDER,
        customer: ADA,
        latitude_e6: here.latitude_e6,
        longitude_e6: here.longitude_e6,
    };
    let so_far = given(on_its_way());
    so_far.when_actor(courier(), here).then([reported.into()]);
    let delivered = ShipmentDelivered { order: ORDER, customer: ADA };
    so_far.when_actor(courier(), DeliverShipment { order: ORDER }).then([delivered.into()]);
    let reason = ShipmentFault::Lost;
    let failed = ShipmentFailed { order: ORDER, customer: ADA, reason };
    so_far.when_actor(courier(), FailShipment { order: ORDER, reason }).then([failed.into()]);
}

#[test]
fn nobody_says_it_for_a_device_and_a_device_speaks_only_of_parcels_that_there_are() {
    let so_far = given(on_its_way());
    for person in [ADA, BO] {
        so_far.when(person, DeliverShipment { order: ORDER }).then_refused("shipment.not_a_device");
    }
    let other = OrderId(Uuid::from_u128(0x0e));
    so_far.when_actor(courier(), DeliverShipment { order: other }).then_refused("shipment.no_shipment");
}

#[test]
fn nothing_else_is_for_outsiders() {
    let so_far = given(on_its_way());
    so_far.when_actor(courier(), Deliver { order: ORDER }).then_refused("account.service_only");
    so_far.when_actor(courier(), DispatchShipment { order: ORDER }).then_refused("account.service_only");
    so_far.when_actor(courier(), RetireProduct { sku: sku("1") }).then_refused("account.sign_in_first");
}

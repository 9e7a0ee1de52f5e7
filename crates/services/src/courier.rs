//! Couriers for a demo: they carry every parcel that is on its way along a route, and report where it is and that
//! it has arrived, as a device outside the house does. They know nothing but the log and remember nothing: how
//! far a parcel has come is told by the reports that are in the log. So they may be stopped anywhere, and a
//! report that was lost is made again, under the same id.

use std::{collections::BTreeMap, future::Future, time::Duration};

use domain::{Event, OrderId, Position, shipment::Place};
use serde_json::{Value, json};
use store::{Filter, Store};
use tokio::sync::watch;

/// How many times a parcel is seen on its way.
pub const STOPS: u8 = 8;

/// What the reports come from.
pub const SOURCE: &str = "couriers/demo";

/// Where all parcels set out.
const DEPOT: Place = Place { latitude_e6: 52_516_275, longitude_e6: 13_377_704 };

/// What couriers follow.
const KINDS: [&str; 4] =
    ["shipment.dispatched", "shipment.position_reported", "shipment.delivered", "shipment.failed"];

/// How many events are read at a time.
const PAGE: usize = 500;

/// What a courier's device reports: an event from outside, for the ingest.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Unique among this source's reports, and the same when a report is repeated.
    pub id: String,
    /// The type, for example `courier.position_reported`.
    pub kind: &'static str,
    /// The payload.
    pub data: Value,
}

/// The parcels that are on their way, and at how many stops each was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Parcels(BTreeMap<OrderId, u8>);

impl Parcels {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::ShipmentDispatched(e) => drop(self.0.insert(e.order, 0)),
            Event::ShipmentPositionReported(e) => {
                if let Some(seen) = self.0.get_mut(&e.order) {
                    *seen = seen.saturating_add(1);
                }
            }
            Event::ShipmentDelivered(e) => drop(self.0.remove(&e.order)),
            Event::ShipmentFailed(e) => drop(self.0.remove(&e.order)),
            _ => {}
        }
    }

    /// What is to be reported next, one report for each parcel.
    fn reports(&self) -> Vec<Report> {
        self.0.iter().map(|(order, seen)| report(*order, *seen)).collect()
    }
}

/// The report after a parcel was seen so often.
fn report(order: OrderId, seen: u8) -> Report {
    if seen >= STOPS {
        return Report {
            id: format!("{order}/delivered"),
            kind: "courier.delivered",
            data: json!({ "order": order }),
        };
    }
    let Place { latitude_e6, longitude_e6 } = stop(order, seen + 1);
    Report {
        id: format!("{order}/{}", seen + 1),
        kind: "courier.position_reported",
        data: json!({ "order": order, "latitude_e6": latitude_e6, "longitude_e6": longitude_e6 }),
    }
}

/// A stop on the way to wherever this order's customer lives: the same every time, and no two the same. First it
/// goes north or south, then more and more to the east or west.
fn stop(order: OrderId, number: u8) -> Place {
    let bytes = order.0.as_bytes();
    let away = |far: u8, way: u8| {
        let far = 16_000 + i32::from(far) * 160;
        if way.is_multiple_of(2) { far } else { -far }
    };
    let (north, east) = (away(bytes[12], bytes[13]), away(bytes[14], bytes[15]));
    let (gone, way) = (i32::from(number), i32::from(STOPS));
    Place {
        latitude_e6: DEPOT.latitude_e6 + north * gone * (2 * way - gone) / (way * way),
        longitude_e6: DEPOT.longitude_e6 + east * gone * gone / (way * way),
    }
}

/// Carries parcels for as long as it is polled: at every `pace` each of them comes one stop further. `published`
/// says how far the log is; `send` brings a report into the house, and may fail: it is made again.
pub async fn run<Sent>(
    store: Store,
    mut published: watch::Receiver<Position>,
    pace: Duration,
    send: impl Fn(Report) -> Sent,
) where
    Sent: Future<Output = Result<(), String>>,
{
    let filter = Filter::everything().of_kinds(KINDS);
    let (mut parcels, mut at) = (Parcels::default(), Position::START);
    loop {
        let head = store.head();
        match store.read(at, &filter, PAGE).await {
            Ok(page) => {
                for envelope in page.events.iter().filter_map(|recorded| recorded.decode().ok()) {
                    parcels.hear(&envelope.event);
                }
                at = page.next;
                if at < head {
                    continue;
                }
            }
            Err(error) => tracing::warn!(%error, "the couriers cannot read what to carry"),
        }
        for report in parcels.reports() {
            let id = report.id.clone();
            if let Err(error) = send(report).await {
                tracing::warn!(report = id, error, "a courier's report is not taken");
            }
        }
        if parcels.0.is_empty() && published.wait_for(|published| *published > at).await.is_err() {
            return;
        }
        tokio::time::sleep(pace).await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{
        UserId,
        shipment::{PositionReported, ShipmentDispatched, ShipmentFailed, ShipmentFault},
    };
    use uuid::Uuid;

    use super::*;

    const CUSTOMER: UserId = UserId(Uuid::from_u128(0xada));

    fn order(number: u128) -> OrderId {
        OrderId(Uuid::from_u128(number))
    }

    #[test]
    fn a_parcel_is_seen_at_every_stop_once_and_then_arrives() {
        let (order, customer) = (order(0x0193_77aa), CUSTOMER);
        let mut parcels = Parcels::default();
        parcels.hear(&ShipmentDispatched { order, customer }.into());
        let mut ids = BTreeSet::new();
        for number in 1..=STOPS {
            let [report] = &parcels.reports()[..] else { panic!("one parcel") };
            assert_eq!(report.kind, "courier.position_reported");
            assert_eq!(parcels.reports()[0], *report, "and the same until it is in the log");
            assert!(ids.insert(report.id.clone()));
            let Place { latitude_e6, longitude_e6 } = stop(order, number);
            parcels.hear(&PositionReported { order, customer, latitude_e6, longitude_e6 }.into());
        }
        let [arrived] = &parcels.reports()[..] else { panic!("one parcel") };
        assert_eq!((arrived.kind, ids.len()), ("courier.delivered", usize::from(STOPS)));
        parcels.hear(&ShipmentFailed { order, customer, reason: ShipmentFault::Lost }.into());
        assert_eq!(parcels, Parcels::default());
    }

    #[test]
    fn no_parcel_stands_still_or_leaves_the_neighbourhood() {
        for number in 0..2_000_u128 {
            let order = order(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
            let mut last = DEPOT;
            for nth in 1..=STOPS {
                let here = stop(order, nth);
                assert!(here != last, "{order} stands still at {nth}");
                assert!((here.latitude_e6 - DEPOT.latitude_e6).abs() < 60_000);
                assert!((here.longitude_e6 - DEPOT.longitude_e6).abs() < 60_000);
                last = here;
            }
        }
    }
}

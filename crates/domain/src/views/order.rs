//! One order: how far it is, and everything that has happened to it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    audience::{Audience, Token},
    command::Actor,
    contract::Event,
    envelope::{Envelope, Position},
    ids::{EventId, OrderId, UserId},
    money::Cents,
    order::{CancelReason, Hand, OrderLine, Status, Wait},
    payment::{Decline, Progress},
    review::ReviewFlag,
    shipment::{Journey, Place},
    stock::{Kept, Shortage},
    subject::Pattern,
    time::Timestamp,
    view::View,
};

/// Which order, and who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OrderKey {
    /// The order.
    pub order: OrderId,
    /// The customer; `None` for the staff, who also see who looks after it.
    pub customer: Option<UserId>,
}

/// What was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedOrder {
    /// Whose.
    pub customer: UserId,
    /// What the customer was shown as.
    pub name: String,
    /// The products.
    pub lines: Vec<OrderLine>,
    /// What they cost altogether.
    pub total: Cents,
    /// Where they go.
    pub address: Option<String>,
    /// When it was placed.
    pub time: Timestamp,
}

/// How far the review of an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// There is nothing unusual about it.
    Cleared,
    /// It waits for a person.
    Flagged,
    /// Somebody said yes.
    Approved,
    /// Somebody said no.
    Rejected,
}

/// One thing that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// The event.
    pub event: EventId,
    /// Where it stands in the log.
    pub position: Position,
    /// When.
    pub time: Timestamp,
    /// Its type, for example `order.placed`: what its text is found by.
    pub kind: String,
    /// Who did it.
    pub actor: Actor,
    /// The command or event that directly caused it.
    pub cause: Uuid,
    /// The person of the desk who did it, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An order as its customer, or the desk, sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// Which, and for whom.
    pub key: OrderKey,
    /// What was ordered; `None` while there is no such order (for whoever looks).
    pub placed: Option<PlacedOrder>,
    /// How far it is.
    pub status: Status,
    /// Who looks after it. Only the staff see it.
    pub claimed: Option<Hand>,
    /// How far the stock is.
    pub stock: Option<Kept>,
    /// What there was not enough of.
    pub short: Vec<Shortage>,
    /// How far its review is.
    pub review: Option<ReviewState>,
    /// What is unusual about it.
    pub flags: Vec<ReviewFlag>,
    /// How far the payment is.
    pub payment: Option<Progress>,
    /// Why the payment was declined.
    pub declined: Option<Decline>,
    /// How far the parcel is.
    pub shipment: Option<Journey>,
    /// Where the parcel was seen last, and when.
    pub place: Option<(Place, Timestamp)>,
    /// Why it was cancelled.
    pub cancelled: Option<CancelReason>,
    /// What did not come in time, the last time.
    pub timed_out: Option<Wait>,
    /// What has happened, in order. (Where the parcel was seen is not in it.)
    pub timeline: Vec<TimelineEntry>,
}

impl View for OrderView {
    const NAME: &'static str = "order";
    type Key = OrderKey;
    const KINDS: &'static [&'static str] = &[
        "order.placed",
        "order.confirmed",
        "order.claimed",
        "order.dispatched",
        "order.delivered",
        "order.cancelled",
        "order.refunded",
        "order.timed_out",
        "order.step_requested",
        "stock.reserved",
        "stock.rejected",
        "stock.released",
        "stock.committed",
        "stock.returned",
        "review.cleared",
        "review.flagged",
        "review.approved",
        "review.rejected",
        "payment.authorized",
        "payment.declined",
        "payment.captured",
        "payment.voided",
        "payment.refunded",
        "shipment.created",
        "shipment.dispatched",
        "shipment.position_reported",
        "shipment.delivered",
        "shipment.failed",
    ];

    fn empty(key: &OrderKey) -> Self {
        Self {
            key: *key,
            placed: None,
            status: Status::Placed,
            claimed: None,
            stock: None,
            short: vec![],
            review: None,
            flags: vec![],
            payment: None,
            declined: None,
            shipment: None,
            place: None,
            cancelled: None,
            timed_out: None,
            timeline: vec![],
        }
    }

    fn pattern(key: &OrderKey) -> Pattern {
        Pattern::new(format!("*.{}.>", key.order)).expect("an id is a subject token")
    }

    fn viewer(key: &OrderKey) -> Token {
        key.customer.map_or(Token::Staff, Token::User)
    }

    fn sees(&self, audience: &Audience) -> bool {
        audience.iter().any(|token| *token == Self::viewer(&self.key))
    }

    fn fold(&mut self, envelope: &Envelope) {
        // A room may be called like an order.
        if !Self::KINDS.contains(&envelope.meta.kind.as_ref()) {
            return;
        }
        let (mut name, mut note) = (None, None);
        match &envelope.event {
            Event::OrderPlaced(e) => {
                self.placed = Some(PlacedOrder {
                    customer: e.customer,
                    name: e.name.clone(),
                    lines: e.lines.clone(),
                    total: e.total_cents,
                    address: e.address.clone(),
                    time: envelope.meta.time,
                });
            }
            Event::OrderConfirmed(_) => self.status = Status::Confirmed,
            Event::OrderClaimed(e) => {
                self.claimed = Some(Hand { by: e.by, name: e.name.clone() });
                name = Some(e.name.clone());
            }
            Event::OrderDispatched(e) => {
                self.status = Status::Dispatched;
                name = Some(e.name.clone());
            }
            Event::OrderDelivered(_) => self.status = Status::Delivered,
            Event::OrderCancelled(e) => {
                (self.status, self.cancelled) = (Status::Cancelled, Some(e.reason));
                note.clone_from(&e.note);
            }
            Event::OrderRefunded(e) => {
                self.status = Status::Refunded;
                note.clone_from(&e.note);
            }
            Event::OrderTimedOut(e) => self.timed_out = Some(e.waiting_for),
            Event::StockReserved(_) => self.stock = Some(Kept::Reserved),
            Event::StockRejected(e) => {
                self.stock = Some(Kept::Rejected);
                self.short.clone_from(&e.short);
            }
            Event::StockReleased(_) => self.stock = Some(Kept::Released),
            Event::StockCommitted(_) => self.stock = Some(Kept::Committed),
            Event::StockReturned(_) => self.stock = Some(Kept::Returned),
            Event::ReviewCleared(_) => self.review = Some(ReviewState::Cleared),
            Event::ReviewFlagged(e) => {
                self.review = Some(ReviewState::Flagged);
                self.flags.clone_from(&e.flags);
            }
            Event::ReviewApproved(e) => {
                self.review = Some(ReviewState::Approved);
                (name, note) = (Some(e.name.clone()), e.note.clone());
            }
            Event::ReviewRejected(e) => {
                self.review = Some(ReviewState::Rejected);
                (name, note) = (Some(e.name.clone()), e.note.clone());
            }
            Event::PaymentAuthorized(_) => self.payment = Some(Progress::Held),
            Event::PaymentDeclined(e) => {
                (self.payment, self.declined) = (Some(Progress::Declined), Some(e.reason));
            }
            Event::PaymentCaptured(_) => self.payment = Some(Progress::Captured),
            Event::PaymentVoided(_) => self.payment = Some(Progress::Voided),
            Event::PaymentRefunded(_) => self.payment = Some(Progress::Refunded),
            Event::ShipmentCreated(_) => self.shipment = Some(Journey::Created),
            Event::ShipmentDispatched(_) => self.shipment = Some(Journey::Dispatched),
            Event::ShipmentPositionReported(e) => {
                let place = Place { latitude_e6: e.latitude_e6, longitude_e6: e.longitude_e6 };
                self.place = Some((place, envelope.meta.time));
                return;
            }
            Event::ShipmentDelivered(_) => self.shipment = Some(Journey::Delivered),
            Event::ShipmentFailed(_) => self.shipment = Some(Journey::Failed),
            _ => {}
        }
        self.timeline.push(TimelineEntry {
            event: envelope.meta.id,
            position: envelope.meta.position,
            time: envelope.meta.time,
            kind: envelope.meta.kind.clone().into_owned(),
            actor: envelope.meta.actor.clone(),
            cause: envelope.meta.causation,
            name,
            note,
        });
    }
}

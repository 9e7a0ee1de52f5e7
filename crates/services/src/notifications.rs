//! Rings the bell: tells customers what becomes of their orders, and the staff what waits for them. Who is of
//! the staff it knows from the events of the accounts.

use std::collections::BTreeSet;

use domain::{
    Actor, Envelope, Event, OrderId, UserId,
    notification::Raise,
    order::{CancelReason, OrderCancelled},
    payment::{Decline, PaymentDeclined},
    service::DeadLetterParked,
};

use crate::{Failure, Reaction, Reactor};

/// Under which key the staff is remembered.
const STAFF: &str = "staff";

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Notifications;

impl Reactor for Notifications {
    const NAME: &'static str = "notifications";
    const PATTERNS: &'static [&'static str] = &[
        "account.*.registered",
        "account.*.role_changed",
        "order.*.confirmed",
        "order.*.dispatched",
        "order.*.delivered",
        "order.*.cancelled",
        "order.*.refunded",
        "payment.*.declined",
        "review.*.flagged",
        "service.*.dead_letter_parked",
    ];

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        match &event.event {
            Event::AccountRegistered(e) => note_role(unit, e.user, e.role.is_staff()).await?,
            Event::AccountRoleChanged(e) => note_role(unit, e.user, e.role.is_staff()).await?,
            Event::OrderConfirmed(e) => {
                tell(unit, e.customer, e.order, format!("{} is confirmed.", named(e.order)));
            }
            Event::OrderDispatched(e) => {
                tell(unit, e.customer, e.order, format!("{} is on its way.", named(e.order)));
            }
            Event::OrderDelivered(e) => {
                tell(unit, e.customer, e.order, format!("{} has arrived.", named(e.order)));
            }
            Event::OrderRefunded(e) => {
                let (order, total) = (named(e.order), e.total_cents);
                tell(unit, e.customer, e.order, format!("{order} is refunded: you get {total} back."));
            }
            Event::OrderCancelled(e) => {
                if let Some(why) = why_cancelled(e) {
                    let text = format!("{} was cancelled: {why}.", named(e.order));
                    tell(unit, e.customer, e.order, text);
                }
            }
            Event::PaymentDeclined(e) => tell(unit, e.customer, e.order, declined(e)),
            Event::ReviewFlagged(e) => {
                let text = format!("Order {} waits for somebody to look at it.", e.order.short());
                tell_staff(unit, &text, &format!("/orders/{}", e.order)).await?;
            }
            Event::ServiceDeadLetterParked(e) if !is_about_a_bell(e) => {
                let text = format!("The service {} has put an event aside: {}.", e.service, e.kind);
                tell_staff(unit, &text, "/desk").await?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether what could not be handled is itself somebody being told something. Nobody is told that, or it would
/// go round in circles.
fn is_about_a_bell(letter: &DeadLetterParked) -> bool {
    letter.kind.starts_with("notification.")
}

async fn note_role(unit: &mut Reaction, user: UserId, is_staff: bool) -> Result<(), Failure> {
    let mut staff: BTreeSet<UserId> = unit.state(STAFF).await?.unwrap_or_default();
    let changed = if is_staff { staff.insert(user) } else { staff.remove(&user) };
    if changed { unit.save(STAFF, &staff) } else { Ok(()) }
}

fn tell(unit: &mut Reaction, user: UserId, order: OrderId, text: String) {
    unit.command("customer", Raise { user, text, link: Some(format!("/orders/{order}")) });
}

async fn tell_staff(unit: &mut Reaction, text: &str, link: &str) -> Result<(), Failure> {
    let staff: BTreeSet<UserId> = unit.state(STAFF).await?.unwrap_or_default();
    for user in staff {
        let told = Raise { user, text: text.to_owned(), link: Some(link.to_owned()) };
        unit.command(&format!("staff/{user}"), told);
    }
    Ok(())
}

fn named(order: OrderId) -> String {
    format!("Your order {}", order.short())
}

/// Why, for the customer; nothing where they are told otherwise.
fn why_cancelled(cancelled: &OrderCancelled) -> Option<&'static str> {
    Some(match cancelled.reason {
        CancelReason::Asked if cancelled.by == Actor::User(cancelled.customer) => "you asked for it",
        CancelReason::Asked => "the shop decided so",
        CancelReason::OutOfStock => "there was not enough of a product",
        CancelReason::ReviewRejected => "the shop could not accept it",
        CancelReason::DeliveryFailed => "it could not be delivered",
        CancelReason::TimedOut => "something took too long",
        // Told when it was declined.
        CancelReason::PaymentDeclined => return None,
    })
}

fn declined(declined: &PaymentDeclined) -> String {
    let (order, amount) = (named(declined.order), declined.amount_cents);
    match declined.reason {
        Decline::InsufficientFunds => {
            format!("{order} was cancelled: your wallet holds less than the {amount} it costs.")
        }
        Decline::SimulatedFault => format!("{order} was cancelled: the payment of {amount} was declined."),
    }
}

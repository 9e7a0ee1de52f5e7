//! Paying for an order from the customer's wallet: the money is held when the order is confirmed, and taken
//! when it is delivered. Who pays and how much is what the order says. No event shows a balance.

use serde::{Deserialize, Serialize};

use crate::{
    account::{self, payloads},
    command::{Command, Decision},
    decide::State,
    ids::{OrderId, UserId},
    money::Cents,
    wallet::Wallet,
};

/// Why a payment was declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Decline {
    /// There is not enough money to be spent.
    InsufficientFunds,
    /// It was made to fail, to show what happens then.
    SimulatedFault,
}

payloads! {
    /// See [`crate::Event::PaymentAuthorized`].
    PaymentAuthorized {
        /// For which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// How much is held.
        amount_cents: Cents,
    }
    /// See [`crate::Event::PaymentDeclined`].
    PaymentDeclined {
        /// For which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// How much was wanted.
        amount_cents: Cents,
        /// Why.
        reason: Decline,
    }
    /// See [`crate::Event::PaymentCaptured`].
    PaymentCaptured {
        /// For which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// How much was taken.
        amount_cents: Cents,
    }
    /// See [`crate::Event::PaymentVoided`].
    PaymentVoided {
        /// For which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// How much is not held any more.
        amount_cents: Cents,
    }
    /// See [`crate::Event::PaymentRefunded`].
    PaymentRefunded {
        /// For which order.
        order: OrderId,
        /// Whose.
        customer: UserId,
        /// How much went back.
        amount_cents: Cents,
    }
    /// Command `payment.authorize`.
    #[serde(deny_unknown_fields)]
    AuthorizePayment {
        /// For which order.
        order: OrderId,
        /// Whether to decline it whatever the wallet holds, to show what happens then.
        #[serde(default)]
        simulate_fault: bool,
    }
    /// Command `payment.capture`.
    #[serde(deny_unknown_fields)]
    CapturePayment {
        /// For which order.
        order: OrderId,
    }
    /// Command `payment.void`.
    #[serde(deny_unknown_fields)]
    VoidPayment {
        /// For which order.
        order: OrderId,
    }
    /// Command `payment.refund`.
    #[serde(deny_unknown_fields)]
    RefundPayment {
        /// For which order.
        order: OrderId,
    }
}

/// How far a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// The money is held.
    Held,
    /// It was not to be had.
    Declined,
    /// It was taken.
    Captured,
    /// It is not held any more.
    Voided,
    /// It was taken and went back.
    Refunded,
}

/// The payment for one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// How much.
    pub amount: Cents,
    /// How far it is.
    pub progress: Progress,
}

pub(crate) fn authorize(state: &State, command: &Command, wanted: &AuthorizePayment) -> Decision {
    account::service(command)?;
    let order = wanted.order;
    let Some(placed) = state.order(order) else { return Ok(vec![]) };
    let (customer, amount_cents) = (placed.customer, placed.total);
    let wallet = state.wallet(customer);
    if wallet.is_some_and(|wallet| wallet.payments.contains_key(&order)) {
        return Ok(vec![]);
    }
    let reason = match wallet.map_or(Cents::ZERO, Wallet::available) {
        _ if wanted.simulate_fault => Some(Decline::SimulatedFault),
        available if available < amount_cents => Some(Decline::InsufficientFunds),
        _ => None,
    };
    Ok(vec![match reason {
        None => PaymentAuthorized { order, customer, amount_cents }.into(),
        Some(reason) => PaymentDeclined { order, customer, amount_cents, reason }.into(),
    }])
}

/// Whose payment it is and how much, if it is just so far.
fn payment(state: &State, order: OrderId, progress: Progress) -> Option<(UserId, Cents)> {
    let customer = state.order(order)?.customer;
    let payment = state.wallet(customer)?.payments.get(&order)?;
    (payment.progress == progress).then_some((customer, payment.amount))
}

pub(crate) fn capture(state: &State, command: &Command, wanted: &CapturePayment) -> Decision {
    account::service(command)?;
    let order = wanted.order;
    let held = payment(state, order, Progress::Held);
    let captured = |(customer, amount_cents)| PaymentCaptured { order, customer, amount_cents }.into();
    Ok(held.map(captured).into_iter().collect())
}

pub(crate) fn void(state: &State, command: &Command, wanted: &VoidPayment) -> Decision {
    account::service(command)?;
    let order = wanted.order;
    let held = payment(state, order, Progress::Held);
    let voided = |(customer, amount_cents)| PaymentVoided { order, customer, amount_cents }.into();
    Ok(held.map(voided).into_iter().collect())
}

pub(crate) fn refund(state: &State, command: &Command, wanted: &RefundPayment) -> Decision {
    account::service(command)?;
    let order = wanted.order;
    let captured = payment(state, order, Progress::Captured);
    let refunded = |(customer, amount_cents)| PaymentRefunded { order, customer, amount_cents }.into();
    Ok(captured.map(refunded).into_iter().collect())
}

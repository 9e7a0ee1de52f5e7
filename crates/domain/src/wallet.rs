//! A customer's money in the shop. Deposits and payments share the stream `wallet-<user>`, so that what is
//! there and what is held for orders is one boundary: nobody spends a cent twice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    account::{self, payloads},
    command::{Command, Decision, RefusalKind, refusals},
    contract::Event,
    decide::State,
    ids::{OrderId, UserId},
    money::{Cents, Currency},
    payment::{Payment, Progress},
};

/// The most that is deposited at a time.
pub const MAX_DEPOSIT: Cents = Cents(1_000_000);

/// The most that a wallet holds.
pub const MAX_BALANCE: Cents = Cents(100_000_000);

payloads! {
    /// See [`crate::Event::WalletOpened`].
    WalletOpened {
        /// Whose wallet.
        user: UserId,
        /// In what it counts.
        currency: Currency,
        /// What the shop gives to begin with.
        credit_cents: Cents,
    }
    /// See [`crate::Event::WalletDeposited`].
    WalletDeposited {
        /// Whose wallet.
        user: UserId,
        /// How much.
        amount_cents: Cents,
    }
    /// Command `wallet.open`.
    #[serde(deny_unknown_fields)]
    Open {
        /// Whose wallet.
        user: UserId,
        /// What the shop gives to begin with.
        #[serde(default)]
        credit_cents: Cents,
    }
    /// Command `wallet.deposit`.
    #[serde(deny_unknown_fields)]
    Deposit {
        /// How much.
        amount_cents: Cents,
    }
}

refusals! {
    /// The amount is out of bounds.
    BadAmount = Invalid "wallet.bad_amount" "Between €0.01 and {MAX_DEPOSIT} can be deposited at a time.";
    /// The wallet would hold too much.
    Full = Conflict "wallet.full" "A wallet holds at most {MAX_BALANCE}.";
}

/// What the stream `wallet-<user>` has come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wallet {
    /// Whether the shop has opened it. (Money can be there before.)
    pub opened: bool,
    /// What is there: credit, deposits and refunds, less what was captured.
    pub balance: Cents,
    /// What of it is held for orders.
    pub held: Cents,
    /// The payment for every order.
    pub payments: BTreeMap<OrderId, Payment>,
}

impl Wallet {
    /// What can be spent.
    #[must_use]
    pub fn available(&self) -> Cents {
        self.balance.minus(self.held)
    }
}

/// Folds one event of the stream.
pub fn fold(wallet: &mut Option<Wallet>, event: &Event) {
    let wallet = wallet.get_or_insert_default();
    let (order, amount, progress) = match event {
        Event::WalletOpened(e) => {
            wallet.opened = true;
            return wallet.balance = wallet.balance.plus(e.credit_cents);
        }
        Event::WalletDeposited(e) => return wallet.balance = wallet.balance.plus(e.amount_cents),
        Event::PaymentAuthorized(e) => (e.order, e.amount_cents, Progress::Held),
        Event::PaymentDeclined(e) => (e.order, e.amount_cents, Progress::Declined),
        Event::PaymentCaptured(e) => (e.order, e.amount_cents, Progress::Captured),
        Event::PaymentVoided(e) => (e.order, e.amount_cents, Progress::Voided),
        Event::PaymentRefunded(e) => (e.order, e.amount_cents, Progress::Refunded),
        _ => return,
    };
    match progress {
        Progress::Held => wallet.held = wallet.held.plus(amount),
        Progress::Declined => {}
        Progress::Captured => {
            wallet.held = wallet.held.minus(amount);
            wallet.balance = wallet.balance.minus(amount);
        }
        Progress::Voided => wallet.held = wallet.held.minus(amount),
        Progress::Refunded => wallet.balance = wallet.balance.plus(amount),
    }
    wallet.payments.insert(order, Payment { amount, progress });
}

pub(crate) fn open(state: &State, command: &Command, wanted: &Open) -> Decision {
    account::service(command)?;
    if state.wallet(wanted.user).is_some_and(|wallet| wallet.opened) {
        return Ok(vec![]);
    }
    let (user, credit_cents) = (wanted.user, wanted.credit_cents);
    if credit_cents < Cents::ZERO || credit_cents > MAX_DEPOSIT {
        return Err(Refusal::BadAmount.into());
    }
    Ok(vec![WalletOpened { user, currency: Currency::default(), credit_cents }.into()])
}

pub(crate) fn deposit(state: &State, command: &Command, wanted: &Deposit) -> Decision {
    let user = account::acting(state, command)?.user;
    let amount_cents = wanted.amount_cents;
    if amount_cents <= Cents::ZERO || amount_cents > MAX_DEPOSIT {
        return Err(Refusal::BadAmount.into());
    }
    let balance = state.wallet(user).map_or(Cents::ZERO, |wallet| wallet.balance);
    if balance.plus(amount_cents) > MAX_BALANCE {
        return Err(Refusal::Full.into());
    }
    Ok(vec![WalletDeposited { user, amount_cents }.into()])
}

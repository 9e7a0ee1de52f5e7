//! One person's money, and how it came and went.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::cart::OwnKey;
use crate::{
    audience::{Audience, Token},
    contract::Event,
    envelope::{Envelope, Position},
    ids::{EventId, OrderId},
    money::Cents,
    payment::Decline,
    subject::Pattern,
    time::Timestamp,
    view::View,
};

/// How many entries a wallet shows.
pub const MOST_ENTRIES: usize = 200;

/// One line of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletEntry {
    /// The event.
    pub event: EventId,
    /// Where it stands in the log.
    pub position: Position,
    /// When.
    pub time: Timestamp,
    /// Its type, for example `payment.captured`: what its text is found by.
    pub kind: String,
    /// How much.
    pub amount: Cents,
    /// For which order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<Decline>,
    /// What was there afterwards.
    pub balance: Cents,
    /// What of it was held afterwards.
    pub held: Cents,
}

/// A wallet as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletView {
    /// Whose.
    pub key: OwnKey,
    /// Whether the shop has opened it.
    pub opened: bool,
    /// What is there.
    pub balance: Cents,
    /// What of it is held for orders.
    pub held: Cents,
    /// The newest entries, oldest first.
    pub entries: VecDeque<WalletEntry>,
    /// Whether there are older ones.
    pub earlier: bool,
}

impl WalletView {
    /// What can be spent.
    #[must_use]
    pub fn available(&self) -> Cents {
        self.balance.minus(self.held)
    }
}

impl View for WalletView {
    const NAME: &'static str = "wallet";
    type Key = OwnKey;
    const KINDS: &'static [&'static str] = &[
        "wallet.opened",
        "wallet.deposited",
        "payment.authorized",
        "payment.declined",
        "payment.captured",
        "payment.voided",
        "payment.refunded",
    ];

    fn empty(key: &OwnKey) -> Self {
        Self {
            key: *key,
            opened: false,
            balance: Cents::ZERO,
            held: Cents::ZERO,
            entries: VecDeque::new(),
            earlier: false,
        }
    }

    fn pattern(key: &OwnKey) -> Pattern {
        Pattern::new(format!("wallet.{}.>,payment.>", key.user)).expect("an id is a subject token")
    }

    fn viewer(key: &OwnKey) -> Token {
        Token::User(key.user)
    }

    fn sees(&self, audience: &Audience) -> bool {
        audience.iter().any(|token| *token == Token::User(self.key.user))
    }

    fn fold(&mut self, envelope: &Envelope) {
        let (amount, order, declined) = match &envelope.event {
            Event::WalletOpened(e) => {
                self.opened = true;
                self.balance = self.balance.plus(e.credit_cents);
                (e.credit_cents, None, None)
            }
            Event::WalletDeposited(e) => {
                self.balance = self.balance.plus(e.amount_cents);
                (e.amount_cents, None, None)
            }
            Event::PaymentAuthorized(e) => {
                self.held = self.held.plus(e.amount_cents);
                (e.amount_cents, Some(e.order), None)
            }
            Event::PaymentDeclined(e) => (e.amount_cents, Some(e.order), Some(e.reason)),
            Event::PaymentCaptured(e) => {
                self.held = self.held.minus(e.amount_cents);
                self.balance = self.balance.minus(e.amount_cents);
                (e.amount_cents, Some(e.order), None)
            }
            Event::PaymentVoided(e) => {
                self.held = self.held.minus(e.amount_cents);
                (e.amount_cents, Some(e.order), None)
            }
            Event::PaymentRefunded(e) => {
                self.balance = self.balance.plus(e.amount_cents);
                (e.amount_cents, Some(e.order), None)
            }
            _ => return,
        };
        self.entries.push_back(WalletEntry {
            event: envelope.meta.id,
            position: envelope.meta.position,
            time: envelope.meta.time,
            kind: envelope.meta.kind.clone().into_owned(),
            amount,
            order,
            declined,
            balance: self.balance,
            held: self.held,
        });
        if self.entries.len() > MOST_ENTRIES {
            self.entries.pop_front();
            self.earlier = true;
        }
    }
}

//! One person's cart, priced as the shop is now.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::shop::{Shop, ShopProduct};
use crate::{
    audience::{Audience, Token},
    contract::Event,
    envelope::Envelope,
    ids::{Sku, UserId},
    money::Cents,
    subject::Pattern,
    view::View,
};

/// Whose: the key of every view that is about one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OwnKey {
    /// The person, who alone is shown it.
    pub user: UserId,
}

/// One product in a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// How many.
    pub quantity: u32,
    /// What one piece cost when its owner last changed this line.
    pub price_then: Cents,
}

/// A cart, and the shop around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartView {
    /// Whose.
    pub key: OwnKey,
    /// What it holds.
    pub lines: BTreeMap<Sku, CartLine>,
    /// What the shop sells: titles, prices, and how many can be had.
    pub shop: Shop,
}

impl CartView {
    /// Every line with its product.
    pub fn priced(&self) -> impl Iterator<Item = (&Sku, &CartLine, &ShopProduct)> {
        self.lines.iter().filter_map(|(sku, line)| Some((sku, line, self.shop.products.get(sku)?)))
    }

    /// What everything costs now: what `order.place` expects to be told. (Products that are not sold any
    /// more are not in it; they must go before an order is placed.)
    #[must_use]
    pub fn total(&self) -> Cents {
        self.priced()
            .filter(|(.., product)| !product.retired)
            .filter_map(|(_, line, product)| product.price.times(line.quantity))
            .fold(Cents::ZERO, Cents::plus)
    }

    /// How many pieces it holds.
    #[must_use]
    pub fn pieces(&self) -> u32 {
        self.lines.values().map(|line| line.quantity).sum()
    }
}

impl View for CartView {
    const NAME: &'static str = "cart";
    type Key = OwnKey;
    const KINDS: &'static [&'static str] = &[
        "catalog.product_listed",
        "catalog.price_changed",
        "catalog.product_retired",
        "stock.level_changed",
        "cart.item_added",
        "cart.quantity_changed",
        "cart.item_removed",
        "cart.checked_out",
    ];

    fn empty(key: &OwnKey) -> Self {
        Self { key: *key, lines: BTreeMap::new(), shop: Shop::default() }
    }

    fn pattern(key: &OwnKey) -> Pattern {
        Pattern::new(format!("cart.{}.>,{}", key.user, Shop::pattern(&()))).expect("an id is a subject token")
    }

    fn viewer(key: &OwnKey) -> Token {
        Token::User(key.user)
    }

    fn sees(&self, audience: &Audience) -> bool {
        self.shop.sees(audience) || audience.iter().any(|token| *token == Token::User(self.key.user))
    }

    fn fold(&mut self, envelope: &Envelope) {
        match &envelope.event {
            Event::CartItemAdded(e) => {
                let before = self.lines.get(&e.sku).map_or(0, |line| line.quantity);
                let quantity = before.saturating_add(e.quantity);
                self.lines.insert(e.sku.clone(), CartLine { quantity, price_then: e.price_cents });
            }
            Event::CartQuantityChanged(e) => {
                let line = CartLine { quantity: e.quantity, price_then: e.price_cents };
                self.lines.insert(e.sku.clone(), line);
            }
            Event::CartItemRemoved(e) => {
                self.lines.remove(&e.sku);
            }
            Event::CartCheckedOut(_) => self.lines.clear(),
            _ => self.shop.fold(envelope),
        }
    }
}

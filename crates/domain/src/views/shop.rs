//! What the shop sells: prices, and how many can be had. The same for everybody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    audience::{Audience, Token},
    contract::Event,
    envelope::Envelope,
    ids::Sku,
    money::Cents,
    subject::Pattern,
    time::Timestamp,
    view::View,
};

/// One product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopProduct {
    /// What it is called.
    pub title: String,
    /// What there is to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it stands beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// What one piece costs.
    pub price: Cents,
    /// Whether it is not sold any more.
    pub retired: bool,
    /// How many can be had.
    pub available: u32,
    /// When it was said how many there are; `None` while nothing has ever come in.
    pub counted: Option<Timestamp>,
}

/// Everything that is or was sold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shop {
    /// The products by number.
    pub products: BTreeMap<Sku, ShopProduct>,
}

impl Shop {
    /// What is on the shelves: everything that is sold.
    pub fn shelves(&self) -> impl Iterator<Item = (&Sku, &ShopProduct)> {
        self.products.iter().filter(|(_, product)| !product.retired)
    }
}

impl View for Shop {
    const NAME: &'static str = "shop";
    type Key = ();
    const KINDS: &'static [&'static str] = &[
        "catalog.product_listed",
        "catalog.price_changed",
        "catalog.product_retired",
        "stock.level_changed",
    ];

    fn empty((): &()) -> Self {
        Self::default()
    }

    fn pattern((): &()) -> Pattern {
        Pattern::new("catalog.>,stock.*.level_changed").expect("the pattern is valid")
    }

    fn viewer((): &()) -> Token {
        Token::Everyone
    }

    fn sees(&self, audience: &Audience) -> bool {
        audience.iter().any(|token| *token == Token::Everyone)
    }

    fn fold(&mut self, envelope: &Envelope) {
        match &envelope.event {
            Event::CatalogProductListed(e) => {
                let before = self.products.get(&e.sku);
                let product = ShopProduct {
                    title: e.title.clone(),
                    description: e.description.clone(),
                    category: e.category.clone(),
                    price: e.price_cents,
                    retired: false,
                    available: before.map_or(0, |product| product.available),
                    counted: before.and_then(|product| product.counted),
                };
                self.products.insert(e.sku.clone(), product);
            }
            Event::CatalogPriceChanged(e) => {
                if let Some(product) = self.products.get_mut(&e.sku) {
                    product.price = e.price_cents;
                }
            }
            Event::CatalogProductRetired(e) => {
                if let Some(product) = self.products.get_mut(&e.sku) {
                    product.retired = true;
                }
            }
            Event::StockLevelChanged(e) => {
                if let Some(product) = self.products.get_mut(&e.sku) {
                    product.available = e.available;
                    product.counted = Some(envelope.meta.time);
                }
            }
            _ => {}
        }
    }
}

//! What the shop sells: products, their titles and prices. How many there are is the stock's to say.

use serde::{Deserialize, Serialize};

use crate::{
    account::{self, payloads},
    command::{Command, Decision, RefusalKind, refusals},
    contract::Event,
    decide::State,
    ids::Sku,
    money::{Cents, Currency},
    text,
};

/// The longest title of a product, in characters.
pub const MAX_TITLE: usize = 80;

/// The longest description of a product, in characters.
pub const MAX_DESCRIPTION: usize = 300;

/// The longest name of a category, in characters.
pub const MAX_CATEGORY: usize = 40;

/// The highest price of one piece.
pub const MAX_PRICE: Cents = Cents(10_000_000);

payloads! {
    /// See [`crate::Event::CatalogProductListed`].
    ProductListed {
        /// Which product.
        sku: Sku,
        /// What it is called.
        title: String,
        /// What one piece costs.
        price_cents: Cents,
        /// In what prices are counted.
        currency: Currency,
        /// What there is to say about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// What it stands beside.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        category: Option<String>,
    }
    /// See [`crate::Event::CatalogPriceChanged`].
    PriceChanged {
        /// Which product.
        sku: Sku,
        /// What one piece costs from now on.
        price_cents: Cents,
    }
    /// See [`crate::Event::CatalogProductRetired`].
    ProductRetired {
        /// Which product.
        sku: Sku,
    }
    /// Command `catalog.list_product`.
    #[serde(deny_unknown_fields)]
    ListProduct {
        /// Which product.
        sku: Sku,
        /// What it is called.
        title: String,
        /// What one piece costs.
        price_cents: Cents,
        /// What there is to say about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// What it stands beside.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        category: Option<String>,
    }
    /// Command `catalog.change_price`.
    #[serde(deny_unknown_fields)]
    ChangePrice {
        /// Which product.
        sku: Sku,
        /// What one piece shall cost.
        price_cents: Cents,
    }
    /// Command `catalog.retire_product`.
    #[serde(deny_unknown_fields)]
    RetireProduct {
        /// Which product.
        sku: Sku,
    }
}

refusals! {
    /// Nothing has this SKU.
    NoProduct {
        /// What was asked for.
        sku: Sku,
    } = NotFound "catalog.no_product" "There is no product “{sku}”.";
    /// The SKU belongs to another product.
    SkuTaken {
        /// The SKU.
        sku: Sku,
        /// What has it.
        title: String,
    } = Conflict "catalog.sku_taken" "“{sku}” is the product “{title}” already.";
    /// It is not sold any more.
    Retired {
        /// What is not sold.
        title: String,
    } = Conflict "catalog.product_retired" "“{title}” is not sold any more.";
    /// The title does not fit.
    BadTitle = Invalid "catalog.bad_title" "A title has 1 to {MAX_TITLE} characters and no control characters.";
    /// The description does not fit.
    BadDescription = Invalid "catalog.bad_description" "A description has 1 to {MAX_DESCRIPTION} characters and no control characters.";
    /// The category does not fit.
    BadCategory = Invalid "catalog.bad_category" "A category has 1 to {MAX_CATEGORY} characters and no control characters.";
    /// The price is out of bounds.
    BadPrice = Invalid "catalog.bad_price" "A price is between €0.01 and {MAX_PRICE}.";
}

/// What the stream `product-<sku>` has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// What it is called.
    pub title: String,
    /// What it is like.
    pub description: Option<String>,
    /// With what it is shown.
    pub category: Option<String>,
    /// What one piece costs.
    pub price: Cents,
    /// Whether it is not sold any more.
    pub retired: bool,
}

/// Folds one event of the stream.
pub fn fold(product: &mut Option<Product>, event: &Event) {
    match (event, product) {
        (Event::CatalogProductListed(e), product) => {
            *product = Some(Product {
                title: e.title.clone(),
                description: e.description.clone(),
                category: e.category.clone(),
                price: e.price_cents,
                retired: false,
            });
        }
        (Event::CatalogPriceChanged(e), Some(product)) => product.price = e.price_cents,
        (Event::CatalogProductRetired(_), Some(product)) => product.retired = true,
        _ => {}
    }
}

/// The product, sold or not.
pub(crate) fn product<'a>(state: &'a State, sku: &Sku) -> Result<&'a Product, Refusal> {
    state.product(sku).ok_or_else(|| Refusal::NoProduct { sku: sku.clone() })
}

fn priced(price: Cents) -> Result<Cents, Refusal> {
    if price > Cents::ZERO && price <= MAX_PRICE { Ok(price) } else { Err(Refusal::BadPrice) }
}

/// A text that need not be there.
fn optional(text: Option<&str>, max: usize, refusal: Refusal) -> Result<Option<String>, Refusal> {
    text.map(|text| text::line(text, max)).transpose().map_err(|_| refusal)
}

pub(crate) fn list_product(state: &State, command: &Command, wanted: &ListProduct) -> Decision {
    account::staff_or_service(state, command)?;
    let title = text::line(&wanted.title, MAX_TITLE).map_err(|_| Refusal::BadTitle)?;
    let price_cents = priced(wanted.price_cents)?;
    let description = optional(wanted.description.as_deref(), MAX_DESCRIPTION, Refusal::BadDescription)?;
    let category = optional(wanted.category.as_deref(), MAX_CATEGORY, Refusal::BadCategory)?;
    match state.product(&wanted.sku) {
        Some(known)
            if !known.retired
                && known.title == title
                && known.price == price_cents
                && known.description == description
                && known.category == category =>
        {
            Ok(vec![])
        }
        Some(known) if !known.retired => {
            Err(Refusal::SkuTaken { sku: wanted.sku.clone(), title: known.title.clone() }.into())
        }
        _ => {
            let (sku, currency) = (wanted.sku.clone(), Currency::default());
            Ok(vec![ProductListed { sku, title, price_cents, currency, description, category }.into()])
        }
    }
}

pub(crate) fn change_price(state: &State, command: &Command, wanted: &ChangePrice) -> Decision {
    account::staff_or_service(state, command)?;
    let price_cents = priced(wanted.price_cents)?;
    let known = product(state, &wanted.sku)?;
    if known.retired {
        return Err(Refusal::Retired { title: known.title.clone() }.into());
    }
    if known.price == price_cents {
        return Ok(vec![]);
    }
    Ok(vec![PriceChanged { sku: wanted.sku.clone(), price_cents }.into()])
}

pub(crate) fn retire_product(state: &State, command: &Command, wanted: &RetireProduct) -> Decision {
    account::staff_or_service(state, command)?;
    if product(state, &wanted.sku)?.retired {
        return Ok(vec![]);
    }
    Ok(vec![ProductRetired { sku: wanted.sku.clone() }.into()])
}

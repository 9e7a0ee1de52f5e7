//! What somebody means to buy. A cart holds nothing back: the stock is asked when the order is placed.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::{
    account::{self, payloads},
    command::{Command, Decision, RefusalKind, refusals},
    contract::Event,
    decide::State,
    ids::{OrderId, Sku, UserId},
    money::Cents,
    review,
    time::Timestamp,
};

/// The most pieces of one product in a cart.
pub const MAX_QUANTITY: u32 = 99;

/// The most products in a cart.
pub const MAX_LINES: usize = 30;

payloads! {
    /// See [`crate::Event::CartItemAdded`].
    ItemAdded {
        /// Whose cart.
        user: UserId,
        /// Which product.
        sku: Sku,
        /// How many more.
        quantity: u32,
        /// What one piece cost at that moment.
        price_cents: Cents,
    }
    /// See [`crate::Event::CartQuantityChanged`].
    QuantityChanged {
        /// Whose cart.
        user: UserId,
        /// Which product.
        sku: Sku,
        /// How many it holds now.
        quantity: u32,
        /// What one piece cost at that moment.
        price_cents: Cents,
    }
    /// See [`crate::Event::CartItemRemoved`].
    ItemRemoved {
        /// Whose cart.
        user: UserId,
        /// Which product.
        sku: Sku,
    }
    /// See [`crate::Event::CartCheckedOut`].
    CheckedOut {
        /// Whose cart.
        user: UserId,
        /// What it became.
        order: OrderId,
        /// When, for whoever counts how often somebody orders.
        at: Timestamp,
    }
    /// Command `cart.add_item`.
    #[serde(deny_unknown_fields)]
    AddItem {
        /// Which product.
        sku: Sku,
        /// How many more; one, if it is not said.
        #[serde(default = "one")]
        quantity: u32,
    }
    /// Command `cart.set_quantity`.
    #[serde(deny_unknown_fields)]
    SetQuantity {
        /// Which product.
        sku: Sku,
        /// How many the cart shall hold.
        quantity: u32,
    }
    /// Command `cart.remove_item`.
    #[serde(deny_unknown_fields)]
    RemoveItem {
        /// Which product.
        sku: Sku,
    }
}

fn one() -> u32 {
    1
}

refusals! {
    /// Nothing has this SKU.
    NoProduct {
        /// What was asked for.
        sku: Sku,
    } = NotFound "cart.no_product" "There is no product “{sku}”.";
    /// It is not sold any more.
    Retired {
        /// What is not sold.
        title: String,
    } = Conflict "cart.product_retired" "“{title}” is not sold any more.";
    /// The quantity is out of bounds.
    BadQuantity = Invalid "cart.bad_quantity" "A cart holds 1 to {MAX_QUANTITY} pieces of one product.";
    /// The cart has too many different products.
    Full = Conflict "cart.full" "A cart holds at most {MAX_LINES} different products. Order these first.";
    /// The product is not in the cart.
    NotInCart {
        /// What is not there.
        title: String,
    } = Conflict "cart.not_in_cart" "“{title}” is not in your cart any more.";
}

/// One product in a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put {
    /// How many.
    pub quantity: u32,
    /// What one piece cost when somebody last changed this line.
    pub price: Cents,
}

/// What the stream `cart-<user>` has come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cart {
    /// What it holds.
    pub lines: BTreeMap<Sku, Put>,
    /// When it was checked out lately, the last time last.
    pub checkouts: VecDeque<Timestamp>,
}

/// Folds one event of the stream.
pub fn fold(cart: &mut Option<Cart>, event: &Event) {
    let cart = cart.get_or_insert_default();
    match event {
        Event::CartItemAdded(e) => {
            let before = cart.lines.get(&e.sku).map_or(0, |put| put.quantity);
            let quantity = before.saturating_add(e.quantity);
            cart.lines.insert(e.sku.clone(), Put { quantity, price: e.price_cents });
        }
        Event::CartQuantityChanged(e) => {
            cart.lines.insert(e.sku.clone(), Put { quantity: e.quantity, price: e.price_cents });
        }
        Event::CartItemRemoved(e) => {
            cart.lines.remove(&e.sku);
        }
        Event::CartCheckedOut(e) => {
            cart.lines.clear();
            cart.checkouts.push_back(e.at);
            if cart.checkouts.len() > review::MANY_ORDERS {
                cart.checkouts.pop_front();
            }
        }
        _ => {}
    }
}

/// What one piece costs of a product that is sold.
fn price(state: &State, sku: &Sku) -> Result<Cents, Refusal> {
    match state.product(sku) {
        Some(product) if product.retired => Err(Refusal::Retired { title: product.title.clone() }),
        Some(product) => Ok(product.price),
        None => Err(Refusal::NoProduct { sku: sku.clone() }),
    }
}

pub(crate) fn add_item(state: &State, command: &Command, wanted: &AddItem) -> Decision {
    let user = account::acting(state, command)?.user;
    let price_cents = price(state, &wanted.sku)?;
    let lines = state.cart(user).map(|cart| &cart.lines);
    let before = lines.and_then(|lines| lines.get(&wanted.sku)).map(|put| put.quantity);
    let after = before.unwrap_or(0).saturating_add(wanted.quantity);
    if wanted.quantity == 0 || after > MAX_QUANTITY {
        return Err(Refusal::BadQuantity.into());
    }
    if before.is_none() && lines.is_some_and(|lines| lines.len() >= MAX_LINES) {
        return Err(Refusal::Full.into());
    }
    let (sku, quantity) = (wanted.sku.clone(), wanted.quantity);
    Ok(vec![ItemAdded { user, sku, quantity, price_cents }.into()])
}

pub(crate) fn set_quantity(state: &State, command: &Command, wanted: &SetQuantity) -> Decision {
    let user = account::acting(state, command)?.user;
    let price_cents = price(state, &wanted.sku)?;
    if wanted.quantity == 0 || wanted.quantity > MAX_QUANTITY {
        return Err(Refusal::BadQuantity.into());
    }
    let Some(put) = state.cart(user).and_then(|cart| cart.lines.get(&wanted.sku)) else {
        let title = state.product(&wanted.sku).map_or(String::new(), |product| product.title.clone());
        return Err(Refusal::NotInCart { title }.into());
    };
    if *put == (Put { quantity: wanted.quantity, price: price_cents }) {
        return Ok(vec![]);
    }
    let (sku, quantity) = (wanted.sku.clone(), wanted.quantity);
    Ok(vec![QuantityChanged { user, sku, quantity, price_cents }.into()])
}

pub(crate) fn remove_item(state: &State, command: &Command, wanted: &RemoveItem) -> Decision {
    let user = account::acting(state, command)?.user;
    if state.cart(user).is_none_or(|cart| !cart.lines.contains_key(&wanted.sku)) {
        return Ok(vec![]);
    }
    Ok(vec![ItemRemoved { user, sku: wanted.sku.clone() }.into()])
}

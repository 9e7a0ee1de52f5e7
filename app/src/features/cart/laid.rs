//! A cart as it will be once what was asked for is done. Pure.

use domain::{
    Cents, Intent, Sku,
    views::{CartLine, CartView},
};

/// Whether a command changes what a cart holds.
pub(crate) fn is_about_a_cart(intent: &Intent) -> bool {
    matches!(intent, Intent::CartAddItem(_) | Intent::CartSetQuantity(_) | Intent::CartRemoveItem(_))
}

/// Lays commands over a cart, in order.
pub(super) fn laid<'a>(cart: &CartView, wanted: impl Iterator<Item = &'a Intent>) -> CartView {
    let mut cart = cart.clone();
    for intent in wanted {
        match intent {
            Intent::CartAddItem(add) => {
                let before = cart.lines.get(&add.sku).map_or(0, |line| line.quantity);
                put(&mut cart, &add.sku, before.saturating_add(add.quantity));
            }
            Intent::CartSetQuantity(set) if cart.lines.contains_key(&set.sku) => {
                put(&mut cart, &set.sku, set.quantity);
            }
            Intent::CartRemoveItem(remove) => {
                cart.lines.remove(&remove.sku);
            }
            _ => {}
        }
    }
    cart
}

fn put(cart: &mut CartView, sku: &Sku, quantity: u32) {
    let price_then = cart.shop.products.get(sku).map_or(Cents::ZERO, |product| product.price);
    cart.lines.insert(sku.clone(), CartLine { quantity, price_then });
}

#[cfg(test)]
mod tests {
    use domain::{
        UserId, View,
        cart::{AddItem, RemoveItem, SetQuantity},
        views::OwnKey,
    };
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_was_asked_for_is_laid_over_the_cart_in_order() {
        let cart = CartView::empty(&OwnKey { user: UserId(Uuid::nil()) });
        let sku = |sku: &str| -> Sku { sku.parse().unwrap() };
        let wanted: [Intent; 5] = [
            AddItem { sku: sku("mug"), quantity: 2 }.into(),
            AddItem { sku: sku("pan"), quantity: 1 }.into(),
            AddItem { sku: sku("mug"), quantity: 1 }.into(),
            SetQuantity { sku: sku("lamp"), quantity: 5 }.into(),
            RemoveItem { sku: sku("pan") }.into(),
        ];
        let after = laid(&cart, wanted.iter());
        assert_eq!(after.pieces(), 3);
        assert_eq!(after.lines.keys().map(ToString::to_string).collect::<Vec<_>>(), ["mug"]);
        assert_eq!(laid(&cart, [].into_iter()), cart);
    }
}

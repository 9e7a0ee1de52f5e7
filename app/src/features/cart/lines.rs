//! The page `/cart`: what is in it, at today's prices.

use domain::{
    Sku,
    cart::MAX_QUANTITY,
    views::{CartLine, CartView, ShopProduct},
};
use leptos::{either::Either, html, prelude::*};
use leptos_meta::Title;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::{Cart, cart};
use crate::{
    context::page,
    features::shop::{Picture, SignInFirst},
    forms::CommandFields,
    ui::{AsOf, Icon, dynamic, follow, passing},
};

/// What is to be said about a line before it is ordered.
pub(super) fn remark(line: &CartLine, product: &ShopProduct) -> Option<String> {
    if product.retired {
        Some("Not sold any more. Take it out to order the rest.".to_owned())
    } else if product.available == 0 {
        Some("Sold out at the moment.".to_owned())
    } else if product.available < line.quantity {
        Some(format!("You want {}, and {}.", line.quantity, left(product.available)))
    } else if product.price != line.price_then {
        Some(format!("{} now; it was {} when you put it in.", product.price, line.price_then))
    } else {
        None
    }
}

/// How many there are, where that is too few.
pub(super) fn left(available: u32) -> String {
    match available {
        1 => "only 1 is left".to_owned(),
        some => format!("only {some} are left"),
    }
}

/// The page.
#[component]
pub fn CartPage() -> impl IntoView {
    match cart() {
        Some(cart) => Either::Left(view! { <Title text="Cart" /> <Lines cart /> }),
        None => Either::Right(view! { <SignInFirst to="see your cart" next="/cart" /> }),
    }
}

/// When there is nothing in it.
#[component]
pub(super) fn EmptyCart() -> impl IntoView {
    view! {
        <section class="empty">
            <Icon icon=icondata_lu::LuShoppingCart />
            <h1>"Your cart is empty"</h1>
            <p>"What you put in waits here, on every device you are signed in with."</p>
            <p><a class="button" href="/shop">"Go to the shop"</a></p>
        </section>
    }
}

#[component]
fn Lines(cart: Cart) -> impl IntoView {
    let shown = cart.shown;
    let empty = Memo::new(move |_| shown.with(|cart| cart.lines.is_empty()));
    let refused = page().refused.clone().filter(|refused| refused.command.starts_with("cart."));
    view! {
        {refused.map(|refused| view! { <div class="form-error" role="alert"><p>{refused.why}</p></div> })}
        {dynamic(move || {
            if empty.get() {
                return Either::Left(view! { <EmptyCart /> });
            }
            let cart = cart.clone();
            Either::Right(
                view! {
                    <div class="cart-page">
                        <h1>"Cart"</h1>
                        <ul class="cart-lines" data-testid="cart">
                            <For
                                each=move || shown.with(|cart| cart.lines.keys().cloned().collect::<Vec<_>>())
                                key=Clone::clone
                                let:sku
                            >
                                <Line cart=cart.clone() sku />
                            </For>
                        </ul>
                        <aside class="cart-sum">
                            <p class="sum">
                                <span>"Total"</span>
                                <strong data-testid="total">
                                    {dynamic(move || shown.with(CartView::total).to_string())}
                                </strong>
                            </p>
                            <p class="hint">"Prices are today’s. "<AsOf /></p>
                            <a class="button" href="/checkout">"Check out"</a>
                            <a class="link" href="/shop">"Go on looking"</a>
                        </aside>
                    </div>
                },
            )
        })}
    }
}

#[component]
fn Line(cart: Cart, sku: Sku) -> impl IntoView {
    let shown = cart.shown;
    let own = sku.clone();
    let line = passing(move || {
        shown.with(|cart| Some((*cart.lines.get(&own)?, cart.shop.products.get(&own)?.clone())))
    });
    let (title, category) = line.with_untracked(|line| {
        line.as_ref().map_or_else(
            || (sku.to_string(), None),
            |(_, product)| (product.title.clone(), product.category.clone()),
        )
    });
    let quantity = move || line.with(|line| line.as_ref().map_or(0, |(line, _)| line.quantity)).to_string();
    let first = quantity();
    let field = NodeRef::<html::Input>::new();
    follow(field, quantity);
    let price = move || line.with(|line| line.as_ref().map(|(_, product)| product.price.to_string()));
    let total = move || {
        line.with(|line| line.as_ref().and_then(|(line, product)| product.price.times(line.quantity)))
            .map(|total| total.to_string())
    };
    let remark = move || line.with(|line| line.as_ref().and_then(|(line, product)| remark(line, product)));
    let changed = |event: leptos::ev::Event| {
        let input = event.target().and_then(|input| input.dyn_into::<HtmlInputElement>().ok());
        if let Some(form) = input.and_then(|input| input.form()) {
            // The browser says what is wrong with the number, if anything is. It fails only for a form that is not in the document.
            let _ = form.request_submit();
        }
    };
    let removing = cart.clone();
    view! {
        <li class="cart-line" data-sku=sku.to_string()>
            <Picture sku=sku.clone() category />
            <div class="cart-what">
                <a class="cart-title" href=format!("/shop/{sku}")>{title.clone()}</a>
                <span class="muted">{dynamic(price)}</span>
                <span class="remark">{dynamic(remark)}</span>
            </div>
            <form class="cart-quantity" method="post" action="/cart" on:submit=move |event| cart.submit(&event)>
                <CommandFields command="cart.set_quantity" form=sku.to_string() />
                <input type="hidden" name="sku" value=sku.to_string() />
                <input
                    class="quantity"
                    name="quantity:n"
                    type="number"
                    inputmode="numeric"
                    min="1"
                    max=MAX_QUANTITY.to_string()
                    required
                    aria-label=format!("Quantity of {title}")
                    value=first
                    node_ref=field
                    on:change=changed
                />
                <button type="submit" class="button quiet small asleep-only">"Change"</button>
            </form>
            <span class="cart-total">{dynamic(total)}</span>
            <form method="post" action="/cart" on:submit=move |event| removing.submit(&event)>
                <CommandFields command="cart.remove_item" form=sku.to_string() />
                <input type="hidden" name="sku" value=sku.to_string() />
                <button type="submit" class="icon-button" aria-label=format!("Take {title} out") title="Take out">
                    <Icon icon=icondata_lu::LuX />
                </button>
            </form>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use domain::Cents;

    use super::*;

    #[test]
    fn the_gravest_thing_about_a_line_is_said() {
        let line = CartLine { quantity: 3, price_then: Cents(100) };
        let product = ShopProduct {
            title: "Mug".into(),
            description: None,
            category: None,
            price: Cents(100),
            retired: false,
            available: 3,
            counted: None,
        };
        assert_eq!(remark(&line, &product), None);
        let moved = ShopProduct { price: Cents(120), ..product.clone() };
        assert_eq!(remark(&line, &moved).unwrap(), "€1.20 now; it was €1.00 when you put it in.");
        let scarce = ShopProduct { available: 2, ..moved.clone() };
        assert_eq!(remark(&line, &scarce).unwrap(), "You want 3, and only 2 are left.");
        let gone = ShopProduct { retired: true, ..scarce };
        assert!(remark(&line, &gone).unwrap().starts_with("Not sold any more"));
    }
}

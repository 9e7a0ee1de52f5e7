//! The form that puts a product into the cart.

use domain::{Sku, cart::MAX_QUANTITY};
use leptos::{either::Either, prelude::*};
use leptos_router::hooks::use_location;

use super::cart;
use crate::{
    forms::CommandFields,
    rail::sign_in_path,
    ui::{Icon, dynamic},
};

/// The form. Who is not signed in is led to do so first.
#[component]
pub(crate) fn AddToCart(
    /// Which product.
    sku: Sku,
    /// What it is called.
    title: String,
    /// Whether any can be had.
    #[prop(into)]
    available: Signal<bool>,
    /// Whether one says how many.
    #[prop(optional)]
    several: bool,
) -> impl IntoView {
    let location = use_location();
    let Some(cart) = cart() else {
        return Either::Left(view! {
            <a class="button quiet" href=sign_in_path(&format!("/shop/{sku}"))>"Sign in to order"</a>
        });
    };
    let here = move || {
        let (path, search) = (location.pathname.get(), location.search.get());
        match search.trim_start_matches('?') {
            "" => path,
            search => format!("{path}?{search}"),
        }
    };
    let (adding, held, of) = (cart.clone(), cart, sku.clone());
    Either::Right(view! {
        <form class="add" method="post" action="" on:submit=move |event| adding.submit(&event)>
            <CommandFields command="cart.add_item" form=sku.to_string() />
            <input type="hidden" name="_next" value=here />
            <input type="hidden" name="sku" value=sku.to_string() />
            {if several {
                Either::Left(view! {
                    <label class="visually-hidden" for="quantity">"Quantity"</label>
                    <input
                        id="quantity"
                        class="quantity"
                        name="quantity:n"
                        type="number"
                        inputmode="numeric"
                        min="1"
                        max=MAX_QUANTITY.to_string()
                        value="1"
                        required
                    />
                })
            } else {
                Either::Right(view! { <input type="hidden" name="quantity:n" value="1" /> })
            }}
            <button type="submit" class="button" disabled=move || !available.get()>
                <Icon icon=icondata_lu::LuShoppingCart />
                <span>"Add"</span>
                <span class="visually-hidden">{format!(" {title} to the cart")}</span>
            </button>
            <span class="in-cart">
                {dynamic(move || match held.holds(&of) {
                    0 => String::new(),
                    held => format!("{held} in cart"),
                })}
            </span>
        </form>
    })
}

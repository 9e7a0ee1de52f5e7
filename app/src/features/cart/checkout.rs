//! The page `/checkout`: where it goes, what it costs, and the one button.

use ::live::Status;
use domain::{
    Cents,
    order::MAX_ADDRESS,
    view::Snapshot,
    views::{CartView, WalletView},
};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::{
    Cart, cart,
    lines::{EmptyCart, left, remark},
};
use crate::{
    context::page,
    features::{shop::SignInFirst, wallet},
    forms::{Asking, CommandFields, FormError},
    live::{self, Live},
    ui::{AsOf, Loading, Problem, dynamic},
};

const COMMAND: &str = "order.place";

/// Prices and stock may have moved meanwhile, and nobody wants to order by surprise.
const CUT_OFF: &str = "There is no connection at the moment. You can order as soon as it is back.";

/// The page.
#[component]
pub fn Checkout() -> impl IntoView {
    let Some(cart) = cart() else {
        return Either::Left(view! { <SignInFirst to="check out" next="/checkout" /> });
    };
    let loaded = Resource::new_blocking(|| None, wallet::load);
    let shown = cart.shown;
    // What was put in just now may come after the page. Later, that it is empty is for the form to say.
    let began = Memo::new(move |before: Option<&bool>| {
        before.is_some_and(|began| *began) || shown.with(|cart| !cart.lines.is_empty())
    });
    Either::Right(view! {
        <Title text="Check out" />
        <Suspense fallback=Loading>
            {move || {
                let cart = cart.clone();
                Suspend::new(async move {
                    match loaded.await {
                        Ok((wallet, _)) => {
                            dynamic(move || {
                                    if began.get() {
                                        view! { <Form cart=cart.clone() wallet=wallet.clone() /> }.into_any()
                                    } else {
                                        view! { <EmptyCart /> }.into_any()
                                    }
                                })
                                .into_any()
                        }
                        Err(fault) => view! { <Problem fault /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    })
}

/// Why the cart cannot be ordered as it is, if so, and what helps besides changing it: an address, and what that is
/// called.
type Obstacle = (String, Option<(&'static str, &'static str)>);

fn obstacle(cart: &CartView, available: Cents) -> Option<Obstacle> {
    let within = |why: String| Some((why, None));
    if cart.lines.is_empty() {
        return Some(("Your cart is empty by now.".to_owned(), Some(("/shop", "Go to the shop"))));
    }
    for (_, line, product) in cart.priced() {
        let title = &product.title;
        if product.retired {
            return within(format!("“{title}” is not sold any more. Take it out of your cart."));
        } else if product.available == 0 {
            return within(format!("“{title}” is sold out. Take it out of your cart."));
        } else if product.available < line.quantity {
            return within(format!(
                "You want {} of “{title}”, and {}.",
                line.quantity,
                left(product.available)
            ));
        }
    }
    let total = cart.total();
    (available < total).then(|| {
        let missing = total.minus(available);
        let why = format!("You have {available} to spend, and this costs {total}: {missing} are missing.");
        (why, Some(("/wallet", "Put money in")))
    })
}

#[component]
fn Form(cart: Cart, wallet: Snapshot<WalletView>) -> impl IntoView {
    let position = wallet.cursor.position;
    let wallet = live::view::<WalletView>(wallet.view.key, wallet).state;
    let shown = cart.shown;
    let total = Memo::new(move |_| shown.with(CartView::total));
    // What the customer has been shown and takes for the price: it does not move by itself.
    let seen = RwSignal::new(total.get_untracked());
    let money = wallet.clone();
    let available = Memo::new(move |_| money.with(WalletView::available));
    let obstacle = Memo::new(move |_| shown.with(|cart| obstacle(cart, available.get())));
    let asking = Asking::new(COMMAND);
    // What is in the cart was ordered: that it is empty now is no surprise.
    let placed = RwSignal::new(false);
    let under_way = move || asking.busy.get() || placed.get();
    let status = use_context::<Live>().unwrap_or_default().status;
    let cut_off = Memo::new(move |_| {
        status.with(|status| matches!(status, Status::Offline | Status::Reconnecting { .. }))
    });
    let obstacle = move || {
        let why = if cut_off.get() { Some((CUT_OFF.to_owned(), None)) } else { obstacle.get() };
        why.filter(|_| !under_way())
    };
    let moved = move || seen.get() != total.get() && !under_way();
    let blocked = move || under_way() || obstacle().is_some() || moved();
    let navigate = use_navigate();
    let submit = move |event: leptos::ev::SubmitEvent| {
        let navigate = navigate.clone();
        asking.submit(&event, move |id| {
            let _ = placed.try_set(true);
            navigate(&format!("/orders/{id}"), NavigateOptions::default());
        });
    };
    view! {
        <form class="checkout" method="post" action="/checkout" on:submit=submit>
            <h1>"Check out" " " <AsOf /></h1>
            <CommandFields command=COMMAND form=position.to_string() />
            <input type="hidden" name="_next" value="/orders/{_id}" />
            <input type="hidden" name="expected_total_cents:n" value=move || seen.get().0.to_string() />
            <section class="card stack">
                <div class="field">
                    <label for="address">"Where shall it go?"</label>
                    <textarea
                        id="address"
                        name="address"
                        rows="3"
                        required
                        maxlength=MAX_ADDRESS.to_string()
                        autocomplete="street-address"
                        aria-describedby="checkout-error"
                    >
                        {page().typed(COMMAND, "address")}
                    </textarea>
                </div>
            </section>
            <section class="card stack" aria-labelledby="checkout-lines">
                <h2 id="checkout-lines">"What you order"</h2>
                <Summary cart />
                <p class="sum">
                    <span>"Total"</span>
                    <strong data-testid="total">{dynamic(move || seen.get().to_string())}</strong>
                </p>
                <p class="sum muted">
                    <span>"In your wallet, to spend"</span>
                    <span>{dynamic(move || available.get().to_string())}</span>
                </p>
                <p><a class="link" href="/cart">"Change the cart"</a></p>
            </section>
            <FormError id="checkout-error" fault=asking.fault />
            {dynamic(move || {
                moved()
                    .then(|| {
                        let text = format!("The total has changed from {} to {}.", seen.get(), total.get());
                        view! {
                            <div class="notice" role="alert">
                                <p>{text}</p>
                                <button
                                    type="button"
                                    class="button quiet small"
                                    on:click=move |_| {
                                        seen.set(total.get_untracked());
                                        asking.fault.set(None);
                                    }
                                >
                                    "That is fine"
                                </button>
                            </div>
                        }
                    })
            })}
            {dynamic(move || {
                obstacle()
                    .map(|(why, helps)| {
                        let helps = helps.map(|(to, label)| view! { <a class="link" href=to>{label}</a> });
                        view! {
                            <div class="notice" id="obstacle">
                                <p>{why} " " {helps}</p>
                            </div>
                        }
                    })
            })}
            <button type="submit" class="button place" disabled=blocked aria-describedby="obstacle">
                {dynamic(move || if under_way() { "Placing…".to_owned() } else { format!("Place order · {}", seen.get()) })}
            </button>
        </form>
    }
}

#[component]
fn Summary(cart: Cart) -> impl IntoView {
    let shown = cart.shown;
    view! {
        <ul class="summary">
            {dynamic(move || {
                shown.with(|cart| {
                    cart.priced()
                        .map(|(_, line, product)| {
                            let total = product.price.times(line.quantity).map(|total| total.to_string());
                            view! {
                                <li>
                                    <span>{format!("{} × {}", line.quantity, product.title)}</span>
                                    <span>{total}</span>
                                    {remark(line, product).map(|remark| view! { <span class="remark">{remark}</span> })}
                                </li>
                            }
                        })
                        .collect_view()
                })
            })}
        </ul>
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        UserId, View,
        views::{CartLine, OwnKey, ShopProduct},
    };
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_stands_in_the_way_is_said_before() {
        let mut cart = CartView::empty(&OwnKey { user: UserId(Uuid::nil()) });
        let product = ShopProduct {
            title: "Mug".into(),
            description: None,
            category: None,
            price: Cents(1_800),
            retired: false,
            available: 9,
            counted: None,
        };
        let sku: domain::Sku = "mug".parse().unwrap();
        cart.shop.products.insert(sku.clone(), product);
        cart.lines.insert(sku.clone(), CartLine { quantity: 2, price_then: Cents(1_800) });
        assert_eq!(obstacle(&cart, Cents(3_600)), None);
        let (poor, helps) = obstacle(&cart, Cents(3_000)).unwrap();
        assert_eq!(poor, "You have €30.00 to spend, and this costs €36.00: €6.00 are missing.");
        assert_eq!(helps, Some(("/wallet", "Put money in")));
        for (left, why) in [
            (1, "You want 2 of “Mug”, and only 1 is left."),
            (0, "“Mug” is sold out. Take it out of your cart."),
        ] {
            cart.shop.products.get_mut(&sku).unwrap().available = left;
            let (said, helps) = obstacle(&cart, Cents(9_900)).unwrap();
            assert_eq!((said.as_str(), helps), (why, None), "more money would not help");
        }
        cart.shop.products.get_mut(&sku).unwrap().retired = true;
        assert!(obstacle(&cart, Cents(9_900)).unwrap().0.contains("not sold any more"));
    }
}

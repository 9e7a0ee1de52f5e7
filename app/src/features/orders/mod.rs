//! One's orders, and what becomes of each.
//!
//! | module | holds |
//! |---|---|
//! | this | the page `/orders` |
//! | `order` | the page `/orders/<id>` |
//! | `timeline` | what has happened to it |
//! | `map` | where its parcel is |
//! | `card` | one order in a few words, for elsewhere |
//! | `words` | all of it in words, pure |

mod card;
mod map;
mod order;
mod timeline;
mod words;

use domain::{
    OrderId,
    order::OrderLine,
    view::Snapshot,
    views::{ListedOrder, OrderList},
};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;

use super::shop::SignInFirst;
use crate::{
    calls, clock,
    context::page,
    live,
    ui::{AsOf, Icon, Loading, Problem, dynamic, passing},
};

pub(crate) use card::OrderCard;
pub use order::Order;

/// The page.
#[component]
pub fn Orders() -> impl IntoView {
    if page().viewer.is_none() {
        return Either::Left(view! { <SignInFirst to="see your orders" next="/orders" /> });
    }
    let loaded = Resource::new_blocking(|| (), |()| calls::orders());
    Either::Right(view! {
        <Title text="Orders" />
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match loaded.await {
                    Ok(orders) => view! { <List orders /> }.into_any(),
                    Err(fault) => view! { <Problem fault /> }.into_any(),
                }
            })}
        </Suspense>
    })
}

/// What was ordered, in one line.
fn contents(lines: &[OrderLine]) -> String {
    let names = lines.iter().map(|line| match line.quantity {
        1 => line.title.clone(),
        n => format!("{n} × {}", line.title),
    });
    names.collect::<Vec<_>>().join(", ")
}

#[component]
fn List(orders: Snapshot<OrderList>) -> impl IntoView {
    let state = live::view::<OrderList>(orders.view.key, orders).state;
    let (all, listed) = (state.clone(), state.clone());
    let none = Memo::new(move |_| all.with(|list| list.orders.is_empty()));
    let ids =
        move || listed.with(|list| list.orders.iter().rev().map(|listed| listed.order).collect::<Vec<_>>());
    view! {
        {dynamic(move || {
            let (state, ids) = (state.clone(), ids.clone());
            if none.get() {
                return Either::Left(view! { <NoOrders /> });
            }
            Either::Right(
                view! {
                    <div class="sheet orders">
                        <h1>"Orders " <AsOf /></h1>
                        <ol class="order-list">
                            <For each=ids key=|order| *order let:order>
                                <Row state=state.clone() order />
                            </For>
                        </ol>
                        <p><a class="link" href="/wallet">"Your wallet"</a></p>
                    </div>
                },
            )
        })}
    }
}

#[component]
fn NoOrders() -> impl IntoView {
    view! {
        <section class="empty">
            <Icon icon=icondata_lu::LuPackage />
            <h1>"No orders yet"</h1>
            <p>"What you order shows here, and moves while you watch."</p>
            <p><a class="button" href="/shop">"Go to the shop"</a></p>
        </section>
    }
}

#[component]
fn Row(state: ArcRwSignal<OrderList>, order: OrderId) -> impl IntoView {
    let listed: Memo<Option<ListedOrder>> =
        passing(move || state.with(|list| list.orders.iter().find(|listed| listed.order == order).cloned()));
    let first = listed.get_untracked();
    let (what, total) = first.as_ref().map(|l| (contents(&l.lines), l.total.to_string())).unwrap_or_default();
    let status = move || {
        listed
            .with(|listed| listed.as_ref().map(|listed| listed.status))
            .unwrap_or(domain::order::Status::Placed)
    };
    let awake = clock::awake();
    let when = move || first.as_ref().map(|listed| clock::when(listed.time, awake.get()));
    view! {
        <li class="order-row">
            <a class="order-link" href=format!("/orders/{order}")>
                <span class="order-what">{what}</span>
                <span class="order-when muted">{dynamic(when)} {format!(" · #{}", order.short())}</span>
                <span class="status" data-status=move || words::name(status())>
                    {dynamic(move || words::status(status()))}
                </span>
                <span class="order-total">{total}</span>
            </a>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use domain::Cents;

    use super::*;

    #[test]
    fn an_order_is_told_by_what_is_in_it() {
        let line = |title: &str, quantity| OrderLine {
            sku: "x".parse().unwrap(),
            title: title.into(),
            quantity,
            price_cents: Cents(1),
        };
        assert_eq!(contents(&[line("Mug", 1), line("Pan", 2)]), "Mug, 2 × Pan");
    }
}

//! An order in a few words, as it is shown away from its page.

use domain::views::OrderView;
use leptos::prelude::*;

use super::{contents, words};
use crate::ui::{Icon, dynamic, passing};

/// The card. It leads to the order's page.
#[component]
pub(crate) fn OrderCard(
    /// The order, as it is now.
    state: ArcRwSignal<OrderView>,
) -> impl IntoView {
    let order = state.with_untracked(|order| order.key.order);
    let (name, what, total) = state.with_untracked(|order| {
        let placed = order.placed.as_ref();
        placed.map(|placed| (placed.name.clone(), contents(&placed.lines), placed.total.to_string()))
    })?;
    let status = passing(move || state.with(|order| order.status));
    Some(view! {
        <a class="order-card" href=format!("/orders/{order}") data-order=order.to_string()>
            <Icon icon=icondata_lu::LuPackage />
            <span class="order-card-name">{format!("Order {}", order.short())}</span>
            <span class="status" data-status=move || words::name(status.get())>
                {dynamic(move || words::status(status.get()))}
            </span>
            <span class="order-card-what muted">{format!("{name} · {what}")}</span>
            <span class="order-card-total">{total}</span>
        </a>
    })
}

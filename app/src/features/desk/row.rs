//! One order on the desk, and what can be done about it.

use domain::{OrderId, grouped, views::DeskRow};
use leptos::{either::Either, prelude::*};

use super::{
    Shared,
    layout::{Action, actions, keeper, progress},
};
use crate::{
    clock,
    context::page,
    forms::{CommandFields, FormError},
    ui::{dynamic, passing},
};

/// The order. An order that has left the desk keeps its place until the desk is laid out anew.
#[component]
pub(super) fn Row(order: OrderId, shared: Shared) -> impl IntoView {
    let me = page().viewer.as_ref().map(|person| person.user);
    let row = passing(move || shared.desk.with(|desk| desk.rows.get(&order).cloned()));
    let read = move |read: fn(&DeskRow) -> String| {
        row.with(|row| row.as_ref().map_or_else(|| "No longer on the desk".to_owned(), read))
    };
    let offered = passing(move || row.with(|row| row.as_ref().map(actions).unwrap_or_default()));
    let why = Signal::derive(move || {
        shared
            .refused
            .with(|refused| refused.as_ref().filter(|(about, _)| *about == order).map(|(_, why)| why.clone()))
    });
    let awake = clock::awake();
    view! {
        <li class="desk-row" data-order=order.to_string()>
            <div class="desk-what">
                <p class="desk-order">
                    <a href=format!("/orders/{order}")>{format!("#{}", order.short())}</a>
                    " "
                    <span>
                        {dynamic(move || row.with(|row| row.as_ref().map(|row| row.name.clone())))}
                    </span>
                </p>
                <p class="desk-status">{dynamic(move || read(progress))}</p>
                <p class="hint">
                    {dynamic(move || {
                        row.with(|row| {
                            row.as_ref()
                                .map(|row| {
                                    let pieces = if row.pieces == 1 { "piece" } else { "pieces" };
                                    let when = clock::when(row.time, awake.get());
                                    format!("{} {pieces}, {} · {when}", grouped(row.pieces), row.total)
                                })
                        })
                    })}
                </p>
                {dynamic(move || {
                    row.with(|row| row.as_ref().and_then(|row| keeper(row, me)))
                        .map(|keeper| view! { <p class="desk-keeper">{keeper}</p> })
                })}
            </div>
            <div class="desk-actions">
                <For each=move || offered.get() key=|action| *action let:action>
                    <Act order action />
                </For>
            </div>
            <FormError id=format!("refused-{order}") fault=why />
        </li>
    }
}

/// The form of one action. What takes a reason asks for it first, with or without a script.
#[component]
fn Act(order: OrderId, action: Action) -> impl IntoView {
    let label = format!("{} order {}", action.label(), order.short());
    let fields = move || {
        view! {
            <CommandFields command=action.command() form=order.to_string() />
            <input type="hidden" name="order" value=order.to_string() />
        }
    };
    if action.asks() {
        let id = format!("{}-{order}", action.command());
        return Either::Left(view! {
            <details class="desk-ask">
                <summary class="button quiet small" aria-label=label>{action.label()}</summary>
                <form method="post" action="/desk">
                    {fields()}
                    <label for=id.clone()>"Why?"</label>
                    <input id=id name="reason" type="text" required maxlength="300" autocomplete="off" />
                    <button type="submit" class="button danger small">{action.label()}</button>
                </form>
            </details>
        });
    }
    let class = if action == Action::Claim { "button quiet small" } else { "button small" };
    Either::Right(view! {
        <form method="post" action="/desk">
            {fields()}
            <button type="submit" class=class aria-label=label>{action.label()}</button>
        </form>
    })
}

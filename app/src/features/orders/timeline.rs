//! What has happened to an order: when, what, who, and what it followed from.

use domain::{
    Position,
    views::{OrderView, TimelineEntry},
};
use leptos::prelude::*;

use super::{order::path, words};
use crate::{
    clock,
    ui::{Then, seen},
};

/// The timeline, the newest last. Each entry leads to the order as it was then.
#[component]
pub(super) fn Timeline(
    /// The order with everything that has happened to it.
    state: ArcRwSignal<OrderView>,
    /// The entry as of which the page shows the order; `None` for now.
    at: Option<Position>,
) -> impl IntoView {
    let each = state.clone();
    let entries = move || {
        each.with(|order| {
            order.timeline.iter().filter(|entry| !words::is_between(entry)).cloned().collect::<Vec<_>>()
        })
    };
    view! {
        <section class="card" aria-labelledby="timeline-heading">
            <h2 id="timeline-heading">"What happened"</h2>
            <ol class="timeline" data-testid="timeline">
                <For each=entries key=|entry| entry.event let:entry>
                    <Entry state=state.clone() entry at />
                </For>
            </ol>
        </section>
    }
}

#[component]
fn Entry(state: ArcRwSignal<OrderView>, entry: TimelineEntry, at: Option<Position>) -> impl IntoView {
    let (path, who, cause) = state.with_untracked(|order| {
        let customer = order.placed.as_ref().map(|placed| placed.customer);
        (path(order.key.order), words::who(&entry, customer), words::cause(&entry, &order.timeline))
    });
    let context = entry.kind.split('.').next().unwrap_or_default().to_owned();
    view! {
        <li
            class="happened"
            data-kind=entry.kind.clone()
            data-context=context
            data-seen=seen(entry.position, at)
        >
            <span class="happened-what">{words::happened(&entry.kind)}</span>
            <span class="happened-who muted">
                {who} {cause.map(|cause| format!(", because: {}", lower(cause)))}
            </span>
            <span class="happened-when muted">
                <Then path step=words::step(&entry) at written=|time, awake| clock::shown(time, awake).clock />
            </span>
            {entry.note.map(|note| view! { <q class="happened-note">{note}</q> })}
        </li>
    }
}

/// A sentence as it stands inside another.
fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_inside_another_begins_small() {
        assert_eq!(lower("The order was placed"), "the order was placed");
        assert_eq!(lower(""), "");
    }
}

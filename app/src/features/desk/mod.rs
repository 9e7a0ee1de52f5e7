//! The desk: every open order by what must be done about it, for the staff. What a row says is live; where it
//! lies changes only when somebody asks for it.

mod layout;
mod row;

use domain::{
    OrderId, grouped,
    view::Snapshot,
    views::{Desk as DeskView, Queue},
};
use leptos::{either::Either, ev, prelude::*, task::spawn_local};
use leptos_meta::Title;

use self::{
    layout::{HEAPS, layout, news},
    row::Row,
};
use crate::{
    calls,
    context::page,
    forms, live,
    outbox::fresh_id,
    ui::{AsOf, Icon, Loading, Problem, dynamic, focus_first},
};

/// The page.
#[component]
pub fn Desk() -> impl IntoView {
    let desk = Resource::new_blocking(|| (), |()| calls::desk());
    view! {
        <Title text="Desk" />
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match desk.await {
                    Ok(desk) => Either::Left(view! { <Heaps desk /> }),
                    Err(fault) => Either::Right(view! { <Problem fault /> }),
                }
            })}
        </Suspense>
    }
}

/// What the rows of the page look at together.
#[derive(Clone, Copy)]
struct Shared {
    desk: Signal<DeskView>,
    /// The last refusal, and the order it is about.
    refused: RwSignal<Option<(OrderId, String)>>,
}

#[component]
fn Heaps(desk: Snapshot<DeskView>) -> impl IntoView {
    let shown = RwSignal::new(layout(&desk.view));
    let desk: Signal<DeskView> = live::view::<DeskView>((), desk).state.into();
    let shared = Shared { desk, refused: RwSignal::new(refused_before()) };
    let unseen = Memo::new(move |_| desk.with(|desk| shown.with(|shown| news(shown, desk))));
    let show = move || shown.set(desk.with_untracked(layout));
    let idle = Memo::new(move |_| {
        shown.with(|shown| !shown.iter().any(|(_, heap)| matches!(heap, Queue::Review | Queue::Dispatch)))
    });

    // All forms of the page are sent alike.
    let submit = move |event: ev::SubmitEvent| {
        let Some((_, fields)) = forms::submitted(&event) else { return };
        let Ok(intent) = forms::intent(&fields) else { return };
        let Some(order) = fields.get("order").and_then(|order| order.parse().ok()) else { return };
        event.prevent_default();
        // What is done about an order changes what can be done, and the button may be gone then.
        focus_first(&format!("[data-order='{order}'] a"));
        spawn_local(async move {
            let refused = calls::execute(fresh_id(), &intent).await.err();
            let _ = shared.refused.try_set(refused.map(|fault| (order, fault.why)));
        });
    };

    view! {
        <div class="desk" on:submit=submit>
            <header class="desk-head">
                <h1>"Desk" " " <AsOf /></h1>
                <div class="desk-news" role="status">
                    {dynamic(move || {
                        unseen
                            .get()
                            .map(|news| {
                                view! {
                                    <a class="button small" href="/desk" rel="external" on:click=move |event: ev::MouseEvent| {
                                        event.prevent_default();
                                        show();
                                    }>
                                        <Icon icon=icondata_lu::LuArrowDown />
                                        {news}
                                    </a>
                                }
                            })
                    })}
                </div>
            </header>
            {dynamic(move || {
                idle.get()
                    .then(|| {
                        view! {
                            <section class="desk-clear">
                                <Icon icon=icondata_lu::LuCircleCheck />
                                <h2>"All clear"</h2>
                                <p class="muted">"No order waits for anybody. A new one is announced above."</p>
                            </section>
                        }
                    })
            })}
            {HEAPS
                .into_iter()
                .map(|(heap, title)| {
                    let orders = Memo::new(move |_| {
                        shown
                            .with(|shown| {
                                shown
                                    .iter()
                                    .filter(|(_, of)| *of == heap)
                                    .map(|(order, _)| *order)
                                    .collect::<Vec<_>>()
                            })
                    });
                    view! { <Heap title orders shared /> }
                })
                .collect_view()}
        </div>
    }
}

/// A plain form that was refused, if this page is the answer to it.
fn refused_before() -> Option<(OrderId, String)> {
    let page = page();
    let refused = page.refused.as_ref()?;
    Some((refused.values.get("order")?.parse().ok()?, refused.why.clone()))
}

/// One heap; nothing, while it is empty.
#[component]
fn Heap(title: &'static str, orders: Memo<Vec<OrderId>>, shared: Shared) -> impl IntoView {
    let id = format!("heap-{}", title.to_lowercase().replace(' ', "-"));
    let heading = id.clone();
    view! {
        <section class="desk-heap" aria-labelledby=id hidden=move || orders.with(Vec::is_empty)>
            <h2 id=heading>
                {title} " " <span class="desk-count">{dynamic(move || grouped(orders.with(Vec::len)))}</span>
            </h2>
            <ul class="desk-rows">
                <For each=move || orders.get() key=|order| *order let:order>
                    <Row order shared />
                </For>
            </ul>
        </section>
    }
}

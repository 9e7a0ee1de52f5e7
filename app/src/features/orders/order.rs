//! The page `/orders/<id>`: how far one order is.

use domain::{
    OrderId, Position,
    cart::AddItem,
    order::{OrderLine, Status},
    shipment::Journey,
    view::Snapshot,
    views::OrderView,
};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map},
};

use super::{map::Map, timeline::Timeline, words};
use crate::{
    calls, clock,
    context::page,
    fault::Fault,
    features::shop::{Picture, SignInFirst},
    forms::{Asking, CommandFields, FormError},
    outbox::outbox,
    ui::{
        Announcer, AsOf, Loading, NotFound, PastBar, Problem, asked, dynamic, focus_page, now_and_then,
        shown_and_whole,
    },
};

const CANCEL: &str = "order.cancel";

/// The steps that every order takes, if nothing happens to it.
const STEPS: [(Status, &str); 4] = [
    (Status::Placed, "Placed"),
    (Status::Confirmed, "Confirmed"),
    (Status::Dispatched, "On its way"),
    (Status::Delivered, "Delivered"),
];

/// The page.
#[component]
pub fn Order() -> impl IntoView {
    if page().viewer.is_none() {
        return Either::Left(view! { <SignInFirst to="see this order" next="/orders" /> });
    }
    let params = use_params_map();
    let order = move || params.with(|params| params.get("order")).and_then(|id| id.parse::<OrderId>().ok());
    let at = asked();
    let loaded = Resource::new_blocking(
        move || (order(), at()),
        |(order, at)| async move {
            match order {
                Some(order) => now_and_then(at, |at| calls::order(order, at)).await,
                None => Err(Fault::new("order.not_found", "No order has such a name.")),
            }
        },
    );
    Either::Right(view! {
        <Transition fallback=Loading>
            {move || Suspend::new(async move {
                match loaded.await {
                    Ok((now, then)) => view! { <Sheet now then /> }.into_any(),
                    Err(fault) if !fault.not_found() => view! { <Problem fault /> }.into_any(),
                    Err(_) => view! { <NotFound /> }.into_any(),
                }
            })}
        </Transition>
    })
}

/// The order's page.
pub(super) fn path(order: OrderId) -> String {
    format!("/orders/{order}")
}

#[component]
fn Sheet(now: Snapshot<OrderView>, then: Option<Snapshot<OrderView>>) -> impl IntoView {
    let key = now.view.key;
    let placed = now.view.placed.clone();
    let steps = words::steps(&now.view);
    // What is looked back at does not move, and nothing can be done about it.
    let at = then
        .as_ref()
        .map(|then| words::steps(&then.view).last().map_or(Position::START, |step| step.position));
    let (state, whole) = shown_and_whole(key, (now, then));
    let back = at.map(|at| view! { <PastBar path=path(key.order) steps at /> });
    let (lines, total, address, time, name) = placed.map_or_else(
        || (vec![], String::new(), None, None, String::new()),
        |placed| (placed.lines, placed.total.to_string(), placed.address, Some(placed.time), placed.name),
    );
    let watched = state.clone();
    let status = Memo::new(move |_| watched.with(|order| order.status));
    announce(status);
    let sad = state.clone();
    let misfortune = Memo::new(move |_| sad.with(words::misfortune));
    let awake = clock::awake();
    let own = key.customer.is_some();
    view! {
        <Title text=format!("Order {}", key.order.short()) />
        <div class="order-page" data-order=key.order.to_string()>
            {back}
            <header class="order-head">
                <h1>{format!("Order {}", key.order.short())}</h1>
                <span class="status" data-testid="status" data-status=move || words::name(status.get())>
                    {dynamic(move || words::status(status.get()))}
                </span>
                {at.is_none().then(|| view! { <AsOf /> })}
                <p class="muted">
                    {(!own).then(|| format!("{name}, "))}
                    {dynamic(move || time.map(|time| clock::when(time, awake.get())))}
                </p>
            </header>
            {dynamic(move || {
                misfortune.get().map(|why| view! { <div class="notice bad" role="alert"><p>{why}</p></div> })
            })}
            <Progress state=state.clone() />
            <Parcel state />
            <Timeline state=whole at />
            <section class="card stack" aria-labelledby="lines-heading">
                <h2 id="lines-heading">"What is in it"</h2>
                <Lines lines=lines.clone() />
                <p class="sum"><span>"Total"</span> <strong>{total}</strong></p>
                {address.map(|address| view! { <p class="order-address">{address}</p> })}
                {(own && at.is_none()).then(|| view! { <Again lines /> })}
            </section>
            {at.is_none().then(|| view! { <Cancel order=key.order status /> })}
        </div>
    }
}

/// Tells whoever cannot see it how far the order is, whenever that changes.
fn announce(status: Memo<Status>) {
    let announcer = use_context::<Announcer>().unwrap_or_default();
    Effect::new(move |before: Option<Status>| {
        let now = status.get();
        if before.is_some_and(|before| before != now) {
            announcer.say(format!("The order is now: {}.", words::status(now)));
        }
        now
    });
}

#[component]
fn Progress(state: ArcRwSignal<OrderView>) -> impl IntoView {
    let far = state.clone();
    let reached = Memo::new(move |_| far.with(reached));
    let (checked, flagged) = (state.clone(), state);
    let checks = Memo::new(move |_| checked.with(words::checks));
    let flags = move || {
        flagged.with(|order| {
            (order.status == Status::Placed && !order.flags.is_empty()).then(|| {
                let flags: Vec<_> = order.flags.iter().map(|flag| words::flag(*flag)).collect();
                format!("Somebody looks at it first, because {}.", flags.join(" and "))
            })
        })
    };
    view! {
        <section class="card stack" aria-label="Progress">
            <ol class="progress">
                {STEPS.into_iter()
                    .map(|(step, label)| {
                        let done = move || reached.with(|(reached, _)| *reached >= step);
                        let now = move || reached.with(|(reached, over)| *reached == step && !over);
                        view! {
                            <li
                                class="step"
                                data-done=move || done().to_string()
                                aria-current=move || now().then_some("step")
                            >
                                <span class="step-dot" aria-hidden="true"></span>
                                <span>{label}</span>
                                <span class="visually-hidden">
                                    {dynamic(move || if done() { " (done)" } else { " (to come)" })}
                                </span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
            <ul class="checks">
                {dynamic(move || {
                    checks
                        .get()
                        .into_iter()
                        .map(|(what, how, word)| {
                            view! {
                                <li class="check" data-how=how>
                                    <span class="check-what">{what}</span>
                                    <span>{word}</span>
                                </li>
                            }
                        })
                        .collect_view()
                })}
            </ul>
            {dynamic(move || flags().map(|flags| view! { <p class="hint">{flags}</p> }))}
        </section>
    }
}

/// The last step that was taken, and whether no further one will be.
fn reached(order: &OrderView) -> (Status, bool) {
    match order.status {
        Status::Refunded => (Status::Delivered, true),
        Status::Cancelled => {
            let took = |kind: &str| order.timeline.iter().any(|entry| entry.kind == kind);
            let last = [("order.dispatched", Status::Dispatched), ("order.confirmed", Status::Confirmed)];
            let last = last.into_iter().find(|(kind, _)| took(kind));
            (last.map_or(Status::Placed, |(_, status)| status), true)
        }
        status => (status, status == Status::Delivered),
    }
}

/// Where the parcel is, from when it leaves.
#[component]
fn Parcel(state: ArcRwSignal<OrderView>) -> impl IntoView {
    let (moving, seen) = (state.clone(), state.clone());
    let shown = Memo::new(move |_| {
        moving.with(|order| matches!(order.shipment, Some(Journey::Dispatched | Journey::Delivered)))
    });
    let place = Memo::new(move |_| seen.with(|order| order.place));
    let arrived = Memo::new(move |_| state.with(|order| order.shipment == Some(Journey::Delivered)));
    let awake = clock::awake();
    view! {
        {dynamic(move || {
            shown
                .get()
                .then(|| {
                    view! {
                        <section class="card stack" aria-labelledby="parcel-heading" data-testid="map">
                            <h2 id="parcel-heading">"Your parcel"</h2>
                            <Map place=Signal::derive(move || place.get().map(|(place, _)| place)) />
                            <p class="hint">
                                {dynamic(move || match (arrived.get(), place.get()) {
                                    (true, _) => "It has arrived.".to_owned(),
                                    (_, Some((_, at))) => {
                                        format!("The courier was seen here at {}.", clock::shown(at, awake.get()).clock)
                                    }
                                    (_, None) => "The courier has it, and will say where soon.".to_owned(),
                                })}
                            </p>
                        </section>
                    }
                })
        })}
    }
}

#[component]
fn Lines(lines: Vec<OrderLine>) -> impl IntoView {
    view! {
        <ul class="order-lines">
            {lines
                .into_iter()
                .map(|line| {
                    let total = line.price_cents.times(line.quantity).map(|total| total.to_string());
                    view! {
                        <li class="order-line">
                            <Picture sku=line.sku.clone() category=None />
                            <a class="order-line-title" href=format!("/shop/{}", line.sku)>
                                {format!("{} × {}", line.quantity, line.title)}
                            </a>
                            <span>{total}</span>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
}

/// Puts all of it into the cart again. Without a script every product is one link away.
#[component]
fn Again(lines: Vec<OrderLine>) -> impl IntoView {
    let outbox = outbox();
    let navigate = use_navigate();
    let again = move |_| {
        for line in &lines {
            outbox.send(AddItem { sku: line.sku.clone(), quantity: line.quantity });
        }
        navigate("/cart", NavigateOptions::default());
    };
    view! {
        <button type="button" class="button quiet awake-only" on:click=again>"Put it all in the cart again"</button>
    }
}

#[component]
fn Cancel(order: OrderId, status: Memo<Status>) -> impl IntoView {
    let asking = Asking::new(CANCEL);
    let open = asking.fault.get_untracked().is_some();
    let possible = Memo::new(move |_| status.get() < Status::Delivered);
    view! {
        {dynamic(move || {
            possible
                .get()
                .then(|| {
                    view! {
                        <details class="surely" open=open>
                            <summary class="button quiet">"Cancel this order"</summary>
                            <form
                                method="post"
                                action=path(order)
                                on:submit=move |event| asking.submit(&event, |_| focus_page())
                            >
                                <FormError id="cancel-error" fault=asking.fault />
                                <CommandFields command=CANCEL form=order.to_string() />
                                <input type="hidden" name="order" value=order.to_string() />
                                <p>"What is held for it, goods and money, is set free at once."</p>
                                <button type="submit" class="button danger" disabled=asking.busy>
                                    "Yes, cancel it"
                                </button>
                            </form>
                        </details>
                    }
                })
        })}
    }
}

//! One's money in the shop: what is there, what of it is held, and how it came and went.

use domain::{
    Cents, Position,
    view::Snapshot,
    views::{WalletEntry, WalletView},
};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;

use super::shop::SignInFirst;
use crate::{
    calls, clock,
    context::page,
    fault::Fault,
    forms::{Asking, CommandFields, FormError},
    ui::{
        Announcer, AsOf, Loading, NowAndThen, PastBar, Problem, Step, Then, asked, dynamic, now_and_then,
        seen, shown_and_whole,
    },
};

const COMMAND: &str = "wallet.deposit";

const PATH: &str = "/wallet";

/// What can be deposited, in cents.
const AMOUNTS: [i64; 4] = [2_500, 5_000, 10_000, 25_000];

/// The page.
#[component]
pub fn Wallet() -> impl IntoView {
    if page().viewer.is_none() {
        return Either::Left(view! { <SignInFirst to="see your wallet" next=PATH /> });
    }
    let loaded = Resource::new_blocking(asked(), load);
    Either::Right(view! {
        <Title text="Wallet" />
        <Transition fallback=Loading>
            {move || Suspend::new(async move {
                match loaded.await {
                    Ok((now, then)) => view! { <Account now then /> }.into_any(),
                    Err(fault) => view! { <Problem fault /> }.into_any(),
                }
            })}
        </Transition>
    })
}

/// The wallet as it is, and if that is asked for, as it was.
pub(super) async fn load(at: Option<String>) -> Result<NowAndThen<WalletView>, Fault> {
    now_and_then(at, calls::wallet).await
}

/// An entry as something to look back at.
fn step(entry: &WalletEntry) -> Step {
    Step { position: entry.position, time: entry.time, what: meaning(entry).0 }
}

#[component]
fn Account(now: Snapshot<WalletView>, then: Option<Snapshot<WalletView>>) -> impl IntoView {
    let steps = now.view.entries.iter().map(step).collect();
    // What is looked back at does not move, and nothing can be done about it.
    let at =
        then.as_ref().map(|then| then.view.entries.back().map_or(Position::START, |entry| entry.position));
    let (state, entries) = shown_and_whole(now.view.key, (now, then));
    let back = at.map(|at| view! { <PastBar path=PATH.to_owned() steps at /> });
    let sums = Memo::new(move |_| state.with(|wallet| (wallet.available(), wallet.held, wallet.balance)));
    let kept = entries.clone();
    let earlier = move || entries.with(|wallet| wallet.earlier);
    let entries = move || kept.with(|wallet| wallet.entries.iter().rev().cloned().collect::<Vec<_>>());
    view! {
        <div class="sheet wallet">
            {back}
            <h1>"Wallet" " " {at.is_none().then(|| view! { <AsOf /> })}</h1>
            <section class="card wallet-sums" aria-label="Balance">
                <p class="wallet-available">
                    <span class="muted">"To spend"</span>
                    <strong data-testid="available">{dynamic(move || sums.get().0.to_string())}</strong>
                </p>
                <p>
                    <span class="muted">"Held for orders"</span>
                    <strong>{dynamic(move || sums.get().1.to_string())}</strong>
                </p>
                <p>
                    <span class="muted">"Balance"</span>
                    <strong>{dynamic(move || sums.get().2.to_string())}</strong>
                </p>
            </section>
            {at.is_none().then(|| view! { <Deposit /> })}
            <section class="wallet-log" aria-labelledby="wallet-log-heading">
                <h2 id="wallet-log-heading">"What came and went"</h2>
                <ol class="entries">
                    <For each=entries key=|entry| entry.event let:entry>
                        <Entry entry at />
                    </For>
                </ol>
                {dynamic(move || earlier().then(|| view! { <p class="hint">"Older entries are not shown."</p> }))}
            </section>
        </div>
    }
}

#[component]
fn Deposit() -> impl IntoView {
    let asking = Asking::new(COMMAND);
    let announcer = use_context::<Announcer>().unwrap_or_default();
    let submit = move |event: leptos::ev::SubmitEvent| {
        let announcer = announcer.clone();
        asking.submit(&event, move |_| announcer.say("The money is in your wallet."));
    };
    view! {
        <form class="card stack" method="post" action=PATH on:submit=submit>
            <h2 id="deposit-heading">"Put money in"</h2>
            <FormError id="deposit-error" fault=asking.fault />
            <CommandFields command=COMMAND form="wallet" />
            <div class="amounts" role="group" aria-labelledby="deposit-heading">
                {AMOUNTS.into_iter()
                    .map(|cents| {
                        view! {
                            <button
                                type="submit"
                                class="button quiet"
                                name="amount_cents:n"
                                value=cents.to_string()
                                disabled=asking.busy
                            >
                                {Cents(cents).to_string()}
                            </button>
                        }
                    })
                    .collect_view()}
            </div>
            <p class="hint">"This is a demonstration: the money is made up, the accounting is not."</p>
        </form>
    }
}

/// What an entry is, and how it changed what can be spent.
fn meaning(entry: &WalletEntry) -> (&'static str, String) {
    let amount = entry.amount;
    match entry.kind.as_str() {
        "wallet.opened" => ("A welcome from the shop", format!("+{amount}")),
        "wallet.deposited" => ("Put in", format!("+{amount}")),
        "payment.authorized" => ("Held for an order", format!("({amount})")),
        "payment.declined" => ("Declined for an order", "–".to_owned()),
        "payment.captured" => ("Paid for an order", format!("−{amount}")),
        "payment.voided" => ("Held no longer", format!("({amount})")),
        "payment.refunded" => ("Back from an order", format!("+{amount}")),
        _ => ("Changed", amount.to_string()),
    }
}

#[component]
fn Entry(entry: WalletEntry, at: Option<Position>) -> impl IntoView {
    let (what, amount) = meaning(&entry);
    let then = view! { <Then path=PATH.to_owned() step=step(&entry) at written=clock::when /> };
    view! {
        <li class="entry" data-kind=entry.kind data-seen=seen(entry.position, at)>
            <span class="entry-what">
                {what}
                {entry
                    .order
                    .map(|order| {
                        view! { " " <a class="link" href=format!("/orders/{order}")>{format!("#{}", order.short())}</a> }
                    })}
            </span>
            <span class="entry-when muted">{then}</span>
            <span class="entry-amount">{amount}</span>
            <span class="entry-balance muted">{format!("Balance {}", entry.balance)}</span>
        </li>
    }
}

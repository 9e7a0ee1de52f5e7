//! What one was told: the bell of the rail with how much of it is unread, a note when something new comes in,
//! and the page with all of it.

use domain::{
    Event, Position,
    notification::MarkNotificationsRead,
    view::Snapshot,
    views::{Bell as BellView, BellItem},
};
use leptos::{either::Either, ev, prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::{components::A, hooks::use_location};

use crate::{
    calls, clock,
    context::page,
    features::shop::SignInFirst,
    forms::{self, CommandFields, FormError},
    live,
    outbox::fresh_id,
    ui::{Announcer, AsOf, Icon, Loading, Problem, Toasts, dynamic, passing},
};

/// Where all of it is.
const PAGE: &str = "/notifications";

/// Whether whoever is on a page sees there, as it happens, what a link leads to.
fn shows(path: &str, link: &str) -> bool {
    let one_of_the_list = matches!(path, "/orders" | "/desk") && link.starts_with("/orders/");
    path == link || path == PAGE || one_of_the_list
}

/// The entry of the rail; nothing for visitors.
#[component]
pub(crate) fn BellLink() -> impl IntoView {
    let signed_in = page().viewer.is_some();
    let bell = Resource::new_blocking(
        || (),
        move |()| async move { if signed_in { calls::bell().await.ok() } else { None } },
    );
    view! {
        <Suspense>
            {move || Suspend::new(async move { bell.await.map(|bell| view! { <Ringing bell /> }) })}
        </Suspense>
    }
}

#[component]
fn Ringing(bell: Snapshot<BellView>) -> impl IntoView {
    let bell = live::view::<BellView>(bell.view.key, bell);
    let state = bell.state.clone();
    let unread = Memo::new(move |_| state.with(BellView::unread));
    let (toasts, announcer) =
        (use_context::<Toasts>().unwrap_or_default(), use_context::<Announcer>().unwrap_or_default());
    let path = use_location().pathname;
    bell.tap(move |_, envelope| {
        let Event::NotificationRaised(raised) = &envelope.event else { return };
        let link = raised.link.as_deref().unwrap_or(PAGE);
        if !shows(&path.get_untracked(), link) {
            announcer.say(raised.text.clone());
            toasts.tell(raised.text.clone(), link);
        }
    });
    view! {
        <A href=PAGE attr:class="nav-link">
            <Icon icon=icondata_lu::LuBell />
            <span>"Bell"</span>
            {dynamic(move || {
                let unread = unread.get();
                (unread > 0)
                    .then(|| {
                        view! {
                            <span class="badge bell-badge" data-testid="bell">
                                {unread.to_string()}
                                <span class="visually-hidden">" unread"</span>
                            </span>
                        }
                    })
            })}
        </A>
    }
}

/// The page.
#[component]
pub fn Notifications() -> impl IntoView {
    if page().viewer.is_none() {
        return Either::Left(view! { <SignInFirst to="see what you were told" next=PAGE /> });
    }
    let bell = Resource::new_blocking(|| (), |()| calls::bell());
    Either::Right(view! {
        <Title text="Notifications" />
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match bell.await {
                    Ok(bell) => Either::Left(view! { <List bell /> }),
                    Err(fault) => Either::Right(view! { <Problem fault /> }),
                }
            })}
        </Suspense>
    })
}

#[component]
fn List(bell: Snapshot<BellView>) -> impl IntoView {
    let state = live::view::<BellView>(bell.view.key, bell).state;
    let (items, read, last) = (state.clone(), state.clone(), state.clone());
    let items = Memo::new(move |_| items.with(|bell| bell.items.iter().rev().cloned().collect::<Vec<_>>()));
    let read = Memo::new(move |_| read.with(|bell| bell.read));
    // Nothing, once everything is read.
    let last = Memo::new(move |_| {
        last.with(|bell| bell.items.back().map(|item| item.position).filter(|last| *last > bell.read))
    });
    let fault = RwSignal::new(page().refused("notification.mark_read").map(|refused| refused.why.clone()));
    let submit = move |event: ev::SubmitEvent| {
        let Some(upto) = last.get_untracked() else { return };
        if forms::submitted(&event).is_none() {
            return;
        }
        event.prevent_default();
        spawn_local(async move {
            let answer = calls::execute(fresh_id(), &MarkNotificationsRead { upto }.into()).await;
            let _ = fault.try_set(answer.err().map(|fault| fault.why));
        });
    };
    view! {
        <div class="sheet">
            <div class="bell-head">
                <h1>"Notifications" " " <AsOf /></h1>
                {dynamic(move || {
                    last.get()
                        .map(|last| {
                            view! {
                                <form method="post" action=PAGE on:submit=submit>
                                    <CommandFields command="notification.mark_read" form=last.to_string() />
                                    <input type="hidden" name="upto:n" value=last.to_string() />
                                    <button type="submit" class="button quiet small">"Mark all as read"</button>
                                </form>
                            }
                        })
                })}
            </div>
            <FormError id="bell-error" fault />
            <ul class="bell-list">
                <For each=move || items.get() key=|item| item.notification let:item>
                    <Item item read />
                </For>
            </ul>
            {dynamic(move || {
                items
                    .with(Vec::is_empty)
                    .then(|| {
                        view! {
                            <p class="muted">"Nothing yet. What becomes of your orders is said here as it happens."</p>
                        }
                    })
            })}
        </div>
    }
}

#[component]
fn Item(item: BellItem, read: Memo<Position>) -> impl IntoView {
    let BellItem { position, time, text, link, .. } = item;
    let unread = passing(move || position > read.get());
    let awake = clock::awake();
    view! {
        <li class="bell-item" class:unread=unread>
            <p>
                {match link {
                    Some(link) => Either::Left(view! { <a class="bell-link" href=link>{text}</a> }),
                    None => Either::Right(text),
                }}
                {dynamic(move || {
                    unread.get().then(|| view! { <span class="visually-hidden">" (unread)"</span> })
                })}
            </p>
            <time class="hint" datetime=time.to_string()>
                {dynamic(move || clock::when(time, awake.get()))}
            </time>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_the_screen_already_is_not_told() {
        for (path, link) in
            [("/orders/1", "/orders/1"), ("/orders", "/orders/1"), ("/desk", "/orders/1"), (PAGE, "/wallet")]
        {
            assert!(shows(path, link), "{path} {link}");
        }
        for (path, link) in [("/orders/2", "/orders/1"), ("/shop", "/orders/1"), ("/orders", "/wallet")] {
            assert!(!shows(path, link), "{path} {link}");
        }
    }
}

//! The frame: the rail at the left, which on a phone is a bar above and tabs below.

use domain::{grouped, views::CartView};
use leptos::{either::Either, prelude::*};
use leptos_router::{components::A, hooks::use_location};

use crate::{
    context::page,
    features::{
        bell::BellLink,
        cart::{Cart, cart},
    },
    theme,
    ui::{ConnectionPill, Face, Icon, dynamic},
};

/// The rail.
#[component]
pub(crate) fn Rail() -> impl IntoView {
    let staff = page().viewer.as_ref().is_some_and(|person| person.role.is_staff());
    view! {
        <header class="rail">
            <div class="rail-brand">
                <A href="/" exact=true attr:class="brand">
                    <Mark />
                    <span class="brand-name">"Hubbub"</span>
                </A>
            </div>
            <nav class="rail-nav" aria-label="Main">
                <A href="/chat" attr:class="nav-link">
                    <Icon icon=icondata_lu::LuMessagesSquare />
                    <span>"Chat"</span>
                </A>
                <A href="/shop" attr:class="nav-link">
                    <Icon icon=icondata_lu::LuStore />
                    <span>"Shop"</span>
                </A>
                {cart().map(|cart| view! { <OwnLinks cart /> })}
                {staff
                    .then(|| {
                        view! {
                            <A href="/desk" attr:class="nav-link">
                                <Icon icon=icondata_lu::LuInbox />
                                <span>"Desk"</span>
                            </A>
                        }
                    })}
                <BellLink />
                <A href="/settings" attr:class="nav-link">
                    <Icon icon=icondata_lu::LuSettings />
                    <span>"Settings"</span>
                </A>
            </nav>
            <div class="rail-foot">
                <ConnectionPill />
                <button
                    type="button"
                    class="icon-button theme-toggle"
                    aria-label="Light or dark"
                    title="Light or dark"
                    on:click=|_| theme::choose(theme::opposite())
                >
                    <Icon icon=icondata_lu::LuSunMoon />
                </button>
                <Account />
            </div>
        </header>
    }
}

/// What is one's own in the shop.
#[component]
fn OwnLinks(cart: Cart) -> impl IntoView {
    let pieces = Memo::new(move |_| cart.shown.with(CartView::pieces));
    view! {
        <A href="/cart" attr:class="nav-link">
            <Icon icon=icondata_lu::LuShoppingCart />
            <span>"Cart"</span>
            {dynamic(move || {
                (pieces.get() > 0)
                    .then(|| {
                        view! {
                            <span class="badge nav-badge" data-testid="in-cart">
                                {grouped(pieces.get())}
                                <span class="visually-hidden">" pieces"</span>
                            </span>
                        }
                    })
            })}
        </A>
        <A href="/orders" attr:class="nav-link">
            <Icon icon=icondata_lu::LuPackage />
            <span>"Orders"</span>
        </A>
        <A href="/wallet" attr:class="nav-link nav-second">
            <Icon icon=icondata_lu::LuWallet />
            <span>"Wallet"</span>
        </A>
    }
}

/// Three dots of one event, drawn.
#[component]
fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <circle cx="6" cy="12" r="3" />
            <path d="M12.5 6.5a8 8 0 0 1 0 11" />
            <path d="M17 3.5a13 13 0 0 1 0 17" />
        </svg>
    }
}

#[component]
fn Account() -> impl IntoView {
    let path = use_location().pathname;
    match page().viewer.clone() {
        Some(person) => Either::Left(view! {
            <div class="account">
                <Face name=person.name.clone() user=person.user />
                <span class="account-who">
                    <span class="account-name">{person.name}</span>
                    <span class="account-handle">{format!("@{}", person.handle)}</span>
                </span>
                <form method="post" action="/sign-out">
                    <button type="submit" class="icon-button" title="Sign out">
                        <Icon icon=icondata_lu::LuLogOut />
                        <span class="visually-hidden">"Sign out"</span>
                    </button>
                </form>
            </div>
        }),
        None => Either::Right(view! {
            <a class="button quiet sign-in-link" href=Signal::derive(move || sign_in_path(&path.get()))>"Sign in"</a>
        }),
    }
}

/// The sign-in page, which then leads back to where one was.
pub(crate) fn sign_in_path(from: &str) -> String {
    match from {
        "/" | "/sign-in" | "/register" => "/sign-in".to_owned(),
        from => format!("/sign-in?next={from}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_back_to_where_one_was() {
        assert_eq!(sign_in_path("/chat/lobby"), "/sign-in?next=/chat/lobby");
        assert_eq!(sign_in_path("/register"), "/sign-in");
    }
}

//! The app's root: what lives as long as the page (the connection, the outbox, the announcer), the frame, and
//! the routes.

use std::{sync::Arc, time::Duration};

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Route, Router},
    path,
};

use crate::{
    clock::Localised,
    context::{Page, Shared},
    features::{
        account::{Register, SignIn},
        bell::Notifications,
        cart::{self, CartPage, Checkout},
        chat::Chat,
        desk::Desk,
        home::Home,
        orders::{Order, Orders},
        settings::Settings,
        shop::{Product, Shop},
        wallet::Wallet,
    },
    live::Live,
    outbox::Outbox,
    presence,
    rail::Rail,
    theme,
    ui::{Announcer, AnnouncerRegion, AwayBar, FocusFollows, NotFound, ToastRegion, Toasts},
};

/// The app.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let page = SharedValue::new(Page::of_this_request).into_inner();
    let user = page.viewer.as_ref().map(|person| person.user.to_string());
    let build = page.build.clone();
    provide_context(Shared(Arc::new(page)));
    let (live, toasts) = (Live::new(), Toasts::new());
    let outbox = Outbox::new(live.status.clone());
    let heard = live.clone();
    let localised = Localised(RwSignal::new(false));
    provide_context(localised);
    provide_context(Announcer::new());
    provide_context(live.clone());
    provide_context(outbox.clone());
    provide_context(toasts.clone());

    // Effects run in the browser only, once the page is awake.
    Effect::new(move |_| {
        live.start(user.clone(), build.clone());
        theme::follow();
        localised.0.set(true);
        mark_awake();
        keep_sending(&live, &outbox);
        offer_reload(&live, &toasts);
    });
    // After the connection has been started: effects run in the order in which they are made.
    presence::provide(&heard);
    cart::provide();

    view! {
        <Title formatter=|title: String| if title.is_empty() { "Hubbub".to_owned() } else { format!("{title} · Hubbub") } />
        <a class="skip" href="#main">"Skip to content"</a>
        <Router>
            <FocusFollows />
            <AwayBar />
            <div class="shell">
                <Rail />
                <main id="main" class="main" tabindex="-1">
                    <FlatRoutes fallback=NotFound>
                        <Route path=path!("/") view=Home ssr=SsrMode::Async />
                        <Route path=path!("/sign-in") view=SignIn ssr=SsrMode::Async />
                        <Route path=path!("/register") view=Register ssr=SsrMode::Async />
                        <Route path=path!("/chat/:room?") view=Chat ssr=SsrMode::Async />
                        <Route path=path!("/notifications") view=Notifications ssr=SsrMode::Async />
                        <Route path=path!("/desk") view=Desk ssr=SsrMode::Async />
                        <Route path=path!("/shop") view=Shop ssr=SsrMode::Async />
                        <Route path=path!("/shop/:sku") view=Product ssr=SsrMode::Async />
                        <Route path=path!("/cart") view=CartPage ssr=SsrMode::Async />
                        <Route path=path!("/checkout") view=Checkout ssr=SsrMode::Async />
                        <Route path=path!("/orders") view=Orders ssr=SsrMode::Async />
                        <Route path=path!("/orders/:order") view=Order ssr=SsrMode::Async />
                        <Route path=path!("/wallet") view=Wallet ssr=SsrMode::Async />
                        <Route path=path!("/settings") view=Settings ssr=SsrMode::Async />
                    </FlatRoutes>
                </main>
            </div>
        </Router>
        <ToastRegion />
        <AnnouncerRegion />
    }
}

/// Says that scripts work from here on: what only they can do is shown by the style sheet.
fn mark_awake() {
    if let Some(html) = document().document_element() {
        // Setting an attribute fails for bad names only.
        let _ = html.set_attribute("data-awake", "");
    }
}

/// Sends what waited as soon as there is a network, and what is held before the page may go.
fn keep_sending(live: &Live, outbox: &Outbox) {
    let (status, lost) = (live.clone(), outbox.clone());
    Effect::new(move |before: Option<bool>| {
        let now = status.is_live();
        if now && before == Some(false) {
            lost.retry_lost();
        }
        now
    });
    let (online, hidden) = (outbox.clone(), outbox.clone());
    let online = window_event_listener_untyped("online", move |_| online.retry_lost());
    let hidden = window_event_listener_untyped("pagehide", move |_| hidden.release_all());
    on_cleanup(move || {
        online.remove();
        hidden.remove();
    });
}

/// Offers to reload once the server is of a newer build.
fn offer_reload(live: &Live, toasts: &Toasts) {
    let (outdated, toasts) = (live.outdated.clone(), toasts.clone());
    Effect::new(move |offered: Option<bool>| {
        let offered = offered.unwrap_or(false);
        if outdated.get() && !offered {
            let reload = || {
                // A page that cannot reload itself cannot do anything else about it either.
                let _ = window().location().reload();
            };
            toasts.offer("Hubbub has been updated.", "Reload", None::<Duration>, reload, || ());
        }
        offered || outdated.get()
    });
}

/// Sets the status of the page that is being rendered. In the browser nothing has a status.
#[cfg(feature = "ssr")]
pub(crate) fn set_status(status: u16) {
    if let (Some(options), Ok(status)) =
        (use_context::<leptos_axum::ResponseOptions>(), axum::http::StatusCode::from_u16(status))
    {
        options.set_status(status);
    }
}

/// Sets the status of the page that is being rendered. In the browser nothing has a status.
#[cfg(not(feature = "ssr"))]
pub(crate) fn set_status(_: u16) {}

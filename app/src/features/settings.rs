//! Settings: how it looks, how it is connected, how one is shown, where one is signed in.

use ::live::Wire;
use leptos::prelude::*;
use leptos_meta::Title;

use super::sessions::Sessions;
use crate::{
    context::page,
    forms::CommandFields,
    live::{self, Live},
    theme::{self, Theme},
};

/// The settings.
#[component]
pub fn Settings() -> impl IntoView {
    view! {
        <Title text="Settings" />
        <div class="sheet">
            <h1>"Settings"</h1>
            <Appearance />
            <Connection />
            {page()
                .viewer
                .clone()
                .map(|person| {
                    view! {
                        <Profile name=person.name handle=person.handle.to_string() />
                        <Sessions />
                    }
                })}
        </div>
    }
}

/// Radio buttons that work by themselves once the page is awake, and as a form before.
#[component]
fn Appearance() -> impl IntoView {
    // What the server knows from the cookie, the browser knows from the document.
    let chosen = RwSignal::new(None);
    Effect::new(move |_| chosen.set(Some(theme::current())));
    let rendered = SharedValue::new(|| theme::of_this_request().name().to_owned()).into_inner();
    view! {
        <form class="card" method="get" action="/settings">
            <fieldset class="choices">
                <legend>"Appearance"</legend>
                {Theme::ALL.into_iter()
                    .map(|theme| {
                        let checked = theme.name() == rendered;
                        view! {
                            <label class="choice">
                                <input
                                    type="radio"
                                    name="theme"
                                    value=theme.name()
                                    checked=checked
                                    prop:checked=Signal::derive(move || {
                                        chosen.get().map_or(checked, |chosen| chosen == theme)
                                    })
                                    on:change=move |_| {
                                        theme::choose(theme);
                                        chosen.set(Some(theme));
                                    }
                                />
                                <span>{theme.label()}</span>
                            </label>
                        }
                    })
                    .collect_view()}
            </fieldset>
            <button type="submit" class="button quiet asleep-only">"Use this"</button>
        </form>
    }
}

/// What the browser uses to hear the server. Only scripts connect, so only they can choose.
#[component]
fn Connection() -> impl IntoView {
    let page = use_context::<Live>().unwrap_or_default();
    let chosen = RwSignal::new(None);
    Effect::new(move |_| chosen.set(live::chosen()));
    let ways = [
        (None, "Automatic"),
        (Some(Wire::WebSocket), "WebSocket"),
        (Some(Wire::EventSource), "Server-sent events"),
    ];
    view! {
        <div class="card awake-only">
            <fieldset class="choices">
                <legend>"Connection"</legend>
                {ways
                    .into_iter()
                    .map(|(way, label)| {
                        let page = page.clone();
                        view! {
                            <label class="choice">
                                <input
                                    type="radio"
                                    name="wire"
                                    value=way.map_or("auto", live::name)
                                    checked=way.is_none()
                                    prop:checked=Signal::derive(move || chosen.get() == way)
                                    on:change=move |_| {
                                        page.choose(way);
                                        chosen.set(way);
                                    }
                                />
                                <span>{label}</span>
                            </label>
                        }
                    })
                    .collect_view()}
                <p class="hint">
                    "Automatic is a WebSocket where one can be opened, and server-sent events elsewhere."
                </p>
            </fieldset>
        </div>
    }
}

#[component]
fn Profile(name: String, handle: String) -> impl IntoView {
    let page = page();
    let refused = page.refused("account.change_profile").map(|refused| refused.why.clone());
    let name =
        page.refused("account.change_profile").map_or(name, |_| page.typed("account.change_profile", "name"));
    view! {
        <form class="card stack" method="post" action="/settings">
            <h2>"Profile"</h2>
            {refused.map(|why| view! { <div class="form-error" role="alert"><p>{why}</p></div> })}
            <CommandFields command="account.change_profile" form="settings" />
            <div class="field">
                <label for="name">"Name"</label>
                <input id="name" name="name" type="text" autocomplete="name" required maxlength="40" value=name />
                <p class="hint">{format!("You sign in as @{handle}; that stays.")}</p>
            </div>
            <button type="submit" class="button">"Save"</button>
        </form>
    }
}

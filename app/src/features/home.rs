//! What this is, in one screen, and the ways in.

use leptos::{either::Either, prelude::*};
use leptos_meta::Title;

use crate::{context::page, ui::Icon};

/// The people one may enter as in demo mode: name, handle, what they do.
const PERSONAS: [(&str, &str, &str); 3] =
    [("Ada", "ada", "Customer"), ("Bo", "bo", "Works the desk"), ("Olga", "olga", "Operator")];

/// The start page.
#[component]
pub fn Home() -> impl IntoView {
    view! {
        <Title text="" />
        <div class="home">
            <section class="home-hero">
                <h1>"A small shop’s live floor"</h1>
                <p class="lead">
                    "Everybody talks in rooms, and every page changes the moment something happens. "
                    "No reload, nothing lost: what you see is what is on disk."
                </p>
                <Ways />
            </section>
            <section class="home-points" aria-label="What to expect">
                <Point
                    icon=icondata_lu::LuMessagesSquare
                    title="Rooms that keep up"
                    text="Open to all or private. Edits, replies and unread counts agree on every device."
                />
                <Point
                    icon=icondata_lu::LuWifiOff
                    title="Offline is not a loss"
                    text="What you write waits, goes out once when you are back, and says so if it could not."
                />
                <Point
                    icon=icondata_lu::LuLock
                    title="Private by construction"
                    text="Every event carries who may see it. Nobody reads along by rank."
                />
            </section>
        </div>
    }
}

#[component]
fn Ways() -> impl IntoView {
    let page = page();
    match &page.viewer {
        Some(person) => Either::Left(view! {
            <p class="home-ways">
                <a class="button" href="/chat">"Go to the rooms"</a>
                <span class="muted">{format!("Signed in as {}", person.name)}</span>
            </p>
        }),
        None => Either::Right(view! {
            {page.demo.then(|| view! { <Personas /> })}
            <p class="home-ways">
                <a class="button quiet" href="/sign-in">"Sign in"</a>
                <a class="button quiet" href="/register">"Create an account"</a>
                <a class="link" href="/chat">"Just look around"</a>
            </p>
        }),
    }
}

/// The personas, each a plain form.
#[component]
pub fn Personas() -> impl IntoView {
    view! {
        <ul class="personas">
            {PERSONAS.into_iter()
                .map(|(name, handle, role)| {
                    view! {
                        <li>
                            <form method="post" action=format!("/enter/{handle}")>
                                <button type="submit" class="button">{format!("Enter as {name}")}</button>
                            </form>
                            <span class="muted">{role}</span>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
}

#[component]
fn Point(icon: icondata_core::Icon, title: &'static str, text: &'static str) -> impl IntoView {
    view! {
        <div class="point">
            <Icon icon=icon />
            <h2>{title}</h2>
            <p>{text}</p>
        </div>
    }
}

//! When there is nothing to show: not found, not allowed, not reachable.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use super::asked;
use crate::fault::Fault;

/// No page at this address.
#[component]
pub fn NotFound() -> impl IntoView {
    crate::root::set_status(404);
    view! {
        <Title text="Not found" />
        <section class="problem">
            <p class="problem-code">"404"</p>
            <h1>"There is nothing here"</h1>
            <p>"The address may be mistyped, or what was here is gone."</p>
            <p><a class="button" href="/">"Go to the start"</a></p>
        </section>
    }
}

/// Something that should be here could not be had.
#[component]
pub fn Problem(
    /// Why not.
    fault: Fault,
) -> impl IntoView {
    // What is not in the past now will never be.
    let past = !fault.on_the_way() && untrack(asked()).is_some();
    let (href, label) = match past {
        true => (use_location().pathname.get_untracked(), "Back to now"),
        false => (String::new(), "Try again"),
    };
    let heading = if fault.not_found() { "This is not here" } else { "This did not work" };
    view! {
        <section class="problem">
            <h1>{heading}</h1>
            <p>{fault.why.clone()}</p>
            <p class="problem-actions">
                <a class="button" href=href>{label}</a>
                <a class="button quiet" href="/chat">"All rooms"</a>
            </p>
            <p class="problem-detail"><code>{fault.code}</code></p>
        </section>
    }
}

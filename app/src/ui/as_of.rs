//! From when what is shown is, while the page does not hear the server: said only then.

use leptos::prelude::*;
use live::Status;

use crate::{clock, live::Live, ui::dynamic};

/// “as of 14:03”, or nothing while what is shown is live.
#[component]
pub fn AsOf() -> impl IntoView {
    let status = use_context::<Live>().unwrap_or_default().status;
    let since = RwSignal::new(None);
    Effect::new(move |was_live: Option<bool>| {
        let live = status.with(|status| *status == Status::Live);
        match (was_live, live) {
            (_, true) => since.set(None),
            (Some(true), false) => since.set(Some(clock::local(clock::now()).clock)),
            _ => {}
        }
        live
    });
    view! {
        {dynamic(move || {
            since
                .get()
                .map(|since| view! { <span class="as-of" data-testid="as-of">{format!("as of {since}")}</span> })
        })}
    }
}

//! What stands where a page will be, when it is long in coming.

use leptos::prelude::*;

/// Shown after a moment only: most pages are there before.
#[component]
pub fn Loading() -> impl IntoView {
    view! {
        <div class="sheet loading" role="status">
            <span class="visually-hidden">"Loading…"</span>
            <span class="loading-line"></span>
            <span class="loading-card"></span>
            <span class="loading-card"></span>
            <span class="loading-card"></span>
        </div>
    }
}

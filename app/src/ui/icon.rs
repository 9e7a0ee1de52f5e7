//! Lucide icons, drawn inline. Decoration only: what an icon means is always said in words as well.

use leptos::prelude::*;

/// One icon, as large as the text around it.
#[component]
pub fn Icon(
    /// From `icondata_lu`.
    icon: icondata_core::Icon,
) -> impl IntoView {
    view! {
        <svg
            class="icon"
            viewBox=icon.view_box
            fill="none"
            stroke="currentColor"
            stroke-width="1.75"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
            focusable="false"
            inner_html=icon.data
        ></svg>
    }
}

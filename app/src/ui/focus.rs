//! Where the focus goes when what had it is gone. Only in the browser.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Gives the focus to the first element of the document that a selector matches.
pub fn focus_first(selector: &str) {
    if let Ok(Some(found)) = document().query_selector(selector) {
        // It fails only for an element that cannot have the focus.
        let _ = found.unchecked_into::<HtmlElement>().focus();
    }
}

/// Gives the focus to the page, so that the next key begins at its top.
pub fn focus_page() {
    focus_first("#main");
}

/// Gives the focus back to what had it, if nothing has it since: a button that was disabled for a while loses it.
pub fn focus_again(element: HtmlElement) {
    request_animation_frame(move || {
        if document().active_element().is_none_or(|active| active.tag_name() == "BODY") {
            // It fails only for an element that cannot have the focus.
            let _ = element.focus();
        }
    });
}

/// Gives the focus to each page that one comes to; from room to room it stays in the list of rooms. Within the router.
#[component]
pub fn FocusFollows() -> impl IntoView {
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        let moved =
            |before: &String| *before != now && !(before.starts_with("/chat") && now.starts_with("/chat"));
        if before.as_ref().is_some_and(moved) {
            focus_page();
        }
        now
    });
}

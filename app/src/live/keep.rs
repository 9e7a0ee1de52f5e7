//! What is kept about the wire: what a person has chosen, for this browser; and what worked last, for this tab,
//! so that its next page does not try in vain what did not work on this one.

use leptos::prelude::*;
use live::Wire;
use web_sys::Storage;

/// The name in both storages.
pub(super) const KEY: &str = "wire";

/// `ws` or `sse`.
pub(crate) fn name(wire: Wire) -> &'static str {
    match wire {
        Wire::WebSocket => "ws",
        Wire::EventSource => "sse",
    }
}

fn read(storage: Option<Storage>) -> Option<Wire> {
    let kept = storage?.get_item(KEY).ok()??;
    [Wire::WebSocket, Wire::EventSource].into_iter().find(|wire| name(*wire) == kept)
}

/// What the person has chosen, if not to leave it to us. Only in the browser.
pub(crate) fn chosen() -> Option<Wire> {
    read(window().local_storage().ok().flatten())
}

/// Keeps what the person has chosen. Only in the browser.
pub(super) fn choose(wire: Option<Wire>) {
    if let Ok(Some(storage)) = window().local_storage() {
        // Storage may be full or forbidden: the choice then holds for this page.
        let _ = match wire {
            Some(wire) => storage.set_item(KEY, name(wire)),
            None => storage.remove_item(KEY),
        };
    }
}

/// What worked on the page before. Only in the browser.
pub(super) fn worked() -> Option<Wire> {
    read(window().session_storage().ok().flatten())
}

/// Keeps what works. Only in the browser.
pub(super) fn works(wire: Wire) {
    if let Ok(Some(storage)) = window().session_storage() {
        // Storage may be full or forbidden: the next page then finds out again.
        let _ = storage.set_item(KEY, name(wire));
    }
}

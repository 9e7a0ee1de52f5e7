//! The form that opens a room.

use domain::chat::MAX_TITLE;
use leptos::{ev, prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use crate::{
    calls,
    context::page,
    forms::{self, CommandFields, FormError},
    outbox::fresh_id,
    ui::Icon,
};

const COMMAND: &str = "chat.open_room";

/// An address made of a title: `Tea & cake!` becomes `tea-cake`.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' | '_' => slug.push(c),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(40);
    slug.trim_end_matches('-').to_owned()
}

/// The form, folded away until it is wanted.
#[component]
pub(super) fn OpenRoom() -> impl IntoView {
    let page = page();
    let refused = page.refused(COMMAND).map(|refused| refused.why.clone());
    let open = refused.is_some();
    let fault = RwSignal::new(refused);
    let busy = RwSignal::new(false);
    let address = NodeRef::<leptos::html::Input>::new();
    let details = NodeRef::<leptos::html::Details>::new();
    let touched = RwSignal::new(open);
    let navigate = use_navigate();

    let derive = move |event: ev::Event| {
        let title = event.target().and_then(|input| input.dyn_into::<HtmlInputElement>().ok());
        if let (Some(title), Some(address), false) = (title, address.get_untracked(), touched.get_untracked())
        {
            address.set_value(&slug(&title.value()));
        }
    };
    let submit = move |event: ev::SubmitEvent| {
        let Some((form, fields)) = forms::submitted(&event) else { return };
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let intent = match forms::intent(&fields) {
            Ok(intent) => intent,
            Err(bad) => return fault.set(Some(bad.why)),
        };
        busy.set(true);
        let (navigate, room) = (navigate.clone(), fields.get("room").cloned().unwrap_or_default());
        spawn_local(async move {
            let opened = calls::execute(fresh_id(), &intent).await;
            let _ = busy.try_set(false);
            match opened {
                Ok(_) => {
                    form.reset();
                    let _ = touched.try_set(false);
                    let _ = fault.try_set(None);
                    if let Some(details) = details.try_get_untracked().flatten() {
                        details.set_open(false);
                    }
                    navigate(&format!("/chat/{room}"), leptos_router::NavigateOptions::default());
                }
                Err(refusal) => {
                    let _ = fault.try_set(Some(refusal.why));
                }
            }
        });
    };

    view! {
        <details class="open-room" open=open node_ref=details>
            <summary class="open-room-summary">
                <Icon icon=icondata_lu::LuPlus />
                <span>"New room"</span>
            </summary>
            <form class="stack" method="post" action="" on:submit=submit>
                <FormError id="open-room-error" fault />
                <CommandFields command=COMMAND form="panel" />
                <input type="hidden" name="_next" value="/chat/{room}" />
                <div class="field">
                    <label for="room-title">"Title"</label>
                    <input
                        id="room-title"
                        name="title"
                        type="text"
                        required
                        maxlength=MAX_TITLE.to_string()
                        autocomplete="off"
                        value=page.typed(COMMAND, "title")
                        on:input=derive
                    />
                </div>
                <div class="field">
                    <label for="room-address">"Address"</label>
                    <input
                        id="room-address"
                        name="room"
                        type="text"
                        required
                        pattern="[a-z0-9_\\-]{1,40}"
                        title="1 to 40 of a–z, 0–9, - and _"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        value=page.typed(COMMAND, "room")
                        aria-describedby="room-address-hint"
                        node_ref=address
                        on:input=move |_| touched.set(true)
                    />
                    <p class="hint" id="room-address-hint">"Where it lives: /chat/address"</p>
                </div>
                <label class="choice">
                    <input
                        type="checkbox"
                        name="private:b"
                        value="true"
                        checked=page.typed(COMMAND, "private:b") == "true"
                    />
                    <span>"Private: only members see it"</span>
                </label>
                <button type="submit" class="button" disabled=busy>"Open room"</button>
            </form>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use domain::RoomId;

    use super::*;

    #[test]
    fn an_address_is_made_of_a_title() {
        assert_eq!(slug("Tea & cake!"), "tea-cake");
        assert_eq!(slug("  Été 2026  "), "t-2026");
        assert_eq!(slug("…"), "");
    }

    #[test]
    fn an_address_made_of_any_title_with_a_letter_is_allowed() {
        for title in ["Tea & cake!", &"long title ".repeat(9), "-x-", "A_B"] {
            assert!(RoomId::new(slug(title)).is_ok(), "{title}");
        }
    }
}

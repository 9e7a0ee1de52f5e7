//! Where one writes. The text is the browser's until it is sent: what is typed before the page is awake stays.

use std::{collections::HashMap, sync::Mutex};

use domain::{MessageId, RoomId, chat};
use leptos::{either::Either, ev, html, prelude::*};

use super::{
    room::{RoomState, room},
    rows::{Row, RowState},
    typing::Telling,
};
use crate::{
    context::page,
    forms::CommandFields,
    outbox::outbox,
    rail::sign_in_path,
    ui::{Icon, dynamic},
};

const COMMAND: &str = "chat.post_message";

/// What was begun in rooms that were left. Lives as long as the page.
static DRAFTS: Mutex<Option<HashMap<RoomId, String>>> = Mutex::new(None);

fn keep_draft(room: RoomId, text: String) {
    if let Ok(mut drafts) = DRAFTS.lock() {
        let drafts = drafts.get_or_insert_default();
        if text.is_empty() {
            drafts.remove(&room)
        } else {
            drafts.insert(room, text)
        };
    }
}

fn draft(room: &RoomId) -> Option<String> {
    DRAFTS.lock().ok()?.as_ref()?.get(room).cloned()
}

/// The composer; or, for a visitor, the way to one.
#[component]
pub(super) fn Composer() -> impl IntoView {
    let state = room();
    if state.looking_back {
        return None;
    }
    Some(if page().viewer.is_some() {
        Either::Left(view! { <Writing /> })
    } else {
        Either::Right(view! {
            <p class="composer-visitor">
                <a class="button" href=sign_in_path(&state.path())>"Sign in to write"</a>
            </p>
        })
    })
}

#[component]
fn Writing() -> impl IntoView {
    let state = room();
    let page = page();
    let outbox = outbox();
    let telling = Telling::here(page.viewer.as_ref().map(|person| person.user));
    let area = NodeRef::<html::Textarea>::new();
    let refused = page.refused(COMMAND);
    let why = RwSignal::new(refused.map(|refused| refused.why.clone()));
    let typed = refused.map(|_| page.typed(COMMAND, "text")).filter(|text| !text.is_empty());
    bring_back_draft(state, area, typed.is_some());

    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let Some(area) = area.get_untracked() else { return };
        let text = area.value();
        if text.trim().is_empty() {
            return;
        }
        if text.trim().chars().count() > chat::MAX_TEXT {
            return why.set(Some(chat::Refusal::TooLong.to_string()));
        }
        why.set(None);
        outbox.send(chat::PostMessage {
            room: state.room.get_value(),
            text,
            reply_to: state.replying.get_untracked(),
        });
        telling.stop();
        area.set_value("");
        // It fails only for an element that cannot have the focus.
        let _ = area.focus();
        keep_draft(state.room.get_value(), String::new());
        state.replying.set(None);
        state.mark.set(None);
    };
    let keys = move |event: ev::KeyboardEvent| {
        let Some(area) = area.get_untracked().filter(|_| !event.is_composing()) else { return };
        match event.key().as_str() {
            "Enter" if !event.shift_key() => {
                event.prevent_default();
                if let Some(form) = area.form() {
                    // It fails only for a button that is not the form's.
                    let _ = form.request_submit();
                }
            }
            "ArrowUp" if area.value().is_empty() => {
                if let Some(last) = state.rows.with_untracked(|rows| last_own(rows)) {
                    event.prevent_default();
                    state.editing.set(Some(last));
                }
            }
            "Escape" => state.replying.set(None),
            _ => {}
        }
    };
    let input = move |_| {
        if let Some(area) = area.get_untracked() {
            telling.changed(&area.value());
            keep_draft(state.room.get_value(), area.value());
        }
        if why.get_untracked().is_some() {
            why.set(None);
        }
    };
    let blur = move |_| {
        if area.get_untracked().is_some_and(|area| area.value().trim().is_empty()) {
            telling.stop();
        }
    };
    // Focus follows the wish to answer.
    Effect::new(move |before: Option<()>| {
        if state.replying.get().is_some()
            && before.is_some()
            && let Some(area) = area.get_untracked()
        {
            // It fails only for an element that cannot have the focus.
            let _ = area.focus();
        }
    });
    let title = move || state.feed(|feed| feed.title.clone().unwrap_or_default());
    let placeholder = move || format!("Write to {}", title());
    let room = state.room.with_value(ToString::to_string);
    let form = format!("{room} {:?}", state.replying.get_untracked());

    view! {
        <form class="composer" method="post" action=state.path() on:submit=submit>
            <div id="composer-error" class="composer-error" role="alert">
                {dynamic(move || why.get().map(|why| view! { <p>{why}</p> }))}
            </div>
            <CommandFields command=COMMAND form=form />
            <input type="hidden" name="room" value=room />
            {dynamic(move || state.replying.get().map(|id| view! { <Answering id /> }))}
            <div class="composer-row">
                <label class="visually-hidden" for="composer">"Message"</label>
                {match typed {
                    // Two elements, not one with an optional child: an empty text would be written as a space.
                    Some(typed) => {
                        Either::Left(
                            view! {
                                <textarea
                                    id="composer"
                                    name="text"
                                    rows="1"
                                    required
                                    aria-describedby="composer-error"
                                    aria-invalid="true"
                                    placeholder=placeholder
                                    node_ref=area
                                    on:keydown=keys
                                    on:input=input
                                    on:blur=blur
                                >
                                    {typed}
                                </textarea>
                            },
                        )
                    }
                    None => {
                        Either::Right(
                            view! {
                                <textarea
                                    id="composer"
                                    name="text"
                                    rows="1"
                                    required
                                    aria-describedby="composer-error"
                                    placeholder=placeholder
                                    node_ref=area
                                    on:keydown=keys
                                    on:input=input
                                    on:blur=blur
                                ></textarea>
                            },
                        )
                    }
                }}
                <button type="submit" class="button send">
                    <Icon icon=icondata_lu::LuSend />
                    <span>"Send"</span>
                </button>
            </div>
            <p class="composer-hint" aria-hidden="true">"Enter sends, Shift + Enter makes a new line"</p>
        </form>
    }
}

/// What is being answered, and a way out of it.
#[component]
fn Answering(id: MessageId) -> impl IntoView {
    let state = room();
    let found = state.rows.with_untracked(|rows| {
        rows.iter().rev().find(|row| row.id == id).map(|row| (row.name.clone(), row.text.clone()))
    });
    let (name, text) = found.unwrap_or_default();
    let text: String = text.chars().take(120).collect();
    view! {
        <div class="answering">
            <input type="hidden" name="reply_to" value=id.to_string() />
            <p>
                <span class="quote-who">{format!("Reply to {name}")}</span>
                " "
                <span class="quote-text">{text}</span>
            </p>
            <a
                class="icon-button"
                href=state.path()
                rel="external"
                aria-label="Do not reply"
                on:click=move |event| {
                    event.prevent_default();
                    state.replying.set(None);
                }
            >
                <Icon icon=icondata_lu::LuX />
            </a>
        </div>
    }
}

/// A room's own draft is shown when one comes back to it; another room's is not.
fn bring_back_draft(state: RoomState, area: NodeRef<html::Textarea>, refused: bool) {
    Effect::new(move |_| {
        let Some(area) = area.get().filter(|_| !refused) else { return };
        let room = state.room.get_value();
        let shown = area.get_attribute("data-room");
        // Typed before the page was awake: then nobody has noted yet whose text it is.
        let of_another = shown.is_some_and(|shown| shown != room.as_str());
        if of_another || area.value().is_empty() {
            area.set_value(&draft(&room).unwrap_or_default());
        } else {
            keep_draft(room.clone(), area.value());
        }
        // Setting an attribute fails for bad names only.
        let _ = area.set_attribute("data-room", room.as_str());
    });
}

/// The newest message that the reader wrote and can change.
fn last_own(rows: &[Row]) -> Option<MessageId> {
    let can = |row: &&Row| row.mine && !row.deleted && row.event.is_some() && row.state == RowState::Sent;
    rows.iter().rev().find(can).map(|row| row.id)
}

//! The messages of a room: where they are scrolled to, what of them is read, and what one does to them.
//!
//! The scroller is laid out from its end (`column-reverse`), so that it shows the newest message before any
//! script runs and stays there while messages come in. Whoever has scrolled up keeps what they are reading.

use std::{collections::BTreeMap, time::Duration};

use domain::{MessageId, Position, RoomId, chat, views::FeedMessage};
use leptos::{either::Either, ev, html, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, VisibilityState};

use super::{
    message::Message,
    room::{RoomState, room},
};
use crate::{
    calls,
    context::page,
    forms,
    outbox::{Outbox, fresh_id, outbox},
    ui::{Announcer, Icon, Rows, Toasts, dynamic},
};

/// How many earlier messages come at a time.
const PAGE: usize = 50;

/// Closer to the end than this, in pixels, is at the end.
const END: i32 = 48;

/// How long a deletion can be taken back.
const UNDO: Duration = Duration::from_secs(5);

/// The feed.
#[component]
pub(super) fn Feed() -> impl IntoView {
    let state = room();
    let scroller = NodeRef::<html::Div>::new();
    let below = RwSignal::new(0_usize);
    let (outbox, toasts) = (outbox(), use_context::<Toasts>().unwrap_or_default());
    let retrying = outbox.clone();

    follow_end(state, scroller, below);
    announce(state);
    mark_read(state);

    let on_scroll = move |_| {
        if let Some(scroller) = scroller.get_untracked() {
            let at_end = scroller.scroll_top().abs() < END;
            if at_end != state.at_end.get_untracked() {
                state.at_end.set(at_end);
            }
            if at_end && below.get_untracked() > 0 {
                below.set(0);
            }
        }
    };
    let none = Memo::new(move |_| state.rows.with(Vec::is_empty));

    view! {
        <div class="feed-frame">
            <div
                class="feed-scroller"
                node_ref=scroller
                tabindex="0"
                role="group"
                aria-labelledby="room-title-heading"
                on:scroll=on_scroll
                on:submit=move |event| submit(state, &outbox, &toasts, &event)
                on:click=move |event| click(state, &retrying, &event)
            >
                <div class="feed-whole">
                    <Earlier />
                    {dynamic(move || none.get().then(|| view! { <Nothing /> }))}
                    <div class="feed" role="feed" aria-labelledby="room-title-heading">
                        <Rows each=move || state.rows.get() key=|row| row.id let:row>
                            <Message id=row.id />
                        </Rows>
                    </div>
                </div>
            </div>
            {dynamic(move || {
                (!state.at_end.get())
                    .then(|| {
                        let below = below.get();
                        let label = if below == 0 { "Newest".to_owned() } else { format!("{below} new") };
                        view! {
                            <button
                                type="button"
                                class="to-end"
                                on:click=move |_| state.to_end.update(|times| *times += 1)
                            >
                                <Icon icon=icondata_lu::LuArrowDown />
                                <span>{label}</span>
                            </button>
                        }
                    })
            })}
        </div>
    }
}

/// Before anything was said.
#[component]
fn Nothing() -> impl IntoView {
    view! {
        <div class="feed-nothing">
            <p class="feed-nothing-title">"Nothing has been said here yet"</p>
            <p>"Say the first word. Whoever opens this room will see it at once."</p>
        </div>
    }
}

/// The way to what was said before, and the beginning once one is there.
#[component]
fn Earlier() -> impl IntoView {
    let state = room();
    let first = Memo::new(move |_| {
        let past = state.past.with(|past| past.messages.front().map(|message| message.position));
        past.or_else(|| state.feed(|feed| feed.messages.front().map(|message| message.position)))
    });
    let more = Memo::new(move |_| {
        state.past.with(|past| past.more).unwrap_or_else(|| state.feed(|feed| feed.earlier))
    });
    let newest = state.path();
    view! {
        {move || match first.get().filter(|_| more.get()) {
            Some(before) => {
                Either::Left(
                    view! {
                        <form class="earlier" method="get" action="">
                            <input type="hidden" name="before" value=before.to_string() />
                            <button type="submit" class="button quiet small">"Show earlier messages"</button>
                        </form>
                    },
                )
            }
            None => {
                Either::Right(
                    first.get().map(|_| view! { <p class="beginning">"This is where the room begins."</p> }),
                )
            }
        }}
        {state
            .looking_back
            .then(|| {
                view! {
                    <p class="looking-back">
                        "You are reading older messages. " <a class="link" href=newest rel="external">"Newest messages"</a>
                    </p>
                }
            })}
    }
}

/// Keeps the end in view, or what is being read.
fn follow_end(state: RoomState, scroller: NodeRef<html::Div>, below: RwSignal<usize>) {
    // How high everything was when it was last looked at.
    let height = StoredValue::new(0);
    Effect::new(move |before: Option<Option<MessageId>>| {
        let last = state.rows.with(|rows| rows.last().map(|row| row.id));
        let Some(before) = before else {
            request_animation_frame(move || {
                if let Some(scroller) = scroller.try_get_untracked().flatten() {
                    let _ = height.try_update_value(|height| *height = scroller.scroll_height());
                }
            });
            return last;
        };
        let came = state.rows.with(|rows| {
            let new = rows.iter().rev().take_while(|row| Some(row.id) != before);
            new.map(|row| row.mine).collect::<Vec<_>>()
        });
        let (appended, at_end) = (last != before, state.at_end.get_untracked());
        if appended && came.first() == Some(&true) {
            state.to_end.update(|times| *times += 1);
        } else if appended && !at_end {
            below.update(|below| *below += came.iter().filter(|mine| !**mine).count());
        }
        request_animation_frame(move || {
            let Some(scroller) = scroller.try_get_untracked().flatten() else { return };
            let now = scroller.scroll_height();
            let grown = now - height.try_get_value().unwrap_or(now);
            if appended && !at_end && grown > 0 {
                scroller.set_scroll_top(scroller.scroll_top() - grown);
            }
            let _ = height.try_update_value(|height| *height = now);
        });
        last
    });
    Effect::new(move |_| {
        if state.to_end.get() > 0 {
            request_animation_frame(move || {
                if let Some(scroller) = scroller.try_get_untracked().flatten() {
                    scroller.set_scroll_top(0);
                    let _ = state.at_end.try_set(true);
                    let _ = below.try_set(0);
                }
            });
        }
    });
}

/// Says once what others write.
fn announce(state: RoomState) {
    let announcer = use_context::<Announcer>().unwrap_or_default();
    let me = page().viewer.as_ref().map(|person| person.user);
    Effect::new(move |heard: Option<Position>| {
        state.feed(|feed| {
            let last = feed.messages.back().map_or(Position::START, |message| message.position);
            if let Some(heard) = heard {
                let new = |message: &&FeedMessage| message.position > heard && Some(message.author) != me;
                let mut new: Vec<_> =
                    feed.messages.iter().rev().take_while(|m| m.position > heard).filter(new).collect();
                new.reverse();
                for message in new {
                    announcer.say(format!("{}: {}", message.name, message.text));
                }
            }
            last.max(heard.unwrap_or_default())
        })
    });
}

/// Tells the log how far one has read, while the end is in view and somebody looks.
fn mark_read(state: RoomState) {
    if page().viewer.is_none() || state.looking_back {
        return;
    }
    let visible = RwSignal::new(true);
    let told = RwSignal::new(Position::START);
    Effect::new(move |_| {
        let look = move || document().visibility_state() == VisibilityState::Visible;
        visible.set(look());
        let listener = window_event_listener_untyped("visibilitychange", move |_| {
            let seen = look();
            if !seen && state.at_end.try_get_untracked() == Some(true) {
                // What comes while nobody looks begins with a "New" line.
                let last = state.feed(|feed| feed.messages.back().map(|message| message.position));
                let _ = state.mark.try_set(last);
            }
            let _ = visible.try_set(seen);
        });
        on_cleanup(move || listener.remove());
    });
    let cursor = state.feed.with_value(|feed| feed.cursor.clone());
    let list = state.list.with_value(|list| list.state.clone());
    Effect::new(move |_| {
        let last = state.feed(|feed| feed.messages.back().map(|message| message.position));
        let room = state.room.get_value();
        let read = list.with(|list| list.rooms.get(&room).map(|listed| listed.read));
        let Some(read) = read else { return };
        let upto = last.unwrap_or_else(|| cursor.get_untracked().position);
        // That one has read an empty room is said once: what is said is an event, and the cursor goes past it.
        let unread = last.map_or(read.is_none(), |last| read < Some(last));
        if visible.get() && state.at_end.get() && unread && told.get() < upto {
            told.set(upto);
            spawn_local(tell_read(room, upto, told));
        }
    });
}

async fn tell_read(room: RoomId, upto: Position, told: RwSignal<Position>) {
    let read = chat::MarkRead { room, upto };
    if calls::execute(fresh_id(), &read.into()).await.is_err() {
        // Nobody waits for this; the next message or the next look tries again.
        set_timeout(
            move || {
                let _ = told.try_update(|told| *told = Position::START);
            },
            Duration::from_secs(5),
        );
    }
}

/// A form of the feed, taken over from the server.
fn submit(state: RoomState, outbox: &Outbox, toasts: &Toasts, event: &ev::SubmitEvent) {
    let Some((_, fields)) = forms::submitted(event) else { return };
    let message = |name: &str| fields.get(name).and_then(|id| id.parse::<MessageId>().ok());
    if fields.contains_key("before") {
        event.prevent_default();
        return earlier(state, &fields);
    }
    let asks = [("edit", state.editing), ("reply", state.replying), ("react", state.reacting)];
    if let Some((id, signal)) = asks.iter().find_map(|(name, signal)| Some((message(name)?, *signal))) {
        event.prevent_default();
        let again = signal.get_untracked() == Some(id);
        signal.set((!again).then_some(id));
        return;
    }
    let Ok(intent) = forms::intent(&fields) else { return };
    event.prevent_default();
    match intent {
        domain::Intent::ChatDeleteMessage(_) => {
            let id = outbox.hold(intent);
            let (undo, done) = (outbox.clone(), outbox.clone());
            let undo = move || {
                undo.discard(id);
            };
            toasts.offer("Message deleted.", "Undo", Some(UNDO), undo, move || done.release(id));
            if let Some(announcer) = use_context::<Announcer>() {
                announcer.say("Message deleted. You can undo this.");
            }
        }
        intent => {
            outbox.send(intent);
            state.editing.set(None);
            state.reacting.set(None);
        }
    }
    keep_focus(event.target());
}

/// What had the focus is about to go: the message it belongs to takes it.
pub(super) fn keep_focus(from: Option<web_sys::EventTarget>) {
    let article = from
        .and_then(|from| from.dyn_into::<web_sys::Element>().ok())
        .and_then(|from| from.closest("article").ok().flatten())
        .and_then(|article| article.dyn_into::<HtmlElement>().ok());
    request_animation_frame(move || {
        let lost = document().active_element().is_none_or(|now| now.tag_name() == "BODY");
        if let Some(article) = article.filter(|_| lost) {
            // It fails only for an element that cannot have the focus.
            let _ = article.focus();
        }
    });
}

/// Fetches what was said before.
fn earlier(state: RoomState, fields: &BTreeMap<String, String>) {
    let Some(before) = fields.get("before").and_then(|position| position.parse().ok()) else { return };
    let (room, earlier) = (state.room.get_value(), state.feed(|feed| feed.earlier));
    // From now on the past is kept whole, also while the answer is on its way.
    state.past.update(|past| {
        past.more.get_or_insert(earlier);
    });
    spawn_local(async move {
        let Ok(older) = calls::earlier(room, before).await else { return };
        let _ = state.past.try_update(|past| {
            past.more = Some(older.len() >= PAGE);
            for message in older.into_iter().rev() {
                if past.messages.front().is_none_or(|front| message.position < front.position) {
                    past.messages.push_front(message);
                }
            }
        });
    });
}

/// A button of the feed that only scripts show.
fn click(state: RoomState, outbox: &Outbox, event: &ev::MouseEvent) {
    let button = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|target| target.closest("[data-act]").ok().flatten())
        .and_then(|button| button.dyn_into::<HtmlElement>().ok());
    let Some(button) = button else { return };
    let command = || button.get_attribute("data-command").and_then(|id| id.parse().ok());
    match button.get_attribute("data-act").as_deref() {
        Some("retry") => {
            if let Some(id) = command() {
                outbox.retry(id);
            }
        }
        Some("discard") => {
            if let Some(id) = command() {
                outbox.discard(id);
            }
        }
        Some("cancel-edit") => {
            event.prevent_default();
            state.editing.set(None);
            keep_focus(event.target());
        }
        _ => {}
    }
}

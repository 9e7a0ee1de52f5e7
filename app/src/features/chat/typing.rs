//! The line that says who is typing, and what tells others that oneself is.

use std::time::Duration;

use domain::{Actor, Event, Pattern, Subject, UserId};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    room::room,
    typists::{Composing, LASTS_MS, Typists},
};
use crate::{clock, context::page, live::Live, ui::dynamic};

/// When to look who has stopped without a word: no timer runs early by more than the little that is added.
const LASTS: Duration = Duration::from_millis(LASTS_MS.unsigned_abs() + 50);

/// What a person says of their typing; the server adds the name.
#[derive(Deserialize)]
struct Heard {
    typing: bool,
    name: String,
}

/// Who else is typing. It has its place whether anybody is or not, so that nothing moves; and it is read out
/// only when somebody goes there.
#[component]
pub(super) fn TypingLine() -> impl IntoView {
    let typists = RwSignal::new(Typists::default());
    listen(typists);
    let sentence = Memo::new(move |_| typists.with(Typists::sentence));
    view! {
        <p class="typing" data-testid="typing" aria-live="off">
            {dynamic(move || {
                sentence
                    .get()
                    .map(|sentence| {
                        view! {
                            <span class="typing-dots" aria-hidden="true">
                                <span></span>
                                <span></span>
                                <span></span>
                            </span>
                            <span class="typing-who">{sentence}</span>
                        }
                    })
            })}
        </p>
    }
}

fn listen(typists: RwSignal<Typists>) {
    let state = room();
    let me = page().viewer.as_ref().map(|person| person.user);
    let pattern = state.room.with_value(|room| Pattern::new(format!("signal.typing.{room}.*")));
    let tick = move || {
        let _ = typists.try_update(|typists| typists.tick(clock::now().millis()));
    };
    if let (Some(live), Ok(pattern)) = (use_context::<Live>(), pattern) {
        live.on_signal(pattern, move |_, data, actor| {
            let user = actor.and_then(Actor::user).filter(|user| Some(*user) != me);
            let (Some(user), Ok(heard)) = (user, serde_json::from_str::<Heard>(data)) else { return };
            // The room may be about to go.
            let _ = typists.try_update(|typists| {
                if heard.typing {
                    typists.hear(user, heard.name, clock::now().millis());
                    set_timeout(tick, LASTS);
                } else {
                    typists.stop(user);
                }
            });
        });
    }
    // Whoever has said it is not typing it any more.
    state.feed.with_value(|feed| {
        feed.tap(move |_, envelope| {
            if let Event::ChatMessagePosted(said) = &envelope.event
                && typists.try_with_untracked(|typists| typists.has(said.author)) == Some(true)
            {
                typists.update(|typists| typists.stop(said.author));
            }
        });
    });
}

/// Tells the room that one types. Cheap to copy; lives as long as the composer.
#[derive(Clone, Copy)]
pub(super) struct Telling(StoredValue<Told>);

struct Told {
    live: Live,
    /// Where it is told; `None` for a visitor.
    subject: Option<Subject>,
    composing: Composing,
}

impl Telling {
    /// In the room that this component is in. When it is left, or the page is, that is told, too.
    pub(super) fn here(me: Option<UserId>) -> Self {
        let subject =
            room().room.with_value(|room| Subject::new(format!("signal.typing.{room}.{}", me?)).ok());
        let live = use_context::<Live>().unwrap_or_default();
        let this = Self(StoredValue::new(Told { live, subject, composing: Composing::default() }));
        Effect::new(move |_| {
            let listener = window_event_listener_untyped("pagehide", move |_| this.stop());
            on_cleanup(move || {
                listener.remove();
                this.stop();
            });
        });
        this
    }

    /// The text has changed.
    pub(super) fn changed(self, text: &str) {
        let empty = text.trim().is_empty();
        self.tell(|composing, now| if empty { composing.stop(now) } else { composing.typed(now) });
    }

    /// The text was sent, given up or left.
    pub(super) fn stop(self) {
        self.tell(Composing::stop);
    }

    fn tell(self, what: impl FnOnce(&mut Composing, i64) -> Option<bool>) {
        let _ = self.0.try_update_value(|told| {
            let typing = what(&mut told.composing, clock::now().millis());
            if let (Some(typing), Some(subject)) = (typing, told.subject.clone()) {
                told.live.signal(subject, &format!("{{\"typing\":{typing}}}"));
            }
        });
    }
}

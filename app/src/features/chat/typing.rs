//! The line that says who is typing, and what tells others that oneself is.

use std::time::Duration;

use domain::{Actor, Event, Pattern, Subject, UserId};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use serde::Deserialize;

use super::{
    room::room,
    typists::{Composing, Typists},
};
use crate::{clock, context::page, live::Live, ui::dynamic};

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
    if let (Some(live), Ok(pattern)) = (use_context::<Live>(), pattern) {
        live.on_signal(pattern, move |_, data, actor| {
            let user = actor.and_then(Actor::user).filter(|user| Some(*user) != me);
            let (Some(user), Ok(heard)) = (user, serde_json::from_str::<Heard>(data)) else { return };
            // The room may be about to go.
            let _ = typists.try_update(|typists| {
                if heard.typing {
                    typists.hear(user, heard.name, clock::now().millis());
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
    Effect::new(move |before: Option<Option<TimeoutHandle>>| {
        if let Some(timer) = before.flatten() {
            timer.clear();
        }
        let at = typists.with(Typists::next_timer)?;
        let wait = u64::try_from(at - clock::now().millis()).unwrap_or(0);
        let tick = move || {
            let _ = typists.try_update(|typists| typists.tick(clock::now().millis()));
        };
        set_timeout_with_handle(tick, Duration::from_millis(wait)).ok()
    });
}

/// Tells the room that one types. Cheap to copy; lives as long as the composer.
#[derive(Clone, Copy)]
pub(super) struct Telling {
    live: StoredValue<Live>,
    /// Where it is told; `None` for a visitor.
    subject: StoredValue<Option<Subject>>,
    composing: StoredValue<Composing>,
}

impl Telling {
    /// In the room that this component is in. When it is left, or the page is, that is told, too.
    pub(super) fn here(me: Option<UserId>) -> Self {
        let subject =
            room().room.with_value(|room| Subject::new(format!("signal.typing.{room}.{}", me?)).ok());
        let telling = Self {
            live: StoredValue::new(use_context::<Live>().unwrap_or_default()),
            subject: StoredValue::new(subject),
            composing: StoredValue::new(Composing::default()),
        };
        Effect::new(move |_| {
            let listener = window_event_listener_untyped("pagehide", move |_| telling.stop());
            on_cleanup(move || {
                listener.remove();
                telling.stop();
            });
        });
        telling
    }

    /// The text has changed.
    pub(super) fn changed(self, text: &str) {
        let empty = text.trim().is_empty();
        self.tell(|composing| composing.changed(empty, clock::now().millis()));
    }

    /// The text was sent, given up or left.
    pub(super) fn stop(self) {
        self.tell(|composing| composing.stop(clock::now().millis()));
    }

    fn tell(self, what: impl FnOnce(&mut Composing) -> Option<bool>) {
        let told = self.composing.try_update_value(what).flatten();
        let subject = self.subject.try_get_value().flatten();
        if let (Some(typing), Some(subject), Some(live)) = (told, subject, self.live.try_get_value()) {
            live.signal(subject, if typing { r#"{"typing":true}"# } else { r#"{"typing":false}"# });
        }
    }
}

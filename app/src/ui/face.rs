//! A person's circle with what they do now: a filled dot while they are online, a hollow one while they are
//! idle, none while they are away. The shape tells, not only the colour.

use domain::UserId;
use leptos::prelude::*;
use live::presence::State;

use super::{Avatar, dynamic, passing};
use crate::presence::{presence, word};

/// The circle. The name itself stands beside it.
#[component]
pub fn Face(
    /// What the person is shown as.
    #[prop(into)]
    name: String,
    /// Who it is.
    user: UserId,
    /// Whether the word for it stands beside it, too.
    #[prop(optional)]
    worded: bool,
) -> impl IntoView {
    let presence = presence();
    let state = passing(move || presence.state(user));
    let here = move || state.get().filter(|state| *state != State::Away).map(word);
    let title = Signal::derive(move || here().map(ToOwned::to_owned));
    view! {
        <span class="face" data-presence=Signal::derive(move || state.get().map_or("unknown", name_of)) title=title>
            <Avatar name />
            <span class="presence-dot" aria-hidden="true"></span>
            {(!worded)
                .then(|| {
                    view! {
                        <span class="visually-hidden">
                            {dynamic(move || here().map(|word| format!("{word}: ")))}
                        </span>
                    }
                })}
        </span>
    }
}

/// As the style sheet calls it.
fn name_of(state: State) -> &'static str {
    match state {
        State::Online => "online",
        State::Idle => "idle",
        State::Away => "away",
    }
}

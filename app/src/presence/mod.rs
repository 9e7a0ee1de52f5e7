//! Who is here, as this page knows it: everybody's state as the server tells it, and what it tells the server
//! about the person in front of it.
//!
//! | module | holds |
//! |---|---|
//! | this | [`Presence`]: handed down by context, and fed from the page's one connection |
//! | `here` | what is known of whom, pure |
//! | `activity` | what the person does, and when the server is told |

mod activity;
mod here;

use std::time::Duration;

use domain::{Pattern, UserId};
use leptos::prelude::*;
use live::presence::State;
use serde::Deserialize;

use self::{activity::Reporter, here::Here};
use crate::{context::page, live::Live};

/// Where the server says who is here.
const EVERYBODY: &str = "signal.presence.*";

/// What was known before the connection broke is believed for this long, counted from the break and again
/// from when it is mended: a moment without a line, or a restart of the server, makes nothing flicker. It is
/// a little longer than anybody's page waits before it comes back.
const BELIEVED: Duration = Duration::from_secs(35);

/// Who is here. Cheap to copy; lives as long as the page.
#[derive(Debug, Clone, Copy)]
pub struct Presence(RwSignal<Here>);

impl Presence {
    /// What is known of somebody now; `None` while nothing is known of anybody. Tracks.
    #[must_use]
    pub fn state(self, user: UserId) -> Option<State> {
        self.0.with(|here| here.state(user))
    }

    /// Whether somebody is here, active or not. Tracks.
    #[must_use]
    pub fn is_here(self, user: UserId) -> bool {
        matches!(self.state(user), Some(State::Online | State::Idle))
    }
}

/// Who is here, on the page this component is on.
#[must_use]
pub fn presence() -> Presence {
    use_context().unwrap_or_else(|| Presence(RwSignal::new(Here::default())))
}

/// The word for a state.
#[must_use]
pub fn word(state: State) -> &'static str {
    match state {
        State::Online => "Online",
        State::Idle => "Idle",
        State::Away => "Away",
    }
}

/// What the server says about one person.
#[derive(Deserialize)]
struct Told {
    state: State,
}

/// Listens to who is here and, for whoever is signed in, tells the server what they do. For the app's root.
pub(crate) fn provide(live: &Live) {
    let here = RwSignal::new(Here::default());
    provide_context(Presence(here));
    let everybody = Pattern::new(EVERYBODY).expect("the constant is a pattern");
    live.on_signal(everybody, move |_, data, actor| {
        let user = actor.and_then(domain::Actor::user);
        if let (Some(user), Ok(Told { state })) = (user, serde_json::from_str(data)) {
            here.update(|here| here.hear(user, state));
        }
    });
    let reporter = page().viewer.as_ref().and_then(|person| Reporter::watch(live, person.user));
    let live = live.clone();
    Effect::new(move |before: Option<bool>| {
        let connected = live.is_live();
        if before.is_some_and(|before| before != connected) {
            let turn = here.try_update(|here| here.turned(connected)).unwrap_or_default();
            let settle = move || {
                let _ = here.try_update(|here| here.settle(turn));
            };
            set_timeout(settle, BELIEVED);
        }
        if connected && let Some(reporter) = reporter {
            reporter.connected();
        }
        connected
    });
}

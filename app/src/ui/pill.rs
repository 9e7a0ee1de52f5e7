//! How the page is connected, in one pill. What lasts less than two seconds is not worth a word.

use std::time::Duration;

use leptos::prelude::*;
use live::{Status, Wire};

use crate::{
    live::Live,
    outbox::outbox,
    ui::{Announcer, dynamic},
};

/// How long a trouble may last before it is shown.
const GRACE: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Connecting,
    Live,
    Reconnecting,
    Offline,
}

impl Shown {
    fn of(status: &Status) -> Self {
        match status {
            Status::Live => Shown::Live,
            Status::Connecting | Status::Reconnecting { .. } => Shown::Reconnecting,
            Status::Offline | Status::Stopped { .. } => Shown::Offline,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Shown::Connecting => "connecting",
            Shown::Live => "live",
            Shown::Reconnecting => "reconnecting",
            Shown::Offline => "offline",
        }
    }

    fn label(self, wire: Wire, waiting: usize) -> String {
        let label = match self {
            Shown::Connecting => "Connecting",
            Shown::Live if wire == Wire::EventSource => return "Live · SSE".to_owned(),
            Shown::Live => return "Live · WS".to_owned(),
            Shown::Reconnecting => "Reconnecting",
            Shown::Offline => "Offline",
        };
        if waiting == 0 { label.to_owned() } else { format!("{label}, {waiting} queued") }
    }
}

/// The pill.
#[component]
pub fn ConnectionPill() -> impl IntoView {
    let shown = RwSignal::new(Shown::Connecting);
    let live = use_context::<Live>().unwrap_or_default();
    let outbox = outbox();
    let announcer = use_context::<Announcer>().unwrap_or_default();
    let (status, wire) = (live.status.clone(), live.wire.clone());

    Effect::new(move |_| {
        let wanted = status.with(Shown::of);
        let current = shown.get_untracked();
        if wanted == Shown::Live {
            if !matches!(current, Shown::Live | Shown::Connecting) {
                announcer.say("Connected again.");
            }
            shown.set(Shown::Live);
            return;
        }
        let (status, announcer) = (status.clone(), announcer.clone());
        set_timeout(
            move || {
                let now = status.with_untracked(Shown::of);
                if now != Shown::Live && shown.try_get_untracked().is_some_and(|before| before != now) {
                    announcer.say(if now == Shown::Offline { "You are offline." } else { "Reconnecting." });
                    let _ = shown.try_set(now);
                }
            },
            GRACE,
        );
    });

    view! {
        <p class="pill" data-testid="connection" data-state=Signal::derive(move || shown.get().name())>
            <span class="pill-dot" aria-hidden="true"></span>
            <span class="pill-text">{dynamic(move || shown.get().label(wire.get(), outbox.waiting()))}</span>
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pill_counts_what_waits_only_while_it_waits() {
        assert_eq!(Shown::Live.label(Wire::WebSocket, 3), "Live · WS");
        assert_eq!(Shown::Live.label(Wire::EventSource, 0), "Live · SSE");
        assert_eq!(Shown::Offline.label(Wire::WebSocket, 2), "Offline, 2 queued");
        assert_eq!(Shown::Reconnecting.label(Wire::EventSource, 0), "Reconnecting");
    }
}

//! Short notes at the page's edge, each with at most one thing to do about it. They are said by whoever shows
//! them, with the [`Announcer`](super::Announcer).

use std::{sync::Arc, time::Duration};

use leptos::{either::Either, ev, prelude::*};

use super::{Icon, focus_page};

/// For how long a note that tells something is shown.
const TOLD: Duration = Duration::from_secs(8);

/// A note stays for so long after somebody was seen at it, and as long again.
const LINGERS: Duration = Duration::from_secs(2);

type Act = Arc<dyn Fn() + Send + Sync>;

/// What there is to do about it.
#[derive(Clone)]
enum Offer {
    Act {
        label: &'static str,
        act: Act,
        gone: Act,
    },
    /// To go to a path of this site.
    Go(String),
}

#[derive(Clone)]
struct Toast {
    nth: u64,
    text: String,
    offer: Offer,
}

/// The notes that are shown now.
#[derive(Clone)]
pub struct Toasts {
    shown: ArcRwSignal<Vec<Toast>>,
    count: ArcRwSignal<u64>,
}

impl Toasts {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self { shown: ArcRwSignal::new(Vec::new()), count: ArcRwSignal::new(0) }
    }

    /// Shows a note with one button. `act` runs if it is pressed; `gone` if the note goes by itself or is
    /// put away. Without `after` it stays. Only in the browser.
    pub fn offer(
        &self,
        text: impl Into<String>,
        label: &'static str,
        after: Option<Duration>,
        act: impl Fn() + Send + Sync + 'static,
        gone: impl Fn() + Send + Sync + 'static,
    ) {
        self.show(text.into(), Offer::Act { label, act: Arc::new(act), gone: Arc::new(gone) }, after);
    }

    /// Shows for a while what has happened, in the place of what was told before about the same page, unless
    /// somebody is at that. Only in the browser.
    pub fn tell(&self, text: impl Into<String>, path: impl Into<String>) {
        let path = path.into();
        let is_about = |offer: &Offer| matches!(offer, Offer::Go(other) if *other == path);
        self.shown.update(|shown| shown.retain(|toast| is_held(toast.nth) || !is_about(&toast.offer)));
        self.show(text.into(), Offer::Go(path), Some(TOLD));
    }

    fn show(&self, text: String, offer: Offer, after: Option<Duration>) {
        let nth = self.count.get_untracked();
        self.count.set(nth + 1);
        self.shown.update(|shown| shown.push(Toast { nth, text, offer }));
        if let Some(after) = after {
            self.end_after(nth, after);
        }
    }

    /// Ends a note in time, unless somebody is at it with the pointer or the focus.
    fn end_after(&self, nth: u64, after: Duration) {
        let this = self.clone();
        let over = move || match is_held(nth) {
            true => this.end_after(nth, LINGERS),
            false => this.end(nth, false),
        };
        set_timeout(over, after);
    }

    fn end(&self, nth: u64, acted: bool) {
        let ended = self
            .shown
            .try_update(|shown| shown.iter().position(|toast| toast.nth == nth).map(|at| shown.remove(at)))
            .flatten();
        if let Some(Toast { offer: Offer::Act { act, gone, .. }, .. }) = ended {
            if acted { act() } else { gone() }
        }
    }

    /// Puts a note away at somebody's wish. The focus, which was in it, goes to the page.
    fn put_away(&self, nth: u64) {
        self.end(nth, false);
        focus_page();
    }
}

/// Whether somebody is at a note.
fn is_held(nth: u64) -> bool {
    let held = format!("[data-toast='{nth}']:is(:hover, :focus-within)");
    document().query_selector(&held).is_ok_and(|found| found.is_some())
}

impl Default for Toasts {
    fn default() -> Self {
        Self::new()
    }
}

/// Where they are shown.
#[component]
pub fn ToastRegion() -> impl IntoView {
    let toasts = use_context::<Toasts>().unwrap_or_default();
    let shown = toasts.shown.clone();
    view! {
        <div class="toasts">
            <For each=move || shown.get() key=|toast| toast.nth let:toast>
                <Note toasts=toasts.clone() toast />
            </For>
        </div>
    }
}

#[component]
fn Note(toasts: Toasts, toast: Toast) -> impl IntoView {
    let Toast { nth, text, offer } = toast;
    let (acts, closes, escapes) = (toasts.clone(), toasts.clone(), toasts);
    let act = move |_: ev::MouseEvent| acts.end(nth, true);
    let key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            escapes.put_away(nth);
        }
    };
    view! {
        <div class="toast" data-toast=nth.to_string() on:keydown=key>
            <p>{text}</p>
            {match offer {
                Offer::Act { label, .. } => {
                    Either::Left(view! { <button type="button" class="toast-act" on:click=act>{label}</button> })
                }
                Offer::Go(path) => Either::Right(view! { <a class="toast-act" href=path on:click=act>"Show"</a> }),
            }}
            <button type="button" class="icon-button" aria-label="Close" on:click=move |_| closes.put_away(nth)>
                <Icon icon=icondata_lu::LuX />
            </button>
        </div>
    }
}

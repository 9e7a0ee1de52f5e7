//! Short notes at the page's edge, each with at most one thing to do about it.

use std::{sync::Arc, time::Duration};

use leptos::prelude::*;

use crate::ui::Icon;

type Act = Arc<dyn Fn() + Send + Sync>;

#[derive(Clone)]
struct Toast {
    nth: u64,
    text: String,
    label: &'static str,
    act: Act,
    gone: Act,
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
        let nth = self.count.get_untracked();
        self.count.set(nth + 1);
        let toast = Toast { nth, text: text.into(), label, act: Arc::new(act), gone: Arc::new(gone) };
        self.shown.update(|shown| shown.push(toast));
        if let Some(after) = after {
            let this = self.clone();
            set_timeout(move || this.end(nth, false), after);
        }
    }

    fn end(&self, nth: u64, acted: bool) {
        let ended = self
            .shown
            .try_update(|shown| shown.iter().position(|toast| toast.nth == nth).map(|at| shown.remove(at)))
            .flatten();
        if let Some(toast) = ended {
            if acted { (toast.act)() } else { (toast.gone)() }
        }
    }
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
                {
                    let (acts, ends) = (toasts.clone(), toasts.clone());
                    let nth = toast.nth;
                    view! {
                        <div class="toast">
                            <p>{toast.text}</p>
                            <button type="button" class="toast-act" on:click=move |_| acts.end(nth, true)>
                                {toast.label}
                            </button>
                            <button
                                type="button"
                                class="icon-button"
                                aria-label="Close"
                                on:click=move |_| ends.end(nth, false)
                            >
                                <Icon icon=icondata_lu::LuX />
                            </button>
                        </div>
                    }
                }
            </For>
        </div>
    }
}

//! The page's one status region. What happens within half a second is said together, so that a busy room
//! does not talk over itself.

use std::time::Duration;

use leptos::prelude::*;

use crate::ui::dynamic;

/// How long to collect before speaking.
const COLLECT: Duration = Duration::from_millis(500);

/// How long it stands there. A message that is deleted later must not be left over here.
const STANDS: Duration = Duration::from_secs(5);

/// More than this at once is summed up.
const AT_MOST: usize = 3;

/// Says things to whoever listens to the page.
#[derive(Debug, Clone)]
pub struct Announcer {
    waiting: ArcRwSignal<Vec<String>>,
    said: ArcRwSignal<String>,
}

impl Announcer {
    /// Silent.
    #[must_use]
    pub fn new() -> Self {
        Self { waiting: ArcRwSignal::new(Vec::new()), said: ArcRwSignal::new(String::new()) }
    }

    /// Says something soon. Only in the browser.
    pub fn say(&self, text: impl Into<String>) {
        let first = self
            .waiting
            .try_update(|waiting| {
                waiting.push(text.into());
                waiting.len() == 1
            })
            .unwrap_or(false);
        if first {
            let this = self.clone();
            set_timeout(
                move || {
                    let waiting = this.waiting.try_update(std::mem::take).unwrap_or_default();
                    this.show(together(&waiting));
                },
                COLLECT,
            );
        }
    }

    fn show(&self, text: String) {
        self.said.set(text.clone());
        let said = self.said.clone();
        let over = move || {
            if said.with_untracked(|said| *said == text) {
                said.set(String::new());
            }
        };
        set_timeout(over, STANDS);
    }
}

impl Default for Announcer {
    fn default() -> Self {
        Self::new()
    }
}

fn together(texts: &[String]) -> String {
    if texts.len() > AT_MOST {
        format!("{} new updates. {}", texts.len(), texts[texts.len() - 1])
    } else {
        texts.join(" ")
    }
}

/// Where it is said.
#[component]
pub fn AnnouncerRegion() -> impl IntoView {
    let said = use_context::<Announcer>().unwrap_or_default().said;
    view! { <div id="announcer" class="visually-hidden" role="status">{dynamic(move || said.get())}</div> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_read_out_and_many_are_summed_up() {
        let texts = |n: usize| (1..=n).map(|n| format!("{n}.")).collect::<Vec<_>>();
        assert_eq!(together(&texts(2)), "1. 2.");
        assert_eq!(together(&texts(9)), "9 new updates. 9.");
    }
}

//! Says so when the page can no longer do anything: its person has left, in this tab or another, or the server
//! will not have it.

use leptos::{either::Either, prelude::*};
use leptos_router::hooks::use_location;
use live::{CloseCode, Status};

use crate::{live::Live, rail::sign_in_path, ui::dynamic};

#[derive(Clone, PartialEq, Eq)]
enum Away {
    /// Another tab has signed in as somebody else, or out: what is done here would be done as them.
    Replaced,
    SignedOut,
    /// A sentence of the server's.
    Stopped(String),
}

impl Away {
    fn of(status: &Status, replaced: bool) -> Option<Self> {
        match status {
            _ if replaced => Some(Away::Replaced),
            Status::Stopped { code, .. } if *code == u16::from(CloseCode::Unauthorised) => {
                Some(Away::SignedOut)
            }
            Status::Stopped { why, .. } => Some(Away::Stopped(why.clone())),
            _ => None,
        }
    }

    fn text(&self) -> &str {
        match self {
            Away::Replaced => {
                "You have signed in or out in another tab. This page is still as it was before."
            }
            Away::SignedOut => "You have been signed out. Nothing new is shown here until you sign in again.",
            Away::Stopped(why) => why,
        }
    }
}

/// The bar at the top, if there is something to say.
#[component]
pub fn AwayBar() -> impl IntoView {
    let live = use_context::<Live>().unwrap_or_default();
    let path = use_location().pathname;
    let away = Memo::new(move |_| live.status.with(|status| Away::of(status, live.replaced.get())));
    let reload = |_| {
        // A page that cannot reload itself cannot do anything else about it either.
        let _ = window().location().reload();
    };
    view! {
        <div class="away" role="alert">
            {dynamic(move || {
                away.get()
                    .map(|away| {
                        let act = if away == Away::SignedOut {
                            Either::Left(
                                view! { <a class="button quiet" rel="external" href=sign_in_path(&path.get_untracked())>"Sign in"</a> },
                            )
                        } else {
                            Either::Right(view! { <button type="button" class="button quiet" on:click=reload>"Reload"</button> })
                        };
                        view! { <p>{away.text().to_owned()}</p> {act} }
                    })
            })}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_something_to_say_only_when_something_must_be_done() {
        let stopped = |code: u16| Status::Stopped { code, why: "Reload the page.".into() };
        assert!(Away::of(&Status::Live, false).is_none());
        assert!(Away::of(&Status::Offline, false).is_none());
        assert!(Away::of(&stopped(4010), false) == Some(Away::SignedOut));
        assert!(Away::of(&stopped(4003), false).is_some_and(|away| away.text() == "Reload the page."));
        assert!(Away::of(&stopped(4010), true) == Some(Away::Replaced), "which is why it was stopped");
    }
}

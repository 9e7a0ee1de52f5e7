//! Looking back: a page as it was at one of its steps, the way to the other steps, and the way back to now. All of
//! it is addresses, so it works without a script, and going back goes back.

use domain::{Position, Timestamp, view::Snapshot};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{Icon, dynamic, focus_first, focus_page};
use crate::{
    clock,
    fault::Fault,
    live::{self, Fetch},
};

/// Something that has happened, and that can be looked back at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it stands in the log.
    pub position: Position,
    /// When it happened.
    pub time: Timestamp,
    /// What happened.
    pub what: &'static str,
}

/// As of when the address asks for the page; nothing, for now. Tracks.
pub fn asked() -> impl Fn() -> Option<String> + Copy + Send + Sync {
    let query = use_query_map();
    move || query.with(|query| query.get("at")).filter(|at| !at.is_empty())
}

/// What a page shows: as it is now, and, if that is asked for, as it was.
pub type NowAndThen<V> = (Snapshot<V>, Option<Snapshot<V>>);

/// Asks for what a page shows.
pub async fn now_and_then<V, F: Future<Output = Result<Snapshot<V>, Fault>>>(
    at: Option<String>,
    ask: impl Fn(Option<String>) -> F,
) -> Result<NowAndThen<V>, Fault> {
    let now = ask(None).await?;
    let then = match at {
        Some(at) => Some(ask(Some(at)).await?),
        None => None,
    };
    Ok((now, then))
}

/// What a page shows, and all that has happened to it. These are one and live, unless it is looked back: that does not
/// move.
pub fn shown_and_whole<V: Fetch>(
    key: V::Key,
    (now, then): NowAndThen<V>,
) -> (ArcRwSignal<V>, ArcRwSignal<V>) {
    match then {
        Some(then) => (ArcRwSignal::new(then.view), ArcRwSignal::new(now.view)),
        None => {
            let state = live::view::<V>(key, now).state;
            (state.clone(), state)
        }
    }
}

/// Where a step is seen from the one that is shown; nothing while none is.
pub fn seen(step: Position, from: Option<Position>) -> Option<&'static str> {
    match step.cmp(&from?) {
        std::cmp::Ordering::Less => Some("before"),
        std::cmp::Ordering::Equal => Some("shown"),
        std::cmp::Ordering::Greater => Some("later"),
    }
}

/// The step before the one at this position, that one, and the one after it.
fn around(steps: &[Step], at: Position) -> [Option<&Step>; 3] {
    let after = steps.partition_point(|step| step.position <= at);
    let back = |by: usize| after.checked_sub(by).and_then(|nth| steps.get(nth));
    [back(2), back(1), steps.get(after)]
}

/// The page as it was at a step.
fn then(path: &str, step: Position) -> String {
    format!("{path}?at={step}")
}

/// The bar above a page that is shown as it was. The focus comes to it: what had it is not on this page any more.
#[component]
pub fn PastBar(
    /// The page as it is now.
    path: String,
    /// Everything that can be looked back at, the oldest first.
    steps: Vec<Step>,
    /// The step that is shown.
    at: Position,
) -> impl IntoView {
    let awake = clock::awake();
    if awake.get_untracked() {
        request_animation_frame(|| focus_first(".past"));
    }
    let [earlier, shown, later] = around(&steps, at);
    let step = |step: Option<&Step>, label: &'static str| {
        step.map(
            |step| view! { <a class="past-go" href=then(&path, step.position) data-noscroll="">{label}</a> },
        )
    };
    let when = shown.map(|step| step.time).map(|time| dynamic(move || clock::when(time, awake.get())));
    view! {
        <section class="past" tabindex="-1" aria-labelledby="past" data-testid="past">
            <Icon icon=icondata_lu::LuHistory />
            <p id="past">"As it was: " {when} ". " <strong>{shown.map(|step| step.what)}</strong></p>
            {step(earlier, "Earlier")}
            {step(later, "Later")}
            <a class="past-go" href=path.clone() on:click=|_| focus_page()>"Back to now"</a>
        </section>
    }
}

/// When a step happened; it leads to the page as it was then.
#[component]
pub fn Then(
    /// The page as it is now.
    path: String,
    /// The step.
    step: Step,
    /// The step that is shown, if one is.
    at: Option<Position>,
    /// How its time is written, from whether the page is awake.
    written: fn(Timestamp, bool) -> String,
) -> impl IntoView {
    let awake = clock::awake();
    view! {
        <a
            class="then"
            href=then(&path, step.position)
            title="As it was then"
            data-noscroll=""
            aria-current=(at == Some(step.position)).then_some("true")
        >
            {dynamic(move || written(step.time, awake.get()))}
            <span class="visually-hidden">", as it was then"</span>
        </a>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_found_with_its_neighbours_wherever_one_asks() {
        let step = |position| Step {
            position: Position(position),
            time: Timestamp::from_millis(0),
            what: "Something",
        };
        let steps = [step(3), step(5), step(9)];
        let found = |at| around(&steps, Position(at)).map(|step| step.map(|step| step.position.0));
        assert_eq!(found(2), [None, None, Some(3)]);
        assert_eq!(found(3), [None, Some(3), Some(5)]);
        assert_eq!(
            found(8),
            [Some(3), Some(5), Some(9)],
            "between two steps it is as it was after the first"
        );
        assert_eq!(found(90), [Some(5), Some(9), None]);
    }

    #[test]
    fn nothing_is_later_than_now() {
        assert_eq!(seen(Position(7), None), None);
        assert_eq!(seen(Position(7), Some(Position(7))), Some("shown"));
        assert_eq!(seen(Position(8), Some(Position(7))), Some("later"));
    }
}

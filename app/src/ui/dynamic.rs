//! A part of a page that changes, with its type rubbed out. Every closure in a view is otherwise compiled
//! into its own copy of building, hydrating and changing; most of a page's WebAssembly would be that.

use leptos::{
    prelude::*,
    reactive::{
        computed::ArcMemo,
        graph::{Subscriber, ToAnySubscriber},
    },
};

/// What [`dynamic`] makes.
pub type Dynamic = Box<dyn Fn() -> AnyView + Send>;

/// A part of a page that is made again whenever a signal it reads changes.
pub fn dynamic<V: IntoView + 'static>(part: impl Fn() -> V + Send + 'static) -> Dynamic
where
    View<V>: IntoAny,
{
    Box::new(move || part().into_view().into_any())
}

/// A memo of a part that comes and goes, about something that stays. What a memo has read knows it for ever otherwise,
/// if it is a memo or does not change: the page would grow, and each change take longer, with every part that was
/// ever shown.
pub fn passing<T: PartialEq + Send + Sync + 'static>(
    read: impl Fn() -> T + Send + Sync + 'static,
) -> Memo<T> {
    let memo = ArcMemo::new(move |_| read());
    let reader = memo.to_any_subscriber();
    on_cleanup(move || reader.clear_sources(&reader));
    memo.into()
}

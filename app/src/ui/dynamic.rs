//! A part of a page that changes, with its type rubbed out. Every closure in a view is otherwise compiled
//! into its own copy of building, hydrating and changing; most of a page's WebAssembly would be that.

use leptos::prelude::*;

/// What [`dynamic`] makes.
pub type Dynamic = Box<dyn Fn() -> AnyView + Send>;

/// A part of a page that is made again whenever a signal it reads changes.
pub fn dynamic<V: IntoView + 'static>(part: impl Fn() -> V + Send + 'static) -> Dynamic
where
    View<V>: IntoAny,
{
    Box::new(move || part().into_view().into_any())
}

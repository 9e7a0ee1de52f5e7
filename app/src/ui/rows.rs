//! The rows of a list that goes on and on, in which new ones come and old ones go.

use std::{
    hash::Hash,
    sync::{Arc, Mutex},
};

use leptos::{
    prelude::*,
    tachys::{
        reactive_graph::OwnedView,
        view::keyed::{SerializableKey, keyed},
    },
};

/// So many rows, one after another, belong to one owner.
const TOGETHER: usize = 256;

/// As [`For`], for lists that are never through: an owner remembers each that was ever made below it, so each row
/// belongs to one of many owners, which go when all of their rows have gone.
#[component]
pub fn Rows<T, K, N>(
    /// What the rows are about. Tracks.
    each: impl Fn() -> Vec<T> + Send + 'static,
    /// What tells one from another.
    key: impl Fn(&T) -> K + Send + Clone + 'static,
    /// The row.
    children: impl Fn(T) -> N + Send + Clone + 'static,
) -> impl IntoView
where
    T: Send + 'static,
    K: Eq + Hash + SerializableKey + 'static,
    N: IntoView + 'static,
{
    let list = Owner::current().expect("a component has an owner");
    let some = Arc::new(Mutex::new((list.with(Owner::new), 0)));
    let row = move |_, item| {
        let some = {
            let mut some = some.lock().expect("no holder of this lock panics");
            if some.1 == TOGETHER {
                *some = (list.with(Owner::new), 0);
            }
            some.1 += 1;
            some.0.clone()
        };
        let owner = some.with(Owner::new);
        let view = owner.with(|| {
            // It stays until this row goes.
            on_cleanup(move || drop(some));
            children(item)
        });
        (drop, OwnedView::new_with_owner(view, owner))
    };
    move || keyed(each(), key.clone(), row.clone())
}

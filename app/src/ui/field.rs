//! Fields that say what a view says, without taking back what was typed before the page woke up.

use leptos::{html, prelude::*};

/// Lets a field follow a text whenever that changes, though not from the beginning: what stands in the field
/// when the page wakes up may have been typed already.
pub fn follow(field: NodeRef<html::Input>, text: impl Fn() -> String + 'static) {
    Effect::new(move |before: Option<String>| {
        let now = text();
        if before.is_some_and(|before| before != now)
            && let Some(field) = field.get_untracked()
            && field.value() != now
        {
            field.set_value(&now);
        }
        now
    });
}

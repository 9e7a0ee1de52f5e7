//! A person as a circle with initials. Ink, like all chrome: colour means that an event happened.

use leptos::prelude::*;

/// Up to two initials of a name.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    let last = words.next_back();
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

/// The circle. The name itself stands beside it.
#[component]
pub fn Avatar(
    /// What the person is shown as.
    #[prop(into)]
    name: String,
) -> impl IntoView {
    view! { <span class="avatar" aria-hidden="true">{initials(&name)}</span> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_the_first_and_the_last() {
        assert_eq!(initials("Ada"), "A");
        assert_eq!(initials("Olga van der Berg"), "OB");
        assert_eq!(initials("  …  "), "");
    }
}

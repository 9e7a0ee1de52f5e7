//! What the server knows about a request before the page is rendered, and the part of it that the browser
//! needs to render the same page again: [`Page`].

use std::{collections::BTreeMap, sync::Arc};

use domain::{CommandId, account::Person, view::Snapshot, views::CartView};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who is signed in. Provided by the server to every page and server function.
#[derive(Debug, Clone, Default)]
pub struct Viewer(pub Option<Person>);

/// The cart of whoever is signed in. Provided by the server to every page.
#[derive(Debug, Clone, Default)]
pub struct InCart(pub Option<Snapshot<CartView>>);

/// Whether one may enter as one of the personas without a password.
#[derive(Debug, Clone, Copy, Default)]
pub struct Demo(pub bool);

/// The server's build.
#[derive(Debug, Clone, Copy)]
pub struct Build(pub &'static str);

/// A plain form that was refused. Provided by the server when it renders the form's page again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What was asked for: a command's name, `sign-in` or `register`.
    pub command: String,
    /// The command's id. Refusals are not stored, so the same id may be tried again.
    pub id: CommandId,
    /// What was typed, by the field's name. Never a password.
    pub values: BTreeMap<String, String>,
    /// The refusal's stable code.
    pub code: String,
    /// The refusal as a sentence.
    pub why: String,
}

/// A token that was made just now. Provided by the server when it answers the form that made it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// What its owner calls it.
    pub name: String,
    /// What the program shall send. It is shown this once.
    pub secret: String,
}

/// Never shows the secret: this may end up in logs.
impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What both renders of a page share. Rendered into the page by the server, read back by the browser.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Who is signed in. It does not change while the page lives: signing in and out load a new page.
    pub viewer: Option<Person>,
    /// What they mean to buy. Every page shows how much that is.
    pub cart: Option<Snapshot<CartView>>,
    /// Whether the personas are offered.
    pub demo: bool,
    /// The plain form that was refused, if this page is the answer to one.
    pub refused: Option<Refused>,
    /// The token that was made, if this page is the answer to that.
    pub issued: Option<Issued>,
    /// What the ids of the page's plain forms are made from.
    pub seed: Uuid,
    /// The server's build. A page of another offers to reload.
    pub build: String,
}

impl Page {
    /// From what the server has provided; empty where nothing was.
    #[must_use]
    pub fn of_this_request() -> Self {
        Self {
            viewer: use_context::<Viewer>().and_then(|Viewer(person)| person),
            cart: use_context::<InCart>().and_then(|InCart(cart)| cart),
            demo: use_context::<Demo>().is_some_and(|Demo(demo)| demo),
            refused: use_context::<Refused>(),
            issued: use_context::<Issued>(),
            seed: fresh_seed(),
            build: use_context::<Build>().map(|Build(build)| build.to_owned()).unwrap_or_default(),
        }
    }

    /// The id for a plain form of this page. The same form gets the same id in both renders, so that a form
    /// sent twice is carried out once.
    #[must_use]
    pub fn id(&self, form: &str) -> CommandId {
        CommandId(Uuid::new_v5(&self.seed, form.as_bytes()))
    }

    /// The refusal, if it answers this command.
    #[must_use]
    pub fn refused(&self, command: &str) -> Option<&Refused> {
        self.refused.as_ref().filter(|refused| refused.command == command)
    }

    /// What was typed into a field of a form that was refused; empty otherwise.
    #[must_use]
    pub fn typed(&self, command: &str, field: &str) -> String {
        self.refused(command).and_then(|refused| refused.values.get(field)).cloned().unwrap_or_default()
    }
}

#[cfg(feature = "ssr")]
fn fresh_seed() -> Uuid {
    Uuid::now_v7()
}

#[cfg(not(feature = "ssr"))]
fn fresh_seed() -> Uuid {
    Uuid::nil()
}

/// The page's shared facts, cheap to hand about.
#[derive(Debug, Clone)]
pub struct Shared(pub Arc<Page>);

/// The page this component is on.
#[must_use]
pub fn page() -> Arc<Page> {
    use_context::<Shared>().map(|Shared(page)| page).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_keeps_its_id_and_two_forms_have_two() {
        let page = Page { seed: Uuid::from_u128(7), ..Page::default() };
        assert_eq!(page.id("post lobby"), page.id("post lobby"));
        assert_ne!(page.id("post lobby"), page.id("post desk"));
    }

    #[test]
    fn what_was_typed_comes_back_to_its_own_form_only() {
        let refused = Refused {
            command: "chat.open_room".into(),
            id: CommandId(Uuid::nil()),
            values: BTreeMap::from([("title".to_owned(), "Tea".to_owned())]),
            code: "chat.bad_title".into(),
            why: "A title is needed.".into(),
        };
        let page = Page { refused: Some(refused), ..Page::default() };
        assert_eq!(page.typed("chat.open_room", "title"), "Tea");
        assert_eq!(page.typed("chat.post_message", "title"), "");
    }
}

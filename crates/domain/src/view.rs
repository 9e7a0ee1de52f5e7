//! A view: a pure read model that the server and the page fold alike.
//!
//! **The view law.** A view folds only events that its viewer can see, and says itself which those are, from
//! its own state: a membership it has folded opens a room to it, and closes it again. Hence, for every
//! history and every viewer: *the view at n, plus the visible events after n, equals a fresh view.*
//! `tests/view_law.rs` holds it for every view, over generated histories.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    audience::{Audience, Token},
    envelope::{Cursor, Envelope},
    subject::Pattern,
};

/// A view together with how far it has been folded. A page renders it and goes live from its cursor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot<V> {
    /// The view.
    pub view: V,
    /// The view's own position, never the head's.
    pub cursor: Cursor,
}

/// A pure read model.
pub trait View:
    Clone + std::fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Its name in addresses and in the store, `room_feed`.
    const NAME: &'static str;

    /// What one instance is about: a room, a person.
    type Key: Clone + std::fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The view before any event.
    fn empty(key: &Self::Key) -> Self;

    /// What it must be fed, in order: every event that this pattern matches and its viewer may see.
    fn pattern(key: &Self::Key) -> Pattern;

    /// The event types that it folds. Events of other types leave it as it is, so nobody need feed them.
    const KINDS: &'static [&'static str];

    /// Who may ask for it: whoever holds this token.
    fn viewer(key: &Self::Key) -> Token;

    /// Whether its viewer, as the view knows them so far, may see an event with this audience.
    fn sees(&self, audience: &Audience) -> bool;

    /// Takes one event in that it sees. Events it does not care about leave it as it is.
    fn fold(&mut self, envelope: &Envelope);

    /// Takes one event in if it is for this view: the only way a view is fed.
    fn feed(&mut self, envelope: &Envelope) {
        if self.sees(&envelope.meta.audience) {
            self.fold(envelope);
        }
    }
}

//! A view: a pure read model that the server and the page fold alike.
//!
//! **The view law.** A view folds only events that its viewer can see, and says itself which those are, from
//! its own state: a membership it has folded opens a room to it, and closes it again. Hence, for every
//! history and every viewer: *the view at n, plus the visible events after n, equals a fresh view.*
//! `tests/view_law.rs` holds it for every view, over generated histories.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    audience::Audience,
    envelope::{Cursor, Envelope},
    ids::UserId,
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

    /// Whose view it is; `None` if it is the same for everybody. Only they may ask for it.
    fn viewer(key: &Self::Key) -> Option<UserId>;

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

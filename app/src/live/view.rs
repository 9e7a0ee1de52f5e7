//! A view that folds itself.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    Cursor, Envelope, Pattern, View,
    view::Snapshot,
    views::{RoomFeed, RoomList},
};
use leptos::prelude::*;

use super::{Live, fresh_sid};
use crate::{calls, fault::Fault};

/// A view the server can be asked for again, when reading on from a cursor is not possible or not worth it.
pub trait Fetch: View {
    /// Its short name on the wire.
    const SID: &'static str;

    /// A fresh one.
    fn fetch(key: Self::Key) -> impl Future<Output = Result<Snapshot<Self>, Fault>> + Send;
}

impl Fetch for RoomFeed {
    const SID: &'static str = "feed";

    async fn fetch(key: Self::Key) -> Result<Snapshot<Self>, Fault> {
        calls::room_feed(key.room).await
    }
}

impl Fetch for RoomList {
    const SID: &'static str = "rooms";

    async fn fetch(_: Self::Key) -> Result<Snapshot<Self>, Fault> {
        calls::room_list().await
    }
}

/// What looks at an event before it is folded.
type Tap<V> = Box<dyn Fn(&V, &Envelope) + Send>;

/// The signals of a live view.
pub struct LiveView<V: View> {
    /// The view as it is now.
    pub state: ArcRwSignal<V>,
    /// Everything up to here has been folded.
    pub cursor: ArcRwSignal<Cursor>,
    /// Set when the server no longer shows this view.
    pub lost: ArcRwSignal<Option<Fault>>,
    key: V::Key,
    taps: Arc<Mutex<Vec<Tap<V>>>>,
}

impl<V: View> Clone for LiveView<V> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            cursor: self.cursor.clone(),
            lost: self.lost.clone(),
            key: self.key.clone(),
            taps: Arc::clone(&self.taps),
        }
    }
}

impl<V: View> LiveView<V> {
    /// Calls `tap` with the view and each event of its pattern before the event is folded.
    pub fn tap(&self, tap: impl Fn(&V, &Envelope) + Send + 'static) {
        self.taps.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(tap));
    }
}

/// What the driver needs of a view, whatever it shows.
pub(super) trait Reader: Send {
    fn pattern(&self) -> Pattern;
    fn cursor(&self) -> Cursor;
    fn apply(&self, envelope: &Envelope);
    fn advanced(&self, cursor: Cursor);
    fn refetch(&self) -> Pin<Box<dyn Future<Output = Result<Cursor, Fault>>>>;
    fn gone(&self, fault: Fault);
}

impl<V: Fetch> Reader for LiveView<V> {
    fn pattern(&self) -> Pattern {
        V::pattern(&self.key)
    }

    fn cursor(&self) -> Cursor {
        self.cursor.get_untracked()
    }

    fn apply(&self, envelope: &Envelope) {
        for tap in self.taps.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            self.state.with_untracked(|view| tap(view, envelope));
        }
        self.state.update(|view| view.feed(envelope));
    }

    fn advanced(&self, cursor: Cursor) {
        self.cursor.set(cursor);
    }

    fn refetch(&self) -> Pin<Box<dyn Future<Output = Result<Cursor, Fault>>>> {
        let this = self.clone();
        Box::pin(async move {
            let fresh = V::fetch(this.key.clone()).await?;
            this.state.set(fresh.view);
            this.cursor.set(fresh.cursor);
            Ok(fresh.cursor)
        })
    }

    fn gone(&self, fault: Fault) {
        self.lost.set(Some(fault));
    }
}

/// Makes a snapshot live, until the current owner is cleaned up.
pub fn view<V: Fetch>(key: V::Key, snapshot: Snapshot<V>) -> LiveView<V> {
    let view = LiveView {
        state: ArcRwSignal::new(snapshot.view),
        cursor: ArcRwSignal::new(snapshot.cursor),
        lost: ArcRwSignal::new(None),
        key,
        taps: Arc::default(),
    };
    let sid = fresh_sid(V::SID);
    if let Some(live) = use_context::<Live>() {
        let (page, name, reader) = (live.clone(), sid.clone(), view.clone());
        // Runs in the browser only, and after the root has started the connection.
        Effect::new(move |_| {
            if let Some(driver) = page.driver() {
                driver.subscribe(name.clone(), Box::new(reader.clone()));
            }
        });
        on_cleanup(move || {
            if let Some(driver) = live.driver() {
                driver.unsubscribe(&sid);
            }
        });
    }
    view
}

//! The page's side of the live protocol. A component asks for [`view`] and gets signals; it knows no socket.
//!
//! | module | holds |
//! |---|---|
//! | this | [`Live`]: the page's one connection, its status, and the views that hang on it |
//! | `view` | a view that folds itself |
//! | `shop`, `staff` | the shop's views and the desk, as they are fetched anew |
//! | `driver` | timers and page events, driving a [`live::Tab`] |
//! | `showing` | what becomes of what the session says |
//! | `wire` | the browser's WebSocket and EventSource |
//! | `neighbours` | the other tabs of the browser: a channel and locks |
//! | `clock` | how much time has passed |
//! | `keep` | which wire was chosen, and which worked |
//!
//! A view is folded from the callback, event by event: a signal holds only the latest value, so an effect
//! could miss one. On the server nothing connects and a view is its snapshot.

mod clock;
mod driver;
mod keep;
mod neighbours;
mod shop;
mod showing;
mod staff;
mod view;
mod wire;

use std::{
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use domain::{Actor, Pattern, Subject};
use leptos::prelude::*;
use live::{Sid, Status, Wire};
use send_wrapper::SendWrapper;
use serde_json::value::RawValue;

pub(crate) use keep::{chosen, name};
pub use view::{Fetch, LiveView, view};

/// What the page knows of its connection.
#[derive(Clone)]
struct State {
    status: ArcRwSignal<Status>,
    wire: ArcRwSignal<Wire>,
    outdated: ArcRwSignal<bool>,
    replaced: ArcRwSignal<bool>,
}

/// The page's one connection. Made by the app's root and handed down by context; cheap to clone.
#[derive(Clone)]
pub struct Live {
    /// How the page is connected.
    pub status: ArcRwSignal<Status>,
    /// What carries it.
    pub wire: ArcRwSignal<Wire>,
    /// Whether the server is of a newer build than this page.
    pub outdated: ArcRwSignal<bool>,
    /// Whether somebody else, or nobody, is signed in to this browser by now: another tab has said so.
    pub replaced: ArcRwSignal<bool>,
    /// The driver lives on the browser's one thread, and nowhere else.
    driver: Arc<Mutex<Option<SendWrapper<driver::Driver>>>>,
}

impl Live {
    /// Not connected yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            status: ArcRwSignal::new(Status::Connecting),
            wire: ArcRwSignal::new(Wire::WebSocket),
            outdated: ArcRwSignal::new(false),
            replaced: ArcRwSignal::new(false),
            driver: Arc::default(),
        }
    }

    /// Connects, and stays connected until the current owner is cleaned up. The tabs of the same `user`, or
    /// of nobody, in one browser share a connection. `build` is the server's that the page is of. Only in the browser.
    pub fn start(&self, user: Option<String>, build: String) {
        let state = State {
            status: self.status.clone(),
            wire: self.wire.clone(),
            outdated: self.outdated.clone(),
            replaced: self.replaced.clone(),
        };
        let driver = driver::Driver::new(state, user, build);
        driver.start();
        *self.driver.lock().unwrap_or_else(PoisonError::into_inner) = Some(SendWrapper::new(driver));
        let held = Arc::clone(&self.driver);
        on_cleanup(move || {
            if let Some(driver) = held.lock().unwrap_or_else(PoisonError::into_inner).take() {
                driver.stop();
            }
        });
    }

    /// Whether events come in as they happen.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.status.with(|status| *status == Status::Live)
    }

    /// Sends something ephemeral: a subject under `signal.`, and JSON. Forgotten if the page is not live, or the
    /// text is not JSON. Only in the browser.
    pub fn signal(&self, subject: Subject, data: &str) {
        if let (Some(driver), Ok(data)) = (self.driver(), RawValue::from_string(data.to_owned())) {
            driver.signal(subject, data);
        }
    }

    /// Calls `on` with each signal that the pattern matches (its subject, its data as JSON, and who sent it),
    /// until the current owner is cleaned up. On the server nothing is heard.
    pub fn on_signal(&self, pattern: Pattern, on: impl Fn(&Subject, &str, Option<&Actor>) + 'static) {
        let sid = fresh_sid("signal");
        let (live, name, on) = (self.clone(), sid.clone(), Rc::new(on) as driver::Hear);
        // Runs in the browser only, and after the root has started the connection.
        Effect::new(move |_| {
            if let Some(driver) = live.driver() {
                driver.hear(name.clone(), pattern.clone(), Rc::clone(&on));
            }
        });
        let live = self.clone();
        on_cleanup(move || {
            if let Some(driver) = live.driver() {
                driver.unsubscribe(&sid);
            }
        });
    }

    /// Connects over this wire only, here and in every tab of this browser; `None` leaves it to the page. Only in
    /// the browser.
    pub(crate) fn choose(&self, wish: Option<Wire>) {
        keep::choose(wish);
        if let Some(driver) = self.driver() {
            driver.choose(wish);
        }
    }

    fn driver(&self) -> Option<driver::Driver> {
        let held = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().map(|driver| (**driver).clone())
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

/// A name for a subscription that no other of this page has.
fn fresh_sid(name: &str) -> Sid {
    static NTH: AtomicU64 = AtomicU64::new(0);
    let sid = format!("{name}-{}", NTH.fetch_add(1, Ordering::Relaxed));
    Sid::new(sid).expect("a short name and a number make a name")
}

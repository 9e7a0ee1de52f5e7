//! The page's side of the live protocol. A component asks for [`view`] and gets signals; it knows no socket.
//!
//! | module | holds |
//! |---|---|
//! | this | [`Live`]: the page's one connection, its status, and the views that hang on it |
//! | `socket` | the browser's WebSocket, timers and page events, driving a [`live::ClientSession`] |
//!
//! A view is folded from the callback, event by event: a signal holds only the latest value, so an effect
//! could miss one. On the server nothing connects and a view is its snapshot.

mod socket;
mod view;

use std::sync::{Arc, Mutex, PoisonError};

use leptos::prelude::*;
use live::Status;
use send_wrapper::SendWrapper;

pub use view::{Fetch, LiveView, view};

/// The page's one connection. Made by the app's root and handed down by context; cheap to clone.
#[derive(Clone)]
pub struct Live {
    /// How the page is connected.
    pub status: ArcRwSignal<Status>,
    /// Whether the server is of a newer build than this page.
    pub outdated: ArcRwSignal<bool>,
    /// The driver lives on the browser's one thread, and nowhere else.
    driver: Arc<Mutex<Option<SendWrapper<socket::Driver>>>>,
}

impl Live {
    /// Not connected yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            status: ArcRwSignal::new(Status::Connecting),
            outdated: ArcRwSignal::new(false),
            driver: Arc::default(),
        }
    }

    /// Connects, and stays connected until the current owner is cleaned up. Only in the browser.
    pub fn start(&self) {
        let driver = socket::Driver::new(self.status.clone(), self.outdated.clone());
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

    fn driver(&self) -> Option<socket::Driver> {
        let held = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().map(|driver| (**driver).clone())
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

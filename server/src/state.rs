//! What every handler can reach.

use std::{convert::Infallible, sync::Arc};

use axum::extract::FromRef;
use backend::Backend;
use leptos::config::LeptosOptions;
use tokio::sync::{mpsc, watch};

use crate::{config::Settings, limits::Limits, presence::Presence, work::Work};

#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) backend: Backend,
    pub(crate) settings: Arc<Settings>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) leptos: LeptosOptions,
    /// Who is here; every stream of a signed-in person enters it.
    pub(crate) presence: Presence,
    /// The services and projections.
    pub(crate) work: Arc<Work>,
    /// Turns true when the server stops: open streams say goodbye.
    pub(crate) draining: watch::Receiver<bool>,
    /// Held by everything that is still at work; a stopping server waits until nobody holds it.
    pub(crate) _at_work: mpsc::Sender<Infallible>,
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}

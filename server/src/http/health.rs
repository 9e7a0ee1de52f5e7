//! `/healthz`: the process is alive. `/readyz`: it can do its work; if not, it says what it cannot.

use axum::{Json, Router, extract::State, response::IntoResponse, routing::get};
use serde_json::json;

use crate::{problem::Problem, state::AppState};

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/healthz", get(|| async { "alive\n" })).route("/readyz", get(ready))
}

async fn ready(State(state): State<AppState>) -> impl IntoResponse {
    if *state.draining.borrow() {
        return Err(Problem::new(503, "server.closing", "The server is stopping."));
    }
    match state.backend.writable().await {
        Ok(()) => Ok(Json(json!({ "ready": true, "position": state.backend.head() }))),
        Err(why) => Err(Problem::new(503, "store.unavailable", why)),
    }
}

//! `/healthz`: the process is alive. `/readyz`: it can do its work; if not, it says what it cannot.

use axum::{Json, extract::State, response::IntoResponse};
use serde_json::json;

use super::call::{Call, component};
use crate::{problem::Problem, state::AppState};

pub(super) fn calls() -> Vec<Call> {
    vec![
        Call::get("alive", "/healthz", || async { "alive\n" })
            .says("Health", "Is the process alive?", "")
            .answers(200, "It is.", Some(("text/plain", json!({ "type": "string" })))),
        Call::get("ready", "/readyz", ready)
            .says("Health", "Can it do its work?", "")
            .answers(200, "It can.", Some(("application/json", component("Readiness"))))
            .problems(&[(503, "server.closing"), (503, "service.stuck"), (503, "store.unavailable")]),
    ]
}

async fn ready(State(state): State<AppState>) -> impl IntoResponse {
    if *state.draining.borrow() {
        return Err(Problem::new(503, "server.closing", "The server is stopping."));
    }
    if let Err(why) = state.backend.writable().await {
        return Err(Problem::new(503, "store.unavailable", why));
    }
    let stuck = state.work.stuck();
    if !stuck.is_empty() {
        let why = format!("These services are behind and do not move: {}.", stuck.join(", "));
        return Err(Problem::new(503, "service.stuck", why));
    }
    Ok(Json(json!({ "ready": true, "position": state.backend.head() })))
}

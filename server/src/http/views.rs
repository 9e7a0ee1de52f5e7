//! `GET /api/views/{name}/{id}`: a view, now or as it was.

use axum::{
    Extension, Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use backend::{At, Caller, named::VIEWS};
use domain::Scope;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    api::JSON,
    call::{Call, component},
};
use crate::{problem::Problem, state::AppState};

pub(super) fn calls() -> Vec<Call> {
    let ids: Vec<String> = VIEWS.iter().map(|(name, id)| format!("`{name}`: {id}")).collect();
    let names = VIEWS.map(|(name, _)| name);
    vec![
        Call::get("view", "/api/views/{name}/{id}", view)
            .says("Views", "Read a view", "Now, or as it was at a position of the log or an instant.")
            .anybody(Some(Scope::Read))
            .takes("path", "name", "Which view.", json!({ "enum": names }))
            .takes(
                "path",
                "id",
                &format!("What it is about. {}.", ids.join("; ")),
                json!({ "type": "string", "examples": ["all", "me"] }),
            )
            .takes(
                "query",
                "at",
                "As of when: a position, or an instant (RFC 3339).",
                json!({ "type": "string", "examples": ["42", "2026-11-21T10:00:00Z"] }),
            )
            .answers(200, "The view.", Some((JSON, component("Snapshot"))))
            .problems(&[
                (400, "query.bad_instant"),
                (400, "request.bad_query"),
                (400, "subscription.past_head"),
                (401, "account.sign_in_first"),
                (404, "query.no_view"),
                (404, "query.not_found"),
                (429, "request.too_many"),
                (503, "server.closing"),
                (503, "store.unavailable"),
            ]),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewQuery {
    at: Option<String>,
}

async fn view(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path((name, id)): Path<(String, String)>,
    query: Result<Query<ViewQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query?;
    let at = query.at.map(|text| text.parse::<At>()).transpose()?;
    Ok(Json(state.backend.view_by_name(&caller, &name, &id, at).await?))
}

//! The HTTP API: JSON in, JSON out, errors as problem+json.

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, header},
    middleware::{from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::any,
};
use backend::Caller;
use domain::{CommandId, Intent, Pattern, Position, Recorded, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    accounts,
    call::{Call, component, routes},
    ingest, services, stored, views,
};
use crate::{
    limits,
    problem::{PROBLEM_JSON, Problem},
    state::AppState,
};

/// The most events in one answer.
const MOST_EVENTS: usize = 1_000;

/// The calls of this module and its neighbours; see also [`super::openapi`].
pub(super) fn calls() -> Vec<Call> {
    let page = component("EventPage");
    let mut calls = accounts::calls();
    calls.extend(ingest::calls());
    calls.extend(views::calls());
    calls.extend(services::calls());
    calls.extend(stored::calls());
    calls.extend([
        Call::post("command", "/api/commands/{type}", command)
            .says("Commands", "Carry out a command", "Any command of the contract; each has its own page here.")
            .needs(Scope::Command)
            .takes("header", "Idempotency-Key", IDEMPOTENCY_KEY, uuid())
            .takes(
                "query",
                "expectedversion",
                "The version that the command's own stream must have; otherwise the command is refused.",
                json!({ "type": "integer", "minimum": 0 }),
            )
            .answers(200, "Its events are on disk.", Some((JSON, component("Receipt"))))
            .problems(&[
                (400, "command.bad_idempotency_key"),
                (400, "command.malformed"),
                (400, "request.bad_query"),
                (400, "request.malformed"),
                (404, "command.malformed"),
                (404, "service.not_found"),
                (409, "command.id_reused"),
                (409, "command.version_conflict"),
                (413, "request.refused"),
                (429, "request.too_many"),
                (503, "server.closing"),
                (503, "store.unavailable"),
            ]),
        Call::get("events", "/api/events", events)
            .says("Events", "Read the log", "In order, as far as you may see it. An empty page is not the end: go on from `next` until it no longer moves.")
            .anybody(Some(Scope::Read))
            .takes("query", "match", "A pattern of subjects: `*` is one token, `>` the rest.", json!({ "type": "string", "default": ">", "examples": ["chat.lobby.>"] }))
            .takes("query", "after", "The position to go on from.", json!({ "type": "integer", "minimum": 0, "default": 0 }))
            .takes("query", "limit", "The most events to answer with.", json!({ "type": "integer", "minimum": 1, "maximum": MOST_EVENTS, "default": 100 }))
            .answers(200, "A page of the log.", Some((JSON, page)))
            .problems(&[
                (400, "request.bad_query"),
                (400, "subscription.bad_pattern"),
                (400, "subscription.bad_position"),
                (400, "subscription.past_head"),
                (429, "request.too_many"),
                (503, "server.closing"),
                (503, "store.unavailable"),
            ]),
        Call::get("event", "/api/events/{id}", event)
            .says("Events", "Read one event", "")
            .anybody(Some(Scope::Read))
            .takes("path", "id", "The event's id.", uuid())
            .answers(200, "The event.", Some((JSON, component("Event"))))
            .problems(&[
                (400, "request.bad_id"),
                (404, "query.not_found"),
                (429, "request.too_many"),
                (503, "store.unavailable"),
            ]),
    ]);
    calls
}

/// What a caller's own id is good for.
pub(super) const IDEMPOTENCY_KEY: &str =
    "Your own id for this: sending it again with the same id changes nothing, and is answered alike.";

pub(super) const JSON: &str = "application/json";

pub(super) fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

pub(super) fn router(state: &AppState) -> Router<AppState> {
    routes(calls())
        .route(
            "/api/{*rest}",
            any(|| async { Problem::new(404, "api.no_such_call", "There is no such call.") }),
        )
        .method_not_allowed_fallback(|| async {
            Problem::new(405, "api.method_not_allowed", "This address does not answer to that method.")
        })
        .layer(from_fn_with_state(state.clone(), limits::count_reads))
        .layer(map_response(explain))
}

/// What the framework refuses by itself (a broken address) is a problem like any other.
async fn explain(response: Response) -> Response {
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    let json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    if !failed || json {
        return response;
    }
    let detail = status.canonical_reason().unwrap_or("The request cannot be answered.");
    Problem::new(status.as_u16(), "request.refused", detail).into_response()
}

/// A JSON body, or a sentence about what is wrong with it.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::bad_request("request.malformed", error))
}

/// The caller's own id for what it asks, or a fresh one.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<CommandId, Problem> {
    match headers.get("idempotency-key") {
        None => Ok(CommandId(Uuid::now_v7())),
        Some(value) => {
            // The header's value is a quoted string in the draft standard; most clients leave the quotes out.
            let text = value.to_str().unwrap_or_default().trim_matches('"');
            text.parse().map_err(|why| {
                Problem::bad_request("command.bad_idempotency_key", format!("Idempotency-Key: {why}."))
            })
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectation {
    expectedversion: Option<u64>,
}

async fn command(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    expectation: Result<Query<Expectation>, QueryRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let Query(expectation) = expectation?;
    let data = std::str::from_utf8(&body)
        .map_err(|_| Problem::bad_request("request.malformed", "The body is not UTF-8."))?;
    let intent = Intent::parse(&name, data).map_err(|bad| {
        let status = if matches!(bad, domain::contract::BadCommand::Unknown(_)) { 404 } else { 400 };
        Problem::new(status, "command.malformed", bad.to_string())
    })?;
    let id = idempotency_key(&headers)?;
    let receipt = state.backend.execute(&caller, id, intent, expectation.expectedversion).await?;
    Ok(Json(receipt).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    #[serde(rename = "match")]
    pattern: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct EventsPage {
    events: Vec<Recorded>,
    next: Position,
}

async fn events(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<EventsQuery>, QueryRejection>,
) -> Result<Json<EventsPage>, Problem> {
    let Query(query) = query?;
    let pattern = query
        .pattern
        .map_or_else(|| Ok(Pattern::everything()), Pattern::new)
        .map_err(|why| Problem::bad_request("subscription.bad_pattern", format!("match: {why}.")))?;
    let after = query
        .after
        .map_or(Ok(Position::START), |text| text.parse())
        .map_err(|why| Problem::bad_request("subscription.bad_position", format!("after: {why}.")))?;
    let limit = query.limit.unwrap_or(100).clamp(1, MOST_EVENTS);
    let page = state.backend.log(&caller, pattern, after, limit).await?;
    Ok(Json(EventsPage { events: page.events, next: page.next }))
}

async fn event(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Recorded>, Problem> {
    let id = id.parse().map_err(|why| Problem::bad_request("request.bad_id", why))?;
    Ok(Json(state.backend.event(&caller, id).await?))
}

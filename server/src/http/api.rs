//! The HTTP API: JSON in, JSON out, errors as problem+json.

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::{any, delete, get, post},
};
use backend::{Caller, SignedIn, TokenWish};
use domain::{CommandId, Intent, Pattern, Position, Recorded, Scopes, account::Session};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    limits::{self, Address},
    problem::{PROBLEM_JSON, Problem},
    session,
    state::AppState,
};

/// The most events in one answer.
const MOST_EVENTS: usize = 1_000;

pub(super) fn router(state: &AppState) -> Router<AppState> {
    Router::new()
        .route("/api/session", post(sign_in).delete(sign_out))
        .route("/api/accounts", post(register))
        .route("/api/sessions", get(sessions))
        .route("/api/sessions/{id}", delete(end_session))
        .route("/api/tokens", post(give_token))
        .route("/api/commands/{type}", post(command))
        .route("/api/events", get(events))
        .route("/api/events/{id}", get(event))
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

/// What the framework refuses by itself (too large a body, a broken address) is a problem like any other.
async fn explain(response: Response) -> Response {
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    let json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    if !failed || json {
        return response;
    }
    let detail = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "The body is larger than 64 KiB.",
        _ => status.canonical_reason().unwrap_or("The request cannot be answered."),
    };
    Problem::new(status.as_u16(), "request.refused", detail).into_response()
}

/// A JSON body, or a sentence about what is wrong with it.
fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::bad_request("request.malformed", error))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    handle: String,
    password: String,
}

async fn sign_in(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    address: Address,
    body: Bytes,
) -> Result<Response, Problem> {
    let Credentials { handle, password } = parse(&body)?;
    state.limits.sign_in(&address)?;
    let signed_in = state.backend.sign_in(&handle, password).await?;
    state.backend.sign_out(&caller).await?;
    Ok(started(&state, StatusCode::OK, &signed_in))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registration {
    handle: String,
    #[serde(default)]
    name: Option<String>,
    password: String,
}

async fn register(
    State(state): State<AppState>,
    address: Address,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let Registration { handle, name, password } = parse(&body)?;
    let id = idempotency_key(&headers)?;
    state.limits.register(&address)?;
    let name = name.unwrap_or_else(|| handle.clone());
    let signed_in = state.backend.register(id, &handle, &name, password).await?;
    Ok(started(&state, StatusCode::CREATED, &signed_in))
}

fn started(state: &AppState, status: StatusCode, signed_in: &SignedIn) -> Response {
    let cookie = session::set_cookie(&state.settings, signed_in);
    let body = json!({
        "user": signed_in.caller.user,
        "session": signed_in.caller.session,
        "token": signed_in.token,
        "expires": signed_in.expires,
    });
    (
        status,
        [(header::SET_COOKIE, cookie), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))],
        Json(body),
    )
        .into_response()
}

async fn sign_out(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    state.backend.sign_out(&caller).await?;
    let cookie = session::clear_cookie(&state.settings);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

#[derive(Serialize)]
struct SessionList {
    sessions: Vec<Session>,
}

async fn sessions(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<SessionList>, Problem> {
    Ok(Json(SessionList { sessions: state.backend.sessions(&caller).await? }))
}

async fn end_session(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = id.parse().map_err(|why| Problem::bad_request("request.bad_id", why))?;
    state.backend.end_session(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
    scopes: Scopes,
    #[serde(default = "usual_days")]
    days: u32,
}

fn usual_days() -> u32 {
    90
}

async fn give_token(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let NewToken { name, scopes, days } = parse(&body)?;
    let wish = TokenWish { name, scopes, days };
    let made = state.backend.give_token(&caller, idempotency_key(&headers)?, wish).await?;
    let body = json!({
        "id": made.caller.session,
        "token": made.token,
        "scopes": made.caller.scopes,
        "expires": made.expires,
    });
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, no_store, Json(body)).into_response())
}

fn idempotency_key(headers: &HeaderMap) -> Result<CommandId, Problem> {
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
    let Query(expectation) =
        expectation.map_err(|why| Problem::bad_request("request.bad_query", why.body_text()))?;
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
    let Query(query) = query.map_err(|why| Problem::bad_request("request.bad_query", why.body_text()))?;
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

//! For operators: how the services and the stored projections are getting on, what was put aside, and folding anew.
//! What an operator tells a service is a command like any other (`service.pause`, `service.redrive`, ...).

use axum::{
    Extension, Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::StatusCode,
};
use backend::{Caller, ExecuteError, QueryError};
use domain::{Pattern, Position, Recorded, Scope, Timestamp, Token};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use services::{ProjectionStatus, Status};
use store::{Letter, LetterStatus};

use super::{
    api::JSON,
    call::{Call, component},
};
use crate::{problem::Problem, state::AppState};

/// At most so many dead letters are told at a time.
const MOST_LETTERS: usize = 100;

pub(super) fn calls() -> Vec<Call> {
    let text = json!({ "type": "string" });
    let forbidden = [(403, "service.forbidden"), (429, "request.too_many")];
    let unavailable = [(503, "server.closing"), (503, "store.unavailable")];
    vec![
        Call::get("services", "/api/services", services)
            .says(
                "Services",
                "How are the services and projections getting on?",
                "For operators. What a service is told are commands: `service.pause`, `service.resume`, \
                 `service.redrive`, `service.discard`.",
            )
            .needs(Scope::Read)
            .answers(200, "All of them.", Some((JSON, component("Work"))))
            .problems(&forbidden),
        Call::get("deadLetters", "/api/services/{service}/letters", letters)
            .says(
                "Services",
                "What has a service put aside?",
                "For operators. In the order of the log: what could not be handled, and what waits behind it, which \
                 was not tried.",
            )
            .needs(Scope::Read)
            .takes("path", "service", "Which service.", text.clone())
            .takes(
                "query",
                "status",
                "What has become of them. Without: `parked`.",
                json!({ "enum": LetterStatus::ALL.map(LetterStatus::name) }),
            )
            .answers(200, "At most a hundred.", Some((JSON, component("DeadLetterList"))))
            .problems(&[(400, "request.bad_query"), (404, "service.unknown")])
            .problems(&forbidden)
            .problems(&unavailable),
        Call::post("rebuildProjection", "/api/projections/{projection}/rebuild", rebuild)
            .says(
                "Services",
                "Fold a projection anew",
                "For operators. From the start of the log, beside the one that is read, which it replaces at once \
                 when it has come as far; then `service.projection_rebuilt` is appended.",
            )
            .needs(Scope::Command)
            .takes("path", "projection", "Which projection.", text)
            .answers(202, "It has begun; `GET /api/services` tells how far it is.", None)
            .problems(&[(404, "service.unknown")])
            .problems(&forbidden),
    ]
}

/// How all of them are getting on.
#[derive(Serialize)]
struct Work {
    services: Vec<Service>,
    projections: Vec<Projection>,
}

#[derive(Serialize)]
struct Service {
    name: String,
    #[serde(flatten)]
    state: services::State,
    position: Position,
    lag: u64,
    lag_seconds: f64,
    parked: u64,
}

#[derive(Serialize)]
struct Projection {
    name: String,
    position: Option<Position>,
    lag: u64,
    building: Option<Building>,
}

#[derive(Serialize)]
struct Building {
    position: Position,
    events: u64,
}

#[derive(Serialize)]
struct DeadLetters {
    letters: Vec<DeadLetter>,
}

#[derive(Serialize)]
struct DeadLetter {
    key: String,
    position: Position,
    status: &'static str,
    attempts: u32,
    error: String,
    parked: Timestamp,
    /// Unless the operator may not see it: a private room is private.
    event: Option<Recorded>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LettersQuery {
    status: Option<String>,
}

impl From<Status> for Service {
    fn from(status: Status) -> Self {
        Self {
            name: status.service.to_string(),
            state: status.state,
            position: status.position,
            lag: status.lag,
            lag_seconds: status.lag_time.as_secs_f64(),
            parked: status.parked,
        }
    }
}

impl From<ProjectionStatus> for Projection {
    fn from(status: ProjectionStatus) -> Self {
        Self {
            name: status.name.to_string(),
            position: status.live,
            lag: status.lag,
            building: status.building.map(|(position, events)| Building { position, events }),
        }
    }
}

async fn services(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Work>, Problem> {
    operator(&state, &caller, Scope::Read)?;
    let (services, projections) = state.work.status();
    let services = services.into_iter().map(Service::from).collect();
    Ok(Json(Work { services, projections: projections.into_iter().map(Projection::from).collect() }))
}

async fn letters(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(service): Path<String>,
    query: Result<Query<LettersQuery>, QueryRejection>,
) -> Result<Json<DeadLetters>, Problem> {
    operator(&state, &caller, Scope::Read)?;
    let Query(query) = query?;
    let status = query.status.map_or(Ok(LetterStatus::Parked), |status| status.parse());
    let status =
        status.map_err(|why| Problem::bad_request("request.bad_query", format!("status: {why}.")))?;
    let Some(found) = state.work.letters(&service, status, MOST_LETTERS).await else {
        return Err(unknown("service", &service));
    };
    let mut letters = Vec::new();
    for letter in found.map_err(QueryError::from)? {
        letters.push(with_event(&state, &caller, letter).await?);
    }
    Ok(Json(DeadLetters { letters }))
}

async fn with_event(state: &AppState, caller: &Caller, letter: Letter) -> Result<DeadLetter, Problem> {
    let before = Position(letter.position.0 - 1);
    let page = state.backend.log(caller, Pattern::everything(), before, 1).await?;
    Ok(DeadLetter {
        key: letter.key,
        position: letter.position,
        status: letter.status.name(),
        attempts: letter.attempts,
        error: letter.error,
        parked: letter.parked,
        event: page.events.into_iter().find(|event| event.meta.position == letter.position),
    })
}

async fn rebuild(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(projection): Path<String>,
) -> Result<StatusCode, Problem> {
    operator(&state, &caller, Scope::Command)?;
    if !state.work.rebuild(&projection) {
        return Err(unknown("projection", &projection));
    }
    Ok(StatusCode::ACCEPTED)
}

/// Refuses everybody but operators, and tokens of theirs with this scope.
fn operator(state: &AppState, caller: &Caller, scope: Scope) -> Result<(), Problem> {
    if caller.user.is_none() {
        return Err(ExecuteError::SignInFirst.into());
    }
    caller.require(scope)?;
    if state.backend.hub().tokens(caller.user).holds(&Token::Operator) {
        return Ok(());
    }
    Err(ExecuteError::Refused(domain::service::Refusal::Forbidden.into()).into())
}

fn unknown(what: &str, name: &str) -> Problem {
    Problem::new(404, "service.unknown", format!("There is no {what} {name:?}."))
}

/// The schemas of what is answered.
pub(super) fn schemas() -> [(&'static str, Value); 2] {
    let (text, count) = (json!({ "type": "string" }), json!({ "type": "integer", "minimum": 0 }));
    let position = json!({ "type": "integer", "minimum": 0 });
    let object = |properties: Value| json!({ "type": "object", "properties": properties });
    let list = |of: Value| json!({ "type": "array", "items": of });
    let service = object(json!({
        "name": text,
        "state": { "enum": ["running", "paused", "retrying", "lagging", "stuck"] },
        "attempt": { "type": "integer", "description": "While retrying: how often it was tried." },
        "error": { "type": "string", "description": "While retrying: what went wrong." },
        "next": { "type": "string", "format": "date-time", "description": "While retrying: when it tries again." },
        "position": position,
        "lag": { "type": "integer", "description": "How many positions it is behind the log." },
        "lag_seconds": { "type": "number", "description": "For how long the event that it handles has waited." },
        "parked": { "type": "integer", "description": "Dead letters, and what waits behind them." },
    }));
    let projection = object(json!({
        "name": text,
        "position": { "type": ["integer", "null"], "description": "Where what is read stands." },
        "lag": count,
        "building": {
            "description": "What is being folded anew, and will replace it.",
            "oneOf": [{ "type": "null" }, object(json!({ "position": position, "events": count }))],
        },
    }));
    let letter = object(json!({
        "key": { "type": "string", "description": "What it must be handled in order of." },
        "position": position,
        "status": { "enum": LetterStatus::ALL.map(LetterStatus::name) },
        "attempts": { "type": "integer", "description": "0 if it only waits behind another." },
        "error": text,
        "parked": { "type": "string", "format": "date-time" },
        "event": { "oneOf": [{ "type": "null" }, component("Event")] },
    }));
    [
        ("Work", object(json!({ "services": list(service), "projections": list(projection) }))),
        ("DeadLetterList", object(json!({ "letters": list(letter) }))),
    ]
}

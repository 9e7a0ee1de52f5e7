//! The part of the API about oneself: registering, signing in and out, sessions and tokens.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use backend::{Caller, MAX_TOKEN_DAYS, SignedIn, TokenWish};
use domain::{
    Scope, Scopes,
    account::{MAX_NAME, Session},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    api::{IDEMPOTENCY_KEY, JSON, idempotency_key, parse, uuid},
    call::{Call, component},
};
use crate::{limits::Address, problem::Problem, session, state::AppState};

/// Writing is refused like this while the log cannot be written.
const CLOSED: &[(u16, &str)] = &[(503, "server.closing"), (503, "store.unavailable")];

pub(super) fn calls() -> Vec<Call> {
    let text = json!({ "type": "string" });
    let password = json!({ "type": "string", "minLength": 8, "maxLength": 200 });
    let credentials = json!({
        "type": "object",
        "required": ["handle", "password"],
        "additionalProperties": false,
        "properties": { "handle": text, "password": text },
    });
    let registration = json!({
        "type": "object",
        "required": ["handle", "password"],
        "additionalProperties": false,
        "properties": {
            "handle": { "type": "string", "pattern": "^[a-z0-9_]{2,24}$" },
            "name": { "type": "string", "maxLength": MAX_NAME, "description": "Left out: the handle." },
            "password": password,
        },
    });
    let wish = json!({
        "type": "object",
        "required": ["name", "scopes"],
        "additionalProperties": false,
        "properties": {
            "name": { "type": "string", "minLength": 1, "maxLength": MAX_NAME },
            "scopes": { "type": "array", "minItems": 1, "items": { "enum": Scope::FOR_TOKENS } },
            "days": { "type": "integer", "minimum": 1, "maximum": MAX_TOKEN_DAYS, "default": usual_days() },
        },
    });
    vec![
        Call::post("signIn", "/api/session", sign_in)
            .says(
                "Account",
                "Sign in",
                "The session may do everything that is yours; its secret is answered and set as a cookie.",
            )
            .body(credentials, json!({ "handle": "ada", "password": "demo" }))
            .answers(200, "A session has begun.", Some((JSON, component("SignedIn"))))
            .problems(&[(401, "account.bad_credentials"), (429, "request.too_many"), (503, "server.busy")])
            .problems(CLOSED),
        Call::delete("signOut", "/api/session", sign_out)
            .says(
                "Account",
                "Sign out",
                "Ends the session or token that this is asked with; its open streams end at once.",
            )
            .anybody(None)
            .answers(204, "The session is over.", None)
            .problems(CLOSED),
        Call::post("register", "/api/accounts", register)
            .says("Account", "Open an account", "")
            .takes("header", "Idempotency-Key", IDEMPOTENCY_KEY, uuid())
            .body(registration, json!({ "handle": "cleo", "name": "Cleo", "password": "long enough" }))
            .answers(
                201,
                "The account is open, and a session has begun.",
                Some((JSON, component("SignedIn"))),
            )
            .problems(&[
                (400, "command.bad_idempotency_key"),
                (409, "account.handle_taken"),
                (422, "account.bad_handle"),
                (422, "account.bad_name"),
                (422, "account.bad_password"),
                (429, "request.too_many"),
                (503, "server.busy"),
            ])
            .problems(CLOSED),
        Call::get("sessions", "/api/sessions", sessions)
            .says("Account", "Where you are signed in, and your tokens", "")
            .needs(Scope::Manage)
            .answers(
                200,
                "Those that have not ended, the oldest first.",
                Some((JSON, component("SessionList"))),
            )
            .problems(&[(429, "request.too_many"), (503, "store.unavailable")]),
        Call::delete("endSession", "/api/sessions/{id}", end_session)
            .says("Account", "End a session or a token", "Its open streams end at once.")
            .needs(Scope::Manage)
            .takes("path", "id", "Which of yours.", uuid())
            .answers(204, "It is over.", None)
            .problems(&[(400, "request.bad_id"), (404, "query.not_found")])
            .problems(CLOSED),
        Call::post("giveToken", "/api/tokens", give_token)
            .says(
                "Account",
                "Make a token",
                "For a program that shall act for you, as far as its scopes say. The secret is said once.",
            )
            .needs(Scope::Manage)
            .takes("header", "Idempotency-Key", IDEMPOTENCY_KEY, uuid())
            .body(wish, json!({ "name": "report", "scopes": ["read"], "days": 30 }))
            .answers(201, "The token.", Some((JSON, component("Token"))))
            .problems(&[
                (400, "command.bad_idempotency_key"),
                (409, "account.token_made"),
                (409, "account.too_many_tokens"),
                (422, "account.bad_lifetime"),
                (422, "account.bad_scopes"),
                (422, "account.bad_token_name"),
            ])
            .problems(CLOSED),
    ]
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

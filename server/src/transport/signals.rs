//! Which ephemeral signals somebody may send, and who sees them. The sender says the subject and the data;
//! who sent it and who may see it is stamped here.

use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use backend::Caller;
use domain::{Actor, Audience, Scope, Subject};
use hub::Hub;
use live::frames::Signal;
use serde_json::value::RawValue;

use crate::{problem::Problem, state::AppState};

/// The largest signal, in bytes of JSON.
const MAX_BYTES: usize = 1_024;

/// With what `POST /live/signal` may be refused.
pub(super) const PROBLEMS: [(u16, &str); 6] = [
    (400, "request.malformed"),
    (403, "live.bad_signal"),
    (403, "live.closing"),
    (403, "live.signal_scope_missing"),
    (403, "live.signal_sign_in_first"),
    (403, "live.signal_too_large"),
];

/// Why a signal was not sent: a code and a sentence.
type Refusal = (&'static str, &'static str);

/// `POST /live/signal`: for clients whose stream goes one way.
pub(super) async fn post(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Problem> {
    let Signal { subject, data, .. } =
        serde_json::from_slice(&body).map_err(|error| Problem::bad_request("request.malformed", error))?;
    match send(&state, &caller, subject, data) {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err((code, why)) => Err(Problem::new(403, format!("live.{code}"), why)),
    }
}

/// Checks, stamps and spreads a signal.
///
/// # Errors
/// Why it was refused.
pub(super) fn send(
    state: &AppState,
    caller: &Caller,
    subject: Subject,
    data: Box<RawValue>,
) -> Result<(), Refusal> {
    let hub = state.backend.hub();
    let audience = audience(&subject, data.get().len(), caller, hub)?;
    let frame = live::signal_frame(subject.clone(), data, caller.user.map(Actor::User));
    hub.signal(subject, audience, frame).map_err(|_| ("closing", "The server is shutting down."))
}

/// The audience of a signal, if the caller may send it.
fn audience(subject: &Subject, bytes: usize, caller: &Caller, hub: &Hub) -> Result<Audience, Refusal> {
    let user = caller.user;
    if user.is_none() {
        return Err(("signal_sign_in_first", "Sign in to send signals."));
    }
    if !caller.may(Scope::Command) {
        return Err(("signal_scope_missing", "This token lacks the scope “command”."));
    }
    if bytes > MAX_BYTES {
        return Err(("signal_too_large", "A signal has at most 1024 bytes."));
    }
    let parts: Vec<&str> = subject.tokens().collect();
    match parts[..] {
        ["signal", "typing", room, who] if Some(who) == user.map(|user| user.to_string()).as_deref() => {
            let room = room.parse().map_err(|_| ("bad_signal", "There is no such signal."))?;
            let token =
                hub.room_token(&room, user).ok_or(("bad_signal", "There is no such room for you."))?;
            Ok(Audience::new([token]))
        }
        _ => Err(("bad_signal", "There is no such signal, or it is about somebody else.")),
    }
}

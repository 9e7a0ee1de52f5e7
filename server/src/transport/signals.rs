//! Which ephemeral signals somebody may send, and what becomes of them. The sender says the subject and the
//! data, both checked by shape; who sent it, what they are called and who may see it is stamped here.
//!
//! | subject | data | becomes |
//! |---|---|---|
//! | `signal.presence.<me>` | `{"idle_ms":n}` | a report to [`crate::presence`] |
//! | `signal.typing.<room>.<me>` | `{"typing":bool}` | the same with `name`, for whoever sees the room |

use axum::{Extension, body::Bytes, extract::State, http::StatusCode};
use backend::Caller;
use domain::{Actor, Audience, RoomId, Scope, Subject, UserId};
use live::frames::Signal;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};

use crate::{problem::Problem, state::AppState};

/// The largest signal, in bytes of JSON.
const MAX_BYTES: usize = 1_024;

/// With what `POST /live/signal` may be refused.
pub(super) const PROBLEMS: [(u16, &str); 8] = [
    (400, "request.malformed"),
    (401, "live.signal_sign_in_first"),
    (403, "live.bad_signal"),
    (403, "live.signal_scope_missing"),
    (413, "live.signal_too_large"),
    (422, "live.bad_signal_data"),
    (429, "request.too_many"),
    (503, "live.signal_unavailable"),
];

/// Why a signal was not passed on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("Sign in to send signals.")]
    SignInFirst,
    #[error("This token lacks the scope “command”.")]
    ScopeMissing,
    #[error("A signal has at most {MAX_BYTES} bytes.")]
    TooLarge,
    #[error("There is no such signal, or it is about somebody else.")]
    Unknown,
    #[error("There is no such room for you.")]
    NoRoom,
    #[error("The data of this signal must be {0}.")]
    BadData(&'static str),
    #[error("The log cannot be read right now.")]
    Unreadable,
    #[error(transparent)]
    Closed(#[from] hub::HubError),
}

impl Refused {
    /// The stable name.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Refused::SignInFirst => "signal_sign_in_first",
            Refused::ScopeMissing => "signal_scope_missing",
            Refused::TooLarge => "signal_too_large",
            Refused::Unknown | Refused::NoRoom => "bad_signal",
            Refused::BadData(_) => "bad_signal_data",
            Refused::Unreadable | Refused::Closed(_) => "signal_unavailable",
        }
    }

    fn status(&self) -> u16 {
        match self {
            Refused::SignInFirst => 401,
            Refused::ScopeMissing => 403,
            Refused::TooLarge => 413,
            Refused::Unknown | Refused::NoRoom => 403,
            Refused::BadData(_) => 422,
            Refused::Unreadable | Refused::Closed(_) => 503,
        }
    }
}

/// `POST /live/signal`: for clients whose stream goes one way.
pub(super) async fn post(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let Signal { subject, data, .. } =
        serde_json::from_slice(&body).map_err(|error| Problem::bad_request("request.malformed", error))?;
    if let Some(user) = caller.user {
        state.limits.signal(user)?;
    }
    match Signals::of(caller).send(&state, subject, &data).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(refused) => {
            Err(Problem::new(refused.status(), format!("live.{}", refused.code()), refused.to_string()))
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Activity {
    idle_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typing {
    typing: bool,
}

#[derive(Serialize)]
struct Typist<'a> {
    typing: bool,
    name: &'a str,
}

/// What one connection sends.
pub(super) struct Signals {
    caller: Caller,
    /// What the sender is shown as, once it was looked up.
    name: Option<String>,
}

impl Signals {
    /// Of somebody who has sent nothing yet.
    pub(super) fn of(caller: Caller) -> Self {
        Self { caller, name: None }
    }

    /// Checks a signal and passes it on.
    ///
    /// # Errors
    /// [`Refused`], with a code and a sentence.
    pub(super) async fn send(
        &mut self,
        state: &AppState,
        subject: Subject,
        data: &RawValue,
    ) -> Result<(), Refused> {
        let me = self.caller.user.ok_or(Refused::SignInFirst)?;
        if !self.caller.may(Scope::Command) {
            return Err(Refused::ScopeMissing);
        }
        if data.get().len() > MAX_BYTES {
            return Err(Refused::TooLarge);
        }
        let is_me = |who: &str| who.parse() == Ok(me);
        match subject.tokens().collect::<Vec<_>>()[..] {
            ["signal", "presence", who] if is_me(who) => {
                let Activity { idle_ms } = read(data).ok_or(Refused::BadData("{\"idle_ms\": number}"))?;
                state.presence.active(me, idle_ms);
                Ok(())
            }
            ["signal", "typing", room, who] if is_me(who) => {
                let Typing { typing } = read(data).ok_or(Refused::BadData("{\"typing\": true or false}"))?;
                let room = room.parse().map_err(|_| Refused::Unknown)?;
                self.typing(state, me, &room, typing).await
            }
            _ => Err(Refused::Unknown),
        }
    }

    async fn typing(
        &mut self,
        state: &AppState,
        me: UserId,
        room: &RoomId,
        typing: bool,
    ) -> Result<(), Refused> {
        let hub = state.backend.hub();
        let token = hub.room_token(room, Some(me)).ok_or(Refused::NoRoom)?;
        let name = match &self.name {
            Some(name) => name,
            None => {
                let person = state.backend.person(&self.caller).await.map_err(|_| Refused::Unreadable)?;
                self.name.insert(person.ok_or(Refused::SignInFirst)?.name)
            }
        };
        // As the server writes an id, however the sender has.
        let subject = Subject::new(format!("signal.typing.{room}.{me}")).map_err(|_| Refused::Unknown)?;
        let data = to_raw_value(&Typist { typing, name }).map_err(|_| Refused::Unknown)?;
        let frame = live::signal_frame(subject.clone(), data, Some(Actor::User(me)));
        Ok(hub.signal(subject, Audience::new([token]), frame)?)
    }
}

/// Data of exactly this shape.
fn read<T: DeserializeOwned>(data: &RawValue) -> Option<T> {
    // A list in the order of the fields would be taken for them.
    data.get().starts_with('{').then(|| serde_json::from_str(data.get()).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn data_is_taken_in_exactly_its_shape() {
        assert!(read::<Activity>(&raw(r#"{"idle_ms":0}"#)).is_some());
        assert!(read::<Typing>(&raw(r#"{ "typing" : true }"#)).is_some());
        for bad in
            ["{}", "[0]", "0", "null", r#"{"idle_ms":-1}"#, r#"{"idle_ms":1.5}"#, r#"{"idle_ms":1,"x":2}"#]
        {
            assert!(read::<Activity>(&raw(bad)).is_none(), "{bad}");
        }
        for bad in ["[true]", r#"{"typing":1}"#, r#"{"typing":true,"name":"Ada"}"#] {
            assert!(read::<Typing>(&raw(bad)).is_none(), "{bad}");
        }
    }
}

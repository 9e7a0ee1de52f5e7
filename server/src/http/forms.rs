//! Forms without JavaScript. A page's form posts to the page itself; what is accepted leads back to the page
//! (303), what is refused renders the page again with the reason and with what was typed.

use std::collections::BTreeMap;

use axum::{
    Extension,
    body::Body,
    extract::{OriginalUri, Path, State},
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use backend::{AccountError, Caller, SignedIn};
use domain::{CommandId, Intent};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::pages;
use crate::{problem::Problem, session, state::AppState};

/// The fields of a form, in any order.
struct Form(BTreeMap<String, String>);

impl Form {
    fn parse(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The id that was rendered into the form: posting it twice is posting it once.
    fn id(&self) -> CommandId {
        self.get("_id").parse().unwrap_or_else(|_| CommandId(Uuid::now_v7()))
    }

    /// The command's data: fields that begin with `_` are the form's own, a name that ends in `:n` is a
    /// number, one that ends in `:b` a truth.
    fn data(&self) -> Value {
        let mut data = Map::new();
        for (name, text) in self.0.iter().filter(|(name, _)| !name.starts_with('_')) {
            let (name, value) = match name.split_once(':') {
                Some((name, "n")) => {
                    let number = text.trim().parse::<i64>().map(Value::from);
                    (name, number.unwrap_or_else(|_| Value::from(text.as_str())))
                }
                Some((name, "b")) => (name, Value::from(matches!(text.as_str(), "true" | "on"))),
                _ => (name.as_str(), Value::from(text.as_str())),
            };
            data.insert(name.to_owned(), value);
        }
        Value::Object(data)
    }

    /// Where to go when it is done: `_next` with `{field}`s filled in, if it is a path of ours.
    fn next(&self, otherwise: &str) -> String {
        let mut next = self.get("_next").to_owned();
        for (name, value) in &self.0 {
            next = next.replace(&format!("{{{name}}}"), value);
        }
        if is_own_path(&next) { next } else { otherwise.to_owned() }
    }

    /// What goes back to the page. A password never does.
    fn refused(mut self, command: &str, code: &str, why: String) -> app::Refused {
        let id = self.id();
        self.0.retain(|name, _| name != "password" && !name.starts_with('_'));
        app::Refused { command: command.to_owned(), id, values: self.0, code: code.to_owned(), why }
    }
}

/// A path on this site: not a scheme, not another host, nothing that ends a header.
fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.starts_with("/\\")
        && path.parse::<Uri>().is_ok()
}

fn see_other(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// The page at a path again, as if it had been asked for, with what was refused.
async fn again(
    state: &AppState,
    caller: &Caller,
    uri: &Uri,
    headers: &HeaderMap,
    status: u16,
    refused: app::Refused,
) -> Response {
    let mut request = Request::builder().method(Method::GET).uri(uri.clone());
    if let Some(own) = request.headers_mut() {
        for name in [header::COOKIE, header::HOST, header::ACCEPT_LANGUAGE] {
            if let Some(value) = headers.get(&name) {
                own.insert(name, value.clone());
            }
        }
    }
    let request = request.body(Body::empty()).expect("the address was parsed before");
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    pages::render(state, caller, request, Some((status, refused))).await
}

/// Any command of the contract, from the form of any page.
pub(super) async fn command(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let form = Form::parse(&body);
    let name = form.get("_command").to_owned();
    let (status, code, why) = match Intent::parse(&name, &form.data().to_string()) {
        Err(bad) => (400, "command.malformed", bad.to_string()),
        Ok(intent) => match state.backend.execute(&caller, form.id(), intent, None).await {
            Ok(_) => return see_other(&form.next(uri.path())),
            Err(error) => (error.status(), error.code(), error.to_string()),
        },
    };
    let refused = form.refused(&name, code, why);
    again(&state, &caller, &uri, &headers, status, refused).await
}

fn signed_in(state: &AppState, signed_in: &SignedIn, next: &str) -> Response {
    let mut response = see_other(next);
    response.headers_mut().insert(header::SET_COOKIE, session::set_cookie(&state.settings, signed_in));
    response
}

pub(super) async fn sign_in(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let form = Form::parse(&body);
    let outcome = state.backend.sign_in(form.get("handle"), form.get("password").to_owned()).await;
    account(&state, &caller, &uri, &headers, form, "sign-in", outcome).await
}

pub(super) async fn register(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let form = Form::parse(&body);
    let password = form.get("password").to_owned();
    let outcome = state.backend.register(form.id(), form.get("handle"), form.get("name"), password).await;
    account(&state, &caller, &uri, &headers, form, "register", outcome).await
}

async fn account(
    state: &AppState,
    caller: &Caller,
    uri: &Uri,
    headers: &HeaderMap,
    form: Form,
    command: &str,
    outcome: Result<SignedIn, AccountError>,
) -> Response {
    match outcome {
        Ok(session) => {
            // The old session, if there was one, ends where the new one begins.
            if let Err(error) = state.backend.sign_out(caller).await {
                tracing::warn!(%error, "an old session could not be ended");
            }
            signed_in(state, &session, &form.next("/chat"))
        }
        Err(error) => {
            let refused = form.refused(command, error.code(), error.to_string());
            again(state, caller, uri, headers, error.status(), refused).await
        }
    }
}

/// Enter as one of the personas of demo mode.
pub(super) async fn enter(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(handle): Path<String>,
    body: axum::body::Bytes,
) -> Response {
    if !state.settings.demo {
        return Problem::new(404, "account.no_personas", "There are personas in demo mode only.")
            .into_response();
    }
    let entered = async {
        let session = state.backend.enter(&handle.parse()?).await?;
        state.backend.sign_out(&caller).await?;
        Ok::<_, AccountError>(session)
    };
    match entered.await {
        Ok(session) => signed_in(&state, &session, &Form::parse(&body).next("/chat")),
        Err(error) => Problem::from(error).into_response(),
    }
}

/// Ends the session, here and in every tab.
pub(super) async fn sign_out(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
) -> Response {
    if let Err(error) = state.backend.sign_out(&caller).await {
        return Problem::from(error).into_response();
    }
    let mut response = see_other("/");
    let clear: HeaderValue = session::clear_cookie(&state.settings);
    response.headers_mut().insert(header::SET_COOKIE, clear);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_a_command() {
        let form = Form::parse(b"_command=x&_id=&room=lobby&text=42&upto%3An=7&private%3Ab=on");
        assert_eq!(
            form.data(),
            serde_json::json!({"room": "lobby", "text": "42", "upto": 7, "private": true})
        );
    }

    #[test]
    fn a_form_leads_only_to_this_site() {
        let next = |body: &str| Form::parse(body.as_bytes()).next("/here");
        assert_eq!(next("_next=/chat/{room}&room=lobby"), "/chat/lobby");
        for bad in ["https://evil.example", "//evil.example", "/\\evil.example", ""] {
            assert_eq!(next(&format!("_next={bad}")), "/here", "{bad}");
        }
        assert_eq!(next("_next=/{room}&room=/evil.example"), "/here");
    }

    #[test]
    fn a_refused_form_keeps_what_was_typed_but_no_password() {
        let refused = Form::parse(b"handle=ada&password=secret&_id=x").refused("sign-in", "c", "w".into());
        assert_eq!(refused.values, BTreeMap::from([("handle".into(), "ada".into())]));
    }
}

//! Forms without JavaScript. A page's form posts to the page itself; what is accepted leads back to the page
//! (303), what is refused renders the page again with the reason and with what was typed.

use std::collections::BTreeMap;

use axum::{
    Extension, RequestPartsExt,
    body::{Body, Bytes},
    extract::{
        FromRequest, FromRequestParts, OriginalUri, Path, Request, State, rejection::ExtensionRejection,
    },
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use backend::{AccountError, Caller, SignedIn, TokenWish};
use domain::{CommandId, Intent, Scope};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::pages::{self, Answer};
use crate::{limits::Address, problem::Problem, session, state::AppState};

/// The fields of a form, in any order.
#[derive(Default)]
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

/// A form that was posted: by whom, to which page, with what in it.
pub(super) struct Posted {
    state: AppState,
    caller: Caller,
    address: Address,
    uri: Uri,
    headers: HeaderMap,
    form: Form,
}

impl FromRequest<AppState> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Extension(caller) =
            parts.extract().await.map_err(|error: ExtensionRejection| error.into_response())?;
        let OriginalUri(uri) = match parts.extract().await {
            Ok(uri) => uri,
            Err(never) => match never {},
        };
        let address = match Address::from_request_parts(&mut parts, state).await {
            Ok(address) => address,
            Err(never) => match never {},
        };
        let headers = parts.headers.clone();
        let body = Request::from_parts(parts, body);
        let body = Bytes::from_request(body, state).await.map_err(IntoResponse::into_response)?;
        Ok(Self { state: state.clone(), caller, address, uri, headers, form: Form::parse(&body) })
    }
}

impl Posted {
    /// Back to where the form leads, or to its own page.
    fn done(&self) -> Response {
        see_other(&self.form.next(self.uri.path()))
    }

    /// The form's page again, with why it was refused and what was typed.
    async fn again(mut self, command: &str, refusal: Problem) -> Response {
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
        let form = std::mem::take(&mut self.form);
        let refused = form.refused(command, &refusal.code, refusal.detail);
        let mut page = self.page(Answer::Refused(status, refused)).await;
        if let Some(seconds) = refusal.retry_after {
            page.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        page
    }

    /// The form's page, as if it had been asked for, but as the answer to this form.
    async fn page(self, answer: Answer) -> Response {
        let mut request = Request::builder().method(Method::GET).uri(self.uri);
        if let Some(own) = request.headers_mut() {
            for name in [header::COOKIE, header::HOST, header::ACCEPT_LANGUAGE] {
                if let Some(value) = self.headers.get(&name) {
                    own.insert(name, value.clone());
                }
            }
        }
        let request = request.body(Body::empty()).expect("the address was parsed before");
        pages::render(&self.state, &self.caller, request, answer).await
    }

    /// A session that begins here: the old one, if there was one, ends.
    async fn begun(self, command: &str, outcome: Result<SignedIn, AccountError>) -> Response {
        match outcome {
            Ok(session) => {
                if let Err(error) = self.state.backend.sign_out(&self.caller).await {
                    tracing::warn!(%error, "an old session could not be ended");
                }
                signed_in(&self.state, &session, &self.form.next("/chat"))
            }
            Err(error) => self.again(command, error.into()).await,
        }
    }
}

/// Any command of the contract, from the form of any page.
pub(super) async fn command(posted: Posted) -> Response {
    let form = &posted.form;
    let name = form.get("_command").to_owned();
    let refusal = match Intent::parse(&name, &form.data().to_string()) {
        Err(bad) => Problem::bad_request("command.malformed", bad),
        Ok(intent) => match posted.state.backend.execute(&posted.caller, form.id(), intent, None).await {
            Ok(_) => return posted.done(),
            Err(error) => error.into(),
        },
    };
    posted.again(&name, refusal).await
}

/// The forms of the settings: commands, and the one that makes a token, whose answer shows the secret.
pub(super) async fn settings(posted: Posted) -> Response {
    let form = &posted.form;
    if form.get("_command") != app::TOKEN {
        return command(posted).await;
    }
    let chosen = Scope::FOR_TOKENS.into_iter().filter(|scope| form.get(scope.name()) == "on");
    let wish = TokenWish {
        name: form.get("name").to_owned(),
        scopes: chosen.collect(),
        days: form.get("days").parse().unwrap_or_default(),
    };
    let name = wish.name.trim().to_owned();
    match posted.state.backend.give_token(&posted.caller, form.id(), wish).await {
        Ok(made) => {
            let mut page = posted.page(Answer::Issued(app::Issued { name, secret: made.token })).await;
            page.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            page
        }
        Err(error) => posted.again(app::TOKEN, error.into()).await,
    }
}

fn signed_in(state: &AppState, signed_in: &SignedIn, next: &str) -> Response {
    let mut response = see_other(next);
    response.headers_mut().insert(header::SET_COOKIE, session::set_cookie(&state.settings, signed_in));
    response
}

pub(super) async fn sign_in(posted: Posted) -> Response {
    let (state, form) = (&posted.state, &posted.form);
    if let Err(too_many) = state.limits.sign_in(&posted.address) {
        return posted.again("sign-in", too_many.into()).await;
    }
    let outcome = state.backend.sign_in(form.get("handle"), form.get("password").to_owned()).await;
    posted.begun("sign-in", outcome).await
}

pub(super) async fn register(posted: Posted) -> Response {
    let (state, form) = (&posted.state, &posted.form);
    if let Err(too_many) = state.limits.register(&posted.address) {
        return posted.again("register", too_many.into()).await;
    }
    let password = form.get("password").to_owned();
    let registered = state.backend.register(form.id(), form.get("handle"), form.get("name"), password).await;
    posted.begun("register", registered).await
}

/// Enter as one of the personas of demo mode.
pub(super) async fn enter(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    address: Address,
    Path(handle): Path<String>,
    body: Bytes,
) -> Response {
    if !state.settings.demo {
        return Problem::new(404, "account.no_personas", "There are personas in demo mode only.")
            .into_response();
    }
    let entered = async {
        state.limits.sign_in(&address)?;
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

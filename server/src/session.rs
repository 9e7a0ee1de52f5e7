//! Who asks, and from where. A browser brings a cookie, a program a bearer token; both are the same secret.
//! A request that changes something, or opens a socket, must come from our own pages or from no page at all.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use backend::{Caller, SESSION_DAYS, SignedIn};
use domain::Scope;

use crate::{config::Settings, problem::Problem, state::AppState};

/// The session cookie's name. With TLS it is bound to the host (RFC 6265bis, section 4.1.3.2).
fn cookie_name(settings: &Settings) -> &'static str {
    if settings.is_tls() { "__Host-hubbub" } else { "hubbub" }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The cookie that starts a session in a browser.
pub(crate) fn set_cookie(settings: &Settings, signed_in: &SignedIn) -> HeaderValue {
    cookie_value(settings, &signed_in.token, SESSION_DAYS * 24 * 3_600)
}

/// The cookie that ends it.
pub(crate) fn clear_cookie(settings: &Settings) -> HeaderValue {
    cookie_value(settings, "", 0)
}

fn cookie_value(settings: &Settings, token: &str, max_age: i64) -> HeaderValue {
    let secure = if settings.is_tls() { "; Secure" } else { "" };
    let name = cookie_name(settings);
    HeaderValue::try_from(format!(
        "{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age}{secure}"
    ))
    .expect("a token is base64url")
}

/// Whether a session was brought that has ended. A page is then shown as to a visitor; an open stream says so,
/// because nothing else would.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stale(pub(crate) bool);

/// Puts the [`Caller`] into the request. A token that is unknown, ended or expired makes a visitor; a bearer
/// token that is so is refused, because a program would not notice.
pub(crate) async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let token = bearer.or_else(|| cookie(headers, cookie_name(&state.settings))).map(str::to_owned);
    let brought = token.is_some();
    let bearer = bearer.is_some();
    let caller = match token {
        None => Caller::default(),
        Some(token) => match state.backend.authenticate(&token).await {
            Ok(caller) if bearer && caller.user.is_none() => {
                return Problem::new(401, "account.bad_token", "This token is unknown, ended or expired.")
                    .into_response();
            }
            Ok(caller) => caller,
            Err(error) => return Problem::from(error).into_response(),
        },
    };
    request.extensions_mut().insert(Stale(brought && caller.user.is_none()));
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// Refuses a token that may not read what would be read: whatever is got, and the pages' questions. What a
/// command needs, the backend knows.
pub(crate) async fn check_scope(request: Request, next: Next) -> Response {
    let reads =
        matches!(*request.method(), Method::GET | Method::HEAD) || request.uri().path().starts_with("/fn/");
    let caller = request.extensions().get::<Caller>();
    match caller.map_or(Ok(()), |caller| caller.require(Scope::Read)) {
        Err(missing) if reads => Problem::from(missing).into_response(),
        _ => next.run(request).await,
    }
}

/// Refuses what another site makes a browser send.
pub(crate) async fn check_origin(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let upgrade = headers.get(header::UPGRADE).is_some();
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if (upgrade || changes) && !same_origin(headers, &state.settings) {
        return Problem::new(403, "request.wrong_origin", "This request comes from another site.")
            .into_response();
    }
    next.run(request).await
}

fn same_origin(headers: &HeaderMap, settings: &Settings) -> bool {
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site") {
        return false;
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        // No browser leaves it out on such a request; a program has no cookie to be stolen.
        return true;
    };
    let Ok(origin) = origin.to_str() else { return false };
    if !settings.public_url.is_empty() {
        return origin == settings.public_url;
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    origin.split_once("://").map(|(_, authority)| authority) == host && host.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
            })
            .collect()
    }

    fn settings(public_url: &str) -> Settings {
        let layer: crate::config::Layer = toml::from_str(&format!("public_url = {public_url:?}")).unwrap();
        Settings::load(layer).unwrap()
    }

    #[test]
    fn another_site_is_refused_and_no_site_is_not() {
        let local = settings("");
        assert!(same_origin(&headers(&[]), &local));
        assert!(same_origin(&headers(&[("origin", "http://a:1"), ("host", "a:1")]), &local));
        assert!(!same_origin(&headers(&[("origin", "http://b:1"), ("host", "a:1")]), &local));
        assert!(!same_origin(&headers(&[("origin", "null"), ("host", "a:1")]), &local));
        assert!(!same_origin(&headers(&[("origin", "http://a:1")]), &local));
        assert!(!same_origin(&headers(&[("sec-fetch-site", "cross-site")]), &local));
        let public = settings("https://hub.example/");
        assert!(same_origin(
            &headers(&[("origin", "https://hub.example"), ("host", "inside:3000")]),
            &public
        ));
        assert!(!same_origin(&headers(&[("origin", "http://hub.example")]), &public));
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers = headers(&[("cookie", "a=1; hubbub=token; b=2")]);
        assert_eq!(cookie(&headers, "hubbub"), Some("token"));
        assert_eq!(cookie(&headers, "hub"), None);
    }
}

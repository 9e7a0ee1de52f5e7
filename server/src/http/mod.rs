//! Everything that is answered over plain HTTP, and the order of the layers around it.

mod accounts;
mod api;
mod asyncapi;
pub(crate) mod call;
mod documents;
mod forms;
mod health;
mod ingest;
mod openapi;
mod pages;
mod schemas;
mod services;
mod statics;
mod stored;
mod views;

use std::time::Duration;

use axum::{
    Router,
    body::{Bytes, HttpBody},
    extract::{DefaultBodyLimit, FromRequest, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tokio::time::timeout;
use tower::ServiceBuilder;
use tower_http::compression::{
    CompressionLayer,
    predicate::{NotForContentType, Predicate, SizeAbove},
};

use crate::{limits, problem::Problem, session, state::AppState, transport};

/// The largest request body, in bytes.
const MAX_BODY: usize = 64 << 10;

pub(crate) fn router(state: AppState) -> Router {
    let compression = CompressionLayer::new()
        .compress_when(SizeAbove::new(1_024).and(NotForContentType::SSE).and(NotForContentType::IMAGES));
    let described = call::routes(schemas::calls())
        .merge(openapi::router(&calls()))
        .merge(asyncapi::router(&state.settings));
    let answered =
        Router::new().merge(api::router(&state)).merge(pages::router(&state)).layer(compression.clone());
    let streams = call::routes(transport::calls())
        .layer(middleware::from_fn_with_state(state.clone(), limits::count_streams));
    let guarded = Router::new().merge(answered).merge(streams).layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn_with_state(state.clone(), session::check_origin))
            .layer(middleware::from_fn_with_state(state.clone(), session::identify))
            .layer(middleware::from_fn(session::check_scope))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .layer(middleware::from_fn_with_state(state.clone(), whole_body)),
    );
    Router::new()
        .merge(call::routes(health::calls()))
        .merge(described.layer(compression))
        .merge(guarded)
        .merge(statics::router(&state))
        .layer(middleware::from_fn_with_state(state.clone(), headers))
        .with_state(state)
}

/// Every call that programs make.
fn calls() -> Vec<call::Call> {
    [api::calls(), transport::calls(), schemas::calls(), health::calls()].into_iter().flatten().collect()
}

/// Takes a body in whole before anybody acts on it: no more than is allowed, and in bounded time however it is
/// dribbled.
async fn whole_body(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let patience = Duration::from_secs(state.settings.request_seconds);
    let whole = Bytes::from_request(Request::from_parts(parts.clone(), body), &state);
    let problem = match timeout(patience, whole).await {
        Ok(Ok(body)) => return next.run(Request::from_parts(parts, body.into())).await,
        Ok(Err(refused)) => {
            let why = match refused.status() {
                StatusCode::PAYLOAD_TOO_LARGE => "The body is larger than 64 KiB.".to_owned(),
                _ => refused.body_text(),
            };
            Problem::new(refused.status().as_u16(), "request.refused", why)
        }
        Err(_) => {
            let why = format!("The body did not arrive within {} seconds.", patience.as_secs());
            Problem::new(408, "request.too_slow", why)
        }
    };
    problem.into_response()
}

/// Headers that every answer carries. Pages set a Content-Security-Policy of their own, with a nonce.
async fn headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::REFERRER_POLICY, "same-origin");
    default(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    default(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()");
    if state.settings.is_tls() {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    response
}

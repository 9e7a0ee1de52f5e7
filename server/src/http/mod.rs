//! Everything that is answered over plain HTTP, and the order of the layers around it.

mod accounts;
mod api;
mod asyncapi;
pub(crate) mod call;
mod documents;
mod forms;
mod health;
mod openapi;
mod pages;
mod schemas;
mod statics;

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::Response,
};
use tower::ServiceBuilder;
use tower_http::{
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
    timeout::RequestBodyTimeoutLayer,
};

use crate::{limits, session, state::AppState, transport};

/// How long a request's body may take to go on arriving.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The largest request body, in bytes.
const MAX_BODY: usize = 64 << 10;

pub(crate) fn router(state: AppState) -> Router {
    let compression = CompressionLayer::new()
        .compress_when(SizeAbove::new(1_024).and(NotForContentType::SSE).and(NotForContentType::IMAGES));
    let described = call::routes(schemas::calls())
        .merge(openapi::router(&calls()))
        .merge(asyncapi::router(&state.settings));
    let answered = Router::new()
        .merge(api::router(&state))
        .merge(pages::router(&state))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIME))
        .layer(compression.clone());
    let streams = call::routes(transport::calls())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(state.clone(), limits::count_streams));
    let guarded = Router::new().merge(answered).merge(streams).layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn_with_state(state.clone(), session::check_origin))
            .layer(middleware::from_fn_with_state(state.clone(), session::identify))
            .layer(middleware::from_fn(session::check_scope)),
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

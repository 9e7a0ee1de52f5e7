//! What is the same for everybody and as long as the program runs: schemas, the catalogue, the descriptions of
//! the API. Made once, public, and not sent again to whoever has it.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Serialize;

/// Tools in other pages may read these; they hold nothing of anybody.
const ANYBODY: HeaderValue = HeaderValue::from_static("*");

/// Kept, but asked for again: the next version of the program may say something else.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("public, max-age=60, must-revalidate");

/// One of them.
pub(super) struct Document {
    kind: HeaderValue,
    tag: HeaderValue,
    body: Bytes,
}

impl Document {
    /// A text of this content type.
    pub(super) fn new(kind: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let mut hash = DefaultHasher::new();
        body.hash(&mut hash);
        // Weak: the same text is sent compressed or not.
        let tag = HeaderValue::try_from(format!("W/\"{:016x}\"", hash.finish()));
        Self { kind: HeaderValue::from_static(kind), tag: tag.expect("hexadecimal digits"), body }
    }

    /// A value as JSON, for programs and for people.
    pub(super) fn json(kind: &'static str, value: &impl Serialize) -> Self {
        let text = serde_json::to_string_pretty(value).expect("it holds nothing that JSON cannot");
        Self::new(kind, text)
    }

    /// The answer to a request with these headers.
    pub(super) fn answer(&self, request: &HeaderMap) -> Response {
        let known = request
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|tag| tag.trim().trim_start_matches("W/") == self.bare_tag() || tag.trim() == "*");
        let mut response = match known {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => ([(header::CONTENT_TYPE, self.kind.clone())], self.body.clone()).into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.tag.clone());
        headers.insert(header::CACHE_CONTROL, ASK_AGAIN);
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
        response
    }

    fn bare_tag(&self) -> &str {
        self.tag.to_str().unwrap_or_default().trim_start_matches("W/")
    }
}

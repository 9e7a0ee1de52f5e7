//! Every error of the API is problem+json (RFC 9457): a status, a stable code, a sentence.

use axum::{
    extract::rejection::QueryRejection,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use backend::{AccountError, ExecuteError, IngestError, QueryError, ScopeMissing, TooMany};
use hub::HubError;
use serde::Serialize;

/// The content type of RFC 9457.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) detail: String,
    /// In how many seconds to try again.
    #[serde(skip)]
    pub(crate) retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: u16, code: impl Into<String>, detail: impl Into<String>) -> Self {
        let title = StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("Error");
        let (code, detail) = (code.into(), detail.into());
        Self { kind: "about:blank", title, status, code, detail, retry_after: None }
    }

    fn retry_after(self, retry_after: Option<u64>) -> Self {
        Self { retry_after, ..self }
    }

    pub(crate) fn bad_request(code: &str, detail: impl ToString) -> Self {
        Self::new(400, code, detail.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

macro_rules! problem_from {
    ($($error:ty: |$it:pat_param| $retry_after:expr;)+) => {$(
        impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                let $it = &error;
                Self::new(error.status(), error.code(), error.to_string()).retry_after($retry_after)
            }
        }
    )+};
}

problem_from! {
    ExecuteError: |error| error.retry_after();
    AccountError: |error| error.retry_after();
    IngestError: |error| error.retry_after();
    TooMany: |error| Some(error.retry_after);
    QueryError: |_| None;
    ScopeMissing: |_| None;
}

impl From<QueryRejection> for Problem {
    fn from(why: QueryRejection) -> Self {
        Self::bad_request("request.bad_query", why.body_text())
    }
}

impl From<HubError> for Problem {
    fn from(error: HubError) -> Self {
        QueryError::from(error).into()
    }
}

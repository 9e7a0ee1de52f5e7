//! Why a call to the server brought nothing: a code for programs, a sentence for people.

use leptos::prelude::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

use crate::calls::Text;

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{why}")]
pub struct Fault {
    /// Stable, `<context>.<reason>`. What begins with `page.` happened on the way, not on the server.
    pub code: String,
    /// For people.
    pub why: String,
}

impl Fault {
    /// With a code and a sentence.
    pub fn new(code: impl Into<String>, why: impl Into<String>) -> Self {
        Self { code: code.into(), why: why.into() }
    }

    /// Whether the server was not reached or its answer did not come back: trying the same again, with the
    /// same id, is safe and makes sense.
    #[must_use]
    pub fn on_the_way(&self) -> bool {
        self.code.starts_with("page.") || self.code == "store.unavailable" || self.code == "server.closing"
    }

    /// Whether the server asks for patience: the same again, with the same id, will do a little later.
    #[must_use]
    pub fn too_soon(&self) -> bool {
        matches!(self.code.as_str(), "request.too_many" | "server.busy")
    }

    /// Whether what was asked for is not there, or not for the caller to see.
    #[must_use]
    pub fn not_found(&self) -> bool {
        self.code.ends_with(".not_found") || self.code == "chat.no_room"
    }
}

/// Problem details (RFC 9457), as the server's outer layers answer.
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    detail: Option<String>,
}

impl FromServerFnError for Fault {
    type Encoder = Text;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => {
                Self::new("page.unreachable", "The server cannot be reached right now.")
            }
            ServerFnErrorErr::Deserialization(_) | ServerFnErrorErr::Response(_) => {
                Self::new("page.garbled", "The server’s answer did not arrive whole.")
            }
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                Self::new("call.bad_arguments", "The server does not understand this page. Reload it.")
            }
            other => Self::new("call.failed", other.to_string()),
        }
    }

    fn de(data: leptos::server_fn::Bytes) -> Self {
        let data = String::from_utf8_lossy(&data);
        if let Ok(fault) = serde_json::from_str::<Fault>(&data) {
            return fault;
        }
        match serde_json::from_str::<Problem>(&data) {
            Ok(problem) => Self::new(
                problem.code.unwrap_or_else(|| "call.refused".to_owned()),
                problem.detail.or(problem.title).unwrap_or_else(|| "The server refused this.".to_owned()),
            ),
            Err(error) => Self::from_server_fn_error(ServerFnErrorErr::Deserialization(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_survives_the_way_and_a_broken_answer_is_told_apart() {
        let refusal = Fault::new("chat.message_empty", "The message is empty.");
        assert_eq!(Fault::de(refusal.ser()), refusal);
        assert!(!refusal.on_the_way());
        assert!(Fault::de("<html>502".into()).on_the_way());
    }

    #[test]
    fn problem_details_are_understood_too() {
        let fault = Fault::de(r#"{"status":429,"code":"request.too_many","detail":"Slow down."}"#.into());
        assert_eq!(fault, Fault::new("request.too_many", "Slow down."));
        assert!(fault.too_soon() && !fault.on_the_way());
    }
}

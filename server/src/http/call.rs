//! One call of the HTTP interface: the handler together with what `/openapi.json` says of it, so that there is
//! no call without a description and no description without a call.

use axum::{
    Router,
    handler::Handler,
    routing::{MethodRouter, delete, get, post},
};
use domain::Scope;
use serde_json::{Map, Value, json};

use crate::{problem::PROBLEM_JSON, state::AppState};

/// A call and its description.
pub(crate) struct Call {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    handler: MethodRouter<AppState>,
    /// The OpenAPI 3.1 operation.
    pub(super) operation: Value,
    problems: Vec<(u16, &'static str)>,
}

impl Call {
    /// A call by GET. `id` names it for generated clients.
    pub(crate) fn get<H: Handler<T, AppState>, T: 'static>(
        id: &'static str,
        path: &'static str,
        handler: H,
    ) -> Self {
        Self::new("get", id, path, get(handler))
    }

    /// A call by POST.
    pub(crate) fn post<H: Handler<T, AppState>, T: 'static>(
        id: &'static str,
        path: &'static str,
        handler: H,
    ) -> Self {
        Self::new("post", id, path, post(handler)).problems(&[(403, "request.wrong_origin")])
    }

    /// A call by DELETE.
    pub(crate) fn delete<H: Handler<T, AppState>, T: 'static>(
        id: &'static str,
        path: &'static str,
        handler: H,
    ) -> Self {
        Self::new("delete", id, path, delete(handler)).problems(&[(403, "request.wrong_origin")])
    }

    fn new(method: &'static str, id: &str, path: &'static str, handler: MethodRouter<AppState>) -> Self {
        let operation = json!({ "operationId": id, "security": [], "responses": {} });
        Self { method, path, handler, operation, problems: Vec::new() }
    }

    /// Which part of the interface it belongs to, what it does in a few words, and what else to know.
    pub(crate) fn says(mut self, tag: &str, summary: &str, description: &str) -> Self {
        self.operation["tags"] = json!([tag]);
        self.operation["summary"] = summary.into();
        if !description.is_empty() {
            self.operation["description"] = description.into();
        }
        self
    }

    /// Anybody may ask; who has signed in, or brings a token with `scope`, is answered as themselves.
    pub(crate) fn anybody(mut self, scope: Option<Scope>) -> Self {
        let scopes: Vec<Scope> = scope.into_iter().collect();
        self.operation["security"] = json!([{}, { "cookie": [] }, { "bearer": scopes }]);
        let scope_missing = scope.map(|_| (403, "account.scope_missing"));
        self.problems(&[(401, "account.bad_token")]).problems(scope_missing.as_slice())
    }

    /// Only for who has signed in, or brings a token with this scope.
    pub(crate) fn needs(mut self, scope: Scope) -> Self {
        self.operation["security"] = json!([{ "cookie": [] }, { "bearer": [scope] }]);
        self.problems(&[
            (401, "account.bad_token"),
            (401, "account.sign_in_first"),
            (403, "account.scope_missing"),
        ])
    }

    /// One more parameter; `place` is `path`, `query` or `header`. Those in the path are required.
    pub(crate) fn takes(mut self, place: &str, name: &str, description: &str, schema: Value) -> Self {
        let mut parameter =
            json!({ "in": place, "name": name, "description": description, "schema": schema });
        if place == "path" {
            parameter["required"] = true.into();
        }
        match &mut self.operation["parameters"] {
            Value::Array(parameters) => parameters.push(parameter),
            none => *none = json!([parameter]),
        }
        self
    }

    /// A JSON body of this schema.
    pub(crate) fn body(self, schema: Value, example: Value) -> Self {
        self.bodies(json!({ "application/json": { "schema": schema, "example": example } }))
    }

    /// A body of any of these types, each with its schema and an example.
    pub(crate) fn bodies(mut self, content: Value) -> Self {
        self.operation["requestBody"] = json!({ "required": true, "content": content });
        self.problems(&[(400, "request.malformed"), (408, "request.too_slow"), (413, "request.refused")])
    }

    /// What is answered if all is well; without a schema, no body.
    pub(crate) fn answers(mut self, status: u16, description: &str, content: Option<(&str, Value)>) -> Self {
        let mut response = json!({ "description": description });
        if let Some((kind, schema)) = content {
            response["content"] = json!({ kind: { "schema": schema } });
        }
        self.operation["responses"][status.to_string()] = response;
        self
    }

    /// Statuses and codes with which it may be refused.
    pub(crate) fn problems(mut self, problems: &[(u16, &'static str)]) -> Self {
        self.problems.extend_from_slice(problems);
        self
    }

    /// The finished operation.
    pub(super) fn described(&self) -> Value {
        let mut operation = self.operation.clone();
        let mut statuses: Vec<u16> = self.problems.iter().map(|(status, _)| *status).collect();
        statuses.sort_unstable();
        statuses.dedup();
        for status in statuses {
            let mut codes: Vec<&str> =
                self.problems.iter().filter(|problem| problem.0 == status).map(|problem| problem.1).collect();
            codes.sort_unstable();
            codes.dedup();
            operation["responses"][status.to_string()] = refusal(status, &codes);
        }
        operation
    }
}

/// The answer that refuses with one of these codes.
pub(super) fn refusal(status: u16, codes: &[&str]) -> Value {
    let schema = json!({
        "$ref": "#/components/schemas/Problem",
        "properties": { "status": { "const": status }, "code": { "enum": codes } },
    });
    let mut headers = Map::new();
    if codes.iter().any(|code| matches!(*code, "request.too_many" | "server.busy")) {
        let seconds = json!({ "type": "integer", "minimum": 1 });
        let when = json!({ "description": "In how many seconds to try again.", "schema": seconds });
        headers.insert("Retry-After".to_owned(), when);
    }
    json!({
        "description": format!("Refused: {}.", codes.join(", ")),
        "headers": headers,
        "content": { PROBLEM_JSON: { "schema": schema } },
    })
}

/// A schema that stands among the components.
pub(crate) fn component(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The routes of some calls.
pub(crate) fn routes(calls: Vec<Call>) -> Router<AppState> {
    calls.into_iter().fold(Router::new(), |router, call| router.route(call.path, call.handler))
}

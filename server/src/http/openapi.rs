//! `/openapi.json`: the HTTP interface as OpenAPI 3.1, made from the very calls that are routed. Each command
//! of the contract has a path of its own, with its schema and an example.

use std::sync::Arc;

use axum::{Router, http::HeaderMap, routing::get};
use domain::contract::{INTENTS, intent_schemas};
use serde_json::{Map, Value, json};

use super::{
    call::{Call, component},
    documents::Document,
};
use crate::state::AppState;

/// Where all commands are routed; the document has one path for each instead.
const ANY_COMMAND: &str = "/api/commands/{type}";

/// What the domain refuses, with the status that it becomes.
const REFUSALS: &[(u16, &str)] = &[
    (403, "account.forbidden"),
    (403, "account.sign_in_first"),
    (404, "account.unknown"),
    (409, "account.handle_taken"),
    (422, "account.bad_name"),
    (403, "chat.not_author"),
    (404, "chat.no_message"),
    (404, "chat.no_room"),
    (409, "chat.message_deleted"),
    (409, "chat.message_exists"),
    (409, "chat.room_exists"),
    (422, "chat.bad_reaction"),
    (422, "chat.bad_title"),
    (422, "chat.message_control_characters"),
    (422, "chat.message_empty"),
    (422, "chat.message_too_long"),
    (422, "chat.not_private"),
    (422, "chat.read_past_head"),
];

/// The document about these calls, and itself.
pub(super) fn router(calls: &[Call]) -> Router<AppState> {
    let document = Arc::new(Document::json("application/json", &document(calls)));
    Router::new()
        .route("/openapi.json", get(move |headers: HeaderMap| async move { document.answer(&headers) }))
}

fn document(calls: &[Call]) -> Value {
    let mut paths = Map::new();
    let mut schemas = components();
    for call in calls {
        if call.path == ANY_COMMAND {
            for (path, operation) in commands(call, &mut schemas) {
                paths.insert(path, json!({ call.method: operation }));
            }
            continue;
        }
        let methods = paths.entry(call.path).or_insert_with(|| json!({}));
        methods[call.method] = call.described();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Hubbub",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A small shop's live floor: one log, one contract, one fold.",
            "description": "Every change is an event in one ordered log, and each event is a CloudEvents 1.0 \
                envelope. Commands are answered when their events are on disk. Every error is problem+json \
                (RFC 9457) with a stable code and a sentence. What may be done how often is bounded; who comes \
                too often is told when to try again.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "hubbub",
                    "description": "The session of a browser; over TLS it is called __Host-hubbub.",
                },
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The secret of a session, which may do everything, or of a token, which may \
                        do what its scopes say: read, command, ingest.",
                },
            },
        },
    })
}

/// Every command as a call of its own.
fn commands(call: &Call, schemas: &mut Map<String, Value>) -> Vec<(String, Value)> {
    let summaries = INTENTS.iter().map(|(_, summary)| *summary);
    intent_schemas()
        .into_iter()
        .zip(summaries)
        .map(|((name, schema), summary)| {
            let mut operation = call.described();
            operation["operationId"] = name.into();
            operation["summary"] = summary.trim_end_matches('.').into();
            operation["description"] = format!("The command `{name}`.").into();
            let schema = hoisted(schema.to_value(), schemas);
            let content = json!({ "application/json": { "schema": schema, "example": example(name) } });
            operation["requestBody"] = json!({ "required": true, "content": content });
            let context = name.split('.').next().unwrap_or_default();
            let own = REFUSALS
                .iter()
                .filter(|(_, code)| code.starts_with(context) && code[context.len()..].starts_with('.'));
            for (status, code) in own {
                add_code(&mut operation, *status, code);
            }
            (format!("/api/commands/{name}"), operation)
        })
        .collect()
}

/// One more code with which an operation may be refused.
fn add_code(operation: &mut Value, status: u16, code: &str) {
    let response = &mut operation["responses"][status.to_string()];
    if response.is_null() {
        *response = super::call::refusal(status, &[code]);
        return;
    }
    let codes =
        &mut response["content"][crate::problem::PROBLEM_JSON]["schema"]["properties"]["code"]["enum"];
    if let Value::Array(codes) = codes
        && !codes.iter().any(|known| known == code)
    {
        codes.push(code.into());
    }
}

/// A schema whose definitions have moved to the components, where references of the document lead.
pub(super) fn hoisted(mut schema: Value, components: &mut Map<String, Value>) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("$schema");
        if let Some(Value::Object(definitions)) = fields.remove("$defs") {
            for (name, definition) in definitions {
                let definition = led_to_components(definition);
                let known = components.entry(name.clone()).or_insert_with(|| definition.clone());
                assert_eq!(*known, definition, "two schemas are called {name}");
            }
        }
    }
    led_to_components(schema)
}

fn led_to_components(schema: Value) -> Value {
    match schema {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| match value.as_str().and_then(|to| to.strip_prefix("#/$defs/")) {
                Some(to) if name == "$ref" => (name, format!("#/components/schemas/{to}").into()),
                _ => (name, led_to_components(value)),
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(led_to_components).collect(),
        other => other,
    }
}

/// What a command's data can look like.
fn example(command: &str) -> Value {
    let message = "01934a5c-0000-7000-8000-000000000100";
    let person = "01934a5c-0000-7000-8000-0000000000b0";
    match command {
        "account.register" => json!({ "user": person, "handle": "cleo", "name": "Cleo", "role": "customer" }),
        "account.change_profile" => json!({ "name": "Ada L." }),
        "account.change_role" => json!({ "user": person, "role": "desk" }),
        "account.end_session" => json!({ "user": person, "session": message }),
        "chat.open_room" => json!({ "room": "tea", "title": "Tea corner", "private": false }),
        "chat.add_member" | "chat.remove_member" => json!({ "room": "backstage", "user": person }),
        "chat.post_message" => json!({ "room": "lobby", "text": "Hello from a program" }),
        "chat.edit_message" => json!({ "room": "lobby", "message": message, "text": "Hello again" }),
        "chat.delete_message" => json!({ "room": "lobby", "message": message }),
        "chat.add_reaction" | "chat.remove_reaction" => {
            json!({ "room": "lobby", "message": message, "reaction": "👍" })
        }
        "chat.mark_read" => json!({ "room": "lobby", "upto": 42 }),
        _ => Value::Null,
    }
}

/// What answers are made of.
pub(super) fn components() -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let uuid = json!({ "type": "string", "format": "uuid" });
    let time = json!({ "type": "string", "format": "date-time" });
    let position =
        json!({ "type": "integer", "minimum": 0, "description": "A place in the log's total order." });
    let scopes = json!({ "type": "array", "items": { "enum": ["read", "command", "ingest", "manage"] } });
    let object = |description: &str, optional: &[&str], properties: Value| {
        let required: Vec<&String> =
            properties.as_object().into_iter().flatten().map(|(name, _)| name).collect();
        let required: Vec<_> =
            required.into_iter().filter(|name| !optional.contains(&name.as_str())).collect();
        json!({ "type": "object", "description": description, "required": required, "properties": properties })
    };
    let event = object(
        "An event: a CloudEvents 1.0 envelope.",
        &["hop", "traceparent"],
        json!({
            "specversion": { "const": "1.0" },
            "id": uuid,
            "source": text,
            "type": { "type": "string", "description": "One of those at /schemas." },
            "subject": { "type": "string", "description": "Where it is published; what patterns match." },
            "time": time,
            "datacontenttype": { "const": "application/json" },
            "dataschema": { "type": "string", "format": "uri-reference", "description": "Where the schema of `data` is." },
            "sequence": { "type": "string", "pattern": "^[0-9]{20}$", "description": "The position in the log." },
            "partitionkey": { "type": "string", "description": "The stream." },
            "streamversion": { "type": "integer", "minimum": 1, "description": "The position in the stream." },
            "correlationid": { "type": "string", "format": "uuid", "description": "The first command of the flow." },
            "causationid": { "type": "string", "format": "uuid", "description": "What directly caused it." },
            "hop": { "type": "integer", "minimum": 1, "description": "How many reactions deep." },
            "traceparent": text,
            "actor": { "type": "string", "examples": ["user:01934a5c-0000-7000-8000-0000000000b0"] },
            "audience": { "type": "string", "description": "Who may see it: tokens, separated by spaces." },
            "data": { "type": "object", "description": "What happened." },
        }),
    );
    let problem = object(
        "What went wrong (RFC 9457).",
        &[],
        json!({
            "type": text,
            "title": text,
            "status": { "type": "integer" },
            "code": { "type": "string", "description": "Stable: <context>.<reason>." },
            "detail": { "type": "string", "description": "A sentence for people." },
        }),
    );
    let session = object(
        "A session, or a token that was given to a program.",
        &[],
        json!({
            "id": uuid,
            "name": { "type": ["string", "null"], "description": "What its owner calls it, if it is a token." },
            "scopes": scopes,
            "created": time,
            "expires": time,
            "current": { "type": "boolean", "description": "Whether it is the one that asks." },
        }),
    );
    let signed_in = object(
        "A session that has begun.",
        &[],
        json!({
            "user": uuid,
            "session": uuid,
            "token": { "type": "string", "description": "The secret, for `Authorization: Bearer`." },
            "expires": time,
        }),
    );
    let token = object(
        "A token.",
        &[],
        json!({
            "id": uuid,
            "token": { "type": "string", "description": "The secret, for `Authorization: Bearer`. It is said once." },
            "scopes": scopes,
            "expires": time,
        }),
    );
    let reference =
        object("One event of a receipt.", &[], json!({ "id": uuid, "position": position, "kind": text }));
    let receipt = object(
        "The answer to an accepted command.",
        &[],
        json!({
            "position": position,
            "events": { "type": "array", "items": reference },
            "repeated": { "type": "boolean", "description": "Whether it had been accepted before." },
        }),
    );
    let list = |of: &str| json!({ "type": "array", "items": component(of) });
    let page = object("A page of the log.", &[], json!({ "events": list("Event"), "next": position }));
    let sessions = object("Sessions and tokens.", &[], json!({ "sessions": list("Session") }));
    let ready = object("Able to work.", &[], json!({ "ready": { "const": true }, "position": position }));
    [
        ("Event", event),
        ("EventPage", page),
        ("Problem", problem),
        ("Readiness", ready),
        ("Receipt", receipt),
        ("Session", session),
        ("SessionList", sessions),
        ("SignedIn", signed_in),
        ("Token", token),
    ]
    .into_iter()
    .map(|(name, schema)| (name.to_owned(), schema))
    .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::Intent;

    use super::*;

    #[test]
    fn every_command_has_an_example_that_is_one() {
        for (name, _) in INTENTS {
            let example = example(name);
            assert!(example.is_object(), "openapi.rs has no example of {name}");
            if let Err(error) = Intent::parse(name, &example.to_string()) {
                panic!("the example of {name}: {error}");
            }
        }
    }

    /// The codes are written in the domain once and here a second time; this holds them together.
    #[test]
    fn every_code_with_which_the_domain_refuses_is_listed() {
        let source = concat!(
            include_str!("../../../crates/domain/src/account.rs"),
            include_str!("../../../crates/domain/src/chat/mod.rs")
        );
        let codes = source.lines().filter_map(|line| line.trim().strip_prefix("Refusal::"));
        let written: BTreeSet<&str> =
            codes.filter_map(|line| line.split_once("=> \"")?.1.split('"').next()).collect();
        let listed: BTreeSet<&str> = REFUSALS.iter().map(|(_, code)| *code).collect();
        assert!(written.len() > 15);
        assert_eq!(listed, written);
    }
}

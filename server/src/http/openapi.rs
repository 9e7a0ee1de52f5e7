//! `/openapi.json`: the HTTP interface as OpenAPI 3.1, made from the very calls that are routed. Each command
//! of the contract has a path of its own, with its schema and an example.

use std::sync::Arc;

use axum::{Router, http::HeaderMap, routing::get};
use backend::{
    ingest::{MAX_NAME, TYPES},
    status_of,
};
use domain::{
    command,
    contract::{INTENTS, intent_schemas},
};
use serde_json::{Map, Value, json};

use super::{
    call::{Call, component},
    documents::Document,
    services, stored,
};
use crate::state::AppState;

/// Where all commands are routed; the document has one path for each instead.
const ANY_COMMAND: &str = "/api/commands/{type}";

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
            // Whoever acts is somebody, and may be the wrong one.
            let own = command::all_refusals().filter(|(_, code)| {
                ["account", context].contains(&code.split('.').next().unwrap_or_default())
            });
            for (kind, code) in own {
                add_code(&mut operation, status_of(kind), code);
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
    let order = "01934a5c-0000-7000-8000-00000000000d";
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
        "catalog.list_product" => {
            json!({ "sku": "cup-blue", "title": "Blue cup", "price_cents": 1_250 })
        }
        "catalog.change_price" => json!({ "sku": "cup-blue", "price_cents": 990 }),
        "catalog.retire_product" | "cart.remove_item" => json!({ "sku": "cup-blue" }),
        "cart.add_item" | "cart.set_quantity" | "stock.receive" => {
            json!({ "sku": "cup-blue", "quantity": 2 })
        }
        "order.place" => json!({ "expected_total_cents": 2_500, "address": "1 Harbour Street, Port" }),
        "order.cancel" | "order.refund" => {
            json!({ "order": order, "reason": "It is too late for the party." })
        }
        "order.abort" => json!({ "order": order, "reason": "out_of_stock" }),
        "order.expire" => json!({ "order": order, "waiting_for": "authorize" }),
        "order.request_step" => json!({ "order": order, "step": "reserve" }),
        "review.approve" | "review.reject" => {
            json!({ "order": order, "reason": "I have asked the customer." })
        }
        "wallet.open" => json!({ "user": person, "credit_cents": 10_000 }),
        "wallet.deposit" => json!({ "amount_cents": 5_000 }),
        "shipment.report_position" => {
            json!({ "order": order, "latitude_e6": 52_520_008, "longitude_e6": 13_404_954 })
        }
        "shipment.fail" => json!({ "order": order, "reason": "undeliverable" }),
        "notification.raise" => {
            json!({ "user": person, "text": "Your order is on its way.", "link": format!("/orders/{order}") })
        }
        "notification.mark_read" => json!({ "upto": 42 }),
        "notification.note_email_sent" => json!({ "user": person, "notification": message }),
        "notification.note_email_failure" => {
            json!({ "user": person, "notification": message, "reason": "refused" })
        }
        "service.pause" => json!({ "service": "mail", "reason": "The mail server is being moved." }),
        "service.resume" => json!({ "service": "mail" }),
        "service.park" => json!({
            "service": "mail", "key": "room-lobby", "at": 41, "kind": "chat.message_posted",
            "error": "The mail server does not know this mailbox.", "attempts": 8,
        }),
        "service.redrive" => json!({ "service": "mail", "key": "room-lobby" }),
        "service.discard" => {
            json!({ "service": "mail", "key": "room-lobby", "at": 41, "reason": "The mailbox was closed." })
        }
        "service.note_rebuilt" => {
            json!({ "projection": "search", "generation": 2, "events": 41, "took_ms": 12 })
        }
        // Every other command is about one order and nothing else.
        _ => json!({ "order": order }),
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
            "dataschema": { "type": "string", "format": "uri", "description": "The schema of `data`. Its path is where this server has it." },
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
    let outside = object(
        "An event from outside: a CloudEvents 1.0 envelope.",
        &["time", "datacontenttype"],
        json!({
            "specversion": { "const": "1.0" },
            "id": { "type": "string", "maxLength": MAX_NAME, "description": "What the source calls it." },
            "source": { "type": "string", "maxLength": MAX_NAME, "examples": ["couriers/7"] },
            "type": { "enum": TYPES.map(|(kind, _)| kind) },
            "time": time,
            "datacontenttype": { "const": "application/json" },
            "data": { "type": "object", "description": "That of the command it stands for." },
        }),
    );
    let result = object(
        "What came of one event of a batch: a receipt, or a problem.",
        &["receipt", "problem"],
        json!({
            "source": { "description": "As it was sent." },
            "id": { "description": "As it was sent." },
            "status": { "type": "integer", "description": "As it would be answered by itself." },
            "receipt": component("Receipt"),
            "problem": component("Problem"),
        }),
    );
    let list = |of: &str| json!({ "type": "array", "items": component(of) });
    let page = object("A page of the log.", &[], json!({ "events": list("Event"), "next": position }));
    let snapshot = object(
        "A view, and how far it is folded: read the log on from there to keep it up to date.",
        &[],
        json!({
            "view": { "type": "object", "description": "The view." },
            "cursor": { "type": "string", "description": "`epoch.position`." },
        }),
    );
    let ingested = object(
        "What came of a batch, in order.",
        &[],
        json!({ "results": { "type": "array", "items": result } }),
    );
    let sessions = object("Sessions and tokens.", &[], json!({ "sessions": list("Session") }));
    let ready = object("Able to work.", &[], json!({ "ready": { "const": true }, "position": position }));
    [
        ("Event", event),
        ("EventPage", page),
        ("Ingested", ingested),
        ("OutsideEvent", outside),
        ("Problem", problem),
        ("Readiness", ready),
        ("Receipt", receipt),
        ("Session", session),
        ("SessionList", sessions),
        ("SignedIn", signed_in),
        ("Snapshot", snapshot),
        ("Token", token),
    ]
    .into_iter()
    .chain(services::schemas())
    .chain(stored::schemas())
    .map(|(name, schema)| (name.to_owned(), schema))
    .collect()
}

#[cfg(test)]
mod tests {
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
}

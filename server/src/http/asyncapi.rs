//! `/asyncapi.json`: what is said over live streams, as AsyncAPI 3.0: every event type on the subject where it is
//! published, and the frames of the live protocol.

use std::sync::Arc;

use axum::{Router, http::HeaderMap, routing::get};
use domain::{
    contract::{KINDS, Kind},
    envelope::dataschema,
};
use serde_json::{Map, Value, json};

use super::{call::component, documents::Document, openapi, schemas};
use crate::{config::Settings, state::AppState};

/// The document, for a server with these settings.
pub(super) fn router(settings: &Settings) -> Router<AppState> {
    let document = Arc::new(Document::json("application/json", &document(settings)));
    Router::new()
        .route("/asyncapi.json", get(move |headers: HeaderMap| async move { document.answer(&headers) }))
}

fn document(settings: &Settings) -> Value {
    let mut components = openapi::components();
    components.retain(|name, _| name == "Event");
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for kind in KINDS {
        messages.insert(kind.name.to_owned(), event(kind, &mut components));
        channels.insert(kind.name.to_owned(), subject(kind));
        operations.insert(kind.name.to_owned(), operation("send", kind.name, kind.summary, &[kind.name]));
    }
    let mut said = Map::new();
    for (action, summary, frames) in
        [("receive", "What a client says.", from_client()), ("send", "What the server says.", from_server())]
    {
        let names: Vec<String> = frames.iter().map(|(kind, ..)| format!("{action}.{kind}")).collect();
        for ((kind, summary, payload), name) in frames.into_iter().zip(&names) {
            messages.insert(name.clone(), frame(kind, summary, payload));
            said.insert(name.clone(), reference("components/messages", name));
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        operations.insert(format!("live.{action}"), operation(action, "live", summary, &names));
    }
    channels.insert(
        "live".to_owned(),
        json!({
            "address": "/live/ws",
            "title": "The live protocol",
            "description": "JSON text frames, several to one message separated by newlines, over WebSocket.",
            "servers": [{ "$ref": "#/servers/here" }],
            "messages": said,
        }),
    );
    let (host, protocol) = match settings.public_url.split_once("://") {
        Some((scheme, host)) => (host.to_owned(), if scheme == "https" { "wss" } else { "ws" }),
        None => (settings.addr.to_string(), "ws"),
    };
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hubbub, live",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every event is a CloudEvents 1.0 envelope, published on its subject. A subscription \
                names a pattern of subjects (`*` is one token, `>` the rest) and receives what is for its owner.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": { "here": { "host": host, "protocol": protocol } },
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": components },
    })
}

fn reference(of: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/{of}/{name}") })
}

fn operation(action: &str, channel: &str, summary: &str, messages: &[&str]) -> Value {
    let of = format!("channels/{channel}/messages");
    json!({
        "action": action,
        "channel": reference("channels", channel),
        "summary": summary,
        "messages": messages.iter().map(|name| reference(&of, name)).collect::<Vec<_>>(),
    })
}

/// Where an event type is published.
fn subject(kind: &Kind) -> Value {
    let fields = kind.subject.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let parameters: Map<String, Value> = fields
        .map(|field| {
            (field.to_owned(), json!({ "description": format!("The field `{field}` of the data.") }))
        })
        .collect();
    json!({
        "address": kind.subject,
        "description": format!("Seen by {}.", kind.audience),
        "parameters": parameters,
        "messages": { kind.name: reference("components/messages", kind.name) },
    })
}

fn event(kind: &Kind, components: &mut Map<String, Value>) -> Value {
    let data = openapi::hoisted(schemas::of_event(kind.name, kind.version), components);
    components.insert(format!("{}.{}", kind.name, kind.version), data);
    let own = json!({
        "type": { "const": kind.name },
        "dataschema": { "const": dataschema(kind.name, kind.version) },
        "data": component(&format!("{}.{}", kind.name, kind.version)),
    });
    json!({
        "name": kind.name,
        "summary": kind.summary,
        "contentType": "application/cloudevents+json",
        "payload": { "allOf": [component("Event"), { "type": "object", "properties": own }] },
        "examples": [{ "payload": schemas::example(kind) }],
    })
}

/// A frame: its kind, what it is for, and its fields. A field whose name ends in `?` may be left out.
type Frame = (&'static str, &'static str, Value);

fn frame(kind: &str, summary: &str, fields: Value) -> Value {
    let mut properties = json!({ "kind": { "const": kind } });
    let mut required = vec!["kind".to_owned()];
    for (name, schema) in fields.as_object().into_iter().flatten() {
        let bare = name.trim_end_matches('?');
        properties[bare] = schema.clone();
        if bare == name {
            required.push(name.clone());
        }
    }
    let payload = json!({ "type": "object", "required": required, "properties": properties });
    json!({ "name": kind, "summary": summary, "payload": payload })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn number() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn from_client() -> Vec<Frame> {
    let sub = json!({ "sid": text(), "match": text(), "since?": text(), "on_gap?": text() });
    let one = frame("sub", "", sub.clone())["payload"]["properties"].clone();
    let mut wanted = one.as_object().cloned().unwrap_or_default();
    wanted.remove("kind");
    let subs = json!({
        "type": "array",
        "items": { "type": "object", "required": ["sid", "match"], "properties": wanted },
    });
    vec![
        (
            "hello",
            "The first frame: everything wanted from the start.",
            json!({ "v": number(), "subs?": subs }),
        ),
        ("sub", "One more subscription.", sub),
        ("unsub", "One less.", json!({ "sid": text() })),
        ("signal", "Something ephemeral.", json!({ "subject": text(), "data": {} })),
        ("pong", "The answer to ping.", json!({})),
    ]
}

fn from_server() -> Vec<Frame> {
    let limits = json!({ "type": "object" });
    let outcome = json!({ "enum": ["live", "replaying", "resync"] });
    let sids = json!({ "type": "array", "items": text() });
    vec![
        (
            "welcome",
            "The answer to hello.",
            json!({
                "conn": text(), "epoch": text(), "head": number(), "build": text(), "ping_ms": number(), "limits": limits,
            }),
        ),
        (
            "subbed",
            "What became of a subscription.",
            json!({ "sid": text(), "outcome": outcome, "pos?": number() }),
        ),
        ("event", "One event.", json!({ "event": component("Event") })),
        (
            "flush",
            "Everything from prev to pos was considered.",
            json!({
                "pos": number(), "prev": number(), "sids?": sids,
            }),
        ),
        ("signal", "Something ephemeral.", json!({ "subject": text(), "data": {}, "actor?": text() })),
        ("refused", "Something was not done.", json!({ "sid?": text(), "code": text(), "why": text() })),
        ("ping", "Answer with pong.", json!({})),
        (
            "bye",
            "The connection ends now; the range of the code says what to do.",
            json!({
                "code": number(), "why": text(), "retry_ms": number(), "spread_ms": number(),
            }),
        ),
    ]
}

//! `/schemas`: every event type of the contract, and the frozen JSON Schema of every version. An envelope's
//! `dataschema` has its path here.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    extract::Path,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use domain::contract::{INTENTS, KINDS, Kind};
use include_dir::{Dir, include_dir};
use serde::Serialize;
use serde_json::{Value, json};

use super::{call::Call, documents::Document};
use crate::problem::Problem;

static SCHEMAS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../crates/domain/schemas");
static GOLDEN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../crates/domain/golden");

/// The content type of JSON Schema (draft 2020-12, section 14).
const SCHEMA_JSON: &str = "application/schema+json";

pub(super) fn calls() -> Vec<Call> {
    let name = json!({ "type": "string", "examples": ["chat.message_posted"] });
    let version = json!({ "type": "integer", "minimum": 1, "examples": [1] });
    let catalogue = |headers: HeaderMap| async move { CATALOGUE.answer(&headers) };
    let object = || json!({ "type": "object" });
    vec![
        Call::get("catalogue", "/schemas", catalogue)
            .says("Schemas", "Every event type and command", "Types, subjects, audiences, examples.")
            .answers(200, "The catalogue.", Some(("application/json", object()))),
        Call::get("eventType", "/schemas/{type}", entry)
            .says("Schemas", "One event type", "")
            .takes("path", "type", "Its name.", name.clone())
            .answers(200, "Its entry in the catalogue.", Some(("application/json", object())))
            .problems(&[(404, "schema.unknown")]),
        Call::get("schema", "/schemas/{type}/{version}", schema)
            .says(
                "Schemas",
                "The JSON Schema of an event's data",
                "It never changes its meaning; `dataschema` has this path.",
            )
            .takes("path", "type", "The event type.", name)
            .takes("path", "version", "The version of the schema.", version)
            .answers(200, "A JSON Schema of the dialect 2020-12.", Some((SCHEMA_JSON, object())))
            .problems(&[(404, "schema.unknown")]),
    ]
}

/// An event type as the catalogue shows it.
#[derive(Serialize)]
struct Entry {
    #[serde(rename = "type")]
    name: &'static str,
    version: u16,
    description: &'static str,
    /// `{placeholders}` are fields of the data, here and in what follows.
    stream: &'static str,
    subject: &'static str,
    audience: &'static str,
    /// Fields of the data that are blanked when the event is redacted.
    personal: &'static [&'static str],
    /// Whether recording it redacts what was recorded before in its stream.
    redacts: bool,
    /// Where the schema of each version is, the newest last.
    schemas: Vec<String>,
    /// A frozen envelope of the current version.
    example: Value,
}

impl Entry {
    fn of(kind: &'static Kind) -> Self {
        Self {
            name: kind.name,
            version: kind.version,
            description: kind.summary,
            stream: kind.stream,
            subject: kind.subject,
            audience: kind.audience,
            personal: kind.personal,
            redacts: kind.redacts,
            schemas: (1..=kind.version).map(|version| address(kind.name, version)).collect(),
            example: example(kind),
        }
    }
}

/// Where the schema of a version of a type is: the path of its [`domain::envelope::dataschema`].
pub(super) fn address(name: &str, version: u16) -> String {
    format!("/schemas/{name}/{version}")
}

fn frozen(folder: &Dir<'static>, name: &str, version: u16) -> Value {
    let file = folder.get_file(format!("{name}.{version}.json"));
    let file = file.expect("the tests of the contract miss no schema and no sample");
    serde_json::from_slice(file.contents()).expect("the tests of the contract read them all")
}

/// The schema of the data of a version of an event type.
pub(super) fn of_event(name: &str, version: u16) -> Value {
    frozen(&SCHEMAS, name, version)
}

/// A frozen envelope of an event type, in its current version.
pub(super) fn example(kind: &Kind) -> Value {
    frozen(&GOLDEN, kind.name, kind.version)
}

static CATALOGUE: LazyLock<Document> = LazyLock::new(|| {
    let commands: Vec<Value> =
        INTENTS.iter().map(|(name, summary)| json!({ "type": name, "description": summary })).collect();
    let events: Vec<Entry> = KINDS.iter().map(Entry::of).collect();
    Document::json("application/json", &json!({ "events": events, "commands": commands }))
});

static ENTRIES: LazyLock<BTreeMap<&'static str, Document>> = LazyLock::new(|| {
    KINDS.iter().map(|kind| (kind.name, Document::json("application/json", &Entry::of(kind)))).collect()
});

static BY_ADDRESS: LazyLock<BTreeMap<String, Document>> = LazyLock::new(|| {
    KINDS
        .iter()
        .flat_map(|kind| (1..=kind.version).map(|version| (kind.name, version)))
        .map(|(name, version)| {
            let schema = Document::json(SCHEMA_JSON, &of_event(name, version));
            (address(name, version), schema)
        })
        .collect()
});

async fn entry(Path(name): Path<String>, headers: HeaderMap) -> Response {
    answer(ENTRIES.get(name.as_str()), &headers)
}

async fn schema(Path((name, version)): Path<(String, String)>, headers: HeaderMap) -> Response {
    answer(BY_ADDRESS.get(&format!("/schemas/{name}/{version}")), &headers)
}

fn answer(document: Option<&Document>, headers: &HeaderMap) -> Response {
    match document {
        Some(document) => document.answer(headers),
        None => {
            Problem::new(404, "schema.unknown", "There is no such event type or version; /schemas lists all.")
                .into_response()
        }
    }
}

//! The JSON Schemas of every version of every event type, frozen: a payload does not change without a new
//! version. Needs the feature `schema`: `cargo nextest run -p domain --features schema`.

use std::{fs, path::PathBuf};

use domain::{
    Recorded,
    contract::{INTENTS, KINDS, intent_schemas},
};
use serde_json::Value;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

fn path(folder: &str, name: &str, version: u16) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("{folder}/{name}.{version}.json"))
}

fn read(folder: &str, name: &str, version: u16) -> Value {
    let path = path(folder, name, version);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}.\nA new type or version needs its schema frozen:\n    \
             FREEZE=1 cargo nextest run -p domain --features schema --test schemas a_payload",
            path.display()
        )
    });
    serde_json::from_str(&text).expect("a frozen schema is JSON")
}

/// The schema without what is only there for people to read.
fn meaning(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => fields
            .iter()
            // A field may be called `title`; then what it holds is a schema, not a text.
            .filter(|(name, value)| !(matches!(name.as_str(), "description" | "title") && value.is_string()))
            .map(|(name, value)| (name.clone(), meaning(value)))
            .collect(),
        Value::Array(items) => items.iter().map(meaning).collect(),
        other => other.clone(),
    }
}

#[test]
fn a_payload_does_not_change_without_a_new_version() {
    let freeze = std::env::var_os("FREEZE").is_some();
    for kind in KINDS {
        let (name, version) = (kind.name, kind.version);
        let generated = (kind.schema)().to_value();
        let file = path("schemas", name, version);
        let write = || fs::write(&file, format!("{generated:#}\n")).expect("schemas/ is writable");
        if freeze && !file.exists() {
            write();
        }
        let frozen = read("schemas", name, version);
        assert_eq!(
            meaning(&frozen),
            meaning(&generated),
            "the payload of {name} is not what schemas/{name}.{version}.json says. Raise its version in the \
             table to {}, add an upcaster, and freeze the new schema and a golden sample",
            version + 1
        );
        if freeze && frozen != generated {
            write();
        }
        assert_eq!(
            read("schemas", name, version),
            generated,
            "only descriptions of {name} changed: FREEZE=1 writes them"
        );
    }
}

#[test]
fn every_version_has_a_schema_of_the_2020_12_dialect_that_its_golden_sample_fits() {
    for (name, version) in KINDS.iter().flat_map(|kind| (1..=kind.version).map(|v| (kind.name, v))) {
        let schema = read("schemas", name, version);
        assert_eq!(schema["$schema"], DIALECT, "{name} version {version}");
        assert!(!schema.to_string().contains("crate::"), "{name} version {version} speaks of our code");
        let sample = fs::read_to_string(path("golden", name, version)).unwrap();
        let recorded: Recorded = serde_json::from_str(&sample).unwrap();
        let data: Value = serde_json::from_str(recorded.data.get()).unwrap();
        if let Err(fault) = fits(&schema, &schema, &data) {
            panic!("golden/{name}.{version}.json: {fault}");
        }
        for field in data.as_object().unwrap().keys() {
            assert!(schema["properties"].get(field).is_some(), "{name} version {version} hides {field}");
        }
    }
}

#[test]
fn the_check_above_finds_what_does_not_fit() {
    let schema = read("schemas", "chat.message_posted", 1);
    let sample = fs::read_to_string(path("golden", "chat.message_posted", 1)).unwrap();
    let recorded: Recorded = serde_json::from_str(&sample).unwrap();
    let good: Value = serde_json::from_str(recorded.data.get()).unwrap();
    for (field, bad) in [
        ("text", Value::Null),
        ("text", 7.into()),
        ("private", "no".into()),
        ("message", "not-a-uuid".into()),
        ("reply_to", 7.into()),
    ] {
        let mut data = good.clone();
        data[field] = bad;
        assert!(fits(&schema, &schema, &data).is_err(), "{data}");
    }
    let mut without = good;
    without.as_object_mut().unwrap().remove("room");
    assert!(fits(&schema, &schema, &without).is_err());
}

#[test]
fn no_schema_is_left_over() {
    let known: Vec<PathBuf> = KINDS
        .iter()
        .flat_map(|kind| (1..=kind.version).map(|version| path("schemas", kind.name, version)))
        .collect();
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas")).unwrap() {
        let found = entry.unwrap().path();
        assert!(known.contains(&found), "{} is of no type and version in the table", found.display());
    }
}

#[test]
fn every_command_has_a_schema_that_refuses_misspelt_fields() {
    let schemas = intent_schemas();
    let names: Vec<&str> = schemas.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, INTENTS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (name, schema) in schemas {
        let schema = schema.to_value();
        assert_eq!(schema["$schema"], DIALECT, "{name}");
        assert_eq!(schema["type"], "object", "{name}");
        assert!(!schema.to_string().contains("crate::"), "{name} speaks of our code");
        assert_eq!(schema["additionalProperties"], false, "{name}");
        for (field, described) in schema["properties"].as_object().unwrap() {
            let described = described.get("description").or_else(|| described.get("anyOf"));
            assert!(described.is_some(), "{name}: {field} says nothing of itself");
        }
    }
}

/// The few words of JSON Schema that our payloads need. A word that is not among them is a fault, so that
/// nothing is passed over in silence.
fn fits(root: &Value, schema: &Value, data: &Value) -> Result<(), String> {
    let fault = |what: String| Err(format!("{data} is not {what}"));
    for (word, value) in schema.as_object().ok_or("a schema is an object")? {
        match word.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" => {}
            "$ref" => {
                let target = value.as_str().and_then(|r| r.strip_prefix('#')).and_then(|r| root.pointer(r));
                fits(root, target.ok_or_else(|| format!("{value} leads nowhere"))?, data)?;
            }
            "type" => {
                let is = |name: &Value| match name.as_str() {
                    Some("object") => data.is_object(),
                    Some("string") => data.is_string(),
                    Some("boolean") => data.is_boolean(),
                    Some("integer") => data.is_i64() || data.is_u64(),
                    Some("array") => data.is_array(),
                    Some("null") => data.is_null(),
                    _ => false,
                };
                let names = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                if !names.iter().any(is) {
                    return fault(format!("of type {value}"));
                }
            }
            "format" => match (value.as_str(), data) {
                (Some("uuid"), Value::String(text)) if uuid::Uuid::parse_str(text).is_err() => {
                    return fault("a UUID".into());
                }
                (Some("uuid" | "uint64" | "uint32" | "int64" | "int32"), _) => {}
                _ => return Err(format!("format {value} is not known here")),
            },
            "minimum" => {
                if data.as_f64() < value.as_f64() {
                    return fault(format!("at least {value}"));
                }
            }
            "const" => {
                if data != value {
                    return fault(value.to_string());
                }
            }
            "enum" => {
                if !value.as_array().is_some_and(|allowed| allowed.contains(data)) {
                    return fault(format!("one of {value}"));
                }
            }
            "anyOf" | "oneOf" => {
                let fitting = |schema: &&Value| fits(root, schema, data).is_ok();
                let count = value.as_array().map_or(0, |some| some.iter().filter(fitting).count());
                if count == 0 || (word == "oneOf" && count > 1) {
                    return fault(format!("{word} {value}"));
                }
            }
            "items" => {
                for item in data.as_array().into_iter().flatten() {
                    fits(root, value, item)?;
                }
            }
            "required" => {
                for field in value.as_array().into_iter().flatten() {
                    if data.get(field.as_str().unwrap_or_default()).is_none() {
                        return fault(format!("complete: {field} is missing"));
                    }
                }
            }
            "properties" => {
                for (field, schema) in value.as_object().into_iter().flatten() {
                    if let Some(data) = data.get(field) {
                        fits(root, schema, data).map_err(|fault| format!("{field}: {fault}"))?;
                    }
                }
            }
            "additionalProperties" if value.is_object() => {
                let named = |field: &String| schema["properties"].get(field).is_some();
                for (field, data) in data.as_object().into_iter().flatten().filter(|(field, _)| !named(field))
                {
                    fits(root, value, data).map_err(|fault| format!("{field}: {fault}"))?;
                }
            }
            other => return Err(format!("the word {other:?} is not known here")),
        }
    }
    Ok(())
}

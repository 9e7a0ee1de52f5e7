//! What a running server says of itself: schemas and the catalogue.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Floor, problem};
use domain::contract::KINDS;
use serde_json::Value;

async fn json(floor: &Floor, path: &str) -> Value {
    let answer = floor.client.get(floor.url(path)).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

#[tokio::test]
async fn the_schema_that_an_envelope_names_is_at_its_address() {
    let floor = Floor::open().await;
    let olga = floor.sign_in("olga").await;
    let events = floor.log(Some(&olga), ">").await;
    assert!(events.len() > 10);
    for event in events {
        let address = event["dataschema"].as_str().unwrap().strip_prefix("hubbub:").unwrap();
        let answer = floor.client.get(floor.url(address)).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/schema+json");
        let schema: Value = answer.json().await.unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        for field in event["data"].as_object().unwrap().keys() {
            assert!(schema["properties"].get(field).is_some(), "{address} does not know {field}");
        }
    }
}

#[tokio::test]
async fn the_catalogue_has_every_type_and_leads_to_every_schema() {
    let floor = Floor::open().await;
    let catalogue = json(&floor, "/schemas").await;
    let events = catalogue["events"].as_array().unwrap();
    assert_eq!(events.len(), KINDS.len());
    for (entry, kind) in events.iter().zip(KINDS) {
        assert_eq!(entry["type"], kind.name);
        assert_eq!(entry["example"]["type"], kind.name);
        assert_eq!(entry["schemas"].as_array().unwrap().len(), usize::from(kind.version));
        assert_eq!(*entry, json(&floor, &format!("/schemas/{}", kind.name)).await);
        for address in entry["schemas"].as_array().unwrap() {
            json(&floor, address.as_str().unwrap()).await;
        }
        let newest = entry["schemas"].as_array().unwrap().last().unwrap();
        assert_eq!(format!("hubbub:{}", newest.as_str().unwrap()), entry["example"]["dataschema"]);
    }
    assert!(catalogue["commands"].as_array().unwrap().iter().any(|c| c["type"] == "chat.post_message"));
    for path in ["/schemas/chat.sung", "/schemas/chat.message_posted/9", "/schemas/chat.message_posted/01"] {
        problem(floor.client.get(floor.url(path)).send().await.unwrap(), 404, "schema.unknown").await;
    }
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let floor = Floor::open().await;
    for path in [
        "/schemas",
        "/schemas/chat.message_posted",
        "/schemas/chat.message_posted/1",
        "/openapi.json",
        "/asyncapi.json",
    ] {
        let get =
            |tag: &str| floor.client.get(floor.url(path)).header("if-none-match", tag.to_owned()).send();
        let first = get("\"another\"").await.unwrap();
        assert_eq!(first.status(), 200);
        assert!(first.headers()["cache-control"].to_str().unwrap().contains("public"));
        let tag = first.headers()["etag"].to_str().unwrap().to_owned();
        for known in [tag.clone(), format!("\"x\", {tag}"), tag.replace("W/", "")] {
            let again = get(&known).await.unwrap();
            assert_eq!(
                (again.status().as_u16(), again.headers()["etag"].to_str().unwrap()),
                (304, tag.as_str())
            );
        }
    }
}

/// An address that fits a path of the document.
fn filled(path: &str) -> String {
    path.replace("{id}", "018f0000-0000-7000-8000-000000000001")
        .replace("{type}", "chat.message_posted")
        .replace("{version}", "1")
}

#[tokio::test]
async fn every_call_that_the_description_has_is_answered_and_no_other_method_is() {
    let floor = Floor::open().await;
    let paths = json(&floor, "/openapi.json").await["paths"].as_object().unwrap().clone();
    assert!(paths.len() > 20);
    for (path, methods) in paths {
        for method in ["get", "post", "put", "patch", "delete"] {
            let verb = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = floor.client.request(verb, floor.url(&filled(&path))).send().await.unwrap();
            let status = answer.status();
            // A stream has no end.
            let endless = status == 200 && path == "/live/sse";
            let body = if endless { String::new() } else { answer.text().await.unwrap() };
            let described = methods.get(method).is_some();
            let taken = status != 405 && !body.contains("api.no_such_call");
            assert_eq!(described, taken, "{method} {path}: {status} {body}");
        }
    }
}

#[tokio::test]
async fn every_command_has_a_path_and_every_code_that_a_refusal_has_is_described() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let document = json(&floor, "/openapi.json").await;
    for (name, _) in domain::contract::INTENTS {
        let operation = &document["paths"][format!("/api/commands/{name}")]["post"];
        let body = &operation["requestBody"]["content"]["application/json"];
        assert_eq!(body["schema"]["type"], "object", "{name}");
        for data in [body["example"].clone(), serde_json::json!({"no": "such field"})] {
            let answer = floor.command(&ada, name, data).send().await.unwrap();
            let status = answer.status().as_u16();
            let described = &operation["responses"][status.to_string()];
            assert!(described.is_object(), "{name} answers {status}, which is not described");
            if status != 200 {
                let code = answer.json::<Value>().await.unwrap()["code"].clone();
                let content = &described["content"]["application/problem+json"];
                let codes = content["schema"]["properties"]["code"]["enum"].as_array().unwrap();
                assert!(codes.contains(&code), "{name}: {code} is not among {codes:?}");
            }
        }
    }
}

#[tokio::test]
async fn every_event_type_has_a_channel_at_its_subject_and_frames_are_described() {
    let floor = Floor::open().await;
    let document = json(&floor, "/asyncapi.json").await;
    for kind in KINDS {
        assert_eq!(document["channels"][kind.name]["address"], kind.subject);
        let message = &document["components"]["messages"][kind.name];
        assert_eq!(message["examples"][0]["payload"]["type"], kind.name);
    }
    // What the live protocol says is what is described: a frame of each kind that is heard here.
    let mut socket = floor.socket(None).await;
    socket
        .send(serde_json::json!({"kind": "hello", "v": 1, "subs": [{"sid": "a", "match": "chat.>"}]}))
        .await;
    for kind in ["welcome", "subbed"] {
        let frame = socket.next_of(kind).await;
        let payload = &document["components"]["messages"][format!("send.{kind}")]["payload"];
        for field in payload["required"].as_array().unwrap() {
            assert!(!frame[field.as_str().unwrap()].is_null(), "{frame} has no {field}");
        }
        for field in frame.as_object().unwrap().keys() {
            assert!(payload["properties"].get(field).is_some(), "{field} of {kind} is not described");
        }
    }
}

/// What is routed past the table of calls: nothing that programs call.
#[test]
fn no_call_of_a_program_is_routed_without_a_description() {
    fn visit(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                visit(&path, found);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            for routed in source.split(".route(").skip(1) {
                let address = routed.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
                found.extend(address.map(str::to_owned));
            }
        }
    }
    let mut routed = vec![];
    visit(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut routed);
    let for_programs = |path: &String| {
        ["/api", "/live", "/schemas", "/health", "/ready"].iter().any(|start| path.starts_with(start))
    };
    assert!(routed.contains(&"/sign-out".to_owned()), "{routed:?}");
    let past: Vec<_> = routed.into_iter().filter(for_programs).collect();
    assert_eq!(past, ["/api/{*rest}"], "describe these where they are routed: see http/call.rs");
}

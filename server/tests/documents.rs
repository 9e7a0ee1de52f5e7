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
        let address = event["dataschema"].as_str().unwrap();
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
        assert_eq!(*newest, entry["example"]["dataschema"]);
    }
    assert!(catalogue["commands"].as_array().unwrap().iter().any(|c| c["type"] == "chat.post_message"));
    for path in ["/schemas/chat.sung", "/schemas/chat.message_posted/9", "/schemas/chat.message_posted/01"] {
        problem(floor.client.get(floor.url(path)).send().await.unwrap(), 404, "schema.unknown").await;
    }
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let floor = Floor::open().await;
    for path in ["/schemas", "/schemas/chat.message_posted", "/schemas/chat.message_posted/1"] {
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

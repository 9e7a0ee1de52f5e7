//! Events from outside, over real sockets: what is let in, once, and what is refused and how.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Floor, problem};
use reqwest::Response;
use serde_json::{Value, json};

const STRUCTURED: &str = "application/cloudevents+json";
const BATCHED: &str = "application/cloudevents-batch+json; charset=UTF-8";

/// A floor with a product on its shelf, and the token of a warehouse's program.
async fn warehouse() -> (Floor, String) {
    let floor = Floor::open().await;
    let bo = floor.sign_in("bo").await;
    let product = json!({"sku": "test-cup", "title": "Cup", "price_cents": 900});
    floor.run(&bo, "catalog.list_product", product).await;
    let token = token(&floor, &bo, &["ingest"]).await;
    (floor, token)
}

async fn token(floor: &Floor, session: &str, scopes: &[&str]) -> String {
    let wish = json!({"name": "gate", "scopes": scopes});
    let answer = floor.client.post(floor.url("/api/tokens")).bearer_auth(session).json(&wish).send().await;
    answer.unwrap().json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
}

fn came_in(id: &str, quantity: u32) -> Value {
    json!({
        "specversion": "1.0",
        "id": id,
        "source": "https://warehouse.example/gate/7",
        "type": "warehouse.goods_received",
        "time": "2026-11-21T10:00:00+01:00",
        "datacontenttype": "application/json",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "data": {"sku": "test-cup", "quantity": quantity},
    })
}

async fn send(floor: &Floor, token: &str, kind: &str, body: impl ToString) -> Response {
    let call = floor.client.post(floor.url("/api/ingest")).bearer_auth(token);
    call.header("content-type", kind).body(body.to_string()).send().await.unwrap()
}

async fn on_hand(floor: &Floor) -> Vec<u64> {
    let levels = floor.log(None, "stock.test-cup.level_changed").await;
    levels.iter().map(|event| event["data"]["on_hand"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn an_event_is_taken_in_once_in_any_mode_and_answered_alike() {
    let (floor, token) = warehouse().await;
    let first = send(&floor, &token, STRUCTURED, came_in("a", 3)).await;
    assert_eq!(first.status(), 200);
    let first: Value = first.json().await.unwrap();
    assert_eq!(first["repeated"], false);
    assert_eq!(first["events"].as_array().unwrap().len(), 2);

    // The same one again, in binary mode; what is not ASCII, or not printable, is percent-encoded there.
    let binary = |id: &str| {
        floor
            .client
            .post(floor.url("/api/ingest"))
            .bearer_auth(&token)
            .header("ce-specversion", "1.0")
            .header("ce-id", id)
            .header("ce-source", "https://warehouse.example/g%61te/7")
            .header("ce-type", "warehouse.goods_received")
            .header("ce-comment", "%C3%BCber")
            .header("content-type", "application/json; charset=utf-8")
            .body(r#"{"sku":"test-cup","quantity":3}"#)
            .send()
    };
    let again: Value = binary("a").await.unwrap().json().await.unwrap();
    assert_eq!(again["repeated"], true);
    assert_eq!((&again["position"], &again["events"]), (&first["position"], &first["events"]));
    assert_eq!(binary("b").await.unwrap().status(), 200);
    assert_eq!(on_hand(&floor).await, [3, 6]);

    let batch = json!([came_in("b", 3), came_in("c", 1)]);
    let answer = send(&floor, &token, BATCHED, &batch).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    let repeated = [0, 1].map(|nth| answer["results"][nth]["receipt"]["repeated"].as_bool().unwrap());
    assert_eq!(repeated, [true, false]);
    assert_eq!(on_hand(&floor).await, [3, 6, 7]);

    // What came in is an event of ours, which says who brought it and what led to it.
    let received = floor.log(Some(&floor.sign_in("bo").await), "stock.test-cup.received").await;
    assert_eq!(received[0]["actor"], "external:https://warehouse.example/gate/7");
    assert_eq!(received[0]["type"], "stock.received");
}

#[tokio::test]
async fn many_at_once_with_one_id_are_one() {
    let (floor, token) = warehouse().await;
    let sent = (0..16).map(|_| send(&floor, &token, STRUCTURED, came_in("twin", 2)));
    for answer in futures::future::join_all(sent).await {
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(on_hand(&floor).await, [2]);
}

#[tokio::test]
async fn each_event_of_a_batch_is_taken_in_or_refused_by_itself() {
    let (floor, token) = warehouse().await;
    let (mut forged, mut later) = (came_in("y", 1), came_in("z", 1));
    forged["type"] = "order.delivered".into();
    later["specversion"] = "2.0".into();
    let batch = json!([came_in("x", 1), forged, 7, later, came_in("x", 5), came_in("w", 1)]);
    let answer = send(&floor, &token, BATCHED, &batch).await;
    assert_eq!(answer.status(), 207);
    let answer: Value = answer.json().await.unwrap();
    let results = answer["results"].as_array().unwrap();
    let came: Vec<(&Value, u64, &str)> = results
        .iter()
        .map(|result| {
            let code = result["problem"]["code"].as_str().unwrap_or_default();
            (&result["id"], result["status"].as_u64().unwrap(), code)
        })
        .collect();
    assert_eq!(
        came,
        [
            (&json!("x"), 200, ""),
            (&json!("y"), 422, "ingest.unknown_type"),
            (&json!(null), 400, "ingest.malformed"),
            (&json!("z"), 400, "ingest.malformed"),
            (&json!("x"), 409, "ingest.id_reused"),
            (&json!("w"), 200, ""),
        ]
    );
    assert_eq!(on_hand(&floor).await, [1, 2]);
    assert_eq!(send(&floor, &token, BATCHED, "[]").await.status(), 200);
}

#[tokio::test]
async fn what_is_refused_is_explained_and_leaves_no_event() {
    let (floor, token) = warehouse().await;
    let head = floor.log(Some(&floor.sign_in("olga").await), ">").await.len();
    let with = |name: &str, value: Value| {
        let mut event = came_in("bad", 1);
        event[name] = value;
        event.to_string()
    };
    let without = |name: &str| {
        let mut event = came_in("bad", 1);
        event.as_object_mut().unwrap().remove(name);
        event.to_string()
    };
    let order = "01934a5c-0000-7000-8000-000000000200";
    let mut lost = came_in("bad", 1);
    lost["type"] = "courier.delivered".into();
    lost["data"] = json!({"order": order});
    for (body, status, code) in [
        (with("type", json!("order.delivered")), 422, "ingest.unknown_type"),
        (with("type", json!("warehouse.burned_down")), 422, "ingest.unknown_type"),
        (with("specversion", json!("0.3")), 400, "ingest.malformed"),
        (with("id", json!("")), 400, "ingest.malformed"),
        (with("id", json!(7)), 400, "ingest.malformed"),
        (with("id", json!("x".repeat(201))), 400, "ingest.bad_name"),
        (with("source", json!("two words")), 400, "ingest.bad_name"),
        (with("time", json!("yesterday")), 400, "ingest.malformed"),
        (with("Bad-Name", json!("x")), 400, "ingest.malformed"),
        (with("extension", json!({})), 400, "ingest.malformed"),
        (with("data_base64", json!("e30=")), 400, "ingest.malformed"),
        (with("datacontenttype", json!("text/xml")), 415, "ingest.unsupported"),
        (with("data", json!({"sku": "test-cup"})), 400, "ingest.bad_data"),
        (with("data", json!({"sku": "test-cup", "quantity": 1, "x": 1})), 400, "ingest.bad_data"),
        (with("data", json!({"sku": "test-cup", "quantity": 0})), 422, "stock.bad_quantity"),
        (with("data", json!({"sku": "no-such", "quantity": 1})), 404, "stock.no_product"),
        (lost.to_string(), 404, "shipment.no_shipment"),
        (without("id"), 400, "ingest.malformed"),
        (without("source"), 400, "ingest.malformed"),
        (without("type"), 400, "ingest.malformed"),
        (without("specversion"), 400, "ingest.malformed"),
        (without("data"), 400, "ingest.bad_data"),
        ("[]".to_owned(), 400, "ingest.malformed"),
        ("{".to_owned(), 400, "ingest.malformed"),
    ] {
        let why = problem(send(&floor, &token, STRUCTURED, &body).await, status, code).await;
        assert!(!why.is_empty(), "{body}");
    }
    let fine = came_in("bad", 1);
    for (kind, status, code) in [
        ("application/json", 400, "ingest.malformed"),
        (BATCHED, 400, "ingest.malformed"),
        ("application/cloudevents+avro", 415, "ingest.unsupported"),
        ("application/cloudevents+json; charset=utf-16", 415, "ingest.unsupported"),
    ] {
        problem(send(&floor, &token, kind, &fine).await, status, code).await;
    }
    let large = with("comment", "x".repeat(70_000).into());
    problem(send(&floor, &token, STRUCTURED, large).await, 413, "request.refused").await;
    assert_eq!(floor.log(Some(&floor.sign_in("olga").await), ">").await.len(), head);
    // A refused event has not used its name up.
    assert_eq!(send(&floor, &token, STRUCTURED, fine).await.status(), 200);
}

#[tokio::test]
async fn only_the_staff_and_their_programs_bring_events_in() {
    let (floor, _) = warehouse().await;
    let (ada, bo) = (floor.sign_in("ada").await, floor.sign_in("bo").await);
    let reader = token(&floor, &bo, &["read", "command"]).await;
    let customers = token(&floor, &ada, &["ingest"]).await;
    let event = came_in("a", 1);
    for (token, status, code) in [
        (&ada, 403, "ingest.forbidden"),
        (&customers, 403, "ingest.forbidden"),
        (&reader, 403, "account.scope_missing"),
        (&"unknown".to_owned(), 401, "account.bad_token"),
    ] {
        problem(send(&floor, token, STRUCTURED, &event).await, status, code).await;
    }
    let nobody = floor.client.post(floor.url("/api/ingest")).header("content-type", STRUCTURED);
    problem(nobody.body(event.to_string()).send().await.unwrap(), 401, "account.sign_in_first").await;
    assert!(on_hand(&floor).await.is_empty());
    assert_eq!(send(&floor, &bo, STRUCTURED, event).await.status(), 200);
}

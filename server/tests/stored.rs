//! What the stored projections answer over the API: to whom, and that whoever has written finds it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Floor, problem};
use serde_json::{Value, json};

async fn get(floor: &Floor, token: Option<&str>, path: &str) -> reqwest::Response {
    let call = floor.client.get(floor.url(path));
    token.into_iter().fold(call, reqwest::RequestBuilder::bearer_auth).send().await.unwrap()
}

async fn answer(floor: &Floor, token: Option<&str>, path: &str) -> Value {
    let answer = get(floor, token, path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

/// What is found by a word, once everything up to a receipt is in it.
async fn found(floor: &Floor, token: Option<&str>, word: &str, receipt: &Value) -> Vec<String> {
    let path = format!("/api/search?q={word}&after={}", receipt["position"]);
    let answer = answer(floor, token, &path).await;
    assert!(answer["position"].as_u64() >= receipt["position"].as_u64());
    answer["found"].as_array().unwrap().iter().map(|hit| hit["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn one_finds_what_one_may_see_as_soon_as_it_is_written_and_nobody_what_was_deleted() {
    let floor = Floor::open().await;
    let (ada, bo) = (floor.sign_in("ada").await, floor.sign_in("bo").await);
    let said = floor.say(&bo, "lobby", "a quibbling teapot").await;
    assert_eq!(found(&floor, None, "quib", &said).await, ["a quibbling teapot"]);
    let hidden = floor.say(&bo, "backstage", "another quibble").await;
    assert_eq!(found(&floor, Some(&ada), "quibble", &hidden).await, [""; 0]);
    assert_eq!(found(&floor, Some(&bo), "quibble", &hidden).await, ["another quibble"]);
    let message = &floor.log(Some(&bo), "chat.lobby.message_posted").await;
    let message = &message.last().unwrap()["data"]["message"];
    let deleted = floor.run(&bo, "chat.delete_message", json!({"room": "lobby", "message": message})).await;
    assert_eq!(found(&floor, Some(&bo), "quibbling", &deleted).await, [""; 0]);
}

#[tokio::test]
async fn customers_list_their_orders_and_the_staff_what_is_to_do_and_how_the_shop_is_doing() {
    let floor = Floor::open().await;
    let (ada, bo) = (floor.sign_in("ada").await, floor.sign_in("bo").await);
    floor.run(&bo, "catalog.list_product", json!({"sku": "t-cup", "title": "Cup", "price_cents": 900})).await;
    floor.run(&bo, "stock.receive", json!({"sku": "t-cup", "quantity": 5})).await;
    floor.run(&ada, "cart.add_item", json!({"sku": "t-cup", "quantity": 2})).await;
    let placed = floor.run(&ada, "order.place", json!({"expected_total_cents": 1800})).await;
    let after = &placed["position"];
    let mine = answer(&floor, Some(&ada), &format!("/api/orders?after={after}")).await;
    assert_eq!(
        (mine["orders"].as_array().unwrap().len(), &mine["orders"][0]["total_cents"]),
        (1, &json!(1800))
    );
    let nobodys = answer(&floor, Some(&bo), &format!("/api/orders?of=me&after={after}")).await;
    assert_eq!(nobodys["orders"], json!([]));
    let all = answer(&floor, Some(&bo), &format!("/api/orders?of=all&after={after}")).await;
    assert_eq!(all["orders"][0]["order"], mine["orders"][0]["order"]);
    let days = answer(&floor, Some(&bo), &format!("/api/analytics?after={after}")).await;
    let days = days["tallies"].as_array().unwrap();
    assert_eq!(days.iter().map(|day| day["placed"].as_u64().unwrap()).sum::<u64>(), 1, "{days:?}");
    let year = &days[0]["at"].as_str().unwrap()[..4];
    let minutes = answer(&floor, Some(&bo), &format!("/api/analytics?by=minute&from={year}&limit=1")).await;
    assert_eq!(minutes["tallies"][0]["at"].as_str().unwrap().len(), "2026-11-22T13:45".len());
    let past = answer(&floor, Some(&bo), &format!("/api/analytics?before={year}")).await;
    assert_eq!(past["tallies"], json!([]));
}

#[tokio::test]
async fn what_is_asked_badly_or_by_the_wrong_person_is_refused_by_name() {
    let floor = Floor::open().await;
    let (ada, bo) = (floor.sign_in("ada").await, floor.sign_in("bo").await);
    for (token, path, status, code) in [
        (None, "/api/search", 400, "request.bad_query"),
        (None, "/api/search?q=%20", 400, "request.bad_query"),
        (None, "/api/search?q=x&after=soon", 400, "subscription.bad_position"),
        (None, "/api/orders", 401, "account.sign_in_first"),
        (Some(&ada), "/api/orders?of=bo", 400, "request.bad_query"),
        (Some(&ada), "/api/orders?of=all", 403, "account.staff_only"),
        (Some(&ada), "/api/analytics", 403, "account.staff_only"),
        (Some(&bo), "/api/analytics?from=yesterday", 400, "request.bad_query"),
        (None, "/api/search?q=x&after=999999999", 400, "subscription.bad_position"),
    ] {
        problem(get(&floor, token.map(String::as_str), path).await, status, code).await;
    }
}

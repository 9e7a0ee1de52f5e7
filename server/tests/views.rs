//! Views over the API: now, and as they were.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Floor, problem};
use domain::{
    Envelope, Recorded, View,
    views::{CartView, OwnKey, RoomFeed, Shop},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

async fn view(floor: &Floor, token: Option<&str>, path: &str) -> reqwest::Response {
    let call = floor.client.get(floor.url(&format!("/api/views/{path}")));
    token.into_iter().fold(call, reqwest::RequestBuilder::bearer_auth).send().await.unwrap()
}

async fn of<V: DeserializeOwned>(floor: &Floor, token: &str, path: &str) -> (V, u64) {
    let answer = view(floor, Some(token), path).await;
    assert_eq!(answer.status(), 200, "{path}");
    let answer: Value = answer.json().await.unwrap();
    let position = answer["cursor"].as_str().unwrap().rsplit_once('.').unwrap().1.parse().unwrap();
    (serde_json::from_value(answer["view"].clone()).unwrap(), position)
}

/// A shop in which prices move and carts fill.
async fn busy() -> (Floor, String, OwnKey) {
    let floor = Floor::open().await;
    let (ada, bo) = (floor.sign_in("ada").await, floor.sign_in("bo").await);
    for sku in ["test-cup", "test-pot"] {
        let product = json!({"sku": sku, "title": sku, "price_cents": 900});
        floor.run(&bo, "catalog.list_product", product).await;
        floor.run(&bo, "stock.receive", json!({"sku": sku, "quantity": 5})).await;
        floor.run(&ada, "cart.add_item", json!({"sku": sku, "quantity": 2})).await;
        floor.run(&bo, "catalog.change_price", json!({"sku": sku, "price_cents": 800})).await;
        floor.say(&ada, "lobby", sku).await;
    }
    floor.run(&ada, "cart.remove_item", json!({"sku": "test-cup"})).await;
    let me = floor.log(Some(&ada), "account.*.registered").await;
    let user = me[0]["data"]["user"].as_str().unwrap().parse().unwrap();
    (floor, ada, OwnKey { user })
}

#[tokio::test]
async fn a_view_as_it_was_is_the_fold_of_the_log_up_to_there() {
    let (floor, ada, key) = busy().await;
    let log: Vec<Envelope> = floor
        .log(Some(&ada), ">")
        .await
        .into_iter()
        .map(|event| serde_json::from_value::<Recorded>(event).unwrap().decode().unwrap())
        .collect();
    let (mut shop, mut cart) = (Shop::empty(&()), CartView::empty(&key));
    let mut fed = 0;
    for event in &log {
        shop.feed(event);
        cart.feed(event);
        let at = event.meta.position;
        assert_eq!(of::<Shop>(&floor, &ada, &format!("shop/all?at={at}")).await, (shop.clone(), at.0));
        assert_eq!(of::<CartView>(&floor, &ada, &format!("cart/me?at={at}")).await.0, cart);
        fed += 1;
    }
    assert!(fed > 12);
    assert_eq!(of::<Shop>(&floor, &ada, "shop/all").await.0, shop);
    let before: Shop = of(&floor, &ada, "shop/all?at=0").await.0;
    assert_eq!(before, Shop::empty(&()));

    // By the instant at which something was recorded: the last that was recorded by then.
    for event in log.iter().rev().take(5) {
        let by_then = log.iter().rfind(|other| other.meta.time <= event.meta.time).unwrap();
        let (_, at) = of::<Shop>(&floor, &ada, &format!("shop/all?at={}", event.meta.time)).await;
        assert!(at >= by_then.meta.position.0, "{at} is before {}", by_then.meta.position);
    }
    assert_eq!(of::<Shop>(&floor, &ada, "shop/all?at=1999-12-31T00:00:00Z").await.1, 0);
    assert_eq!(of::<Shop>(&floor, &ada, "shop/all?at=9999-01-01T00:00:00Z").await.0, shop);
    let lobby: RoomFeed = of(&floor, &ada, "room_feed/lobby").await.0;
    assert_eq!(lobby.messages.back().unwrap().text, "test-pot");
}

#[tokio::test]
async fn nobody_sees_what_is_somebody_elses_today_or_as_it_was() {
    let (floor, ada, key) = busy().await;
    let (bo, user) = (floor.sign_in("bo").await, key.user);
    for own in ["cart", "wallet", "bell", "order_list", "room_list"] {
        assert_eq!(view(&floor, Some(&ada), &format!("{own}/{user}")).await.status(), 200);
        for at in ["", "?at=3"] {
            let path = format!("{own}/{user}{at}");
            problem(view(&floor, Some(&bo), &path).await, 404, "query.not_found").await;
            problem(view(&floor, None, &path).await, 404, "query.not_found").await;
        }
        problem(view(&floor, None, &format!("{own}/me")).await, 401, "account.sign_in_first").await;
    }
    assert_eq!(view(&floor, Some(&bo), "desk/all").await.status(), 200);
    assert_eq!(view(&floor, None, "shop/all").await.status(), 200);
    let order = "01934a5c-0000-7000-8000-000000000200";
    for (path, status, code) in [
        ("desk/all", 404, "query.not_found"),
        ("desk/all?at=3", 404, "query.not_found"),
        ("room_feed/backstage?at=3", 404, "query.not_found"),
        ("shop/some", 404, "query.not_found"),
        ("cart/nonsense", 404, "query.not_found"),
        ("secrets/all", 404, "query.no_view"),
        ("shop/all?at=soon", 400, "query.bad_instant"),
        ("shop/all?at=99999", 400, "subscription.past_head"),
        ("shop/all?when=3", 400, "request.bad_query"),
        (&format!("order/{order}"), 404, "query.not_found"),
    ] {
        problem(view(&floor, Some(&ada), path).await, status, code).await;
    }
}

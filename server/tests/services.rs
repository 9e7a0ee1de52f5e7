//! What operators see of the services, and what they tell them, over HTTP.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::Path;

use common::{Floor, problem};
use domain::{Actor, Command, CommandId, Position, ServiceName, service::Park};
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::run::Server;
use store::{Effect, Options, Store, Unit};
use uuid::Uuid;

async fn get(floor: &Floor, token: &str, path: &str) -> Value {
    let answer = floor.client.get(floor.url(path)).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

/// How one of them is getting on.
async fn status(floor: &Floor, token: &str, of: &str, name: &str) -> Value {
    let all = get(floor, token, "/api/services").await;
    all[of].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone()
}

async fn post(floor: &Floor, token: &str, path: &str) -> reqwest::Response {
    floor.client.post(floor.url(path)).bearer_auth(token).send().await.unwrap()
}

/// Puts an event aside as a service does that cannot handle it.
async fn park(folder: &Path, event: &Value) {
    let url = format!("sqlite://{}/hubbub.db", folder.display());
    let (store, _) = Store::open(Options::new(url)).await.unwrap();
    let (service, error) = (ServiceName::new("welcome").unwrap(), "the ink was dry".to_owned());
    let key = event["subject"].as_str().unwrap().to_owned();
    let position = Position(event["sequence"].as_str().unwrap().parse().unwrap());
    let reactor = service.to_string();
    let effect = Effect::Park { reactor, key: key.clone(), position, error: error.clone(), attempts: 9 };
    let kind = event["type"].as_str().unwrap().to_owned();
    let wanted = Park { service, key, at: position, kind, error, attempts: 9 };
    let actor = Actor::Service("welcome".into());
    let command = Command::new(CommandId(Uuid::now_v7()), actor, wanted);
    store.execute(Unit::from(command).with(effect)).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn what_was_put_aside_is_inspected_and_redriven() {
    let floor = Floor::open().await;
    let olga = floor.sign_in("olga").await;
    let registered = floor.log(Some(&olga), "account.*.registered").await.remove(0);
    let Floor { server, folder, client } = floor;
    server.stop().await.unwrap();
    park(folder.path(), &registered).await;
    let server = Server::start(common::settings(folder.path(), |_| {})).await.unwrap();
    let floor = Floor { server, folder, client };

    let letters = get(&floor, &olga, "/api/services/welcome/letters").await;
    let letter = &letters["letters"][0];
    assert_eq!(letter["event"], registered);
    assert_eq!((&letter["error"], &letter["attempts"]), (&json!("the ink was dry"), &json!(9)));
    while status(&floor, &olga, "services", "welcome").await["parked"] != 1 {}

    let before = floor.log(Some(&olga), "wallet.>").await.len();
    floor.run(&olga, "service.redrive", json!({"service": "welcome", "key": letter["key"]})).await;
    while status(&floor, &olga, "services", "welcome").await["parked"] != 0 {}
    let done = get(&floor, &olga, "/api/services/welcome/letters?status=done").await;
    assert_eq!(done["letters"][0]["position"], letter["position"]);
    assert_eq!(
        floor.log(Some(&olga), "wallet.>").await.len(),
        before,
        "what was accepted before is not again"
    );
}

#[tokio::test]
async fn a_paused_service_is_shown_with_its_lag_and_a_projection_is_folded_anew() {
    let floor = Floor::open().await;
    let olga = floor.sign_in("olga").await;
    floor.run(&olga, "service.pause", json!({"service": "welcome", "reason": "a look"})).await;
    while status(&floor, &olga, "services", "welcome").await["state"] != "paused" {}
    floor.register("carol").await;
    let waiting = status(&floor, &olga, "services", "welcome").await;
    assert!(waiting["lag"].as_u64().unwrap() >= 1, "{waiting}");
    floor.run(&olga, "service.resume", json!({"service": "welcome"})).await;
    while status(&floor, &olga, "services", "welcome").await["state"] == "paused" {}

    let mut log = floor.socket(Some(&olga)).await;
    log.follow("service.order_list.projection_rebuilt", None).await;
    let answer = post(&floor, &olga, "/api/projections/order_list/rebuild").await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let rebuilt = log.next_of("event").await;
    assert_eq!(rebuilt["event"]["data"]["projection"], "order_list");
    let list = status(&floor, &olga, "projections", "order_list").await;
    assert!(list["position"].as_u64().is_some() && list["building"].is_null(), "{list}");
}

#[tokio::test]
async fn it_is_for_operators_and_names_what_there_is_not() {
    let floor = Floor::open().await;
    let [ada, bo, olga] =
        [floor.sign_in("ada").await, floor.sign_in("bo").await, floor.sign_in("olga").await];
    let pause = |token: &str| {
        let url = floor.url("/api/commands/service.pause");
        floor.client.post(url).bearer_auth(token).body(r#"{"service":"paymnt"}"#).send()
    };
    problem(pause(&bo).await.unwrap(), 403, "service.forbidden").await;
    problem(pause(&olga).await.unwrap(), 404, "service.not_found").await;
    for token in [&ada, &bo] {
        for path in ["/api/services", "/api/services/mail/letters"] {
            let answer = floor.client.get(floor.url(path)).bearer_auth(token).send().await.unwrap();
            problem(answer, 403, "service.forbidden").await;
        }
        let answer = post(&floor, token, "/api/projections/search/rebuild").await;
        problem(answer, 403, "service.forbidden").await;
    }
    let nobody = floor.client.get(floor.url("/api/services")).send().await.unwrap();
    problem(nobody, 401, "account.sign_in_first").await;
    let letters = |path: &str| floor.client.get(floor.url(path)).bearer_auth(&olga).send();
    problem(letters("/api/services/nothing/letters").await.unwrap(), 404, "service.unknown").await;
    problem(letters("/api/services/mail/letters?status=lost").await.unwrap(), 400, "request.bad_query").await;
    problem(post(&floor, &olga, "/api/projections/nothing/rebuild").await, 404, "service.unknown").await;
}

//! Tokens from outside: what each scope opens, and what ends with a token.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Floor, Socket, problem};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use uuid::Uuid;

/// Makes a token for whoever `session` belongs to; returns its id and its secret.
async fn give(floor: &Floor, session: &str, scopes: &[&str]) -> (String, String) {
    let body = json!({"name": "robot", "scopes": scopes, "days": 7});
    let answer = floor.client.post(floor.url("/api/tokens")).bearer_auth(session).json(&body);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let answer: Value = answer.json().await.unwrap();
    (answer["id"].as_str().unwrap().to_owned(), answer["token"].as_str().unwrap().to_owned())
}

async fn call(floor: &Floor, method: Method, path: &str, token: &str, body: Value) -> Response {
    floor.client.request(method, floor.url(path)).bearer_auth(token).json(&body).send().await.unwrap()
}

#[tokio::test]
async fn each_scope_opens_what_it_names_and_nothing_else() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let say = json!({"room": "lobby", "text": "from a robot"});
    let calls = [
        (Method::GET, "/api/events", json!(null), "read"),
        (Method::POST, "/fn/room_list", json!({}), "read"),
        (Method::POST, "/api/commands/chat.post_message", say, "command"),
        (Method::POST, "/api/commands/account.change_profile", json!({"name": "Eve"}), "manage"),
        (Method::GET, "/api/sessions", json!(null), "manage"),
        (Method::POST, "/api/tokens", json!({"name": "x", "scopes": ["read"]}), "manage"),
        (Method::DELETE, "/api/sessions/018f0000-0000-7000-8000-000000000001", json!(null), "manage"),
    ];
    for held in [&["read"][..], &["command"], &["ingest"], &["read", "command", "ingest"]] {
        let (_, token) = give(&floor, &ada, held).await;
        for (method, path, body, needed) in &calls {
            let answer = call(&floor, method.clone(), path, &token, body.clone()).await;
            if held.contains(needed) {
                assert_eq!(answer.status(), 200, "{held:?} {path}");
                continue;
            }
            let why = problem(answer, 403, "account.scope_missing").await;
            let named = why.contains(&format!("“{needed}”")) || why.contains("“read”");
            assert!(named, "{held:?} {path}: {why}");
        }
    }
    // Pages are no way around it; health needs nobody.
    let (_, blind) = give(&floor, &ada, &["ingest"]).await;
    let page = call(&floor, Method::GET, "/chat/lobby", &blind, json!(null)).await;
    problem(page, 403, "account.scope_missing").await;
    assert_eq!(call(&floor, Method::GET, "/healthz", &blind, json!(null)).await.status(), 200);
}

#[tokio::test]
async fn a_stream_is_opened_with_read_signals_with_command_and_a_revoked_token_ends_both_at_once() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let (_, writer) = give(&floor, &ada, &["command"]).await;
    let url = format!("ws://{}/live/ws", floor.server.addr);
    let refused = Socket::try_open(&url, Some(&writer), None).await.err().unwrap();
    assert!(refused.to_string().contains("403"), "{refused}");

    let (id, reader) = give(&floor, &ada, &["read"]).await;
    let mut socket = floor.socket(Some(&reader)).await;
    socket.follow("chat.>", None).await;
    let me: Value = call(&floor, Method::GET, "/api/events?match=account.*.registered", &ada, json!(null))
        .await
        .json()
        .await
        .unwrap();
    let me = me["events"][0]["data"]["user"].as_str().unwrap().to_owned();
    let subject = format!("signal.typing.lobby.{me}");
    socket.send(json!({"kind": "signal", "subject": subject, "data": {}})).await;
    assert_eq!(socket.next_of("refused").await["code"], "signal_scope_missing");

    let path = format!("/api/sessions/{id}");
    assert_eq!(call(&floor, Method::DELETE, &path, &ada, json!(null)).await.status(), 204);
    assert_eq!(socket.next_of("bye").await["code"], 4010);
    problem(call(&floor, Method::GET, "/api/events", &reader, json!(null)).await, 401, "account.bad_token")
        .await;
    problem(call(&floor, Method::DELETE, &path, &ada, json!(null)).await, 404, "query.not_found").await;
}

#[tokio::test]
async fn sessions_and_tokens_are_listed_to_their_owner_and_a_token_is_made_once() {
    let floor = Floor::open().await;
    let (ada, bo) = (floor.sign_in("ada").await, floor.sign_in("bo").await);
    let (id, secret) = give(&floor, &ada, &["read", "ingest"]).await;
    let answer = call(&floor, Method::GET, "/api/sessions", &ada, json!(null)).await;
    let body = answer.text().await.unwrap();
    assert!(!body.contains(&secret), "a secret is said once");
    let list: Value = serde_json::from_str(&body).unwrap();
    let [browser, token] = &list["sessions"].as_array().unwrap()[..] else { panic!("{list}") };
    assert_eq!((&browser["current"], &browser["name"]), (&json!(true), &json!(null)));
    assert_eq!(token["id"], json!(id));
    assert_eq!((&token["name"], &token["scopes"]), (&json!("robot"), &json!(["read", "ingest"])));
    assert!(token["created"].as_str() < token["expires"].as_str());
    let list = call(&floor, Method::GET, "/api/sessions", &bo, json!(null)).await;
    assert_eq!(list.json::<Value>().await.unwrap()["sessions"].as_array().unwrap().len(), 1);
    let not_his = call(&floor, Method::DELETE, &format!("/api/sessions/{id}"), &bo, json!(null)).await;
    problem(not_his, 404, "query.not_found").await;

    let key = Uuid::now_v7().to_string();
    let make = || {
        let make = floor.client.post(floor.url("/api/tokens")).bearer_auth(&ada);
        make.header("idempotency-key", &key).json(&json!({"name": "once", "scopes": ["read"]})).send()
    };
    assert_eq!(make().await.unwrap().status(), 201);
    problem(make().await.unwrap(), 409, "account.token_made").await;
}

#[tokio::test]
async fn a_token_without_sense_and_a_visitor_are_refused() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    for (body, status, code) in [
        (json!({"name": "", "scopes": ["read"]}), 422, "account.bad_token_name"),
        (json!({"name": "x", "scopes": []}), 422, "account.bad_scopes"),
        (json!({"name": "x", "scopes": ["manage"]}), 422, "account.bad_scopes"),
        (json!({"name": "x", "scopes": ["read"], "days": 1000}), 422, "account.bad_lifetime"),
        (json!({"name": "x", "scopes": ["all"]}), 400, "request.malformed"),
    ] {
        problem(call(&floor, Method::POST, "/api/tokens", &ada, body).await, status, code).await;
    }
    let visitor = floor.client.get(floor.url("/api/sessions")).send().await.unwrap();
    problem(visitor, 401, "account.sign_in_first").await;
}

//! How often somebody may come, from outside: who is counted, what is said, and that others are not held up.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Floor, Socket, problem};
use reqwest::Response;
use serde_json::json;
use uuid::Uuid;

async fn sign_in(floor: &Floor, handle: &str, from: &str) -> Response {
    let body = json!({"handle": handle, "password": "wrong"});
    let request = floor.client.post(floor.url("/api/session")).header("x-forwarded-for", from);
    request.json(&body).send().await.unwrap()
}

/// Checks that an answer says "too many" and when to come again.
async fn too_many(answer: Response, what: &str) {
    let seconds: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    let why = problem(answer, 429, "request.too_many").await;
    assert!(why.contains(what) && why.contains("Try again in"), "{why}");
}

#[tokio::test]
async fn commands_are_counted_by_person() {
    let floor = Floor::with(|settings| settings.commands_per_minute = 20).await;
    let (ada, bo) = (floor.sign_in("ada").await, floor.sign_in("bo").await);
    let say = |token: &str, text: &str| {
        floor.command(token, "chat.post_message", json!({"room": "lobby", "text": text})).send()
    };
    // All at once: in the time that one after the other takes, some are given back.
    let sent = (0..40).map(|_| say(&ada, "again"));
    let answers = futures::future::join_all(sent).await.into_iter().map(Result::unwrap);
    let (taken, refused): (Vec<_>, Vec<_>) = answers.partition(|answer| answer.status() == 200);
    assert!((20..30).contains(&taken.len()), "{} of 20 were taken", taken.len());
    for answer in refused {
        too_many(answer, "commands").await;
    }
    assert_eq!(say(&bo, "not held up").await.unwrap().status(), 200);
}

#[tokio::test]
async fn signing_in_is_counted_by_address_whatever_comes_of_it() {
    let floor = Floor::with(|settings| {
        settings.sign_ins_per_minute = 3;
        settings.trust_forwarded = true;
    })
    .await;
    for handle in ["ada", "nobody", "no handle at all!"] {
        problem(sign_in(&floor, handle, "192.0.2.1").await, 401, "account.bad_credentials").await;
    }
    too_many(sign_in(&floor, "bo", "192.0.2.1").await, "attempts to sign in").await;
    too_many(sign_in(&floor, "bo", "10.0.0.1, 192.0.2.1").await, "attempts to sign in").await;
    problem(sign_in(&floor, "bo", "192.0.2.2").await, 401, "account.bad_credentials").await;
    let persona = floor.client.post(floor.url("/enter/ada")).header("x-forwarded-for", "192.0.2.1");
    too_many(persona.send().await.unwrap(), "attempts to sign in").await;
}

#[tokio::test]
async fn whose_address_it_is_nobody_can_make_up_without_a_trusted_proxy() {
    let floor = Floor::with(|settings| settings.sign_ins_per_minute = 2).await;
    for from in ["192.0.2.1", "192.0.2.2"] {
        problem(sign_in(&floor, "ada", from).await, 401, "account.bad_credentials").await;
    }
    too_many(sign_in(&floor, "ada", "192.0.2.3").await, "attempts to sign in").await;
}

#[tokio::test]
async fn signing_in_is_counted_by_handle_alike_whether_it_exists() {
    let floor = Floor::with(|settings| {
        settings.handle_sign_ins_per_minute = 2;
        settings.trust_forwarded = true;
    })
    .await;
    let mut sentences = vec![];
    for handle in ["ada", "nobody"] {
        for (nth, written) in [handle.to_owned(), format!("@{}", handle.to_uppercase())].iter().enumerate() {
            let answer = sign_in(&floor, written, &format!("192.0.2.{nth}")).await;
            problem(answer, 401, "account.bad_credentials").await;
        }
        let answer = sign_in(&floor, handle, "192.0.2.9").await;
        assert!(answer.headers().contains_key("retry-after"));
        // How many seconds there are to wait depends on when it is asked.
        let sentence = problem(answer, 429, "request.too_many").await;
        sentences.push(sentence.replace(|letter: char| letter.is_ascii_digit(), ""));
    }
    assert_eq!(sentences[0], sentences[1]);
}

#[tokio::test]
async fn registering_streams_and_reading_are_counted_by_address() {
    let floor = Floor::with(|settings| {
        settings.registrations_per_minute = 1;
        settings.streams_per_minute = 1;
        settings.reads_per_minute = 2;
    })
    .await;
    floor.register("first").await;
    let body = json!({"handle": "second", "password": "long enough"});
    let again = floor.client.post(floor.url("/api/accounts")).json(&body).send().await.unwrap();
    too_many(again, "new accounts").await;

    let url = format!("ws://{}/live/ws", floor.server.addr);
    let mut first = Socket::try_open(&url, None, None).await.unwrap();
    let refused = Socket::try_open(&url, None, None).await.err().unwrap();
    assert!(refused.to_string().contains("429"), "{refused}");
    first.follow("chat.>", None).await;

    let read = || floor.client.get(floor.url("/api/events")).send();
    for _ in 0..2 {
        assert_eq!(read().await.unwrap().status(), 200);
    }
    too_many(read().await.unwrap(), "requests").await;
    assert_eq!(floor.client.get(floor.url("/healthz")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_flood_of_sign_ins_is_told_that_the_server_is_busy() {
    let floor = Floor::with(|settings| {
        settings.sign_ins_per_minute = 0;
        settings.handle_sign_ins_per_minute = 0;
    })
    .await;
    let attempts = (0..150).map(|_| sign_in(&floor, "ada", "192.0.2.1"));
    let answers = futures::future::join_all(attempts).await;
    let (busy, wrong): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status() == 503);
    assert!(!busy.is_empty() && wrong.len() >= 60, "{} busy, {} answered", busy.len(), wrong.len());
    for answer in busy {
        assert!(answer.headers().contains_key("retry-after"));
        problem(answer, 503, "server.busy").await;
    }
    assert!(wrong.iter().all(|answer| answer.status() == 401));
}

#[tokio::test]
async fn a_server_function_is_told_the_same() {
    let floor = Floor::with(|settings| settings.commands_per_minute = 1).await;
    let (token, _) = floor.register("hasty").await;
    let data = json!({"room": "lobby", "text": "x"}).to_string();
    let call = || {
        let body = json!({"id": Uuid::now_v7(), "name": "chat.post_message", "data": data});
        floor.client.post(floor.url("/fn/execute")).bearer_auth(&token).json(&body).send()
    };
    assert_eq!(call().await.unwrap().status(), 200);
    let refused = call().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert!(refused.text().await.unwrap().contains("request.too_many"));
}

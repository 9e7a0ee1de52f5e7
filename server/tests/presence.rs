//! Who is here, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Floor, Socket};
use serde_json::{Value, json};

/// Where leaving is seen soon.
async fn floor() -> Floor {
    Floor::with(|settings| settings.presence_grace_seconds = 1).await
}

/// A page of somebody, who did something just now.
async fn page(floor: &Floor, token: &str, user: &str) -> Socket {
    let mut page = tab(floor, token, user).await;
    report(&mut page, user, 0).await;
    page
}

/// A page of somebody, who has not done anything yet.
async fn tab(floor: &Floor, token: &str, user: &str) -> Socket {
    let mut page = floor.page(token, user).await;
    page.follow("chat.lobby.>", None).await;
    page
}

async fn report(page: &mut Socket, user: &str, idle_ms: u64) {
    let subject = format!("signal.presence.{user}");
    page.send(json!({"kind": "signal", "subject": subject, "data": {"idle_ms": idle_ms}})).await;
}

/// Somebody who watches who is here.
async fn watcher(floor: &Floor) -> Socket {
    let mut watcher = floor.socket(None).await;
    watcher.follow("signal.presence.*", None).await;
    watcher
}

async fn next(watcher: &mut Socket, user: &str) -> Value {
    let signal = watcher.next_of("signal").await;
    assert_eq!(signal["subject"], format!("signal.presence.{user}"));
    assert_eq!(signal["actor"], format!("user:{user}"));
    signal["data"].clone()
}

#[tokio::test]
async fn further_tabs_and_coming_back_within_the_grace_change_nothing() {
    let floor = Floor::with(|settings| settings.presence_grace_seconds = 60).await;
    let (token, user) = floor.register("temp").await;
    let mut watcher = watcher(&floor).await;
    let mut first = page(&floor, &token, &user).await;
    assert_eq!(next(&mut watcher, &user).await["state"], "online");
    // A second tab that nobody has touched for long.
    let mut second = tab(&floor, &token, &user).await;
    report(&mut second, &user, 3_600_000).await;
    report(&mut first, &user, 0).await;
    drop(first);
    drop(second);
    let _third = page(&floor, &token, &user).await;
    // What is told next is about somebody else.
    let (token, other) = floor.register("other").await;
    let _page = page(&floor, &token, &other).await;
    assert_eq!(next(&mut watcher, &other).await["state"], "online");
}

#[tokio::test]
async fn whoever_comes_later_is_told_who_is_here_and_nothing_of_who_has_left() {
    let floor = floor().await;
    let (stays, her) = floor.register("stays").await;
    let (leaves, him) = floor.register("leaves").await;
    let mut early = watcher(&floor).await;
    let leaving = page(&floor, &leaves, &him).await;
    assert_eq!(next(&mut early, &him).await["state"], "online");
    drop(leaving);
    assert_eq!(next(&mut early, &him).await["state"], "away");
    let _staying = page(&floor, &stays, &her).await;
    assert_eq!(next(&mut early, &her).await["state"], "online");
    let mut late = watcher(&floor).await;
    assert_eq!(next(&mut late, &her).await["state"], "online");
    // Also by a subscription of its own on a connection that there is.
    let mut other = floor.socket(None).await;
    other.follow("chat.lobby.>", None).await;
    let subject = format!("signal.presence.{her}");
    other.send(json!({"kind": "sub", "sid": "p", "match": subject})).await;
    assert_eq!(next(&mut other, &her).await["state"], "online");
}

#[tokio::test]
async fn who_did_something_long_ago_is_idle() {
    let floor = floor().await;
    let (token, user) = floor.register("temp").await;
    let mut watcher = watcher(&floor).await;
    let mut page = tab(&floor, &token, &user).await;
    report(&mut page, &user, 3_600_000).await;
    assert_eq!(next(&mut watcher, &user).await["state"], "idle");
    report(&mut page, &user, 10).await;
    assert_eq!(next(&mut watcher, &user).await["state"], "online");
}

#[tokio::test]
async fn a_program_is_nobody_who_is_here() {
    let floor = floor().await;
    let (token, _) = floor.register("temp").await;
    let mut watcher = watcher(&floor).await;
    let mut program = floor.socket(Some(&token)).await;
    program.follow("chat.lobby.>", None).await;
    let (token, other) = floor.register("other").await;
    let _page = page(&floor, &token, &other).await;
    assert_eq!(next(&mut watcher, &other).await["state"], "online");
}

#[tokio::test]
async fn signing_out_leaves() {
    let floor = floor().await;
    let (token, user) = floor.register("temp").await;
    let mut watcher = watcher(&floor).await;
    let _page = page(&floor, &token, &user).await;
    assert_eq!(next(&mut watcher, &user).await["state"], "online");
    let out = floor.client.delete(floor.url("/api/session")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(out.status(), 204);
    assert_eq!(next(&mut watcher, &user).await["state"], "away");
}

#[tokio::test]
async fn a_signal_about_somebody_else_or_in_another_shape_is_refused_by_name() {
    let floor = floor().await;
    let (token, user) = floor.register("temp").await;
    let (_, other) = floor.register("other").await;
    let mut watcher = watcher(&floor).await;
    let mut page = tab(&floor, &token, &user).await;
    for (subject, data, code) in [
        (format!("signal.presence.{other}"), json!({"idle_ms": 0}), "bad_signal"),
        (format!("signal.typing.lobby.{other}"), json!({"typing": true}), "bad_signal"),
        (format!("signal.typing.backstage.{user}"), json!({"typing": true}), "bad_signal"),
        (format!("signal.weather.{user}"), json!({}), "bad_signal"),
        (format!("signal.presence.{user}"), json!({"state": "online"}), "bad_signal_data"),
        (format!("signal.presence.{user}"), json!({"idle_ms": 0, "name": "x"}), "bad_signal_data"),
        (format!("signal.presence.{user}"), json!([0]), "bad_signal_data"),
        (format!("signal.typing.lobby.{user}"), json!({"typing": "yes"}), "bad_signal_data"),
        (format!("signal.typing.lobby.{user}"), json!({"typing": true, "name": "Bo"}), "bad_signal_data"),
        (format!("signal.typing.lobby.{user}"), json!("x".repeat(2_000)), "signal_too_large"),
    ] {
        page.send(json!({"kind": "signal", "subject": subject, "data": data})).await;
        let refused = page.next_of("refused").await;
        assert_eq!(refused["code"], code, "{subject} {refused}");
        assert!(!refused["why"].as_str().unwrap().is_empty());
    }
    // Nothing of all that was passed on: the first that is told is what comes now.
    report(&mut page, &user, 0).await;
    assert_eq!(next(&mut watcher, &user).await["state"], "online");
}

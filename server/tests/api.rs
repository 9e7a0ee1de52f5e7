//! The HTTP API from outside: what is answered, what is refused and how.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Floor, event_id, problem};
use reqwest::header;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn a_command_is_answered_with_its_position_and_events_and_repeating_it_changes_nothing() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let key = Uuid::now_v7().to_string();
    let say = || {
        floor
            .command(&ada, "chat.post_message", json!({"room": "lobby", "text": "once"}))
            .header("idempotency-key", &key)
    };
    let first: Value = say().send().await.unwrap().json().await.unwrap();
    let again: Value = say().send().await.unwrap().json().await.unwrap();
    assert_eq!(first["position"], again["position"]);
    assert_eq!(first["events"], again["events"]);
    let said = floor.log(None, "chat.lobby.message_posted").await;
    assert_eq!(said.iter().filter(|event| event["data"]["text"] == "once").count(), 1);
    let other = floor
        .command(&ada, "chat.post_message", json!({"room": "lobby", "text": "other"}))
        .header("idempotency-key", &key);
    problem(other.send().await.unwrap(), 409, "command.id_reused").await;
}

#[tokio::test]
async fn the_same_id_from_many_callers_at_once_is_one_event() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let key = Uuid::now_v7().to_string();
    let answers = (0..16).map(|_| {
        let say = floor.command(&ada, "chat.post_message", json!({"room": "lobby", "text": "twin"}));
        say.header("idempotency-key", &key).send()
    });
    let answers = futures::future::join_all(answers).await;
    let mut positions = vec![];
    for answer in answers {
        let body: Value = answer.unwrap().json().await.unwrap();
        positions.push(body["position"].as_u64().unwrap());
    }
    positions.dedup();
    assert_eq!(positions.len(), 1);
}

#[tokio::test]
async fn sixty_four_callers_in_one_room_are_all_acknowledged_in_one_order() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let before = floor.log(None, "chat.lobby.message_posted").await.len();
    let calls = (0..64).map(|nth| {
        let (floor, ada) = (&floor, &ada);
        async move { floor.say(ada, "lobby", &format!("caller {nth}")).await }
    });
    let receipts = futures::future::join_all(calls).await;
    let mut positions: Vec<u64> = receipts.iter().map(|r| r["position"].as_u64().unwrap()).collect();
    positions.sort_unstable();
    positions.dedup();
    assert_eq!(positions.len(), 64);
    let log = floor.log(None, "chat.lobby.message_posted").await;
    assert_eq!(log.len(), before + 64);
    assert!(log.is_sorted_by_key(|event| event["sequence"].as_str().unwrap().to_owned()));
}

#[tokio::test]
async fn of_two_commands_with_one_expected_version_one_is_told_of_the_conflict() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let said = floor.say(&ada, "lobby", "draft").await;
    let id = event_id(&said);
    let event: Value =
        floor.client.get(floor.url(&format!("/api/events/{id}"))).send().await.unwrap().json().await.unwrap();
    let message = event["data"]["message"].clone();
    let edit = |text: &str| {
        let data = json!({"room": "lobby", "message": message, "text": text});
        floor.command(&ada, "chat.edit_message?expectedversion=1", data).send()
    };
    let (a, b) = tokio::join!(edit("a"), edit("b"));
    let (a, b) = (a.unwrap(), b.unwrap());
    let (won, lost) = if a.status() == 200 { (a, b) } else { (b, a) };
    assert_eq!(won.status(), 200);
    let why = problem(lost, 409, "command.version_conflict").await;
    assert!(why.contains("version 2"), "{why}");
}

#[tokio::test]
async fn what_is_refused_is_explained_and_leaves_no_event() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let before = floor.log(Some(&ada), ">").await.len();
    for (name, data, status, code) in [
        ("chat.post_message", json!({"room": "lobby", "text": " "}), 422, "chat.message_empty"),
        (
            "chat.post_message",
            json!({"room": "lobby", "text": "x".repeat(5_000)}),
            422,
            "chat.message_too_long",
        ),
        (
            "chat.post_message",
            json!({"room": "lobby", "text": "a\u{0}b"}),
            422,
            "chat.message_control_characters",
        ),
        ("chat.post_message", json!({"room": "nowhere", "text": "x"}), 404, "chat.no_room"),
        ("chat.post_message", json!({"room": "backstage", "text": "x"}), 404, "chat.no_room"),
        ("chat.post_message", json!({"room": "Lobby!", "text": "x"}), 400, "command.malformed"),
        ("chat.post_message", json!({"room": "lobby", "text": "x", "extra": 1}), 400, "command.malformed"),
        ("chat.post_message", json!([]), 400, "command.malformed"),
        ("chat.sing", json!({}), 404, "command.malformed"),
        ("chat.open_room", json!({"room": "lobby", "title": "x"}), 409, "chat.room_exists"),
        (
            "account.register",
            json!({"user": Uuid::now_v7(), "handle": "x1", "name": "X", "role": "operator"}),
            403,
            "account.forbidden",
        ),
    ] {
        problem(floor.command(&ada, name, data).send().await.unwrap(), status, code).await;
    }
    let post = |body: &'static str| {
        floor.client.post(floor.url("/api/commands/chat.post_message")).bearer_auth(&ada).body(body).send()
    };
    problem(post("{").await.unwrap(), 400, "command.malformed").await;
    let visitor = floor.client.post(floor.url("/api/commands/chat.post_message"));
    let visitor = visitor.json(&json!({"room": "lobby", "text": "x"})).send().await.unwrap();
    problem(visitor, 401, "account.sign_in_first").await;
    let huge = floor.command(&ada, "chat.post_message", json!({"room": "lobby", "text": "x".repeat(70_000)}));
    problem(huge.send().await.unwrap(), 413, "request.refused").await;
    let key = floor.command(&ada, "chat.post_message", json!({"room": "lobby", "text": "x"}));
    problem(key.header("idempotency-key", "7").send().await.unwrap(), 400, "command.bad_idempotency_key")
        .await;
    assert_eq!(floor.log(Some(&ada), ">").await.len(), before);
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused_with_the_place_of_the_mistake() {
    let floor = Floor::open().await;
    for (path, status, code, hint) in [
        ("/api/events?match=chat..x", 400, "subscription.bad_pattern", "character 5"),
        ("/api/events?match=a.>.b", 400, "subscription.bad_pattern", "last token"),
        ("/api/events?after=-1", 400, "subscription.bad_position", "position"),
        ("/api/events?after=9999", 400, "subscription.past_head", "ends at"),
        ("/api/events?aftr=1", 400, "request.bad_query", "aftr"),
        ("/api/events/7", 400, "request.bad_id", "UUID"),
        ("/api/events/018f0000-0000-7000-8000-000000000001", 404, "query.not_found", "not here"),
        ("/api/nothing", 404, "api.no_such_call", "no such call"),
    ] {
        let answer = floor.client.get(floor.url(path)).send().await.unwrap();
        let why = problem(answer, status, code).await;
        assert!(why.contains(hint), "{path}: {why}");
    }
    let answer = floor.client.delete(floor.url("/api/events")).send().await.unwrap();
    problem(answer, 405, "api.method_not_allowed").await;
}

#[tokio::test]
async fn a_stranger_sees_nothing_that_is_not_theirs_in_the_log_or_by_id() {
    let floor = Floor::open().await;
    let olga = floor.sign_in("olga").await;
    let secret = floor.say(&olga, "backstage", "between us").await;
    let (stranger, user) = floor.register("stranger").await;
    let theirs = format!("user:{user}");
    for token in [None, Some(stranger.as_str())] {
        for event in floor.log(token, ">").await {
            let audience = event["audience"].as_str().unwrap();
            let own = token.is_some() && audience.split(' ').any(|token| token == theirs);
            assert!(audience == "everyone" || own, "{event}");
        }
        let mut by_id = floor.client.get(floor.url(&format!("/api/events/{}", event_id(&secret))));
        if let Some(token) = token {
            by_id = by_id.bearer_auth(token);
        }
        problem(by_id.send().await.unwrap(), 404, "query.not_found").await;
    }
    let bo = floor.sign_in("bo").await;
    assert!(floor.log(Some(&bo), "chat.backstage.>").await.iter().any(|e| e["data"]["text"] == "between us"));
}

#[tokio::test]
async fn a_page_of_the_log_moves_on_over_what_it_does_not_show() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    for nth in 0..30 {
        floor.say(&ada, "lobby", &format!("{nth}")).await;
    }
    let head = floor.say(&ada, "help", "last").await["position"].as_u64().unwrap();
    let (mut after, mut pages, mut seen) = (0, 0, vec![]);
    while after < head {
        let url = floor.url(&format!("/api/events?match=chat.help.>&limit=2&after={after}"));
        let page: Value = floor.client.get(url).send().await.unwrap().json().await.unwrap();
        assert!(page["next"].as_u64().unwrap() > after, "it stands still");
        after = page["next"].as_u64().unwrap();
        seen.extend(
            page["events"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap().to_owned()),
        );
        pages += 1;
    }
    assert_eq!(seen.iter().filter(|kind| *kind == "chat.message_posted").count(), 3, "{seen:?}");
    assert!(pages >= 2);
}

#[tokio::test]
async fn a_session_ends_with_signing_out_and_a_bad_password_says_nothing_about_the_handle() {
    let floor = Floor::open().await;
    let client = reqwest::Client::builder().cookie_store(true).build().unwrap();
    let body = json!({"handle": "ada", "password": "demo"});
    let answer = client.post(floor.url("/api/session")).json(&body).send().await.unwrap();
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let say = || {
        client.post(floor.url("/api/commands/chat.post_message")).json(&json!({"room": "lobby", "text": "x"}))
    };
    assert_eq!(say().send().await.unwrap().status(), 200);
    let token = answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
    assert_eq!(client.delete(floor.url("/api/session")).send().await.unwrap().status(), 204);
    problem(say().send().await.unwrap(), 401, "account.sign_in_first").await;
    let old = floor.command(&token, "chat.post_message", json!({"room": "lobby", "text": "x"}));
    problem(old.send().await.unwrap(), 401, "account.bad_token").await;
    let mut sentences = vec![];
    for handle in ["ada", "nobody_at_all"] {
        let body = json!({"handle": handle, "password": "wrong"});
        let answer = floor.client.post(floor.url("/api/session")).json(&body).send().await.unwrap();
        sentences.push(problem(answer, 401, "account.bad_credentials").await);
    }
    assert_eq!(sentences[0], sentences[1]);
}

#[tokio::test]
async fn somebody_elses_session_cannot_be_ended() {
    let floor = Floor::open().await;
    let (eve, _) = floor.register("eve").await;
    let body = json!({"handle": "ada", "password": "demo"});
    let ada: Value =
        floor.client.post(floor.url("/api/session")).json(&body).send().await.unwrap().json().await.unwrap();
    let (mallory, me) = floor.register("mallory").await;
    let data = json!({"user": ada["user"], "session": ada["session"]});
    problem(floor.command(&eve, "account.end_session", data).send().await.unwrap(), 403, "account.forbidden")
        .await;
    // Not even by calling it one's own.
    let data = json!({"user": me, "session": ada["session"]});
    floor.command(&mallory, "account.end_session", data).send().await.unwrap();
    let token = ada["token"].as_str().unwrap();
    floor.say(token, "lobby", "still here").await;
}

#[tokio::test]
async fn registration_checks_what_it_is_given() {
    let floor = Floor::open().await;
    for (body, status, code) in [
        (json!({"handle": "ada", "password": "long enough"}), 409, "account.handle_taken"),
        (json!({"handle": "Ada!", "password": "long enough"}), 422, "account.bad_handle"),
        (json!({"handle": "fresh", "password": "short"}), 422, "account.bad_password"),
        (json!({"handle": "fresh", "name": "\u{1}", "password": "long enough"}), 422, "account.bad_name"),
        (json!({"handle": "fresh"}), 400, "request.malformed"),
    ] {
        let answer = floor.client.post(floor.url("/api/accounts")).json(&body).send().await.unwrap();
        problem(answer, status, code).await;
    }
}

#[tokio::test]
async fn a_request_from_another_site_changes_nothing() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let say = |origin: String| {
        floor
            .command(&ada, "chat.post_message", json!({"room": "lobby", "text": "x"}))
            .header("origin", origin)
            .send()
    };
    problem(say("https://evil.example".into()).await.unwrap(), 403, "request.wrong_origin").await;
    problem(say("null".into()).await.unwrap(), 403, "request.wrong_origin").await;
    assert_eq!(say(floor.url("")).await.unwrap().status(), 200);
    let form = floor.client.post(floor.url("/enter/ada")).header("origin", "https://evil.example");
    problem(form.send().await.unwrap(), 403, "request.wrong_origin").await;
}

#[tokio::test]
async fn health_says_alive_and_ready() {
    let floor = Floor::open().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(floor.client.get(floor.url(path)).send().await.unwrap().status(), 200);
    }
}

//! `/live/ws` over real sockets.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Floor, Socket, event_id};
use futures::future::join_all;
use serde_json::{Value, json};

fn text(event: &Value) -> &str {
    event["data"]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn what_one_person_says_reaches_another_with_the_id_it_was_acknowledged_with() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let mut bo = floor.socket(Some(&floor.sign_in("bo").await)).await;
    bo.follow("chat.lobby.>", None).await;
    let said = floor.say(&ada, "lobby", "hello").await;
    let event = bo.next_of("event").await["event"].clone();
    assert_eq!(event["id"], said["events"][0]["id"]);
    assert_eq!(text(&event), "hello");
    assert_eq!(event["specversion"], "1.0");
    let flush = bo.next_of("flush").await;
    assert_eq!(flush["pos"], said["position"]);
}

#[tokio::test]
async fn a_page_goes_live_from_the_position_it_was_rendered_at() {
    let floor = Floor::open().await;
    let ada = floor.sign_in("ada").await;
    let rendered = floor.say(&ada, "lobby", "on the page").await["position"].as_u64().unwrap();
    let between = floor.say(&ada, "lobby", "between render and connect").await;
    let mut probe = floor.socket(None).await;
    probe.send(json!({"kind": "hello", "v": 1, "subs": []})).await;
    let epoch = probe.next_of("welcome").await["epoch"].as_str().unwrap().to_owned();
    let mut page = floor.socket(None).await;
    let since = format!("{epoch}.{rendered}");
    page.send(
        json!({"kind": "hello", "v": 1, "subs": [{"sid": "a", "match": "chat.lobby.>", "since": since}]}),
    )
    .await;
    let event = page.next_of("event").await["event"].clone();
    assert_eq!(event["id"], between["events"][0]["id"]);
    let after = floor.say(&ada, "lobby", "after").await;
    let events = page.events_until(event_id(&after)).await;
    assert_eq!(events.len(), 1, "what was between came once");
}

#[tokio::test]
async fn two_hundred_listen_and_five_of_them_never_read() {
    let floor = Floor::with(|settings| settings.queue_bytes = 64 << 10).await;
    let ada = floor.sign_in("ada").await;
    let mut all = join_all((0..200).map(|_| async {
        let mut socket = floor.socket(None).await;
        socket.follow("chat.lobby.>", None).await;
        socket
    }))
    .await;
    let mut stalled = all.split_off(195);
    let mut said = vec![];
    for round in 0..20 {
        let texts: Vec<String> = (0..10).map(|nth| format!("{round}.{nth} {}", "x".repeat(500))).collect();
        for text in &texts {
            said.push(floor.say(&ada, "lobby", text).await);
        }
        let last = event_id(said.last().unwrap()).to_owned();
        for events in join_all(all.iter_mut().map(|socket| socket.events_until(&last))).await {
            assert_eq!(events.iter().map(text).collect::<Vec<_>>(), texts);
        }
    }
    let last = event_id(said.last().unwrap()).to_owned();
    let wanted: Vec<&str> = said.iter().map(event_id).collect();
    for events in join_all(stalled.iter_mut().map(|socket| socket.events_until(&last))).await {
        assert_eq!(events.iter().map(|e| e["id"].as_str().unwrap()).collect::<Vec<_>>(), wanted);
    }
}

#[tokio::test]
async fn a_strangers_subscription_to_everything_shows_nothing_that_is_not_theirs() {
    let floor = Floor::open().await;
    let olga = floor.sign_in("olga").await;
    let (token, user) = floor.register("stranger").await;
    let theirs = format!("user:{user}");
    let mut stranger = floor.socket(Some(&token)).await;
    let mut probe = floor.socket(None).await;
    probe.send(json!({"kind": "hello", "v": 1, "subs": []})).await;
    let epoch = probe.next_of("welcome").await["epoch"].as_str().unwrap().to_owned();
    stranger.follow(">", Some(&format!("{epoch}.0"))).await;
    floor.say(&olga, "backstage", "between us").await;
    let last = floor.say(&olga, "lobby", "for all").await;
    for event in stranger.events_until(event_id(&last)).await {
        let audience = event["audience"].as_str().unwrap();
        let own = audience.split(' ').any(|token| token == theirs);
        assert!(audience == "everyone" || own, "{event}");
        assert_ne!(text(&event), "between us");
    }
}

#[tokio::test]
async fn somebody_put_out_of_a_private_room_receives_nothing_after_that_position() {
    let floor = Floor::open().await;
    let olga = floor.sign_in("olga").await;
    let (token, user) = floor.register("temp").await;
    let mut temp = floor.socket(Some(&token)).await;
    temp.follow("chat.>", None).await;
    floor.run(&olga, "chat.add_member", json!({"room": "backstage", "user": user})).await;
    floor.say(&olga, "backstage", "welcome").await;
    let left = floor.run(&olga, "chat.remove_member", json!({"room": "backstage", "user": user})).await;
    floor.say(&olga, "backstage", "gone").await;
    let last = floor.say(&olga, "lobby", "for all").await;
    let kinds: Vec<String> = temp
        .events_until(event_id(&last))
        .await
        .iter()
        .map(|event| format!("{} {}", event["type"].as_str().unwrap(), text(event)))
        .collect();
    assert_eq!(
        kinds,
        [
            "chat.member_joined ",
            "chat.message_posted welcome",
            "chat.member_left ",
            "chat.message_posted for all"
        ]
    );
    assert!(left["position"].as_u64().is_some());
}

#[tokio::test]
async fn signing_out_ends_that_sessions_streams_and_no_others() {
    let floor = Floor::open().await;
    let (first, second) = (floor.sign_in("ada").await, floor.sign_in("ada").await);
    let (mut one, mut two) = (floor.socket(Some(&first)).await, floor.socket(Some(&second)).await);
    one.follow("chat.>", None).await;
    two.follow("chat.>", None).await;
    let out = floor.client.delete(floor.url("/api/session")).bearer_auth(&first).send().await.unwrap();
    assert_eq!(out.status(), 204);
    let bye = one.next_of("bye").await;
    assert_eq!(bye["code"], 4010);
    assert_eq!(one.next().await, json!({"kind": "closed", "code": 4010}));
    let said = floor.say(&second, "lobby", "still here").await;
    two.events_until(event_id(&said)).await;
}

#[tokio::test]
async fn a_fatal_mistake_closes_that_connection_with_its_reason_and_harms_no_other() {
    let floor = Floor::open().await;
    let mut other = floor.socket(None).await;
    other.follow("chat.lobby.>", None).await;
    for (frames, code) in [
        (vec!["{".to_owned()], 4000),
        (vec![r#"{"kind":"sing"}"#.to_owned()], 4001),
        (vec!["x".repeat(70_000)], 4002),
        (vec![r#"{"kind":"hello","v":99,"subs":[]}"#.to_owned()], 4003),
        (vec![r#"{"kind":"unsub","sid":"a"}"#.to_owned()], 4004),
        (vec![r#"{"kind":"hello","v":1,"subs":[]}"#.to_owned(); 2], 4005),
    ] {
        let mut socket = floor.socket(None).await;
        for frame in frames {
            socket.send_text(frame).await;
        }
        let bye = socket.next_of("bye").await;
        assert_eq!(bye["code"], code, "{bye}");
        assert!(!bye["why"].as_str().unwrap().is_empty());
        assert_eq!(socket.next().await["code"], code);
    }
    // So large that nobody reads it: what is left of it must not break the line before the goodbye is heard.
    let mut socket = floor.socket(None).await;
    socket.send_bytes(&[0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]).await;
    socket.send_bytes(&[b'x'; 500_000]).await;
    assert_eq!(socket.next_of("bye").await["code"], 4002);
    assert_eq!(socket.next().await["code"], 4002);
    let ada = floor.sign_in("ada").await;
    let said = floor.say(&ada, "lobby", "unharmed").await;
    other.events_until(event_id(&said)).await;
}

#[tokio::test]
async fn what_is_no_websocket_frame_is_told_so_before_the_line_is_closed() {
    let floor = Floor::open().await;
    let (compressed, unmasked) = ([0xc1, 0x81, 0, 0, 0, 0, b'x'], [0x81, 0x02, b'{', b'}']);
    for bytes in [&compressed[..], &unmasked[..]] {
        let mut socket = floor.socket(None).await;
        socket.send_bytes(bytes).await;
        let bye = socket.next_of("bye").await;
        assert_eq!(bye["code"], 4000, "{bye}");
        assert_eq!(socket.next().await["code"], 4000);
    }
}

#[tokio::test]
async fn a_bad_subscription_is_refused_alone() {
    let floor = Floor::open().await;
    let mut socket = floor.socket(None).await;
    socket.follow("chat.lobby.>", None).await;
    for (sub, code) in [
        (json!({"kind": "sub", "sid": "b", "match": "a..b"}), "bad_pattern"),
        (json!({"kind": "sub", "sid": "b", "match": "a", "since": "yesterday"}), "bad_cursor"),
        (json!({"kind": "sub", "sid": "a", "match": "a"}), "duplicate_sid"),
        (json!({"kind": "sub", "sid": "B!", "match": "a"}), "bad_sid"),
        (
            json!({"kind": "signal", "subject": "signal.typing.lobby.somebody", "data": {}}),
            "signal_sign_in_first",
        ),
    ] {
        socket.send(sub).await;
        let refused = socket.next_of("refused").await;
        assert_eq!(refused["code"], code, "{refused}");
    }
    for since in ["0000000000000000.1".to_owned()] {
        socket.send(json!({"kind": "sub", "sid": "c", "match": "chat.>", "since": since})).await;
        assert_eq!(socket.next_of("subbed").await["outcome"], "resync");
    }
    let ada = floor.sign_in("ada").await;
    let said = floor.say(&ada, "lobby", "on").await;
    socket.events_until(event_id(&said)).await;
}

#[tokio::test]
async fn a_socket_from_another_site_or_with_an_ended_session_is_not_opened() {
    let floor = Floor::open().await;
    let url = format!("ws://{}/live/ws", floor.server.addr);
    assert!(Socket::try_open(&url, None, Some("https://evil.example")).await.is_err());
    assert!(Socket::try_open(&url, Some("no such token"), None).await.is_err());
    assert!(Socket::try_open(&url, None, Some(&floor.url(""))).await.is_ok());
}

#[tokio::test]
async fn a_page_whose_session_has_ended_is_told_so() {
    let floor = Floor::open().await;
    let mut socket = floor.socket(Some("cookie of-a-session-that-ended")).await;
    let bye = socket.next_of("bye").await;
    assert_eq!(bye["code"], 4010, "{bye}");
}

#[tokio::test]
async fn a_page_that_was_rendered_for_somebody_else_is_told_so() {
    let floor = Floor::open().await;
    let (token, user) = floor.register("somebody").await;
    let url = |user: &str| format!("ws://{}/live/ws?as={user}", floor.server.addr);
    let another = "00000000-0000-7000-8000-000000000000";
    for (token, user, ends) in
        [(Some(&*token), &*user, false), (Some(&*token), another, true), (None, &*user, true)]
    {
        let mut socket = Socket::try_open(&url(user), token, None).await.unwrap();
        socket.send(json!({"kind": "hello", "v": 1, "subs": []})).await;
        let first = socket.next().await;
        assert_eq!(first["kind"], if ends { "bye" } else { "welcome" }, "{first}");
    }
}

#[tokio::test]
async fn who_types_in_a_private_room_is_told_to_its_members_only() {
    let floor = Floor::open().await;
    let (bo, olga) = (floor.sign_in("bo").await, floor.sign_in("olga").await);
    let (token, stranger) = floor.register("stranger").await;
    let mut listening = [floor.socket(Some(&bo)).await, floor.socket(Some(&token)).await];
    for socket in &mut listening {
        socket.follow("signal.typing.>", None).await;
    }
    let me = |log: &[Value]| log[0]["data"]["user"].as_str().unwrap().to_owned();
    let olgas = me(&floor
        .log(Some(&olga), "account.*.registered")
        .await
        .into_iter()
        .filter(|event| event["data"]["handle"] == "olga")
        .collect::<Vec<_>>());
    let mut typing = floor.socket(Some(&olga)).await;
    typing.follow("chat.>", None).await;
    let mut strange = floor.socket(Some(&token)).await;
    strange.follow("chat.>", None).await;
    for (room, who) in [("backstage", &stranger), ("nowhere", &stranger), ("lobby", &olgas)] {
        let subject = format!("signal.typing.{room}.{who}");
        strange.send(json!({"kind": "signal", "subject": subject, "data": {"typing": true}})).await;
        assert_eq!(strange.next_of("refused").await["code"], "bad_signal", "{subject}");
    }
    let subjects = ["backstage", "lobby"].map(|room| format!("signal.typing.{room}.{olgas}"));
    for subject in &subjects {
        typing.send(json!({"kind": "signal", "subject": subject, "data": {"typing": true}})).await;
    }
    let [member, other] = &mut listening;
    let mut heard: Vec<Value> = vec![];
    while heard.len() < 2 {
        heard.push(member.next_of("signal").await["subject"].clone());
    }
    heard.sort_by_key(Value::to_string);
    assert_eq!(heard, subjects);
    let signal = other.next_of("signal").await;
    assert_eq!(signal["subject"], subjects[1]);
    assert_eq!(signal["data"], json!({"typing": true, "name": "Olga"}));
    assert_eq!(signal["actor"], format!("user:{olgas}"));
}

#[tokio::test]
async fn a_stopping_server_says_goodbye_and_tells_clients_to_spread() {
    let floor = Floor::open().await;
    let mut sockets = join_all((0..20).map(|_| floor.socket(None))).await;
    for socket in &mut sockets {
        socket.follow("chat.>", None).await;
    }
    let Floor { server, folder: _folder, .. } = floor;
    let stopping = tokio::spawn(server.stop());
    for socket in &mut sockets {
        let bye = socket.next_of("bye").await;
        assert_eq!(bye["code"], 4200);
        assert!(bye["spread_ms"].as_u64().unwrap() > 0);
    }
    stopping.await.unwrap().unwrap();
}

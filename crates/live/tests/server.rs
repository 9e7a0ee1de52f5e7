//! The server's half of a connection, rule by rule.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

use std::sync::Arc;

use domain::{Cursor, Epoch, Position};
use live::{
    Batch, CloseCode, Encoded, Limits, Outcome, Outgoing, ServerConfig, ServerOutput, ServerSession, Sid,
    frames::{Hello, Sub},
    server::MAIN,
    signal_frame,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const HELLO: &str = r#"{"kind":"hello","v":1,"subs":[{"sid":"a","match":"chat.>","since":"0000000000000001.5"},{"sid":"b","match":"order.>","on_gap":"resync:9"}]}"#;

fn sid(text: &str) -> Sid {
    Sid::new(text).unwrap()
}

fn session() -> ServerSession {
    let mut config = ServerConfig::new("c1", Epoch(1), Position(20), "b1");
    config.limits = Limits { frame_bytes: 4_096, subscriptions: 3, subscribes_per_s: 4, signals_per_s: 2 };
    ServerSession::new(config, 1_000)
}

fn lines(frames: &Outgoing) -> String {
    let mut text = vec![];
    frames.lines_into(&mut text);
    String::from_utf8(text).unwrap()
}

fn batch(prev: Position, pos: Position, events: Vec<Encoded>) -> Arc<Batch> {
    Arc::new(Batch::new(prev, pos, events))
}

/// What a session said, in order: frames as JSON, the rest as text.
#[derive(Debug, PartialEq)]
enum Said {
    Frame(Value),
    Other(String),
}

fn drain(session: &mut ServerSession) -> Vec<Said> {
    let mut said = vec![];
    while let Some(output) = session.poll() {
        match output {
            ServerOutput::Write(frames) => {
                let text: String = frames.iter().map(lines).collect();
                said.extend(text.lines().map(|line| Said::Frame(serde_json::from_str(line).unwrap())));
            }
            ServerOutput::Open { group, subs } => {
                let subs: Vec<String> = subs
                    .iter()
                    .map(|sub| {
                        let since = sub.since.map_or("-".into(), |cursor| cursor.to_string());
                        format!("{} {} {since} {}", sub.sid, sub.pattern, sub.on_gap)
                    })
                    .collect();
                said.push(Said::Other(format!("open {group}: {}", subs.join(", "))));
            }
            ServerOutput::Close { sid } => said.push(Said::Other(format!("close {sid}"))),
            ServerOutput::Signal { subject, data } => said.push(Said::Other(format!("{subject} {data}"))),
            ServerOutput::Disconnect { code, .. } => said.push(Said::Other(format!("disconnect {code}"))),
        }
    }
    said
}

fn frame(value: Value) -> Said {
    Said::Frame(value)
}

fn other(text: &str) -> Said {
    Said::Other(text.into())
}

/// The first frame that was refused or said goodbye with: its code.
fn code(said: &[Said]) -> Value {
    said.iter()
        .find_map(|said| match said {
            Said::Frame(frame) if frame["kind"] == "refused" || frame["kind"] == "bye" => {
                Some(frame["code"].clone())
            }
            _ => None,
        })
        .unwrap_or_else(|| panic!("nothing was refused: {said:?}"))
}

/// Welcomed, with `a` and `b` in the main group, both live at 20.
fn open() -> ServerSession {
    let mut session = session();
    session.on_text(HELLO, 1_000);
    let outcomes = vec![(sid("a"), Outcome::Live), (sid("b"), Outcome::Live)];
    session.on_opened(MAIN, outcomes, Position(20));
    drain(&mut session);
    session
}

#[test]
fn hello_is_welcomed_and_opens_the_main_group_in_one_pass() {
    let mut session = session();
    session.on_text(HELLO, 1_000);
    let said = drain(&mut session);
    let Said::Frame(welcome) = &said[0] else { panic!("{said:?}") };
    assert_eq!(welcome["kind"], "welcome");
    assert_eq!((&welcome["epoch"], &welcome["head"]), (&json!("0000000000000001"), &json!(20)));
    assert_eq!(welcome["limits"]["subscriptions"], 3);
    assert_eq!(said[1], other("open 0: a chat.> 0000000000000001.5 replay, b order.> - resync:9"));
}

#[test]
fn each_subscription_is_told_where_it_stands() {
    let mut session = session();
    session.on_text(HELLO, 1_000);
    drain(&mut session);
    session.on_opened(
        MAIN,
        vec![(sid("a"), Outcome::Replaying), (sid("b"), Outcome::Replaying)],
        Position(20),
    );
    assert_eq!(
        drain(&mut session),
        [
            frame(json!({"kind": "subbed", "sid": "a", "outcome": "replaying", "pos": 5})),
            frame(json!({"kind": "subbed", "sid": "b", "outcome": "replaying", "pos": 20})),
        ]
    );
    session.on_batch(MAIN, batch(Position(5), Position(21), vec![]));
    session.on_live(MAIN, Position(21));
    assert_eq!(
        drain(&mut session),
        [
            frame(json!({"kind": "flush", "pos": 21, "prev": 5})),
            frame(json!({"kind": "subbed", "sid": "a", "outcome": "live", "pos": 21})),
            frame(json!({"kind": "subbed", "sid": "b", "outcome": "live", "pos": 21})),
        ]
    );
}

#[test]
fn one_that_is_live_at_once_is_told_that_there_was_nothing_in_between() {
    let mut session = session();
    session.on_text(HELLO, 1_000);
    drain(&mut session);
    session.on_opened(MAIN, vec![(sid("a"), Outcome::Live), (sid("b"), Outcome::Resync)], Position(20));
    assert_eq!(
        drain(&mut session),
        [
            frame(json!({"kind": "flush", "pos": 20, "prev": 5, "sids": ["a"]})),
            frame(json!({"kind": "subbed", "sid": "a", "outcome": "live", "pos": 20})),
            frame(json!({"kind": "subbed", "sid": "b", "outcome": "resync"})),
        ]
    );
    // After a resync the name is free again.
    session.on_text(r#"{"kind":"sub","sid":"b","match":"order.>","since":"0000000000000001.20"}"#, 1_000);
    assert_eq!(drain(&mut session), [other("open 1: b order.> 0000000000000001.20 replay")]);
}

#[test]
fn a_batch_leaves_as_one_write_with_one_flush_and_shares_its_bytes() {
    let mut session = open();
    let cursor = |position| Cursor { epoch: Epoch(1), position: Position(position) };
    let events = vec![Encoded::new(cursor(22), "1"), Encoded::new(cursor(23), "2")];
    let shared = batch(Position(20), Position(23), events);
    session.on_batch(MAIN, shared.clone());
    let Some(ServerOutput::Write(frames)) = session.poll() else { panic!("it is a write") };
    assert!(session.poll().is_none(), "one write");
    let [sent] = &frames[..] else { panic!("the batch and nothing else") };
    let Outgoing::Batch(passed) = sent else { panic!("passed on as it is") };
    assert_eq!(passed.message().as_ptr(), shared.message().as_ptr(), "not written again");
    assert_eq!(
        lines(sent),
        "{\"kind\":\"event\",\"event\":1}\n{\"kind\":\"event\",\"event\":2}\n{\"kind\":\"flush\",\"pos\":23,\"prev\":20}\n"
    );
}

#[test]
fn a_later_subscription_replays_on_its_own_and_moves_nothing_else() {
    let mut session = open();
    session.on_text(r#"{"kind":"sub","sid":"c","match":">","since":"0000000000000001.2"}"#, 1_000);
    assert_eq!(drain(&mut session), [other("open 1: c > 0000000000000001.2 replay")]);
    session.on_opened(1, vec![(sid("c"), Outcome::Replaying)], Position(20));
    session.on_batch(1, batch(Position(2), Position(20), vec![]));
    session.on_live(1, Position(20));
    assert_eq!(
        drain(&mut session),
        [
            frame(json!({"kind": "subbed", "sid": "c", "outcome": "replaying", "pos": 2})),
            frame(json!({"kind": "flush", "pos": 20, "prev": 2, "sids": ["c"]})),
            frame(json!({"kind": "subbed", "sid": "c", "outcome": "live", "pos": 20})),
        ]
    );
    session.on_live(1, Position(20));
    session.on_batch(1, batch(Position(20), Position(21), vec![]));
    assert_eq!(drain(&mut session), [], "the group is no more");
}

#[test]
fn an_ended_subscription_hears_nothing_more() {
    let mut session = open();
    session.on_text(r#"{"kind":"sub","sid":"c","match":">"}"#, 1_000);
    session.on_text(r#"{"kind":"unsub","sid":"c"}"#, 1_000);
    session.on_text(r#"{"kind":"unsub","sid":"nobody"}"#, 1_000);
    assert_eq!(drain(&mut session), [other("open 1: c > - replay"), other("close c")]);
    // Its name is used again before the first reader has answered.
    session.on_text(r#"{"kind":"sub","sid":"c","match":"chat.>"}"#, 1_000);
    drain(&mut session);
    session.on_opened(1, vec![(sid("c"), Outcome::Resync)], Position(20));
    session.on_batch(1, batch(Position(1), Position(2), vec![]));
    assert_eq!(drain(&mut session), [], "that was for the first one");
    session.on_opened(2, vec![(sid("c"), Outcome::Live)], Position(20));
    assert_eq!(
        drain(&mut session),
        [frame(json!({"kind": "subbed", "sid": "c", "outcome": "live", "pos": 20}))]
    );
}

#[test]
fn what_is_wrong_with_one_subscription_harms_no_other() {
    let cases = [
        (r#"{"kind":"sub","sid":"No!","match":">"}"#, "bad_sid", None),
        (r#"{"kind":"sub","sid":"a","match":">"}"#, "duplicate_sid", Some("a")),
        (r#"{"kind":"sub","sid":"c","match":"chat..x"}"#, "bad_pattern", Some("c")),
        (r#"{"kind":"sub","sid":"c","match":">","since":"yesterday"}"#, "bad_cursor", Some("c")),
        (r#"{"kind":"sub","sid":"c","match":">","on_gap":"panic"}"#, "bad_on_gap", Some("c")),
    ];
    for (text, code, name) in cases {
        let mut session = open();
        session.on_text(text, 1_000);
        let said = drain(&mut session);
        let [Said::Frame(refused)] = &said[..] else { panic!("{said:?}") };
        assert_eq!((&refused["kind"], &refused["code"]), (&json!("refused"), &json!(code)), "{text}");
        assert_eq!(refused["sid"].as_str(), name);
        assert!(refused["why"].as_str().unwrap().ends_with('.'), "{refused}");
        assert!(!session.is_closed());
        session.on_batch(MAIN, batch(Position(20), Position(21), vec![]));
        assert_eq!(drain(&mut session).len(), 1, "the others go on");
    }
    let mut session = open();
    session.on_text(r#"{"kind":"sub","sid":"c","match":"chat..x"}"#, 1_000);
    let Said::Frame(refused) = &drain(&mut session)[0] else { panic!() };
    assert!(refused["why"].as_str().unwrap().contains("character 5"), "it says where: {refused}");
}

#[test]
fn a_mistake_in_hello_harms_only_that_subscription() {
    let mut session = session();
    let text = r#"{"kind":"hello","v":1,"subs":[{"sid":"a","match":"Chat"},{"sid":"b","match":">"},{"sid":"b","match":">"}]}"#;
    session.on_text(text, 1_000);
    let said = drain(&mut session);
    assert_eq!(code(&said), "bad_pattern");
    assert_eq!(said.last(), Some(&other("open 0: b > - replay")));
}

#[test]
fn subscriptions_are_limited() {
    let mut session = open();
    session.on_text(r#"{"kind":"sub","sid":"c","match":">"}"#, 1_000);
    session.on_text(r#"{"kind":"sub","sid":"d","match":">"}"#, 1_000);
    assert_eq!(code(&drain(&mut session)), "too_many_subscriptions");
    session.on_text(r#"{"kind":"unsub","sid":"c"}"#, 1_000);
    session.on_text(r#"{"kind":"sub","sid":"d","match":">"}"#, 1_000);
    assert_eq!(drain(&mut session), [other("close c"), other("open 2: d > - replay")]);
}

#[test]
fn how_often_a_client_subscribes_is_limited_however_soon_it_unsubscribes() {
    let mut session = open();
    let mut again = |now| {
        session.on_text(r#"{"kind":"sub","sid":"c","match":">"}"#, now);
        session.on_text(r#"{"kind":"unsub","sid":"c"}"#, now);
        drain(&mut session)
    };
    for nth in 1..=4 {
        assert_eq!(again(2_000), [other(&format!("open {nth}: c > - replay")), other("close c")]);
    }
    let refused = again(2_249);
    assert_eq!((refused.len(), code(&refused)), (1, json!("too_many_subscribes")));
    let Said::Frame(frame) = &refused[0] else { panic!("{refused:?}") };
    assert_eq!(frame["sid"], "c");
    assert_eq!(again(2_250)[0], other("open 5: c > - replay"), "a quarter of a second is worth one of four");
}

#[test]
fn what_a_page_may_hold_it_may_ask_for_at_once() {
    let mut config = ServerConfig::new("c1", Epoch(1), Position(20), "b1");
    config.limits = Limits { subscriptions: 50, subscribes_per_s: 1, ..Limits::default() };
    let mut session = ServerSession::new(config, 0);
    session.on_text(r#"{"kind":"hello","v":1}"#, 0);
    for nth in 0..51 {
        session.on_text(&format!(r#"{{"kind":"sub","sid":"s{nth}","match":">"}}"#), 0);
    }
    let said = drain(&mut session);
    assert_eq!(
        said.iter().filter(|said| matches!(said, Said::Other(text) if text.starts_with("open"))).count(),
        51
    );
    assert_eq!(code(&said), "too_many_subscribes");
}

#[test]
fn signals_are_limited_and_the_first_dropped_one_is_told() {
    let mut session = open();
    let signal = r#"{"kind":"signal","subject":"signal.typing.lobby","data":{"n": 1}}"#;
    let passed = other(r#"signal.typing.lobby {"n": 1}"#);
    for _ in 0..5 {
        session.on_text(signal, 2_000);
    }
    let said = drain(&mut session);
    assert_eq!(said[..2], [passed, other(r#"signal.typing.lobby {"n": 1}"#)]);
    assert_eq!((said.len(), code(&said)), (3, json!("too_many_signals")));
    session.on_text(signal, 2_499);
    assert_eq!(drain(&mut session), []);
    session.on_text(signal, 2_500);
    assert_eq!(drain(&mut session).len(), 1, "half a second is worth one of two a second");
    session.on_text(r#"{"kind":"signal","subject":"chat.lobby","data":1}"#, 9_000);
    assert_eq!(code(&drain(&mut session)), "bad_signal");
    session.refuse("signal_sign_in_first", "Sign in to send signals.");
    assert_eq!(code(&drain(&mut session)), "signal_sign_in_first");
}

#[test]
fn a_signal_is_handed_on_only_once_welcomed() {
    let frame = signal_frame("signal.x".parse().unwrap(), serde_json::value::to_raw_value(&1).unwrap(), None);
    let mut early = session();
    early.on_signal(frame.clone());
    assert_eq!(drain(&mut early), []);
    let mut session = open();
    session.on_signal(frame);
    assert_eq!(drain(&mut session).len(), 1);
}

#[test]
fn whoever_breaks_the_protocol_is_told_why_and_disconnected() {
    let large = format!("{{\"kind\":\"unsub\",\"sid\":\"{}\"}}", "x".repeat(5_000));
    let cases = [
        ("nonsense", CloseCode::BadFrame),
        (r#"{"kind":"shout"}"#, CloseCode::UnknownFrame),
        (large.as_str(), CloseCode::FrameTooLarge),
        (HELLO, CloseCode::HelloTwice),
    ];
    for (text, expected) in cases {
        let mut session = open();
        session.on_text(text, 1_000);
        let said = drain(&mut session);
        assert_eq!(code(&said), u16::from(expected));
        assert_eq!(said.last(), Some(&other(&format!("disconnect {}", u16::from(expected)))));
        assert!(session.is_closed());
        assert_eq!(session.next_timer(), None);
        session.on_text(HELLO, 1_000);
        session.on_batch(MAIN, batch(Position(20), Position(21), vec![]));
        session.on_live(MAIN, Position(21));
        session.on_tick(u64::MAX);
        session.drain(1, 1);
        assert_eq!(drain(&mut session), [], "nothing follows a goodbye");
    }
}

#[test]
fn nothing_comes_before_hello_and_hello_comes_in_time() {
    let mut session = session();
    session.on_text(r#"{"kind":"pong"}"#, 1_000);
    assert_eq!(code(&drain(&mut session)), u16::from(CloseCode::HelloExpected));
    let mut session = self::session();
    session.on_text(r#"{"kind":"hello","v":2,"subs":[]}"#, 1_000);
    assert_eq!(code(&drain(&mut session)), u16::from(CloseCode::Version));
    let mut session = self::session();
    assert_eq!(session.next_timer(), Some(11_000));
    session.on_tick(10_999);
    assert_eq!(drain(&mut session), []);
    session.on_tick(11_000);
    assert_eq!(code(&drain(&mut session)), u16::from(CloseCode::HelloLate));
}

#[test]
fn a_ping_is_answered_or_the_connection_is_stalled() {
    let mut session = open();
    assert_eq!(session.next_timer(), Some(26_000));
    session.on_tick(26_000);
    assert_eq!(drain(&mut session), [frame(json!({"kind": "ping"}))]);
    assert_eq!(session.next_timer(), Some(34_000));
    session.on_text(r#"{"kind":"pong"}"#, 30_000);
    assert_eq!(session.next_timer(), Some(51_000));
    session.on_tick(51_000);
    session.on_tick(59_000);
    let said = drain(&mut session);
    assert_eq!(said[0], frame(json!({"kind": "ping"})));
    assert_eq!(code(&said), u16::from(CloseCode::Stalled));
}

#[test]
fn a_drain_says_when_to_come_back() {
    let mut session = open();
    session.drain(500, 3_000);
    let said = drain(&mut session);
    let Said::Frame(bye) = &said[0] else { panic!("{said:?}") };
    assert_eq!(
        (&bye["code"], &bye["retry_ms"], &bye["spread_ms"]),
        (&json!(4200), &json!(500), &json!(3_000))
    );
    assert_eq!(said[1], other("disconnect 4200"));
}

#[test]
fn a_client_may_begin_with_nothing() {
    let mut session = session();
    session.on_text(r#"{"kind":"hello","v":1}"#, 1_000);
    assert_eq!(drain(&mut session)[1], other("open 0: "));
    session.on_opened(MAIN, vec![], Position(20));
    session.on_live(MAIN, Position(20));
    session.on_batch(MAIN, batch(Position(20), Position(21), vec![]));
    assert_eq!(drain(&mut session), [frame(json!({"kind": "flush", "pos": 21, "prev": 20}))]);
}

proptest! {
    /// Frames of every kind, sound and mutilated, in any order, and a driver that answers nonsense.
    #[test]
    fn nothing_that_comes_in_makes_the_session_panic(
        steps in prop::collection::vec((0..10_u8, 0..4_u32, any::<u64>(), ".{0,30}"), 0..40)
    ) {
        let mut session = session();
        session.on_text(HELLO, 1_000);
        for (what, group, number, text) in steps {
            let name = sid(["a", "b", "c", "d"][group as usize]);
            match what {
                0 => session.on_text(&text, number),
                1 => session.on_text(&format!(r#"{{"kind":"sub","sid":"{name}","match":">","since":"0000000000000001.{number}"}}"#), number),
                2 => session.on_text(&format!(r#"{{"kind":"unsub","sid":"{name}"}}"#), number),
                3 => session.on_opened(group, vec![(name, Outcome::Live)], Position(number)),
                4 => session.on_opened(group, vec![(name, Outcome::Replaying)], Position(number)),
                5 => session.on_batch(group, batch(Position(number), Position(number / 2), vec![])),
                6 => session.on_live(group, Position(number)),
                7 => session.on_tick(number),
                8 => session.on_text(r#"{"kind":"signal","subject":"signal.x","data":1}"#, number),
                _ => session.on_text(r#"{"kind":"pong"}"#, number),
            }
            let _ = session.next_timer();
            let said = drain(&mut session);
            prop_assert!(session.is_closed() == said.iter().any(|said| matches!(said, Said::Other(text) if text.starts_with("disconnect"))) || said.is_empty());
        }
    }
}

#[test]
fn a_client_that_cannot_speak_begins_at_once_and_owes_no_answer_to_a_ping() {
    let config = ServerConfig::new("c1", Epoch(1), Position(20), "b1");
    let sub = Sub { sid: "m0".into(), pattern: "chat.>".into(), since: None, on_gap: None };
    let mut session = ServerSession::one_way(config, Hello { v: 1, subs: vec![sub] }, 1_000);
    let said = drain(&mut session);
    assert!(matches!(&said[0], Said::Frame(frame) if frame["kind"] == "welcome"));
    assert_eq!(said[1], other("open 0: m0 chat.> - replay"));
    for ping in 1..=3 {
        assert_eq!(session.next_timer(), Some(1_000 + ping * 25_000));
        session.on_tick(1_000 + ping * 25_000);
        assert_eq!(drain(&mut session), [frame(json!({"kind": "ping"}))]);
    }
    let hello = Hello { v: 99, subs: vec![] };
    let mut session = ServerSession::one_way(ServerConfig::new("c", Epoch(1), Position(0), "b"), hello, 0);
    assert!(matches!(drain(&mut session).last(), Some(Said::Other(text)) if text == "disconnect 4003"));
}

//! The page's half, rule by rule.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

mod applying;
mod reconnecting;

use domain::{Cursor, Epoch, Pattern, Position};
use live::{ClientConfig, ClientOutput, ClientSession, CloseCode, Encoded, OnGap, Sid, Status};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What a session says that has nothing to say.
const NOTHING: [&str; 0] = [];

fn sid(text: &str) -> Sid {
    Sid::new(text).unwrap()
}

fn at(position: u64) -> Cursor {
    Cursor { epoch: Epoch(1), position: Position(position) }
}

fn event(position: u64, subject: &str) -> String {
    let json = json!({
        "specversion": "1.0", "id": "018f0000-0000-7000-8000-000000000001", "source": "/hubbub/future",
        "type": "future.happened", "subject": subject, "time": "2026-11-21T06:00:00.000Z",
        "datacontenttype": "application/json", "dataschema": "hubbub:/schemas/future.happened/1",
        "sequence": format!("{position:020}"), "partitionkey": "future-x", "streamversion": 1,
        "correlationid": "018f0000-0000-7000-8000-000000000002",
        "causationid": "018f0000-0000-7000-8000-000000000002",
        "actor": "service:future", "audience": "everyone", "data": {}
    });
    String::from_utf8(Encoded::new(at(position), &json.to_string()).line().to_vec()).unwrap()
}

fn flush(prev: u64, pos: u64) -> String {
    json!({"kind": "flush", "pos": pos, "prev": prev}).to_string()
}

fn flush_for(prev: u64, pos: u64, wire: &str) -> String {
    json!({"kind": "flush", "pos": pos, "prev": prev, "sids": [wire]}).to_string()
}

fn subbed(wire: &str, outcome: &str, pos: Option<u64>) -> String {
    json!({"kind": "subbed", "sid": wire, "outcome": outcome, "pos": pos}).to_string()
}

fn welcome(epoch: u64, build: &str) -> String {
    json!({
        "kind": "welcome", "conn": "c1", "epoch": Epoch(epoch), "head": 9, "build": build, "ping_ms": 25_000,
        "limits": {"frame_bytes": 65_536, "subscriptions": 128, "signals_per_s": 20}
    })
    .to_string()
}

/// What the session said since the last time, one short text each.
fn said(session: &mut ClientSession) -> Vec<String> {
    let mut said = vec![];
    while let Some(output) = session.poll() {
        said.push(match output {
            ClientOutput::Connect => "connect".into(),
            ClientOutput::Disconnect => "disconnect".into(),
            ClientOutput::Send(text) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                match frame["kind"].as_str().unwrap() {
                    "hello" => format!("hello {}", frame["subs"]),
                    kind => format!("{kind} {} {}", frame["sid"], frame["since"]).replace(" null", ""),
                }
            }
            ClientOutput::Apply { sid, event } => format!("{sid} applies {}", event.meta.position),
            ClientOutput::Advanced { sid, cursor } => format!("{sid} at {}", cursor.position),
            ClientOutput::Resync { sid } => format!("{sid} resyncs"),
            ClientOutput::Live { sid } => format!("{sid} is live"),
            ClientOutput::Signal { subject, data, .. } => format!("{subject} {data}"),
            ClientOutput::Refused { sid, code, .. } => format!("refused {sid:?} {code}"),
            ClientOutput::Status(Status::Reconnecting { at }) => format!("reconnecting {at}"),
            ClientOutput::Status(Status::Stopped { code, why }) => format!("stopped {code} {why}"),
            ClientOutput::Status(status) => format!("{status:?}").to_lowercase(),
            ClientOutput::NewBuild(build) => format!("build {build}"),
        });
    }
    said
}

fn new() -> ClientSession {
    ClientSession::new(ClientConfig::new(7))
}

/// Welcomed at 1,000 with one subscription to `chat.>`, `1-feed` on the wire, live at 5.
fn live() -> ClientSession {
    let mut session = new();
    session.subscribe(sid("feed"), Pattern::new("chat.>").unwrap(), Some(at(5)), OnGap::Replay);
    session.start(1_000);
    session.on_open(1_000);
    session.on_text(&welcome(1, "b1"), 1_000);
    session.on_text(&subbed("1-feed", "live", Some(5)), 1_000);
    said(&mut session);
    session
}

/// The instant of the next attempt.
fn retry(session: &ClientSession) -> u64 {
    session.next_timer().expect("it tries again")
}

proptest! {
    /// Frames of every kind, sound and mutilated, in any order, at any time.
    #[test]
    fn nothing_that_comes_in_makes_the_session_panic(
        steps in prop::collection::vec((0..16_u8, any::<u64>(), any::<u64>(), ".{0,30}"), 0..40)
    ) {
        let mut session = live();
        for (what, a, b, text) in steps {
            let wire = format!("{}-feed", a % 4);
            match what {
                0 => session.on_text(&text, a),
                1 => session.on_text(&flush(a, b), a),
                2 => session.on_text(&flush_for(a, b, &wire), b),
                3 => session.on_text(&event(a, "chat.a.x"), b),
                4 => session.on_text(&subbed(&wire, "live", Some(b)), b),
                5 => session.on_text(&subbed(&wire, "live", None), b),
                6 => session.on_text(&subbed(&wire, "resync", Some(b)), b),
                7 => session.on_text(&welcome(a % 3, "b"), b),
                8 => session.on_text(&json!({"kind": "bye", "code": a % 65_536, "why": text, "retry_ms": b, "spread_ms": a}).to_string(), b),
                9 => session.on_close(u16::try_from(a % 70_000).ok(), b),
                10 => session.on_tick(a),
                11 => session.on_open(a),
                12 => session.on_visible(a),
                13 => session.resynced(&sid("feed"), at(a)),
                14 => session.start(a),
                _ => session.on_online(a),
            }
            let _ = session.next_timer();
            said(&mut session);
        }
    }
}

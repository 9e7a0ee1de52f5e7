//! What is written is read back, and what is not a frame is refused by name.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

use domain::{Actor, Position, Recorded, Subject};
use live::{
    ClientFrame, CloseCode, Encoded, FrameError, Limits, OnGap, Outcome, ServerFrame, Sid, frames,
    signal_frame,
};
use proptest::prelude::*;
use serde_json::{Value, json, value::RawValue};

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.into()).unwrap()
}

/// An event of a type that no build has ever had.
fn envelope() -> String {
    json!({
        "specversion": "1.0", "id": "018f0000-0000-7000-8000-000000000001", "source": "/hubbub/future",
        "type": "future.happened", "subject": "future.x.happened", "time": "2026-11-21T06:00:00.000Z",
        "datacontenttype": "application/json", "dataschema": "hubbub:/schemas/future.happened/3",
        "sequence": "00000000000000000007", "partitionkey": "future-x", "streamversion": 1,
        "correlationid": "018f0000-0000-7000-8000-000000000002",
        "causationid": "018f0000-0000-7000-8000-000000000002",
        "actor": "service:future", "audience": "everyone", "data": {"n": 1.50}
    })
    .to_string()
}

#[test]
fn a_client_frame_is_read_back_as_it_was_written() {
    let written = [
        r#"{"kind":"hello","v":1,"subs":[{"sid":"a","match":"chat.>","since":"0000000000000001.7","on_gap":"resync:50"}]}"#,
        r#"{"kind":"sub","sid":"b","match":">"}"#,
        r#"{"kind":"unsub","sid":"b"}"#,
        r#"{"kind":"signal","subject":"signal.typing.lobby","data":{"n": [1, 2]}}"#,
        r#"{"kind":"pong"}"#,
    ];
    for text in written {
        assert_eq!(ClientFrame::parse(text).unwrap().encode(), text);
    }
}

#[test]
fn a_server_frame_is_read_back_as_it_was_written() {
    let written = [
        r#"{"kind":"welcome","conn":"c1","epoch":"0000000000000001","head":9,"build":"b1","ping_ms":25000,"limits":{"frame_bytes":65536,"subscriptions":128,"subscribes_per_s":20,"signals_per_s":20}}"#,
        r#"{"kind":"subbed","sid":"a","outcome":"replaying","pos":3}"#,
        r#"{"kind":"subbed","sid":"a","outcome":"resync"}"#,
        r#"{"kind":"flush","pos":9,"prev":7}"#,
        r#"{"kind":"flush","pos":9,"prev":7,"sids":["a","b"]}"#,
        r#"{"kind":"signal","subject":"signal.typing.lobby","data":1,"actor":"service:x"}"#,
        r#"{"kind":"refused","code":"bad_sid","why":"No."}"#,
        r#"{"kind":"refused","sid":"a","code":"bad_pattern","why":"No."}"#,
        r#"{"kind":"ping"}"#,
        r#"{"kind":"bye","code":4200,"why":"Back soon.","retry_ms":5,"spread_ms":900}"#,
    ];
    for text in written {
        assert_eq!(ServerFrame::parse(text).unwrap().encode(), text);
    }
}

#[test]
fn fields_that_a_newer_side_adds_are_passed_over() {
    let frame = ServerFrame::parse(r#"{"colour":"red","pos":2,"prev":1,"kind":"flush"}"#).unwrap();
    assert!(matches!(frame, ServerFrame::Flush(flush) if flush.pos == Position(2)));
    assert!(ClientFrame::parse(r#"{"kind":"hello","v":1,"lang":"de"}"#).is_ok(), "and subs may be left out");
}

fn encoded(json: &str) -> Encoded {
    Encoded::new("0000000000000001.7".parse().unwrap(), json)
}

#[test]
fn every_transport_gets_slices_of_the_same_bytes() {
    let event = encoded("{}");
    assert_eq!(event.block(), "id: 0000000000000001.7\ndata: {\"kind\":\"event\",\"event\":{}}\n\n");
    let block = event.block().as_ptr_range();
    for slice in [event.clone().block(), event.line(), event.envelope()] {
        assert!(block.contains(&slice.as_ptr()), "it is a copy: {slice:?}");
    }
}

#[test]
fn an_events_bytes_pass_through_untouched_even_if_its_type_is_unknown() {
    let envelope = envelope();
    let event = encoded(&envelope);
    let line = event.line();
    assert_eq!(line, format!("{{\"kind\":\"event\",\"event\":{envelope}}}\n"));
    assert_eq!(event.envelope(), envelope);
    let text = std::str::from_utf8(&line).unwrap();
    let ServerFrame::Event(read) = ServerFrame::parse(text.trim_end()).unwrap() else {
        panic!("it is an event")
    };
    assert_eq!(read.event.meta.position, Position(7));
    assert_eq!(read.event.meta.kind, "future.happened");
    assert_eq!(read.event.data.get(), r#"{"n":1.5}"#);
    // Written by hand, in another order and with spaces, it is the same event.
    let reordered = format!("{{ \"event\": {envelope}, \"kind\": \"event\" }}");
    assert!(matches!(ServerFrame::parse(&reordered), Ok(ServerFrame::Event(_))));
    assert_eq!(
        serde_json::from_str::<Recorded>(&envelope).unwrap().encode().parse::<Value>().unwrap(),
        envelope.parse::<Value>().unwrap()
    );
}

#[test]
fn an_event_that_cannot_be_read_is_told_apart_from_a_broken_frame() {
    let foreign = envelope().replace("everyone", "team:blue");
    for bad in [foreign.as_str(), "{}", "7"] {
        let line = encoded(bad).line();
        let error = ServerFrame::parse(std::str::from_utf8(&line).unwrap().trim_end()).unwrap_err();
        assert_eq!(error.code(), "bad_event", "{error}");
    }
    let cut = r#"{"kind":"event","event":{"specversion":"1.0""#;
    assert_eq!(ServerFrame::parse(cut).unwrap_err().code(), "bad_frame");
}

#[test]
fn what_is_not_a_frame_is_refused_by_name() {
    let cases = [
        ("", "bad_frame"),
        ("hello", "bad_frame"),
        ("[]", "bad_frame"),
        (r#"["pong"]"#, "bad_frame"),
        ("null", "bad_frame"),
        (r#"{"v":1}"#, "bad_frame"),
        (r#"{"kind":7}"#, "bad_frame"),
        (r#"{"kind":"pong"} x"#, "bad_frame"),
        (r#"{"kind":"pong","kind":"pong"}"#, "bad_frame"),
        (r#"{"kind":"hello"}"#, "bad_frame"),
        (r#"{"kind":"hello","v":1,"subs":[7]}"#, "bad_frame"),
        (r#"{"kind":"sub","sid":"a"}"#, "bad_frame"),
        (r#"{"kind":"signal","subject":"signal.*","data":1}"#, "bad_frame"),
        (r#"{"kind":"shout"}"#, "unknown_frame"),
        (r#"{"kind":"welcome"}"#, "unknown_frame"),
    ];
    for (text, code) in cases {
        assert_eq!(ClientFrame::parse(text).unwrap_err().code(), code, "{text}");
    }
    assert_eq!(FrameError::UnknownKind(String::new()).close(), CloseCode::UnknownFrame);
    assert_eq!(FrameError::TooLarge { bytes: 2, most: 1 }.close(), CloseCode::FrameTooLarge);
    let long = format!("{{\"kind\":\"{}\"}}", "x".repeat(5_000));
    assert!(ClientFrame::parse(&long).unwrap_err().to_string().len() < 300, "an error echoes no long input");
}

#[test]
fn a_signal_is_stamped_with_who_sent_it() {
    let subject = Subject::new("signal.typing.lobby").unwrap();
    let frame = signal_frame(subject, raw("true"), Some(Actor::Service("clock".into())));
    assert_eq!(
        frame,
        r#"{"kind":"signal","subject":"signal.typing.lobby","data":true,"actor":"service:clock"}"#
    );
}

#[test]
fn a_text_message_holds_several_frames() {
    let frames: Vec<&str> = frames::split("{\"a\":1}\n\n{\"b\":2}\n \r\n").collect();
    assert_eq!(frames, ["{\"a\":1}", "{\"b\":2}"]);
}

#[test]
fn the_limits_are_those_that_are_published() {
    let Limits { frame_bytes, subscriptions, .. } = Limits::default();
    assert_eq!((frame_bytes, subscriptions), (64 * 1024, 128));
    assert_eq!(OnGap::default(), OnGap::Replay);
    assert_eq!(serde_json::to_string(&Outcome::Replaying).unwrap(), "\"replaying\"");
    assert_eq!(Sid::new("a").unwrap().to_string(), "a");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}") {
        let _ = ClientFrame::parse(&text);
        let _ = ServerFrame::parse(&text);
    }
}

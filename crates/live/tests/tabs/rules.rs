//! The rules between tabs and about their line, one by one.

use domain::{Cursor, Epoch, Pattern, Position};
use live::{
    ClientConfig, ClientOutput, Limits, OnGap, ServerFrame, Sid, Status, Tab, TabConfig, TabOutput, Wire,
    frames::Welcome,
};
use serde_json::value::RawValue;

fn config(id: &str, shared: bool) -> TabConfig {
    TabConfig {
        id: Sid::new(id).unwrap(),
        client: ClientConfig::new(7),
        shared,
        visible: true,
        wish: None,
        worked: None,
    }
}

/// A tab with one subscription, from position 5.
fn tab(config: TabConfig) -> Tab {
    let mut tab = Tab::new(config);
    subscribe(&mut tab, "feed");
    tab
}

fn subscribe(tab: &mut Tab, sid: &str) {
    let (sid, pattern) = (Sid::new(sid).unwrap(), Pattern::new("chat.>").unwrap());
    let since = Cursor { epoch: Epoch(1), position: Position(5) };
    tab.session().subscribe(sid, pattern, Some(since), OnGap::Replay);
}

fn welcome() -> String {
    let welcome = Welcome {
        conn: "c1".into(),
        epoch: Epoch(1),
        head: Position(9),
        build: "b1".into(),
        ping_ms: 25_000,
        limits: Limits { subscriptions: 8, ..Limits::default() },
    };
    String::from_utf8(ServerFrame::Welcome(welcome).encode().to_vec()).unwrap()
}

/// What a tab said since the last time, one short text each; and its notes.
fn said(tab: &mut Tab, now: u64) -> (Vec<String>, Vec<String>) {
    let (mut said, mut notes) = (vec![], vec![]);
    while let Some(output) = tab.poll(now) {
        match output {
            TabOutput::Post(note) => notes.push(note),
            TabOutput::Open(wire, hello) => {
                let subs = hello.matches("\"sid\"").count();
                said.push(format!("open {wire:?} {subs}"));
            }
            TabOutput::Write(text) => said.push(format!("write {}", frame(&text))),
            TabOutput::Signal(text) => said.push(format!("post {}", frame(&text))),
            TabOutput::Page(ClientOutput::Status(Status::Live)) => said.push("live".into()),
            TabOutput::Page(_) => {}
            other => said.push(format!("{other:?}").to_lowercase()),
        }
    }
    (said, notes)
}

/// The kind of a frame, and what it speaks of.
fn frame(text: &str) -> String {
    let frame: serde_json::Value = serde_json::from_str(text).unwrap();
    let sid = frame["sid"].as_str().unwrap_or_default();
    format!("{} {sid}", frame["kind"].as_str().unwrap()).trim().to_owned()
}

/// Hands the notes of one tab to another, and back, until both are silent. Returns what both said.
fn talk(one: &mut Tab, other: &mut Tab, now: u64) -> (Vec<String>, Vec<String>) {
    let (mut first, mut second) = (vec![], vec![]);
    loop {
        let (spoken, notes) = said(one, now);
        first.extend(spoken);
        let silent = notes.is_empty();
        notes.iter().for_each(|note| other.on_note(note, now));
        let (spoken, answers) = said(other, now);
        second.extend(spoken);
        answers.iter().for_each(|note| one.on_note(note, now));
        if silent && answers.is_empty() {
            return (first, second);
        }
    }
}

/// Welcomed over what it opens.
fn welcomed(tab: &mut Tab, now: u64) {
    said(tab, now);
    tab.on_wire_open(now);
    tab.on_wire_text(&welcome(), now);
}

/// A leader whose WebSocket is welcomed, and a tab that follows it.
fn two() -> (Tab, Tab) {
    let (mut leader, mut follower) = (tab(config("a", true)), tab(config("b", true)));
    leader.start(1_000);
    leader.on_lead(false, 1_000);
    welcomed(&mut leader, 1_000);
    follower.start(1_000);
    talk(&mut follower, &mut leader, 1_000);
    talk(&mut leader, &mut follower, 1_000);
    (leader, follower)
}

#[test]
fn who_is_alone_has_a_line_and_talks_to_nobody() {
    let mut alone = tab(config("a", false));
    alone.start(1_000);
    assert_eq!(said(&mut alone, 1_000), (vec!["open WebSocket 0".into()], vec![]));
    welcomed(&mut alone, 1_000);
    assert_eq!(
        said(&mut alone, 1_000),
        (vec!["via(websocket)".into(), "write hello".into(), "live".into()], vec![])
    );
}

#[test]
fn after_two_refusals_server_sent_events_are_opened_with_everything_that_is_wanted() {
    let mut alone = tab(config("a", false));
    subscribe(&mut alone, "list");
    let mut now = 1_000;
    alone.start(now);
    let mut opened = vec![];
    for _ in 0..3 {
        while !opened.last().is_some_and(|said: &String| said.starts_with("open")) {
            opened.extend(said(&mut alone, now).0);
            now = now.max(alone.next_timer().unwrap());
            alone.on_tick(now);
        }
        if opened.last().unwrap() != "open EventSource 2" {
            alone.on_wire_close(Some(1006), now);
            opened.push("refused".into());
        }
    }
    assert_eq!(opened, ["open WebSocket 0", "refused", "open WebSocket 0", "refused", "open EventSource 2"]);
    alone.on_wire_text(&welcome(), now);
    assert_eq!(said(&mut alone, now).0, ["via(eventsource)", "live"]);
}

#[test]
fn over_server_sent_events_signals_are_posted_and_more_to_hear_means_a_new_line() {
    let mut alone = tab(TabConfig { worked: Some(Wire::EventSource), ..config("a", false) });
    alone.start(1_000);
    said(&mut alone, 1_000);
    alone.on_tick(1_000);
    alone.on_wire_text(&welcome(), 1_000);
    said(&mut alone, 1_000);
    alone.on_wire_text("{\"kind\":\"ping\"}", 1_000);
    let data = RawValue::from_string("{}".into()).unwrap();
    alone.session().signal("signal.typing.a".parse().unwrap(), data);
    assert_eq!(said(&mut alone, 1_000).0, ["post signal"], "nobody waits for a pong");
    subscribe(&mut alone, "list");
    subscribe(&mut alone, "more");
    assert_eq!(said(&mut alone, 1_000).0, Vec::<String>::new(), "they are collected");
    alone.on_tick(1_050);
    assert_eq!(said(&mut alone, 1_050).0, ["close"]);
    alone.on_tick(1_050);
    assert_eq!(said(&mut alone, 1_050).0, ["open EventSource 3"]);
}

#[test]
fn who_joins_later_says_what_it_wants_on_the_line_that_is_there() {
    let (mut leader, mut follower) = two();
    subscribe(&mut follower, "list");
    let (_, written) = talk(&mut follower, &mut leader, 1_100);
    assert_eq!(written, ["write sub b-2-list"]);
    leader.on_wire_text("{\"kind\":\"ping\"}", 1_100);
    let (written, unsaid) = talk(&mut leader, &mut follower, 1_100);
    assert_eq!((written, unsaid), (vec!["write pong".into()], vec![]), "one answer is enough");
}

#[test]
fn what_a_tab_wanted_is_not_wanted_once_it_is_gone() {
    let (mut leader, _) = two();
    leader.on_tab_gone(&Sid::new("b").unwrap());
    assert_eq!(said(&mut leader, 1_100).0, ["write unsub b-1-feed"]);
}

#[test]
fn a_line_that_is_full_sends_a_tab_to_make_its_own() {
    let (mut leader, mut follower) = two();
    for sid in ["c", "d", "e", "f", "g"] {
        subscribe(&mut follower, sid);
    }
    talk(&mut follower, &mut leader, 1_100);
    let mut third = tab(config("c", true));
    third.start(1_200);
    let (spoken, _) = talk(&mut third, &mut leader, 1_200);
    assert_eq!(spoken, ["elect", "open WebSocket 0"]);
}

#[test]
fn a_leader_that_does_not_answer_is_replaced_after_the_second_question() {
    let (_, mut follower) = two();
    let mut spoken = vec![];
    let mut now = 1_000;
    while !spoken.contains(&"steal".to_owned()) {
        now = follower.next_timer().unwrap();
        follower.on_tick(now);
        let (said, notes) = said(&mut follower, now);
        spoken.extend(said);
        spoken.extend(notes.iter().map(|note| note.split(' ').next().unwrap().to_owned()));
    }
    assert_eq!(spoken, ["ask", "ask", "steal"]);
    assert_eq!(now, 4_000);
    follower.on_lead(true, now);
    let (spoken, notes) = said(&mut follower, now);
    assert_eq!(spoken, ["open WebSocket 0"]);
    assert!(notes[0].starts_with("renew b *"), "{notes:?}");
}

#[test]
fn a_leader_that_cannot_be_seen_gives_way_to_a_tab_that_can() {
    let (mut leader, mut follower) = two();
    follower.on_tick(2_000);
    assert_eq!(talk(&mut follower, &mut leader, 2_000).0, Vec::<String>::new(), "both can be seen");
    leader.set_visible(false, 3_000);
    follower.on_tick(5_000);
    assert_eq!(talk(&mut follower, &mut leader, 5_000).0, ["steal"]);
    follower.on_lead(true, 5_000);
    leader.on_lead_lost(5_000);
    let (opened, left) = talk(&mut follower, &mut leader, 5_000);
    assert_eq!(
        (opened, left),
        (vec!["open WebSocket 0".into(), "watch(sid(a))".into()], vec!["close".into(), "elect".into()])
    );
    follower.set_visible(false, 6_000);
    leader.set_visible(false, 6_000);
    leader.on_tick(60_000);
    assert_eq!(said(&mut leader, 60_000).1, Vec::<String>::new(), "who cannot be seen asks nobody");
}

#[test]
fn what_a_leader_of_yesterday_says_is_not_heard() {
    let (mut old, mut follower) = two();
    let (mut new, _) = two();
    new.on_lead_lost(1_000);
    said(&mut new, 1_000);
    let mut new = tab(config("c", true));
    new.start(9_000);
    new.on_lead(true, 9_000);
    welcomed(&mut new, 9_000);
    talk(&mut new, &mut follower, 9_000);
    talk(&mut follower, &mut new, 9_000);
    assert_eq!(talk(&mut follower, &mut new, 9_000), (vec![], vec![]));
    old.on_wire_close(Some(1006), 9_100);
    let (_, notes) = said(&mut old, 9_100);
    assert!(!notes.is_empty());
    notes.iter().for_each(|note| follower.on_note(note, 9_100));
    assert_eq!(said(&mut follower, 9_100), (vec![], vec![]), "it stays on the new line");
}

#[test]
fn a_line_from_before_the_machine_slept_is_not_trusted() {
    let mut alone = tab(config("a", false));
    alone.start(1_000);
    welcomed(&mut alone, 1_000);
    said(&mut alone, 1_000);
    alone.on_tick(2_000);
    alone.on_tick(5_500);
    assert_eq!(said(&mut alone, 5_500).0, Vec::<String>::new(), "a little late is not asleep");
    alone.on_tick(21_000);
    assert_eq!(said(&mut alone, 21_000).0, ["close", "open WebSocket 0"]);
}

#[test]
fn who_was_signed_out_goes_on_when_the_same_person_is_signed_in_again() {
    let (mut leader, mut follower) = two();
    leader.on_wire_text(r#"{"kind":"bye","code":4010,"why":"You have signed out."}"#, 2_000);
    let (spoken, _) = talk(&mut leader, &mut follower, 2_000);
    assert_eq!(spoken, ["close", "yield"], "whoever comes next may have the lead");
    assert!(leader.session().is_off() && follower.session().is_off());
    follower.on_lead(false, 2_000);
    assert_eq!(said(&mut follower, 2_000).0, ["yield"], "nor does one that is off take it");
    let mut back = tab(config("c", true));
    back.start(3_000);
    back.on_lead(false, 3_000);
    welcomed(&mut back, 3_000);
    talk(&mut back, &mut follower, 3_000);
    talk(&mut follower, &mut back, 3_000);
    assert!(follower.session().is_up());
}

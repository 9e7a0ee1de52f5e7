//! What is asked for, what is applied, and what a gap leads to.

use super::*;

#[test]
fn it_connects_says_hello_with_every_cursor_and_is_live_when_welcomed() {
    let mut session = new();
    session.subscribe(sid("feed"), Pattern::new("chat.>").unwrap(), Some(at(5)), OnGap::Resync(50));
    assert_eq!(said(&mut session), NOTHING, "nothing is said before there is anybody to hear it");
    session.start(1_000);
    assert_eq!(said(&mut session), ["connecting", "connect"]);
    session.on_open(1_100);
    assert_eq!(
        said(&mut session),
        [r#"hello [{"match":"chat.>","on_gap":"resync:50","sid":"1-feed","since":"0000000000000001.5"}]"#]
    );
    session.on_text(&welcome(1, "b1"), 1_200);
    session.on_text(&subbed("1-feed", "live", Some(5)), 1_200);
    assert_eq!(said(&mut session), ["live", "feed is live"]);
}

#[test]
fn events_wait_for_their_flush_and_are_applied_once_to_whoever_asked() {
    let mut session = live();
    session.on_text(&[event(6, "chat.a.x"), event(7, "order.b.x")].join("\n"), 1_000);
    assert_eq!(said(&mut session), NOTHING);
    session.on_text(&[event(8, "chat.a.x"), flush(5, 8)].join("\n"), 1_000);
    assert_eq!(said(&mut session), ["feed applies 6", "feed applies 8", "feed at 8"]);
    session
        .on_text(&[event(8, "chat.a.x"), flush(5, 8), event(9, "chat.a.x"), flush(2, 9)].join("\n"), 1_000);
    assert_eq!(said(&mut session), ["feed applies 9", "feed at 9"], "what was seen is not seen again");
    assert_eq!(session.cursor(&sid("feed")), Some(at(9)));
}

#[test]
fn one_event_is_shared_by_all_who_asked() {
    let mut session = live();
    session.subscribe(sid("list"), Pattern::new(">").unwrap(), Some(at(5)), OnGap::Replay);
    session.on_text(&subbed("2-list", "live", Some(5)), 1_000);
    said(&mut session);
    session.on_text(&[event(6, "chat.a.x"), flush(5, 6)].join("\n"), 1_000);
    let mut shared = vec![];
    while let Some(output) = session.poll() {
        if let ClientOutput::Apply { event, .. } = output {
            shared.push(event);
        }
    }
    assert_eq!(shared.len(), 2);
    assert!(std::sync::Arc::ptr_eq(&shared[0], &shared[1]));
}

#[test]
fn a_later_subscription_moves_only_by_its_own_flushes_until_it_is_live() {
    let mut session = live();
    session.subscribe(sid("list"), Pattern::new(">").unwrap(), Some(at(2)), OnGap::Replay);
    assert_eq!(said(&mut session), [r#"sub "2-list" "0000000000000001.2""#]);
    session.on_text(&subbed("2-list", "replaying", Some(2)), 1_000);
    session.on_text(&[event(6, "chat.a.x"), flush(5, 6)].join("\n"), 1_000);
    assert_eq!(said(&mut session), ["feed applies 6", "feed at 6"]);
    session
        .on_text(&[event(3, "order.a.x"), event(6, "chat.a.x"), flush_for(2, 6, "2-list")].join("\n"), 1_000);
    assert_eq!(said(&mut session), ["list applies 3", "list applies 6", "list at 6"]);
    session.on_text(&subbed("2-list", "live", Some(6)), 1_000);
    session.on_text(&[event(7, "order.a.x"), flush(5, 7)].join("\n"), 1_000);
    assert_eq!(said(&mut session), ["list is live", "feed at 7", "list applies 7", "list at 7"]);
}

#[test]
fn without_a_cursor_it_begins_where_the_server_says() {
    let mut session = live();
    session.subscribe(sid("tail"), Pattern::new(">").unwrap(), None, OnGap::Replay);
    assert_eq!(said(&mut session), [r#"sub "2-tail""#]);
    session.on_text(&subbed("2-tail", "live", Some(9)), 1_000);
    assert_eq!(said(&mut session), ["tail at 9", "tail is live"]);
    session.on_text(&[event(9, "a.b"), event(10, "a.b"), flush(5, 10)].join("\n"), 1_000);
    assert_eq!(said(&mut session), ["feed at 10", "tail applies 10", "tail at 10"]);
}

#[test]
fn the_first_gap_resumes_from_the_cursor_the_second_fetches_and_the_third_takes_time() {
    let mut session = live();
    session.on_text(&[event(8, "chat.a.x"), flush(7, 8)].join("\n"), 1_000);
    assert_eq!(said(&mut session), [r#"unsub "1-feed""#, r#"sub "2-feed" "0000000000000001.5""#]);
    session.on_text(&flush_for(6, 8, "2-feed"), 1_000);
    assert_eq!(said(&mut session), [r#"unsub "2-feed""#, "feed resyncs"]);
    session.resynced(&sid("feed"), at(8));
    assert_eq!(said(&mut session), [r#"sub "3-feed" "0000000000000001.8""#]);
    session.on_text(&flush_for(9, 10, "3-feed"), 1_000);
    let third = said(&mut session);
    assert_eq!(third[0], "disconnect");
    assert!(third[1].starts_with("reconnecting"), "{third:?}");
    assert_eq!(session.cursor(&sid("feed")), Some(at(8)), "nothing was applied over the gap");
}

#[test]
fn a_gap_that_was_mended_counts_no_more() {
    let mut session = live();
    for round in [2, 3, 4] {
        session.on_text(&flush(7, 8), 1_000);
        let wire = format!("{round}-feed");
        assert_eq!(
            said(&mut session)[1],
            format!("sub \"{wire}\" \"0000000000000001.5\""),
            "resumed, every time"
        );
        session.on_text(&subbed(&wire, "live", Some(5)), 1_000);
        session.on_text(&flush(5, 5), 1_000);
        assert_eq!(said(&mut session), ["feed is live"]);
    }
}

#[test]
fn being_live_further_on_than_was_flushed_is_a_gap() {
    let mut session = live();
    session.subscribe(sid("list"), Pattern::new(">").unwrap(), Some(at(2)), OnGap::Replay);
    said(&mut session);
    session.on_text(&subbed("2-list", "live", Some(6)), 1_000);
    assert_eq!(said(&mut session), [r#"unsub "2-list""#, r#"sub "3-list" "0000000000000001.2""#]);
}

#[test]
fn what_was_meant_for_an_earlier_attempt_is_not_taken_for_the_present_one() {
    let mut session = live();
    session.subscribe(sid("feed"), Pattern::new("order.>").unwrap(), Some(at(1)), OnGap::Replay);
    assert_eq!(said(&mut session), [r#"unsub "1-feed""#, r#"sub "2-feed" "0000000000000001.1""#]);
    session.on_text(&[event(6, "order.a.x"), flush(5, 6)].join("\n"), 1_000);
    session.on_text(&subbed("1-feed", "live", Some(6)), 1_000);
    session.on_text(&subbed("1-feed", "resync", None), 1_000);
    session.on_text(r#"{"kind":"refused","sid":"1-feed","code":"x","why":"X."}"#, 1_000);
    assert_eq!(said(&mut session), NOTHING);
    assert_eq!(session.cursor(&sid("feed")), Some(at(1)));
}

#[test]
fn a_resync_is_asked_for_once_and_goes_on_from_the_fresh_view() {
    let mut session = live();
    session.resynced(&sid("feed"), at(100));
    assert_eq!(said(&mut session), NOTHING, "nobody asked");
    session.on_text(&subbed("1-feed", "resync", None), 1_000);
    session.on_text(&subbed("1-feed", "resync", None), 1_000);
    assert_eq!(said(&mut session), ["feed resyncs"]);
    session.on_close(None, 1_000);
    said(&mut session);
    session.on_visible(1_000);
    session.on_open(1_000);
    assert_eq!(said(&mut session)[2..], ["hello []"], "there is nothing to ask for meanwhile");
    session.resynced(&sid("feed"), at(8));
    assert_eq!(said(&mut session), [r#"sub "2-feed" "0000000000000001.8""#]);
}

#[test]
fn another_epoch_means_a_fresh_view_for_every_cursor_of_the_old_one() {
    let mut session = live();
    session.on_close(None, 1_000);
    session.on_visible(1_000);
    session.on_open(1_000);
    said(&mut session);
    session.on_text(&welcome(2, "b1"), 1_000);
    assert_eq!(said(&mut session), ["live", r#"unsub "2-feed""#, "feed resyncs"]);
    session.on_text(&[subbed("2-feed", "resync", None), flush(5, 9)].join("\n"), 1_000);
    assert_eq!(said(&mut session), NOTHING, "once is enough");
}

#[test]
fn a_line_that_breaks_mid_batch_leaves_nothing_behind() {
    let mut session = live();
    session.on_text(&event(6, "chat.a.x"), 1_000);
    session.on_close(None, 1_000);
    session.on_visible(1_000);
    session.on_open(1_000);
    session.on_text(&welcome(1, "b1"), 1_000);
    said(&mut session);
    session.on_text(&[event(6, "chat.a.x"), flush(5, 6)].join("\n"), 1_000);
    assert_eq!(said(&mut session), ["feed applies 6", "feed at 6"]);
}

#[test]
fn a_refused_subscription_is_gone_and_the_others_are_not() {
    let mut session = live();
    session.on_text(r#"{"kind":"refused","sid":"1-feed","code":"bad_pattern","why":"No."}"#, 1_000);
    session.on_text(r#"{"kind":"refused","code":"too_many_signals","why":"Slowly."}"#, 1_000);
    assert_eq!(said(&mut session), ["refused Some(Sid(feed)) bad_pattern", "refused None too_many_signals"]);
    assert_eq!(session.cursor(&sid("feed")), None);
}

#[test]
fn what_came_too_soon_is_asked_for_again_later_and_later() {
    let mut session = live();
    let mut now = 1_000;
    for (attempt, wait) in [(1, 1_000), (2, 2_000), (3, 4_000)] {
        let refused = format!(
            r#"{{"kind":"refused","sid":"{attempt}-feed","code":"too_many_subscribes","why":"Later."}}"#
        );
        session.on_text(&refused, now);
        // For whoever shares the line with others.
        let unsub = said(&mut session);
        assert!(unsub.len() == 1 && unsub[0].contains("unsub"), "{unsub:?}");
        assert_eq!(session.next_timer(), Some(now + wait));
        session.on_tick(now + wait - 1);
        assert_eq!(said(&mut session), NOTHING);
        now += wait;
        session.on_tick(now);
        let sub = said(&mut session);
        assert!(sub.len() == 1 && sub[0].contains(&format!("{}-feed", attempt + 1)), "{sub:?}");
    }
    assert_eq!(session.cursor(&sid("feed")), Some(at(5)), "it goes on where it was");
}

#[test]
fn what_there_was_no_room_for_is_asked_for_again_when_there_is() {
    let mut session = live();
    session.subscribe(sid("card"), Pattern::new("order.>").unwrap(), None, OnGap::Replay);
    said(&mut session);
    session
        .on_text(r#"{"kind":"refused","sid":"2-card","code":"too_many_subscriptions","why":"Full."}"#, 1_000);
    assert_eq!(said(&mut session).len(), 1, "it is taken back");
    session.on_tick(20_000);
    assert!(!said(&mut session).iter().any(|text| text.contains("card")), "not by itself");
    session.unsubscribe(&sid("feed"));
    assert!(said(&mut session).iter().any(|text| text.contains("3-card")));
}

#[test]
fn what_a_newer_server_says_does_not_stop_an_older_page() {
    let mut session = live();
    session.on_text(r#"{"kind":"confetti"}"#, 1_000);
    assert_eq!(said(&mut session), NOTHING);
    let foreign = event(6, "chat.a.x").replace("everyone", "team:blue");
    session.on_text(&[foreign, event(7, "chat.a.x"), flush(5, 7)].join("\n"), 1_000);
    assert_eq!(said(&mut session), ["refused None bad_event", "feed applies 7", "feed at 7"]);
}

#[test]
fn a_new_build_is_told_once() {
    let mut session = live();
    for (build, expected) in [("b1", None), ("b2", Some("build b2")), ("b2", None), ("b3", None)] {
        session.on_close(None, 1_000);
        session.on_visible(1_000);
        session.on_open(1_000);
        session.on_text(&welcome(1, build), 1_000);
        let told = said(&mut session).into_iter().find(|said| said.starts_with("build"));
        assert_eq!(told.as_deref(), expected);
    }
}

#[test]
fn signals_go_both_ways_while_connected() {
    let mut session = live();
    session.signal("signal.typing.a".parse().unwrap(), serde_json::value::to_raw_value(&1).unwrap());
    session.on_text(r#"{"kind":"signal","subject":"signal.typing.b","data":2}"#, 1_000);
    session.on_text(r#"{"kind":"ping"}"#, 1_000);
    assert_eq!(said(&mut session), ["signal", "signal.typing.b 2", "pong"]);
    session.on_close(None, 1_000);
    said(&mut session);
    session.signal("signal.typing.a".parse().unwrap(), serde_json::value::to_raw_value(&1).unwrap());
    assert_eq!(said(&mut session), NOTHING);
}

/// A page that shares a line: its names begin with `k3x`.
fn sharing() -> ClientSession {
    let mut session = ClientSession::new(ClientConfig { prefix: "k3x".into(), ..ClientConfig::new(7) });
    session.subscribe(sid("feed"), Pattern::new("chat.>").unwrap(), Some(at(5)), OnGap::Replay);
    session.start(1_000);
    said(&mut session);
    session
}

#[test]
fn on_a_line_that_is_welcomed_already_everything_is_a_later_subscription() {
    let mut session = sharing();
    session.on_joined(&welcome(1, "b1"), 1_000);
    assert_eq!(said(&mut session), ["live", r#"sub "k3x-1-feed" "0000000000000001.5""#]);
    session.on_text(&[event(9, "chat.a.x"), flush(8, 9)].join("\n"), 1_000);
    assert_eq!(said(&mut session), NOTHING, "the main group is not its own yet");
    session.on_text(&subbed("k3x-1-feed", "replaying", Some(5)), 1_000);
    session.on_text(&[event(7, "chat.a.x"), flush_for(5, 9, "k3x-1-feed")].join("\n"), 1_000);
    session.on_text(&subbed("k3x-1-feed", "live", Some(9)), 1_000);
    session.on_text(&[event(10, "chat.a.x"), flush(9, 10)].join("\n"), 1_000);
    assert_eq!(
        said(&mut session),
        ["feed applies 7", "feed at 9", "feed is live", "feed applies 10", "feed at 10"]
    );
    session.on_joined(&welcome(1, "b1"), 1_000);
    assert_eq!(said(&mut session), NOTHING, "it is joined once");
}

#[test]
fn what_is_for_another_page_on_the_same_line_is_not_taken() {
    let mut session = sharing();
    session.on_joined(&welcome(1, "b1"), 1_000);
    session.on_text(&subbed("k3x-1-feed", "live", Some(5)), 1_000);
    said(&mut session);
    session.on_text(&subbed("zzz-1-feed", "live", Some(2)), 1_000);
    session.on_text(&[event(3, "chat.a.x"), flush_for(2, 6, "zzz-1-feed")].join("\n"), 1_000);
    session.on_text(r#"{"kind":"refused","sid":"zzz-1-feed","code":"bad_pattern","why":"No."}"#, 1_000);
    assert_eq!(said(&mut session), NOTHING);
}

#[test]
fn a_line_of_another_epoch_is_joined_with_fresh_views() {
    let mut session = sharing();
    session.on_joined(&welcome(2, "b1"), 1_000);
    assert_eq!(said(&mut session), ["live", "feed resyncs"]);
    session.resynced(&sid("feed"), Cursor { epoch: Epoch(2), position: Position(3) });
    assert_eq!(said(&mut session), [r#"sub "k3x-1-feed" "0000000000000002.3""#]);
}

//! When a page gives a connection up, and when it comes back.

use super::*;

#[test]
fn a_silent_line_is_given_up() {
    let mut session = live();
    assert_eq!(session.next_timer(), Some(34_000));
    session.on_text(r#"{"kind":"ping"}"#, 26_000);
    assert_eq!(session.next_timer(), Some(59_000));
    session.on_tick(58_999);
    assert_eq!(said(&mut session), ["pong"]);
    session.on_tick(59_000);
    assert_eq!(said(&mut session)[0], "disconnect");
    assert!(retry(&session) <= 59_250, "it held for a while, so the wait is short");
}

#[test]
fn a_socket_that_never_opens_is_given_up() {
    let mut session = new();
    session.start(1_000);
    said(&mut session);
    session.on_tick(11_000);
    assert_eq!(said(&mut session)[0], "disconnect");
    session.on_tick(retry(&session));
    session.on_open(12_000);
    said(&mut session);
    session.on_tick(22_000);
    assert_eq!(said(&mut session)[0], "disconnect", "nor is one that is never welcomed waited for");
}

#[test]
fn failures_wait_longer_and_longer_until_one_connection_holds() {
    let longest = |failures: u32, hold_ms: u64| {
        let wait = |seed| {
            let mut session = ClientSession::new(ClientConfig::new(seed));
            let mut now = 0;
            session.start(now);
            for _ in 1..failures {
                session.on_close(None, now);
                now = retry(&session);
                session.on_tick(now);
            }
            session.on_open(now);
            session.on_text(&welcome(1, "b1"), now);
            now += hold_ms;
            session.on_close(None, now);
            retry(&session) - now
        };
        (0..200).map(wait).max().unwrap()
    };
    assert!((200..=250).contains(&longest(1, 0)));
    assert!((3_000..=4_000).contains(&longest(5, 0)), "a welcome alone is no success");
    assert!((25_000..=30_000).contains(&longest(20, 0)), "there is a cap");
    assert!((200..=250).contains(&longest(20, 5_000)), "a connection that held is");
}

#[test]
fn the_close_code_decides_what_happens_next() {
    let mut session = live();
    session.on_text(r#"{"kind":"bye","code":4010,"why":"You have signed out."}"#, 1_000);
    assert_eq!(said(&mut session), ["disconnect", "stopped 4010 You have signed out."]);
    assert_eq!(session.next_timer(), None);
    session.on_online(1_000);
    session.on_visible(1_000);
    session.on_close(Some(4010), 1_000);
    assert_eq!(said(&mut session), NOTHING);
    session.start(2_000);
    assert_eq!(said(&mut session), ["connecting", "connect"], "until somebody signs in again");

    let mut session = live();
    session.on_close(Some(CloseCode::Unauthorised.into()), 1_000);
    assert!(said(&mut session)[0].starts_with("stopped 4010"), "also without a goodbye");

    let mut session = live();
    session.on_text(r#"{"kind":"bye","code":4100,"why":"Busy.","retry_ms":9000,"spread_ms":0}"#, 10_000);
    assert!((19_000..=19_250).contains(&retry(&session)));
    session.on_visible(10_000);
    assert_eq!(retry(&session), 19_000, "not earlier than it was told, however impatient");
}

#[test]
fn after_a_drain_pages_come_back_spread() {
    let waits: Vec<u64> = (0..300)
        .map(|seed| {
            let mut session = ClientSession::new(ClientConfig::new(seed));
            session.start(0);
            session.on_open(0);
            session.on_text(&welcome(1, "b1"), 0);
            session.on_text(
                r#"{"kind":"bye","code":4200,"why":"Bye.","retry_ms":500,"spread_ms":3000}"#,
                60_000,
            );
            retry(&session) - 60_500
        })
        .collect();
    assert!(waits.iter().all(|wait| *wait <= 3_000));
    for tenth in 0..10 {
        let share = waits.iter().filter(|wait| **wait / 301 == tenth).count();
        assert!((10..60).contains(&share), "{share} of 300 in one tenth of the time");
    }
}

#[test]
fn a_server_that_sends_everybody_away_at_once_is_not_stormed() {
    let mut session = new();
    let mut now = 0;
    session.start(now);
    for _ in 0..30 {
        session.on_open(now);
        session.on_text(r#"{"kind":"bye","code":4201,"why":"Bye."}"#, now);
        now = retry(&session);
        session.on_tick(now);
    }
    assert!(now > 60_000, "30 attempts within {now} ms");
}

#[test]
fn the_devices_network_is_a_hint() {
    let mut session = live();
    session.on_offline();
    assert_eq!(said(&mut session), ["offline"]);
    session.on_text(&flush(5, 6), 2_000);
    assert_eq!(said(&mut session), ["feed at 6", "live"], "it was wrong");
    session.on_offline();
    session.on_close(None, 3_000);
    assert_eq!(said(&mut session), ["offline"]);
    session.on_tick(retry(&session));
    assert_eq!(said(&mut session), ["connect"], "it may be wrong again");
    session.on_close(None, 4_000);
    session.on_online(4_000);
    assert_eq!(said(&mut session), ["connecting", "connect"]);
}

#[test]
fn a_connection_from_before_the_network_went_is_not_trusted() {
    let mut session = live();
    session.on_offline();
    said(&mut session);
    session.on_online(5_000);
    assert_eq!(said(&mut session), ["disconnect", "connecting", "connect"]);
    session.on_open(5_000);
    session.on_text(&welcome(1, "b1"), 5_000);
    session.on_online(6_000);
    assert_eq!(said(&mut session).last().unwrap(), "live", "one that was made since is");
}

#[test]
fn a_page_that_is_stopped_stays_stopped_and_keeps_its_cursors() {
    let mut session = live();
    session.stop();
    assert_eq!(said(&mut session), ["disconnect"]);
    session.on_online(2_000);
    session.on_offline();
    session.on_visible(2_000);
    session.on_tick(u64::MAX);
    assert_eq!((said(&mut session), session.next_timer()), (vec![], None));
    assert_eq!(session.cursor(&sid("feed")), Some(at(5)));
    session.on_online(2_000);
    session.start(3_000);
    session.on_open(3_000);
    assert!(said(&mut session)[2].contains("2-feed"));
}

#[test]
fn a_broken_frame_ends_the_connection_and_not_the_page() {
    let mut session = live();
    session.on_text("<html>Bad gateway</html>", 1_000);
    assert_eq!(said(&mut session)[0], "disconnect");
    assert!(retry(&session) <= 1_250);
}

#[test]
fn a_renewed_line_is_made_at_once_and_is_no_failure() {
    let mut session = live();
    for round in 2..40 {
        session.renew(1_000);
        assert_eq!(said(&mut session), ["disconnect", "connecting", "connect"]);
        session.on_open(1_000);
        let hello = said(&mut session).remove(0);
        assert!(hello.contains(&format!("\"{round}-feed\"")) && hello.contains("0001.5"), "{hello}");
        session.on_text(&welcome(1, "b1"), 1_000);
        said(&mut session);
    }
    session.on_close(None, 1_000);
    assert!(retry(&session) <= 1_250, "nothing had failed before");
    said(&mut session);
    session.renew(1_000);
    assert_eq!(said(&mut session), ["connecting", "connect"], "whoever waits does not wait longer");
    session.stop();
    said(&mut session);
    session.renew(1_000);
    assert_eq!(said(&mut session), NOTHING, "what is off stays off");
}

//! Who is connected: signals that are kept, quiet connections, sign-outs, a restart, too many of one person.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{collections::HashSet, time::Duration};

use bytes::Bytes;
use common::{Floor, Reader, sub};
use domain::{Actor, SessionId, account::EndSession};
use futures::FutureExt;
use hub::{Delivery, Ended, Options};
use uuid::Uuid;

impl Floor {
    fn retain(&self, subject: &str, audience: &str, frame: Option<&'static str>) {
        let frame = frame.map(|text| Bytes::from_static(text.as_bytes()));
        self.hub.retain(subject.parse().unwrap(), audience.parse().unwrap(), frame).unwrap();
    }
}

/// Has so many signals kept, of different subjects.
fn retain_many(floor: &Floor, count: usize) {
    for nth in 0..count {
        let subject = format!("signal.presence.p{nth}").parse().unwrap();
        floor.hub.retain(subject, "everyone".parse().unwrap(), Some(format!("p{nth}").into())).unwrap();
    }
}

/// Reads until so many different signals have come, never many at a time.
async fn different_signals(reader: &mut Reader, count: usize) {
    let mut heard = HashSet::new();
    while heard.len() < count {
        let frames = signals(reader).await;
        assert!(frames.len() <= 1_024, "{} at a time", frames.len());
        heard.extend(frames);
    }
}

async fn signals(reader: &mut Reader) -> Vec<Bytes> {
    loop {
        if let Delivery::Signals(mut frames) = reader.next().await {
            frames.sort();
            return frames;
        }
    }
}

#[tokio::test]
async fn who_subscribes_later_gets_the_newest_of_each_signal_that_is_kept() {
    let floor = Floor::open(Options::default()).await;
    floor.retain("signal.presence.ada", "everyone", Some("idle"));
    floor.retain("signal.presence.ada", "everyone", Some("online"));
    floor.retain("signal.presence.bo", "everyone", Some("bo"));
    floor.retain("signal.presence.gone", "everyone", Some("gone"));
    floor.retain("signal.presence.gone", "everyone", None);
    floor.retain("signal.presence.secret", "room:secret", Some("secret"));
    let mut reader = floor.live(Some(floor.bo), None, "signal.presence.*").await;
    assert_eq!(signals(&mut reader).await, ["bo", "online"]);
    // A later subscription as well, and only what it asks for.
    reader.connection.open(1, vec![sub("b", "signal.presence.ada", None)]).unwrap();
    assert_eq!(signals(&mut reader).await, ["online"]);
    // And what is kept from now on comes as it happens.
    floor.retain("signal.presence.ada", "everyone", Some("away"));
    assert_eq!(signals(&mut reader).await, ["away"]);
}

#[tokio::test]
async fn a_newcomer_gets_every_signal_that_is_kept_however_many_there_are() {
    let floor = Floor::open(Options::default()).await;
    retain_many(&floor, 3_000);
    floor.retain("signal.typing.lobby.ada", "everyone", Some("typing"));
    let mut reader = floor.live(Some(floor.bo), None, "signal.presence.*").await;
    different_signals(&mut reader, 3_000).await;
    reader.connection.open(1, vec![sub("b", "signal.typing.>", None)]).unwrap();
    assert_eq!(signals(&mut reader).await, ["typing"]);
}

#[tokio::test]
async fn who_reads_too_slowly_for_signals_gets_those_that_are_kept_all_the_same() {
    let floor = Floor::open(Options::default()).await;
    let mut reader = floor.live(Some(floor.bo), None, "signal.>").await;
    retain_many(&floor, 3_000);
    // A turn of the hub comes after those that were asked for before it.
    let _probe = floor.hub.connect(None, None).await.unwrap();
    different_signals(&mut reader, 3_000).await;
}

#[tokio::test]
async fn a_quiet_connection_is_told_how_far_the_log_has_come() {
    let floor = Floor::open(Options { quiet: Duration::from_millis(20), ..Options::default() }).await;
    let mut quiet = floor.live(Some(floor.bo), None, "chat.elsewhere.>").await;
    let said = floor.say("lobby", "not for everybody").await;
    assert!(quiet.read_to(said.position).await.is_empty());
}

#[tokio::test]
async fn who_signs_out_while_connecting_is_not_let_in() {
    let floor = Floor::open(Options::default()).await;
    let session = SessionId(Uuid::now_v7());
    let receipt = floor.run(Actor::User(floor.ada), EndSession { user: floor.ada, session }).await;
    floor.hub.reached(receipt.position).await.unwrap();
    let mut late = floor.connect_in(Some(floor.ada), Some(session), vec![]).await;
    assert!(matches!(late.next().await, Delivery::Opened { .. }));
    assert!(matches!(late.next().await, Delivery::Ended(Ended::Session)));
}

#[tokio::test]
async fn a_restart_is_told_to_everybody_and_to_whoever_still_comes() {
    let floor = Floor::open(Options::default()).await;
    let mut here = floor.live(Some(floor.bo), None, "chat.>").await;
    floor.hub.drain();
    assert!(matches!(here.next().await, Delivery::Ended(Ended::Drain)));
    let mut late = floor.hub.connect(None, None).await.unwrap();
    assert!(matches!(late.next().await.unwrap(), Delivery::Ended(Ended::Drain)));
}

#[tokio::test]
async fn one_person_has_so_many_connections_and_others_are_not_concerned() {
    let floor = Floor::open(Options { connections_per_user: 2, ..Options::default() }).await;
    let mut held = vec![];
    for _ in 0..2 {
        held.push(floor.live(Some(floor.ada), None, "chat.>").await);
    }
    let mut third = floor.hub.connect(Some(floor.ada), None).await.unwrap();
    assert!(matches!(third.next().await.unwrap(), Delivery::Ended(Ended::TooMany(2))));
    floor.live(Some(floor.bo), None, "chat.>").await;
    drop((held.pop(), third));
    floor.live(Some(floor.ada), None, "chat.>").await;
    // A turn of the hub comes after those who left before it.
    let _probe = floor.hub.connect(None, None).await.unwrap();
    assert_eq!(floor.hub.connections(), 2, "ada's first and this one, and nobody who has gone");
}

#[tokio::test]
async fn who_leaves_before_the_hub_has_answered_holds_no_place() {
    let floor = Floor::open(Options { connections_per_user: 1, ..Options::default() }).await;
    for _ in 0..3 {
        // The hub answers, and nobody hears it.
        assert!(floor.hub.connect(Some(floor.ada), None).now_or_never().is_none());
    }
    let _probe = floor.hub.connect(None, None).await.unwrap();
    floor.live(Some(floor.ada), None, "chat.>").await;
}

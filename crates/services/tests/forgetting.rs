//! How long it is known which commands services have sent: as long as anybody can ask for one again.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Answerer, Fault, Floor, Script, eventually, settings};
use domain::{
    Actor, Command, CommandId, Event, Position, Recorded, SessionId,
    account::EndSession,
    service::{Pause, Redrive, Resume},
};
use services::{Failure, Runtime, Settings};
use store::{LetterStatus, Receipt};

/// Where forgetting has come to.
const FORGETTING: &str = "services/forgetting";

fn start(floor: &Floor, script: &Script, keep: u64) -> Runtime {
    let settings = Settings { keep_commands: keep, forget_together: 4, ..settings() };
    Runtime::start(floor.store.clone(), &floor.hub, vec![Answerer(script.clone()).into()], settings)
}

async fn talk(floor: &Floor, texts: usize) {
    for nth in 0..texts {
        floor.say("garden", &format!("number {nth}")).await;
    }
}

/// Talks on until everything is forgotten up to a position, or at most one step less: it is looked at when the log has
/// grown.
async fn forgotten(floor: &Floor, upto: Position) {
    eventually("what services have sent is forgotten", async || {
        floor.say("garden", "and so on").await;
        floor.store.checkpoint(FORGETTING).await.unwrap().0 + 4 > upto.0
    })
    .await;
}

async fn said(floor: &Floor) -> usize {
    floor.events("chat.message_posted").await.len()
}

/// Sends the command again that has led to an answer.
async fn again(floor: &Floor, answer: &Recorded) -> Receipt {
    let Event::AccountSessionEnded(ended) = answer.decode().unwrap().event else { panic!() };
    let id = CommandId(uuid::Uuid::new_v5(&answer.meta.causation, b"answerer/end"));
    let end = EndSession { user: ended.user, session: SessionId(ended.session.0) };
    let command = Command::new(id, Actor::Service("answerer".into()), end);
    floor.store.execute(command.into()).await.unwrap()
}

#[tokio::test]
async fn what_is_handled_is_forgotten_but_for_the_newest_and_nothing_happens_twice() {
    let floor = Floor::open().await;
    let script = Script::default();
    let runtime = start(&floor, &script, 20);
    talk(&floor, 30).await;
    floor.settled(&runtime).await;
    let kept = Position(floor.store.head().0 - 20);
    forgotten(&floor, kept).await;
    floor.settled(&runtime).await;
    runtime.stop().await;

    // Nothing is left to be handled, so nothing is, however often the service is started.
    let head = floor.store.head();
    let runtime = start(&floor, &script, 20);
    floor.settled(&runtime).await;
    assert_eq!(floor.store.head(), head);
    assert_eq!(script.tried().len(), said(&floor).await);
    runtime.stop().await;

    let answers = floor.events("account.session_ended").await;
    assert_eq!(answers.len(), said(&floor).await);
    assert!(again(&floor, answers.last().unwrap()).await.repeated, "the newest are known");
    assert!(!again(&floor, &answers[0]).await.repeated, "the first is forgotten");
}

#[tokio::test]
async fn nothing_is_forgotten_that_a_service_has_still_before_it() {
    let floor = Floor::open().await;
    let script = Script::default();
    let runtime = start(&floor, &script, 0);
    talk(&floor, 3).await;
    floor.settled(&runtime).await;
    let service = || "answerer".parse().unwrap();
    floor.operate(Pause { service: service(), reason: None }).await;
    eventually("it is paused", async || {
        common::status(&runtime, "answerer").state == services::State::Paused
    })
    .await;
    talk(&floor, 30).await;
    let reached = floor.store.checkpoint("answerer").await.unwrap();
    forgotten(&floor, reached).await;
    assert!(floor.store.checkpoint(FORGETTING).await.unwrap() <= reached);
    floor.operate(Resume { service: service() }).await;
    floor.settled(&runtime).await;
    forgotten(&floor, floor.store.head()).await;
    floor.settled(&runtime).await;
    assert_eq!(floor.answered().await.len(), said(&floor).await);
}

#[tokio::test]
async fn what_was_put_aside_long_ago_is_handled_again_once() {
    let floor = Floor::open().await;
    let script = Script::default().with("poison", Fault::Fail(Failure::Poison("no".into())));
    let runtime = start(&floor, &script, 0);
    floor.say("lobby", "poison").await;
    floor.say("lobby", "behind it").await;
    talk(&floor, 30).await;
    floor.settled(&runtime).await;
    forgotten(&floor, floor.store.head()).await;
    assert_eq!(floor.letters(LetterStatus::Parked).await.len(), 2);

    let redrive = || Redrive { service: "answerer".parse().unwrap(), key: "room-lobby".into() };
    // First it fails once more, and is put aside as it was.
    floor.operate(redrive()).await;
    eventually("it is tried", async || script.tried().iter().filter(|text| *text == "poison").count() == 2)
        .await;
    eventually("it is put aside", async || floor.letters(LetterStatus::Parked).await.len() == 2).await;
    script.mend("poison");
    runtime.stop().await;
    floor.operate(redrive()).await;
    let runtime = start(&floor, &script, 0);
    eventually("it is done", async || floor.letters(LetterStatus::Done).await.len() == 2).await;
    floor.settled(&runtime).await;
    let answered = floor.answered().await;
    assert_eq!(answered.len(), said(&floor).await);
    assert_eq!(answered[answered.len() - 2..], ["poison", "behind it"]);
    assert_eq!(floor.events("service.dead_letter_parked").await.len(), 2);
}

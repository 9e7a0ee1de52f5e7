//! What goes wrong with a service, and what becomes of it.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::time::Duration;

use common::{Answerer, Fault, Floor, Script, eventually, settings, status};
use domain::{
    Actor, Envelope, Event, ServiceName, SessionId,
    account::EndSession,
    command::MAX_HOPS,
    service::{Discard, Pause, Redrive, Resume},
};
use services::{Failure, Reaction, Reactor, Runtime, SequenceKey, Settings, State};
use store::LetterStatus;
use uuid::Uuid;

fn answerer() -> ServiceName {
    ServiceName::new("answerer").unwrap()
}

fn transient() -> Failure {
    Failure::Transient("no luck".into())
}

fn poison() -> Failure {
    Failure::Poison("it is not edible".into())
}

#[tokio::test]
async fn poison_is_put_aside_with_what_comes_after_it_and_other_keys_flow() {
    let floor = Floor::open().await;
    let script = Script::default().with("poison", Fault::Fail(poison()));
    let runtime = floor.start(vec![Answerer(script.clone()).into()]);
    for (room, text) in
        [("lobby", "1"), ("garden", "2"), ("lobby", "poison"), ("lobby", "3"), ("garden", "4")]
    {
        floor.say(room, text).await;
    }
    floor.settled(&runtime).await;
    floor.say("lobby", "5").await;
    floor.say("garden", "6").await;
    floor.settled(&runtime).await;

    assert_eq!(floor.answered().await, ["1", "2", "4", "6"]);
    assert_eq!(
        script.tried().iter().filter(|text| *text == "poison").count(),
        1,
        "poison is not tried again"
    );
    let letters = floor.letters(LetterStatus::Parked).await;
    let attempts: Vec<(&str, u32)> =
        letters.iter().map(|letter| (letter.key.as_str(), letter.attempts)).collect();
    assert_eq!(attempts, [("room-lobby", 1), ("room-lobby", 0), ("room-lobby", 0)]);
    assert_eq!(letters[0].error, "it is not edible");
    assert_eq!(status(&runtime, "answerer").parked, 3);
    assert_eq!(status(&runtime, "answerer").state, State::Running);
    let parked = floor.events("service.dead_letter_parked").await;
    assert_eq!(parked.len(), 1, "what only waits is not told");
    let Event::ServiceDeadLetterParked(told) = parked[0].decode().unwrap().event else { panic!() };
    assert_eq!((told.at, told.kind.as_str(), told.attempts), (letters[0].position, "chat.message_posted", 1));
    let cause =
        floor.store.read(domain::Position(told.at.0 - 1), &store::Filter::everything(), 1).await.unwrap();
    assert_eq!(parked[0].meta.causation, cause.events[0].meta.id.0);
}

#[tokio::test]
async fn a_redrive_handles_what_was_put_aside_in_order_and_once() {
    let floor = Floor::open().await;
    let script = Script::default().with("poison", Fault::Fail(poison()));
    let mut runtime = floor.start(vec![Answerer(script.clone()).into()]);
    for text in ["poison", "1", "2"] {
        floor.say("lobby", text).await;
    }
    floor.settled(&runtime).await;
    let redrive = || Redrive { service: answerer(), key: "room-lobby".into() };
    // Not mended yet: it is put aside again, and those behind it wait again.
    floor.operate(redrive()).await;
    eventually("it failed again", async || {
        floor.letters(LetterStatus::Parked).await.first().is_some_and(|letter| letter.attempts == 2)
    })
    .await;
    assert_eq!(floor.letters(LetterStatus::Parked).await.len(), 3);
    assert_eq!(floor.events("service.dead_letter_parked").await.len(), 2);

    // Said while nobody listens.
    floor.settled(&runtime).await;
    runtime.stop().await;
    script.mend("poison");
    floor.operate(redrive()).await;
    floor.say("lobby", "3").await;
    runtime = floor.start(vec![Answerer(script.clone()).into()]);
    floor.settled(&runtime).await;
    assert_eq!(floor.answered().await, ["poison", "1", "2", "3"]);
    assert_eq!(floor.letters(LetterStatus::Done).await.len(), 3);
    assert_eq!(status(&runtime, "answerer").parked, 0);
}

#[tokio::test]
async fn what_failed_is_redriven_again_while_another_key_is_still_tried() {
    let floor = Floor::open().await;
    let script = Script::default().with("poison", Fault::Fail(poison())).with("down", Fault::Fail(poison()));
    let runtime = floor.start(vec![Answerer(script.clone()).into()]);
    floor.say("lobby", "poison").await;
    floor.say("garden", "down").await;
    floor.settled(&runtime).await;
    let away = Failure::Pause("the mail server is away".into());
    let _ = script.clone().with("down", Fault::Fail(away));
    let redrive = |key: &str| Redrive { service: answerer(), key: key.into() };
    floor.operate(redrive("room-lobby")).await;
    floor.operate(redrive("room-garden")).await;
    eventually("one has failed again, and the other is tried", async || {
        let parked = floor.letters(LetterStatus::Parked).await;
        let tried = script.tried().iter().filter(|text| *text == "down").count();
        parked.len() == 1 && parked[0].attempts == 2 && tried > 2
    })
    .await;
    script.mend("poison");
    floor.operate(redrive("room-lobby")).await;
    eventually("it has heard of it", async || floor.letters(LetterStatus::Redriving).await.len() == 2).await;
    script.mend("down");
    eventually("both are done", async || floor.letters(LetterStatus::Done).await.len() == 2).await;
    floor.say("lobby", "later").await;
    floor.settled(&runtime).await;
    assert_eq!(floor.answered().await, ["down", "poison", "later"]);
}

#[tokio::test]
async fn the_first_dead_letter_or_all_of_a_key_can_be_given_up() {
    let floor = Floor::open().await;
    let script = Script::default().with("poison", Fault::Fail(poison()));
    let runtime = floor.start(vec![Answerer(script).into()]);
    for room in ["lobby", "garden"] {
        floor.say(room, "poison").await;
        floor.say(room, &format!("in the {room}")).await;
    }
    floor.settled(&runtime).await;
    let reason = || "It was a test.".to_owned();
    let first = floor.letters(LetterStatus::Parked).await[0].position;
    let discard = |key: &str, at| Discard { service: answerer(), key: key.into(), at, reason: reason() };
    floor.operate(discard("room-lobby", Some(first))).await;
    floor.operate(discard("room-garden", None)).await;
    eventually("nothing is parked", async || status(&runtime, "answerer").parked == 0).await;
    assert_eq!(floor.answered().await, ["in the lobby"]);
    floor.say("garden", "later").await;
    floor.settled(&runtime).await;
    assert_eq!(floor.answered().await, ["in the lobby", "later"]);
    assert_eq!(floor.letters(LetterStatus::Discarded).await.len(), 3);
}

#[tokio::test]
async fn what_fails_is_tried_again_and_put_aside_when_patience_is_at_its_end() {
    let floor = Floor::open().await;
    let script = Script::default()
        .with("works in the end", Fault::Twice(transient(), 2))
        .with("never works", Fault::Fail(transient()));
    let runtime = floor.start(vec![Answerer(script.clone()).into()]);
    let at = floor.say("lobby", "works in the end").await;
    floor.say("lobby", "never works").await;
    floor.say("garden", "fine").await;
    floor.settled(&runtime).await;
    assert_eq!(floor.answered().await, ["works in the end", "fine"]);
    for text in ["works in the end", "never works"] {
        assert_eq!(script.tried().iter().filter(|tried| *tried == text).count(), 3, "{text}");
    }
    assert_eq!(floor.letters(LetterStatus::Parked).await[0].attempts, 3);
    eventually("it is noted how it went", async || {
        let handlings = floor.store.handlings(&[at]).await.unwrap();
        let outcomes: Vec<&str> = handlings.iter().map(|handling| handling.outcome.as_str()).collect();
        outcomes == ["no luck", "no luck", "done"]
    })
    .await;
}

#[tokio::test]
async fn a_panic_and_a_hanging_attempt_are_failed_attempts_and_hold_up_nobody_else() {
    struct Bystander(Script);
    impl Reactor for Bystander {
        const NAME: &'static str = "bystander";
        const PATTERNS: &'static [&'static str] = &["chat.>"];
        async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
            self.0.play(event, unit).await
        }
    }
    let floor = Floor::open().await;
    let script = Script::default().with("panic", Fault::Panic).with("hang", Fault::Hang);
    let bystander = Script::default();
    let services = vec![Answerer(script).into(), Bystander(bystander.clone()).into()];
    let impatient = Settings { timeout: Duration::from_millis(300), ..settings() };
    let runtime = Runtime::start(floor.store.clone(), &floor.hub, services, impatient);
    floor.say("lobby", "panic").await;
    floor.say("garden", "hang").await;
    eventually("the other one has gone on", async || bystander.tried() == ["panic", "hang"]).await;
    floor.settled(&runtime).await;
    let errors: Vec<String> =
        floor.letters(LetterStatus::Parked).await.into_iter().map(|letter| letter.error).collect();
    assert_eq!(errors.len(), 2);
    assert!(errors[0].contains("as the message says"), "{errors:?}");
    assert!(errors[1].contains("within 300ms"), "{errors:?}");
}

#[tokio::test]
async fn a_pause_waits_and_puts_nothing_aside() {
    let floor = Floor::open().await;
    let down = Failure::Pause("the mail server is away".into());
    let script = Script::default().with("down", Fault::Fail(down));
    let runtime = floor.start(vec![Answerer(script.clone()).into()]);
    floor.say("lobby", "down").await;
    for nth in 0..20 {
        floor.say("garden", &format!("{nth}")).await;
    }
    eventually("it says why it waits", async || {
        matches!(status(&runtime, "answerer").state, State::Retrying { error, .. } if error.contains("away"))
    })
    .await;
    eventually("it is tried more often than patience lasts", async || script.tried().len() > 10).await;
    assert!(floor.answered().await.is_empty());
    script.mend("down");
    floor.settled(&runtime).await;
    assert_eq!(floor.answered().await.len(), 21);
    assert_eq!(status(&runtime, "answerer").lag, 0);
    assert!(floor.letters(LetterStatus::Parked).await.is_empty());
}

#[tokio::test]
async fn a_refused_command_puts_its_event_aside_and_not_its_neighbours() {
    let floor = Floor::open().await;
    let script = Script::default().with("refused", Fault::Refused);
    for (room, text) in
        [("lobby", "1"), ("garden", "2"), ("lobby", "refused"), ("garden", "3"), ("lobby", "4")]
    {
        floor.say(room, text).await;
    }
    // All of it is there already, and so is one batch.
    let runtime = floor.start(vec![Answerer(script).into()]);
    floor.settled(&runtime).await;
    assert_eq!(floor.answered().await, ["1", "2", "3"]);
    let letters = floor.letters(LetterStatus::Parked).await;
    assert_eq!(letters.len(), 2);
    assert!(letters[0].error.contains("no such person"), "{letters:?}");
    let count = floor.store.state("answerer", "count").await.unwrap();
    assert_eq!(count.as_deref(), Some("3"), "what a refused handling remembers is forgotten");
}

#[tokio::test]
async fn an_operator_pauses_and_resumes_a_service_also_across_a_restart() {
    let mut floor = Floor::open().await;
    let script = Script::default();
    let mut runtime = floor.start(vec![Answerer(script.clone()).into()]);
    floor.say("lobby", "before").await;
    floor.settled(&runtime).await;
    floor.operate(Pause { service: answerer(), reason: None }).await;
    eventually("it is paused", async || status(&runtime, "answerer").state == State::Paused).await;
    floor.say("lobby", "meanwhile").await;
    runtime.stop().await;
    floor = floor.reopen().await;
    runtime = floor.start(vec![Answerer(script.clone()).into()]);
    eventually("it is still paused", async || status(&runtime, "answerer").state == State::Paused).await;
    assert!(status(&runtime, "answerer").lag > 0);
    assert_eq!(script.tried(), ["before"]);
    floor.operate(Resume { service: answerer() }).await;
    floor.settled(&runtime).await;
    assert_eq!(floor.answered().await, ["before", "meanwhile"]);
}

#[tokio::test]
async fn a_loop_ends_after_so_many_steps() {
    struct Echo;
    impl Reactor for Echo {
        const NAME: &'static str = "echo";
        const PATTERNS: &'static [&'static str] = &["account.*.session_ended"];
        async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
            if let Event::AccountSessionEnded(e) = &event.event {
                unit.command("again", EndSession { user: e.user, session: e.session });
            }
            Ok(())
        }
    }
    /// Fails at whatever it hears of a failure.
    struct Hopeless;
    impl Reactor for Hopeless {
        const NAME: &'static str = "hopeless";
        const PATTERNS: &'static [&'static str] = &["service.*.dead_letter_parked"];
        fn key(event: &Envelope) -> SequenceKey {
            SequenceKey::new(event.meta.position)
        }
        async fn react(&self, _: &Envelope, _: &mut Reaction) -> Result<(), Failure> {
            Err(poison())
        }
    }
    let floor = Floor::open().await;
    let runtime = floor.start(vec![Echo.into(), Hopeless.into()]);
    let session = SessionId(Uuid::now_v7());
    floor.run(Actor::User(floor.ada), EndSession { user: floor.ada, session }).await;
    floor.settled(&runtime).await;
    let ended = floor.events("account.session_ended").await;
    assert_eq!(ended.len(), usize::from(MAX_HOPS) + 1);
    let first = &ended[0].meta;
    assert!(ended.iter().enumerate().all(|(nth, event)| usize::from(event.meta.hop) == nth));
    assert!(ended.iter().all(|event| event.meta.correlation == first.correlation));
    let letters = floor.letters(LetterStatus::Parked).await;
    assert!(letters.iter().any(|letter| letter.error.contains("looks like a loop")), "{letters:?}");
    // The loop's dead letter was told, what came of that failed in turn, and that is where it ends.
    assert_eq!(floor.events("service.dead_letter_parked").await.len(), 1);
    assert_eq!(letters.len(), 2);
}

#[tokio::test]
async fn a_service_that_is_cut_off_in_the_middle_of_a_wait_stops_at_once() {
    let floor = Floor::open().await;
    let script = Script::default().with("down", Fault::Fail(Failure::Pause("away".into())));
    let mut patient = settings();
    patient.retry.base = std::time::Duration::from_secs(3_600);
    patient.retry.cap = patient.retry.base;
    let runtime = Runtime::start(floor.store.clone(), &floor.hub, vec![Answerer(script).into()], patient);
    floor.say("lobby", "down").await;
    eventually("it waits", async || matches!(status(&runtime, "answerer").state, State::Retrying { .. }))
        .await;
    runtime.stop().await;
    assert!(floor.letters(LetterStatus::Parked).await.is_empty());
}

//! Whatever dies, and however often: each event has its effects once, and in order.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{Answerer, Fault, Floor, Script, eventually, room_of, status};
use domain::{
    Envelope, Event, Position, SessionId, Timestamp,
    account::EndSession,
    service::{Discard, Redrive},
};
use services::{Failure, Reaction, Reactor, SequenceKey, Service, State};
use store::{Checkpoint, LetterStatus, Unit};
use tokio::sync::Semaphore;

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|nth| format!("number {nth}")).collect()
}

/// Lets the services work, and cuts them off after a while that is different every time.
async fn cut_off_again_and_again(floor: &mut Option<Floor>, services: impl Fn() -> Vec<Service>) {
    for round in 0..25_u64 {
        let mut open = floor.take().unwrap();
        let runtime = open.start(services());
        let reached = Position((round + 1) * 8);
        let working = runtime.reached(reached);
        let _ = tokio::time::timeout(Duration::from_micros(500 + (round * 7_919) % 20_000), working).await;
        drop(runtime);
        if round % 5 == 4 {
            open = open.reopen().await;
        }
        *floor = Some(open);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cut_off_anywhere_goes_on_and_does_nothing_twice() {
    let floor = Floor::open().await;
    let texts = texts(200);
    for text in &texts {
        floor.say("lobby", text).await;
    }
    let script = Script::default().with("number 77", Fault::Fail(Failure::Poison("no".into())));
    let mut floor = Some(floor);
    cut_off_again_and_again(&mut floor, || vec![Answerer(script.clone()).into()]).await;
    let floor = floor.unwrap();
    let runtime = floor.start(vec![Answerer(script.clone()).into()]);
    floor.settled(&runtime).await;
    assert_eq!(floor.answered().await, texts[..77]);
    assert_eq!(status(&runtime, "answerer").parked, 123);
    assert_eq!(floor.events("service.dead_letter_parked").await.len(), 1);

    // And while what was put aside is handled again.
    script.mend("number 77");
    runtime.stop().await;
    let key = || "room-lobby".to_owned();
    floor.operate(Redrive { service: "answerer".parse().unwrap(), key: key() }).await;
    let mut floor = Some(floor);
    cut_off_again_and_again(&mut floor, || vec![Answerer(script.clone()).into()]).await;
    let floor = floor.unwrap();
    let runtime = floor.start(vec![Answerer(script.clone()).into()]);
    eventually("nothing is parked", async || {
        let status = status(&runtime, "answerer");
        status.parked == 0 && status.state == State::Running && status.lag == 0
    })
    .await;
    assert_eq!(floor.answered().await, texts);
    assert_eq!(floor.store.state("answerer", "count").await.unwrap().as_deref(), Some("200"));
    let discard =
        Discard { service: "answerer".parse().unwrap(), key: key(), at: None, reason: "None left.".into() };
    let command = domain::Command::new(
        domain::CommandId(uuid::Uuid::now_v7()),
        domain::Actor::User(floor.olga),
        discard,
    );
    assert!(floor.store.execute(command.into()).await.is_err(), "nothing is left to be given up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runtimes_on_one_log_do_everything_once() {
    let floor = Floor::open().await;
    let texts = texts(120);
    let script = Script::default();
    let runtimes = [(); 2].map(|()| floor.start(vec![Answerer(script.clone()).into()]));
    for text in &texts {
        floor.say("lobby", text).await;
    }
    for runtime in &runtimes {
        floor.settled(runtime).await;
    }
    assert_eq!(floor.answered().await, texts);
    assert_eq!(floor.store.state("answerer", "count").await.unwrap().as_deref(), Some("120"));
}

#[tokio::test]
async fn events_that_are_read_again_change_nothing() {
    let floor = Floor::open().await;
    let runtime = floor.start(vec![Answerer::default().into()]);
    for text in texts(20) {
        floor.say("lobby", &text).await;
    }
    floor.settled(&runtime).await;
    runtime.stop().await;
    let head = floor.store.head();
    let reactor = "answerer".to_owned();
    let from = floor.store.checkpoint(&reactor).await.unwrap();
    let back = Checkpoint { reactor, from, to: Position::START };
    floor.store.execute(Unit { checkpoint: Some(back), ..Unit::default() }).await.unwrap();
    let script = Script::default();
    let runtime = floor.start(vec![Answerer(script.clone()).into()]);
    floor.settled(&runtime).await;
    assert_eq!(script.tried().len(), 20);
    assert_eq!(floor.store.head(), head);
}

#[tokio::test]
async fn what_a_service_does_not_listen_to_moves_it_along_too() {
    struct Deaf;
    impl Reactor for Deaf {
        const NAME: &'static str = "deaf";
        const PATTERNS: &'static [&'static str] = &["account.*.role_changed"];
        async fn react(&self, _: &Envelope, _: &mut Reaction) -> Result<(), Failure> {
            panic!("nobody's role has changed")
        }
    }
    let floor = Floor::open().await;
    let mut settings = common::settings();
    settings.save_every = (10, Duration::from_secs(3_600));
    let runtime = services::Runtime::start(floor.store.clone(), &floor.hub, vec![Deaf.into()], settings);
    for text in texts(25) {
        floor.say("lobby", &text).await;
    }
    floor.settled(&runtime).await;
    let (status, saved) = (status(&runtime, "deaf"), floor.store.checkpoint("deaf").await.unwrap());
    assert_eq!((status.position, status.lag), (floor.store.head(), 0));
    assert!(saved.0 > 10 && saved.0 + 10 > floor.store.head().0, "noted now and then: {saved}");
}

/// Ends a session when a message asks for it, at the instant that is due, or takes that back.
#[derive(Clone)]
struct Alarm;

impl Reactor for Alarm {
    const NAME: &'static str = "alarm";
    const PATTERNS: &'static [&'static str] = &["chat.>"];

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        let Event::ChatMessagePosted(said) = &event.event else { return Ok(()) };
        let (key, millis) = said.text.split_once(' ').unwrap();
        let intent = EndSession { user: said.author, session: SessionId(said.message.0) };
        match millis.parse() {
            Ok(millis) => unit.timer(key, Duration::from_millis(millis), intent),
            Err(_) => unit.clear_timer(key),
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_timer_sends_its_command_once_when_it_is_due_also_after_a_restart() {
    let mut floor = Floor::open().await;
    let mut runtime = floor.start(vec![Alarm.into()]);
    // An hour, and then at once instead; an hour, and then never.
    for text in ["a 3600000", "b 3600000", "b off", "c 20", "a 0", "late 3600000"] {
        floor.say("lobby", text).await;
    }
    eventually("two are done", async || floor.answered().await.len() == 2).await;
    let mut done = floor.answered().await;
    done.sort();
    assert_eq!(done, ["a 0", "c 20"]);
    let timers = floor.store.timers(10).await.unwrap();
    assert_eq!(timers.iter().map(|timer| timer.key.as_str()).collect::<Vec<_>>(), ["alarm/late"]);
    let ended = floor.events("account.session_ended").await;
    let cause = floor.store.event(domain::EventId(ended[0].meta.causation)).await.unwrap().unwrap();
    assert_eq!(ended[0].meta.correlation, cause.meta.correlation);
    assert_eq!(ended[0].meta.actor, domain::Actor::Service("alarm".into()));

    // The hour is over while nobody is there.
    runtime.stop().await;
    floor = floor.reopen().await;
    let mut later = common::settings();
    later.clock = Arc::new(|| Timestamp::from_millis(i64::MAX));
    runtime = services::Runtime::start(floor.store.clone(), &floor.hub, vec![Alarm.into()], later);
    eventually("the late one is done", async || floor.answered().await.len() == 3).await;
    assert!(floor.store.timers(10).await.unwrap().is_empty());
    runtime.stop().await;
}

/// Sends something out for each message, slowly: a message whose text is `wait` waits until it may.
#[derive(Clone, Default)]
struct Postman {
    script: Script,
    gate: Arc<Gate>,
    sent: Arc<AtomicUsize>,
}

struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Reactor for Postman {
    const NAME: &'static str = "postman";
    const PATTERNS: &'static [&'static str] = &["chat.*.message_posted"];
    const PARALLEL: usize = 3;

    fn key(event: &Envelope) -> SequenceKey {
        room_of(event)
    }

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        let Event::ChatMessagePosted(said) = &event.event else { return Ok(()) };
        if said.text == "wait" {
            let _ = self.gate.0.acquire().await;
        }
        self.script.play(event, unit).await?;
        self.sent.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::test]
async fn one_slow_key_holds_up_no_other_and_order_inside_a_key_is_kept() {
    let floor = Floor::open().await;
    let postman = Postman::default();
    let start = |postman: &Postman| {
        let services = vec![postman.clone().into()];
        services::Runtime::start(floor.store.clone(), &floor.hub, services, common::settings())
    };
    let runtime = start(&postman);
    floor.say("lobby", "wait").await;
    for nth in 0..20 {
        floor.say("lobby", &format!("lobby {nth}")).await;
        floor.say("garden", &format!("garden {nth}")).await;
    }
    let garden: Vec<String> = (0..20).map(|nth| format!("garden {nth}")).collect();
    let first = garden[..6].to_vec();
    eventually("the garden goes on", async || floor.answered().await.starts_with(&first)).await;
    let stuck = status(&runtime, "postman").position;
    // What is handled after the slow one is not handled again.
    drop(runtime);
    let sent = postman.sent.load(Ordering::Relaxed);
    assert!(floor.store.handled("postman").await.unwrap().len() >= 6);
    assert!(floor.store.checkpoint("postman").await.unwrap() <= stuck);
    postman.gate.0.close();
    let runtime = start(&postman);
    floor.settled(&runtime).await;
    let answered = floor.answered().await;
    assert_eq!(
        answered.iter().filter(|text| text.starts_with("garden")).cloned().collect::<Vec<_>>(),
        garden
    );
    let lobby: Vec<&String> = answered.iter().filter(|text| text.starts_with("lobby")).collect();
    assert_eq!(
        lobby,
        (0..20).map(|nth| format!("lobby {nth}")).collect::<Vec<_>>().iter().collect::<Vec<_>>()
    );
    assert_eq!(answered.len(), 41);
    let again = sent + (41 - answered.iter().position(|text| text == "wait").unwrap());
    assert!(postman.sent.load(Ordering::Relaxed) <= again + 3, "only what was under way went out again");
    assert!(floor.store.handled("postman").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_keys_at_once_are_cut_off_anywhere_and_do_nothing_twice() {
    let floor = Floor::open().await;
    let script = Script::default().with("garden 9", Fault::Fail(Failure::Poison("no".into())));
    let mut expected = Vec::new();
    for nth in 0..60 {
        for room in ["lobby", "garden"] {
            let text = format!("{room} {nth}");
            floor.say(room, &text).await;
            expected.push(text);
        }
    }
    let postman = Postman { script: script.clone(), ..Postman::default() };
    let mut floor = Some(floor);
    cut_off_again_and_again(&mut floor, || vec![postman.clone().into()]).await;
    let floor = floor.unwrap();
    let runtime = floor.start(vec![postman.clone().into()]);
    floor.settled(&runtime).await;
    assert_eq!(floor.letters(LetterStatus::Parked).await.len(), 51);
    script.mend("garden 9");
    floor.operate(Redrive { service: "postman".parse().unwrap(), key: "room-garden".into() }).await;
    eventually("nothing is parked", async || status(&runtime, "postman").parked == 0).await;
    let answered = floor.answered().await;
    for room in ["lobby", "garden"] {
        let of = |texts: &[String]| -> Vec<String> {
            texts.iter().filter(|text| text.starts_with(room)).cloned().collect()
        };
        assert_eq!(of(&answered), of(&expected));
    }
}

/// Looks much up for each message, for many messages at once.
struct Librarian;

impl Reactor for Librarian {
    const NAME: &'static str = "librarian";
    const PATTERNS: &'static [&'static str] = &["chat.*.message_posted"];
    const PARALLEL: usize = 8;

    async fn react(&self, event: &Envelope, unit: &mut Reaction) -> Result<(), Failure> {
        let Event::ChatMessagePosted(said) = &event.event else { return Ok(()) };
        for _ in 0..10 {
            unit.store().read_stream(&event.meta.stream).await?;
        }
        unit.command("end", EndSession { user: said.author, session: SessionId(said.message.0) });
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_are_handled_at_once_do_not_keep_their_service_from_reading_on() {
    let floor = Floor::open().await;
    for text in texts(100) {
        floor.say("lobby", &text).await;
    }
    // So that the log is in no memory: everybody reads over the same few connections.
    let floor = floor.reopen().await;
    let patient = services::Settings { timeout: Duration::from_secs(60), ..common::settings() };
    let runtime = services::Runtime::start(floor.store.clone(), &floor.hub, vec![Librarian.into()], patient);
    floor.settled(&runtime).await;
    assert_eq!(floor.answered().await.len(), 100);
}

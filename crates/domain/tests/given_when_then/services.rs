//! Pausing services, and what becomes of their dead letters.

use domain::{
    Actor, Event, Position, ServiceName,
    service::{
        DeadLetterDiscarded, DeadLetterParked, DeadLetterRedriven, Discard, MAX_REASON, NoteRebuilt, Park,
        Pause, Paused, ProjectionRebuilt, Redrive, Resume, Resumed,
    },
};

use super::given;
use crate::common::{ADA, BO, OLGA};

fn mail() -> ServiceName {
    ServiceName::new("mail").expect("a valid name")
}

fn itself() -> Actor {
    Actor::Service("mail".into())
}

fn pause(reason: Option<&str>) -> Pause {
    Pause { service: mail(), reason: reason.map(str::to_owned) }
}

fn resume() -> Resume {
    Resume { service: mail() }
}

fn paused(reason: Option<&str>) -> Event {
    Paused { service: mail(), by: Actor::User(OLGA), reason: reason.map(str::to_owned) }.into()
}

fn parking() -> Park {
    let (kind, error) = ("chat.message_posted".into(), "No such mailbox.".into());
    Park { service: mail(), key: "room-lobby".into(), at: Position(7), kind, error, attempts: 8 }
}

fn parked() -> Event {
    let Park { service, key, at, kind, error, attempts } = parking();
    DeadLetterParked { service, key, at, kind, error, attempts }.into()
}

fn redrive(key: &str) -> Redrive {
    Redrive { service: mail(), key: key.into() }
}

fn redriven() -> Event {
    DeadLetterRedriven { service: mail(), key: "room-lobby".into(), by: Actor::User(OLGA) }.into()
}

fn discard(at: Option<u64>, reason: &str) -> Discard {
    Discard { service: mail(), key: "room-lobby".into(), at: at.map(Position), reason: reason.into() }
}

fn discarded(at: Option<u64>, reason: &str) -> Event {
    let Discard { service, key, at, reason } = discard(at, reason);
    DeadLetterDiscarded { service, key, at, reason, by: Actor::User(OLGA) }.into()
}

#[test]
fn an_operator_pauses_and_resumes_a_service_once() {
    given([]).when(OLGA, pause(Some(" It is moved. "))).then([paused(Some("It is moved."))]);
    given([paused(None)]).when(OLGA, pause(Some("Again."))).then_nothing();
    let resumed = Event::from(Resumed { service: mail(), by: Actor::User(OLGA) });
    given([paused(None)]).when(OLGA, resume()).then([resumed.clone()]);
    given([]).when(OLGA, resume()).then_nothing();
    given([paused(None), resumed]).when(OLGA, pause(None)).then([paused(None)]);
}

#[test]
fn nobody_below_an_operator_commands_a_service() {
    for who in [ADA, BO] {
        given([]).when(who, pause(None)).then_refused("service.forbidden");
        given([paused(None)]).when(who, resume()).then_refused("service.forbidden");
        given([parked()]).when(who, redrive("room-lobby")).then_refused("service.forbidden");
        given([parked()]).when(who, discard(None, "Away with it.")).then_refused("service.forbidden");
    }
    let outside = Actor::External("shop".into());
    given([]).when_actor(outside, pause(None)).then_refused("account.sign_in_first");
}

#[test]
fn only_a_service_says_of_itself_that_it_failed_or_was_rebuilt() {
    let wanted = NoteRebuilt { projection: mail(), generation: 2, events: 9, took_ms: 4 };
    let rebuilt = ProjectionRebuilt { projection: mail(), generation: 2, events: 9, took_ms: 4 };
    for who in [ADA, BO, OLGA] {
        given([]).when(who, parking()).then_refused("service.forbidden");
        given([]).when(who, wanted.clone()).then_refused("service.forbidden");
    }
    given([]).when_actor(itself(), parking()).then([parked()]);
    given([]).when_actor(itself(), wanted).then([rebuilt.into()]);
}

#[test]
fn dead_letters_are_dealt_with_while_there_are_some() {
    given([parked()]).when(OLGA, redrive("room-lobby")).then([redriven()]);
    given([parked()]).when(OLGA, discard(None, "Old.")).then([discarded(None, "Old.")]);
    given([parked()]).when(OLGA, discard(Some(7), "Old.")).then([discarded(Some(7), "Old.")]);
    let other = given([parked()]).when(OLGA, discard(Some(8), "Old."));
    assert!(other.then_refused("service.not_the_first_dead_letter").to_string().contains("at 7"));
    given([parked()]).when(OLGA, redrive("room-attic")).then_refused("service.no_dead_letter");
    for over in [redriven(), discarded(None, "Old."), discarded(Some(7), "Old.")] {
        let given = given([parked(), over.clone()]);
        given.when(OLGA, redrive("room-lobby")).then_refused("service.no_dead_letter");
        given.when(OLGA, discard(None, "Old.")).then_refused("service.no_dead_letter");
    }
    // What fails again is there again.
    given([parked(), redriven(), parked()]).when(OLGA, redrive("room-lobby")).then([redriven()]);
}

#[test]
fn a_reason_is_one_visible_line() {
    let long = "é".repeat(MAX_REASON + 1);
    for bad in ["", " ", "a\nb", &long] {
        given([]).when(OLGA, pause(Some(bad))).then_refused("service.bad_reason");
        given([parked()]).when(OLGA, discard(None, bad)).then_refused("service.bad_reason");
    }
}

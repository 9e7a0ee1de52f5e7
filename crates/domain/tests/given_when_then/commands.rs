//! What holds for every command: the hop guard, the expected version, reading it from JSON.

use domain::{
    Actor, Event, Intent, MAX_HOPS, Refusal, RefusalKind,
    account::{ChangeProfile, ProfileChanged},
    chat::{EditMessage, MessagePosted, PostMessage},
    contract::{BadCommand, INTENTS},
};

use super::{command, given, rooms::lobby};
use crate::common::{ADA, message, room};

fn post(text: &str) -> PostMessage {
    PostMessage { room: room("lobby"), text: text.into(), reply_to: None }
}

fn ada_said_hello() -> Event {
    MessagePosted {
        room: room("lobby"),
        private: false,
        message: message(1),
        author: ADA,
        name: "Ada".into(),
        text: "hello".into(),
        reply_to: None,
    }
    .into()
}

#[test]
fn a_reaction_to_a_reaction_is_stopped_past_the_last_hop() {
    let mut deep = command(Actor::User(ADA), post("hi"));
    deep.hop = MAX_HOPS;
    assert!(given([lobby()]).when_command(&deep).0.is_ok());
    deep.hop = MAX_HOPS + 1;
    let refusal = given([lobby()]).when_command(&deep).then_refused("command.too_many_hops");
    assert_eq!(refusal.kind(), RefusalKind::Conflict);
}

#[test]
fn a_command_that_expects_another_version_of_its_stream_is_refused_with_both() {
    let mut edit = command(
        Actor::User(ADA),
        EditMessage { room: room("lobby"), message: message(1), text: "hi".into() },
    );
    edit.expected_version = Some(1);
    let then = given([lobby(), ada_said_hello()]);
    assert!(then.when_command(&edit).0.is_ok());
    edit.expected_version = Some(2);
    let refusal = then.when_command(&edit).then_refused("command.version_conflict");
    assert_eq!(refusal, Refusal::VersionConflict { expected: 2, actual: 1 });
    assert_eq!(refusal.kind(), RefusalKind::Conflict);
}

#[test]
fn a_new_message_expects_a_stream_that_is_not_there() {
    let mut first = command(Actor::User(ADA), post("hi"));
    first.expected_version = Some(0);
    assert!(given([lobby()]).when_command(&first).0.is_ok());
    first.expected_version = Some(1);
    given([lobby()]).when_command(&first).then_refused("command.version_conflict");
}

#[test]
fn a_change_of_profile_speaks_of_ones_own_account() {
    let mut rename = command(Actor::User(ADA), ChangeProfile { name: "A.".into() });
    rename.expected_version = Some(1);
    assert!(given([]).when_command(&rename).0.is_ok());
    let renamed: Event = ProfileChanged { user: ADA, name: "Ada L.".into() }.into();
    given([renamed]).when_command(&rename).then_refused("command.version_conflict");
}

#[test]
fn a_conflict_is_named_even_when_the_wish_is_granted_already() {
    let mut same = command(Actor::User(ADA), ChangeProfile { name: "Ada".into() });
    same.expected_version = Some(9);
    given([]).when_command(&same).then_refused("command.version_conflict");
}

#[test]
fn every_command_is_read_back_as_it_was_written() {
    for (name, sample) in [
        ("account.change_profile", Intent::from(ChangeProfile { name: "A.".into() })),
        ("chat.post_message", post("hi").into()),
    ] {
        assert_eq!(sample.name(), name);
        assert_eq!(Intent::parse(name, sample.data().get()), Ok(sample));
    }
}

#[test]
fn an_outside_client_may_leave_out_what_is_optional() {
    let parsed = Intent::parse("chat.post_message", r#"{"room":"lobby","text":"hi"}"#);
    assert_eq!(parsed, Ok(post("hi").into()));
    let Ok(Intent::ChatOpenRoom(open)) = Intent::parse("chat.open_room", r#"{"room":"a","title":"A"}"#)
    else {
        panic!("chat.open_room needs no more");
    };
    assert!(!open.private);
}

#[test]
fn a_misspelt_field_a_bad_id_and_an_unknown_command_are_refused_in_a_sentence() {
    for (name, data, part) in [
        ("chat.post_message", r#"{"room":"lobby","txet":"hi"}"#, "txet"),
        ("chat.post_message", r#"{"room":"Lobby!","text":"hi"}"#, "a room's address"),
        ("chat.post_message", r#"{"room":"lobby"}"#, "text"),
        ("chat.post_message", r#"{"room":"lobby","text":"hi"} "#.trim_end_matches("} "), "EOF"),
        ("chat.post_massage", "{}", "chat.post_massage"),
        ("chat.mark_read", r#"{"room":"lobby","upto":-1}"#, "-1"),
    ] {
        let sentence = Intent::parse(name, data).unwrap_err().to_string();
        assert!(sentence.contains(part), "{sentence}");
        assert!(sentence.ends_with('.'), "{sentence}");
    }
}

#[test]
fn what_was_refused_is_not_echoed_at_length() {
    let long = "x".repeat(100_000);
    for (name, data) in [
        (long.as_str(), "{}".to_owned()),
        ("chat.post_message", format!(r#"{{"{long}":1}}"#)),
        ("chat.mark_read", format!(r#"{{"room":"lobby","upto":"{long}"}}"#)),
        ("chat.add_member", format!(r#"{{"room":"lobby","user":"{long}"}}"#)),
    ] {
        let error: BadCommand = Intent::parse(name, &data).unwrap_err();
        assert!(error.to_string().len() < 600, "{} characters", error.to_string().len());
    }
    let error = long.parse::<domain::UserId>().unwrap_err().to_string();
    assert!(error.len() < 200, "{error}");
}

#[test]
fn every_command_has_a_name_of_its_own_in_the_imperative() {
    let mut names: Vec<&str> = INTENTS.iter().map(|(name, _)| *name).collect();
    for name in &names {
        let (context, verb) = name.split_once('.').unwrap();
        assert!(!context.is_empty() && !verb.is_empty(), "{name}");
        assert!(!verb.split('_').any(|word| word.ends_with("ed")), "{name} sounds like an event");
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), INTENTS.len());
}

//! Posting, editing, deleting, reacting.

use domain::{
    Event, MessageId, UserId,
    chat::{
        AddReaction, DeleteMessage, EditMessage, MAX_REACTION, MAX_TEXT, MemberLeft, MessageDeleted,
        MessageEdited, MessagePosted, OpenRoom, PostMessage, ReactionAdded, ReactionRemoved, RemoveReaction,
        RoomOpened,
    },
};

use super::{
    THIS, given,
    rooms::{attic, lobby},
};
use crate::common::{ADA, BO, CYRIL, OLGA, message, room};

/// The message that is there already, posted by Ada.
fn first() -> MessageId {
    message(1)
}

fn posted(address: &str, private: bool, text: &str) -> MessagePosted {
    MessagePosted {
        room: room(address),
        private,
        message: first(),
        author: ADA,
        name: "Ada".into(),
        text: text.into(),
        reply_to: None,
    }
}

fn in_the_lobby() -> Vec<Event> {
    vec![lobby(), posted("lobby", false, "hello").into()]
}

fn in_the_attic(others: &[UserId]) -> Vec<Event> {
    attic(others).into_iter().chain([posted("attic", true, "hush").into()]).collect()
}

fn deleted_in_the_lobby() -> Vec<Event> {
    in_the_lobby().into_iter().chain([deleted("lobby", false, ADA)]).collect()
}

fn deleted(address: &str, private: bool, by: UserId) -> Event {
    MessageDeleted { room: room(address), private, message: first(), by }.into()
}

fn edited(text: &str) -> Event {
    MessageEdited { room: room("lobby"), private: false, message: first(), text: text.into() }.into()
}

fn post(address: &str, text: &str) -> PostMessage {
    PostMessage { room: room(address), text: text.into(), reply_to: None }
}

fn edit(address: &str, text: &str) -> EditMessage {
    EditMessage { room: room(address), message: first(), text: text.into() }
}

fn delete(address: &str) -> DeleteMessage {
    DeleteMessage { room: room(address), message: first() }
}

fn react(reaction: &str) -> AddReaction {
    AddReaction { room: room("lobby"), message: first(), reaction: reaction.into() }
}

fn unreact(reaction: &str) -> RemoveReaction {
    RemoveReaction { room: room("lobby"), message: first(), reaction: reaction.into() }
}

fn reaction_added(user: UserId, reaction: &str) -> Event {
    ReactionAdded { room: room("lobby"), private: false, message: first(), user, reaction: reaction.into() }
        .into()
}

#[test]
fn a_message_has_the_id_of_its_command_and_the_name_of_its_author() {
    let expected = |address, private, text| {
        let posted = posted(address, private, text);
        MessagePosted { message: message(THIS), author: BO, name: "Bo".into(), ..posted }.into()
    };
    given([lobby()]).when(BO, post("lobby", " hi\r\nall \n")).then([expected("lobby", false, "hi\nall")]);
    given(attic(&[BO])).when(BO, post("attic", "hi")).then([expected("attic", true, "hi")]);
}

#[test]
fn a_message_is_of_1_to_4000_visible_characters() {
    let longest = "é".repeat(MAX_TEXT);
    given([lobby()]).when(ADA, post("lobby", &longest)).then([MessagePosted {
        message: message(THIS),
        ..posted("lobby", false, &longest)
    }
    .into()]);
    for (bad, code) in [
        ("", "chat.message_empty"),
        (" \r\n\t ", "chat.message_empty"),
        ("\u{200B}\u{2060}", "chat.message_empty"),
        ("a\u{7}b", "chat.message_control_characters"),
        ("a\u{0}", "chat.message_control_characters"),
        ("a\rb", "chat.message_control_characters"),
        ("a\u{85}b", "chat.message_control_characters"),
        ("pay \u{202E}adA", "chat.message_control_characters"),
        (&(longest + "é"), "chat.message_too_long"),
        (&"x".repeat(5_000), "chat.message_too_long"),
    ] {
        given([lobby()]).when(ADA, post("lobby", bad)).then_refused(code);
        given(in_the_lobby()).when(ADA, edit("lobby", bad)).then_refused(code);
    }
}

#[test]
fn nothing_is_said_where_there_is_no_room() {
    given([]).when(ADA, post("lobby", "hi")).then_refused("chat.no_room");
}

#[test]
fn who_left_a_private_room_neither_posts_nor_edits_nor_deletes_there() {
    let ada_left: Event = MemberLeft { room: room("attic"), user: ADA }.into();
    let then = given(in_the_attic(&[BO]).into_iter().chain([ada_left]));
    then.when(ADA, post("attic", "hi")).then_refused("chat.no_room");
    then.when(ADA, edit("attic", "hi")).then_refused("chat.no_room");
    then.when(ADA, delete("attic")).then_refused("chat.no_room");
}

#[test]
fn a_reply_answers_a_message_of_the_same_room() {
    let reply = |address| PostMessage { reply_to: Some(first()), ..post(address, "yes") };
    let answer: Event = MessagePosted {
        message: message(THIS),
        author: BO,
        name: "Bo".into(),
        reply_to: Some(first()),
        ..posted("lobby", false, "yes")
    }
    .into();
    given(in_the_lobby()).when(BO, reply("lobby")).then([answer.clone()]);
    // The person who answers may not have seen yet that it was deleted; what they wrote is not lost.
    given(deleted_in_the_lobby()).when(BO, reply("lobby")).then([answer]);
    given([lobby()]).when(BO, reply("lobby")).then_refused("chat.no_message");
    let garden: Event =
        RoomOpened { room: room("garden"), title: "Garden".into(), private: false, by: BO }.into();
    given(in_the_lobby().into_iter().chain([garden]))
        .when(BO, reply("garden"))
        .then_refused("chat.no_message");
}

#[test]
fn a_message_id_is_taken_once() {
    let taken = MessagePosted { message: message(THIS), ..posted("lobby", false, "hello") };
    given([lobby(), taken.into()]).when(BO, post("lobby", "hi")).then_refused("chat.message_exists");
}

#[test]
fn the_author_edits_and_the_same_text_again_changes_nothing() {
    given(in_the_lobby()).when(ADA, edit("lobby", " hello you ")).then([edited("hello you")]);
    given(in_the_lobby()).when(ADA, edit("lobby", "hello ")).then_nothing();
    let twice = in_the_lobby().into_iter().chain([edited("hello you")]);
    given(twice).when(ADA, edit("lobby", "hello")).then([edited("hello")]);
}

#[test]
fn nobody_puts_words_into_somebody_elses_mouth() {
    for other in [BO, OLGA, CYRIL] {
        given(in_the_lobby()).when(other, edit("lobby", "I owe you")).then_refused("chat.not_author");
    }
}

#[test]
fn a_deleted_message_is_not_edited_and_not_reacted_to() {
    let then = given(deleted_in_the_lobby());
    then.when(ADA, edit("lobby", "again")).then_refused("chat.message_deleted");
    then.when(BO, react("👍")).then_refused("chat.message_deleted");
    then.when(BO, unreact("👍")).then_refused("chat.message_deleted");
}

#[test]
fn a_message_is_found_in_its_own_room_only() {
    let then = given(attic(&[]).into_iter().chain(in_the_lobby()));
    then.when(ADA, edit("attic", "hi")).then_refused("chat.no_message");
    then.when(ADA, delete("attic")).then_refused("chat.no_message");
    given([lobby()]).when(ADA, edit("lobby", "hi")).then_refused("chat.no_message");
    given([lobby()]).when(ADA, delete("lobby")).then_refused("chat.no_message");
    given([lobby()]).when(ADA, react("👍")).then_refused("chat.no_message");
}

#[test]
fn the_author_deletes_and_deleting_again_changes_nothing() {
    given(in_the_lobby()).when(ADA, delete("lobby")).then([deleted("lobby", false, ADA)]);
    given(in_the_attic(&[])).when(ADA, delete("attic")).then([deleted("attic", true, ADA)]);
    given(deleted_in_the_lobby()).when(ADA, delete("lobby")).then_nothing();
}

#[test]
fn staff_delete_what_anybody_said_in_a_public_room() {
    for staff in [BO, OLGA] {
        given(in_the_lobby()).when(staff, delete("lobby")).then([deleted("lobby", false, staff)]);
    }
    given(in_the_lobby()).when(CYRIL, delete("lobby")).then_refused("chat.not_author");
}

#[test]
fn in_a_private_room_rank_deletes_nothing() {
    given(in_the_attic(&[])).when(OLGA, delete("attic")).then_refused("chat.no_room");
    given(in_the_attic(&[OLGA])).when(OLGA, delete("attic")).then_refused("chat.not_author");
}

#[test]
fn somebody_reacts_and_the_same_reaction_again_changes_nothing() {
    given(in_the_lobby()).when(BO, react(" 👍 ")).then([reaction_added(BO, "👍")]);
    let liked = in_the_lobby().into_iter().chain([reaction_added(BO, "👍")]);
    let then = given(liked);
    then.when(BO, react("👍")).then_nothing();
    then.when(BO, react("🎉")).then([reaction_added(BO, "🎉")]);
    then.when(ADA, react("👍")).then([reaction_added(ADA, "👍")]);
}

#[test]
fn a_reaction_is_taken_back_by_who_gave_it() {
    let removed = ReactionRemoved {
        room: room("lobby"),
        private: false,
        message: first(),
        user: BO,
        reaction: "👍".into(),
    };
    let then = given(in_the_lobby().into_iter().chain([reaction_added(BO, "👍")]));
    then.when(BO, unreact("👍")).then([removed.clone().into()]);
    then.when(ADA, unreact("👍")).then_nothing();
    then.when(BO, unreact("🎉")).then_nothing();
    let both = in_the_lobby().into_iter().chain([reaction_added(BO, "👍"), removed.into()]);
    given(both).when(BO, react("👍")).then([reaction_added(BO, "👍")]);
}

#[test]
fn a_reaction_is_one_short_word() {
    let longest = "x".repeat(MAX_REACTION);
    given(in_the_lobby()).when(BO, react(&longest)).then([reaction_added(BO, &longest)]);
    for bad in ["", " ", "a b", "a\nb", "a\u{7}", "\u{200B}", &(longest + "x")] {
        given(in_the_lobby()).when(BO, react(bad)).then_refused("chat.bad_reaction");
        given(in_the_lobby()).when(BO, unreact(bad)).then_refused("chat.bad_reaction");
    }
}

#[test]
fn the_same_room_is_opened_private_or_public_and_stays_so() {
    given(in_the_attic(&[]))
        .when(ADA, OpenRoom { room: room("attic"), title: "Attic".into(), private: false })
        .then_refused("chat.room_exists");
}

//! Opening rooms, membership, and how far somebody has read.

use domain::{
    Event, Position, UserId,
    chat::{
        AddMember, MAX_TITLE, MarkRead, MemberJoined, MemberLeft, OpenRoom, PostMessage, RemoveMember,
        RoomOpened, RoomRead,
    },
};
use uuid::Uuid;

use super::given;
use crate::common::{ADA, BO, CYRIL, OLGA, PEOPLE, room, server};

const NOBODY: UserId = UserId(Uuid::from_u128(0x404));

fn name(user: UserId) -> String {
    PEOPLE.iter().find(|(id, ..)| *id == user).expect("one of the people").2.into()
}

/// The public lobby, opened by Bo.
pub(super) fn lobby() -> Event {
    RoomOpened { room: room("lobby"), title: "The lobby".into(), private: false, by: BO }.into()
}

/// The private attic of Ada and whoever else is given.
pub(super) fn attic(others: &[UserId]) -> Vec<Event> {
    let opened = RoomOpened { room: room("attic"), title: "The attic".into(), private: true, by: ADA }.into();
    let members = [&[ADA], others].concat();
    [opened].into_iter().chain((1..=members.len()).map(|nth| joined(&members[..nth]))).collect()
}

/// The last of the members joins the others.
fn joined(members: &[UserId]) -> Event {
    let user = members[members.len() - 1];
    MemberJoined {
        room: room("attic"),
        title: "The attic".into(),
        user,
        name: name(user),
        members: members.iter().map(|member| (*member, name(*member))).collect(),
    }
    .into()
}

fn left(user: UserId) -> Event {
    MemberLeft { room: room("attic"), user }.into()
}

fn open(address: &str, private: bool) -> OpenRoom {
    OpenRoom { room: room(address), title: format!(" The {address} "), private }
}

fn add(address: &str, user: UserId) -> AddMember {
    AddMember { room: room(address), user }
}

fn remove(address: &str, user: UserId) -> RemoveMember {
    RemoveMember { room: room(address), user }
}

fn read(address: &str, upto: u64) -> MarkRead {
    MarkRead { room: room(address), upto: Position(upto) }
}

#[test]
fn anybody_signed_in_opens_a_room() {
    given([]).when(BO, open("lobby", false)).then([lobby()]);
}

#[test]
fn who_opens_a_private_room_is_its_first_member() {
    given([]).when(ADA, open("attic", true)).then(attic(&[]));
}

#[test]
fn an_address_is_taken_once_whoever_sees_the_room() {
    given([lobby()]).when(ADA, open("lobby", true)).then_refused("chat.room_exists");
    given(attic(&[])).when(BO, open("attic", false)).then_refused("chat.room_exists");
}

#[test]
fn a_title_is_one_visible_line_of_at_most_60_characters() {
    let titled = |title: &str| OpenRoom { room: room("lobby"), title: title.into(), private: false };
    let long = "é".repeat(MAX_TITLE);
    given([]).when(BO, titled(&long)).then([RoomOpened {
        room: room("lobby"),
        title: long.clone(),
        private: false,
        by: BO,
    }
    .into()]);
    for bad in ["", "  ", "a\u{0}b", "a\nb", "a\u{2066}b", "\u{200B}", &(long + "é")] {
        given([]).when(BO, titled(bad)).then_refused("chat.bad_title");
    }
}

#[test]
fn rooms_are_for_people_who_are_signed_in() {
    let lobby_is_there = given([lobby()]);
    for actor in [domain::Actor::User(NOBODY), server(), domain::Actor::External("irc".into())] {
        let refused = |intent: domain::Intent| {
            lobby_is_there.when_actor(actor.clone(), intent).then_refused("account.sign_in_first");
        };
        refused(open("garden", false).into());
        refused(add("lobby", ADA).into());
        refused(remove("lobby", ADA).into());
        refused(read("lobby", 1).into());
        refused(PostMessage { room: room("lobby"), text: "hi".into(), reply_to: None }.into());
    }
}

#[test]
fn a_member_lets_others_into_a_private_room() {
    given(attic(&[])).when(ADA, add("attic", BO)).then([joined(&[ADA, BO])]);
    given(attic(&[BO])).when(BO, add("attic", CYRIL)).then([joined(&[ADA, BO, CYRIL])]);
}

#[test]
fn letting_a_member_in_again_changes_nothing() {
    given(attic(&[BO])).when(ADA, add("attic", BO)).then_nothing();
}

#[test]
fn nobody_is_let_in_who_is_not_there() {
    given(attic(&[])).when(ADA, add("attic", NOBODY)).then_refused("account.unknown");
}

#[test]
fn a_public_room_has_no_member_list() {
    given([lobby()]).when(ADA, add("lobby", BO)).then_refused("chat.not_private");
    given([lobby()]).when(ADA, remove("lobby", ADA)).then_refused("chat.not_private");
}

#[test]
fn no_rank_opens_a_private_room_and_the_answer_does_not_tell_that_it_exists() {
    for stranger in [BO, OLGA, CYRIL] {
        let intents: [domain::Intent; 4] = [
            add("attic", stranger).into(),
            remove("attic", ADA).into(),
            read("attic", 0).into(),
            PostMessage { room: room("attic"), text: "hi".into(), reply_to: None }.into(),
        ];
        for intent in intents {
            let hidden = given(attic(&[])).when(stranger, intent.clone()).then_refused("chat.no_room");
            let absent = given([]).when(stranger, intent).then_refused("chat.no_room");
            assert_eq!(hidden, absent);
        }
    }
}

#[test]
fn a_member_leaves_and_a_member_puts_another_out() {
    given(attic(&[BO])).when(BO, remove("attic", BO)).then([left(BO)]);
    given(attic(&[BO])).when(BO, remove("attic", ADA)).then([left(ADA)]);
}

#[test]
fn putting_out_who_is_not_in_changes_nothing() {
    given(attic(&[])).when(ADA, remove("attic", CYRIL)).then_nothing();
    given(attic(&[])).when(ADA, remove("attic", NOBODY)).then_nothing();
}

#[test]
fn who_was_put_out_is_a_stranger_again_until_let_in() {
    let put_out = || attic(&[BO]).into_iter().chain([left(BO)]);
    given(put_out()).when(BO, add("attic", BO)).then_refused("chat.no_room");
    given(put_out()).when(ADA, add("attic", BO)).then([joined(&[ADA, BO])]);
}

#[test]
fn somebody_reads_a_room_up_to_where_the_log_is() {
    let so_far = |upto| Event::from(RoomRead { room: room("lobby"), user: ADA, upto: Position(upto) });
    // Four people and one room: the head is at 5.
    given([lobby()]).when(ADA, read("lobby", 5)).then([so_far(5)]);
    given([lobby()]).when(ADA, read("lobby", 6)).then_refused("chat.read_past_head");
    given([lobby(), so_far(4)]).when(ADA, read("lobby", 5)).then([so_far(5)]);
    given([lobby(), so_far(4)]).when(ADA, read("lobby", 4)).then_nothing();
    given([lobby(), so_far(4)]).when(ADA, read("lobby", 2)).then_nothing();
}

#[test]
fn reading_is_remembered_by_person_and_room() {
    let other_room = RoomRead { room: room("garden"), user: ADA, upto: Position(5) }.into();
    let other_person = RoomRead { room: room("lobby"), user: BO, upto: Position(5) }.into();
    given([lobby(), other_room, other_person]).when(ADA, read("lobby", 1)).then([RoomRead {
        room: room("lobby"),
        user: ADA,
        upto: Position(1),
    }
    .into()]);
}

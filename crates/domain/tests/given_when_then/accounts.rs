//! Opening accounts, names, roles, sessions.

use domain::{
    Actor, Event, SessionId, UserId,
    account::{
        ChangeProfile, ChangeRole, EndSession, MAX_NAME, ProfileChanged, Register, Registered, Role,
        RoleChanged, SessionEnded,
    },
};
use uuid::Uuid;

use super::given;
use crate::common::{ADA, BO, CYRIL, OLGA, server};

const NOBODY: UserId = UserId(Uuid::from_u128(0x404));
const SESSION: SessionId = SessionId(Uuid::from_u128(0x5e55));

fn register(name: &str) -> Register {
    let handle = "dora".parse().expect("a valid handle");
    Register { user: NOBODY, handle, name: name.into(), role: Role::Customer }
}

fn role_changed(user: UserId, role: Role, by: Actor) -> Event {
    RoleChanged { user, role, by }.into()
}

#[test]
fn the_server_opens_an_account_and_the_name_is_trimmed() {
    given([]).when_actor(server(), register("  Dora ")).then([Registered {
        user: NOBODY,
        handle: "dora".parse().unwrap(),
        name: "Dora".into(),
        role: Role::Customer,
    }
    .into()]);
}

#[test]
fn nobody_but_the_server_opens_an_account() {
    for actor in [Actor::User(OLGA), Actor::User(NOBODY), Actor::External("shop".into())] {
        given([]).when_actor(actor, register("Dora")).then_refused("account.forbidden");
    }
}

#[test]
fn an_account_is_opened_once() {
    let again = Register { user: ADA, ..register("Ada") };
    given([]).when_actor(server(), again).then_refused("account.handle_taken");
}

#[test]
fn a_name_is_one_visible_line_of_at_most_40_characters() {
    let long = "é".repeat(MAX_NAME);
    given([]).when(ADA, ChangeProfile { name: long.clone() }).then([ProfileChanged {
        user: ADA,
        name: long.clone(),
    }
    .into()]);
    let too_long = long + "é";
    for bad in ["", " \t ", "a\u{7}b", "a\nb", "a\tb", "a\u{202E}b", "\u{200B}", &too_long] {
        given([]).when_actor(server(), register(bad)).then_refused("account.bad_name");
        given([]).when(ADA, ChangeProfile { name: bad.into() }).then_refused("account.bad_name");
    }
}

#[test]
fn somebody_changes_the_name_they_are_shown_by() {
    let wish = || ChangeProfile { name: "Ada L.".into() };
    let changed = || Event::from(ProfileChanged { user: ADA, name: "Ada L.".into() });
    given([]).when(ADA, wish()).then([changed()]);
    given([changed()]).when(ADA, wish()).then_nothing();
}

#[test]
fn only_people_have_a_profile() {
    for actor in [Actor::User(NOBODY), server(), Actor::External("shop".into())] {
        given([]).when_actor(actor, ChangeProfile { name: "X".into() }).then_refused("account.sign_in_first");
    }
}

#[test]
fn an_operator_and_a_service_give_roles() {
    let wish = || ChangeRole { user: ADA, role: Role::Desk };
    given([]).when(OLGA, wish()).then([role_changed(ADA, Role::Desk, Actor::User(OLGA))]);
    given([]).when_actor(server(), wish()).then([role_changed(ADA, Role::Desk, server())]);
}

#[test]
fn giving_the_role_somebody_has_changes_nothing() {
    given([]).when(OLGA, ChangeRole { user: BO, role: Role::Desk }).then_nothing();
}

#[test]
fn nobody_below_an_operator_gives_roles_not_even_to_themselves() {
    for who in [ADA, BO] {
        for whom in [ADA, BO, OLGA, NOBODY] {
            given([])
                .when(who, ChangeRole { user: whom, role: Role::Operator })
                .then_refused("account.forbidden");
        }
    }
    let wish = || ChangeRole { user: ADA, role: Role::Desk };
    given([]).when(NOBODY, wish()).then_refused("account.sign_in_first");
    given([]).when_actor(Actor::External("shop".into()), wish()).then_refused("account.sign_in_first");
}

#[test]
fn who_is_no_operator_any_more_gives_no_roles() {
    given([role_changed(OLGA, Role::Desk, server())])
        .when(OLGA, ChangeRole { user: CYRIL, role: Role::Desk })
        .then_refused("account.forbidden");
}

#[test]
fn nobody_is_given_a_role_who_is_not_there() {
    given([]).when(OLGA, ChangeRole { user: NOBODY, role: Role::Desk }).then_refused("account.unknown");
}

#[test]
fn a_person_and_the_server_end_the_persons_session() {
    let wish = || EndSession { user: ADA, session: SESSION };
    let ended = || Event::from(SessionEnded { user: ADA, session: SESSION });
    given([]).when(ADA, wish()).then([ended()]);
    given([]).when_actor(server(), wish()).then([ended()]);
}

#[test]
fn nobody_ends_somebody_elses_session_not_even_an_operator() {
    for who in [BO, OLGA, CYRIL, NOBODY] {
        given([]).when(who, EndSession { user: ADA, session: SESSION }).then_refused("account.forbidden");
    }
}

#[test]
fn who_is_not_there_has_no_session() {
    let wish = || EndSession { user: NOBODY, session: SESSION };
    given([]).when(NOBODY, wish()).then_refused("account.unknown");
    given([]).when_actor(server(), wish()).then_refused("account.unknown");
}

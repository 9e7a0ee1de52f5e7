//! Accounts: who there is and what they may do. Credentials and session tokens are not here and not in
//! any event; the store keeps them, hashed.

use serde::{Deserialize, Serialize};

use crate::{
    command::{Actor, Command, Decision, RefusalKind, refusals},
    contract::Event,
    decide::State,
    ids::{Handle, SessionId, UserId},
    scope::Scopes,
    text::{self, TextFault},
    time::Timestamp,
};

/// The longest display name, in characters.
pub const MAX_NAME: usize = 40;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Buys and chats.
    #[default]
    Customer,
    /// Runs the desk.
    Desk,
    /// Watches and mends the system.
    Operator,
}

impl Role {
    /// Whether the role belongs to the staff.
    #[must_use]
    pub fn is_staff(self) -> bool {
        self >= Role::Desk
    }
}

/// Somebody as the pages and the API show them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who.
    pub user: UserId,
    /// What they sign in with and are mentioned by.
    pub handle: Handle,
    /// What they are shown as.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// A session as its owner sees it: signed in somewhere, or a token that was given to a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Which. Not a credential.
    pub id: SessionId,
    /// What its owner calls it, if it is a token; nothing, if somebody has signed in.
    pub name: Option<String>,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it began.
    pub created: Timestamp,
    /// When it ends by itself.
    pub expires: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })+) => {$(
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        $(#[$doc])*
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }
    )+};
}
pub(crate) use payloads;

payloads! {
    /// See [`crate::Event::AccountRegistered`].
    Registered {
        /// The new person.
        user: UserId,
        /// What they sign in with.
        handle: Handle,
        /// What they are shown as.
        name: String,
        /// What they may do.
        role: Role,
    }
    /// See [`crate::Event::AccountProfileChanged`].
    ProfileChanged {
        /// Who.
        user: UserId,
        /// What they are shown as from now on.
        name: String,
    }
    /// See [`crate::Event::AccountRoleChanged`].
    RoleChanged {
        /// Who.
        user: UserId,
        /// What they may do from now on.
        role: Role,
        /// Which operator or service decided it.
        by: Actor,
    }
    /// See [`crate::Event::AccountSessionEnded`].
    SessionEnded {
        /// Whose session.
        user: UserId,
        /// Which session.
        session: SessionId,
    }
    /// Command `account.register`.
    #[serde(deny_unknown_fields)]
    Register {
        /// The id the new person shall have.
        user: UserId,
        /// What they sign in with.
        handle: Handle,
        /// What they are shown as.
        name: String,
        /// What they may do.
        role: Role,
    }
    /// Command `account.change_profile`.
    #[serde(deny_unknown_fields)]
    ChangeProfile {
        /// What to be shown as.
        name: String,
    }
    /// Command `account.change_role`.
    #[serde(deny_unknown_fields)]
    ChangeRole {
        /// Who.
        user: UserId,
        /// The role to give.
        role: Role,
    }
    /// Command `account.end_session`.
    #[serde(deny_unknown_fields)]
    EndSession {
        /// Whose session.
        user: UserId,
        /// Which session.
        session: SessionId,
    }
}

refusals! {
    /// The handle belongs to somebody else.
    HandleTaken {
        /// The handle.
        handle: Handle,
    } = Conflict "account.handle_taken" "The handle “{handle}” is taken. Try another one.";
    /// The name is empty, too long or has control characters.
    BadName = Invalid "account.bad_name" "A name has 1 to {MAX_NAME} characters and no control characters.";
    /// Nobody has this id.
    Unknown = NotFound "account.unknown" "There is no such person.";
    /// Only for operators, the person themselves, or the server.
    Forbidden = Forbidden "account.forbidden" "You may not do this to somebody else's account.";
    /// The actor is not a registered person.
    SignInFirst = Forbidden "account.sign_in_first" "Sign in to do this.";
    /// Only for those who run the desk.
    StaffOnly = Forbidden "account.staff_only" "Only the shop's staff may do this.";
    /// Only for Hubbub itself.
    ServiceOnly = Forbidden "account.service_only" "Only the shop's own services may do this.";
}

impl From<TextFault> for Refusal {
    fn from(_: TextFault) -> Self {
        Refusal::BadName
    }
}

/// What the stream `account-<user>` has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who.
    pub user: UserId,
    /// What they are shown as.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// Folds one event of the stream.
pub fn fold(account: &mut Option<Account>, event: &Event) {
    match (event, account) {
        (Event::AccountRegistered(e), account) => {
            *account = Some(Account { user: e.user, name: e.name.clone(), role: e.role });
        }
        (Event::AccountProfileChanged(e), Some(account)) => account.name.clone_from(&e.name),
        (Event::AccountRoleChanged(e), Some(account)) => account.role = e.role,
        _ => {}
    }
}

/// Folds one event of the stream into what pages show of a person.
pub fn fold_person(person: &mut Option<Person>, event: &Event) {
    match (event, person) {
        (Event::AccountRegistered(e), person) => {
            *person =
                Some(Person { user: e.user, handle: e.handle.clone(), name: e.name.clone(), role: e.role });
        }
        (Event::AccountProfileChanged(e), Some(person)) => person.name.clone_from(&e.name),
        (Event::AccountRoleChanged(e), Some(person)) => person.role = e.role,
        _ => {}
    }
}

/// The person who acts, if registered.
pub(crate) fn acting<'a>(state: &'a State, command: &Command) -> Result<&'a Account, Refusal> {
    command.actor.user().and_then(|user| state.account(user)).ok_or(Refusal::SignInFirst)
}

/// The person who acts, if they are of the staff.
pub(crate) fn staff<'a>(state: &'a State, command: &Command) -> Result<&'a Account, Refusal> {
    let me = acting(state, command)?;
    if me.role.is_staff() { Ok(me) } else { Err(Refusal::StaffOnly) }
}

/// What only a service may do.
pub(crate) fn service(command: &Command) -> Result<(), Refusal> {
    if is_service(command) { Ok(()) } else { Err(Refusal::ServiceOnly) }
}

/// What the staff may do, and a service that sets a shop up.
pub(crate) fn staff_or_service(state: &State, command: &Command) -> Result<(), Refusal> {
    if is_service(command) { Ok(()) } else { staff(state, command).map(|_| ()) }
}

fn is_service(command: &Command) -> bool {
    matches!(command.actor, Actor::Service(_))
}

pub(crate) fn register(state: &State, command: &Command, wanted: &Register) -> Decision {
    if !is_service(command) {
        return Err(Refusal::Forbidden.into());
    }
    let name = text::line(&wanted.name, MAX_NAME).map_err(Refusal::from)?;
    if state.account(wanted.user).is_some() {
        return Err(Refusal::HandleTaken { handle: wanted.handle.clone() }.into());
    }
    let registered = Registered { user: wanted.user, handle: wanted.handle.clone(), name, role: wanted.role };
    Ok(vec![registered.into()])
}

pub(crate) fn change_profile(state: &State, command: &Command, wanted: &ChangeProfile) -> Decision {
    let me = acting(state, command)?;
    let name = text::line(&wanted.name, MAX_NAME).map_err(Refusal::from)?;
    if name == me.name {
        return Ok(vec![]);
    }
    Ok(vec![ProfileChanged { user: me.user, name }.into()])
}

pub(crate) fn change_role(state: &State, command: &Command, wanted: &ChangeRole) -> Decision {
    if !is_service(command) && acting(state, command)?.role != Role::Operator {
        return Err(Refusal::Forbidden.into());
    }
    let account = state.account(wanted.user).ok_or(Refusal::Unknown)?;
    if account.role == wanted.role {
        return Ok(vec![]);
    }
    let changed = RoleChanged { user: wanted.user, role: wanted.role, by: command.actor.clone() };
    Ok(vec![changed.into()])
}

pub(crate) fn end_session(state: &State, command: &Command, wanted: &EndSession) -> Decision {
    if !is_service(command) && command.actor.user() != Some(wanted.user) {
        return Err(Refusal::Forbidden.into());
    }
    state.account(wanted.user).ok_or(Refusal::Unknown)?;
    Ok(vec![SessionEnded { user: wanted.user, session: wanted.session }.into()])
}

//! People in a list; and who is in a private room, with the ways in and out.

use domain::{Intent, UserId, account::Person, chat};
use leptos::{ev, prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;

use super::{find, present::HereCount, room::room};
use crate::{
    calls,
    context::page,
    fault::Fault,
    forms::{self, CommandFields, FormError},
    outbox::fresh_id,
    presence::{presence, word},
    ui::{Face, Icon, dynamic},
};

/// The list, folded into the room's heading. `found` is whom the address asked for.
#[component]
pub(super) fn Members(found: Option<Result<Person, Fault>>) -> impl IntoView {
    let state = room();
    let me = page().viewer.as_ref().map(|person| person.user);
    let members = Memo::new(move |_| {
        let mut members: Vec<(UserId, String)> =
            state.feed(|feed| feed.members.iter().map(|(user, name)| (*user, name.clone())).collect());
        members.sort_by_cached_key(|(_, name)| name.to_lowercase());
        members
    });
    let (who, others) = (presence(), members);
    let here = Memo::new(move |_| {
        others.with(|members| members.iter().filter(|(user, _)| who.is_here(*user)).count())
    });
    let fault = RwSignal::new(match &found {
        Some(Err(fault)) => Some(fault.why.clone()),
        _ => page().refused("chat.remove_member").map(|refused| refused.why.clone()),
    });
    let open = found.is_some() || fault.get_untracked().is_some();
    let navigate = use_navigate();

    // Removing is the same form everywhere; leaving leads away.
    let remove = move |event: ev::SubmitEvent| {
        let Some((_, fields)) = forms::submitted(&event) else { return };
        let Ok(intent) = forms::intent(&fields) else { return };
        event.prevent_default();
        let leaves = matches!(&intent, Intent::ChatRemoveMember(wanted) if Some(wanted.user) == me);
        let navigate = navigate.clone();
        spawn_local(async move {
            match calls::execute(fresh_id(), &intent).await {
                Ok(_) if leaves => navigate("/chat", leptos_router::NavigateOptions::default()),
                Ok(_) => drop(fault.try_set(None)),
                Err(refusal) => drop(fault.try_set(Some(refusal.why))),
            }
        });
    };

    view! {
        <details class="members" open=open>
            <summary class="button quiet small">
                <Icon icon=icondata_lu::LuUsers />
                <span class="members-word">"Members"</span>
                <span class="members-count">{dynamic(move || members.with(Vec::len))}</span>
                <HereCount count=here />
            </summary>
            <div class="members-panel">
                <FormError id="members-error" fault />
                <ul class="members-list" on:submit=remove>
                    <People people=members removable=true />
                </ul>
                {found.and_then(Result::ok).map(|person| view! { <Found person /> })}
                <LetIn fault />
            </div>
        </details>
    }
}

/// People as the items of a list, each with what they do now.
#[component]
pub(super) fn People(
    people: Memo<Vec<(UserId, String)>>,
    /// Whether they can be put out of the room.
    removable: bool,
) -> impl IntoView {
    let me = page().viewer.as_ref().map(|person| person.user);
    view! {
        <For each=move || people.get() key=Clone::clone let:person>
            <Member user=person.0 name=person.1 mine=me == Some(person.0) removable />
        </For>
    }
}

#[component]
fn Member(user: UserId, name: String, mine: bool, removable: bool) -> impl IntoView {
    let presence = presence();
    let word = Signal::derive(move || presence.state(user).map(word));
    let hint = if mine { " (you)" } else { "" };
    view! {
        <li class="member">
            <Face name=name.clone() user worded=true />
            <span class="member-name">
                {name.clone()} <span class="muted">{hint}</span>
                <span class="member-state">{dynamic(move || word.get())}</span>
            </span>
            {removable.then(|| view! { <Remove user name mine /> })}
        </li>
    }
}

#[component]
fn Remove(user: UserId, name: String, mine: bool) -> impl IntoView {
    let state = room();
    let room = state.room.with_value(ToString::to_string);
    let label = if mine { "Leave room".to_owned() } else { format!("Remove {name}") };
    // Leaving leads to the list; removing somebody leads back here.
    let next = if mine { "/chat".to_owned() } else { state.path() };
    view! {
        <form method="post" action=state.path()>
            <CommandFields command="chat.remove_member" form=user.to_string() />
            <input type="hidden" name="_next" value=next />
            <input type="hidden" name="room" value=room />
            <input type="hidden" name="user" value=user.to_string() />
            <button type="submit" class="icon-button" aria-label=label.clone() title=label>
                <Icon icon=if mine { icondata_lu::LuLogOut } else { icondata_lu::LuUserMinus } />
            </button>
        </form>
    }
}

/// Somebody found by handle, on a page without scripts: one more press lets them in.
#[component]
fn Found(person: Person) -> impl IntoView {
    let state = room();
    view! {
        <form class="found" method="post" action=state.path()>
            <CommandFields command="chat.add_member" form=person.user.to_string() />
            <input type="hidden" name="room" value=state.room.with_value(ToString::to_string) />
            <input type="hidden" name="user" value=person.user.to_string() />
            <span>{format!("{} (@{})", person.name, person.handle)}</span>
            <button type="submit" class="button small">{format!("Let {} in", person.name)}</button>
        </form>
    }
}

/// By handle: found first, then let in.
#[component]
fn LetIn(fault: RwSignal<Option<String>>) -> impl IntoView {
    let state = room();
    let busy = RwSignal::new(false);
    let submit = move |event: ev::SubmitEvent| {
        let Some((form, fields)) = forms::submitted(&event) else { return };
        event.prevent_default();
        let who = fields.get("who").cloned().unwrap_or_default();
        busy.set(true);
        spawn_local(async move {
            let added = async {
                let person = find(&who).await?;
                let add = chat::AddMember { room: state.room.get_value(), user: person.user };
                calls::execute(fresh_id(), &add.into()).await
            };
            let outcome = added.await;
            if outcome.is_ok() {
                form.reset();
            }
            let _ = fault.try_set(outcome.err().map(|fault| fault.why));
            let _ = busy.try_set(false);
        });
    };
    view! {
        <form class="let-in" method="get" action=state.path() on:submit=submit>
            <label for="let-in">"Add by handle"</label>
            <div class="let-in-row">
                <input
                    id="let-in"
                    name="who"
                    type="text"
                    required
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    placeholder="@handle"
                    aria-describedby="members-error"
                />
                <button type="submit" class="button small" disabled=busy>"Add"</button>
            </div>
        </form>
    }
}

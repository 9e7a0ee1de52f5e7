//! One message. Everything that can be done to it is a plain form; the feed takes the forms over once the page
//! is awake.

use domain::{MessageId, account::Role, order};
use leptos::{either::Either, html, prelude::*};

use super::{
    mentions::Cards,
    room::room,
    rows::{Quote, Reacted, Row, RowState},
};
use crate::{
    clock,
    context::page,
    forms::CommandFields,
    ui::{Face, Icon, Linked, dynamic, passing},
};

/// The reactions that are offered: the emoji and what it is called.
const REACTIONS: [(&str, &str); 6] = [
    ("👍", "Thumbs up"),
    ("❤️", "Heart"),
    ("🎉", "Party"),
    ("😄", "Laugh"),
    ("👀", "Looking"),
    ("✅", "Done"),
];

/// The message with this id.
#[component]
pub(super) fn Message(id: MessageId) -> impl IntoView {
    let state = room();
    let awake = clock::awake();
    let row = passing(move || state.rows.with(|rows| rows.iter().rev().find(|row| row.id == id).cloned()));
    // One small memo for each part, so that a part changes only when it must.
    let part =
        move |read: fn(&Row) -> bool| Memo::new(move |_| row.with(|row| row.as_ref().is_some_and(read)));
    let (head, mine, deleted) = (part(|row| row.head), part(|row| row.mine), part(|row| row.deleted));
    let first_new = part(|row| row.first_new);
    let day = passing(move || {
        let day = row.with(|row| row.as_ref().and_then(|row| row.day.clone()));
        day.map(|day| clock::day_label(&day, awake.get()))
    });
    let name =
        Memo::new(move |_| row.with(|row| row.as_ref().map(|row| row.name.clone()).unwrap_or_default()));
    let author = row.with_untracked(|row| row.as_ref().map(|row| row.author));
    let sent = part(|row| row.event.is_some() && !row.deleted);
    let editing = passing(move || state.editing.get() == Some(id) && mine.get() && !deleted.get());
    let reacting = passing(move || state.reacting.get() == Some(id) && sent.get());
    let signed_in = page().viewer.is_some();
    let event = Signal::derive(move || {
        row.with(|row| row.as_ref().and_then(|row| row.event).map(|event| event.to_string()))
    });
    let step = Signal::derive(move || {
        row.with(|row| match row.as_ref().map(|row| &row.state) {
            Some(RowState::Pending | RowState::Waiting) => "pending",
            Some(RowState::Failed { .. }) => "failed",
            Some(RowState::Sent) | None => "sent",
        })
    });

    view! {
        <article
            class="message"
            class:head=head
            class:mine=mine
            class:deleted=deleted
            class:busy=Memo::new(move |_| reacting.get() || editing.get())
            id=format!("m-{id}")
            tabindex="-1"
            data-message-id=id.to_string()
            data-event-id=event
            data-state=step
        >
            {dynamic(move || day.get().map(|day| view! { <p class="day"><span>{day}</span></p> }))}
            {dynamic(move || first_new.get().then(|| view! { <p class="new-line"><span>"New"</span></p> }))}
            <div class="message-body">
                <span class="message-side">{dynamic(move || author.map(|user| view! { <Face name=name.get() user /> }))}</span>
                <div class="message-main">
                    <p class="message-head">
                        <span class="message-who">{dynamic(move || name.get())}</span>
                        " "
                        <Time row />
                    </p>
                    {dynamic(move || row.with(|row| row.as_ref().and_then(|row| row.quote.clone())).map(|quote| view! { <Quoted quote /> }))}
                    {dynamic(move || {
                        if editing.get() {
                            Either::Left(view! { <Editor id row /> })
                        } else {
                            Either::Right(view! { <Words row /> })
                        }
                    })}
                    <Step row />
                    {dynamic(move || {
                        let reactions = row.with(|row| row.as_ref().map(|row| row.reactions.clone()).unwrap_or_default());
                        (!reactions.is_empty()).then(|| view! { <Reactions id reactions signed_in /> })
                    })}
                    {dynamic(move || (signed_in && reacting.get()).then(|| view! { <Picker id /> }))}
                </div>
                {dynamic(move || (signed_in && sent.get()).then(|| view! { <Actions id mine=mine.get() /> }))}
            </div>
        </article>
    }
}

#[component]
fn Time(row: Memo<Option<Row>>) -> impl IntoView {
    let time = Signal::derive(move || row.with(|row| row.as_ref().map(|row| row.time.to_string())));
    let clock = dynamic(move || row.with(|row| row.as_ref().map(|row| row.clock.clone())));
    view! { <time datetime=time>{clock}</time> }
}

#[component]
fn Quoted(quote: Quote) -> impl IntoView {
    let text = if quote.text.is_empty() { "Message deleted".to_owned() } else { quote.text };
    view! {
        <a class="quote" href=format!("#m-{}", quote.id) rel="external">
            <span class="quote-who">{quote.name}</span>
            " "
            <span class="quote-text">{text}</span>
        </a>
    }
}

#[component]
fn Words(row: Memo<Option<Row>>) -> impl IntoView {
    let said = Memo::new(move |_| {
        row.with(|row| {
            row.as_ref().map(|row| (row.text.clone(), row.edited, row.deleted)).unwrap_or_default()
        })
    });
    dynamic(move || {
        let (text, edited, deleted) = said.get();
        if deleted {
            Either::Left(view! { <p class="message-text gone">"Message deleted"</p> })
        } else {
            let names = order::mentions(&text);
            Either::Right(view! {
                <p class="message-text">
                    <Linked text /> {edited.then(|| view! { <span class="edited">" (edited)"</span> })}
                </p>
                {(!names.is_empty()).then(|| view! { <Cards names /> })}
            })
        }
    })
}

/// How far it has come, if that is worth a word.
#[component]
fn Step(row: Memo<Option<Row>>) -> impl IntoView {
    let step = Memo::new(move |_| {
        row.with(|row| row.as_ref().map(|row| (row.state.clone(), row.event.is_some(), row.deleted)))
    });
    dynamic(move || match step.get() {
        Some((RowState::Pending, false, _)) => Some(Either::Left(view! { <StepWord text="Sending…" /> })),
        Some((RowState::Waiting, _, _)) => {
            Some(Either::Left(view! { <StepWord text="Waiting to be sent" /> }))
        }
        Some((RowState::Failed { command, fault }, sent, _)) => {
            let what = if sent { "Not changed." } else { "Not sent." };
            Some(Either::Right(view! {
                <div class="message-failed" role="alert">
                    <Icon icon=icondata_lu::LuTriangleAlert />
                    <p>{format!("{what} {}", fault.why)}</p>
                    <button type="button" class="button small" data-act="retry" data-command=command.to_string()>
                        "Retry"
                    </button>
                    <button type="button" class="button quiet small" data-act="discard" data-command=command.to_string()>
                        "Discard"
                    </button>
                </div>
            }))
        }
        _ => None,
    })
}

#[component]
fn StepWord(text: &'static str) -> impl IntoView {
    view! { <p class="message-step">{text}</p> }
}

/// Which message a form is about.
#[component]
fn About(id: MessageId) -> impl IntoView {
    let room = room().room.with_value(ToString::to_string);
    view! {
        <input type="hidden" name="room" value=room />
        <input type="hidden" name="message" value=id.to_string() />
    }
}

#[component]
fn Editor(id: MessageId, row: Memo<Option<Row>>) -> impl IntoView {
    let state = room();
    let page = page();
    let refused = page
        .refused("chat.edit_message")
        .filter(|refused| refused.values.get("message") == Some(&id.to_string()));
    let why = refused.map(|refused| refused.why.clone());
    let text = refused
        .and_then(|refused| refused.values.get("text").cloned())
        .or_else(|| row.with_untracked(|row| row.as_ref().map(|row| row.text.clone())))
        .unwrap_or_default();
    let area = NodeRef::<html::Textarea>::new();
    Effect::new(move |_| {
        if let Some(area) = area.get() {
            // It fails only for an element that cannot have the focus.
            let _ = area.focus();
            let end = u32::try_from(area.value().encode_utf16().count()).unwrap_or(u32::MAX);
            let _ = area.set_selection_range(end, end);
        }
    });
    let keys = move |event: leptos::ev::KeyboardEvent| {
        if event.is_composing() {
            return;
        }
        match event.key().as_str() {
            "Escape" => {
                event.prevent_default();
                state.editing.set(None);
                super::feed::keep_focus(event.target());
            }
            "Enter" if !event.shift_key() => {
                event.prevent_default();
                if let Some(form) = area.get_untracked().and_then(|area| area.form()) {
                    // It fails only for a button that is not the form's.
                    let _ = form.request_submit();
                }
            }
            _ => {}
        }
    };
    view! {
        <form class="editor" method="post" action=state.path()>
            {why.map(|why| view! { <div class="form-error" role="alert"><p>{why}</p></div> })}
            <CommandFields command="chat.edit_message" form=id.to_string() />
            <About id />
            <textarea name="text" aria-label="Edit text" required rows="2" node_ref=area on:keydown=keys>
                {text}
            </textarea>
            <p class="editor-actions">
                <button type="submit" class="button small">"Save"</button>
                <a class="button quiet small" href=state.path() rel="external" data-act="cancel-edit">"Cancel"</a>
            </p>
        </form>
    }
}

#[component]
fn Reactions(id: MessageId, reactions: Vec<Reacted>, signed_in: bool) -> impl IntoView {
    view! {
        <div class="reactions">
            {reactions
                .into_iter()
                .map(|reacted| {
                    let Reacted { with, count, mine } = reacted;
                    let shown = format!("{with} {count}");
                    if !signed_in {
                        return Either::Left(view! { <span class="chip">{shown}</span> });
                    }
                    let command = if mine { "chat.remove_reaction" } else { "chat.add_reaction" };
                    Either::Right(
                        view! {
                            <form method="post" action=room().path()>
                                <CommandFields command form=format!("{id} {with}") />
                                <About id />
                                <input type="hidden" name="reaction" value=with />
                                <button type="submit" class="chip" aria-pressed=mine.to_string()>
                                    {shown}
                                </button>
                            </form>
                        },
                    )
                })
                .collect_view()}
        </div>
    }
}

#[component]
fn Picker(id: MessageId) -> impl IntoView {
    view! {
        <form class="picker" method="post" action=room().path()>
            <CommandFields command="chat.add_reaction" form=id.to_string() />
            <About id />
            {REACTIONS.into_iter()
                .map(|(emoji, name)| {
                    view! {
                        <button type="submit" name="reaction" value=emoji class="picker-choice" aria-label=name title=name>
                            {emoji}
                        </button>
                    }
                })
                .collect_view()}
        </form>
    }
}

/// What one can do to it. Seen when the message is pointed at, has the focus in it, or was touched.
#[component]
fn Actions(id: MessageId, mine: bool) -> impl IntoView {
    let state = room();
    let staff = page().viewer.as_ref().is_some_and(|person| person.role >= Role::Desk);
    let deletes =
        mine || (staff && !state.feed.with_value(|feed| feed.state.with_untracked(|feed| feed.private)));
    let value = id.to_string();
    let ask = move |name: &'static str, label: &'static str, icon: icondata_core::Icon| {
        view! {
            <button type="submit" class="icon-button" name=name value=value.clone() aria-label=label title=label>
                <Icon icon=icon />
            </button>
        }
    };
    view! {
        <div class="actions">
            <form method="get" action=state.path()>
                {ask("react", "React", icondata_lu::LuSmilePlus)} {ask("reply", "Reply", icondata_lu::LuReply)}
                {mine.then(|| ask("edit", "Edit", icondata_lu::LuPencil))}
            </form>
            {deletes
                .then(|| {
                    view! {
                        <form method="post" action=state.path()>
                            <CommandFields command="chat.delete_message" form=id.to_string() />
                            <About id />
                            <button type="submit" class="icon-button danger" aria-label="Delete" title="Delete">
                                <Icon icon=icondata_lu::LuTrash2 />
                            </button>
                        </form>
                    }
                })}
        </div>
    }
}

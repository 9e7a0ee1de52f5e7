//! The list of rooms: what was said last, and how much of it is unread.

use domain::{
    RoomId, Timestamp,
    views::{MOST_UNREAD, RoomList},
};
use leptos::{either::Either, prelude::*};
use leptos_router::components::A;

use super::open_room::OpenRoom;
use crate::{
    clock,
    context::page,
    live::LiveView,
    ui::{Icon, dynamic},
};

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    room: RoomId,
    title: String,
    private: bool,
    last: Option<Last>,
    unread: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Last {
    time: Timestamp,
    text: String,
}

/// By title, and not by what happened last: a line never moves away under the pointer.
fn lines(list: &RoomList) -> Vec<Line> {
    let mut lines: Vec<Line> = list
        .rooms
        .values()
        .map(|listed| Line {
            room: listed.room.clone(),
            title: listed.title.clone(),
            private: listed.private,
            last: listed.last.as_ref().map(|last| Last {
                time: last.time,
                text: match last.text.as_str() {
                    "" => "A message was deleted".to_owned(),
                    text => format!("{}: {text}", last.name),
                },
            }),
            unread: listed.unread.len(),
        })
        .collect();
    lines.sort_by_cached_key(|line| line.title.to_lowercase());
    lines
}

/// The list and, for whoever is signed in, the form that opens a room.
#[component]
pub(super) fn RoomsPanel(list: LiveView<RoomList>, current: Memo<Option<String>>) -> impl IntoView {
    let state = list.state.clone();
    let lines = Memo::new(move |_| state.with(lines));
    let signed_in = page().viewer.is_some();
    view! {
        <section class="rooms-panel" aria-labelledby="rooms-heading">
            <div class="rooms-head">
                <h2 id="rooms-heading">"Rooms"</h2>
            </div>
            <ul class="rooms">
                <For each=move || lines.get() key=|line| line.room.clone() let:line>
                    <RoomLine room=line.room lines current />
                </For>
            </ul>
            {dynamic(move || {
                lines
                    .with(Vec::is_empty)
                    .then(|| view! { <p class="rooms-none">"There is no room yet. Open the first one."</p> })
            })}
            {if signed_in {
                Either::Left(view! { <OpenRoom /> })
            } else {
                Either::Right(
                    view! {
                        <p class="rooms-visitor">
                            "You are looking around. " <a class="link" href="/sign-in?next=/chat">"Sign in"</a>
                            " to write, and to see your private rooms."
                        </p>
                    },
                )
            }}
        </section>
    }
}

#[component]
fn RoomLine(room: RoomId, lines: Memo<Vec<Line>>, current: Memo<Option<String>>) -> impl IntoView {
    let href = format!("/chat/{room}");
    let address = room.to_string();
    let line = Memo::new(move |_| lines.with(|lines| lines.iter().find(|line| line.room == room).cloned()));
    let awake = clock::awake();
    // The room one looks at is being read; its badge would only flash.
    let unread = Memo::new(move |_| {
        let open = current.with(|current| current.as_deref() == Some(address.as_str()));
        if open { 0 } else { line.with(|line| line.as_ref().map_or(0, |line| line.unread)) }
    });
    let private = move || line.with(|line| line.as_ref().is_some_and(|line| line.private));
    view! {
        <li>
            <A href=href attr:class="room-link">
                <span class="room-glyph">
                    {dynamic(move || {
                        if private() {
                            Either::Left(
                                view! {
                                    <Icon icon=icondata_lu::LuLock />
                                    <span class="visually-hidden">"Private: "</span>
                                },
                            )
                        } else {
                            Either::Right(view! { <Icon icon=icondata_lu::LuHash /> })
                        }
                    })}
                </span>
                <span class="room-title" class:unread=Memo::new(move |_| unread.get() > 0)>
                    {dynamic(move || line.with(|line| line.as_ref().map(|line| line.title.clone())))}
                </span>
                {dynamic(move || {
                    let last = line.with(|line| line.as_ref().and_then(|line| line.last.clone()))?;
                    Some(
                        view! {
                            <span class="room-last">{last.text}</span>
                            <time class="room-time" datetime=last.time.to_string()>
                                {clock::shown(last.time, awake.get()).clock}
                            </time>
                        },
                    )
                })}
                {dynamic(move || {
                    let unread = unread.get();
                    (unread > 0)
                        .then(|| {
                            let shown = if unread >= MOST_UNREAD { "99+".to_owned() } else { unread.to_string() };
                            view! {
                                <span class="badge" data-testid="unread">
                                    {shown}
                                    <span class="visually-hidden">" unread"</span>
                                </span>
                            }
                        })
                })}
            </A>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        View,
        views::{LastLine, ListKey, ListedRoom},
    };

    use super::*;

    fn listed(room: &str, title: &str, text: Option<&str>) -> (RoomId, ListedRoom) {
        let room: RoomId = room.parse().unwrap();
        let last = text.map(|text| LastLine {
            message: domain::MessageId(uuid::Uuid::nil()),
            time: Timestamp::default(),
            name: "Bo".into(),
            text: text.into(),
        });
        let listed = ListedRoom {
            room: room.clone(),
            title: title.into(),
            private: false,
            last,
            read: None,
            unread: [].into(),
        };
        (room, listed)
    }

    #[test]
    fn rooms_stand_by_title_and_say_what_was_last() {
        let mut list = RoomList::empty(&ListKey { viewer: None });
        list.rooms.extend([listed("a", "Zoo", Some("hi")), listed("b", "art", Some(""))]);
        let lines = lines(&list);
        assert_eq!(lines.iter().map(|line| line.title.as_str()).collect::<Vec<_>>(), ["art", "Zoo"]);
        assert_eq!(lines[0].last.as_ref().unwrap().text, "A message was deleted");
        assert_eq!(lines[1].last.as_ref().unwrap().text, "Bo: hi");
    }
}

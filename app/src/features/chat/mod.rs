//! Rooms and what is said in them.
//!
//! | module | holds |
//! |---|---|
//! | this | the page: the list of rooms beside one room |
//! | `rooms`, `open_room` | the list; the form that opens a room |
//! | `room` | one room: its signals, its heading |
//! | `feed` | the messages, where they are scrolled to, what is read |
//! | `message` | one message |
//! | `composer` | where one writes |
//! | `mentions` | the orders it speaks of |
//! | `members` | who is in a private room |
//! | `present` | who of a room is here |
//! | `typing`, `typists` | who is typing; the second is pure |
//! | `rows` | what a feed shows, pure |

mod composer;
mod feed;
mod members;
mod mentions;
mod message;
mod open_room;
mod present;
mod room;
mod rooms;
mod rows;
mod typing;
mod typists;

use std::collections::BTreeMap;

use domain::{
    Handle, MessageId, Position, RoomId,
    account::Person,
    order::OrderName,
    view::Snapshot,
    views::{FeedMessage, RoomFeed, RoomList},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use serde::{Deserialize, Serialize};

use self::{room::Room, rooms::RoomsPanel};
use crate::{calls, context::page, fault::Fault, live, ui::Problem};

/// What the address asks for besides the room: how a page without scripts edits, answers and looks back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// Messages from before this position.
    before: Option<Position>,
    /// Somebody to let in.
    who: Option<String>,
    /// The message to edit.
    edit: Option<MessageId>,
    /// The message to answer.
    reply: Option<MessageId>,
    /// The message to react to.
    react: Option<MessageId>,
}

impl Asked {
    fn of(query: &BTreeMap<&str, String>) -> Self {
        let message = |name: &str| query.get(name).and_then(|id| id.parse().ok());
        Self {
            before: query.get("before").and_then(|position| position.parse().ok()),
            who: query.get("who").cloned(),
            edit: message("edit"),
            reply: message("reply"),
            react: message("react"),
        }
    }
}

/// A room with all that its page shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Loaded {
    room: RoomId,
    feed: Snapshot<RoomFeed>,
    past: Option<Vec<FeedMessage>>,
    found: Option<Result<Person, Fault>>,
    /// The orders that it speaks of, as far as the reader may see them.
    orders: Option<mentions::Named>,
    asked: Asked,
}

async fn load(room: String, asked: Asked, signed_in: bool) -> Result<Loaded, Fault> {
    let room = RoomId::new(room).map_err(|bad| {
        crate::root::set_status(404);
        Fault::new("chat.not_found", format!("{bad}."))
    })?;
    let feed = calls::room_feed(room.clone()).await?;
    let past = match asked.before {
        Some(before) => Some(calls::earlier(room.clone(), before).await?),
        None => None,
    };
    let found = match &asked.who {
        Some(who) => Some(find(who).await),
        None => None,
    };
    let orders = match (signed_in, &past) {
        (false, _) => None,
        (true, Some(past)) => mentions::load(named(past.iter())).await,
        (true, None) => mentions::load(named(feed.view.messages.iter())).await,
    };
    Ok(Loaded { room, feed, past, found, orders, asked })
}

/// The orders that messages, the newest last, speak of.
fn named<'a>(messages: impl DoubleEndedIterator<Item = &'a FeedMessage>) -> Vec<OrderName> {
    mentions::names(messages.rev().map(|message| message.text.as_str()))
}

/// Who has a handle, written with or without an `@`.
async fn find(who: &str) -> Result<Person, Fault> {
    let handle = Handle::new(who.trim().trim_start_matches('@'))
        .map_err(|bad| Fault::new("account.bad_handle", format!("{bad}.")))?;
    calls::find_person(handle).await
}

/// The page: the list of rooms, and beside it one of them.
#[component]
pub fn Chat() -> impl IntoView {
    let params = use_params_map();
    let room = Memo::new(move |_| params.with(|params| params.get("room")));
    // What the address asks for besides holds for the room it was loaded with, not for the next one.
    let first = room.get_untracked();
    let asked = use_query_map().with_untracked(|query| {
        let names = ["before", "who", "edit", "reply", "react"];
        Asked::of(&names.into_iter().filter_map(|name| Some((name, query.get(name)?))).collect())
    });
    let signed_in = page().viewer.is_some();
    let list = Resource::new_blocking(|| (), |()| calls::room_list());
    let loaded = Resource::new_blocking(
        move || room.get(),
        move |room| {
            let asked = if room == first { asked.clone() } else { Asked::default() };
            async move {
                match room {
                    Some(room) => Some(load(room, asked, signed_in).await),
                    None => None,
                }
            }
        },
    );
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match list.await {
                    Ok(list) => view! { <Frame list room loaded /> }.into_any(),
                    Err(fault) => view! { <Problem fault /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

type Answer = Option<Result<Loaded, Fault>>;

#[component]
fn Frame(list: Snapshot<RoomList>, room: Memo<Option<String>>, loaded: Resource<Answer>) -> impl IntoView {
    let list = live::view::<RoomList>(list.view.key.clone(), list);
    let panel = list.clone();
    view! {
        <div class="chat" class:in-room=Memo::new(move |_| room.with(Option::is_some))>
            <RoomsPanel list=panel current=room />
            <div class="room-pane">
                <Transition fallback=|| view! { <div class="room-waiting" aria-hidden="true"></div> }>
                    {move || {
                        let list = list.clone();
                        Suspend::new(async move {
                            match loaded.await {
                                None => view! { <NoRoom /> }.into_any(),
                                Some(Ok(loaded)) => view! { <Room loaded list /> }.into_any(),
                                Some(Err(fault)) => {
                                    view! {
                                        <Title text="Not here" />
                                        <Problem fault />
                                    }
                                        .into_any()
                                }
                            }
                        })
                    }}
                </Transition>
            </div>
        </div>
    }
}

/// Beside the list, while no room is open.
#[component]
fn NoRoom() -> impl IntoView {
    view! {
        <Title text="Chat" />
        <section class="empty">
            <crate::ui::Icon icon=icondata_lu::LuMessagesSquare />
            <h1>"Pick a room"</h1>
            <p>"Choose one from the list, or open a new one. Private rooms show only to their members."</p>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_asks_nonsense_asks_nothing() {
        let query = BTreeMap::from([("before", "soon".to_owned()), ("edit", "x".to_owned())]);
        assert_eq!(Asked::of(&query), Asked::default());
        let query = BTreeMap::from([("before", "7".to_owned())]);
        assert_eq!(Asked::of(&query).before, Some(Position(7)));
    }
}

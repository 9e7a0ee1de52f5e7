//! Who of a room is here: of a private room its members, of a public one whoever wrote the messages at hand,
//! and in both whoever looks.

use std::collections::BTreeMap;

use domain::{UserId, grouped, views::RoomFeed};
use leptos::prelude::*;

use super::{members::People, room::room};
use crate::{context::page, presence::presence, ui::dynamic};

/// Everybody a public room knows of, by name; under the name they last wrote under.
fn authors(feed: &RoomFeed, viewer: Option<(UserId, String)>) -> Vec<(UserId, String)> {
    let written = feed.messages.iter().map(|message| (message.author, message.name.clone()));
    let by_user: BTreeMap<UserId, String> = written.chain(viewer).collect();
    let mut people: Vec<_> = by_user.into_iter().collect();
    people.sort_by_cached_key(|(_, name)| name.to_lowercase());
    people
}

/// In a public room's heading: how many are here, and who. Nothing while one is alone.
#[component]
pub(super) fn Here() -> impl IntoView {
    let state = room();
    let presence = presence();
    let viewer = page().viewer.as_ref().map(|person| (person.user, person.name.clone()));
    let me = viewer.as_ref().map(|(user, _)| *user);
    let people = Memo::new(move |_| state.feed(|feed| authors(feed, viewer.clone())));
    let here = Memo::new(move |_| {
        let mut people = people.get();
        people.retain(|(user, _)| presence.is_here(*user));
        people
    });
    let count = Memo::new(move |_| here.with(Vec::len));
    let alone = Memo::new(move |_| here.with(|here| here.iter().all(|(user, _)| Some(*user) == me)));
    dynamic(move || {
        (!alone.get()).then(|| {
            view! {
                <details class="members">
                    <summary class="button quiet small">
                        <HereCount count />
                    </summary>
                    <div class="members-panel">
                        <ul class="members-list" aria-label="Here now">
                            <People people=here removable=false />
                        </ul>
                    </div>
                </details>
            }
        })
    })
}

/// "3 here", with the dot that stands for it.
#[component]
pub(super) fn HereCount(count: Memo<usize>) -> impl IntoView {
    dynamic(move || {
        let count = count.get();
        (count > 0).then(|| {
            view! {
                <span class="here" data-testid="here" data-presence="online">
                    <span class="presence-dot" aria-hidden="true"></span>
                    <span>{format!("{} here", grouped(count))}</span>
                </span>
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use domain::{
        EventId, MessageId, Position, RoomId, Timestamp, View,
        views::{FeedKey, FeedMessage},
    };
    use uuid::Uuid;

    use super::*;

    fn message(nth: u64, author: u128, name: &str) -> FeedMessage {
        FeedMessage {
            id: MessageId(Uuid::from_u128(u128::from(nth))),
            event: EventId(Uuid::from_u128(u128::from(nth))),
            position: Position(nth),
            time: Timestamp::from_millis(0),
            author: UserId(Uuid::from_u128(author)),
            name: name.into(),
            text: String::new(),
            reply_to: None,
            edited: false,
            deleted: false,
            reactions: [].into(),
        }
    }

    #[test]
    fn everybody_is_named_once_under_their_newest_name_and_the_reader_is_one_of_them() {
        let mut feed = RoomFeed::empty(&FeedKey { room: RoomId::new("lobby").unwrap(), viewer: None });
        feed.messages.extend([message(1, 1, "Bob"), message(2, 2, "anna"), message(3, 1, "Bo")]);
        let viewer = (UserId(Uuid::from_u128(3)), "Ada".to_owned());
        let names = |viewer| authors(&feed, viewer).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(names(Some(viewer)), ["Ada", "anna", "Bo"]);
        assert_eq!(names(None), ["anna", "Bo"]);
    }
}

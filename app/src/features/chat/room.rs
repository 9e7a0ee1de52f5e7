//! One room: what its parts share, and its heading.

use std::collections::VecDeque;

use domain::{
    MessageId, Position, RoomId, View,
    account::Person,
    contract::Event,
    views::{FeedMessage, RoomFeed, RoomList, WINDOW},
};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;

use super::{
    Loaded,
    composer::Composer,
    feed::Feed,
    members::Members,
    mentions,
    present::Here,
    rows::{self, Reader, Row},
    typing::TypingLine,
};
use crate::{
    clock,
    context::page,
    fault::Fault,
    features::cart::is_about_a_cart,
    live::{self, LiveView},
    outbox::{Entry, Outbox, Stage, outbox},
    ui::{Icon, Problem, dynamic},
};

/// The messages from before the window that the live view holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Past {
    /// Oldest first.
    pub messages: VecDeque<FeedMessage>,
    /// Whether there may be still older ones; `None` before any were asked for.
    pub more: Option<bool>,
}

/// What the parts of a room share. Cheap to copy; lives as long as the room is shown.
#[derive(Clone, Copy)]
pub(super) struct RoomState {
    pub room: StoredValue<RoomId>,
    pub feed: StoredValue<LiveView<RoomFeed>>,
    pub list: StoredValue<LiveView<RoomList>>,
    pub rows: Memo<Vec<Row>>,
    pub past: RwSignal<Past>,
    /// How far the reader had read when they came: the "New" line stands behind it.
    pub mark: RwSignal<Option<Position>>,
    pub editing: RwSignal<Option<MessageId>>,
    pub replying: RwSignal<Option<MessageId>>,
    pub reacting: RwSignal<Option<MessageId>>,
    /// Whether the end of the feed is in view.
    pub at_end: RwSignal<bool>,
    /// Counts up whenever the feed shall show its end.
    pub to_end: RwSignal<u32>,
    /// Whether only what is older is shown, as a page without scripts asked.
    pub looking_back: bool,
}

impl RoomState {
    /// The room's own page.
    pub fn path(&self) -> String {
        self.room.with_value(|room| format!("/chat/{room}"))
    }

    /// Reads the room's feed as it is now. Tracks.
    pub fn feed<T>(&self, read: impl FnOnce(&RoomFeed) -> T) -> T {
        self.feed.with_value(|feed| feed.state.clone()).with(read)
    }
}

/// The room this component is in.
pub(super) fn room() -> RoomState {
    use_context().expect("a room's parts stand in a room")
}

/// The room.
#[component]
pub(super) fn Room(loaded: Loaded, list: LiveView<RoomList>) -> impl IntoView {
    let Loaded { room, feed, past, found, orders, asked } = loaded;
    let reader = page()
        .viewer
        .clone()
        .map_or_else(Reader::default, |person| Reader { user: Some(person.user), name: person.name });
    let mark = list.state.with_untracked(|list| {
        list.rooms.get(&room).filter(|listed| !listed.unread.is_empty()).and_then(|listed| listed.read)
    });
    let feed = live::view::<RoomFeed>(feed.view.key.clone(), feed);
    let looking_back = past.is_some();
    let past = RwSignal::new(Past {
        more: past.as_ref().map(|past| !past.is_empty()),
        messages: past.map(VecDeque::from).unwrap_or_default(),
    });
    let mark = RwSignal::new(mark);
    let at_end = RwSignal::new(true);
    keep_past(&feed, past, at_end);

    let (outbox, awake) = (outbox(), clock::awake());
    let (state, own, given) = (feed.state.clone(), room.clone(), outbox.clone());
    let rows = Memo::new(move |_| {
        let awake = awake.get();
        let shown = |at| clock::shown(at, awake);
        state.with(|feed| {
            past.with(|past| {
                let now = feed.messages.iter().take(if looking_back { 0 } else { usize::MAX });
                let messages = past.messages.iter().chain(now);
                given.with(|entries| rows::rows(messages, entries, &own, &reader, mark.get(), shown))
            })
        })
    });
    settle(&outbox, &feed, room.clone());
    let spoken = move || rows.with(|rows| mentions::names(rows.iter().rev().map(|row| row.text.as_str())));
    mentions::provide(Memo::new(move |_| spoken()), orders);

    let state = RoomState {
        room: StoredValue::new(room),
        feed: StoredValue::new(feed.clone()),
        list: StoredValue::new(list),
        rows,
        past,
        mark,
        editing: RwSignal::new(asked.edit),
        replying: RwSignal::new(asked.reply),
        reacting: RwSignal::new(asked.react),
        at_end,
        to_end: RwSignal::new(0),
        looking_back,
    };
    provide_context(state);
    let title = Memo::new(move |_| state.feed(|feed| feed.title.clone().unwrap_or_default()));
    let closed = Memo::new(move |_| state.feed(|feed| feed.closed));
    let lost = feed.lost.clone();

    view! {
        <Title text=title />
        <section class="room" aria-labelledby="room-title-heading">
            <RoomHead title found />
            {dynamic(move || match lost.get() {
                Some(fault) => Either::Left(view! { <Problem fault /> }),
                None => {
                    Either::Right(
                        move || match closed.get() {
                            true => Either::Left(view! { <Closed /> }),
                            false => {
                                Either::Right(
                                    view! {
                                        <Feed />
                                        {(!looking_back).then(|| view! { <TypingLine /> })}
                                        <Composer />
                                    },
                                )
                            }
                        },
                    )
                }
            })}
        </section>
    }
}

#[component]
fn RoomHead(title: Memo<String>, found: Option<Result<Person, Fault>>) -> impl IntoView {
    let state = room();
    let private = Memo::new(move |_| state.feed(|feed| feed.private && !feed.closed));
    view! {
        <div class="room-head">
            <a class="icon-button room-back" href="/chat" aria-label="All rooms">
                <Icon icon=icondata_lu::LuArrowLeft />
            </a>
            <h1 id="room-title-heading">
                {dynamic(move || {
                    private
                        .get()
                        .then(|| {
                            view! {
                                <span class="room-lock" title="Private">
                                    <Icon icon=icondata_lu::LuLock />
                                    <span class="visually-hidden">"Private: "</span>
                                </span>
                            }
                        })
                })}
                <span>{dynamic(move || title.get())}</span>
            </h1>
            {dynamic(move || match private.get() {
                true => Either::Left(view! { <Members found=found.clone() /> }),
                false => Either::Right(view! { <Here /> }),
            })}
        </div>
    }
}

/// After one was put out, or has left.
#[component]
fn Closed() -> impl IntoView {
    view! {
        <section class="empty" role="alert">
            <Icon icon=icondata_lu::LuLock />
            <h2>"You are no longer a member of this room"</h2>
            <p>"What is said here now is for its members. One of them can let you in again."</p>
            <p><a class="button quiet" href="/chat">"All rooms"</a></p>
        </section>
    }
}

/// Keeps the past whole while the window moves on, and up to date.
fn keep_past(feed: &LiveView<RoomFeed>, past: RwSignal<Past>, at_end: RwSignal<bool>) {
    feed.tap(move |feed, envelope| {
        let asked_for = past.try_with_untracked(|past| past.more.is_some()).unwrap_or(false);
        if let Event::ChatMessagePosted(_) = &envelope.event {
            if feed.messages.len() < WINDOW {
                return;
            }
            let reading = !at_end.try_get_untracked().unwrap_or(true);
            if asked_for && !reading {
                // Nobody looks at it: the page need not grow.
                let _ = past.try_set(Past::default());
            } else if asked_for || reading {
                let front = feed.messages.front().cloned();
                let _ = past.try_update(|past| {
                    past.messages.extend(front);
                    past.more.get_or_insert(feed.earlier);
                });
            }
        } else if asked_for {
            let _ = past.try_update(|past| {
                let mut view = RoomFeed {
                    messages: std::mem::take(&mut past.messages),
                    members: feed.members.clone(),
                    ..RoomFeed::empty(&feed.key)
                };
                view.feed(envelope);
                past.messages = view.messages;
            });
        }
    });
}

/// Forgets what the feed has folded; and what this room's feed, once it is left, will never say.
fn settle(outbox: &Outbox, feed: &LiveView<RoomFeed>, room: RoomId) {
    let accepted = |entry: &Entry| matches!(entry.stage, Stage::Accepted(_));
    let (settled, feed) = (outbox.clone(), feed.clone());
    Effect::new(move |_| {
        // Again also when something is accepted after the feed has shown it.
        settled.with(|_| ());
        let position = feed.cursor.get().position;
        let own = |intent: &domain::Intent| is_about(intent, None);
        settled.settle(position, own, |entry| {
            let elsewhere = is_about_a_cart(&entry.intent);
            let shown_nowhere = accepted(entry) && !own(&entry.intent) && !elsewhere;
            // Its answer was lost on the way, but here it is.
            let there = || feed.state.with_untracked(|feed| feed.message(MessageId(entry.id.0)).is_some());
            let lost = matches!(&entry.stage, Stage::Failed(fault) if fault.on_the_way());
            shown_nowhere || (lost && there())
        });
    });
    let left = outbox.clone();
    on_cleanup(move || {
        let own = |intent: &domain::Intent| is_about(intent, Some(&room));
        left.settle(Position::START, own, |entry| accepted(entry) && own(&entry.intent));
    });
}

/// Whether a command changes what a feed shows: any feed's, or that of one room.
fn is_about(intent: &domain::Intent, room: Option<&RoomId>) -> bool {
    use domain::Intent;
    let about = match intent {
        Intent::ChatPostMessage(wanted) => &wanted.room,
        Intent::ChatEditMessage(wanted) => &wanted.room,
        Intent::ChatDeleteMessage(wanted) => &wanted.room,
        Intent::ChatAddReaction(wanted) => &wanted.room,
        Intent::ChatRemoveReaction(wanted) => &wanted.room,
        _ => return false,
    };
    room.is_none_or(|room| room == about)
}

//! Stored projections: folded once, read with their own position, rebuilt beside what is read.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::{collections::BTreeMap, time::Duration};

use common::{Floor, eventually};
use domain::{
    Actor, Command, CommandId, Envelope, Event, Intent, MessageId, Position, RoomId,
    chat::{DeleteMessage, PostMessage},
};
use serde::{Deserialize, Serialize};
use services::{Projection, Projections, Stored};
use store::{Stage, Unit};
use uuid::Uuid;

/// What was said, by room and by word.
#[derive(Default, Serialize, Deserialize, PartialEq, Debug)]
struct Said(BTreeMap<MessageId, String>);

fn fold(doc: &mut Option<Said>, key: &str, event: &Envelope) {
    match &event.event {
        Event::ChatMessagePosted(e) => {
            doc.get_or_insert_default().0.insert(e.message, e.text.clone());
        }
        Event::ChatMessageDeleted(e) => {
            if let Some(said) = doc {
                said.0.remove(&e.message);
                if said.0.is_empty() {
                    *doc = None;
                }
            }
        }
        other => panic!("{key} is not concerned by {other:?}"),
    }
}

fn keys(event: &Envelope) -> Vec<String> {
    match &event.event {
        Event::ChatMessagePosted(e) => vec![format!("room/{}", e.room), "all".into()],
        Event::ChatMessageDeleted(e) => vec![format!("room/{}", e.room), "all".into()],
        _ => vec![],
    }
}

macro_rules! versions {
    ($($name:ident = $version:literal;)+) => {$(
        struct $name;
        impl Projection for $name {
            const NAME: &'static str = "said";
            const VERSION: u32 = $version;
            const PATTERNS: &'static [&'static str] = &["chat.>"];
            type Doc = Said;
            fn keys(event: &Envelope) -> Vec<String> {
                keys(event)
            }
            fn fold(doc: &mut Option<Said>, key: &str, event: &Envelope) {
                fold(doc, key, event);
            }
        }
    )+};
}

versions! {
    First = 1;
    Second = 2;
}

const WITHIN: Duration = Duration::from_secs(20);

async fn texts<P: Projection<Doc = Said>>(projections: &Projections, key: &str) -> (Vec<String>, Position) {
    let (doc, position) = projections.read::<P>(key).await.unwrap();
    (doc.map(|said| said.0.into_values().collect()).unwrap_or_default(), position)
}

#[tokio::test]
async fn a_reader_waits_for_its_own_write_and_is_told_how_far_the_document_is() {
    let floor = Floor::open().await;
    let projections = Projections::start(floor.store.clone(), &floor.hub, vec![Stored::new::<First>()]);
    for nth in 0..30 {
        let at = floor.say("lobby", &format!("number {nth:02}")).await;
        assert!(projections.wait_for::<First>(at, WITHIN).await);
        let (said, position) = texts::<First>(&projections, "room/lobby").await;
        assert_eq!((said.len(), position), (nth + 1, at));
    }
    assert!(texts::<First>(&projections, "room/garden").await.0.is_empty());
    let never = Position(floor.store.head().0 + 1);
    assert!(!projections.wait_for::<First>(never, Duration::from_millis(5)).await);
    let (rooms, _) = projections.range::<First>("room/", "room0", 10).await.unwrap();
    assert_eq!(
        rooms.iter().map(|(key, said)| (key.as_str(), said.0.len())).collect::<Vec<_>>(),
        [("room/lobby", 30)]
    );
    assert!(floor.events("service.projection_rebuilt").await.is_empty(), "the first one is no news");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cut_off_anywhere_folds_every_event_once() {
    let floor = Floor::open().await;
    for nth in 0..40 {
        floor.say("lobby", &format!("number {nth}")).await;
    }
    for round in 0..15_u64 {
        let projections = Projections::start(floor.store.clone(), &floor.hub, vec![Stored::new::<First>()]);
        let at = floor.say("garden", "more").await;
        let _ = projections.wait_for::<First>(at, Duration::from_micros(500 + (round * 7_919) % 9_000)).await;
    }
    let projections = Projections::start(floor.store.clone(), &floor.hub, vec![Stored::new::<First>()]);
    assert!(projections.wait_for::<First>(floor.store.head(), WITHIN).await);
    assert_eq!(texts::<First>(&projections, "all").await.0.len(), 55);
}

#[tokio::test]
async fn another_version_is_folded_beside_what_is_read_and_replaces_it_at_once() {
    let floor = Floor::open().await;
    let projections = Projections::start(floor.store.clone(), &floor.hub, vec![Stored::new::<First>()]);
    let at = floor.say("lobby", "hello").await;
    assert!(projections.wait_for::<First>(at, WITHIN).await);
    projections.stop().await;
    let later = floor.say("lobby", "again").await;
    let projections = Projections::start(floor.store.clone(), &floor.hub, vec![Stored::new::<Second>()]);
    assert!(projections.wait_for::<Second>(later, WITHIN).await);
    assert_eq!(texts::<Second>(&projections, "all").await.0.len(), 2);
    eventually("it is told", async || floor.events("service.projection_rebuilt").await.len() == 1).await;
    let stages = async || {
        let generations = floor.store.generations("said").await.unwrap();
        generations.into_iter().map(|found| (found.version, found.stage)).collect::<Vec<_>>()
    };
    assert_eq!(stages().await, [(1, Stage::Previous), (2, Stage::Live)]);

    // And when somebody asks for it; what is read goes on meanwhile.
    assert!(projections.rebuild(&"said".parse().unwrap()));
    assert!(!projections.rebuild(&"unsaid".parse().unwrap()));
    let at = floor.say("lobby", "meanwhile").await;
    assert!(projections.wait_for::<Second>(at, WITHIN).await);
    eventually("it is told", async || floor.events("service.projection_rebuilt").await.len() == 2).await;
    assert_eq!(stages().await, [(2, Stage::Previous), (2, Stage::Live)]);
    assert_eq!(texts::<Second>(&projections, "all").await.0.len(), 3);
    assert_eq!(projections.status()[0].building, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_pages_are_folded_anew_to_the_same_documents_while_more_is_said() {
    let floor = Floor::open().await;
    let ada = || Actor::User(floor.ada);
    let command = |intent: Intent| Command::new(CommandId(Uuid::now_v7()), ada(), intent);
    let room_of =
        |nth: usize| -> RoomId { if nth.is_multiple_of(3) { "garden" } else { "lobby" }.parse().unwrap() };
    let post = |nth: usize| {
        let text = format!("number {nth}");
        command(PostMessage { room: room_of(nth), text, reply_to: None }.into())
    };
    // More than one page of a rebuild, and in each something that others have to be forgotten for.
    for page in 0..9 {
        let mut commands: Vec<Command> = (0..500).map(|nth| post(page * 500 + nth)).collect();
        let gone = MessageId(commands[page].id.0);
        commands.push(command(DeleteMessage { room: room_of(page * 501), message: gone }.into()));
        floor.store.execute(Unit { commands, ..Unit::default() }).await.unwrap();
    }
    let projections = Projections::start(floor.store.clone(), &floor.hub, vec![Stored::new::<First>()]);
    assert!(projections.wait_for::<First>(floor.store.head(), WITHIN).await);
    assert_eq!(texts::<First>(&projections, "all").await.0.len(), 9 * 499);

    assert!(projections.rebuild(&"said".parse().unwrap()));
    let rebuilt = async || floor.events("service.projection_rebuilt").await.len() == 1;
    let mut reached = Position::START;
    while !rebuilt().await {
        let at = floor.say("lobby", "meanwhile").await;
        assert!(projections.wait_for::<First>(at, WITHIN).await);
        let (_, position) = texts::<First>(&projections, "room/garden").await;
        assert!(position >= reached.max(at), "what is read went back to {position}");
        reached = position;
    }
    assert!(projections.wait_for::<First>(floor.store.head(), WITHIN).await);
    let (folded_anew, _) = projections.range::<First>("", "~", 10).await.unwrap();
    let generations = floor.store.generations("said").await.unwrap();
    assert_eq!(generations.len(), 2);
    let mut all = BTreeMap::new();
    for event in floor.events("chat.message_posted").await {
        let Event::ChatMessagePosted(said) = event.decode().unwrap().event else { panic!() };
        all.insert(said.message, said.text);
    }
    all.retain(|_, text| !text.is_empty());
    let said = |key: &str| &folded_anew.iter().find(|(found, _)| found == key).unwrap().1.0;
    assert_eq!(*said("all"), all);
    assert_eq!(said("room/garden").len() + said("room/lobby").len(), all.len());
}

#[tokio::test]
async fn a_deleted_text_is_in_no_generation() {
    let floor = Floor::open().await;
    let projections = Projections::start(floor.store.clone(), &floor.hub, vec![Stored::new::<First>()]);
    let at = floor.say("lobby", "xylophone").await;
    assert!(projections.wait_for::<First>(at, WITHIN).await);
    let said = floor.events("chat.message_posted").await;
    let Event::ChatMessagePosted(said) = said[0].decode().unwrap().event else { panic!() };
    assert!(projections.rebuild(&"said".parse().unwrap()));
    eventually("it is rebuilt", async || floor.events("service.projection_rebuilt").await.len() == 1).await;
    let delete = DeleteMessage { room: said.room, message: said.message };
    let at = floor.run(Actor::User(floor.ada), delete).await.position;
    assert!(projections.wait_for::<First>(at, WITHIN).await);
    assert_eq!(projections.read::<First>("all").await.unwrap().0, None);
    assert_eq!(floor.store.generations("said").await.unwrap().len(), 1, "the one before had the text");
}

//! A line lent to the hub: whatever it takes, and whoever stops waiting when, every batch is written or handed
//! over, once and in order.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{Floor, event, positions};
use domain::{Position, Recorded};
use hub::{Delivery, Line, Options, Taken};
use live::Batch;

/// What came, in the order of its coming, whoever brought it.
#[derive(Default)]
struct Said(Mutex<Vec<(Position, Position, Vec<Recorded>)>>);

impl Said {
    fn note(&self, batch: &Batch) {
        let events = batch.events.iter().map(event).collect();
        self.0.lock().unwrap().push((batch.prev, batch.pos, events));
    }

    fn reached(&self) -> Position {
        self.0.lock().unwrap().last().map_or(Position(0), |(_, pos, _)| *pos)
    }
}

/// A line that takes all of some batches, part of others, and nothing of the rest.
struct Moody {
    said: Arc<Said>,
    moods: &'static [Taken],
    asked: AtomicUsize,
    taken: AtomicUsize,
}

impl Line for Moody {
    fn write(&self, batch: &Batch) -> Taken {
        let taken = self.moods[self.asked.fetch_add(1, Ordering::Relaxed) % self.moods.len()];
        if taken != Taken::Nothing {
            self.taken.fetch_add(1, Ordering::Relaxed);
            self.said.note(batch);
        }
        taken
    }
}

async fn turns(number: usize) {
    for _ in 0..number {
        tokio::task::yield_now().await;
    }
}

/// How many batches the hub has written by itself.
async fn follow(moods: &'static [Taken]) -> usize {
    const WORDS: u64 = 100;
    let floor = Floor::open(Options::default()).await;
    let mut reader = floor.live(Some(floor.bo), None, "chat.lobby.>").await;
    let begin = reader.reached.unwrap();
    let head = Position(begin.0 + WORDS);
    let said = Arc::new(Said::default());
    let moody = Arc::new(Moody { said: said.clone(), moods, asked: 0.into(), taken: 0.into() });
    let line: Arc<dyn Line> = moody.clone();
    let write = async {
        for nth in 0..WORDS {
            floor.say("lobby", &format!("word {nth}")).await;
        }
    };
    let read = async {
        let mut patience = 0;
        while said.reached() < head {
            // Now and then something else comes first, and nobody waits for a while.
            patience = (patience + 7) % 50;
            tokio::select! {
                biased;
                delivery = reader.connection.next_lending(Some(&line)) => match delivery.unwrap() {
                    Delivery::Batch { batch, .. } => said.note(&batch),
                    Delivery::Begun => {}
                    other => panic!("unexpected: {other:?}"),
                },
                () = turns(patience) => turns(patience / 2).await,
            }
        }
    };
    let both = async { tokio::join!(write, read) };
    tokio::time::timeout(Duration::from_secs(20), both).await.expect("everything comes");
    let said = said.0.lock().unwrap();
    let mut reached = begin;
    for (prev, pos, _) in said.iter() {
        assert_eq!(*prev, reached, "a gap, or something twice");
        reached = *pos;
    }
    let events: Vec<Recorded> = said.iter().flat_map(|(_, _, events)| events.clone()).collect();
    let expected: Vec<u64> = (begin.0 + 1..=head.0).collect();
    assert_eq!(positions(&events), expected);
    moody.taken.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_line_that_takes_everything_is_written_to_by_the_hub() {
    assert!(follow(&[Taken::All]).await > 0, "the hub has written nothing by itself");
}

#[tokio::test]
async fn what_a_line_does_not_take_is_handed_over() {
    assert_eq!(follow(&[Taken::Nothing]).await, 0);
}

#[tokio::test]
async fn a_line_that_takes_some_is_given_back_and_nothing_is_lost_or_said_twice() {
    assert!(
        follow(&[Taken::All, Taken::Begun, Taken::Nothing, Taken::All, Taken::All, Taken::Nothing]).await > 0
    );
}

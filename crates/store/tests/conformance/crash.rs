//! Killing the process. The test starts its own binary again as the victim.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use domain::{Recorded, UserId};
use store::{Options, Store, Unit};
use uuid::Uuid;

use super::{
    Fixture,
    world::{World, assert_intact, everything, saying},
};

const URL: &str = "HUBBUB_TEST_VICTIM_URL";
const USER: &str = "HUBBUB_TEST_VICTIM_USER";
const ROUNDS: usize = 10;

pub(crate) async fn nothing_acknowledged_is_lost_when_the_process_is_killed<F: Fixture>(fixture: &F) {
    let world = World::new(fixture.options()).await;
    world.store.close().await;
    let mut acknowledged: Vec<(Uuid, u64)> = Vec::new();
    for round in 0..ROUNDS {
        // A different number of answers every time, and then at once: in the middle of whatever it does.
        let answers = 3 + (round * 37) % 60;
        acknowledged.extend(kill_after(answers, &fixture.options().url, world.ada, F::VICTIM));

        let (store, _commits) = Store::open(fixture.options()).await.unwrap();
        let events = everything(&store).await;
        assert_eq!(events.len() as u64, store.head().0);
        assert_intact(&events);
        assert_pairs(&events);
        let mut positions: HashMap<Uuid, Vec<u64>> = HashMap::new();
        for event in &events {
            positions.entry(event.meta.id.0).or_default().push(event.meta.position.0);
        }
        for (id, position) in &acknowledged {
            assert_eq!(positions.get(id), Some(&vec![*position]), "acknowledged, once, in its place");
        }
        store.close().await;
    }
    assert!(acknowledged.len() >= ROUNDS * 3);
}

/// Every unit has said two things, one after the other: none is half there.
fn assert_pairs(events: &[Recorded]) {
    let said: Vec<&Recorded> =
        events.iter().filter(|event| event.meta.kind == "chat.message_posted").collect();
    assert!(said.len().is_multiple_of(2));
    for pair in said.chunks(2) {
        assert!(pair[0].data.get().contains("first") && pair[1].data.get().contains("second"));
    }
}

/// Runs the victim until it has answered so often, and kills it. Returns all it has acknowledged: event id
/// and position.
fn kill_after(answers: usize, url: &str, user: UserId, victim: &str) -> Vec<(Uuid, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", victim, "--ignored", "--nocapture"])
        .env(URL, url)
        .env(USER, user.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    let mut killed = false;
    // What it has written before it died is still read: that was acknowledged too.
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let [Some("ack"), Some(id), Some(position), Some("end")] = {
            let mut words = line.split(' ');
            [words.next(), words.next(), words.next(), words.next()]
        } {
            acknowledged.push((id.parse().unwrap(), position.parse().unwrap()));
        }
        if !killed && acknowledged.len() >= answers {
            killed = true;
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(killed, "the victim ended by itself");
    acknowledged
}

/// What the victim does: several callers who never stop.
pub(crate) async fn victim() {
    let (url, user) = (std::env::var(URL).unwrap(), std::env::var(USER).unwrap().parse::<UserId>().unwrap());
    let (store, commits) = Store::open(Options::new(url)).await.unwrap();
    drop(commits);
    // The harness has written the start of a line.
    println!();
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                while store.head().0 < 1_000_000 {
                    let commands = vec![saying(user, "lobby", "first"), saying(user, "lobby", "second")];
                    let receipt = store.execute(Unit { commands, ..Unit::default() }).await.unwrap();
                    let mut out = std::io::stdout().lock();
                    for event in receipt.events {
                        writeln!(out, "ack {} {} end", event.id, event.position).unwrap();
                    }
                    out.flush().unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

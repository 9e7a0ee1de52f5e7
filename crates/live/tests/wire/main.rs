//! Both session machines against each other, over a wire that breaks anywhere.
//!
//! A world of people talk in rooms; pages subscribe, fold real views, and leave; the wire delays, splits and
//! breaks; the server lags, loses batches, drains, restarts, restores a backup, ends sessions. When all is
//! quiet again, every page must show exactly what a fresh page would.
//!
//! `HUBBUB_CASES=100000` runs more seeds, `HUBBUB_SEED=7` just one. A failing seed is printed.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

mod hub;
mod link;
mod page;
mod rng;
mod sim;
mod tally;
mod world;

use std::{env, panic};

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn whatever_happens_every_page_ends_equal_to_the_log() {
    let cases = setting("HUBBUB_CASES").unwrap_or(400);
    let seeds = setting("HUBBUB_SEED").map_or(0..cases, |seed| seed..seed + 1);
    let mut total = tally::Tally::default();
    for seed in seeds.clone() {
        match panic::catch_unwind(|| sim::run(seed)) {
            Ok(tally) => total.add(&tally),
            Err(cause) => {
                eprintln!("seed {seed} failed: run it alone with HUBBUB_SEED={seed}");
                panic::resume_unwind(cause);
            }
        }
    }
    eprintln!("{total:?}");
    // A run in which nothing happens proves nothing.
    if seeds.end - seeds.start >= 400 {
        let enough = total.connections > 300 && total.applied > 3_000 && total.compared > 300;
        let trouble = total.breaks > 100 && total.resyncs > 100 && total.epochs > 10 && total.lossy > 10;
        assert!(enough && trouble && total.signals > 10, "{total:?}");
    }
}

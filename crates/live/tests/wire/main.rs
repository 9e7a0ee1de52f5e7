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
mod seeds;
mod sim;
mod tally;
mod world;

#[test]
fn whatever_happens_every_page_ends_equal_to_the_log() {
    let mut total = tally::Tally::default();
    let enough_cases = seeds::run_all(sim::run, |tally| total.add(tally));
    eprintln!("{total:?}");
    if enough_cases {
        let enough = total.connections > 300 && total.applied > 3_000 && total.compared > 300;
        let trouble = total.breaks > 100 && total.resyncs > 100 && total.epochs > 10 && total.lossy > 10;
        assert!(enough && trouble && total.signals > 10, "{total:?}");
    }
}

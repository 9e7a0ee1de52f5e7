//! The tabs of one browser on one line: many random steps, then quiet, then the comparison.
//!
//! Tabs come and go, are hidden, freeze and thaw; the lead is passed on, taken and taken back; notes between
//! them and texts from the server are delayed; lines break, WebSockets are refused for a while, the server
//! drains and signs people out and in. When all is quiet again, every tab must have applied exactly what the
//! log holds, in order and once, and there must be one line.
//!
//! `HUBBUB_CASES=100000` runs more seeds, `HUBBUB_SEED=7` just one. A failing seed is printed.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

mod browser;
#[path = "../wire/hub.rs"]
#[allow(dead_code, reason = "it is shared with the test of single pages, which uses more of it")]
mod hub;
mod locks;
mod page;
#[path = "../wire/rng.rs"]
#[allow(dead_code, reason = "as above")]
mod rng;
mod rules;
#[path = "../wire/seeds.rs"]
mod seeds;
#[path = "../wire/world.rs"]
#[allow(dead_code, reason = "as above")]
mod world;

#[test]
fn whatever_happens_every_tab_ends_equal_to_the_log_and_they_share_one_line() {
    let mut total = browser::Tally::default();
    let enough_cases = seeds::run_all(browser::run, |tally| total.add(tally));
    eprintln!("{total:?}");
    if enough_cases {
        assert!(total.lines > 2_000 && total.over_sse > 300 && total.applied > 10_000, "{total:?}");
        assert!(total.breaks > 100 && total.taken > 100 && total.passed_on > 100, "{total:?}");
    }
}

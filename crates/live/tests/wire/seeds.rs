//! Runs a simulation for many seeds: `HUBBUB_CASES=100000` for more of them, `HUBBUB_SEED=7` for just one.

use std::{env, panic};

/// A run of fewer cases need not have met everything.
const USUAL: u64 = 400;

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Hands the tally of each seed to `add`; a failing seed is printed. Returns whether there were so many cases
/// that everything must have happened: a run in which nothing happens proves nothing.
pub(crate) fn run_all<T>(run: fn(u64) -> T, mut add: impl FnMut(&T)) -> bool {
    let cases = setting("HUBBUB_CASES").unwrap_or(USUAL);
    let seeds = setting("HUBBUB_SEED").map_or(0..cases, |seed| seed..seed + 1);
    for seed in seeds.clone() {
        match panic::catch_unwind(|| run(seed)) {
            Ok(tally) => add(&tally),
            Err(cause) => {
                eprintln!("seed {seed} failed: run it alone with HUBBUB_SEED={seed}");
                panic::resume_unwind(cause);
            }
        }
    }
    seeds.end - seeds.start >= USUAL
}

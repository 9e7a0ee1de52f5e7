//! A small soak: clients whose lines break in the middle of frames, and a server that is replaced meanwhile.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{path::PathBuf, time::Duration};

use bench::soak::{self, Soak};
use live::ClientConfig;

#[tokio::test(flavor = "multi_thread")]
async fn clients_whose_lines_break_end_equal_to_the_log_across_a_redeployment() {
    let soak = Soak {
        binary: PathBuf::from(env!("CARGO_BIN_EXE_hubbub")),
        clients: 40,
        cuts: 5,
        peace: Duration::from_millis(200),
        pause: Duration::from_millis(5),
        // A test has no time for the patience of the usual settings.
        session: ClientConfig { base_ms: 20, cap_ms: 200, stable_ms: 100, ..ClientConfig::new(0) },
        seed: 1,
    };
    let endured = soak::run(&soak).await.unwrap();
    assert_eq!(endured.cuts, soak.clients * soak.cuts);
    assert!(endured.texts > soak.cuts && endured.came_back.len() == soak.clients);
}

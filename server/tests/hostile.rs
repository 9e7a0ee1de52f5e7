//! A few strangers of every kind at once, while two people go on talking.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;

use bench::hostile::{self, Hostile};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_strangers_do_those_who_behave_are_not_refused_and_miss_nothing() {
    let hostile = Hostile {
        binary: PathBuf::from(env!("CARGO_BIN_EXE_hubbub")),
        settings: vec![
            ("HUBBUB_CONNECTIONS_PER_ADDRESS", 50),
            ("HUBBUB_REQUEST_SECONDS", 1),
            ("HUBBUB_STALL_SECONDS", 1),
        ],
        sockets: 200,
        each: 3,
        wishes: 2_000,
        pings: false,
        growth_mib: 256.0,
    };
    let endured = hostile::run(&hostile).await.unwrap();
    assert_eq!(endured.complaints(), Vec::<String>::new(), "{endured}");
    assert!(endured.words > 20, "{endured}");
}

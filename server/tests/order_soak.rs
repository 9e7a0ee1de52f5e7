//! A small soak: orders on their way while the server is killed, and everything adds up.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;

use bench::order_soak::{self, OrderSoak};

#[tokio::test(flavor = "multi_thread")]
async fn orders_survive_a_server_that_is_killed_and_everything_happens_once() {
    let soak =
        OrderSoak { binary: PathBuf::from(env!("CARGO_BIN_EXE_hubbub")), orders: 30, kills: 3, seed: 1 };
    let endured = order_soak::run(&soak).await.unwrap();
    // One more has come after all the others.
    assert_eq!(endured.delivered + endured.cancelled + endured.refunded, soak.orders + 1);
    assert_eq!(endured.killed_at.len(), soak.kills);
    assert!(endured.delivered > 0 && endured.cancelled > 0, "{endured}");
}

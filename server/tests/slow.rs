//! Requests that arrive a byte at a time.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::Floor;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{interval, timeout},
};

/// Begins with `start`, goes on a byte at a time for as long as the server listens, and returns its answer.
async fn dribble(floor: &Floor, start: &str) -> String {
    let mut stream = TcpStream::connect(floor.server.addr).await.unwrap();
    stream.write_all(start.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let mut beat = interval(Duration::from_millis(20));
    let mut answer = vec![];
    let ended = async {
        loop {
            tokio::select! {
                read = reading.read_buf(&mut answer) => if read.is_ok_and(|read| read > 0) { continue } else { break },
                _ = beat.tick() => if writing.write_all(b"x").await.is_err() { break },
            }
        }
    };
    timeout(Duration::from_secs(20), ended).await.expect("the server ends it");
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_request_that_arrives_a_byte_at_a_time_is_ended_in_bounded_time() {
    let floor = Floor::with(|settings| settings.request_seconds = 1).await;
    let head = "GET /readyz HTTP/1.1\r\nHost: hubbub\r\nX-Slow: ";
    let post = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: hubbub\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
        )
    };
    let posts = ["/api/session", "/live/signal", "/fn/execute", "/register"].map(post);
    let bodies = futures::future::join_all(posts.iter().map(|post| dribble(&floor, post)));
    let (no_head, no_body) = tokio::join!(dribble(&floor, head), bodies);
    assert!(!no_head.contains("200 OK"), "{no_head}");
    for answer in no_body {
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("request.too_slow"), "{answer}");
    }
    let kept = floor.client.get(floor.url("/readyz")).send().await.unwrap();
    assert_eq!(kept.status(), 200, "nobody else is concerned");
}

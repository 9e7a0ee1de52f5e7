//! Says texts at a fixed rate, whatever the server does: a text that is late was due when it was due.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::task::JoinSet;

use crate::{Failure, http::Http, wire};

/// Where texts are said, and how.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    /// A command of ours, by somebody.
    Hubbub { token: String },
    /// The yardstick's only call.
    Yardstick,
}

impl Stage {
    /// Says one text.
    pub(crate) async fn say(&self, http: &mut Http, text: &str) -> Result<(), Failure> {
        match self {
            Stage::Hubbub { token } => {
                let body = json!({"room": "lobby", "text": text}).to_string();
                http.call("POST", "/api/commands/chat.post_message", Some(token), &body).await?;
            }
            Stage::Yardstick => {
                http.call("POST", "/say", None, text).await?;
            }
        }
        Ok(())
    }
}

/// A rate to say texts at.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) addr: SocketAddr,
    pub(crate) stage: Stage,
    /// Texts a second.
    pub(crate) rate: f64,
    /// The size of a text, in bytes.
    pub(crate) bytes: usize,
    pub(crate) run: Duration,
    /// How many may be under way at once.
    pub(crate) lanes: usize,
}

impl Plan {
    /// Says them all. Returns how many were accepted. What is not said by a second after the end is left out.
    pub(crate) async fn carry_out(self, began: Instant) -> Result<u64, Failure> {
        let first = began.elapsed();
        let (next, said) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let mut lanes = JoinSet::new();
        for _ in 0..self.lanes {
            let (plan, next, said) = (self.clone(), next.clone(), said.clone());
            lanes.spawn(async move {
                let mut http = Http::connect(plan.addr).await?;
                loop {
                    let nth = next.fetch_add(1, Relaxed);
                    let after = Duration::from_secs_f64(nth as f64 / plan.rate);
                    let given_up = began.elapsed() > first + plan.run + Duration::from_secs(1);
                    if after >= plan.run || given_up {
                        return Ok::<(), Failure>(());
                    }
                    let due = first + after;
                    tokio::time::sleep_until((began + due).into()).await;
                    plan.stage.say(&mut http, &wire::text(plan.bytes, due)).await?;
                    said.fetch_add(1, Relaxed);
                }
            });
        }
        while let Some(lane) = lanes.join_next().await {
            lane??;
        }
        Ok(said.load(Relaxed))
    }
}

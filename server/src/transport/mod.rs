//! The live protocol over real connections. The protocol itself is in `live`, the events come from `hub`;
//! here bytes move between the two and a connection.
//!
//! | module | holds |
//! |---|---|
//! | `stream` | what every transport does: one session machine, one reader of the hub, one timer |
//! | `socket` | a WebSocket on a TCP stream |
//! | `out` | what waits to be written to it |
//! | `ws` | `/live/ws`: the protocol over WebSocket, and bare CloudEvents |
//! | `sse` | `/live/sse`: the same frames as Server-Sent Events |
//! | `wish` | what a client without a `hello` asks for, in the query string |
//! | `signals` | which ephemeral signals somebody may send |

mod out;
mod signals;
mod socket;
mod sse;
mod stream;
mod wish;
mod ws;

use axum::{
    Router,
    routing::{get, post},
};

use crate::state::AppState;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/live/ws", get(ws::upgrade))
        .route("/live/sse", get(sse::open))
        .route("/live/signal", post(signals::post))
}

//! The live protocol over real connections. The protocol itself is in `live`, the events come from `hub`;
//! here bytes move between the two and a socket.

mod signals;
mod ws;

use axum::{Router, routing::get};

use crate::state::AppState;

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/live/ws", get(ws::upgrade))
}

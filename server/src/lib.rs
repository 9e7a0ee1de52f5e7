//! The edge: axum, wired. No business rule lives here.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | the settings: flags, environment, `hubbub.toml` |
//! | [`run`] | start, serve, drain, stop |
//! | [`users`], [`tokens`] | `hubbub user …`, `hubbub token …` |
//! | [`tail`], [`publish`], [`remote`] | `hubbub tail` and `hubbub publish`: clients of a running server |
//! | `session` | cookies, bearer tokens, who asks, from which origin |
//! | `limits` | how often an address may do something |
//! | `problem` | every error as problem+json |
//! | `work` | the services and projections, beside the server |
//! | `presence` | who is here, told to everybody |
//! | `http` | the API, the pages and their forms, static files, health |
//! | `listen` | the accept loop and its bounds |
//! | `transport`, `wire` | the live protocol over WebSocket and Server-Sent Events; a line that the hub writes to |
//! | `state` | what every call finds |

#![recursion_limit = "512"]

pub mod config;
mod http;
mod limits;
mod listen;
mod presence;
mod problem;
pub mod publish;
pub mod remote;
pub mod run;
mod session;
mod state;
pub mod tail;
pub mod tokens;
mod transport;
pub mod users;
mod wire;
mod work;

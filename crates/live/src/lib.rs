//! The live protocol, sans-I/O: no socket, no clock, no async. Frames and instants go in; frames, applied
//! events and timers come out. So a broken connection is an argument, and reconnects are property-tested.
//!
//! | module | holds |
//! |---|---|
//! | [`frames`] | what is said over the wire, and how it is written and read |
//! | [`Encoded`], [`Batch`] | what many readers get alike, written once |
//! | [`subscription`] | what a subscription is called and what it does about a gap |
//! | [`close`] | why a connection ends, and what the other side does about it |
//! | [`server`] | [`ServerSession`]: one connection, as the server sees it |
//! | [`client`] | [`ClientSession`]: all connections of one page, one after another |
//! | [`presence`] | who is here, by what they do and not by their sockets |
//! | [`tab`] | [`Tab`]: how the pages of one browser share one connection |
//!
//! A driver owns a session: it feeds in what happens, then calls `poll` until it is empty, then sleeps until
//! `next_timer` or the next thing that happens. Instants are milliseconds since any fixed point, as `u64`.
//!
//! What a *flush* means, in one paragraph. The server reads the log for a *group* of subscriptions in position
//! order and writes the events that any of them asked for, followed by one `flush {prev, pos}`: "from `prev`
//! to `pos` everything was considered". The client holds the events back until their flush, and then gives
//! each subscription of the group those that match its pattern and lie after its own cursor. Hence nothing is
//! applied twice, whatever is sent twice; and a `prev` after a subscription's cursor is a gap.

mod backoff;
mod batch;
pub mod client;
pub mod close;
pub mod frames;
pub mod presence;
pub mod server;
pub mod subscription;
pub mod tab;

pub use batch::{Batch, Encoded, message};
pub use client::{ClientConfig, ClientOutput, ClientSession, Status};
pub use close::{Close, CloseCode};
pub use frames::{ClientFrame, FrameError, Limits, ServerFrame, VERSION, signal_frame};
pub use server::{OpenSub, Outgoing, ServerConfig, ServerOutput, ServerSession};
pub use subscription::{OnGap, Outcome, Sid};
pub use tab::{Tab, TabConfig, TabOutput, Wire};

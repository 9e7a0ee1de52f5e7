//! The contract of Hubbub and its pure core.
//!
//! Everything here is a function of its arguments: no clock, no randomness, no I/O, no async. Instants
//! and fresh ids come in. The crate is compiled twice, into the server and into WebAssembly, so that the
//! meaning of an event exists once.
//!
//! | module | holds |
//! |---|---|
//! | [`ids`], [`money`], [`time`], [`subject`], [`audience`], [`text`], `checked` | the small vocabulary |
//! | [`envelope`] | an event as it is stored and travels (CloudEvents 1.0) |
//! | [`contract`] | **the table**: every event and command, its stream, subject and audience |
//! | [`command`], [`decide`] | what somebody wants, and whether they get it |
//! | [`catalog`], [`cart`], [`order`], [`stock`], [`review`], [`wallet`], [`payment`], [`shipment`], [`notification`] | the shop's contexts |
//! | [`order::saga`] | what holds them together: the machine that drives an order |
//! | [`account`], [`chat`], [`service`] | one module per context: payloads, aggregates, refusals |
//! | [`view`], [`views`] | pure read models that the server and the page fold alike |
//! | [`access`], [`scope`] | who may see what, folded from the log; what a session may be used for |

pub mod access;
pub mod account;
pub mod audience;
pub mod cart;
pub mod catalog;
pub mod chat;
mod checked;
pub mod command;
pub mod contract;
pub mod decide;
pub mod envelope;
pub mod ids;
pub mod money;
pub mod notification;
pub mod order;
pub mod payment;
pub mod review;
pub mod scope;
pub mod service;
pub mod shipment;
pub mod stock;
pub mod subject;
pub mod text;
pub mod time;
pub mod view;
pub mod views;
pub mod wallet;

pub use access::Access;
pub use audience::{Audience, Token, Tokens};
pub use command::{Actor, Command, Decision, MAX_HOPS, Refusal, RefusalKind};
pub use contract::{Event, Intent};
pub use decide::{Aggregate, Context, State, decide};
pub use envelope::{Cursor, Envelope, Epoch, Position, Recorded};
pub use ids::{
    CommandId, EventId, Handle, MessageId, NotificationId, OrderId, RoomId, ServiceName, SessionId, Sku,
    StreamId, UserId,
};
pub use money::{Cents, Currency, grouped};
pub use scope::{Scope, Scopes};
pub use subject::{Pattern, Subject};
pub use time::Timestamp;
pub use view::View;

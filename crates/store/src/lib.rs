//! All the SQL.
//!
//! The log is written by one committer, which decides commands with the domain's pure rules and answers a
//! caller only when its events are on disk, and is read by anybody who has a position.
//!
//! | module | holds |
//! |---|---|
//! | [`store`] | the handle that everybody else uses |
//! | [`unit`] | what is written: commands, effects, receipts, refusals |
//! | [`read`] | what is read: filters, pages, credentials, sessions |
//! | `committer`, `batch` | the one writer, and what it does with the units of one transaction |
//! | `engine` | what a database has to offer; the committer knows no SQL |
//! | `sqlite` | the embedded database |
//!
//! Not here: any business rule (`domain`), fan-out to subscribers (`hub`), password hashing (`backend`).

mod batch;
mod committer;
mod engine;
pub mod read;
mod sqlite;
pub mod store;
pub mod unit;

pub use read::{Commit, Credential, Filter, Page, ReadError, SessionRow};
pub use store::{Clock, OpenError, Options, Store};
pub use unit::{Effect, EventRef, Receipt, Unit, UnitError};

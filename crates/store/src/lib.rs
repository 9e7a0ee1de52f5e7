//! All the SQL.
//!
//! The log is written by one committer, which decides commands with the domain's pure rules and answers a
//! caller only when its events are on disk, and is read by anybody who has a position.
//!
//! | module | holds |
//! |---|---|
//! | [`store`] | the handle that everybody else uses |
//! | [`unit`] | what is written: commands, effects, receipts, refusals |
//! | [`reactor`] | what reactors keep beside the log |
//! | [`projection`] | stored projections and their generations |
//! | [`read`] | what is read: filters, pages, credentials, sessions |
//! | `committer`, `batch` | the one writer, and what it does with the units of one transaction |
//! | `recent` | the newest events, in memory |
//! | `sessions` | sessions that were looked up, in memory |
//! | `engine` | what a database has to offer; the committer knows no SQL |
//! | `sqlite` | the embedded database |
//!
//! Not here: any business rule (`domain`), fan-out to subscribers (`hub`), password hashing (`backend`).

mod batch;
mod committer;
mod engine;
pub mod projection;
pub mod reactor;
pub mod read;
mod recent;
mod sessions;
mod sqlite;
pub mod store;
pub mod unit;

pub use projection::{DocPage, Findable, Generation, Projected, Stage};
pub use reactor::{Checkpoint, Handling, Letter, LetterStatus, Timer};
pub use read::{Commit, Credential, Filter, Page, ReadError, SessionRow};
pub use store::{Clock, OpenError, Options, Store};
pub use unit::{Effect, EventRef, Receipt, Unit, UnitError};

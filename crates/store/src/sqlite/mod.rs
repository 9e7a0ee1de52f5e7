//! The embedded database: one file for the log, one each for snapshots, projections and
//! handlings, and two small ones beside them.
//!
//! | module | holds |
//! |---|---|
//! | `folder` | the files: where they are, the lock, the epoch's sidecar |
//! | `open` | connections, migrations, checks at the start |
//! | `writer` | the one connection that writes |
//! | `known` | what a transaction rests on |
//! | `insert` | rows into tables |
//! | `script` | statements that go to the database together |
//! | `reactors` | the tables of the reactors |
//! | `redact` | blanking, and getting what was blanked out of the files |
//! | `reader` | the connections that read |
//! | `query` | how a filter becomes a statement |
//! | `rows` | an event as columns and back |
//! | `projections` | the projections' file |
//! | `search` | the full-text index in that file |
//! | `views` | the snapshots' file |
//! | `trace` | the handlings' file |
//! | `derived` | files that can be made again from the log |
//! | `faults` | the database's errors in our words |

mod derived;
mod faults;
mod folder;
mod insert;
mod known;
mod open;
mod projections;
mod query;
mod reactors;
mod reader;
mod redact;
mod rows;
mod script;
mod search;
mod trace;
mod views;
mod writer;

pub(crate) use open::open;

//! The embedded database: one file for the log, one for snapshots, and two small ones beside them.
//!
//! | module | holds |
//! |---|---|
//! | `folder` | the files: where they are, the lock, the epoch's sidecar |
//! | `open` | connections, migrations, checks at the start |
//! | `writer` | the one connection that writes |
//! | `insert` | rows into tables |
//! | `redact` | blanking, and getting what was blanked out of the files |
//! | `reader` | the connections that read |
//! | `query` | how a filter becomes a statement |
//! | `rows` | an event as columns and back |
//! | `views` | the snapshots' file |
//! | `faults` | the database's errors in our words |

mod faults;
mod folder;
mod insert;
mod open;
mod query;
mod reader;
mod redact;
mod rows;
mod views;
mod writer;

pub(crate) use open::open;

//! The page: shell, features, live views. Compiled twice, into the server (feature `ssr`), which renders it
//! whole, and into WebAssembly (feature `hydrate`), which wakes it up.
//!
//! | module | holds |
//! |---|---|
//! | [`shell`](shell()), [`App`] | the document, and what is in it |
//! | `rail`, `theme` | the way to the other pages; light or dark |
//! | [`context`] | what the server tells a page, and what of it the browser gets |
//! | [`calls`], [`fault`] | server functions, and what goes wrong with them |
//! | [`live`] | views that fold themselves |
//! | [`outbox`] | commands on their way |
//! | [`presence`], [`clock`] | who is here; what time it is, and how that is written |
//! | [`forms`] | plain forms that are commands |
//! | [`features`] | one module for each part of the site |
//! | [`ui`] | small things that all of them use |
//!
//! It knows no SQL, and nothing but `live` knows a transport; a component asks for a view and gets a signal. What runs
//! in the browser only stands in effects and event handlers, which the server never runs.
#![recursion_limit = "512"]
#![allow(
    unreachable_pub,
    reason = "the component macro makes a public struct of every component's properties"
)]

pub mod calls;
pub mod clock;
pub mod context;
mod document;
pub mod fault;
pub mod features;
pub mod forms;
pub mod live;
pub mod outbox;
pub mod presence;
mod rail;
mod root;
mod theme;
pub mod ui;

pub use context::{Build, Demo, InCart, Issued, Page, Refused, Viewer};
pub use document::shell;
pub use features::sessions::TOKEN;
pub use root::App;

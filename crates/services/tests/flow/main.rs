//! Orders from cart to doorstep, through the real services, a real store and a real hub; and everything that can
//! come in between.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod books;
#[path = "../common/mod.rs"]
mod common;
mod crash;
mod failing;
mod shop;
mod undone;
mod way;

//! One module for each part of the site.

pub mod account;
pub mod chat;
pub mod home;
pub mod sessions;
pub mod settings;

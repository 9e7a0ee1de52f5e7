//! One module for each part of the site.

pub mod account;
pub mod bell;
pub mod cart;
pub mod chat;
pub mod desk;
pub mod home;
pub mod orders;
pub mod sessions;
pub mod settings;
pub mod shop;
pub mod wallet;

//! Small things that every feature is made from.

mod announcer;
mod avatar;
mod away;
mod dynamic;
mod face;
mod icon;
mod linked;
mod pill;
mod problem;
mod toast;

pub use announcer::{Announcer, AnnouncerRegion};
pub use avatar::Avatar;
pub use away::AwayBar;
pub use dynamic::{Dynamic, dynamic};
pub use face::Face;
pub use icon::Icon;
pub use linked::Linked;
pub use pill::ConnectionPill;
pub use problem::{NotFound, Problem};
pub use toast::{ToastRegion, Toasts};

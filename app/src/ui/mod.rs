//! Small things that every feature is made from.

mod announcer;
mod as_of;
mod avatar;
mod away;
mod dynamic;
mod face;
mod field;
mod focus;
mod icon;
mod linked;
mod loading;
mod past;
mod pill;
mod problem;
mod rows;
mod toast;

pub use announcer::{Announcer, AnnouncerRegion};
pub use as_of::AsOf;
pub use avatar::Avatar;
pub use away::AwayBar;
pub use dynamic::{Dynamic, dynamic, passing};
pub use face::Face;
pub use field::follow;
pub use focus::{FocusFollows, focus_again, focus_first, focus_page};
pub use icon::Icon;
pub use linked::Linked;
pub use loading::Loading;
pub use past::{NowAndThen, PastBar, Step, Then, asked, now_and_then, seen, shown_and_whole};
pub use pill::ConnectionPill;
pub use problem::{NotFound, Problem};
pub use rows::Rows;
pub use toast::{ToastRegion, Toasts};

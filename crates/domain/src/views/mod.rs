//! The views of this build, one file each.

mod room_feed;
mod room_list;

pub use room_feed::{FeedKey, FeedMessage, RoomFeed, WINDOW};
pub use room_list::{LastLine, ListKey, ListedRoom, MOST_UNREAD, RoomList};

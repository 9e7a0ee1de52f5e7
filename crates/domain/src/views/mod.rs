//! The views of this build, one file each.

mod bell;
mod cart;
mod desk;
mod order;
mod order_list;
mod room_feed;
mod room_list;
mod shop;
mod wallet;

pub use bell::{Bell, BellItem, MOST_NOTIFICATIONS, Mailed};
pub use cart::{CartLine, CartView, OwnKey};
pub use desk::{Desk, DeskRow, MOST_CLOSED, Queue};
pub use order::{OrderKey, OrderView, PlacedOrder, ReviewState, TimelineEntry};
pub use order_list::{ListedOrder, MOST_ORDERS, OrderList};
pub use room_feed::{FeedKey, FeedMessage, RoomFeed, WINDOW};
pub use room_list::{LastLine, ListKey, ListedRoom, MOST_UNREAD, RoomList};
pub use shop::{Shop, ShopProduct};
pub use wallet::{MOST_ENTRIES, WalletEntry, WalletView};

//! Products, and people who order them, on the shop floor of the tests: by commands alone, without services.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test binary uses some of it")]

use domain::{
    Actor, Cents, Command, CommandId, Intent, OrderId, UserId, cart::AddItem, catalog::ListProduct,
    order::Place,
};
use uuid::Uuid;

use crate::common::Floor;

pub fn service() -> Actor {
    Actor::Service("test".into())
}

/// Puts a product on sale.
pub async fn list(floor: &Floor, sku: &str, title: &str, price_cents: i64) {
    let (sku, title, price_cents) = (sku.parse().unwrap(), title.to_owned(), Cents(price_cents));
    floor.run(service(), ListProduct { sku, title, price_cents, description: None, category: None }).await;
}

/// Somebody orders one piece of a product.
pub async fn order(floor: &Floor, customer: UserId, sku: &str, price_cents: i64) -> OrderId {
    floor.run(Actor::User(customer), AddItem { sku: sku.parse().unwrap(), quantity: 1 }).await;
    let place = Intent::from(Place { expected_total_cents: Cents(price_cents), address: None });
    let command = Command::new(CommandId(Uuid::now_v7()), Actor::User(customer), place);
    let order = OrderId(command.id.0);
    floor.store.execute(command.into()).await.unwrap();
    order
}

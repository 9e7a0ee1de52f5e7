//! The calls of the shop's pages.

use domain::{
    OrderId,
    order::OrderName,
    view::Snapshot,
    views::{CartView, OrderList, OrderView, Shop, WalletView},
};
use leptos::prelude::*;

use super::json::Json;
use crate::fault::Fault;

/// What is sold.
///
/// # Errors
/// If the log cannot be read.
#[server(name = ShopCall, prefix = "/fn", endpoint = "shop", input = Json, output = Json)]
pub async fn shop() -> Result<Snapshot<Shop>, Fault> {
    server::shop().await
}

/// The caller's cart.
///
/// # Errors
/// If the caller is not signed in.
#[server(name = CartCall, prefix = "/fn", endpoint = "cart", input = Json, output = Json)]
pub async fn cart() -> Result<Snapshot<CartView>, Fault> {
    server::cart().await
}

/// The caller's wallet; with `at`, a position of the log or an instant, as it was then.
///
/// # Errors
/// If the caller is not signed in, or there was no wallet then.
#[server(name = WalletCall, prefix = "/fn", endpoint = "wallet", input = Json, output = Json)]
pub async fn wallet(at: Option<String>) -> Result<Snapshot<WalletView>, Fault> {
    server::wallet(at).await
}

/// The caller's orders.
///
/// # Errors
/// If the caller is not signed in.
#[server(name = OrdersCall, prefix = "/fn", endpoint = "orders", input = Json, output = Json)]
pub async fn orders() -> Result<Snapshot<OrderList>, Fault> {
    server::orders().await
}

/// One order; with `at`, a position of the log or an instant, as it was then.
///
/// # Errors
/// If there is no such order for the caller, or there was none then.
#[server(name = OrderCall, prefix = "/fn", endpoint = "order", input = Json, output = Json)]
pub async fn order(order: OrderId, at: Option<String>) -> Result<Snapshot<OrderView>, Fault> {
    server::order(order, at).await
}

/// The orders that are named, as far as there are such for the caller.
///
/// # Errors
/// If the caller is not signed in.
#[server(name = OrdersNamedCall, prefix = "/fn", endpoint = "orders_named", input = Json, output = Json)]
pub async fn orders_named(names: Vec<OrderName>) -> Result<Vec<(OrderName, Snapshot<OrderView>)>, Fault> {
    server::orders_named(names).await
}

#[cfg(feature = "ssr")]
mod server {
    use backend::{At, QueryError};

    use super::{CartView, Fault, OrderId, OrderList, OrderName, OrderView, Shop, Snapshot, WalletView};
    use crate::calls::server::{asked, unanswered};

    pub(super) async fn shop() -> Result<Snapshot<Shop>, Fault> {
        let (backend, caller) = asked()?;
        backend.shop(&caller).await.map_err(|error| unanswered(&error))
    }

    pub(super) async fn cart() -> Result<Snapshot<CartView>, Fault> {
        let (backend, caller) = asked()?;
        backend.cart(&caller).await.map_err(|error| unanswered(&error))
    }

    pub(super) async fn wallet(at: Option<String>) -> Result<Snapshot<WalletView>, Fault> {
        let (backend, caller) = asked()?;
        let wallet = match instant(at)? {
            Some(at) => backend.wallet_then(&caller, at).await,
            None => backend.wallet(&caller).await,
        };
        wallet.map_err(|error| unanswered(&error))
    }

    fn instant(at: Option<String>) -> Result<Option<At>, Fault> {
        at.map(|at| at.parse()).transpose().map_err(|error: QueryError| unanswered(&error))
    }

    pub(super) async fn orders() -> Result<Snapshot<OrderList>, Fault> {
        let (backend, caller) = asked()?;
        backend.orders(&caller).await.map_err(|error| unanswered(&error))
    }

    pub(super) async fn order(order: OrderId, at: Option<String>) -> Result<Snapshot<OrderView>, Fault> {
        let (backend, caller) = asked()?;
        let order = match instant(at)? {
            Some(at) => backend.order_then(&caller, order, at).await,
            None => backend.order(&caller, order).await,
        };
        order.map_err(|error| unanswered(&error))
    }

    pub(super) async fn orders_named(
        names: Vec<OrderName>,
    ) -> Result<Vec<(OrderName, Snapshot<OrderView>)>, Fault> {
        let (backend, caller) = asked()?;
        backend.orders_named(&caller, names).await.map_err(|error| unanswered(&error))
    }
}

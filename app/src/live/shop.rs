//! The shop's views, as they are fetched anew.

use domain::{
    view::Snapshot,
    views::{CartView, OrderKey, OrderList, OrderView, OwnKey, Shop, WalletView},
};

use super::Fetch;
use crate::{calls, fault::Fault};

impl Fetch for Shop {
    const SID: &'static str = "shop";

    async fn fetch((): ()) -> Result<Snapshot<Self>, Fault> {
        calls::shop().await
    }
}

impl Fetch for CartView {
    const SID: &'static str = "cart";

    async fn fetch(_: OwnKey) -> Result<Snapshot<Self>, Fault> {
        calls::cart().await
    }
}

impl Fetch for WalletView {
    const SID: &'static str = "wallet";

    async fn fetch(_: OwnKey) -> Result<Snapshot<Self>, Fault> {
        calls::wallet(None).await
    }
}

impl Fetch for OrderList {
    const SID: &'static str = "orders";

    async fn fetch(_: OwnKey) -> Result<Snapshot<Self>, Fault> {
        calls::orders().await
    }
}

impl Fetch for OrderView {
    const SID: &'static str = "order";

    async fn fetch(key: OrderKey) -> Result<Snapshot<Self>, Fault> {
        calls::order(key.order, None).await
    }
}

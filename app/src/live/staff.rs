//! The desk and the bell, as they are fetched anew.

use domain::{
    view::Snapshot,
    views::{Bell, Desk, OwnKey},
};

use super::Fetch;
use crate::{calls, fault::Fault};

impl Fetch for Desk {
    const SID: &'static str = "desk";

    async fn fetch((): ()) -> Result<Snapshot<Self>, Fault> {
        calls::desk().await
    }
}

impl Fetch for Bell {
    const SID: &'static str = "bell";

    async fn fetch(_: OwnKey) -> Result<Snapshot<Self>, Fault> {
        calls::bell().await
    }
}

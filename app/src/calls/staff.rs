//! The calls of the desk and the bell.

use domain::{
    view::Snapshot,
    views::{Bell, Desk},
};
use leptos::prelude::*;

use super::json::Json;
use crate::fault::Fault;

/// The desk.
///
/// # Errors
/// If the caller is not of the staff.
#[server(name = DeskCall, prefix = "/fn", endpoint = "desk", input = Json, output = Json)]
pub async fn desk() -> Result<Snapshot<Desk>, Fault> {
    server::desk().await
}

/// What the caller was told.
///
/// # Errors
/// If the caller is not signed in.
#[server(name = BellCall, prefix = "/fn", endpoint = "bell", input = Json, output = Json)]
pub async fn bell() -> Result<Snapshot<Bell>, Fault> {
    server::bell().await
}

#[cfg(feature = "ssr")]
mod server {
    use backend::QueryError;
    use domain::views::OwnKey;

    use super::{Bell, Desk, Fault, Snapshot};
    use crate::calls::server::{asked, unanswered};

    pub(super) async fn desk() -> Result<Snapshot<Desk>, Fault> {
        let (backend, caller) = asked()?;
        backend.view(&caller, &()).await.map_err(|error| unanswered(&error))
    }

    pub(super) async fn bell() -> Result<Snapshot<Bell>, Fault> {
        let (backend, caller) = asked()?;
        let user = caller.user.ok_or_else(|| unanswered(&QueryError::SignInFirst))?;
        backend.view(&caller, &OwnKey { user }).await.map_err(|error| unanswered(&error))
    }
}

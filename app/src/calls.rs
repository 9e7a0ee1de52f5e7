//! The calls a page makes: server functions under `/fn`, each a few lines over the backend. On the server
//! they are called directly, while a page is rendered; in the browser the same name is an HTTP request.
#![allow(missing_docs, reason = "the server macro makes a struct of every function's arguments")]

mod json;
mod shop;
mod staff;

use domain::{
    CommandId, EventId, Handle, Intent, Position, RoomId,
    account::{Person, Session},
    view::Snapshot,
    views::{FeedMessage, RoomFeed, RoomList},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

use json::Json;
pub use json::{Lasting, Text};
pub use shop::{cart, order, orders, orders_named, shop, wallet};
pub use staff::{BellCall, DeskCall, bell, desk};

/// The answer to an accepted command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Where its last event stands; if it has none, how far the log had come.
    pub position: Position,
    /// Its events, in order.
    pub events: Vec<EventId>,
}

/// Carries out a command for whoever is signed in.
///
/// # Errors
/// A refusal, or what went wrong on the way.
pub async fn execute(id: CommandId, intent: &Intent) -> Result<Receipt, Fault> {
    command(id, intent.name().to_owned(), intent.data().get().to_owned()).await
}

/// Any command of the contract: its id, its name, its payload as JSON.
///
/// # Errors
/// A refusal, or what went wrong on the way.
#[server(name = ExecuteCall, prefix = "/fn", endpoint = "execute", input = Json, output = Json, client = Lasting)]
pub async fn command(id: CommandId, name: String, data: String) -> Result<Receipt, Fault> {
    server::command(id, &name, &data).await
}

/// The feed of a room.
///
/// # Errors
/// If there is no such room for the caller.
#[server(name = RoomFeedCall, prefix = "/fn", endpoint = "room_feed", input = Json, output = Json)]
pub async fn room_feed(room: RoomId) -> Result<Snapshot<RoomFeed>, Fault> {
    server::room_feed(room).await
}

/// The caller's rooms.
///
/// # Errors
/// If the log cannot be read.
#[server(name = RoomListCall, prefix = "/fn", endpoint = "room_list", input = Json, output = Json)]
pub async fn room_list() -> Result<Snapshot<RoomList>, Fault> {
    server::room_list().await
}

/// Up to 50 messages of a room that are older than a position, oldest first.
///
/// # Errors
/// If there is no such room for the caller.
#[server(name = EarlierCall, prefix = "/fn", endpoint = "earlier", input = Json, output = Json)]
pub async fn earlier(room: RoomId, before: Position) -> Result<Vec<FeedMessage>, Fault> {
    server::earlier(&room, before).await
}

/// Who has a handle.
///
/// # Errors
/// If the caller is not signed in, or nobody has it.
#[server(name = FindPersonCall, prefix = "/fn", endpoint = "find_person", input = Json, output = Json)]
pub async fn find_person(handle: Handle) -> Result<Person, Fault> {
    server::find_person(&handle).await
}

/// Where the caller is signed in, and their tokens, oldest first.
///
/// # Errors
/// If the caller is not signed in.
#[server(name = SessionsCall, prefix = "/fn", endpoint = "sessions", input = Json, output = Json)]
pub async fn sessions() -> Result<Vec<Session>, Fault> {
    server::sessions().await
}

#[cfg(feature = "ssr")]
mod server {
    use axum::http::StatusCode;
    use backend::{AccountError, Backend, Caller, ExecuteError, QueryError};
    use domain::Position;
    use leptos::context::use_context;
    use leptos_axum::ResponseOptions;

    use super::{
        CommandId, Fault, FeedMessage, Handle, Intent, Person, Receipt, RoomFeed, RoomId, RoomList, Session,
        Snapshot,
    };

    pub(super) fn asked() -> Result<(Backend, Caller), Fault> {
        let backend = use_context::<Backend>()
            .ok_or_else(|| Fault::new("server.no_backend", "The server is not ready yet."))?;
        Ok((backend, use_context::<Caller>().unwrap_or_default()))
    }

    /// The answer's status follows the fault; while a page is rendered, that is the page's status.
    fn fault(status: u16, code: &str, why: String) -> Fault {
        if let (Some(options), Ok(status)) = (use_context::<ResponseOptions>(), StatusCode::from_u16(status))
        {
            options.set_status(status);
        }
        Fault::new(code, why)
    }

    fn refused(error: &ExecuteError) -> Fault {
        fault(error.status(), error.code(), error.to_string())
    }

    pub(super) fn unanswered(error: &QueryError) -> Fault {
        fault(error.status(), error.code(), error.to_string())
    }

    pub(super) async fn command(id: CommandId, name: &str, data: &str) -> Result<Receipt, Fault> {
        let (backend, caller) = asked()?;
        let intent =
            Intent::parse(name, data).map_err(|error| fault(422, "command.malformed", error.to_string()))?;
        let receipt = backend.execute(&caller, id, intent, None).await.map_err(|error| refused(&error))?;
        Ok(Receipt {
            position: receipt.position,
            events: receipt.events.iter().map(|event| event.id).collect(),
        })
    }

    pub(super) async fn room_feed(room: RoomId) -> Result<Snapshot<RoomFeed>, Fault> {
        let (backend, caller) = asked()?;
        backend.room_feed(&caller, &room).await.map_err(|error| unanswered(&error))
    }

    pub(super) async fn room_list() -> Result<Snapshot<RoomList>, Fault> {
        let (backend, caller) = asked()?;
        backend.room_list(&caller).await.map_err(|error| unanswered(&error))
    }

    pub(super) async fn earlier(room: &RoomId, before: Position) -> Result<Vec<FeedMessage>, Fault> {
        let (backend, caller) = asked()?;
        backend.earlier(&caller, room, before).await.map_err(|error| unanswered(&error))
    }

    pub(super) async fn sessions() -> Result<Vec<Session>, Fault> {
        let (backend, caller) = asked()?;
        let refused = |error: AccountError| fault(error.status(), error.code(), error.to_string());
        backend.sessions(&caller).await.map_err(refused)
    }

    pub(super) async fn find_person(handle: &Handle) -> Result<Person, Fault> {
        let (backend, caller) = asked()?;
        if caller.user.is_none() {
            return Err(unanswered(&QueryError::SignInFirst));
        }
        backend
            .person_by_handle(handle)
            .await
            .map_err(|error| unanswered(&error))?
            .ok_or_else(|| fault(404, "account.not_found", format!("Nobody here is called @{handle}.")))
    }
}

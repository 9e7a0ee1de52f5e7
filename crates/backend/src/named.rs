//! Views by their names, now or as they were: what the API answers questions with. Who may ask for a view today
//! may ask for it as of any day; what it shows of that day, it shows to the same person.

use std::str::FromStr;

use domain::{
    OrderId, Position, RoomId, Timestamp, Token, UserId, View,
    view::Snapshot,
    views::{
        Bell, CartView, Desk, ListKey, OrderKey, OrderList, OrderView, OwnKey, RoomFeed, RoomList, Shop,
        WalletView,
    },
};
use serde_json::Value;

use crate::{Backend, Caller, QueryError, views};

/// The views that there are, each with what its id is.
pub const VIEWS: [(&str, &str); 9] = [
    (Shop::NAME, "`all`"),
    (Desk::NAME, "`all`; only for the staff"),
    (OrderView::NAME, "an order"),
    (OrderList::NAME, "a person, or `me`"),
    (CartView::NAME, "a person, or `me`"),
    (WalletView::NAME, "a person, or `me`"),
    (Bell::NAME, "a person, or `me`"),
    (RoomList::NAME, "a person, or `me`"),
    (RoomFeed::NAME, "a room"),
];

/// As of when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// A position of the log.
    Position(Position),
    /// An instant.
    Instant(Timestamp),
}

impl FromStr for At {
    type Err = QueryError;
    fn from_str(text: &str) -> Result<Self, QueryError> {
        match (text.parse(), text.parse()) {
            (Ok(position), _) => Ok(At::Position(position)),
            (_, Ok(instant)) => Ok(At::Instant(instant)),
            _ => Err(QueryError::BadInstant(text.chars().take(40).collect())),
        }
    }
}

impl Backend {
    /// A view as it was.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] if the view is somebody else's; [`QueryError::PastHead`].
    pub async fn view_at<V: View>(
        &self,
        caller: &Caller,
        key: &V::Key,
        at: At,
    ) -> Result<Snapshot<V>, QueryError> {
        if !self.0.hub.tokens(caller.user).holds(&V::viewer(key)) {
            return Err(QueryError::NotFound);
        }
        let position = match at {
            At::Position(position) => position,
            At::Instant(instant) => self.0.store.position_at(instant).await?,
        };
        let head = self.0.store.head();
        if position > head {
            return Err(QueryError::PastHead { after: position, head });
        }
        views::at(&self.0.store, key, position).await
    }

    /// A view by its name and what it is about (see [`VIEWS`]), as JSON.
    ///
    /// # Errors
    /// [`QueryError`]
    pub async fn view_by_name(
        &self,
        caller: &Caller,
        name: &str,
        id: &str,
        at: Option<At>,
    ) -> Result<Value, QueryError> {
        match name {
            Shop::NAME => self.answer::<Shop>(caller, &everything(id)?, at).await,
            Desk::NAME => self.answer::<Desk>(caller, &everything(id)?, at).await,
            OrderList::NAME => self.answer::<OrderList>(caller, &own(caller, id)?, at).await,
            CartView::NAME => self.answer::<CartView>(caller, &own(caller, id)?, at).await,
            WalletView::NAME => self.answer::<WalletView>(caller, &own(caller, id)?, at).await,
            Bell::NAME => self.answer::<Bell>(caller, &own(caller, id)?, at).await,
            RoomList::NAME => {
                let key = ListKey { viewer: Some(own(caller, id)?.user) };
                self.answer::<RoomList>(caller, &key, at).await
            }
            OrderView::NAME => {
                let order = id.parse().map_err(|_| QueryError::NotFound)?;
                let key = self.order_key(caller, order).await?;
                self.answer::<OrderView>(caller, &key, at).await
            }
            RoomFeed::NAME => {
                let room: RoomId = id.parse().map_err(|_| QueryError::NotFound)?;
                let key = self.room_feed(caller, &room).await?.view.key;
                self.answer::<RoomFeed>(caller, &key, at).await
            }
            other => Err(QueryError::NoView(other.chars().take(40).collect())),
        }
    }

    /// As whom the caller may see an order: as its customer, or as one of the staff.
    async fn order_key(&self, caller: &Caller, order: OrderId) -> Result<OrderKey, QueryError> {
        let staff = self.0.hub.tokens(caller.user).holds(&Token::Staff);
        let customer = if staff { None } else { Some(caller.user.ok_or(QueryError::SignInFirst)?) };
        let key = OrderKey { order, customer };
        match self.view::<OrderView>(caller, &key).await?.view.placed {
            Some(_) => Ok(key),
            None => Err(QueryError::NotFound),
        }
    }

    async fn answer<V: View>(
        &self,
        caller: &Caller,
        key: &V::Key,
        at: Option<At>,
    ) -> Result<Value, QueryError> {
        let snapshot = match at {
            Some(at) => self.view_at::<V>(caller, key, at).await?,
            None => self.view::<V>(caller, key).await?,
        };
        Ok(serde_json::to_value(snapshot)?)
    }
}

fn everything(id: &str) -> Result<(), QueryError> {
    if id == "all" { Ok(()) } else { Err(QueryError::NotFound) }
}

fn own(caller: &Caller, id: &str) -> Result<OwnKey, QueryError> {
    let user: Option<UserId> = if id == "me" { caller.user } else { id.parse().ok() };
    match user {
        Some(user) => Ok(OwnKey { user }),
        None if id == "me" => Err(QueryError::SignInFirst),
        None => Err(QueryError::NotFound),
    }
}

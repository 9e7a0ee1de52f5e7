//! Questions: views, and the log itself, each only as far as the caller may see.

use domain::{
    Envelope, Event, EventId, Pattern, Position, Recorded, RoomId, StreamId, View,
    view::Snapshot,
    views::{FeedKey, FeedMessage, ListKey, RoomFeed, RoomList},
};
use store::Filter;

use crate::{Backend, Caller, QueryError};

/// How many earlier messages are fetched at a time.
const EARLIER: usize = 50;

/// A page of the log.
#[derive(Debug)]
pub struct LogPage {
    /// The events, in order.
    pub events: Vec<Recorded>,
    /// Everything up to here has been considered. An empty page is not the end unless this is the head.
    pub next: Position,
}

impl Backend {
    /// A view as of the head.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] if the view is somebody else's.
    pub async fn view<V: View>(&self, caller: &Caller, key: &V::Key) -> Result<Snapshot<V>, QueryError> {
        if !self.0.hub.tokens(caller.user).holds(&V::viewer(key)) {
            return Err(QueryError::NotFound);
        }
        self.0.views.at_head(&self.0.store, key).await
    }

    /// The rooms the caller can see.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn room_list(&self, caller: &Caller) -> Result<Snapshot<RoomList>, QueryError> {
        self.view(caller, &ListKey { viewer: caller.user }).await
    }

    /// What is said in a room.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] if there is no such room, or it is private and the caller is not a member.
    pub async fn room_feed(&self, caller: &Caller, room: &RoomId) -> Result<Snapshot<RoomFeed>, QueryError> {
        let public: Snapshot<RoomFeed> =
            self.view(caller, &FeedKey { room: room.clone(), viewer: None }).await?;
        if public.view.title.is_some() {
            return Ok(public);
        }
        let Some(user) = caller.user else { return Err(QueryError::NotFound) };
        let private: Snapshot<RoomFeed> =
            self.view(caller, &FeedKey { room: room.clone(), viewer: Some(user) }).await?;
        if private.view.title.is_some() && !private.view.closed {
            Ok(private)
        } else {
            Err(QueryError::NotFound)
        }
    }

    /// Up to 50 messages of a room from before a position, oldest first, as they read now.
    ///
    /// # Errors
    /// As [`Backend::room_feed`].
    pub async fn earlier(
        &self,
        caller: &Caller,
        room: &RoomId,
        before: Position,
    ) -> Result<Vec<FeedMessage>, QueryError> {
        let feed = self.room_feed(caller, room).await?.view;
        let since = if feed.private { self.joined_at(caller, room).await? } else { Position::START };
        let topic = format!("chat.{room}");
        let posted = self.0.store.read_back(before, &topic, "chat.message_posted", EARLIER).await?;
        let mut earlier = RoomFeed::empty(&feed.key);
        for recorded in posted.iter().rev().filter(|recorded| recorded.meta.position > since) {
            for recorded in self.0.store.read_stream(&recorded.meta.stream).await? {
                earlier.fold(&recorded.decode()?);
            }
        }
        Ok(earlier.messages.into())
    }

    /// Where the caller last became a member of a private room.
    async fn joined_at(&self, caller: &Caller, room: &RoomId) -> Result<Position, QueryError> {
        let mut joined = Position::START;
        for recorded in self.0.store.read_stream(&StreamId::room(room)).await? {
            if let Envelope { event: Event::ChatMemberJoined(e), meta } = recorded.decode()?
                && Some(e.user) == caller.user
            {
                joined = meta.position;
            }
        }
        Ok(joined)
    }

    /// The log, as far as the caller may see it.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn log(
        &self,
        caller: &Caller,
        pattern: Pattern,
        after: Position,
        limit: usize,
    ) -> Result<LogPage, QueryError> {
        let head = self.0.store.head();
        if after > head {
            return Err(QueryError::PastHead { after, head });
        }
        // Who may see what is known up to what is published; what is acknowledged is about to be.
        self.0.hub.reached(head).await?;
        let published = self.0.hub.published();
        let filter = Filter {
            pattern,
            tokens: Some(self.0.hub.tokens(caller.user)),
            before_or_at: Some(published),
            ..Filter::everything()
        };
        let page = self.0.store.read(after, &filter, limit).await?;
        Ok(LogPage { events: page.events, next: page.next })
    }

    /// One event.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] if it does not exist or is not for the caller.
    pub async fn event(&self, caller: &Caller, id: EventId) -> Result<Recorded, QueryError> {
        let event = self.0.store.event(id).await?;
        self.0.hub.reached(self.0.store.head()).await?;
        let tokens = self.0.hub.tokens(caller.user);
        event.filter(|event| event.meta.audience.admits(&tokens)).ok_or(QueryError::NotFound)
    }
}

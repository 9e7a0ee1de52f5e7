//! The connections that read.

use std::sync::Arc;

use domain::{EventId, Handle, Position, Recorded, SessionId, StreamId, Subject, Timestamp, Tokens, UserId};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Row, SqlitePool, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    open::column,
    projections::Projections,
    query,
    reactors::Reactors,
    rows::{EVENT, all_recorded, position, recorded, unreadable, uuid},
    trace::Trace,
    views::Views,
};
use crate::{
    engine::{Reader, Reading},
    projection::{DocPage, Generation, Projected},
    reactor::{Handling, Letter, LetterStatus, Timer},
    read::{Credential, Filter, Page, ReadError, SessionRow},
};

/// How many events one call considers, at least, if most of them are not wanted.
const CANDIDATES: usize = 4096;

/// How many events of a flow are shown.
const FLOW: i64 = 1000;

/// See the module.
pub(super) struct SqliteReader {
    pub(super) pool: SqlitePool,
    pub(super) views: Arc<Views>,
    pub(super) trace: Arc<Trace>,
    pub(super) projections: Arc<Projections>,
}

impl SqliteReader {
    async fn page(&self, after: Position, filter: &Filter, max: usize) -> Result<Page, ReadError> {
        let max = max.max(1);
        // Most filters let most of their index through, and to walk on costs as much as what is found.
        let (mut page, ended) = self.walk(after, filter, max, max).await?;
        if !ended && page.events.len() < max / 2 {
            let rest = max - page.events.len();
            let (more, _) = self.walk(page.next, filter, rest.max(CANDIDATES), rest).await?;
            page.events.extend(more.events);
            page.next = more.next;
        }
        Ok(page)
    }

    /// A page among so many candidates, and whether there are no more of those.
    async fn walk(
        &self,
        after: Position,
        filter: &Filter,
        candidates: usize,
        max: usize,
    ) -> Result<(Page, bool), ReadError> {
        let row = query::page(after, filter, candidates, max).build().fetch_one(&self.pool).await?;
        let (mut next, mut ended) = (position(&row, 0)?, row.try_get(1)?);
        let mut events = all_recorded(row.try_get(2)?)?;
        events.sort_by_key(|event| event.meta.position);
        if let Some(last) = events.last().filter(|_| events.len() == max) {
            (next, ended) = (last.meta.position, false);
        }
        events.retain(|event| filter.pattern.matches(&event.meta.subject));
        Ok((Page { events, next: next.max(after) }, ended))
    }

    async fn count(&self, after: Position, filter: &Filter, up_to: usize) -> Result<usize, ReadError> {
        let mut statement = query::subjects(after, filter);
        let mut subjects = statement.build_query_scalar::<String>().fetch(&self.pool);
        let mut count = 0;
        while count < up_to
            && let Some(subject) = subjects.try_next().await?
        {
            let subject: Subject = subject.parse().map_err(unreadable)?;
            count += usize::from(filter.pattern.matches(&subject));
        }
        Ok(count)
    }

    /// Events by a condition of one value, with whatever follows it.
    async fn events(&self, condition: &str, values: &[Value<'_>]) -> Result<Vec<Recorded>, ReadError> {
        let mut query = sqlx::query_scalar(AssertSqlSafe(format!("SELECT {EVENT} FROM events {condition}")));
        for value in values {
            query = match *value {
                Value::Text(text) => query.bind(text.to_owned()),
                Value::Number(number) => query.bind(number),
                Value::Id(id) => query.bind(id.as_bytes().to_vec()),
            };
        }
        let events: Vec<String> = query.fetch_all(&self.pool).await?;
        Ok(events.iter().map(|event| recorded(event)).collect::<sqlx::Result<_>>()?)
    }

    /// Sessions by a condition of one value, with whatever follows it.
    async fn sessions(&self, condition: &str, value: &[u8]) -> Result<Vec<SessionRow>, ReadError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT session_id, user_id, name, scopes, created_at, expires_at FROM sessions {condition}"
        )))
        .bind(value.to_vec())
        .fetch_all(&self.pool)
        .await?;
        let session = |row: &SqliteRow| -> sqlx::Result<SessionRow> {
            Ok(SessionRow {
                session: SessionId(uuid(row, 0)?),
                user: UserId(uuid(row, 1)?),
                name: row.try_get(2)?,
                scopes: row.try_get::<&str, _>(3)?.parse().map_err(unreadable)?,
                created: Timestamp::from_millis(row.try_get(4)?),
                expires: Timestamp::from_millis(row.try_get(5)?),
            })
        };
        Ok(rows.iter().map(session).collect::<sqlx::Result<_>>()?)
    }
}

/// What a condition is about.
enum Value<'a> {
    Text(&'a str),
    Number(i64),
    Id(Uuid),
}

impl Reader for SqliteReader {
    fn read<'a>(&'a self, after: Position, filter: &'a Filter, max: usize) -> Reading<'a, Page> {
        Box::pin(self.page(after, filter, max))
    }

    fn count<'a>(&'a self, after: Position, filter: &'a Filter, up_to: usize) -> Reading<'a, usize> {
        Box::pin(self.count(after, filter, up_to))
    }

    fn read_stream<'a>(&'a self, stream: &'a StreamId) -> Reading<'a, Vec<Recorded>> {
        Box::pin(async move {
            self.events("WHERE stream_id = ? ORDER BY version", &[Value::Text(stream.as_str())]).await
        })
    }

    fn read_back<'a>(
        &'a self,
        before: Position,
        topic: &'a str,
        kind: &'a str,
        max: usize,
    ) -> Reading<'a, Vec<Recorded>> {
        Box::pin(async move {
            self.events(
                "INDEXED BY events_by_topic WHERE topic = ? AND type = ? AND pos < ? ORDER BY pos DESC LIMIT ?",
                &[
                    Value::Text(topic),
                    Value::Text(kind),
                    Value::Number(column(before)),
                    Value::Number(i64::try_from(max).unwrap_or(i64::MAX)),
                ],
            )
            .await
        })
    }

    fn event(&self, id: EventId) -> Reading<'_, Option<Recorded>> {
        Box::pin(async move { Ok(self.events("WHERE event_id = ?", &[Value::Id(id.0)]).await?.pop()) })
    }

    fn flow(&self, correlation: Uuid) -> Reading<'_, Vec<Recorded>> {
        Box::pin(async move {
            self.events(
                "INDEXED BY events_by_correlation WHERE correlation_id = ? ORDER BY pos LIMIT ?",
                &[Value::Id(correlation), Value::Number(FLOW)],
            )
            .await
        })
    }

    fn credential<'a>(&'a self, handle: &'a Handle) -> Reading<'a, Option<Credential>> {
        Box::pin(async move {
            let row = sqlx::query("SELECT user_id, password_hash FROM credentials WHERE handle = ?")
                .bind(handle.as_str())
                .fetch_optional(&self.pool)
                .await?;
            let credential = |row: SqliteRow| -> sqlx::Result<Credential> {
                let user = UserId(uuid(&row, 0)?);
                Ok(Credential { user, handle: handle.clone(), password_hash: row.try_get(1)? })
            };
            Ok(row.map(credential).transpose()?)
        })
    }

    fn handle_of(&self, user: UserId) -> Reading<'_, Option<Handle>> {
        Box::pin(async move {
            let handle: Option<String> =
                sqlx::query_scalar("SELECT handle FROM credentials WHERE user_id = ?")
                    .bind(user.0.as_bytes().as_slice())
                    .fetch_optional(&self.pool)
                    .await?;
            Ok(handle.map(|handle| handle.parse().map_err(unreadable)).transpose()?)
        })
    }

    fn session<'a>(&'a self, token_hash: &'a [u8; 32]) -> Reading<'a, Option<SessionRow>> {
        Box::pin(async move { Ok(self.sessions("WHERE token_hash = ?", token_hash.as_slice()).await?.pop()) })
    }

    fn session_by_id(&self, session: SessionId) -> Reading<'_, Option<SessionRow>> {
        Box::pin(async move {
            Ok(self.sessions("WHERE session_id = ?", session.0.as_bytes().as_slice()).await?.pop())
        })
    }

    fn sessions_of(&self, user: UserId) -> Reading<'_, Vec<SessionRow>> {
        Box::pin(async move {
            self.sessions("WHERE user_id = ? ORDER BY created_at", user.0.as_bytes().as_slice()).await
        })
    }

    fn checkpoint<'a>(&'a self, reactor: &'a str) -> Reading<'a, Position> {
        Box::pin(async move { Ok(Reactors(&self.pool).checkpoint(reactor).await?) })
    }

    fn state<'a>(&'a self, reactor: &'a str, key: &'a str) -> Reading<'a, Option<String>> {
        Box::pin(async move { Ok(Reactors(&self.pool).state(reactor, key).await?) })
    }

    fn handled<'a>(&'a self, reactor: &'a str) -> Reading<'a, Vec<Position>> {
        Box::pin(async move { Ok(Reactors(&self.pool).handled(reactor).await?) })
    }

    fn letters<'a>(
        &'a self,
        reactor: Option<&'a str>,
        status: LetterStatus,
        max: usize,
    ) -> Reading<'a, Vec<Letter>> {
        Box::pin(async move { Ok(Reactors(&self.pool).letters(reactor, status, max).await?) })
    }

    fn parked_keys<'a>(&'a self, reactor: &'a str) -> Reading<'a, Vec<(String, u64)>> {
        Box::pin(async move { Ok(Reactors(&self.pool).parked_keys(reactor).await?) })
    }

    fn timers(&self, max: usize) -> Reading<'_, Vec<Timer>> {
        Box::pin(async move { Ok(Reactors(&self.pool).timers(max).await?) })
    }

    fn ingested<'a>(&'a self, source: &'a str, id: &'a str) -> Reading<'a, Option<Position>> {
        Box::pin(async move { Ok(Reactors(&self.pool).ingested(source, id).await?) })
    }

    fn note_handlings<'a>(&'a self, handlings: &'a [Handling], keep_after: Position) -> Reading<'a, ()> {
        Box::pin(async move { Ok(self.trace.note(handlings, keep_after).await?) })
    }

    fn handlings<'a>(&'a self, of: &'a [Position]) -> Reading<'a, Vec<Handling>> {
        Box::pin(async move { Ok(self.trace.of(of).await?) })
    }

    fn generations<'a>(&'a self, projection: &'a str) -> Reading<'a, Vec<Generation>> {
        Box::pin(async move { Ok(self.projections.generations(projection).await?) })
    }

    fn begin_generation<'a>(&'a self, projection: &'a str, version: u32) -> Reading<'a, ()> {
        Box::pin(async move { Ok(self.projections.begin(projection, version).await?) })
    }

    fn project<'a>(&'a self, step: &'a Projected) -> Reading<'a, bool> {
        Box::pin(async move { Ok(self.projections.project(step).await?) })
    }

    fn switch_generation<'a>(&'a self, projection: &'a str) -> Reading<'a, ()> {
        Box::pin(async move { Ok(self.projections.switch(projection).await?) })
    }

    fn docs<'a>(
        &'a self,
        projection: &'a str,
        number: u32,
        keys: &'a [String],
    ) -> Reading<'a, Vec<(String, String)>> {
        Box::pin(async move { Ok(self.projections.docs(projection, number, keys).await?) })
    }

    fn doc<'a>(
        &'a self,
        projection: &'a str,
        key: &'a str,
    ) -> Reading<'a, Option<(Position, Option<String>)>> {
        Box::pin(async move { Ok(self.projections.doc(projection, key).await?) })
    }

    fn doc_range<'a>(
        &'a self,
        projection: &'a str,
        from: &'a str,
        before: &'a str,
        max: usize,
    ) -> Reading<'a, Option<DocPage>> {
        Box::pin(async move { Ok(self.projections.range(projection, from, before, max).await?) })
    }

    fn search<'a>(
        &'a self,
        projection: &'a str,
        query: &'a str,
        tokens: &'a Tokens,
        max: usize,
    ) -> Reading<'a, Option<DocPage>> {
        Box::pin(async move { Ok(self.projections.search(projection, query, tokens, max).await?) })
    }

    fn save_snapshot<'a>(
        &'a self,
        view: &'a str,
        generation: u32,
        key: &'a str,
        position: Position,
        doc: &'a str,
    ) -> Reading<'a, ()> {
        Box::pin(async move { Ok(self.views.save(view, generation, key, position, doc).await?) })
    }

    fn load_snapshot<'a>(
        &'a self,
        view: &'a str,
        generation: u32,
        key: &'a str,
    ) -> Reading<'a, Option<(Position, String)>> {
        Box::pin(async move { Ok(self.views.load(view, generation, key).await?) })
    }

    fn delete_snapshots<'a>(&'a self, view: &'a str) -> Reading<'a, ()> {
        Box::pin(async move { Ok(self.views.delete(view).await?) })
    }
}

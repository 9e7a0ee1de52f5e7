//! The connections that read.

use std::sync::Arc;

use domain::{EventId, Handle, Position, Recorded, SessionId, StreamId, Subject, Timestamp, UserId};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Row, SqlitePool, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    open::column,
    query,
    rows::{COLUMNS, recorded, unreadable, unsigned, uuid},
    views::Views,
};
use crate::{
    engine::{Reader, Reading},
    read::{Credential, Filter, Page, ReadError, SessionRow},
};

/// How many events of a flow are shown.
const FLOW: i64 = 1000;

/// See the module.
pub(super) struct SqliteReader {
    pub(super) pool: SqlitePool,
    pub(super) views: Arc<Views>,
}

impl SqliteReader {
    async fn page(&self, after: Position, filter: &Filter, max: usize) -> Result<Page, ReadError> {
        let max = max.max(1);
        let rows = query::page(after, filter, max).build().fetch_all(&self.pool).await?;
        let mut next = Position(rows.first().map_or(Ok(0), |row| unsigned(row.try_get(0)?))?);
        let mut events = Vec::with_capacity(rows.len());
        for row in &rows {
            // Null: nothing was found, and this row only says how far was considered.
            if row.try_get::<Option<i64>, _>(1)?.is_some() {
                events.push(recorded(row, 1)?);
            }
        }
        events.sort_by_key(|event| event.meta.position);
        if let Some(last) = events.last().filter(|_| events.len() == max) {
            next = last.meta.position;
        }
        events.retain(|event| filter.pattern.matches(&event.meta.subject));
        Ok(Page { events, next: next.max(after) })
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
        let mut query = sqlx::query(AssertSqlSafe(format!("SELECT {COLUMNS} FROM events {condition}")));
        for value in values {
            query = match *value {
                Value::Text(text) => query.bind(text.to_owned()),
                Value::Number(number) => query.bind(number),
                Value::Id(id) => query.bind(id.as_bytes().to_vec()),
            };
        }
        let rows = query.fetch_all(&self.pool).await?;
        Ok(rows.iter().map(|row| recorded(row, 0)).collect::<sqlx::Result<_>>()?)
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

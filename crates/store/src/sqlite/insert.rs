//! Rows into tables, many at a time.

use domain::{Recorded, Refusal, Timestamp, account};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, query_builder::Separated};

use super::{
    open::column,
    rows::{INSERTED, push},
};
use crate::{engine::Acceptance, unit::Effect};

/// Rows go in by as many as this: few different statements, so that all of them stay prepared.
const CHUNKS: [usize; 3] = [64, 8, 1];

/// Writes events and whom they are for.
pub(super) async fn events(connection: &mut SqliteConnection, events: &[Recorded]) -> sqlx::Result<()> {
    let into = format!("INSERT INTO events ({INSERTED}) ");
    rows(connection, &into, events, push).await?;
    let audience: Vec<(String, i64)> = events
        .iter()
        .flat_map(|event| {
            let position = column(event.meta.position);
            event.meta.audience.iter().map(move |token| (token.to_string(), position))
        })
        .collect();
    rows(connection, "INSERT INTO event_audience (token, pos) ", &audience, |mut row, (token, position)| {
        row.push_bind(token.clone());
        row.push_bind(*position);
    })
    .await
}

/// Notes accepted commands.
pub(super) async fn acceptances(
    connection: &mut SqliteConnection,
    acceptances: &[Acceptance],
) -> sqlx::Result<()> {
    let into = "INSERT INTO commands (actor, command_id, body_hash, pos, receipt) ";
    rows(connection, into, acceptances, |mut row, acceptance| {
        let json = |receipt| serde_json::to_string(receipt).expect("a receipt is plain data");
        row.push_bind(acceptance.key.0.clone());
        row.push_bind(acceptance.key.1.0.as_bytes().to_vec());
        row.push_bind(acceptance.body.map_or(Vec::new(), |body| body.to_vec()));
        row.push_bind(column(acceptance.position));
        row.push_bind(acceptance.receipt.as_ref().map(json));
    })
    .await
}

/// Carries out all effects or, on a refusal, none of them.
pub(super) async fn effects(
    connection: &mut SqliteConnection,
    effects: &[Effect],
    now: Timestamp,
) -> sqlx::Result<Result<(), Refusal>> {
    sqlx::query("SAVEPOINT effects").execute(&mut *connection).await?;
    let mut refused = Ok(());
    for effect in effects {
        refused = self::effect(connection, effect, now).await?;
        if refused.is_err() {
            sqlx::query("ROLLBACK TO effects").execute(&mut *connection).await?;
            break;
        }
    }
    sqlx::query("RELEASE effects").execute(&mut *connection).await?;
    Ok(refused)
}

async fn effect(
    connection: &mut SqliteConnection,
    effect: &Effect,
    now: Timestamp,
) -> sqlx::Result<Result<(), Refusal>> {
    let done = match effect {
        Effect::AddCredential { user, handle, password_hash } => {
            let added =
                sqlx::query("INSERT INTO credentials (user_id, handle, password_hash) VALUES (?, ?, ?)")
                    .bind(user.0.as_bytes().as_slice())
                    .bind(handle.as_str())
                    .bind(password_hash)
                    .execute(connection)
                    .await;
            if let Err(sqlx::Error::Database(error)) = &added
                && error.is_unique_violation()
            {
                return Ok(Err(account::Refusal::HandleTaken(handle.clone()).into()));
            }
            added
        }
        Effect::StartSession { session, user, token_hash, name, scopes, expires } => {
            sqlx::query("DELETE FROM sessions WHERE expires_at <= ?")
                .bind(now.millis())
                .execute(&mut *connection)
                .await?;
            sqlx::query(
                "INSERT INTO sessions (session_id, user_id, token_hash, name, scopes, created_at, expires_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(session.0.as_bytes().as_slice())
            .bind(user.0.as_bytes().as_slice())
            .bind(token_hash.as_slice())
            .bind(name)
            .bind(scopes.to_string())
            .bind(now.millis())
            .bind(expires.millis())
            .execute(connection)
            .await
        }
        Effect::EndSession { session, user } => {
            sqlx::query("DELETE FROM sessions WHERE session_id = ? AND user_id = ?")
                .bind(session.0.as_bytes().as_slice())
                .bind(user.0.as_bytes().as_slice())
                .execute(connection)
                .await
        }
    };
    done.map(|_| Ok(()))
}

/// Inserts items, each as the row that `push` binds.
async fn rows<T>(
    connection: &mut SqliteConnection,
    into: &str,
    mut items: &[T],
    push: impl Fn(Separated<'_, Sqlite, &'static str>, &T),
) -> sqlx::Result<()> {
    for size in CHUNKS {
        while items.len() >= size {
            let (chunk, rest) = items.split_at(size);
            QueryBuilder::<Sqlite>::new(into)
                .push_values(chunk, &push)
                .build()
                .execute(&mut *connection)
                .await?;
            items = rest;
        }
    }
    Ok(())
}

//! Rows into tables, many at a time.

use domain::{Position, Recorded, Refusal, Timestamp};
use sqlx::SqliteConnection;

use super::{
    open::column,
    reactors::Waiting,
    rows::{INSERT, hex, row},
    script::Script,
};
use crate::{engine::Acceptance, unit::Effect};

/// Writes events and whom they are for.
pub(super) fn events(script: &mut Script, events: &[Recorded]) {
    script.rows(INSERT, events.iter().map(row));
    let audience = events.iter().flat_map(|event| {
        let position = column(event.meta.position);
        event.meta.audience.iter().map(move |token| (token.to_string(), position))
    });
    script.rows("INSERT INTO event_audience (token, pos) SELECT row ->> 0, row ->> 1 FROM given", audience);
}

/// Notes accepted commands.
pub(super) fn acceptances(script: &mut Script, acceptances: &[Acceptance]) {
    let receipt = |receipt| serde_json::to_string(receipt).expect("a receipt is plain data");
    script.rows(
        "INSERT INTO commands (actor, command_id, body_hash, pos, receipt)
         SELECT row ->> 0, unhex(row ->> 1), unhex(row ->> 2), row ->> 3, row ->> 4 FROM given",
        acceptances.iter().map(|acceptance| {
            (
                &acceptance.key.0,
                acceptance.key.1.0.simple(),
                hex(acceptance.body.as_ref().map_or(&[], |body| body)),
                column(acceptance.position),
                acceptance.receipt.as_ref().map(receipt),
            )
        }),
    );
}

/// Carries out all effects of a unit or, on a refusal, none of them. What cannot be refused waits until all that the
/// transaction does is known. `at` is the unit's last position.
pub(super) async fn effects(
    script: &mut Script,
    waiting: &mut Waiting,
    connection: &mut SqliteConnection,
    effects: &[Effect],
    at: Position,
    now: Timestamp,
) -> sqlx::Result<Result<(), Refusal>> {
    let (accounts, others): (Vec<&Effect>, Vec<&Effect>) = effects.iter().partition(|effect| {
        matches!(
            effect,
            Effect::AddCredential { .. } | Effect::StartSession { .. } | Effect::EndSession { .. }
        )
    });
    // Only what belongs to an account can be refused here.
    if !accounts.is_empty() {
        script.run(connection).await?;
        sqlx::query("SAVEPOINT effects").execute(&mut *connection).await?;
        let mut refused = Ok(());
        for effect in accounts {
            refused = account(connection, effect, now).await?;
            if refused.is_err() {
                sqlx::query("ROLLBACK TO effects").execute(&mut *connection).await?;
                break;
            }
        }
        sqlx::query("RELEASE effects").execute(&mut *connection).await?;
        if refused.is_err() {
            return Ok(refused);
        }
    }
    others.into_iter().for_each(|effect| waiting.push(effect, at, now));
    Ok(Ok(()))
}

/// What belongs to somebody's account.
async fn account(
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
                return Ok(Err(domain::account::Refusal::HandleTaken { handle: handle.clone() }.into()));
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
        other => unreachable!("{other:?} belongs to no account"),
    };
    done.map(|_| Ok(()))
}

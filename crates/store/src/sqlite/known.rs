//! What a transaction rests on, asked for in one script: the rows of four statements, told apart by their first column.

use domain::CommandId;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    rows::{self, json, position, recorded, unreadable, uuid},
    script::Script,
};
use crate::engine::{Acceptance, CommandKey, Known, Wanted};

const ACCEPTED: i64 = 0;
const EVENT: i64 = 1;
const CHECKPOINT: i64 = 2;
const INGESTED: i64 = 3;

/// Asks for what is wanted, together with what waits in the script.
pub(super) async fn known(
    script: &mut Script,
    connection: &mut SqliteConnection,
    wanted: &Wanted,
) -> sqlx::Result<Known> {
    let key = |(actor, id): &CommandKey| (actor.clone(), id.0.simple().to_string());
    let mut ask = |columns: &str, list: String, found: &str| {
        if list != "[]" {
            let sql = format!("SELECT {columns} FROM json_each(");
            script.push(&sql).push_bind(list).push(") AS wanted CROSS JOIN ").push(found);
        }
    };
    ask(
        &format!("{ACCEPTED}, actor, command_id, body_hash, pos, receipt"),
        json(&wanted.keys.iter().map(key).collect::<Vec<_>>()),
        "commands ON actor = wanted.value ->> 0 AND command_id = unhex(wanted.value ->> 1)",
    );
    ask(
        &format!("{EVENT}, {}", rows::EVENT),
        json(&wanted.streams),
        "events ON events.stream_id = wanted.value ORDER BY events.stream_id, events.version",
    );
    ask(
        &format!("{CHECKPOINT}, reactor, pos"),
        json(&wanted.reactors),
        "checkpoints ON checkpoints.reactor = wanted.value",
    );
    ask(
        &format!("{INGESTED}, ingested.source, ingested.id, pos"),
        json(&wanted.incoming),
        "ingested ON ingested.source = wanted.value ->> 0 AND ingested.id = wanted.value ->> 1",
    );
    let mut known = Known::default();
    for row in script.fetch(connection).await? {
        match row.try_get(0)? {
            ACCEPTED => known.accepted.push(acceptance(&row)?),
            EVENT => known.events.push(recorded(row.try_get(1)?)?),
            CHECKPOINT => known.checkpoints.push((row.try_get(1)?, position(&row, 2)?)),
            _ => known.ingested.push(((row.try_get(1)?, row.try_get(2)?), position(&row, 3)?)),
        }
    }
    Ok(known)
}

fn acceptance(row: &SqliteRow) -> sqlx::Result<Acceptance> {
    let body: &[u8] = row.try_get(3)?;
    let receipt: Option<&str> = row.try_get(5)?;
    Ok(Acceptance {
        key: (row.try_get(1)?, CommandId(uuid(row, 2)?)),
        body: body.try_into().ok(),
        position: position(row, 4)?,
        receipt: receipt.map(serde_json::from_str).transpose().map_err(unreadable)?,
    })
}

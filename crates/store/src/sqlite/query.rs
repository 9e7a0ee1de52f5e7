//! How a filter becomes a statement.
//!
//! Reading first walks one index to *candidate* positions, a bounded number of them, and then checks the
//! other conditions on those events only. So a call takes a bounded time however rarely the filter hits,
//! and the same statement says how far the log was considered.

use domain::{Pattern, Position, Token, Tokens};
use sqlx::{QueryBuilder, Sqlite};

use super::{open::column, rows::COLUMNS};
use crate::read::Filter;

/// How many events one call considers, at least.
const CANDIDATES: usize = 4096;

/// With more tokens than this, walking the log is better than walking the tokens.
const FEW_TOKENS: usize = 16;

/// The statement that finds a page: first column how far was considered, then [`COLUMNS`], which are null
/// if nothing was found.
pub(super) fn page(after: Position, filter: &Filter, max: usize) -> QueryBuilder<Sqlite> {
    // Without further conditions every candidate is a hit.
    let sieved = filter.tokens.is_some() || filter.pattern != Pattern::everything();
    let candidates = if sieved { max.max(CANDIDATES) } else { max };
    let candidates = i64::try_from(candidates).unwrap_or(i64::MAX);
    let mut sql = QueryBuilder::new("WITH candidates (pos) AS MATERIALIZED (");
    walk(&mut sql, after, filter, candidates);
    sql.push(") , considered (pos) AS (SELECT CASE WHEN count(*) < ");
    sql.push_bind(candidates);
    sql.push(" THEN min((SELECT coalesce(max(pos), 0) FROM events), ");
    sql.push_bind(last(filter));
    sql.push(") ELSE max(pos) END FROM candidates) SELECT considered.pos, ");
    sql.push(COLUMNS.replace("events.", "found."));
    sql.push(
        " FROM considered LEFT JOIN (SELECT events.* FROM candidates CROSS JOIN events \
         ON events.pos = candidates.pos WHERE true",
    );
    conditions(&mut sql, filter);
    sql.push(" ORDER BY candidates.pos LIMIT ");
    sql.push_bind(i64::try_from(max).unwrap_or(i64::MAX));
    sql.push(") AS found ON true");
    sql
}

/// The statement that finds the subjects of all wanted events, in any order.
pub(super) fn subjects(after: Position, filter: &Filter) -> QueryBuilder<Sqlite> {
    let mut sql = QueryBuilder::new("SELECT events.subject FROM events ");
    if let Some(topic) = filter.pattern.topic() {
        sql.push("INDEXED BY events_by_topic WHERE topic = ");
        sql.push_bind(topic);
    } else if filter.kinds.is_some() {
        sql.push("INDEXED BY events_by_type WHERE true");
    } else {
        sql.push("NOT INDEXED WHERE true");
    }
    sql.push(" AND ");
    range(&mut sql, after, filter);
    conditions(&mut sql, filter);
    sql
}

/// Walks the index that promises most to the first positions after `after`, at most `limit` of them.
fn walk(sql: &mut QueryBuilder<Sqlite>, after: Position, filter: &Filter, limit: i64) {
    if let Some(topic) = filter.pattern.topic() {
        step(sql, "events INDEXED BY events_by_topic", Some(("topic", &topic)), after, filter, limit);
    } else if let Some(kinds) = &filter.kinds {
        merge(sql, "events INDEXED BY events_by_type", "type", kinds, after, filter, limit);
    } else if let Some(tokens) = filter.tokens.as_ref().and_then(few) {
        merge(sql, "event_audience", "token", &tokens, after, filter, limit);
    } else {
        step(sql, "events NOT INDEXED", None, after, filter, limit);
    }
}

/// The tokens, if there are few and they are not everybody's.
fn few(tokens: &Tokens) -> Option<Vec<String>> {
    let few = tokens.iter().count() <= FEW_TOKENS && !tokens.holds(&Token::Everyone);
    few.then(|| tokens.iter().map(ToString::to_string).collect())
}

/// Walks one index once for each value, and merges.
fn merge<T: AsRef<str>>(
    sql: &mut QueryBuilder<Sqlite>,
    from: &str,
    by: &str,
    values: &[T],
    after: Position,
    filter: &Filter,
    limit: i64,
) {
    sql.push("SELECT DISTINCT pos FROM (SELECT 0 AS pos WHERE false");
    for value in values {
        sql.push(" UNION ALL SELECT * FROM (");
        step(sql, from, Some((by, value.as_ref())), after, filter, limit);
        sql.push(")");
    }
    sql.push(") ORDER BY pos LIMIT ");
    sql.push_bind(limit);
}

fn step(
    sql: &mut QueryBuilder<Sqlite>,
    from: &str,
    equal: Option<(&str, &str)>,
    after: Position,
    filter: &Filter,
    limit: i64,
) {
    sql.push("SELECT pos FROM ").push(from).push(" WHERE ");
    if let Some((column, value)) = equal {
        sql.push(column).push(" = ").push_bind(value.to_owned()).push(" AND ");
    }
    range(sql, after, filter);
    sql.push(" ORDER BY pos LIMIT ").push_bind(limit);
}

fn range(sql: &mut QueryBuilder<Sqlite>, after: Position, filter: &Filter) {
    sql.push("pos > ").push_bind(column(after)).push(" AND pos <= ").push_bind(last(filter));
}

fn last(filter: &Filter) -> i64 {
    filter.before_or_at.map_or(i64::MAX, column)
}

/// Everything that the walk does not promise already. The pattern lets a few too many through: see
/// [`glob`].
fn conditions(sql: &mut QueryBuilder<Sqlite>, filter: &Filter) {
    if let Some(kinds) = &filter.kinds {
        sql.push(" AND events.type IN (SELECT value FROM json_each(");
        sql.push_bind(serde_json::json!(kinds).to_string()).push("))");
    }
    if filter.pattern != Pattern::everything() {
        sql.push(" AND events.subject GLOB ").push_bind(glob(&filter.pattern));
    }
    if let Some(tokens) = &filter.tokens {
        sql.push(
            " AND EXISTS (SELECT 1 FROM event_audience WHERE event_audience.pos = events.pos \
             AND event_audience.token IN (SELECT value FROM json_each(",
        );
        sql.push_bind(serde_json::to_string(tokens).expect("tokens are texts")).push(")))");
    }
}

/// A GLOB that matches whatever the pattern matches, and a little more: its `*` does not stop at a dot. The
/// reader asks the pattern itself again.
fn glob(pattern: &Pattern) -> String {
    pattern.as_str().replace('>', "?*")
}

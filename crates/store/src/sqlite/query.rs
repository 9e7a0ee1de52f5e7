//! How a filter becomes a statement.
//!
//! Reading first walks one index to *candidate* positions, a bounded number of them, and then checks the
//! other conditions on those events only. So a call takes a bounded time however rarely the filter hits,
//! and the same statement says how far the log was considered.

use std::collections::BTreeSet;

use domain::{Pattern, Position, Token, Tokens, subject::Alternative};
use sqlx::{QueryBuilder, Sqlite};

use super::{open::column, rows::EVENT};
use crate::read::Filter;

/// With more tokens than this, walking the log is better than walking the tokens.
const FEW_TOKENS: usize = 16;

/// The statement that finds a page of at most `max` among so many candidates: how far was considered, whether there
/// are no more candidates, and a list of [`EVENT`] in any order.
pub(super) fn page(after: Position, filter: &Filter, candidates: usize, max: usize) -> QueryBuilder<Sqlite> {
    let candidates = i64::try_from(candidates).unwrap_or(i64::MAX);
    let mut sql = QueryBuilder::new("WITH candidates (pos) AS MATERIALIZED (");
    walk(&mut sql, after, filter, candidates);
    sql.push(") , considered (pos, ended) AS (SELECT max(pos), count(*) < ");
    sql.push_bind(candidates);
    sql.push(
        " FROM candidates) SELECT CASE WHEN ended \
         THEN min((SELECT coalesce(max(pos), 0) FROM events), ",
    );
    sql.push_bind(last(filter));
    sql.push(") ELSE pos END, ended, (SELECT json_group_array(").push(EVENT);
    sql.push(
        ") FROM (SELECT events.* FROM candidates CROSS JOIN events ON events.pos = candidates.pos WHERE true",
    );
    conditions(&mut sql, filter);
    sql.push(" ORDER BY candidates.pos LIMIT ");
    sql.push_bind(i64::try_from(max).unwrap_or(i64::MAX));
    sql.push(") AS events) FROM considered");
    sql
}

/// The statement that finds the subjects of all wanted events, in any order.
pub(super) fn subjects(after: Position, filter: &Filter) -> QueryBuilder<Sqlite> {
    let mut sql = QueryBuilder::new("SELECT events.subject FROM events ");
    if let Some(topics) = filter.pattern.topics() {
        sql.push("INDEXED BY events_by_topic WHERE topic IN (SELECT value FROM json_each(");
        sql.push_bind(serde_json::json!(topics).to_string()).push("))");
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
    if let Some(topics) = topics(filter) {
        merge(sql, "events INDEXED BY events_by_topic", "topic", &topics, after, filter);
    } else if let Some(tokens) = filter.tokens.as_ref().and_then(few) {
        merge(sql, "event_audience", "token", &tokens, after, filter);
    } else if let Some(kinds) = &filter.kinds {
        merge(sql, "events INDEXED BY events_by_type", "type", kinds, after, filter);
    } else {
        step(sql, "events NOT INDEXED", None, after, filter);
    }
    sql.push(" ORDER BY pos LIMIT ").push_bind(limit);
}

/// The topics that can hold what is wanted. Where a pattern leaves the first token of a subject open, the
/// wanted types say it: a type's context is its subject's first token.
fn topics(filter: &Filter) -> Option<Vec<String>> {
    let of_contexts = |alternative: Alternative<'_>| {
        let mut tokens = alternative.tokens();
        let (Some("*"), Some(second)) = (tokens.next(), tokens.next()) else { return None };
        let contexts = filter.kinds.as_ref()?.iter().filter_map(|kind| kind.split('.').next());
        let contexts: BTreeSet<&str> = contexts.collect();
        let literal = !matches!(second, "*" | ">");
        literal.then(|| contexts.into_iter().map(|context| format!("{context}.{second}")).collect())
    };
    let topics = filter.pattern.alternatives().map(|alternative| match alternative.topic() {
        Some(topic) => Some(vec![topic]),
        None => of_contexts(alternative),
    });
    topics.collect::<Option<Vec<_>>>().map(|topics| topics.concat())
}

/// The tokens, if there are few and they are not everybody's.
fn few(tokens: &Tokens) -> Option<Vec<String>> {
    let few = tokens.iter().count() <= FEW_TOKENS && !tokens.holds(&Token::Everyone);
    few.then(|| tokens.iter().map(ToString::to_string).collect())
}

/// Walks one index once for each value. They are walked side by side, each no further than it is needed, because
/// every walk is in the order that is asked for.
fn merge<T: AsRef<str>>(
    sql: &mut QueryBuilder<Sqlite>,
    from: &str,
    by: &str,
    values: &[T],
    after: Position,
    filter: &Filter,
) {
    if values.is_empty() {
        sql.push("SELECT 0 AS pos WHERE false");
    }
    for (nth, value) in values.iter().enumerate() {
        if nth > 0 {
            // And not UNION ALL: an event may be for several of the values.
            sql.push(" UNION ");
        }
        step(sql, from, Some((by, value.as_ref())), after, filter);
    }
}

fn step(
    sql: &mut QueryBuilder<Sqlite>,
    from: &str,
    equal: Option<(&str, &str)>,
    after: Position,
    filter: &Filter,
) {
    sql.push("SELECT pos FROM ").push(from).push(" WHERE ");
    if let Some((column, value)) = equal {
        sql.push(column).push(" = ").push_bind(value.to_owned()).push(" AND ");
    }
    range(sql, after, filter);
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
        sql.push(" AND (false");
        for alternative in filter.pattern.alternatives() {
            // Not the bare value: SQLite would prepare the statement anew for every other one.
            sql.push(" OR events.subject GLOB (").push_bind(glob(alternative)).push(" || '')");
        }
        sql.push(")");
    }
    if let Some(tokens) = &filter.tokens {
        sql.push(
            // Most events are for one token, and then it is all of the column.
            " AND (events.audience IN (SELECT value FROM json_each(",
        );
        let tokens = serde_json::to_string(tokens).expect("tokens are texts");
        sql.push_bind(tokens.clone()).push(
            ")) OR EXISTS (SELECT 1 FROM event_audience WHERE event_audience.pos = events.pos \
             AND event_audience.token IN (SELECT value FROM json_each(",
        );
        sql.push_bind(tokens).push("))))");
    }
}

/// A GLOB that matches whatever the alternative matches, and a little more: its `*` does not stop at a dot.
/// The reader asks the pattern itself again.
fn glob(alternative: Alternative<'_>) -> String {
    alternative.as_str().replace('>', "?*")
}

//! What is answered from the stored projections: full text, lists of orders, how the shop is doing. Each answer says how
//! far it is folded; `?after=` waits until it has come so far, so that whoever has written finds what they wrote.

use std::time::Duration;

use axum::{
    Extension, Json,
    extract::{Query, State, rejection::QueryRejection},
};
use backend::{Caller, ExecuteError, QueryError};
use domain::{Position, Scope, Timestamp, Token, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use services::{
    Projection,
    analytics::{Analytics, Tally},
    order_list::{OrderList, OrderRow},
    search::{Found, FoundKind, Search},
};

use super::{
    api::JSON,
    call::{Call, component},
};
use crate::{problem::Problem, state::AppState};

/// How long somebody may wait for a projection.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest query, in characters.
const LONGEST: usize = 200;

/// The most that is found, and the most orders in one answer.
const MOST: usize = 100;

/// The most minutes or days in one answer: the minutes of a day.
const MOST_TALLIES: usize = 1_440;

pub(super) fn calls() -> Vec<Call> {
    let text = json!({ "type": "string" });
    let stored = |call: Call, most: usize| {
        call.takes(
            "query",
            "after",
            "A position that the answer must have come to, for example a receipt's. Waited for a moment.",
            json!({ "type": "integer", "minimum": 0 }),
        )
        .takes(
            "query",
            "limit",
            "How many at most.",
            json!({ "type": "integer", "minimum": 1, "maximum": most }),
        )
        .problems(&[
            (400, "request.bad_query"),
            (400, "subscription.bad_position"),
            (429, "request.too_many"),
            (503, "projection.behind"),
            (503, "server.closing"),
            (503, "store.unavailable"),
        ])
    };
    vec![
        stored(Call::get("search", "/api/search", search), MOST)
            .says(
                "Stored",
                "Find messages, products and orders",
                "As far as the caller may see them, and no text that was deleted.",
            )
            .anybody(Some(Scope::Read))
            .takes("query", "q", "Words; each may be the beginning of one.", text.clone())
            .answers(200, "The best first.", Some((JSON, component("FoundList")))),
        stored(Call::get("orders", "/api/orders", orders), MOST)
            .says(
                "Stored",
                "Orders as a list",
                "One's own; or, for the shop's staff, those that are not finished.",
            )
            .needs(Scope::Read)
            .takes("query", "of", "Whose. Without: `me`.", json!({ "enum": ["me", "all"] }))
            .answers(
                200,
                "One's own, the newest first; of all, the oldest.",
                Some((JSON, component("OrderList"))),
            )
            .problems(&[(403, "account.staff_only")]),
        stored(Call::get("analytics", "/api/analytics", analytics), MOST_TALLIES)
            .says(
                "Stored",
                "How is the shop doing?",
                "For the shop's staff. By the minute or the day, in UTC.",
            )
            .needs(Scope::Read)
            .takes("query", "by", "Without: `day`.", json!({ "enum": ["day", "minute"] }))
            .takes("query", "from", "For example `2026-11-22`, or `2026-11-22T13:45`.", text.clone())
            .takes("query", "before", "As `from`.", text)
            .answers(
                200,
                "In the order of time, without those in which nothing happened.",
                Some((JSON, component("TallyList"))),
            )
            .problems(&[(403, "account.staff_only")]),
    ]
}

/// Something that was found. Who else may find it is nobody's business.
#[derive(Serialize)]
struct Hit {
    kind: FoundKind,
    title: String,
    text: String,
    link: String,
    time: Timestamp,
}

impl From<Found> for Hit {
    fn from(Found { kind, title, text, link, time, .. }: Found) -> Self {
        Self { kind, title, text, link, time }
    }
}

#[derive(Serialize)]
struct Hits {
    position: Position,
    found: Vec<Hit>,
}

#[derive(Serialize)]
struct Orders {
    position: Position,
    orders: Vec<OrderRow>,
}

#[derive(Serialize)]
struct Tallied {
    at: String,
    #[serde(flatten)]
    tally: Tally,
}

#[derive(Serialize)]
struct Tallies {
    position: Position,
    tallies: Vec<Tallied>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchQuery {
    q: String,
    limit: Option<usize>,
    after: Option<String>,
}

async fn search(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<SearchQuery>, QueryRejection>,
) -> Result<Json<Hits>, Problem> {
    let Query(query) = query?;
    if caller.user.is_some() {
        caller.require(Scope::Read)?;
    }
    let words = query.q.trim();
    if words.is_empty() || words.chars().count() > LONGEST {
        return Err(bad_query(format!("q: say in 1 to {LONGEST} characters what is looked for.")));
    }
    come_to::<Search>(&state, query.after.as_deref()).await?;
    let tokens = state.backend.hub().tokens(caller.user);
    let found = state.work.projections().search::<Search>(words, &tokens, most(query.limit, MOST)).await;
    let (found, position) = found.map_err(QueryError::from)?;
    Ok(Json(Hits { position, found: found.into_iter().map(|(_, found)| found.into()).collect() }))
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Whose {
    Me,
    All,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrdersQuery {
    of: Option<Whose>,
    limit: Option<usize>,
    after: Option<String>,
}

async fn orders(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<OrdersQuery>, QueryRejection>,
) -> Result<Json<Orders>, Problem> {
    let Query(query) = query?;
    let user = reader(&caller)?;
    let all = matches!(query.of, Some(Whose::All));
    if all {
        staff(&state, user)?;
    }
    come_to::<OrderList>(&state, query.after.as_deref()).await?;
    let (stored, most) = (state.work.projections(), most(query.limit, MOST));
    let listed = if all {
        OrderList::open(stored, most).await
    } else {
        OrderList::of_customer(stored, user, most).await
    };
    let (orders, position) = listed.map_err(QueryError::from)?;
    Ok(Json(Orders { position, orders }))
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum By {
    Day,
    Minute,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnalyticsQuery {
    by: Option<By>,
    from: Option<String>,
    before: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

async fn analytics(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<AnalyticsQuery>, QueryRejection>,
) -> Result<Json<Tallies>, Problem> {
    let Query(query) = query?;
    staff(&state, reader(&caller)?)?;
    let by = match query.by.unwrap_or(By::Day) {
        By::Day => "day",
        By::Minute => "minute",
    };
    let from = moment("from", query.from.unwrap_or_default())?;
    let before = match query.before {
        Some(before) => format!("{by}/{}", moment("before", before)?),
        // What sorts right after everything that begins with `day/`.
        None => format!("{by}0"),
    };
    come_to::<Analytics>(&state, query.after.as_deref()).await?;
    let (stored, most) = (state.work.projections(), most(query.limit, MOST_TALLIES));
    let range = stored.range::<Analytics>(&format!("{by}/{from}"), &before, most).await;
    let (tallies, position) = range.map_err(QueryError::from)?;
    let at = |key: String| key.split_once('/').map_or_else(String::new, |(_, at)| at.to_owned());
    let tallies = tallies.into_iter().map(|(key, tally)| Tallied { at: at(key), tally }).collect();
    Ok(Json(Tallies { position, tallies }))
}

/// The beginning of a day or a minute, as it is written.
fn moment(name: &str, text: String) -> Result<String, Problem> {
    let form = "0000-00-00T00:00";
    let fits = text.len() <= form.len()
        && text
            .chars()
            .zip(form.chars())
            .all(|(c, form)| if form == '0' { c.is_ascii_digit() } else { c == form });
    if fits {
        Ok(text)
    } else {
        Err(bad_query(format!("{name}: {text:?} is not like 2026-11-22 or 2026-11-22T13:45.")))
    }
}

/// Waits until a projection has come to where the caller wants it.
async fn come_to<P: Projection>(state: &AppState, after: Option<&str>) -> Result<(), Problem> {
    let Some(after) = after else { return Ok(()) };
    let after: Position = after
        .parse()
        .map_err(|why| Problem::bad_request("subscription.bad_position", format!("after: {why}.")))?;
    let head = state.work.head();
    if after > head {
        let why = format!("after: the log has not come to {after} yet, only to {head}.");
        return Err(Problem::bad_request("subscription.bad_position", why));
    }
    if state.work.projections().wait_for::<P>(after, PATIENCE).await {
        return Ok(());
    }
    let why = format!("{} has not come to {after} yet. Ask again in a moment, or without after.", P::NAME);
    Err(Problem::new(503, "projection.behind", why))
}

/// Who asks, if they may read.
fn reader(caller: &Caller) -> Result<UserId, Problem> {
    let user = caller.user.ok_or(ExecuteError::SignInFirst)?;
    caller.require(Scope::Read)?;
    Ok(user)
}

fn staff(state: &AppState, user: UserId) -> Result<(), Problem> {
    if state.backend.hub().tokens(Some(user)).holds(&Token::Staff) {
        return Ok(());
    }
    Err(ExecuteError::Refused(domain::account::Refusal::StaffOnly.into()).into())
}

fn most(limit: Option<usize>, most: usize) -> usize {
    limit.unwrap_or(most).clamp(1, most)
}

fn bad_query(why: String) -> Problem {
    Problem::bad_request("request.bad_query", why)
}

/// The schemas of what is answered.
pub(super) fn schemas() -> [(&'static str, Value); 3] {
    let (text, count) = (json!({ "type": "string" }), json!({ "type": "integer", "minimum": 0 }));
    let (time, cents) = (json!({ "type": "string", "format": "date-time" }), json!({ "type": "integer" }));
    let answer = |name: &str, properties: Value| {
        let one = json!({ "type": "object", "properties": properties });
        let position = json!({ "type": "integer", "description": "Everything up to here is in it." });
        json!({
            "type": "object",
            "properties": { "position": position, name: { "type": "array", "items": one } },
        })
    };
    let kinds = json!({ "enum": ["message", "product", "order"] });
    let found = json!({ "kind": kinds, "title": text, "text": text, "link": text, "time": time });
    let order =
        json!({ "order": text, "customer": text, "status": text, "total_cents": cents, "placed": time });
    let tally = json!({
        "at": text, "messages": count, "carted": count, "placed": count, "confirmed": count, "dispatched": count,
        "delivered": count, "cancelled": count, "revenue_cents": cents,
    });
    [
        ("FoundList", answer("found", found)),
        ("OrderList", answer("orders", order)),
        ("TallyList", answer("tallies", tally)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_day_or_a_minute_or_the_beginning_of_one() {
        for good in ["", "2026", "2026-11-22", "2026-11-22T13:45"] {
            assert!(moment("from", good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["yesterday", "2026-11-22T13:45:00", "22/11/2026", "2026-11-22 13:45", "２０２６"] {
            assert!(moment("from", bad.to_owned()).is_err(), "{bad}");
        }
    }
}

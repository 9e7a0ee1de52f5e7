//! What a client asks for that says no `hello`: `?match=chat.>&since=<cursor>&on_gap=replay`, or the text of a
//! `hello` frame as `?hello=`. `match` may be repeated; without it, everything is asked for.
//!
//! And what a page says of itself: `?as=<user>` is who it was rendered for. They are here while it is connected.

use axum::http::HeaderMap;
use backend::Caller;
use domain::{Cursor, Epoch, Position};
use live::{
    ClientFrame, VERSION,
    frames::{Hello, Sub},
};
use url::form_urlencoded;

use super::stream::Greeting;
use crate::problem::Problem;

/// Reads the query string, and with it where a client that was connected before has left off.
/// A stream holds at most so many subscriptions.
pub(super) fn read(
    query: Option<&str>,
    headers: &HeaderMap,
    epoch: Epoch,
    most: usize,
) -> Result<Greeting, Problem> {
    let (mut hello, mut patterns, mut since, mut on_gap) = (None, vec![], None, None);
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match key.as_ref() {
            "hello" => hello = Some(value.into_owned()),
            "match" => patterns.push(value.into_owned()),
            "since" => since = Some(cursor(&value, "since", epoch)?),
            "on_gap" => on_gap = Some(value.into_owned()),
            "as" => {}
            other => {
                let why =
                    format!("There is no parameter {other:?}; match, since, on_gap, hello and as are known.");
                return Err(Problem::bad_request("request.bad_query", why));
            }
        }
    }
    let resumed = match headers.get("last-event-id").map(|id| id.to_str().unwrap_or("?")) {
        None | Some("") => None,
        Some(id) => Some(cursor(id, "Last-Event-ID", epoch)?),
    };
    if let Some(text) = hello {
        let mut hello = match ClientFrame::parse(&text) {
            Ok(ClientFrame::Hello(hello)) => hello,
            Ok(_) => {
                return Err(Problem::bad_request("subscription.bad_hello", "hello: this frame is no hello."));
            }
            Err(error) => {
                return Err(Problem::bad_request("subscription.bad_hello", format!("hello: {error}")));
            }
        };
        for sub in &mut hello.subs {
            sub.since = later(sub.since.take(), resumed);
        }
        return Ok(Greeting::Said(hello));
    }
    if patterns.is_empty() {
        patterns.push(">".to_owned());
    }
    // What one cannot ask for by a frame, one cannot ask for here either; but here nobody reads `refused`.
    for pattern in &patterns {
        if let Err(why) = domain::Pattern::new(pattern.as_str()) {
            return Err(Problem::bad_request("subscription.bad_pattern", format!("match: {why}.")));
        }
    }
    if patterns.len() > most {
        let why = format!(
            "match: a stream holds at most {most} patterns. Alternatives, separated by commas, are one."
        );
        return Err(Problem::bad_request("subscription.too_many", why));
    }
    if let Some(Err(why)) = on_gap.as_deref().map(str::parse::<live::OnGap>) {
        return Err(Problem::bad_request("subscription.bad_on_gap", why.to_string()));
    }
    let since = resumed.or(since).map(|cursor| cursor.to_string());
    let sub = |(nth, pattern)| Sub {
        sid: format!("m{nth}"),
        pattern,
        since: since.clone(),
        on_gap: on_gap.clone(),
    };
    let subs = patterns.into_iter().enumerate().map(sub).collect();
    Ok(Greeting::SaidOnce(Hello { v: VERSION, subs }))
}

/// Who reads a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Whoever says nothing of themselves: a program, or a visitor's page.
    Anybody,
    /// The page of whoever is signed in.
    Page,
    /// A page that was rendered for somebody else than who the session is of now: they have signed out since, in
    /// another tab.
    AnothersPage,
}

impl Reader {
    /// By what the query string says.
    pub(super) fn of(query: Option<&str>, caller: &Caller) -> Self {
        let user = caller.user.map(|user| user.to_string());
        let said = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let pages: Vec<_> = said.filter(|(key, _)| key == "as").map(|(_, page)| page).collect();
        match &pages[..] {
            [] => Self::Anybody,
            pages if pages.iter().all(|page| user.as_deref() == Some(page)) => Self::Page,
            _ => Self::AnothersPage,
        }
    }
}

/// A cursor, or a bare position in this life of the log.
fn cursor(text: &str, name: &str, epoch: Epoch) -> Result<Cursor, Problem> {
    let bare = text.parse().map(|position| Cursor { epoch, position: Position(position) });
    bare.or_else(|_| text.parse()).map_err(|_| {
        Problem::bad_request("subscription.bad_cursor", format!("{name}: {text:?} is not a cursor."))
    })
}

/// Everything up to where the stream broke was considered for every subscription that had begun by then.
fn later(since: Option<String>, resumed: Option<Cursor>) -> Option<String> {
    let Some(resumed) = resumed else { return since };
    match since.as_deref().map(str::parse::<Cursor>) {
        Some(Ok(since)) if since.epoch == resumed.epoch && since.position > resumed.position => {
            Some(since.to_string())
        }
        // What cannot be read is refused by name, in the stream.
        Some(Err(_)) => since,
        _ => Some(resumed.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patterns with their cursors.
    type Subs = Vec<(String, Option<String>)>;

    /// What is asked for, and whether by a stock client.
    fn ask(query: &str, last: Option<&str>) -> Result<(Subs, bool), String> {
        let mut headers = HeaderMap::new();
        if let Some(last) = last {
            headers.insert("last-event-id", last.parse().unwrap());
        }
        let (hello, stock) = match read(Some(query), &headers, Epoch(1), 2) {
            Ok(Greeting::Said(hello)) => (hello, false),
            Ok(Greeting::SaidOnce(hello)) => (hello, true),
            Ok(Greeting::Awaited) => panic!("it never waits"),
            Err(problem) => return Err(problem.code),
        };
        Ok((hello.subs.into_iter().map(|sub| (sub.pattern, sub.since)).collect(), stock))
    }

    fn at(position: u64) -> Option<String> {
        Some(format!("0000000000000001.{position}"))
    }

    #[test]
    fn a_stock_client_asks_in_the_query() {
        assert_eq!(ask("", None).unwrap(), (vec![(">".into(), None)], true));
        let asked = ask("match=chat.%3E&match=order.*&since=7", None).unwrap().0;
        assert_eq!(asked, [("chat.>".into(), at(7)), ("order.*".into(), at(7))]);
        let resumed = ask("match=a&since=0000000000000001.7", Some("0000000000000001.9")).unwrap().0;
        assert_eq!(resumed, [("a".into(), at(9))], "where it left off wins");
    }

    #[test]
    fn each_subscription_of_a_hello_resumes_where_it_stood() {
        let hello = r#"{"kind":"hello","v":1,"subs":[
            {"sid":"a","match":"a","since":"0000000000000001.3"},
            {"sid":"b","match":"b","since":"0000000000000001.12"},
            {"sid":"c","match":"c"},
            {"sid":"d","match":"d","since":"nonsense"}]}"#;
        let query: String =
            form_urlencoded::Serializer::new(String::new()).append_pair("hello", hello).finish();
        let since =
            |last| ask(&query, last).unwrap().0.into_iter().map(|(_, since)| since).collect::<Vec<_>>();
        assert_eq!(since(None), [at(3), at(12), None, Some("nonsense".into())]);
        assert_eq!(since(Some("0000000000000001.9")), [at(9), at(12), at(9), Some("nonsense".into())]);
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused_by_name() {
        for (query, last, code) in [
            ("macht=a", None, "request.bad_query"),
            ("match=a..b", None, "subscription.bad_pattern"),
            ("since=x", None, "subscription.bad_cursor"),
            ("", Some("x"), "subscription.bad_cursor"),
            ("on_gap=maybe", None, "subscription.bad_on_gap"),
            ("hello={}", None, "subscription.bad_hello"),
            (r#"hello={"kind":"pong"}"#, None, "subscription.bad_hello"),
        ] {
            assert_eq!(ask(query, last), Err(code.to_owned()), "{query}");
        }
    }
}

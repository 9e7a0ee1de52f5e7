//! Events of one page on their way into documents: what they concern, and what becomes of it. All of them are
//! folded before anything is written, so a document is read and written once, however many of them concern it.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Envelope, Pattern, Position, contract};
use store::{Findable, Page, ReadError};
use tokio::task::consume_budget;

use crate::projection::{Projection, parse};

/// The events of a page that a projection is folded from. Whatever goes through many of them lets others go first now
/// and then.
pub(crate) struct Chunk {
    /// Each with the keys of the documents that it concerns.
    events: Vec<(Vec<String>, Envelope)>,
    /// The last event of the page that redacts others.
    pub(crate) redacted: Option<Position>,
    /// Everything up to here was considered.
    pub(crate) next: Position,
}

/// What folding some events has come to.
#[derive(Default)]
pub(crate) struct Folded {
    /// How many events.
    pub(crate) events: u64,
    /// See [`store::Projected`].
    pub(crate) docs: Vec<(String, Option<String>)>,
    /// See [`store::Projected`].
    pub(crate) found_by: Vec<(String, Option<Findable>)>,
}

impl Chunk {
    /// The events of a page that match one of the patterns.
    pub(crate) async fn of<P: Projection>(patterns: &[Pattern], page: Page) -> Self {
        let mut chunk = Self { events: Vec::new(), redacted: None, next: page.next };
        for recorded in page.events {
            consume_budget().await;
            let meta = recorded.meta;
            if contract::redacts(&meta.kind) {
                chunk.redacted = Some(meta.position);
            }
            if !patterns.iter().any(|pattern| pattern.matches(&meta.subject)) {
                continue;
            }
            match contract::decode(&meta.kind, meta.schema, recorded.data.get()) {
                Ok(event) => {
                    let envelope = Envelope { meta, event };
                    chunk.events.push((P::keys(&envelope), envelope));
                }
                Err(error) => {
                    let position = meta.position;
                    tracing::error!(projection = P::NAME, %position, %error, "an event is left out");
                }
            }
        }
        chunk
    }

    /// Whether no document and no generation has to do with it.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.redacted.is_none()
    }

    /// The documents that it concerns.
    pub(crate) fn keys(&self) -> Vec<String> {
        let keys: BTreeSet<&String> = self.events.iter().flat_map(|(keys, _)| keys).collect();
        keys.into_iter().cloned().collect()
    }

    /// What becomes of its documents, of which these exist.
    pub(crate) async fn fold<P: Projection>(self, exist: Vec<(String, String)>) -> Result<Folded, ReadError> {
        let mut docs: BTreeMap<&str, Option<P::Doc>> = BTreeMap::new();
        let mut known: BTreeMap<&str, Option<Findable>> = BTreeMap::new();
        for (key, doc) in &exist {
            consume_budget().await;
            let doc = parse::<P>(doc)?;
            known.insert(key, P::findable(&doc));
            docs.insert(key, Some(doc));
        }
        for (keys, event) in &self.events {
            consume_budget().await;
            for key in keys {
                P::fold(docs.entry(key).or_default(), key, event);
            }
        }
        let mut folded = Folded { events: self.events.len() as u64, ..Folded::default() };
        for (key, doc) in docs {
            consume_budget().await;
            let before = known.get(key);
            if before.is_none() && doc.is_none() {
                // It came and went.
                continue;
            }
            let findable = doc.as_ref().and_then(P::findable);
            if findable.as_ref() != before.and_then(Option::as_ref) {
                folded.found_by.push((key.to_owned(), findable));
            }
            let text = doc.map(|doc| serde_json::to_string(&doc)).transpose();
            let text = text.map_err(|error| ReadError::Unreadable(format!("{}: {error}", P::NAME)))?;
            folded.docs.push((key.to_owned(), text));
        }
        Ok(folded)
    }
}

//! Stored projections: documents that are folded from the log and read by their keys.
//!
//! A projection is pure: it names the documents that an event concerns, and folds the event into each of them.
//! Its documents are in a file of their own, with how far they are folded, so a crash or a full disk costs it
//! nothing but time. When its version is raised, a new generation is folded from the start of the log beside
//! the one that is read, and replaces it at once; the old one is kept for going back.

use std::{
    collections::{BTreeMap, HashMap},
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::{Envelope, Pattern, Position, ServiceName, Tokens};
use hub::Hub;
use serde::{Serialize, de::DeserializeOwned};
use store::{DocPage, Findable, ReadError, Store};
use tokio::{sync::watch, task::JoinSet};

use crate::folding::{Folding, Wishes};

/// A stored read model.
pub trait Projection: Send + Sync + 'static {
    /// Its name. Letters, digits, `-` and `_`.
    const NAME: &'static str;

    /// Raise it when `keys` or `fold` come to mean something else: everything is then folded anew.
    const VERSION: u32;

    /// The subjects it is folded from.
    const PATTERNS: &'static [&'static str];

    /// One of its documents. What must be found for a key is in the document of that key.
    type Doc: Serialize + DeserializeOwned + Send;

    /// The keys of the documents that an event concerns.
    fn keys(event: &Envelope) -> Vec<String>;

    /// Folds an event into one of those documents. `None` is a document that does not exist.
    fn fold(doc: &mut Option<Self::Doc>, key: &str, event: &Envelope);

    /// The text that a document is found by, and by whom; nothing, if it is read by its key only.
    #[must_use]
    fn findable(_: &Self::Doc) -> Option<Findable> {
        None
    }
}

/// Documents with their keys, and the position they are folded up to.
pub type Docs<P> = (Vec<(String, <P as Projection>::Doc)>, Position);

/// How a projection is getting on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectionStatus {
    /// Which projection.
    pub name: ServiceName,
    /// Where what is read stands; nothing if nothing can be read yet.
    pub live: Option<Position>,
    /// How far a generation is that is being built, and how many events it has folded.
    pub building: Option<(Position, u64)>,
    /// How many positions what is read is behind the log.
    pub lag: u64,
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A [`Projection`] as [`Projections::start`] takes it: an entry of the list.
pub struct Stored {
    name: ServiceName,
    patterns: Vec<Pattern>,
    work: fn(Folding) -> Work,
}

impl Stored {
    /// Takes a projection in.
    ///
    /// # Panics
    /// If its name or one of its patterns is malformed: they are part of the program.
    #[must_use]
    pub fn new<P: Projection>() -> Self {
        let patterns: Vec<Pattern> = P::PATTERNS
            .iter()
            .map(|text| Pattern::new(*text).unwrap_or_else(|error| panic!("{}: {error}", P::NAME)))
            .collect();
        Self {
            name: ServiceName::new(P::NAME).unwrap_or_else(|error| panic!("{error}")),
            patterns,
            work: |folding| Box::pin(folding.run::<P>()),
        }
    }
}

/// How far a projection is: what its readers follow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) live: Option<Position>,
    pub(crate) building: Option<(Position, u64)>,
}

/// A projection at work, from outside.
struct Entry {
    progress: watch::Receiver<Progress>,
    rebuild: watch::Sender<u64>,
    waited_for: watch::Sender<Position>,
}

/// All stored projections at work. When it is dropped, they are cut off wherever they are, which loses nothing.
pub struct Projections {
    store: Store,
    entries: HashMap<ServiceName, Entry>,
    tasks: Mutex<JoinSet<()>>,
}

impl Projections {
    /// Starts folding, each from where it stands. Needs a Tokio runtime.
    #[must_use]
    pub fn start(store: Store, hub: &Hub, projections: Vec<Stored>) -> Self {
        let mut tasks = JoinSet::new();
        let mut entries = HashMap::new();
        for Stored { name, patterns, work } in projections {
            let progress = watch::Sender::new(Progress::default());
            let (rebuild, waited_for) = (watch::Sender::new(0), watch::Sender::new(Position::START));
            let wishes = Wishes { rebuild: rebuild.subscribe(), waited_for: waited_for.subscribe() };
            entries.insert(name.clone(), Entry { progress: progress.subscribe(), rebuild, waited_for });
            tasks.spawn(work(Folding::new(name, patterns, store.clone(), hub.follow(), wishes, progress)));
        }
        Self { store, entries, tasks: Mutex::new(tasks) }
    }

    /// A document, and the position it is folded up to, from one look: that of the projection and never the
    /// head's. No document, at the start, as long as none can be read.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn read<P: Projection>(&self, key: &str) -> Result<(Option<P::Doc>, Position), ReadError> {
        let before = self.folded::<P>();
        let found = self.store.doc(P::NAME, key).await?;
        let Some((position, doc)) = found else { return Ok((None, Position::START)) };
        Ok((doc.map(|doc| parse::<P>(&doc)).transpose()?, position.max(before)))
    }

    /// Documents with keys from `from` on and before `before`, in order of their keys, and the position they
    /// are folded up to, from one look.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn range<P: Projection>(
        &self,
        from: &str,
        before: &str,
        max: usize,
    ) -> Result<Docs<P>, ReadError> {
        let folded = self.folded::<P>();
        Self::parsed::<P>(self.store.doc_range(P::NAME, from, before, max).await?, folded)
    }

    /// Documents that have every word of `query`, or words that begin so, and that somebody who holds `tokens` may
    /// find: the best first. And the position they are folded up to, from one look.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn search<P: Projection>(
        &self,
        query: &str,
        tokens: &Tokens,
        max: usize,
    ) -> Result<Docs<P>, ReadError> {
        let folded = self.folded::<P>();
        Self::parsed::<P>(self.store.search(P::NAME, query, tokens, max).await?, folded)
    }

    fn parsed<P: Projection>(found: Option<DocPage>, folded: Position) -> Result<Docs<P>, ReadError> {
        let Some(DocPage { position, docs }) = found else { return Ok((Vec::new(), Position::START)) };
        let parsed = docs.into_iter().map(|(key, doc)| Ok((key, parse::<P>(&doc)?)));
        Ok((parsed.collect::<Result<_, ReadError>>()?, position.max(folded)))
    }

    fn entry<P: Projection>(&self) -> Option<&Entry> {
        self.entries.iter().find(|(name, _)| name.as_str() == P::NAME).map(|(_, entry)| entry)
    }

    /// How far what is read is folded, of which less may be written where there was nothing to fold. Asked
    /// before a look, it holds for that look.
    fn folded<P: Projection>(&self) -> Position {
        self.entry::<P>().and_then(|entry| entry.progress.borrow().live).unwrap_or_default()
    }

    /// Waits, but not longer than `within`, until a projection has come to a position. Whether it has. It gathers no
    /// more for as long as it is waited for.
    pub async fn wait_for<P: Projection>(&self, position: Position, within: Duration) -> bool {
        let Some(entry) = self.entry::<P>() else { return false };
        entry.waited_for.send_if_modified(|waited_for| {
            let further = position > *waited_for;
            *waited_for = position.max(*waited_for);
            further
        });
        let mut progress = entry.progress.clone();
        let reached = progress.wait_for(|now| now.live.is_some_and(|live| live >= position));
        matches!(tokio::time::timeout(within, reached).await, Ok(Ok(_)))
    }

    /// Folds a projection anew from the start of the log, while the old generation is read and goes on. Whether
    /// there is such a projection.
    pub fn rebuild(&self, name: &ServiceName) -> bool {
        let entry = self.entries.get(name);
        entry.inspect(|entry| entry.rebuild.send_modify(|times| *times += 1)).is_some()
    }

    /// How each projection is getting on, by name.
    #[must_use]
    pub fn status(&self) -> Vec<ProjectionStatus> {
        let head = self.store.head();
        let sorted: BTreeMap<_, _> = self.entries.iter().collect();
        sorted
            .into_iter()
            .map(|(name, entry)| {
                let Progress { live, building } = entry.progress.borrow().clone();
                let lag = head.0.saturating_sub(live.unwrap_or_default().0);
                ProjectionStatus { name: name.clone(), live, building, lag }
            })
            .collect()
    }

    /// Cuts all of them off.
    pub async fn stop(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }
}

pub(crate) fn parse<P: Projection>(doc: &str) -> Result<P::Doc, ReadError> {
    serde_json::from_str(doc).map_err(|error| ReadError::Unreadable(format!("{}: {error}", P::NAME)))
}

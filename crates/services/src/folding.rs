//! A stored projection at work: one task that folds the log into documents, generation by generation. Of the log it
//! reads only the types of events that it is folded from, and those for which something has to be forgotten.
//!
//! Documents are written together with how far they are folded. Where nothing was to be folded, that is only
//! remembered, and written now and then: after a crash those events are looked at once more.

use std::{sync::Arc, time::Duration};

use domain::{Actor, Command, CommandId, Pattern, Position, ServiceName, service::NoteRebuilt};
use store::{Filter, Generation, Projected, ReadError, Stage, Store};
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use uuid::Uuid;

use crate::{
    chunk::{Chunk, Folded},
    listening,
    projection::{Progress, Projection},
    retry::Retry,
};

/// How many events are folded and written together.
const TOGETHER: usize = 500;

/// The same where nobody waits for them. The more there are, the more of them concern the same document, which is
/// written once.
const TOGETHER_BUILDING: usize = 4_000;

/// So long after writing more is gathered, so that in a busy time many events make one transaction; unless somebody
/// waits for it.
const GATHER: Duration = Duration::from_secs(1);

/// Where nothing was to be folded, how far was read is written only when it is so many positions.
const WRITE_EVERY: u64 = 1_000;

/// One projection at work.
pub(crate) struct Folding {
    name: ServiceName,
    store: Store,
    published: watch::Receiver<Position>,
    wishes: Wishes,
    progress: watch::Sender<Progress>,
    patterns: Arc<[Pattern]>,
    /// What is read of the log.
    wanted: Arc<Filter>,
    /// The events that others have to be forgotten for.
    redacting: Filter,
    /// What is known of the generations; nothing if that has to be read.
    known: Option<Vec<Standing>>,
    /// When documents were last written.
    written: Option<Instant>,
    /// When building began.
    begun: Instant,
}

/// What is asked of a projection at work.
pub(crate) struct Wishes {
    /// How often it was asked to be folded anew.
    pub(crate) rebuild: watch::Receiver<u64>,
    /// Somebody waits until everything up to here is folded.
    pub(crate) waited_for: watch::Receiver<Position>,
}

/// A generation as it is being folded.
struct Standing {
    /// As it is written.
    row: Generation,
    /// Folded up to here: what lies between did not concern it.
    at: Position,
    /// What comes next, if it is being read already.
    ahead: Option<JoinHandle<Result<Chunk, ReadError>>>,
}

impl Folding {
    pub(crate) fn new(
        name: ServiceName,
        patterns: Vec<Pattern>,
        store: Store,
        published: watch::Receiver<Position>,
        wishes: Wishes,
        progress: watch::Sender<Progress>,
    ) -> Self {
        Self {
            name,
            wanted: Arc::new(listening::filter_with_redactions(&patterns)),
            patterns: patterns.into(),
            store,
            published,
            wishes,
            progress,
            redacting: listening::redactions(),
            known: None,
            written: None,
            begun: Instant::now(),
        }
    }

    /// Works until the store is closed.
    pub(crate) async fn run<P: Projection>(mut self) {
        let retry = Retry::default();
        let mut waits = 0;
        loop {
            match self.turn::<P>().await {
                Ok(()) => waits = 0,
                Err(ReadError::Closed) => return,
                Err(error) => {
                    tracing::error!(projection = P::NAME, %error, "a projection cannot go on");
                    tokio::time::sleep(retry.delay(waits, fastrand::f64())).await;
                    waits = waits.saturating_add(1);
                }
            }
        }
    }

    /// Folds on where there is something to fold, or waits until there is.
    async fn turn<P: Projection>(&mut self) -> Result<(), ReadError> {
        let mut known = match self.known.take() {
            Some(known) => known,
            None => {
                let rows = self.store.generations(P::NAME).await?;
                rows.into_iter().map(|row| Standing { at: row.position, row, ahead: None }).collect()
            }
        };
        self.tell(&known);
        let is_current = |stage| {
            let row = known.iter().map(|one| &one.row).find(|row| row.stage == stage);
            row.map(|row| row.version == P::VERSION)
        };
        let (live, building) = (is_current(Stage::Live), is_current(Stage::Building));
        let asked = self.wishes.rebuild.has_changed().unwrap_or(false);
        if asked || (live != Some(true) && building != Some(true)) {
            self.wishes.rebuild.borrow_and_update();
            self.begun = Instant::now();
            return self.store.begin_generation(P::NAME, P::VERSION).await;
        }
        // One step for each in turn. Other code than this has folded a live one of another version.
        let mut moved = false;
        for standing in &mut known {
            let stage = standing.row.stage;
            if stage == Stage::Building || (stage == Stage::Live && live == Some(true)) {
                let before = standing.at;
                if !self.fold::<P>(standing).await? {
                    return Ok(());
                }
                moved |= standing.at > before;
            }
        }
        self.tell(&known);
        let at = known.iter().map(|one| one.at).max().unwrap_or_default();
        // What was read ahead may be less than there is by now, and what is read never goes back.
        let behind = known.iter().any(|one| one.row.stage == Stage::Building && one.at < at);
        if moved || behind {
            self.known = Some(known);
            return Ok(());
        }
        if let Some(nth) = known.iter().position(|one| one.row.stage == Stage::Building) {
            let mut built = known.swap_remove(nth);
            if built.at > built.row.position
                && !self.write::<P>(&mut built, at, None, Folded::default()).await?
            {
                return Ok(());
            }
            self.store.switch_generation(P::NAME).await?;
            // Whoever hears of it finds it so.
            built.row.stage = Stage::Live;
            self.tell(std::slice::from_ref(&built));
            return self.note(&built.row, live.is_some()).await;
        }
        self.known = Some(known);
        tokio::select! {
            woken = self.published.wait_for(|published| *published > at) => drop(woken),
            _ = self.wishes.rebuild.changed() => self.wishes.rebuild.mark_changed(),
        }
        self.gather(at).await
    }

    /// Waits for more, if something was written just now; but what has to be forgotten is forgotten at once, and what
    /// somebody waits for is folded at once.
    async fn gather(&mut self, folded: Position) -> Result<(), ReadError> {
        let Some(due) = self.written.map(|written| written + GATHER) else { return Ok(()) };
        let mut at = folded;
        loop {
            let page = self.store.read(at, &self.redacting, 1).await?;
            if !page.events.is_empty() {
                return Ok(());
            }
            at = page.next;
            tokio::select! {
                () = tokio::time::sleep_until(due) => return Ok(()),
                _ = self.wishes.waited_for.wait_for(|waited_for| *waited_for > folded) => return Ok(()),
                _ = self.wishes.rebuild.changed() => {
                    self.wishes.rebuild.mark_changed();
                    return Ok(());
                }
                woken = self.published.wait_for(|published| *published > at) => drop(woken),
            }
        }
    }

    /// Tells those who follow how far it is.
    fn tell(&self, known: &[Standing]) {
        let at = |stage| known.iter().find(move |one| one.row.stage == stage);
        let now = Progress {
            live: at(Stage::Live).map(|live| live.at),
            building: at(Stage::Building).map(|building| (building.at, building.row.events)),
        };
        self.progress.send_if_modified(|before| {
            let news = *before != now;
            *before = now;
            news
        });
    }

    /// Folds some events, if there are any. `false` if what is known of the generations must be read again.
    async fn fold<P: Projection>(&mut self, standing: &mut Standing) -> Result<bool, ReadError> {
        let chunk = self.chunk::<P>(standing).await?;
        let (next, redacted) = (chunk.next, chunk.redacted);
        if chunk.is_empty() && next.0 - standing.row.position.0 < WRITE_EVERY {
            standing.at = next;
            return Ok(true);
        }
        let keys = chunk.keys();
        let exist = match &keys[..] {
            [] => Vec::new(),
            keys => self.store.docs(P::NAME, standing.row.number, keys).await?,
        };
        let folded = chunk.fold::<P>(exist).await?;
        self.write::<P>(standing, next, redacted, folded).await
    }

    /// The events that come next. While they are folded into a generation that is being built, those after them are
    /// read.
    async fn chunk<P: Projection>(&self, standing: &mut Standing) -> Result<Chunk, ReadError> {
        let building = standing.row.stage == Stage::Building;
        let many = if building { TOGETHER_BUILDING } else { TOGETHER };
        let read = |after: Position| {
            let (store, wanted, patterns) = (self.store.clone(), self.wanted.clone(), self.patterns.clone());
            async move { Ok(Chunk::of::<P>(&patterns, store.read(after, &wanted, many).await?).await) }
        };
        let chunk = match standing.ahead.take() {
            Some(ahead) => ahead.await.map_err(|error| ReadError::Unavailable(error.to_string()))??,
            None => read(standing.at).await?,
        };
        if building && chunk.next > standing.at {
            standing.ahead = Some(tokio::spawn(read(chunk.next)));
        }
        Ok(chunk)
    }

    /// Writes how far a generation is folded, and its documents. `false` if what is known of the generations must
    /// be read again: this one does not stand where it did, or others were dropped for what they remember.
    async fn write<P: Projection>(
        &mut self,
        standing: &mut Standing,
        to: Position,
        redacted: Option<Position>,
        folded: Folded,
    ) -> Result<bool, ReadError> {
        let Folded { events, docs, found_by } = folded;
        let Generation { number, position: from, .. } = standing.row;
        let name = P::NAME.to_owned();
        let step = Projected { name, number, from, to, events, docs, found_by, redacted };
        if !self.store.project(&step).await? || redacted.is_some() {
            return Ok(false);
        }
        standing.row.position = to;
        standing.row.events += events;
        standing.at = to;
        self.written = Some(Instant::now());
        Ok(true)
    }

    /// Tells everybody that a generation is read now. The very first is no news.
    async fn note(&self, built: &Generation, replaces: bool) -> Result<(), ReadError> {
        if !replaces {
            return Ok(());
        }
        let wanted = NoteRebuilt {
            projection: self.name.clone(),
            generation: built.number,
            events: built.events,
            took_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let epoch = Uuid::from_u64_pair(self.store.epoch().0, u64::from(built.number));
        let id = CommandId(Uuid::new_v5(&epoch, self.name.as_str().as_bytes()));
        let command = Command::new(id, Actor::Service(self.name.to_string()), wanted);
        if let Err(error) = self.store.execute(command.into()).await {
            tracing::warn!(projection = %self.name, %error, "that it was built anew could not be noted");
        }
        Ok(())
    }
}

//! What the person wants and the server has not confirmed yet. Commands leave one at a time, in the order in
//! which they were given, each under the id it was born with: trying again never does a thing twice.
//!
//! A view is shown with the outbox laid over it; an entry disappears when the view has folded what came of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{CommandId, Intent, Position, Timestamp};
use leptos::{prelude::*, task::spawn_local};
use live::Status;

use crate::{calls, clock, fault::Fault};

/// How long to wait when the server asks for patience. It gives back more than one command in that time.
const PATIENCE: Duration = Duration::from_secs(2);

/// How far an entry has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Shown as done, but not sent before it is [released](Outbox::release): it can still be taken back.
    Held,
    /// Waiting for its turn, or for the network.
    Queued,
    /// On its way.
    Sending,
    /// Done: what came of it stands at this position.
    Accepted(Position),
    /// Refused, or lost on the way.
    Failed(Fault),
}

/// One command.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its id, and for a message the message's.
    pub id: CommandId,
    /// What is wanted.
    pub intent: Intent,
    /// When it was given, by the browser's clock.
    pub given: Timestamp,
    /// How far it has come.
    pub stage: Stage,
}

/// The commands of this page that are not yet seen to be done. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    entries: ArcRwSignal<Vec<Entry>>,
    busy: Arc<AtomicBool>,
    status: ArcRwSignal<Status>,
}

impl Outbox {
    /// Empty. It sends while the device has a network, or says that it has none but the page is live.
    #[must_use]
    pub fn new(status: ArcRwSignal<Status>) -> Self {
        Self { entries: ArcRwSignal::new(Vec::new()), busy: Arc::default(), status }
    }

    fn can_send(&self) -> bool {
        window().navigator().on_line() || self.status.with_untracked(|status| *status == Status::Live)
    }

    /// Reads the entries, in the order in which they were given. Tracks.
    pub fn with<T>(&self, read: impl FnOnce(&[Entry]) -> T) -> T {
        self.entries.with(|entries| read(entries))
    }

    /// How many have not reached the server yet. Tracks.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.with(|entries| {
            let waits = |entry: &&Entry| match &entry.stage {
                Stage::Queued | Stage::Sending => true,
                Stage::Failed(fault) => fault.on_the_way(),
                Stage::Held | Stage::Accepted(_) => false,
            };
            entries.iter().filter(waits).count()
        })
    }

    /// Sends a command as soon as it is its turn. Returns its id.
    pub fn send(&self, intent: impl Into<Intent>) -> CommandId {
        self.add(intent.into(), Stage::Queued)
    }

    /// Shows a command as done, but keeps it back.
    pub fn hold(&self, intent: impl Into<Intent>) -> CommandId {
        self.add(intent.into(), Stage::Held)
    }

    fn add(&self, intent: Intent, stage: Stage) -> CommandId {
        let id = fresh_id();
        self.entries.update(|entries| entries.push(Entry { id, intent, given: clock::now(), stage }));
        self.pump();
        id
    }

    /// Sends what was held.
    pub fn release(&self, id: CommandId) {
        self.turn(id, |stage| *stage == Stage::Held);
    }

    /// Sends everything that is held: the page may not come back.
    pub fn release_all(&self) {
        self.entries.update(|entries| {
            for entry in entries.iter_mut().filter(|entry| entry.stage == Stage::Held) {
                entry.stage = Stage::Queued;
            }
        });
        self.pump();
    }

    /// Tries a failed command again, under the same id.
    pub fn retry(&self, id: CommandId) {
        self.turn(id, |stage| matches!(stage, Stage::Failed(_)));
    }

    /// Tries everything again that was lost on the way, or waits for the network.
    pub fn retry_lost(&self) {
        self.entries.update(|entries| {
            for entry in entries.iter_mut() {
                if matches!(&entry.stage, Stage::Failed(fault) if fault.on_the_way()) {
                    entry.stage = Stage::Queued;
                }
            }
        });
        self.pump();
    }

    fn turn(&self, id: CommandId, from: impl Fn(&Stage) -> bool) {
        self.entries.update(|entries| {
            if let Some(entry) = entries.iter_mut().find(|entry| entry.id == id && from(&entry.stage)) {
                entry.stage = Stage::Queued;
            }
        });
        self.pump();
    }

    /// Gives a command up that is not on its way. Returns whether it was there.
    pub fn discard(&self, id: CommandId) -> bool {
        self.entries
            .try_update(|entries| {
                let before = entries.len();
                entries.retain(|entry| entry.id != id || entry.stage == Stage::Sending);
                entries.len() < before
            })
            .unwrap_or(false)
    }

    /// Forgets what a view that stands at `position` has folded, of the commands that are its `own` to show;
    /// and what is `over` for another reason.
    pub fn settle(&self, position: Position, own: impl Fn(&Intent) -> bool, over: impl Fn(&Entry) -> bool) {
        let folded = |entry: &Entry| {
            own(&entry.intent) && matches!(entry.stage, Stage::Accepted(at) if at <= position)
        };
        let done = |entry: &Entry| folded(entry) || over(entry);
        if self.entries.with_untracked(|entries| entries.iter().any(done)) {
            self.entries.update(|entries| entries.retain(|entry| !done(entry)));
        }
    }

    /// Sends the next one, unless one is on its way or there is no network.
    fn pump(&self) {
        if !self.can_send() || self.busy.swap(true, Ordering::Relaxed) {
            return;
        }
        let next = self
            .entries
            .try_update(|entries| {
                let entry = entries.iter_mut().find(|entry| entry.stage == Stage::Queued)?;
                entry.stage = Stage::Sending;
                Some((entry.id, entry.intent.clone()))
            })
            .flatten();
        let Some((id, intent)) = next else {
            self.busy.store(false, Ordering::Relaxed);
            return;
        };
        let this = self.clone();
        spawn_local(async move {
            let mut patience = None;
            let stage = match calls::execute(id, &intent).await {
                Ok(receipt) => Stage::Accepted(receipt.position),
                // The network went away meanwhile: it waits its turn again.
                Err(fault) if fault.on_the_way() && !this.can_send() => Stage::Queued,
                Err(fault) if fault.too_soon() => {
                    patience = Some(PATIENCE);
                    Stage::Queued
                }
                Err(fault) => Stage::Failed(fault),
            };
            this.entries.update(|entries| {
                if let Some(entry) = entries.iter_mut().find(|entry| entry.id == id) {
                    entry.stage = stage;
                }
            });
            let next = move || {
                this.busy.store(false, Ordering::Relaxed);
                this.pump();
            };
            match patience {
                Some(patience) => set_timeout(next, patience),
                None => next(),
            }
        });
    }
}

/// A fresh id: the instant first, so that ids sort by when they were made, then 80 random bits.
#[must_use]
pub fn fresh_id() -> CommandId {
    let mut random = [0; 10];
    if let Ok(crypto) = window().crypto() {
        // It fails for arrays longer than 65,536 bytes only.
        let _ = crypto.get_random_values_with_u8_array(&mut random);
    }
    let millis = u64::try_from(clock::now().millis()).unwrap_or_default();
    CommandId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

/// The page's outbox.
#[must_use]
pub fn outbox() -> Outbox {
    use_context::<Outbox>().unwrap_or_else(|| Outbox::new(ArcRwSignal::new(Status::Connecting)))
}

//! A service at work: one task that reads the log from the service's checkpoint and commits what the service
//! makes of it.
//!
//! What is read together is committed together, in order, as one unit. If anything is in the way, it goes one
//! event at a time, so that only the event suffers that is to blame. Everything a worker knows it can read
//! again from the store, and does so whenever a unit has not come through: so it does not matter at which step
//! it dies, nor whether another one has gone on in its place.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use domain::{Position, StreamId, Timestamp, service};
use store::{Effect, LetterStatus, Page, ReadError, UnitError};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::{
    handler::{Handler, Mail},
    progress::Progress,
    reaction::{Docs, Step},
    reactor::Failure,
    retry::{Next, Patience},
};

/// Why a worker stops what it is doing.
#[derive(Debug)]
pub(crate) enum Halt {
    /// It is told to end.
    Stop,
    /// Another worker of this service has gone on in its place.
    Moved,
    /// The store does not answer.
    Unavailable(String),
}

impl From<ReadError> for Halt {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Closed => Halt::Stop,
            error => Halt::Unavailable(error.to_string()),
        }
    }
}

/// See the module.
pub(crate) struct Worker {
    pub(crate) handler: Handler,
    pub(crate) progress: Arc<Progress>,
    pub(crate) signals: Signals,
    /// Woken when a timer was set.
    pub(crate) timers: Arc<Notify>,
    pub(crate) known: Known,
}

/// What wakes a worker.
#[derive(Clone)]
pub(crate) struct Signals {
    pub(crate) published: watch::Receiver<Position>,
    /// The last event that an operator's word to this service has led to.
    pub(crate) word: watch::Receiver<Position>,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Signals {
    /// Waits until there is something to read after `at`, or something was said after `heard`.
    pub(crate) async fn next(&mut self, at: Option<Position>, heard: Position) -> Result<(), Halt> {
        let gone = |_| Halt::Stop;
        tokio::select! {
            woken = self.published.wait_for(|published| at.is_some_and(|at| *published > at)) => {
                woken.map(drop).map_err(gone)
            }
            woken = self.word.wait_for(|said| *said > heard) => woken.map(drop).map_err(gone),
            _ = self.stop.wait_for(|stop| *stop) => Err(Halt::Stop),
        }
    }

    /// Waits until it is time to end.
    async fn ended(&mut self) -> Halt {
        let _ = self.stop.wait_for(|stop| *stop).await;
        Halt::Stop
    }
}

/// What a worker knows from the store.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Whether the rest is read.
    loaded: bool,
    /// Where the checkpoint is.
    pub(crate) saved: Position,
    /// When it was last written.
    saved_at: Option<Instant>,
    /// Everything up to here is read.
    pub(crate) at: Position,
    /// What is read and not committed, where several events are handled at once.
    pub(crate) open: BTreeSet<Position>,
    /// Everything that was said to the service up to here is heeded.
    pub(crate) heard: Position,
    /// The checkpoint of that.
    pub(crate) heeded: Position,
    pub(crate) paused: bool,
    /// Some dead letters shall be handled again.
    pub(crate) redriving: bool,
    /// The keys that have dead letters: what comes later goes behind them.
    pub(crate) parked: HashSet<String>,
    pub(crate) letters: u64,
}

impl Worker {
    pub(crate) fn name(&self) -> &str {
        self.handler.service.name().as_str()
    }

    /// The stream of what is said to the service; also the name of the checkpoint of heeding it.
    pub(crate) fn stream(&self) -> StreamId {
        StreamId::service(self.handler.service.name())
    }

    /// Works until it is told to stop.
    pub(crate) async fn run(mut self) {
        let mut waits = 0;
        loop {
            let error = match self.turn().await {
                Ok(()) => {
                    waits = 0;
                    continue;
                }
                Err(Halt::Stop) => return,
                Err(Halt::Moved) => "Another process has gone on in its place.".to_owned(),
                Err(Halt::Unavailable(why)) => why,
            };
            self.known = Known::default();
            let delay = self.handler.settings.retry.delay(waits, fastrand::f64());
            waits = waits.saturating_add(1);
            if self.sleep(delay, waits, error).await.is_err() {
                return;
            }
        }
    }

    /// Reads once, handles what was read, and waits if there is nothing more.
    async fn turn(&mut self) -> Result<(), Halt> {
        if !self.known.loaded {
            self.load().await?;
        }
        self.hold().await?;
        if self.handler.service.parallel() > 1 {
            return self.side_by_side().await;
        }
        if self.known.redriving {
            self.redrive().await?;
        }
        self.progress.working(None);
        let (filter, batch) = (self.handler.service.filter(), self.handler.settings.batch);
        let page = self.handler.store.read(self.known.at, filter, batch).await?;
        let next = page.next;
        self.page(page).await?;
        self.known.at = self.known.at.max(next);
        self.progress.reached(self.known.at);
        self.save(next).await?;
        if self.known.at >= self.handler.store.head() {
            self.progress.idle();
            self.signals.next(Some(self.known.at), self.known.heard).await?;
        }
        Ok(())
    }

    /// Reads everything again that a worker has to know.
    async fn load(&mut self) -> Result<(), Halt> {
        let store = &self.handler.store;
        let saved = store.checkpoint(self.name()).await?;
        let stream = self.stream();
        let heeded = store.checkpoint(stream.as_str()).await?;
        let mut history = None;
        for recorded in store.read_stream(&stream).await? {
            if let Ok(envelope) = recorded.decode() {
                service::fold(&mut history, &envelope.event);
            }
        }
        self.known = Known {
            loaded: true,
            saved,
            saved_at: Some(Instant::now()),
            at: saved,
            heard: heeded,
            heeded,
            paused: history.as_ref().is_some_and(service::Service::is_paused),
            redriving: true,
            ..Known::default()
        };
        self.progress.reached(saved);
        self.count_letters().await?;
        self.listen().await
    }

    /// Heeds what was said to the service, and waits as long as it is paused.
    pub(crate) async fn hold(&mut self) -> Result<(), Halt> {
        loop {
            if *self.signals.stop.borrow() {
                return Err(Halt::Stop);
            }
            if self.is_told() {
                self.listen().await?;
            }
            if !self.known.paused {
                return Ok(());
            }
            let (waiting, looked) = self.first_waiting().await?;
            self.progress.paused(waiting);
            self.signals.next(waiting.is_none().then_some(looked), self.known.heard).await?;
        }
    }

    /// When the first event was recorded that waits for the service, if there is one; and how far the log was read.
    async fn first_waiting(&self) -> Result<(Option<Timestamp>, Position), Halt> {
        // What is read and not committed waits, too.
        let open = self.known.open.first().map(|first| Position(first.0 - 1));
        let mut at = open.map_or(self.known.at, |open| open.min(self.known.at));
        let filter = self.handler.service.filter();
        loop {
            let page = self.handler.store.read(at, filter, 1).await?;
            if let Some(first) = page.events.iter().find(|event| self.handler.service.wants(event)) {
                return Ok((Some(first.meta.time), first.meta.position));
            }
            at = page.next;
            if at >= self.handler.store.head() {
                return Ok((None, at));
            }
        }
    }

    /// Whether something was said to the service that it has not heard.
    pub(crate) fn is_told(&self) -> bool {
        *self.signals.word.borrow() > self.known.heard
    }

    /// Handles what was read together, and commits it together.
    async fn page(&mut self, page: Page) -> Result<(), Halt> {
        let mut batch: Vec<Mail> = Vec::new();
        let (mut step, mut docs) = (Step::default(), Docs::default());
        for recorded in &page.events {
            let Some(mail) = self.handler.mail(recorded, None) else { continue };
            if self.is_told() {
                self.commit_batch(std::mem::take(&mut batch), std::mem::take(&mut step)).await?;
                docs = Docs::default();
                self.hold().await?;
            }
            self.progress.working(Some(mail.meta.time));
            if self.known.parked.contains(&mail.key) {
                step.effects.push(self.behind(&mail));
                batch.push(mail);
                continue;
            }
            match self.handler.attempt(&mail, 1, &docs).await {
                Ok(done) => {
                    docs.take_in(&done);
                    step.absorb(done);
                    batch.push(mail);
                }
                Err(failure) => {
                    self.commit_batch(std::mem::take(&mut batch), std::mem::take(&mut step)).await?;
                    docs = Docs::default();
                    self.deliver(&mail, Some(failure)).await?;
                }
            }
        }
        self.commit_batch(batch, step).await
    }

    /// Commits what a batch has come to. If that is refused, goes through it one by one.
    async fn commit_batch(&mut self, batch: Vec<Mail>, step: Step) -> Result<(), Halt> {
        let Some(last) = batch.last() else { return Ok(()) };
        if step.is_empty() {
            // To look at them once more after a crash comes to the same: see `save`.
            return Ok(());
        }
        if self.commit(step, last.position()).await?.is_ok() {
            let behind = batch.iter().filter(|mail| self.known.parked.contains(&mail.key)).count();
            self.known.letters += behind as u64;
            self.progress.parked(self.known.letters);
            return Ok(());
        }
        for mail in &batch {
            self.deliver(mail, None).await?;
        }
        Ok(())
    }

    /// Handles one event until it is done, or else put aside. The first attempt may have been made and failed.
    pub(crate) async fn deliver(&mut self, mail: &Mail, failed: Option<Failure>) -> Result<bool, Halt> {
        if mail.redriven.is_none() && self.known.parked.contains(&mail.key) {
            self.put_behind(mail).await?;
            return Ok(false);
        }
        let mut patience = Patience::new(self.handler.settings.retry);
        let mut failed = failed;
        loop {
            if let Some(failure) = failed.take() {
                match patience.after(failure) {
                    Next::Wait(delay, error) => self.wait(delay, patience.attempts, error).await?,
                    Next::GiveUp(error) => {
                        self.park(mail, error, patience.attempts).await?;
                        return Ok(false);
                    }
                }
            }
            self.hold().await?;
            self.progress.working(Some(mail.meta.time));
            match self.handler.attempt(mail, patience.attempts + 1, &Docs::default()).await {
                Ok(step) => match self.settle(mail, step).await? {
                    Ok(()) => return Ok(true),
                    Err(refused) => failed = Some(Failure::Poison(refused)),
                },
                Err(failure) => failed = Some(failure),
            }
        }
    }

    /// Commits what the handling of one event has come to.
    pub(crate) async fn settle(&mut self, mail: &Mail, mut step: Step) -> Result<Result<(), String>, Halt> {
        if mail.redriven.is_some() {
            step.effects.push(self.letters(mail.key.clone(), Some(mail.position()), LetterStatus::Done));
        }
        let to = self.passed(mail, &mut step);
        let settled = self.commit(step, to).await?;
        if settled.is_ok() {
            self.known.open.remove(&mail.position());
        }
        Ok(settled)
    }

    /// How far the checkpoint comes when this event is done with.
    pub(crate) fn passed(&self, mail: &Mail, step: &mut Step) -> Position {
        if mail.redriven.is_some() {
            return self.known.saved;
        }
        if self.handler.service.parallel() == 1 {
            return mail.position();
        }
        let reactor = || self.name().to_owned();
        let first = self.known.open.iter().find(|position| **position != mail.position());
        let upto = first.map_or(self.known.at, |first| Position(first.0 - 1));
        if mail.position() > upto {
            step.effects.push(Effect::Handled { reactor: reactor(), position: mail.position() });
        }
        if upto > self.known.saved {
            step.effects.push(Effect::DropHandled { reactor: reactor(), upto });
        }
        upto
    }

    /// Commits a step, which moves the checkpoint. The inner error is why it was refused.
    pub(crate) async fn commit(&mut self, step: Step, to: Position) -> Result<Result<(), String>, Halt> {
        let sets_timers = step.sets_timers();
        let unit = step.into_unit(self.handler.service.name(), self.known.saved, to);
        match self.handler.store.execute(unit).await {
            Err(refused @ (UnitError::Refused(_) | UnitError::CommandReused)) => {
                return Ok(Err(refused.to_string()));
            }
            other => halted(other)?,
        }
        self.known.saved = to;
        self.known.saved_at = Some(Instant::now());
        self.known.at = self.known.at.max(to);
        self.progress.reached(to);
        if sets_timers {
            self.timers.notify_one();
        }
        Ok(Ok(()))
    }

    /// Notes the checkpoint now and then when nothing else moves it.
    pub(crate) async fn save(&mut self, to: Position) -> Result<(), Halt> {
        let settings = &self.handler.settings;
        let far = to.0.saturating_sub(self.known.saved.0) >= settings.save_every.0;
        let late = self.known.saved_at.is_none_or(|at| at.elapsed() >= settings.save_every.1);
        if to > self.known.saved && (far || late) {
            let saved = self.commit(Step::default(), to).await?;
            saved.map_err(Halt::Unavailable)?;
        }
        Ok(())
    }

    /// Waits before the next attempt, or until somebody says something to the service.
    async fn wait(&mut self, delay: Duration, attempt: u32, error: String) -> Result<(), Halt> {
        let (heard, mut signals) = (self.known.heard, self.signals.clone());
        tokio::select! {
            waited = self.sleep(delay, attempt, error) => waited,
            said = signals.next(None, heard) => said,
        }
    }

    /// Waits before the next attempt.
    async fn sleep(&mut self, delay: Duration, attempt: u32, error: String) -> Result<(), Halt> {
        tracing::warn!(service = self.name(), attempt, error, ?delay, "trying again");
        let next = after((self.handler.settings.clock)(), delay);
        self.progress.retrying(attempt, error, next);
        tokio::select! {
            () = tokio::time::sleep(delay) => Ok(()),
            halt = self.signals.ended() => Err(halt),
        }
    }
}

/// An instant that is so much later.
pub(crate) fn after(now: Timestamp, delay: Duration) -> Timestamp {
    now.plus_millis(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX))
}

/// What a unit that did not come through means to a worker.
pub(crate) fn halted(outcome: Result<store::Receipt, UnitError>) -> Result<(), Halt> {
    match outcome {
        Ok(_) => Ok(()),
        Err(UnitError::CheckpointMoved { .. }) => Err(Halt::Moved),
        Err(UnitError::Closed) => Err(Halt::Stop),
        Err(error) => Err(Halt::Unavailable(error.to_string())),
    }
}

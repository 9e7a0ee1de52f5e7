//! A service with slow I/O at work: several events of different keys at once, those of one key one after the
//! other. Each is committed by itself as it is done; the checkpoint follows the oldest that is not, and what is
//! done after it is noted as handled.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use domain::Position;
use tokio::task::JoinSet;

use crate::{
    handler::{Handler, Mail},
    progress::Progress,
    reaction::{Docs, Step},
    retry::{Next, Patience},
    worker::{Halt, Worker, after},
};

/// What came of an event: what to commit, or what went wrong and how often.
type Outcome = Result<Step, (String, u32)>;

impl Worker {
    /// Works until something is in the way.
    pub(crate) async fn side_by_side(&mut self) -> Result<(), Halt> {
        let handled = self.handler.store.handled(self.name()).await?;
        let handled: HashSet<Position> = handled.into_iter().collect();
        let window = self.handler.settings.batch;
        let mut queue = VecDeque::new();
        let mut busy = HashSet::new();
        // Tasks, because each goes on while the worker reads or commits: one that waited for the worker, with a
        // connection to the log in its hands, would hold up everybody.
        let mut running = JoinSet::new();
        loop {
            if running.is_empty() {
                self.hold().await?;
                if self.known.redriving {
                    self.redrive().await?;
                }
            } else if self.is_told() {
                self.listen().await?;
            }
            let open = !self.known.paused && !self.known.redriving;
            if open {
                while queue.len() < window && self.known.at < self.handler.store.head() {
                    self.fill(&mut queue, &handled).await?;
                }
                while let Some(mail) = self.startable(&mut queue, &busy) {
                    if self.known.parked.contains(&mail.key) {
                        self.put_behind(&mail).await?;
                        continue;
                    }
                    self.progress.working(Some(mail.meta.time));
                    busy.insert(mail.key.clone());
                    running.spawn(persist(self.handler.clone(), self.progress.clone(), mail));
                }
            }
            if running.is_empty() && queue.is_empty() {
                self.progress.reached(self.known.at);
                self.save(self.known.at).await?;
                self.progress.idle();
            }
            let more = (open && queue.len() < window).then_some(self.known.at);
            tokio::select! {
                Some(done) = running.join_next() => {
                    let (mail, outcome) = done.map_err(|error| Halt::Unavailable(error.to_string()))?;
                    busy.remove(&mail.key);
                    self.finish(&mail, outcome).await?;
                }
                woken = self.signals.next(more, self.known.heard) => woken?,
            }
        }
    }

    /// Reads on.
    async fn fill(&mut self, queue: &mut VecDeque<Mail>, handled: &HashSet<Position>) -> Result<(), Halt> {
        let filter = self.handler.service.filter();
        let page = self.handler.store.read(self.known.at, filter, self.handler.settings.batch).await?;
        for recorded in page.events.iter().filter(|event| !handled.contains(&event.meta.position)) {
            if let Some(mail) = self.handler.mail(recorded, None) {
                self.known.open.insert(mail.position());
                queue.push_back(mail);
            }
        }
        self.known.at = page.next;
        Ok(())
    }

    /// The first event in the queue that may be handled now: nothing of its key is being handled, nor before
    /// it in the queue.
    fn startable(&self, queue: &mut VecDeque<Mail>, busy: &HashSet<String>) -> Option<Mail> {
        if busy.len() >= self.handler.service.parallel() {
            return None;
        }
        let mut waiting: HashSet<&str> = HashSet::new();
        let nth = queue.iter().position(|mail| !busy.contains(&mail.key) && waiting.insert(&mail.key))?;
        queue.remove(nth)
    }

    async fn finish(&mut self, mail: &Mail, outcome: Outcome) -> Result<(), Halt> {
        match outcome {
            Ok(step) => match self.settle(mail, step).await? {
                Ok(()) => Ok(()),
                Err(refused) => self.park(mail, refused, 1).await,
            },
            Err((error, attempts)) => self.park(mail, error, attempts).await,
        }
    }
}

/// Tries an event until it is clear what comes of it.
async fn persist(handler: Handler, progress: Arc<Progress>, mail: Mail) -> (Mail, Outcome) {
    let mut patience = Patience::new(handler.settings.retry);
    loop {
        let failure = match handler.attempt(&mail, patience.attempts + 1, &Docs::default()).await {
            Ok(step) => return (mail, Ok(step)),
            Err(failure) => failure,
        };
        match patience.after(failure) {
            Next::GiveUp(error) => return (mail, Err((error, patience.attempts))),
            Next::Wait(delay, error) => {
                tracing::warn!(service = %handler.service.name(), error, ?delay, "trying again");
                progress.retrying(patience.attempts, error, after((handler.settings.clock)(), delay));
                tokio::time::sleep(delay).await;
                progress.working(Some(mail.meta.time));
            }
        }
    }
}

//! The one writer: takes whatever has queued while the previous commit ran, writes it as one transaction,
//! tells the hub, and only then answers. There is no linger: a lone unit is committed at once.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{Position, Recorded, State, StreamId, contract};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};
use uuid::ContextV7;

use crate::{
    batch::{Batch, Committed},
    engine::{Engine, Fault, Tail},
    read::Commit,
    recent::Recent,
    sessions::Sessions,
    store::Clock,
    unit::{Receipt, Unit, UnitError},
};

/// How many streams are kept folded. Beyond this all are forgotten and loaded again as they are needed.
const CACHED_STREAMS: usize = 10_000;

/// How long to wait before trying again to take redacted text out of the files. Trying may hold everybody
/// up for a second, because somebody's long reading is in the way.
const SCRUB_AGAIN: Duration = Duration::from_secs(10);

/// What the committer is asked for.
pub(crate) enum Job {
    /// Carry out a unit.
    Unit(Unit, oneshot::Sender<Result<Receipt, UnitError>>),
    /// Find out whether writing works.
    Probe(oneshot::Sender<Result<(), UnitError>>),
    /// Limit the size of the database.
    Limit(Option<u64>, oneshot::Sender<Result<(), UnitError>>),
    /// Carry out what has queued, and end.
    Close(oneshot::Sender<()>),
}

/// See the module.
pub(crate) struct Committer<E> {
    pub(crate) engine: E,
    pub(crate) jobs: mpsc::Receiver<Job>,
    pub(crate) commits: mpsc::Sender<Commit>,
    /// What everybody may know of the log's head.
    pub(crate) head: Arc<AtomicU64>,
    /// What was committed last, for readers.
    pub(crate) recent: Arc<Recent>,
    /// Sessions that were looked up.
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) clock: Clock,
    /// About as many events go into one transaction.
    pub(crate) batch_events: usize,
    /// How far the log has come; `None` after a fault, until the engine has recovered.
    pub(crate) tail: Option<Tail>,
    pub(crate) memory: Memory,
}

/// What the committer remembers from one transaction to the next.
#[derive(Default)]
pub(crate) struct Memory {
    state: State,
    ids: ContextV7,
    /// The last event whose redaction has not reached all files yet, and when to try again.
    unscrubbed: Option<(Position, Instant)>,
}

/// Who waits for an answer, and what it will be if the transaction is committed.
enum Answer {
    Unit(oneshot::Sender<Result<Receipt, UnitError>>, Result<Receipt, UnitError>),
    Probe(oneshot::Sender<Result<(), UnitError>>),
}

impl<E: Engine> Committer<E> {
    /// Works until it is closed, or until nobody is left to ask for anything.
    pub(crate) async fn run(mut self) {
        let mut queue = VecDeque::new();
        let mut closers = Vec::new();
        while let Some(job) = self.next(&mut queue).await {
            match job {
                Job::Close(closer) => {
                    self.jobs.close();
                    closers.push(closer);
                }
                Job::Limit(bytes, answer) => {
                    let limited = self.engine.limit(bytes).await;
                    let _ = answer.send(limited.map_err(|fault| UnitError::Unavailable(fault.0)));
                }
                job @ (Job::Unit(..) | Job::Probe(_)) => {
                    queue.push_front(job);
                    self.batch(&mut queue).await;
                    // Those who were answered may want more at once; what they want goes into the same
                    // transaction as what has queued meanwhile, not into the one after it.
                    tokio::task::yield_now().await;
                }
            }
        }
        self.recent.close();
        self.engine.close().await;
        self.sessions.forget();
        for closer in closers {
            let _ = closer.send(());
        }
    }

    /// The next job; waits for one if there is none.
    async fn next(&mut self, queue: &mut VecDeque<Job>) -> Option<Job> {
        loop {
            if self.memory.unscrubbed.is_some_and(|(_, again)| again <= Instant::now()) {
                self.scrub().await;
            }
            if let Some(job) = queue.pop_front() {
                return Some(job);
            }
            let Some((_, again)) = self.memory.unscrubbed else {
                return self.jobs.recv().await;
            };
            if let Ok(job) = timeout_at(again, self.jobs.recv()).await {
                return job;
            }
        }
    }

    /// One transaction with what has queued, and the answers to it.
    async fn batch(&mut self, queue: &mut VecDeque<Job>) {
        while queue.len() < self.batch_events
            && let Ok(job) = self.jobs.try_recv()
        {
            queue.push_back(job);
        }
        if self.memory.state.len() > CACHED_STREAMS {
            self.memory.state = State::default();
        }
        let mut answers = Vec::new();
        let fault = match self.write(queue, &mut answers).await {
            Ok(committed) => {
                self.tail = Some(committed.tail);
                if committed.sessions_changed {
                    self.sessions.forget();
                }
                if let Some(commit) = committed.commit {
                    self.publish(commit).await;
                }
                if let Some(by) = committed.redacted_by {
                    self.memory.unscrubbed = Some((by, Instant::now()));
                    self.scrub().await;
                }
                None
            }
            Err(fault) => {
                tracing::error!(%fault, units = answers.len(), "a transaction was given up");
                self.tail = None;
                // It may be on disk all the same.
                self.sessions.forget();
                // If this fails too, the next transaction begins with it.
                if let Err(fault) = self.recover().await {
                    tracing::error!(%fault, "the database cannot be written");
                }
                Some(UnitError::Unavailable(fault.0))
            }
        };
        for answer in answers {
            // Whoever has stopped waiting will ask again with the same command id.
            match (answer, fault.clone()) {
                (Answer::Unit(to, _), Some(fault)) => drop(to.send(Err(fault))),
                (Answer::Unit(to, outcome), None) => drop(to.send(outcome)),
                (Answer::Probe(to), fault) => drop(to.send(fault.map_or(Ok(()), Err))),
            }
        }
    }

    /// Takes jobs from the queue as far as one transaction goes, and commits them.
    async fn write(
        &mut self,
        queue: &mut VecDeque<Job>,
        answers: &mut Vec<Answer>,
    ) -> Result<Committed, Fault> {
        let tail = match self.tail {
            Some(tail) => Ok(tail),
            None => self.recover().await,
        };
        let now = (self.clock)();
        let memory = &mut self.memory;
        let opened = match tail {
            Ok(tail) => {
                let units = queue.iter().filter_map(|job| match job {
                    Job::Unit(unit, _) => Some(unit),
                    _ => None,
                });
                Batch::open(&mut self.engine, &mut memory.state, &mut memory.ids, tail, now, units).await
            }
            Err(fault) => Err(fault),
        };
        let mut probes = false;
        let mut batch = match opened {
            Ok(batch) => batch,
            Err(fault) => {
                while let Some(answer) = take(queue) {
                    answers.push(answer.1);
                }
                return Err(fault);
            }
        };
        while batch.len() < self.batch_events
            && let Some((unit, answer)) = take(queue)
        {
            answers.push(answer);
            match (unit, answers.last_mut()) {
                (Some(unit), Some(Answer::Unit(_, outcome))) => *outcome = batch.unit(&unit).await?,
                _ => probes = true,
            }
        }
        if probes {
            batch.probe().await?;
        }
        batch.commit().await
    }

    /// After a fault: looks at what is on disk. If the transaction that seemed to fail is there, tells the
    /// hub of it now.
    async fn recover(&mut self) -> Result<Tail, Fault> {
        self.memory.state = State::default();
        let tail = self.engine.recover().await?;
        let told = Position(self.head.load(Ordering::Acquire));
        if tail.head > told {
            let events = self.engine.since(told).await?;
            let redactions = self.redacted_by(&events, told).await?;
            self.publish(Commit { events, redactions, head: tail.head }).await;
        }
        self.tail = Some(tail);
        Ok(tail)
    }

    /// The events up to `told`, as they are now, that some of these have redacted.
    async fn redacted_by(&mut self, events: &[Recorded], told: Position) -> Result<Vec<Recorded>, Fault> {
        let redacting = events.iter().filter(|event| contract::redacts(&event.meta.kind));
        let streams: HashSet<StreamId> = redacting.map(|event| event.meta.stream.clone()).collect();
        if streams.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = self.engine.load(&streams.into_iter().collect::<Vec<_>>()).await?;
        found.retain(|event| event.meta.position <= told);
        Ok(found)
    }

    async fn publish(&mut self, commit: Commit) {
        self.recent.take_in(&commit);
        self.head.store(commit.head.0, Ordering::Release);
        // Nobody listens in tools and tests that only write.
        let _ = self.commits.send(commit).await;
    }

    async fn scrub(&mut self) {
        if let Some((by, _)) = self.memory.unscrubbed {
            let done = self.engine.scrub(by).await;
            self.memory.unscrubbed = (!done).then(|| (by, Instant::now() + SCRUB_AGAIN));
        }
    }
}

/// The first job of the queue, if it belongs into a transaction: the unit, and who waits for it.
fn take(queue: &mut VecDeque<Job>) -> Option<(Option<Unit>, Answer)> {
    match queue.pop_front()? {
        Job::Unit(unit, to) => Some((Some(unit), Answer::Unit(to, Err(UnitError::Closed)))),
        Job::Probe(to) => Some((None, Answer::Probe(to))),
        other => {
            queue.push_front(other);
            None
        }
    }
}

#[cfg(test)]
mod tests;

//! All services at work: one task for each, and beside them those that pass an operator's word on, send what
//! timers are due, note how handlings went, and forget what nobody can ask for again.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use domain::{Position, Timestamp};
use hub::Hub;
use store::{Clock, Filter, Store};
use tokio::{
    sync::{Notify, watch},
    task::{AbortHandle, JoinSet},
};

use crate::{
    forgetting::Forgetting,
    handler::Handler,
    progress::{Progress, Status},
    reactor::Service,
    retry::Retry,
    timers, trace,
    worker::{Known, Signals, Worker},
};

/// What is said to services.
const WORDS: [&str; 4] =
    ["service.paused", "service.resumed", "service.dead_letter_redriven", "service.dead_letter_discarded"];

/// How long to wait when the store does not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// Bounds and patience.
#[derive(Clone)]
pub struct Settings {
    /// How often and when to try again.
    pub retry: Retry,
    /// How many events are handled and committed together at most.
    pub batch: usize,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// A service that has to do nothing notes how far it has read after so many positions or so much time.
    pub save_every: (u64, Duration),
    /// A service that is this many positions behind is lagging.
    pub lagging_after: u64,
    /// A service that is behind and has not moved for so long is stuck.
    pub stuck_after: Duration,
    /// For so long after a start no timer goes off: services first do what they could not do while nobody was there.
    pub grace: Duration,
    /// How handlings went is known for as many of the newest events.
    pub keep_handlings: u64,
    /// Which commands of services were accepted is known for as many of the newest events, and for what a service has
    /// still before it.
    pub keep_commands: u64,
    /// What is forgotten of them goes so many positions at a time.
    pub forget_together: u64,
    /// How long stopping may take before what is running is cut off.
    pub stop_within: Duration,
    /// What tells the time.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retry: Retry::default(),
            batch: 64,
            timeout: Duration::from_secs(30),
            save_every: (1_000, Duration::from_secs(10)),
            lagging_after: 1_000,
            stuck_after: Duration::from_secs(30),
            grace: Duration::from_secs(30),
            keep_handlings: 1_000_000,
            keep_commands: 100_000,
            forget_together: 256,
            stop_within: Duration::from_secs(5),
            clock: Arc::new(|| {
                let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
            }),
        }
    }
}

/// All services at work. When it is dropped, they are cut off wherever they are, which loses nothing.
pub struct Runtime {
    store: Store,
    settings: Settings,
    services: Vec<(Arc<Progress>, AbortHandle)>,
    stop: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
}

impl Runtime {
    /// Starts the services, each from where it stands. Needs a Tokio runtime.
    ///
    /// # Panics
    /// If two services have the same name: they would share a checkpoint.
    #[must_use]
    pub fn start(store: Store, hub: &Hub, services: Vec<Service>, settings: Settings) -> Self {
        let names: HashSet<&str> = services.iter().map(|service| service.name().as_str()).collect();
        assert_eq!(names.len(), services.len(), "two services have the same name");
        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        let set = Arc::new(Notify::new());
        let (recorder, recording) = trace::recorder(store.clone(), settings.keep_handlings);
        tasks.spawn(recording);
        tasks.spawn(timers::run(store.clone(), settings.clone(), set.clone(), stop.subscribe()));

        let all = services.iter().map(|service| service.name().clone()).collect();
        let forgetting = Forgetting::new(store.clone(), all, settings.clone());
        tasks.spawn(forgetting.run(hub.follow(), stop.subscribe()));

        let from = store.head();
        let mut words = HashMap::new();
        let mut workers = Vec::with_capacity(services.len());
        for service in services {
            let word = watch::Sender::new(Position::START);
            let progress = Arc::new(Progress::new(service.name().clone()));
            let worker = Worker {
                progress: progress.clone(),
                signals: Signals { published: hub.follow(), word: word.subscribe(), stop: stop.subscribe() },
                timers: set.clone(),
                known: Known::default(),
                handler: Handler {
                    store: store.clone(),
                    settings: settings.clone(),
                    recorder: recorder.clone(),
                    service: service.clone(),
                },
            };
            words.insert(domain::StreamId::service(service.name()), word);
            workers.push((progress, tasks.spawn(worker.run())));
        }
        let passing = pass_on(store.clone(), hub.follow(), words, from, stop.subscribe());
        tasks.spawn(passing);
        Self { store, settings, services: workers, stop, tasks: Mutex::new(tasks) }
    }

    /// How each service is getting on, in the order of the list.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        let (head, now) = (self.store.head(), (self.settings.clock)());
        self.services
            .iter()
            .map(|(progress, task)| progress.status(head, now, !task.is_finished(), &self.settings))
            .collect()
    }

    /// Waits until every service is done with everything up to a position: has handled it, or put it aside.
    pub async fn reached(&self, position: Position) {
        for (progress, _) in &self.services {
            // The runtime holds the other end.
            let _ = progress.follow().wait_for(|reached| *reached >= position).await;
        }
    }

    /// Lets every service finish what it commits and ends them; those that take too long are cut off.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = tokio::time::timeout(self.settings.stop_within, async {
            while tasks.join_next().await.is_some() {}
        });
        if ended.await.is_err() {
            tracing::warn!(left = tasks.len(), "services that did not end in time are cut off");
            tasks.shutdown().await;
        }
    }
}

/// Tells each service when an operator has said something to it. One task reads for all of them.
async fn pass_on(
    store: Store,
    mut published: watch::Receiver<Position>,
    words: HashMap<domain::StreamId, watch::Sender<Position>>,
    mut at: Position,
    mut stop: watch::Receiver<bool>,
) {
    let filter = Filter::everything().of_kinds(WORDS);
    let work = async {
        loop {
            match store.read(at, &filter, 500).await {
                Ok(page) => {
                    for event in &page.events {
                        if let Some(word) = words.get(&event.meta.stream) {
                            word.send_replace(event.meta.position);
                        }
                    }
                    at = page.next;
                }
                Err(error) => {
                    tracing::warn!(%error, "what is said to the services cannot be read");
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            }
            if published.wait_for(|published| *published > at).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

//! The one task of the hub. It takes commits in order and, between them, *turns*: what connections ask of
//! it. Because both happen here, going live needs no lock and leaves no gap.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, RwLockWriteGuard, atomic::Ordering},
};

use bytes::Bytes;
use domain::{Audience, Event, Pattern, Position, SessionId, Subject, Tokens, UserId, access};
use live::{Batch, Sid};
use store::Commit;
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    time::MissedTickBehavior,
};

use crate::{
    Shared,
    connection::Place,
    group::chained,
    index::{Index, Key},
    kept::Kept,
    queue::{Ended, Queue},
    ring::Entry,
};

/// Quiet connections are nudged in so many slices, one after another.
const SLICES: usize = 10;

/// As many members, or fewer, are given what they get without the help of another thread.
const SHARE: usize = 128;

/// After so many, others have their turn.
const GIVEN_AT_ONCE: usize = 512;

/// How many ended sessions are remembered.
const MOST_ENDED: usize = 1_024;

/// One subscription as the hub sees it.
#[derive(Debug, Clone)]
pub(crate) struct Interest {
    pub(crate) sid: Sid,
    pub(crate) pattern: Pattern,
    /// Only events after this are wanted.
    pub(crate) since: Position,
}

/// What a connection asks of the hub.
pub(crate) enum Turn {
    /// A new connection.
    Connect {
        user: Option<UserId>,
        session: Option<SessionId>,
        queue: Arc<Queue>,
        turns: mpsc::UnboundedSender<Turn>,
        reply: oneshot::Sender<Place>,
    },
    /// A group that has read up to `after` wants to go live.
    Join { key: Key, interests: Vec<Interest>, after: Position, main: bool, reply: oneshot::Sender<Joined> },
    /// A subscription ends.
    Leave { key: Key, sid: Sid },
    /// The connection is gone.
    Disconnect { key: Key },
    /// An ephemeral signal.
    Signal { subject: Subject, audience: Audience, frame: Bytes },
    /// A signal that is kept for who asks later, or is not kept any longer.
    Retain { subject: Subject, audience: Audience, frame: Option<Bytes> },
    /// The server is about to restart.
    Drain,
}

/// The hub's answer to [`Turn::Join`].
pub(crate) enum Joined {
    /// Live from `position` on; `rest` is what was between.
    Live { rest: Vec<Arc<Entry>>, position: Position },
    /// Too far behind still: read on.
    NotYet,
}

struct Member {
    user: Option<UserId>,
    session: Option<SessionId>,
    tokens: Tokens,
    queue: Arc<Queue>,
    interests: Vec<(Sid, Pattern)>,
    live: bool,
    /// The last batch it was given ended here.
    told: Position,
    /// Which events of the commit at hand it gets.
    picked: Vec<usize>,
}

/// What one commit means to somebody.
type Batches = Vec<Arc<Batch>>;

/// What one commit means to everybody. Whoever stood at the same place and gets the same events gets the same.
struct Made<'a> {
    events: &'a [Arc<Entry>],
    /// Where all of them end.
    end: Position,
    all: Vec<Batches>,
    /// Which of them is for whom.
    alike: HashMap<(Position, Vec<usize>), usize>,
    /// The one that was asked for last: mostly the next asker is like the one before.
    last: Option<(Position, Vec<usize>, usize)>,
}

impl<'a> Made<'a> {
    fn new(events: &'a [Arc<Entry>], end: Position) -> Self {
        Self { events, end, all: vec![], alike: HashMap::new(), last: None }
    }

    /// Which batches bring a member from `prev` to the end.
    fn batches(&mut self, prev: Position, picked: &[usize]) -> usize {
        if let Some((from, events, nth)) = &self.last
            && *from == prev
            && events == picked
        {
            return *nth;
        }
        let nth = *self.alike.entry((prev, picked.to_vec())).or_insert_with(|| {
            let events = picked.iter().map(|nth| self.events[*nth].encoded.clone()).collect();
            self.all.push(chained(prev, (events, self.end)));
            self.all.len() - 1
        });
        self.last = Some((prev, picked.to_vec(), nth));
        nth
    }
}

/// What one member is to be given: which of the batches that were made.
struct Parcel {
    key: Key,
    queue: Arc<Queue>,
    nth: usize,
}

/// Gives each what it gets. Returns who could not take all of it.
async fn give(parcels: Vec<Parcel>, made: Arc<Vec<Batches>>, queue_bytes: usize) -> Vec<Key> {
    let mut behind = vec![];
    for (nth, parcel) in parcels.iter().enumerate() {
        if nth % GIVEN_AT_ONCE == GIVEN_AT_ONCE - 1 {
            tokio::task::yield_now().await;
        }
        if parcel.queue.push(&made[parcel.nth], queue_bytes) {
            behind.push(parcel.key);
        }
    }
    behind
}

struct Task {
    shared: Arc<Shared>,
    index: Index,
    members: Vec<Option<Member>>,
    free: Vec<Key>,
    by_user: HashMap<UserId, Vec<Key>>,
    /// The sessions that ended last: somebody may still be on the way in with one.
    ended: VecDeque<SessionId>,
    draining: bool,
    /// Which slice of the members is nudged next.
    slice: usize,
}

/// Runs until the store is closed, then ends every connection.
pub(crate) async fn run(
    shared: Arc<Shared>,
    mut commits: mpsc::Receiver<Commit>,
    mut turns: mpsc::UnboundedReceiver<Turn>,
) {
    let mut nudges = tokio::time::interval(shared.options.quiet / SLICES as u32);
    nudges.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut task = Task {
        shared,
        index: Index::default(),
        members: vec![],
        free: vec![],
        by_user: HashMap::new(),
        ended: VecDeque::new(),
        draining: false,
        slice: 0,
    };
    loop {
        tokio::select! {
            commit = commits.recv() => match commit {
                Some(commit) => task.publish(&commit).await,
                None => break,
            },
            Some(turn) = turns.recv() => task.turn(turn),
            _ = nudges.tick() => task.nudge().await,
        }
    }
    for member in task.members.into_iter().flatten() {
        member.queue.end(Ended::Closed);
    }
}

impl Task {
    async fn publish(&mut self, commit: &Commit) {
        {
            let mut ring = self.shared.ring.write().expect("no holder of this lock panics");
            for event in &commit.redactions {
                let blanked = Entry::new(self.shared.store.epoch(), event);
                self.shared.history.redact(&blanked);
                ring.redact(blanked);
            }
        }
        let mut touched: Vec<Key> = vec![];
        let mut ended: Vec<Key> = vec![];
        let epoch = self.shared.store.epoch();
        let entries: Vec<Arc<Entry>> =
            commit.events.iter().map(|event| Arc::new(Entry::new(epoch, event))).collect();
        for (nth, (entry, event)) in entries.iter().zip(&commit.events).enumerate() {
            self.shared.ring.write().expect("no holder of this lock panics").push(entry.clone());
            self.route(nth, entry, &mut touched);
            if access::KINDS.contains(&event.meta.kind.as_ref()) || event.meta.kind == "account.session_ended"
            {
                self.regard(event, &mut ended);
            }
        }
        self.hand_over(touched, Made::new(&entries, commit.head)).await;
        self.shared.published.send_replace(commit.head);
        self.shared.lanes.published();
        for key in ended {
            if let Some(member) = &self.members[key] {
                member.queue.end(Ended::Session);
            }
        }
    }

    /// Finds who asked for an event, the commit's nth, and may see it.
    fn route(&mut self, nth: usize, entry: &Entry, touched: &mut Vec<Key>) {
        let members = &mut self.members;
        self.index.matches(&entry.subject, |key| {
            let Some(member) = &mut members[key] else { return };
            // A connection may match twice.
            if member.picked.last() != Some(&nth) && entry.audience.admits(&member.tokens) {
                if member.picked.is_empty() {
                    touched.push(key);
                }
                member.picked.push(nth);
            }
        });
    }

    /// Follows who may see what, at exactly this position.
    fn regard(&mut self, event: &domain::Recorded, ended: &mut Vec<Key>) {
        let envelope = match event.decode() {
            Ok(envelope) => envelope,
            Err(error) => {
                tracing::error!(position = %event.meta.position, %error, "an access event is unreadable");
                return;
            }
        };
        if let Event::AccountSessionEnded(e) = &envelope.event {
            self.ended.truncate(MOST_ENDED - 1);
            self.ended.push_front(e.session);
        }
        if let Event::AccountSessionEnded(e) = &envelope.event
            && let Some(keys) = self.by_user.get_mut(&e.user)
        {
            // From here on it is nobody's: it holds no token, and no event follows.
            keys.retain(|key| {
                let of_session = self.members[*key].as_mut().filter(|m| m.session == Some(e.session));
                of_session.is_none_or(|member| {
                    member.tokens = Tokens::default();
                    ended.push(*key);
                    false
                })
            });
        }
        let changed = {
            let mut access = self.shared.access.write().expect("no holder of this lock panics");
            access.fold(&envelope.event).map(|user| (user, access.tokens(Some(user))))
        };
        if let Some((user, tokens)) = changed {
            for key in self.by_user.get(&user).into_iter().flatten() {
                if let Some(member) = &mut self.members[*key] {
                    member.tokens = tokens.clone();
                }
            }
        }
    }

    /// Gives members what was picked for them: many of them from several threads at once.
    async fn hand_over(&mut self, members: impl IntoIterator<Item = Key>, mut made: Made<'_>) {
        let mut parcels = vec![];
        for key in members {
            let Some(member) = &mut self.members[key] else { continue };
            let prev = std::mem::replace(&mut member.told, made.end);
            let nth = made.batches(prev, &member.picked);
            member.picked.clear();
            parcels.push(Parcel { key, queue: member.queue.clone(), nth });
        }
        let made = Arc::new(made.all);
        let threads = Handle::current().metrics().num_workers();
        let share = parcels.len().div_ceil(threads).max(SHARE);
        let queue_bytes = self.shared.options.queue_bytes;
        let mut others = vec![];
        while parcels.len() > share {
            let parcels = parcels.split_off(parcels.len() - share);
            others.push(tokio::spawn(give(parcels, made.clone(), queue_bytes)));
        }
        let mut behind = give(parcels, made, queue_bytes).await;
        // Nobody gets the next commit before everybody has this one.
        for other in others {
            behind.extend(other.await.expect("giving does not panic"));
        }
        for key in behind {
            let Some(member) = self.members[key].as_mut().filter(|member| member.live) else { continue };
            // It reads on by itself; until it joins again the hub does no work for it.
            member.live = false;
            for (_, pattern) in &member.interests {
                self.index.remove(pattern, key);
            }
        }
    }

    /// Those to whom nothing happens hear from time to time how far the log has come. A slice of them at a
    /// time: nobody else has to wait for all of them.
    async fn nudge(&mut self) {
        let published = self.shared.published();
        self.slice = (self.slice + 1) % SLICES;
        let quiet: Vec<Key> = (self.slice..self.members.len())
            .step_by(SLICES)
            .filter(|key| {
                self.members[*key].as_ref().is_some_and(|member| member.live && member.told < published)
            })
            .collect();
        self.hand_over(quiet, Made::new(&[], published)).await;
    }

    fn turn(&mut self, turn: Turn) {
        match turn {
            Turn::Connect { user, session, queue, turns, reply } => {
                let place = Place::new(self.connect(user, session, queue), turns);
                // An asker that has gone leaves the place by dropping it.
                let _ = reply.send(place);
            }
            Turn::Join { key, interests, after, main, reply } => {
                let joined = self.join(key, &interests, after, main);
                // An asker that has gone sends `Disconnect` when it is dropped.
                let _ = reply.send(joined);
            }
            Turn::Leave { key, sid } => {
                let Some(member) = &mut self.members[key] else { return };
                if let Some(at) = member.interests.iter().position(|(held, _)| *held == sid) {
                    let (_, pattern) = member.interests.swap_remove(at);
                    if member.live {
                        self.index.remove(&pattern, key);
                    }
                }
            }
            Turn::Disconnect { key } => self.disconnect(key),
            Turn::Signal { subject, audience, frame } => self.signal(&subject, &audience, &frame),
            Turn::Retain { subject, audience, frame: Some(frame) } => {
                // Kept first: whoever reads what is kept and then what waits for it ends with the newest.
                self.kept().keep(subject.clone(), audience.clone(), frame.clone());
                self.signal(&subject, &audience, &frame);
            }
            Turn::Retain { subject, frame: None, .. } => self.kept().forget(&subject),
            Turn::Drain => {
                self.draining = true;
                for member in self.members.iter().flatten() {
                    member.queue.end(Ended::Drain);
                }
            }
        }
    }

    fn kept(&self) -> RwLockWriteGuard<'_, Kept> {
        self.shared.kept.write().expect("no holder of this lock panics")
    }

    fn signal(&self, subject: &Subject, audience: &Audience, frame: &Bytes) {
        self.index.matches(subject, |key| {
            let Some(member) = &self.members[key] else { return };
            if audience.admits(&member.tokens) {
                member.queue.signal(subject, frame);
            }
        });
    }

    fn connect(&mut self, mut user: Option<UserId>, session: Option<SessionId>, queue: Arc<Queue>) -> Key {
        let most = self.shared.options.connections_per_user;
        let held = user.and_then(|user| self.by_user.get(&user)).map_or(0, Vec::len);
        if self.draining {
            queue.end(Ended::Drain);
        } else if session.is_some_and(|session| self.ended.contains(&session)) {
            // Signed out between the look at the cookie and here.
            queue.end(Ended::Session);
        } else if held >= most {
            queue.end(Ended::TooMany(most));
            // It is about to go, and counts as nobody's.
            user = None;
        }
        let member = Member {
            tokens: self.shared.tokens(user),
            user,
            session,
            queue,
            interests: vec![],
            live: false,
            told: self.shared.published(),
            picked: vec![],
        };
        let key = self.free.pop().unwrap_or(self.members.len());
        if key == self.members.len() {
            self.members.push(Some(member));
        } else {
            self.members[key] = Some(member);
        }
        if let Some(user) = user {
            self.by_user.entry(user).or_default().push(key);
        }
        self.shared.connections.fetch_add(1, Ordering::Relaxed);
        key
    }

    fn join(&mut self, key: Key, interests: &[Interest], after: Position, main: bool) -> Joined {
        let Some(member) = &mut self.members[key] else { return Joined::NotYet };
        let position = self.shared.published();
        let mut rest = vec![];
        {
            let ring = self.shared.ring.read().expect("no holder of this lock panics");
            let Some(entries) = ring.after(after) else { return Joined::NotYet };
            let quiet = ring.is_quiet_after(after, |subject| about(interests, subject));
            for (scanned, entry) in entries.take_while(|_| !quiet).enumerate() {
                if scanned == self.shared.options.chunk {
                    return Joined::NotYet;
                }
                if wanted(interests, &entry.subject, entry.position) && entry.audience.admits(&member.tokens)
                {
                    rest.push(entry.clone());
                }
            }
        }
        if main {
            member.live = true;
            member.told = position;
            member.interests = interests.iter().map(|i| (i.sid.clone(), i.pattern.clone())).collect();
        } else {
            member.interests.extend(interests.iter().map(|i| (i.sid.clone(), i.pattern.clone())));
        }
        if member.live {
            for interest in interests {
                self.index.insert(&interest.pattern, key);
            }
        }
        Joined::Live { rest, position }
    }

    fn disconnect(&mut self, key: Key) {
        let Some(member) = self.members[key].take() else { return };
        if member.live {
            for (_, pattern) in &member.interests {
                self.index.remove(pattern, key);
            }
        }
        if let Some(user) = member.user
            && let Some(keys) = self.by_user.get_mut(&user)
        {
            keys.retain(|held| *held != key);
            if keys.is_empty() {
                self.by_user.remove(&user);
            }
        }
        self.free.push(key);
        self.shared.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether any of the subscriptions is about such events.
pub(crate) fn about(interests: &[Interest], subject: &Subject) -> bool {
    interests.iter().any(|interest| interest.pattern.matches(subject))
}

/// Whether any of the subscriptions wants the event.
pub(crate) fn wanted(interests: &[Interest], subject: &Subject, position: Position) -> bool {
    interests.iter().any(|interest| position > interest.since && interest.pattern.matches(subject))
}

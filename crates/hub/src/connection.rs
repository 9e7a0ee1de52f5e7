//! One reader of the hub: groups of subscriptions, each live or catching up.
//!
//! Group 0 is the main group: what the connection asked for first, and everything that has caught up with it
//! since. A later subscription is a group of its own until it has caught up; then it joins the main group in
//! one turn of the hub, at exactly one position.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use domain::{Position, SessionId, UserId};
use live::{Encoded, OnGap, OpenSub, Outcome, Sid};
use store::{Filter, ReadError};
use tokio::sync::{mpsc, oneshot};

use crate::{
    HubError, Shared,
    group::{Group, Pace, Reading},
    history::History,
    index::Key,
    queue::{Ended, Queue},
    ring::{Entry, encoded},
    task::{Interest, Joined, Turn, wanted},
};

/// Events are counted over at most this stretch of the log when a subscription asks how far it is behind.
const MOST_COUNTED: u64 = 50_000;

/// What a connection hands to its transport.
#[derive(Debug)]
pub enum Delivery {
    /// A group was opened: what became of each subscription, and where the log ended then.
    Opened {
        /// Which group.
        group: u32,
        /// What became of each subscription.
        outcomes: Vec<(Sid, Outcome)>,
        /// Where the log ended. The group's first batch begins where the earliest of its cursors stands.
        position: Position,
    },
    /// Events of a group, in order; everything in `(prev, position]` has been considered.
    Batch {
        /// Which group.
        group: u32,
        /// Where the last batch of the group ended.
        prev: Position,
        /// Where this one ends.
        position: Position,
        /// The events, shared with every other connection.
        events: Vec<Encoded>,
    },
    /// A group has caught up at this position and is part of the main group from here on.
    Live {
        /// Which group.
        group: u32,
        /// Where.
        position: Position,
    },
    /// The newest of each waiting signal.
    Signals(Vec<Bytes>),
    /// Nothing follows.
    Ended(Ended),
}

/// A reader of the hub. Dropping it disconnects it.
pub struct Connection {
    turns: mpsc::UnboundedSender<Turn>,
    shared: Arc<Shared>,
    place: Place,
    user: Option<UserId>,
    queue: Arc<Queue>,
    /// The main group first, once it is open; then those that have not caught up with it.
    groups: Vec<Group>,
    /// Which group reads next.
    next: usize,
    /// Whether a late group is to be brought forward before the queue is looked at again.
    late_first: bool,
    ready: VecDeque<Delivery>,
}

/// A connection's place in the hub. It is left when this is dropped, even by who has not heard of it yet.
pub(crate) struct Place {
    key: Key,
    turns: mpsc::UnboundedSender<Turn>,
}

impl Place {
    pub(crate) fn new(key: Key, turns: mpsc::UnboundedSender<Turn>) -> Self {
        Self { key, turns }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // If the hub is gone there is nothing to leave.
        let _ = self.turns.send(Turn::Disconnect { key: self.key });
    }
}

impl Connection {
    pub(crate) async fn new(
        turns: mpsc::UnboundedSender<Turn>,
        shared: Arc<Shared>,
        user: Option<UserId>,
        session: Option<SessionId>,
    ) -> Result<Self, HubError> {
        let queue = Arc::new(Queue::default());
        let (reply, answer) = oneshot::channel();
        turns
            .send(Turn::Connect { user, session, queue: queue.clone(), turns: turns.clone(), reply })
            .map_err(|_| HubError::Closed)?;
        let place = answer.await.map_err(|_| HubError::Closed)?;
        Ok(Self {
            turns,
            shared,
            place,
            user,
            queue,
            groups: vec![],
            next: 0,
            late_first: false,
            ready: VecDeque::new(),
        })
    }

    /// Opens a group of subscriptions. Group 0 must be the first and is the main group. The next
    /// [`Delivery`] says what became of each subscription.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn open(&mut self, group: u32, subs: Vec<OpenSub>) -> Result<(), HubError> {
        // A page may have been rendered from what is on disk but not yet published.
        let head = self.shared.store.head();
        self.shared.reached(head).await?;
        let head = self.shared.published();
        let mut outcomes = vec![];
        let mut interests = vec![];
        for sub in subs {
            let (outcome, since) = outcome(&self.shared, self.user, &sub, head).await?;
            outcomes.push((sub.sid.clone(), outcome));
            if outcome != Outcome::Resync {
                interests.push(Interest { sid: sub.sid, pattern: sub.pattern, since });
            }
        }
        let position = interests.iter().map(|interest| interest.since).min().unwrap_or(head);
        self.ready.push_back(Delivery::Opened { group, outcomes, position: head });
        if group == 0 || !interests.is_empty() {
            self.groups.push(Group {
                id: group,
                interests,
                position,
                sent: position,
                pace: Pace::CatchingUp,
            });
        }
        Ok(())
    }

    /// Ends a subscription.
    pub fn close(&mut self, sid: &Sid) {
        for group in &mut self.groups {
            group.interests.retain(|interest| interest.sid != *sid);
        }
        // The hub may have counted a joining group in already; it is dropped when the answer comes.
        self.groups.retain(|group| group.id == 0 || group.is_joining() || !group.interests.is_empty());
        // If the hub is gone there is nothing to leave.
        let _ = self.turns.send(Turn::Leave { key: self.place.key, sid: sid.clone() });
    }

    /// What comes next. May be dropped and called again at any point: nothing is lost, not even the work.
    ///
    /// # Errors
    /// If the log cannot be read or the hub is gone.
    pub async fn next(&mut self) -> Result<Delivery, HubError> {
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return Ok(delivery);
            }
            // First, because the hub may have counted the group in already.
            let joining = self.groups.iter().position(Group::is_joining);
            if let Some(at) = joining {
                self.joined(at).await?;
                continue;
            }
            // What the hub feeds and what is read go in turn, so that neither waits for all of the other.
            // Who has been ended reads nothing any more: it is handed what came before, and told.
            let late = if self.queue.lock().ended.is_some() { None } else { self.late() };
            if late.is_none() || !std::mem::take(&mut self.late_first) {
                self.take_waiting();
                self.late_first = !self.ready.is_empty();
                if self.late_first {
                    continue;
                }
            }
            match late {
                Some(at) if self.groups[at].is_reading() => self.read(at).await?,
                Some(at) => self.step(at)?,
                None => self.queue.filled().await,
            }
        }
    }

    /// What can be handed over at once, if anything.
    pub fn ready(&mut self) -> Option<Delivery> {
        self.ready.pop_front()
    }

    /// How many bytes of events wait for this connection now.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.queue.lock().bytes
    }

    /// The group to bring forward next: one that has begun to read, or else each in its turn.
    fn late(&mut self) -> Option<usize> {
        if let Some(at) = self.groups.iter().position(Group::is_reading) {
            return Some(at);
        }
        let count = self.groups.len();
        let at = (0..count).map(|nth| (self.next + nth) % count).find(|at| !self.groups[*at].is_live())?;
        self.next = at + 1;
        Some(at)
    }

    /// Puts into `ready` what the hub has put into the queue.
    fn take_waiting(&mut self) {
        // Read first: whatever is published by now is in the queue when it is locked.
        let published = self.shared.published();
        let mut waiting = self.queue.lock();
        let events = std::mem::take(&mut waiting.events);
        waiting.bytes = 0;
        let behind = waiting.behind.take();
        let nudged = std::mem::take(&mut waiting.nudged);
        let ended = waiting.ended;
        let signals = waiting.take_signals();
        drop(waiting);
        let said = !events.is_empty() || behind.is_some();
        if let Some(main) = self.groups.first_mut().filter(|main| said || (nudged && main.is_live())) {
            let last = events.last().map_or(main.position, |event| event.position);
            let position = behind.unwrap_or(published.max(last)).max(main.position);
            if behind.is_some() {
                main.pace = Pace::CatchingUp;
            }
            let events = events.iter().map(|event| event.encoded().clone()).collect();
            main.advance((events, position), true, &mut self.ready);
        }
        if !signals.is_empty() {
            self.ready.push_back(Delivery::Signals(signals));
        }
        self.ready.extend(ended.map(Delivery::Ended));
    }

    /// The hub's answer to a group that wants to go live.
    async fn joined(&mut self, at: usize) -> Result<(), HubError> {
        let group = &mut self.groups[at];
        let Pace::Joining(answer) = &mut group.pace else { return Ok(()) };
        let joined = answer.await.map_err(|_| HubError::Closed)?;
        group.pace = Pace::CatchingUp;
        match joined {
            Joined::Live { rest, position } => {
                let events = rest.iter().map(|entry| entry.encoded().clone()).collect();
                group.advance((events, position), true, &mut self.ready);
                self.ready.push_back(Delivery::Live { group: group.id, position });
                if group.id == 0 {
                    group.pace = Pace::Live;
                } else {
                    let late = self.groups.remove(at);
                    if let Some(main) = self.groups.first_mut() {
                        let arrived = late.interests.into_iter();
                        main.interests
                            .extend(arrived.map(|interest| Interest { since: position, ..interest }));
                    }
                }
            }
            Joined::NotYet if group.id != 0 && group.interests.is_empty() => {
                self.groups.remove(at);
            }
            Joined::NotYet => {}
        }
        Ok(())
    }

    /// Waits for what a group is reading, or for the hub to have put something into the queue.
    async fn read(&mut self, at: usize) -> Result<(), HubError> {
        let group = &mut self.groups[at];
        let Pace::Reading(reading) = &mut group.pace else { return Ok(()) };
        let found = tokio::select! {
            biased;
            found = reading => found,
            () = self.queue.filled() => return Ok(()),
        };
        group.pace = Pace::CatchingUp;
        group.advance(found?, false, &mut self.ready);
        Ok(())
    }

    /// Brings a late group forward: by reading on, or by asking the hub to hand over the rest.
    fn step(&mut self, at: usize) -> Result<(), HubError> {
        let group = &mut self.groups[at];
        let published = self.shared.published();
        let near = published.0.saturating_sub(group.position.0) <= self.shared.options.chunk as u64;
        if !near || !self.shared.ring.read().expect("no holder of this lock panics").reaches(group.position) {
            group.pace = Pace::Reading(reading(self.shared.clone(), group, published, self.user));
            return Ok(());
        }
        let (reply, answer) = oneshot::channel();
        let interests = group.interests.clone();
        let (after, main) = (group.position, group.id == 0);
        self.turns
            .send(Turn::Join { key: self.place.key, interests, after, main, reply })
            .map_err(|_| HubError::Closed)?;
        group.pace = Pace::Joining(answer);
        Ok(())
    }
}

/// Reads a group's next events, in its turn among all who are late: from the ring, from blocks that all share,
/// or from the store. Because they take turns, they never stand before those who are not late.
fn reading(shared: Arc<Shared>, group: &Group, published: Position, user: Option<UserId>) -> Reading {
    let (after, cover, interests) = (group.position, group.cover(), group.interests.clone());
    Reading::start(async move {
        let _turn = shared.readers.acquire().await.map_err(|_| ReadError::Closed)?;
        // Looked up after `published` was read, so they are at least as new.
        let tokens = shared.tokens(user);
        let pick = |entries: &[Arc<Entry>]| {
            let wanted = entries.iter().filter(|entry| {
                wanted(&interests, &entry.subject, entry.position) && entry.audience.admits(&tokens)
            });
            wanted.map(|entry| entry.encoded().clone()).collect()
        };
        let recent = shared.ring.read().expect("no holder of this lock panics").stretch(
            after,
            published,
            shared.options.chunk,
        );
        if let Some(entries) = recent {
            let end = entries.last().map_or(published, |entry| entry.position);
            return Ok((pick(&entries), end));
        }
        if History::serves(after, published, cover.topic().is_some()) {
            let (entries, end) = shared.history.after(after, &shared.store).await?;
            return Ok((pick(&entries), end));
        }
        let filter = Filter {
            pattern: cover,
            tokens: Some(tokens.clone()),
            before_or_at: Some(published),
            ..Filter::everything()
        };
        let page = loop {
            let redactions = shared.history.redactions();
            let page = shared.store.read(after, &filter, shared.options.chunk).await?;
            // What was deleted meanwhile is read again, blanked.
            if shared.history.redactions() == redactions {
                break page;
            }
        };
        let wanted = page.events.iter().filter(|e| wanted(&interests, &e.meta.subject, e.meta.position));
        let epoch = shared.store.epoch();
        Ok((wanted.map(|event| encoded(epoch, event)).collect(), page.next))
    })
}

/// What becomes of a subscription, and where it begins.
async fn outcome(
    shared: &Shared,
    user: Option<UserId>,
    sub: &OpenSub,
    head: Position,
) -> Result<(Outcome, Position), HubError> {
    // Nothing is live before the hub's turn has made it so.
    let Some(since) = sub.since else { return Ok((Outcome::Replaying, head)) };
    if since.epoch != shared.store.epoch() || since.position > head {
        return Ok((Outcome::Resync, head));
    }
    let distance = head.0 - since.position.0;
    match sub.on_gap {
        // Not worth finding out: a fresh view is cheaper than so long a walk.
        OnGap::Resync(_) if distance > MOST_COUNTED => Ok((Outcome::Resync, since.position)),
        OnGap::Resync(most) if distance > u64::from(most) => {
            let filter = Filter {
                pattern: sub.pattern.clone(),
                tokens: Some(shared.tokens(user)),
                before_or_at: Some(head),
                ..Filter::everything()
            };
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            let _turn = shared.readers.acquire().await.map_err(|_| HubError::Closed)?;
            let behind = shared.store.count(since.position, &filter, most.saturating_add(1)).await?;
            let outcome = if behind > most { Outcome::Resync } else { Outcome::Replaying };
            Ok((outcome, since.position))
        }
        _ => Ok((Outcome::Replaying, since.position)),
    }
}

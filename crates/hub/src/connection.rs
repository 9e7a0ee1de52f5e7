//! One reader of the hub: groups of subscriptions, each live or catching up.
//!
//! Group 0 is the main group: what the connection asked for first, and everything that has caught up with it
//! since. A later subscription is a group of its own until it has caught up; then it joins the main group in
//! one turn of the hub, at exactly one position.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use domain::{Pattern, Position, SessionId, UserId};
use live::{OnGap, OpenSub, Outcome, Sid};
use store::Filter;
use tokio::sync::{mpsc, oneshot};

use crate::{
    HubError, Shared,
    index::Key,
    queue::{Ended, Queue},
    task::{Interest, Joined, Turn, wanted},
};

/// What a connection hands to its transport.
#[derive(Debug)]
pub enum Delivery {
    /// A group was opened: what became of each subscription, and where it starts.
    Opened {
        /// Which group.
        group: u32,
        /// What became of each subscription.
        outcomes: Vec<(Sid, Outcome)>,
        /// Where the group starts.
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
        /// The event frames, shared with every other connection.
        events: Vec<Bytes>,
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

enum Pace {
    /// Reads on by itself.
    CatchingUp,
    /// Has asked the hub to go live.
    Joining(oneshot::Receiver<Joined>),
    /// Fed by the hub (the main group only).
    Live,
}

struct Group {
    id: u32,
    interests: Vec<Interest>,
    /// Considered up to here.
    position: Position,
    /// The last batch ended here.
    sent: Position,
    pace: Pace,
}

impl Group {
    fn is_joining(&self) -> bool {
        matches!(self.pace, Pace::Joining(_))
    }

    /// One pattern that covers all of the group's, to read the store by.
    fn cover(&self) -> Pattern {
        let Some((first, others)) = self.interests.split_first() else { return Pattern::everything() };
        if others.iter().all(|other| other.pattern == first.pattern) {
            return first.pattern.clone();
        }
        let mut prefix: Vec<&str> = first.pattern.literal_prefix().collect();
        for other in others {
            let common =
                prefix.iter().zip(other.pattern.literal_prefix()).take_while(|(a, b)| **a == *b).count();
            prefix.truncate(common);
        }
        // A literal pattern may end where another goes on: leave room for at least one token.
        let shortest = self.interests.iter().map(|i| i.pattern.tokens().count()).min().unwrap_or(1);
        prefix.truncate(shortest - 1);
        prefix.push(">");
        Pattern::new(prefix.join(".")).unwrap_or_else(|_| Pattern::everything())
    }

    /// Moves on to `position`; a batch if there is something to say.
    fn advance(&mut self, position: Position, events: Vec<Bytes>, always: bool) -> Option<Delivery> {
        self.position = position;
        if events.is_empty() && (!always || position == self.sent) {
            return None;
        }
        let prev = std::mem::replace(&mut self.sent, position);
        Some(Delivery::Batch { group: self.id, prev, position, events })
    }
}

/// A reader of the hub. Dropping it disconnects it.
pub struct Connection {
    turns: mpsc::UnboundedSender<Turn>,
    shared: Arc<Shared>,
    key: Key,
    user: Option<UserId>,
    queue: Arc<Queue>,
    /// The main group first, once it is open; then those that have not caught up with it.
    groups: Vec<Group>,
    /// Which group reads next.
    next: usize,
    ready: VecDeque<Delivery>,
}

impl Drop for Connection {
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
            .send(Turn::Connect { user, session, queue: queue.clone(), reply })
            .map_err(|_| HubError::Closed)?;
        let key = answer.await.map_err(|_| HubError::Closed)?;
        Ok(Self { turns, shared, key, user, queue, groups: vec![], next: 0, ready: VecDeque::new() })
    }

    /// Opens a group of subscriptions. Group 0 must be the first and is the main group. The next
    /// [`Delivery`] says what became of each subscription.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn open(&mut self, group: u32, subs: Vec<OpenSub>) -> Result<(), HubError> {
        let head = self.shared.published();
        let mut outcomes = vec![];
        let mut interests = vec![];
        for sub in subs {
            let (outcome, since) = self.outcome(&sub, head).await?;
            outcomes.push((sub.sid.clone(), outcome));
            if outcome != Outcome::Resync {
                interests.push(Interest { sid: sub.sid, pattern: sub.pattern, since });
            }
        }
        let position = interests.iter().map(|interest| interest.since).min().unwrap_or(head);
        self.ready.push_back(Delivery::Opened { group, outcomes, position });
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

    async fn outcome(&self, sub: &OpenSub, head: Position) -> Result<(Outcome, Position), HubError> {
        // Nothing is live before the hub's turn has made it so.
        let Some(since) = sub.since else { return Ok((Outcome::Replaying, head)) };
        if since.epoch != self.shared.store.epoch() || since.position > head {
            return Ok((Outcome::Resync, head));
        }
        if let OnGap::Resync(most) = sub.on_gap {
            let filter = Filter {
                pattern: sub.pattern.clone(),
                tokens: Some(self.shared.tokens(self.user)),
                before_or_at: Some(head),
                ..Filter::everything()
            };
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            let behind = self.shared.store.count(since.position, &filter, most.saturating_add(1)).await?;
            if behind > most {
                return Ok((Outcome::Resync, head));
            }
        }
        Ok((Outcome::Replaying, since.position))
    }

    /// Ends a subscription.
    pub fn close(&mut self, sid: &Sid) {
        for group in &mut self.groups {
            group.interests.retain(|interest| interest.sid != *sid);
        }
        // If the hub is gone there is nothing to leave.
        let _ = self.turns.send(Turn::Leave { key: self.key, sid: sid.clone() });
    }

    /// What comes next. May be dropped and called again at any point: nothing is lost.
    ///
    /// # Errors
    /// If the log cannot be read or the hub is gone.
    pub async fn next(&mut self) -> Result<Delivery, HubError> {
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return Ok(delivery);
            }
            // First, because the hub may have counted the group in already.
            if let Some(at) = self.groups.iter().position(Group::is_joining) {
                self.step(at).await?;
                continue;
            }
            if let Some(delivery) = self.take_waiting() {
                return Ok(delivery);
            }
            let late = (0..self.groups.len())
                .map(|nth| (self.next + nth) % self.groups.len())
                .find(|at| !matches!(self.groups[*at].pace, Pace::Live));
            match late {
                Some(at) => {
                    self.next = at + 1;
                    self.step(at).await?;
                }
                None => self.queue.wake.notified().await,
            }
        }
    }

    /// If nothing was said for a while and the log has moved: a batch without events, so that the other
    /// side's cursor moves too.
    pub fn idle(&mut self) -> Option<Delivery> {
        if self.groups.iter().any(Group::is_joining) {
            return None;
        }
        let published = self.shared.published();
        let waiting = self.queue.lock();
        let main = self.groups.first_mut().filter(|main| matches!(main.pace, Pace::Live))?;
        if !waiting.events.is_empty() || waiting.behind.is_some() || published <= main.sent {
            return None;
        }
        main.advance(published, vec![], true)
    }

    /// How many bytes of events wait for this connection now.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.queue.lock().bytes
    }

    /// What the hub has put into the queue.
    fn take_waiting(&mut self) -> Option<Delivery> {
        // Read first: whatever is published by now is in the queue when it is locked.
        let published = self.shared.published();
        let mut waiting = self.queue.lock();
        if !waiting.signals.is_empty() {
            return Some(Delivery::Signals(waiting.signals.drain().map(|(_, frame)| frame).collect()));
        }
        let events = std::mem::take(&mut waiting.events);
        waiting.bytes = 0;
        let behind = waiting.behind.take();
        let ended = waiting.ended.filter(|_| behind.is_none());
        drop(waiting);
        if let Some(main) = self.groups.first_mut().filter(|_| !events.is_empty() || behind.is_some()) {
            let last = events.last().map_or(main.position, |event| event.position);
            let position = behind.unwrap_or(published.max(last)).max(main.position);
            if behind.is_some() {
                main.pace = Pace::CatchingUp;
            }
            let frames = events.iter().map(|event| event.frame().clone()).collect();
            return main.advance(position, frames, true);
        }
        ended.map(Delivery::Ended)
    }

    /// Brings one late group forward: by a chunk, or into the live ones. Whatever is worth telling is put
    /// into `ready`. Every change of state comes after the last await, so a dropped call loses nothing.
    async fn step(&mut self, at: usize) -> Result<(), HubError> {
        let group = &mut self.groups[at];
        if let Pace::Joining(answer) = &mut group.pace {
            let joined = answer.await.map_err(|_| HubError::Closed)?;
            group.pace = Pace::CatchingUp;
            if let Joined::Live { rest, position } = joined {
                let frames = rest.iter().map(|entry| entry.frame().clone()).collect();
                self.ready.extend(group.advance(position, frames, true));
                self.ready.push_back(Delivery::Live { group: group.id, position });
                self.merge(at, position);
                return Ok(());
            }
        }
        let published = self.shared.published();
        if self.groups[at].position < published
            && let Some((events, position)) = self.chunk(at, published).await?
        {
            let delivery = self.groups[at].advance(position, events, false);
            self.ready.extend(delivery);
            return Ok(());
        }
        let group = &mut self.groups[at];
        let (reply, answer) = oneshot::channel();
        self.turns
            .send(Turn::Join {
                key: self.key,
                interests: group.interests.clone(),
                after: group.position,
                main: group.id == 0,
                reply,
            })
            .map_err(|_| HubError::Closed)?;
        group.pace = Pace::Joining(answer);
        Ok(())
    }

    /// A group that went live: the main one stays, another becomes part of it.
    fn merge(&mut self, at: usize, position: Position) {
        if self.groups[at].id == 0 {
            self.groups[at].pace = Pace::Live;
            return;
        }
        let late = self.groups.remove(at);
        if let Some(main) = self.groups.first_mut() {
            main.interests
                .extend(late.interests.into_iter().map(|interest| Interest { since: position, ..interest }));
        }
    }

    /// Some events after the group's position, from the store; `None` if the ring has them all, so that the
    /// hub can hand over the rest in its turn.
    async fn chunk(
        &self,
        at: usize,
        published: Position,
    ) -> Result<Option<(Vec<Bytes>, Position)>, HubError> {
        let group = &self.groups[at];
        let chunk = self.shared.options.chunk;
        // Tokens are looked up after `published` was read, so they are at least as new as what is read.
        let tokens = self.shared.tokens(self.user);
        {
            let ring = self.shared.ring.read().expect("no holder of this lock panics");
            if let Some(entries) = ring.after(group.position) {
                let near = published.0 - group.position.0 <= chunk as u64;
                if near {
                    return Ok(None);
                }
                let mut position = group.position;
                let mut frames = vec![];
                for entry in entries.take(chunk).take_while(|entry| entry.position <= published) {
                    position = entry.position;
                    if wanted(&group.interests, &entry.subject, position) && entry.audience.admits(&tokens) {
                        frames.push(entry.frame().clone());
                    }
                }
                return Ok(Some((frames, position)));
            }
        }
        let _turn = self.shared.readers.acquire().await.map_err(|_| HubError::Closed)?;
        let filter = Filter {
            pattern: group.cover(),
            tokens: Some(tokens),
            before_or_at: Some(published),
            ..Filter::everything()
        };
        let page = self.shared.store.read(group.position, &filter, chunk).await?;
        let frames = page
            .events
            .iter()
            .filter(|event| wanted(&group.interests, &event.meta.subject, event.meta.position))
            .map(|event| live::event_frame(&event.encode()))
            .collect();
        Ok(Some((frames, page.next)))
    }
}

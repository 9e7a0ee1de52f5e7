//! One reader of the hub: groups of subscriptions, each live or catching up.
//!
//! Group 0 is the main group: what the connection asked for first, and everything that has caught up with it
//! since. A later subscription is a group of its own until it has caught up; then it joins the main group in
//! one turn of the hub, at exactly one position.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use domain::{Pattern, Position, SessionId, Subject, Tokens, UserId};
use live::{Batch, OpenSub, Outcome, Sid};
use store::{Filter, ReadError};
use tokio::sync::{mpsc, oneshot};

use crate::{
    HubError, Shared,
    group::{Found, Group, Pace, Page},
    history::Stretch,
    index::Key,
    kept::Walk,
    lanes::{Lane, Writing},
    opening::Opening,
    queue::{Ended, Line, Queue},
    ring::{Entry, encoded},
    task::{Interest, Joined, Turn, about, wanted},
    work::Work,
};

/// A group passes over at most so many blocks of the log at a time,
const MOST_BLOCKS: usize = 32;

/// or over so many events of the ring.
const MOST_RECENT: usize = 8192;

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
    /// Events of a group, in order, shared with every other connection that gets the same.
    Batch {
        /// Which group.
        group: u32,
        /// The events; everything in `(prev, pos]` has been considered.
        batch: Arc<Batch>,
    },
    /// A group has caught up at this position and is part of the main group from here on.
    Live {
        /// Which group.
        group: u32,
        /// Where.
        position: Position,
    },
    /// The hub has begun to write a batch to the lent line: what is left of it is to be written first.
    Begun,
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
    /// Those that are not open yet.
    openings: VecDeque<Opening>,
    /// Which group reads next.
    next: usize,
    /// Whether a late group is to be brought forward before the queue is looked at again.
    late_first: bool,
    /// How far the signals that are kept have been handed over, until all have been.
    kept: Option<Walk>,
    ready: VecDeque<Delivery>,
    /// What is in `ready`, or was handed over last, was read and is being written.
    writing: Option<Writing>,
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
            openings: VecDeque::new(),
            next: 0,
            late_first: false,
            kept: None,
            ready: VecDeque::new(),
            writing: None,
        })
    }

    /// Opens a group of subscriptions. Group 0 must be the first and is the main group. A [`Delivery`] says what
    /// became of each subscription: the next one, unless that has to be found out in the log first.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn open(&mut self, group: u32, subs: Vec<OpenSub>) -> Result<(), HubError> {
        self.openings.push_back(Opening::new(group, subs));
        self.begin()
    }

    /// Begins to read for those that are open, one after the other, so that the main group is the first.
    fn begin(&mut self) -> Result<(), HubError> {
        while let Some(first) = self.openings.front_mut() {
            let Some(opened) = first.begin(&self.shared, self.user) else { break };
            let opened = opened?;
            let Some(Opening { group, sids, .. }) = self.openings.pop_front() else { break };
            let (outcomes, position) = (opened.outcomes.clone(), opened.head);
            self.ready.push_back(Delivery::Opened { group, outcomes, position });
            self.groups.extend(opened.group(group, &sids));
        }
        Ok(())
    }

    /// Ends a subscription.
    pub fn close(&mut self, sid: &Sid) {
        for opening in &mut self.openings {
            opening.sids.retain(|open| open != sid);
        }
        // Nobody waits for these any more.
        self.openings.retain(|opening| opening.group == 0 || !opening.sids.is_empty());
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
        self.next_lending(None).await
    }

    /// What comes next that the hub has not written to the line by itself: it is lent to the hub while there is
    /// nothing to do but wait. May be dropped and called again, as [`Connection::next`].
    ///
    /// # Errors
    /// If the log cannot be read or the hub is gone.
    pub async fn next_lending(&mut self, line: Option<&Arc<dyn Line>>) -> Result<Delivery, HubError> {
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return Ok(delivery);
            }
            // Who comes back for more has written what there was.
            self.writing = None;
            // First, because the hub may have counted the group in already.
            let joining = self.groups.iter().position(Group::is_joining);
            if let Some(at) = joining {
                self.joined(at).await?;
                continue;
            }
            self.begin()?;
            if !self.ready.is_empty() {
                continue;
            }
            // What the hub feeds and what is read go in turn, so that neither waits for all of the other.
            // Who has been ended reads nothing any more: it is handed what came before, and told.
            let late = self.late().filter(|_| self.queue.lock().ended.is_none());
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
                None if self.kept.is_some() => {}
                None => self.idle(line).await,
            }
        }
    }

    /// Waits for the hub to have put something into the queue, or for it to be known what becomes of a group.
    async fn idle(&mut self, line: Option<&Arc<dyn Line>>) {
        match self.openings.front_mut() {
            None => self.queue.filled(line).await,
            Some(first) => tokio::select! {
                () = first.counted() => {}
                () = self.queue.filled(None) => {}
            },
        }
    }

    /// What can be handed over at once, if anything.
    pub fn ready(&mut self) -> Option<Delivery> {
        self.ready.pop_front()
    }

    /// How many bytes of events wait for this connection now.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.queue.lock().bytes()
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
        let mut waiting = self.queue.lock();
        if let Some(main) = self.groups.first_mut() {
            if let Some(position) = waiting.written.take() {
                main.reached(position);
            }
            if std::mem::take(&mut waiting.begun) {
                self.ready.push_back(Delivery::Begun);
            }
            for batch in waiting.take_batches() {
                main.say(batch, &mut self.ready);
            }
            if std::mem::take(&mut waiting.behind) {
                main.pace = Pace::CatchingUp;
            }
        }
        let signals = waiting.take_signals();
        if !signals.is_empty() {
            self.ready.push_back(Delivery::Signals(signals));
        }
        let ended = waiting.ended;
        let skipped = std::mem::take(&mut waiting.skipped);
        drop(waiting);
        if skipped {
            self.walk();
        }
        match ended {
            Some(why) => self.ready.push_back(Delivery::Ended(why)),
            None => self.take_kept(),
        }
    }

    /// Begins to hand over the signals that are kept, for everything that is asked for by now.
    fn walk(&mut self) {
        let main = self.groups.first().into_iter().flat_map(|main| &main.interests);
        self.kept = Walk::new(main.map(|interest| &interest.pattern));
    }

    /// Puts the next stretch of the signals that are kept into `ready`.
    fn take_kept(&mut self) {
        let Some(walk) = self.kept.take() else { return };
        let tokens = self.shared.tokens(self.user);
        let kept = self.shared.kept.read().expect("no holder of this lock panics");
        let (signals, walk) = walk.stretch(&kept, &tokens);
        self.kept = walk;
        if !signals.is_empty() {
            self.ready.push_back(Delivery::Signals(signals));
        }
    }

    /// The hub's answer to a group that wants to go live.
    async fn joined(&mut self, at: usize) -> Result<(), HubError> {
        let group = &mut self.groups[at];
        let Pace::Joining(answer) = &mut group.pace else { return Ok(()) };
        let joined = answer.await.map_err(|_| HubError::Closed)?;
        group.pace = Pace::CatchingUp;
        match joined {
            Joined::Live { rest, position } => {
                let events = rest.iter().map(|entry| entry.encoded.clone()).collect();
                group.advance((events, position), true, &mut self.ready);
                self.ready.push_back(Delivery::Live { group: group.id, position });
                let arrived = Walk::new(group.interests.iter().map(|interest| &interest.pattern));
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
                if self.kept.is_none() {
                    self.kept = arrived;
                } else if arrived.is_some() {
                    self.walk();
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
        let opening = async {
            match self.openings.front_mut() {
                Some(first) => first.counted().await,
                None => std::future::pending().await,
            }
        };
        let found = tokio::select! {
            biased;
            found = reading => found,
            () = opening => return Ok(()),
            () = self.queue.filled(None) => return Ok(()),
        };
        group.pace = Pace::CatchingUp;
        let Page { found, redactions, writing } = found?;
        // What was deleted since is read again, blanked.
        if self.shared.history.redactions() == redactions {
            group.advance(found, false, &mut self.ready);
            self.writing = Some(writing);
            self.read_ahead(at);
        }
        Ok(())
    }

    /// Reads on while what was read is being written, if nobody else wants the lane.
    fn read_ahead(&mut self, at: usize) {
        let alone = self.groups.iter().filter(|group| !group.is_live()).count() == 1;
        if alone
            && self.must_read(at)
            && let Some(lane) = self.shared.lanes.try_take()
        {
            let group = &mut self.groups[at];
            group.pace = Pace::Reading(reading(self.shared.clone(), group, self.user, Some(lane)));
        }
    }

    /// Whether a late group has missed so much that it has to read on by itself.
    fn must_read(&self, at: usize) -> bool {
        let group = &self.groups[at];
        let published = self.shared.published();
        let near = published.0.saturating_sub(group.position.0) <= self.shared.options.chunk as u64;
        let ring = self.shared.ring.read().expect("no holder of this lock panics");
        !ring.reaches(group.position)
            || !near && !ring.is_quiet_after(group.position, |subject| about(&group.interests, subject))
    }

    /// Brings a late group forward: by reading on, or, if it has missed little, by asking the hub to hand over the
    /// rest.
    fn step(&mut self, at: usize) -> Result<(), HubError> {
        let must_read = self.must_read(at);
        let group = &mut self.groups[at];
        if must_read {
            group.pace = Pace::Reading(reading(self.shared.clone(), group, self.user, None));
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

/// Reads a group's next events, on this lane or as soon as there is one for it.
fn reading(shared: Arc<Shared>, group: &Group, user: Option<UserId>, lane: Option<Lane>) -> Work<Page> {
    let (after, cover, interests) = (group.position, group.cover(), group.interests.clone());
    Work::start(async move {
        let lane = match lane {
            Some(lane) => lane,
            None => shared.lanes.take().await,
        };
        // And not as it was when the waiting began: who is late would end up as late as they have waited.
        let published = shared.published();
        let redactions = shared.history.redactions();
        // Looked up after `published` was read, so they are at least as new.
        let tokens = shared.tokens(user);
        let found = find(&shared, after, published, &cover, &interests, &tokens).await?;
        Ok(Page { found, redactions, writing: lane.write() })
    })
}

/// What comes next for a group: from the ring, from blocks that all share, or from the store.
async fn find(
    shared: &Shared,
    after: Position,
    published: Position,
    cover: &Pattern,
    interests: &[Interest],
    tokens: &Tokens,
) -> Result<Found, ReadError> {
    let pick = |entry: &Arc<Entry>| {
        let wanted = wanted(interests, &entry.subject, entry.position) && entry.audience.admits(tokens);
        wanted.then(|| entry.encoded.clone())
    };
    let chunk = shared.options.chunk;
    let (mut picked, mut at) = (vec![], after);
    let recent =
        shared.ring.read().expect("no holder of this lock panics").stretch(after, published, MOST_RECENT);
    if let Some(entries) = recent {
        for entry in &entries {
            if picked.len() >= chunk {
                break;
            }
            picked.extend(pick(entry));
            at = entry.position;
        }
        return Ok((picked, if entries.is_empty() { published } else { at }));
    }
    let narrow = cover.topics().is_some();
    for _ in 0..MOST_BLOCKS {
        if picked.len() >= chunk || !shared.history.serves(at, published, narrow) {
            break;
        }
        let interest = |subject: &Subject| about(interests, subject);
        let look = |stretch: &Stretch| picked.extend(stretch.after(at, interest).filter_map(pick));
        at = shared.history.look(at, &shared.store, look).await?;
    }
    if at > after {
        return Ok((picked, at));
    }
    let filter = Filter {
        pattern: cover.clone(),
        tokens: Some(tokens.clone()),
        before_or_at: Some(published),
        ..Filter::everything()
    };
    let page = shared.store.read(after, &filter, chunk).await?;
    let wanted = page.events.iter().filter(|e| wanted(interests, &e.meta.subject, e.meta.position));
    let epoch = shared.store.epoch();
    Ok((wanted.map(|event| encoded(epoch, event)).collect(), page.next))
}

#[cfg(test)]
mod tests {
    use domain::{
        Actor, Command, CommandId, Cursor, Intent,
        account::{Register, Role},
        chat::{OpenRoom, PostMessage},
    };
    use futures::FutureExt;
    use live::OnGap;
    use store::Store;
    use uuid::Uuid;

    use super::*;
    use crate::{Hub, Options};

    /// A hub that keeps nothing of what has happened, two rooms, and somebody who talks.
    struct Floor {
        store: Store,
        hub: Hub,
        ada: UserId,
        _folder: tempfile::TempDir,
    }

    impl Floor {
        async fn open(lanes: usize) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}/hubbub.db", folder.path().display());
            let (store, commits) = Store::open(store::Options::new(url)).await.unwrap();
            let options = Options { lanes, ring_bytes: 1, chunk: 5, ..Options::default() };
            let hub = Hub::start(store.clone(), commits, options).await.unwrap();
            let ada = UserId(Uuid::now_v7());
            let floor = Self { store, hub, ada, _folder: folder };
            let (handle, name, role) = ("ada".parse().unwrap(), "ada".into(), Role::Customer);
            floor.run(Actor::Service("test".into()), Register { user: ada, handle, name, role }.into()).await;
            for room in ["lobby", "den"] {
                let open = OpenRoom { room: room.parse().unwrap(), title: "room".into(), private: false };
                floor.run(Actor::User(ada), open.into()).await;
            }
            floor
        }

        async fn run(&self, actor: Actor, intent: Intent) {
            let command = Command::new(CommandId(Uuid::now_v7()), actor, intent);
            self.store.execute(command.into()).await.unwrap();
        }

        async fn say(&self, room: &str, words: usize) {
            for _ in 0..words {
                let post = PostMessage { room: room.parse().unwrap(), text: "word".into(), reply_to: None };
                self.run(Actor::User(self.ada), post.into()).await;
            }
        }

        /// Somebody who wants all of a topic, and has been told so.
        async fn late(&self, pattern: &str) -> Connection {
            let since = Some(Cursor { epoch: self.hub.epoch(), position: Position(0) });
            let (sid, pattern) = (Sid::new("a").unwrap(), Pattern::new(pattern).unwrap());
            let mut late = self.hub.connect(None, None).await.unwrap();
            late.open(0, vec![OpenSub { sid, pattern, since, on_gap: OnGap::Replay }]).unwrap();
            assert!(matches!(late.next().await.unwrap(), Delivery::Opened { .. }));
            late
        }
    }

    /// Where the batch ends that comes next.
    async fn next_batch(late: &mut Connection) -> Position {
        match late.next().await.unwrap() {
            Delivery::Batch { batch, .. } => batch.pos,
            other => panic!("unexpected: {other:?}"),
        }
    }

    #[tokio::test]
    async fn who_waited_for_a_lane_reads_up_to_what_came_meanwhile() {
        let floor = Floor::open(1).await;
        floor.say("lobby", 10).await;
        let taken = floor.hub.shared.lanes.take().await;
        let mut late = floor.late("chat.den.>").await;
        // It begins to wait for the lane.
        assert!(late.next().now_or_never().is_none());
        tokio::task::yield_now().await;
        floor.say("lobby", 10).await;
        floor.say("den", 1).await;
        let head = floor.store.head();
        floor.hub.shared.reached(head).await.unwrap();
        drop(taken);
        assert_eq!(next_batch(&mut late).await, head);
    }

    #[tokio::test]
    async fn while_it_is_counted_how_much_one_view_has_missed_the_others_go_on() {
        let floor = Floor::open(1).await;
        floor.say("lobby", 20).await;
        let mut reader = floor.hub.connect(None, None).await.unwrap();
        let sub = |sid: &str, room: &str, since: Option<u64>, on_gap| OpenSub {
            sid: Sid::new(sid).unwrap(),
            pattern: Pattern::new(format!("chat.{room}.>")).unwrap(),
            since: since.map(|since| Cursor { epoch: floor.hub.epoch(), position: Position(since) }),
            on_gap,
        };
        reader.open(0, vec![sub("a", "den", None, OnGap::Replay)]).unwrap();
        while !matches!(reader.next().await.unwrap(), Delivery::Live { .. }) {}
        let taken = floor.hub.shared.lanes.take().await;
        reader.open(1, vec![sub("b", "lobby", Some(5), OnGap::Resync(9))]).unwrap();
        reader
            .open(
                2,
                vec![sub("c", "lobby", Some(5), OnGap::Resync(9)), sub("d", "lobby", None, OnGap::Replay)],
            )
            .unwrap();
        reader.close(&Sid::new("d").unwrap());
        floor.say("den", 1).await;
        assert_eq!(next_batch(&mut reader).await, floor.store.head());
        drop(taken);
        for group in [1, 2] {
            let Delivery::Opened { group: opened, outcomes, .. } = reader.next().await.unwrap() else {
                panic!("the group is open")
            };
            assert_eq!((opened, outcomes[0].1), (group, Outcome::Resync));
        }
        assert_eq!(reader.groups.len(), 1, "what was closed meanwhile is not read for");

        // What nobody wants any more does not wait for a lane, and nothing behind it waits for that.
        let _taken = floor.hub.shared.lanes.take().await;
        reader.open(3, vec![sub("e", "lobby", Some(5), OnGap::Resync(9))]).unwrap();
        reader.open(4, vec![sub("f", "lobby", None, OnGap::Replay)]).unwrap();
        reader.close(&Sid::new("e").unwrap());
        assert!(matches!(reader.next().await.unwrap(), Delivery::Opened { group: 4, .. }));
    }

    #[tokio::test]
    async fn the_next_page_is_read_while_one_is_written_if_nobody_else_wants_the_lane() {
        for (lanes, ahead) in [(1, false), (2, true)] {
            let floor = Floor::open(lanes).await;
            floor.say("lobby", 20).await;
            let mut late = floor.late("chat.lobby.>").await;
            next_batch(&mut late).await;
            assert_eq!(late.groups[0].is_reading(), ahead);
            let head = floor.store.head();
            while next_batch(&mut late).await < head {}
            assert!(!late.groups[0].is_reading(), "there is nothing more");
        }
    }
}

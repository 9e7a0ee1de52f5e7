//! What becomes of subscriptions when they are opened: whether what they have missed is replayed, or is too much.

use std::sync::Arc;

use domain::{Position, UserId};
use futures::FutureExt;
use live::{OnGap, OpenSub, Outcome, Sid};
use store::Filter;

use crate::{
    HubError, Shared,
    group::{Group, Pace},
    task::Interest,
    work::Work,
};

/// Events are counted over at most this stretch of the log when a subscription asks how far it is behind.
const MOST_COUNTED: u64 = 50_000;

/// A group that waits to be opened. They are opened one after the other, so a connection counts one thing at a time.
pub(crate) struct Opening {
    pub(crate) group: u32,
    /// Those that were not closed meanwhile.
    pub(crate) sids: Vec<Sid>,
    stage: Stage,
}

enum Stage {
    /// Others are before it.
    Waiting(Vec<OpenSub>),
    /// Somebody counts how much it has missed.
    Counting(Work<Opened>),
    Done(Result<Opened, HubError>),
}

impl Opening {
    pub(crate) fn new(group: u32, subs: Vec<OpenSub>) -> Self {
        let sids = subs.iter().map(|sub| sub.sid.clone()).collect();
        Self { group, sids, stage: Stage::Waiting(subs) }
    }

    /// It is the first: what became of it, if that can be said at once.
    pub(crate) fn begin(
        &mut self,
        shared: &Arc<Shared>,
        user: Option<UserId>,
    ) -> Option<Result<Opened, HubError>> {
        if let Stage::Waiting(subs) = &mut self.stage {
            let subs = subs.drain(..).filter(|sub| self.sids.contains(&sub.sid)).collect();
            let mut opened = Box::pin(open(shared.clone(), user, subs));
            self.stage = match opened.as_mut().now_or_never() {
                Some(opened) => Stage::Done(opened),
                None => Stage::Counting(Work::start(opened)),
            };
        }
        match std::mem::replace(&mut self.stage, Stage::Waiting(Vec::new())) {
            Stage::Done(opened) => Some(opened),
            stage => {
                self.stage = stage;
                None
            }
        }
    }

    /// Waits until it is known what became of it. May be dropped: nothing is lost.
    pub(crate) async fn counted(&mut self) {
        if let Stage::Counting(work) = &mut self.stage {
            let opened = work.await;
            self.stage = Stage::Done(opened);
        }
    }
}

/// What became of the subscriptions of a group.
pub(crate) struct Opened {
    pub(crate) outcomes: Vec<(Sid, Outcome)>,
    /// Those that go on from somewhere.
    interests: Vec<Interest>,
    /// Where the log ended.
    pub(crate) head: Position,
}

impl Opened {
    /// The group as it begins, with those of its subscriptions; nothing if there is nothing in it, unless it is the main
    /// group.
    pub(crate) fn group(mut self, id: u32, sids: &[Sid]) -> Option<Group> {
        self.interests.retain(|interest| sids.contains(&interest.sid));
        let position = self.interests.iter().map(|interest| interest.since).min().unwrap_or(self.head);
        let interests = self.interests;
        let wanted = id == 0 || !interests.is_empty();
        wanted.then_some(Group { id, interests, position, sent: position, pace: Pace::CatchingUp })
    }
}

/// Finds out what becomes of subscriptions.
async fn open(shared: Arc<Shared>, user: Option<UserId>, subs: Vec<OpenSub>) -> Result<Opened, HubError> {
    // A page may have been rendered from what is on disk but not yet published.
    let head = shared.store.head();
    shared.reached(head).await?;
    let head = shared.published();
    let (mut outcomes, mut interests) = (vec![], vec![]);
    for sub in subs {
        let (outcome, since) = outcome(&shared, user, &sub, head).await?;
        outcomes.push((sub.sid.clone(), outcome));
        if outcome != Outcome::Resync {
            interests.push(Interest { sid: sub.sid, pattern: sub.pattern, since });
        }
    }
    Ok(Opened { outcomes, interests, head })
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
            let _lane = shared.lanes.take().await;
            let behind = shared.store.count(since.position, &filter, most.saturating_add(1)).await?;
            let outcome = if behind > most { Outcome::Resync } else { Outcome::Replaying };
            Ok((outcome, since.position))
        }
        _ => Ok((Outcome::Replaying, since.position)),
    }
}

//! What becomes of subscriptions when they are opened: whether what they have missed is replayed, or is too much.

use std::sync::Arc;

use domain::{Position, UserId};
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

/// A group that waits to be opened: somebody counts how much it has missed.
pub(crate) struct Opening {
    pub(crate) group: u32,
    /// What was closed meanwhile.
    pub(crate) closed: Vec<Sid>,
    pub(crate) opened: Work<Opened>,
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
    /// The group as it begins; nothing if there is nothing in it, unless it is the main group.
    pub(crate) fn group(mut self, id: u32, closed: &[Sid]) -> Option<Group> {
        self.interests.retain(|interest| !closed.contains(&interest.sid));
        let position = self.interests.iter().map(|interest| interest.since).min().unwrap_or(self.head);
        let interests = self.interests;
        let wanted = id == 0 || !interests.is_empty();
        wanted.then_some(Group { id, interests, position, sent: position, pace: Pace::CatchingUp })
    }
}

/// Finds out what becomes of subscriptions.
pub(crate) async fn open(
    shared: Arc<Shared>,
    user: Option<UserId>,
    subs: Vec<OpenSub>,
) -> Result<Opened, HubError> {
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

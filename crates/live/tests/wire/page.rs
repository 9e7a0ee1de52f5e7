//! A model of a page: a client session, views folded from what it applies, and fetches of fresh ones.

use std::collections::{BTreeMap, VecDeque};

use domain::{
    Cursor, Pattern, View,
    views::{FeedKey, ListKey, RoomFeed, RoomList},
};
use live::{ClientConfig, ClientOutput, ClientSession, OnGap, Sid, Status};

use crate::{rng::Rng, world::World};

/// What a subscription is folded into.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shown {
    Feed(RoomFeed),
    List(RoomList),
    /// The positions applied since it began.
    Tail {
        pattern: Pattern,
        begun: Option<u64>,
        seen: Vec<u64>,
    },
}

impl Shown {
    fn pattern(&self) -> Pattern {
        match self {
            Shown::Feed(feed) => RoomFeed::pattern(&feed.key),
            Shown::List(list) => RoomList::pattern(&list.key),
            Shown::Tail { pattern, .. } => pattern.clone(),
        }
    }

    /// The same thing as the server would show it at a position.
    pub(crate) fn fresh(&self, world: &World, viewer: usize, upto: u64) -> Shown {
        match self {
            Shown::Feed(feed) => Shown::Feed(world.view(&feed.key, viewer, upto)),
            Shown::List(list) => Shown::List(world.view(&list.key, viewer, upto)),
            Shown::Tail { pattern, .. } => {
                Shown::Tail { pattern: pattern.clone(), begun: Some(upto), seen: vec![] }
            }
        }
    }
}

/// What a page's socket is asked to do.
pub(crate) enum Wish {
    Connect,
    Send(String),
    Disconnect,
}

pub(crate) struct Page {
    pub(crate) session: ClientSession,
    pub(crate) viewer: usize,
    pub(crate) shown: BTreeMap<Sid, Shown>,
    pub(crate) status: Option<Status>,
    /// Fetches under way, answered or not.
    pub(crate) fetches: Vec<(Sid, Option<(Shown, Cursor)>)>,
    pub(crate) signals: usize,
    pub(crate) resyncs: usize,
    pub(crate) applied: usize,
}

impl Page {
    pub(crate) fn new(seed: u64, viewer: usize) -> Self {
        Self {
            session: ClientSession::new(ClientConfig::new(seed)),
            viewer,
            shown: BTreeMap::new(),
            status: None,
            fetches: vec![],
            signals: 0,
            resyncs: 0,
            applied: 0,
        }
    }

    /// Subscribes to something, from a view rendered a while ago.
    pub(crate) fn subscribe(&mut self, world: &World, rng: &mut Rng) {
        let sid = Sid::new(format!("s{}", rng.below(4))).unwrap();
        self.unsubscribe(&sid);
        let viewer = world.viewers[self.viewer];
        let kind = match rng.below(4) {
            0 | 1 => {
                let room = rng.pick(&world.rooms).clone();
                Shown::Feed(RoomFeed::empty(&FeedKey { room, viewer }))
            }
            2 => Shown::List(RoomList::empty(&ListKey { viewer })),
            _ => {
                let pattern = Pattern::new(*rng.pick(&[">", "chat.>", "chat.*.message_posted", "account.>"]));
                Shown::Tail { pattern: pattern.unwrap(), begun: None, seen: vec![] }
            }
        };
        let on_gap = if rng.percent(50) { OnGap::Replay } else { OnGap::Resync(rng.below(12) as u32) };
        let from_head = matches!(kind, Shown::Tail { .. }) && rng.percent(50);
        let since = if from_head {
            self.shown.insert(sid.clone(), kind.clone());
            None
        } else {
            let upto = world.head() - rng.below(20).min(world.log.len()) as u64;
            self.shown.insert(sid.clone(), kind.fresh(world, self.viewer, upto));
            Some(world.cursor(upto))
        };
        self.session.subscribe(sid, kind.pattern(), since, on_gap);
    }

    pub(crate) fn unsubscribe(&mut self, sid: &Sid) {
        self.session.unsubscribe(sid);
        self.shown.remove(sid);
        self.fetches.retain(|(fetched, _)| fetched != sid);
    }

    /// The server answers a fetch, or an answer arrives.
    pub(crate) fn fetch(&mut self, world: Option<&World>, rng: &mut Rng) -> bool {
        if self.fetches.is_empty() {
            return false;
        }
        let at = rng.below(self.fetches.len());
        let (sid, answer) = &mut self.fetches[at];
        match (answer.take(), world) {
            (Some((view, cursor)), _) => {
                let sid = sid.clone();
                self.fetches.remove(at);
                self.shown.insert(sid.clone(), view);
                self.session.resynced(&sid, cursor);
                true
            }
            (None, Some(world)) => {
                // A stored read model may be a little behind the head.
                let upto = world.head() - rng.below(3) as u64;
                *answer = Some((self.shown[sid].fresh(world, self.viewer, upto), world.cursor(upto)));
                true
            }
            (None, None) => false,
        }
    }

    /// Takes what the session wants; what is for the socket is left to the caller.
    pub(crate) fn drain(&mut self) -> VecDeque<Wish> {
        let mut wishes = VecDeque::new();
        while let Some(output) = self.session.poll() {
            match output {
                ClientOutput::Connect => wishes.push_back(Wish::Connect),
                ClientOutput::Send(text) => wishes.push_back(Wish::Send(text)),
                ClientOutput::Disconnect => wishes.push_back(Wish::Disconnect),
                ClientOutput::Apply { sid, event } => {
                    self.applied += 1;
                    let shown = self.shown.get_mut(&sid).expect("only what is subscribed is applied");
                    match shown {
                        Shown::Feed(feed) => feed.feed(&event.decode().unwrap()),
                        Shown::List(list) => list.feed(&event.decode().unwrap()),
                        Shown::Tail { begun, seen, .. } => {
                            let position = event.meta.position.0;
                            let last = seen.last().copied().or(*begun).expect("it began somewhere");
                            assert!(last < position, "{position} after {last}");
                            seen.push(position);
                        }
                    }
                }
                ClientOutput::Advanced { sid, cursor } => {
                    assert_eq!(self.session.cursor(&sid).map(|now| now.epoch), Some(cursor.epoch));
                    if let Some(Shown::Tail { begun: begun @ None, .. }) = self.shown.get_mut(&sid) {
                        *begun = Some(cursor.position.0);
                    }
                }
                ClientOutput::Resync { sid } => {
                    assert!(self.fetches.iter().all(|(fetched, _)| *fetched != sid), "asked for {sid} twice");
                    self.resyncs += 1;
                    self.fetches.push((sid, None));
                }
                ClientOutput::Refused { sid, code, why } => panic!("{sid:?} was refused: {code}, {why}"),
                ClientOutput::Status(status) => self.status = Some(status),
                ClientOutput::Signal { .. } => self.signals += 1,
                ClientOutput::Live { .. } | ClientOutput::NewBuild(_) => {}
            }
        }
        wishes
    }
}

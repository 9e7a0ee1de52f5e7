//! A model of a tab: what it subscribes to, and what was applied.

use std::collections::{BTreeMap, VecDeque};

use domain::Pattern;
use live::{ClientConfig, ClientOutput, OnGap, Sid, Status, Tab, TabConfig, TabOutput};

use crate::{rng::Rng, world::World};

/// The positions applied since it began.
pub(crate) struct Tail {
    pub(crate) pattern: Pattern,
    pub(crate) begun: Option<u64>,
    pub(crate) seen: Vec<u64>,
}

pub(crate) struct Page {
    pub(crate) tab: Tab,
    pub(crate) tails: BTreeMap<Sid, Tail>,
    pub(crate) status: Option<Status>,
    /// Notes on the channel that it has not read.
    pub(crate) inbox: VecDeque<String>,
    pub(crate) frozen: bool,
    pub(crate) visible: bool,
    pub(crate) probing: bool,
    pub(crate) applied: usize,
}

impl Page {
    pub(crate) fn new(name: u64, shared: bool, visible: bool) -> Self {
        let config = TabConfig {
            id: tab_id(name),
            client: ClientConfig::new(name),
            shared,
            visible,
            wish: None,
            worked: None,
        };
        Self {
            tab: Tab::new(config),
            tails: BTreeMap::new(),
            status: None,
            inbox: VecDeque::new(),
            frozen: false,
            visible,
            probing: false,
            applied: 0,
        }
    }

    pub(crate) fn subscribe(&mut self, world: &World, rng: &mut Rng) {
        let sid = Sid::new(format!("s{}", rng.below(3))).unwrap();
        let pattern =
            Pattern::new(*rng.pick(&[">", "chat.>", "chat.*.message_posted", "account.>"])).unwrap();
        let begun = rng.percent(70).then(|| world.head() - rng.below(20).min(world.log.len()) as u64);
        let since = begun.map(|upto| world.cursor(upto));
        self.tails.insert(sid.clone(), Tail { pattern: pattern.clone(), begun, seen: vec![] });
        self.tab.session().subscribe(sid, pattern, since, OnGap::Replay);
    }

    pub(crate) fn unsubscribe(&mut self, rng: &mut Rng) {
        let sid = Sid::new(format!("s{}", rng.below(3))).unwrap();
        self.tab.session().unsubscribe(&sid);
        self.tails.remove(&sid);
    }

    /// Takes in what is for the page; the rest is for the browser.
    pub(crate) fn drain(&mut self, now: u64) -> Vec<TabOutput> {
        let mut rest = vec![];
        while let Some(output) = self.tab.poll(now) {
            match output {
                TabOutput::Page(output) => self.take(output),
                other => rest.push(other),
            }
        }
        rest
    }

    fn take(&mut self, output: ClientOutput) {
        match output {
            ClientOutput::Apply { sid, event } => {
                self.applied += 1;
                let tail = self.tails.get_mut(&sid).expect("only what is subscribed is applied");
                let position = event.meta.position.0;
                let last = tail.seen.last().copied().or(tail.begun).expect("it began somewhere");
                assert!(last < position, "{position} after {last}");
                tail.seen.push(position);
            }
            ClientOutput::Advanced { sid, cursor } => {
                if let Some(tail) = self.tails.get_mut(&sid) {
                    tail.begun.get_or_insert(cursor.position.0);
                }
            }
            ClientOutput::Status(status) => self.status = Some(status),
            ClientOutput::Connect | ClientOutput::Send(_) | ClientOutput::Disconnect => {
                panic!("that is for the tab")
            }
            ClientOutput::Resync { sid } => panic!("{sid} has no reason to begin anew"),
            ClientOutput::Refused { sid, code, why } => panic!("{sid:?} was refused: {code}, {why}"),
            ClientOutput::Live { .. } | ClientOutput::Signal { .. } | ClientOutput::NewBuild(_) => {}
        }
    }
}

pub(crate) fn tab_id(name: u64) -> Sid {
    Sid::new(format!("t{name}")).unwrap()
}

/// The number in a tab's name.
pub(crate) fn number(tab: &Sid) -> u64 {
    tab.as_str()[1..].parse().unwrap()
}

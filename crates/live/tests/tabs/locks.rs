//! A model of the browser's locks: who leads, who waits for it, and who wants to know that a tab is gone.

use std::collections::{BTreeMap, VecDeque};

/// What a tab is told, when it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Lead { stolen: bool, grant: u64 },
    Lost { grant: u64 },
    Gone(u64),
}

#[derive(Default)]
pub(crate) struct Locks {
    /// Who has the lead, and by which grant.
    leader: Option<(u64, u64)>,
    /// Counts the grants.
    grants: u64,
    /// The last grant that each tab was told of: only that can it give up.
    held: BTreeMap<u64, u64>,
    queue: VecDeque<u64>,
    watches: Vec<(u64, u64)>,
    /// To be told, in order.
    pub(crate) told: Vec<(u64, Told)>,
}

impl Locks {
    pub(crate) fn elect(&mut self, tab: u64) {
        assert!(!self.queue.contains(&tab), "tab {tab} waits twice");
        self.queue.push_back(tab);
        self.pass_on();
    }

    pub(crate) fn steal(&mut self, tab: u64) {
        if let Some((old, grant)) = self.leader.take() {
            self.told.push((old, Told::Lost { grant }));
        }
        self.grant(tab, true);
    }

    pub(crate) fn yield_lead(&mut self, tab: u64) {
        if let Some(grant) = self.held.get(&tab)
            && self.leader == Some((tab, *grant))
        {
            self.leader = None;
            self.pass_on();
        }
    }

    pub(crate) fn is_led_by(&self, tab: u64) -> bool {
        self.leader.is_some_and(|(leader, _)| leader == tab)
    }

    /// A tab hears something. What was lost may have been taken back since: whether it still matters.
    pub(crate) fn hears(&mut self, tab: u64, told: Told) -> bool {
        match told {
            Told::Lead { grant, .. } => {
                self.held.insert(tab, grant);
                true
            }
            Told::Lost { grant } => self.held.get(&tab) == Some(&grant),
            Told::Gone(_) => true,
        }
    }

    pub(crate) fn watch(&mut self, watcher: u64, watched: u64, alive: bool) {
        if alive {
            self.watches.push((watcher, watched));
        } else {
            self.told.push((watcher, Told::Gone(watched)));
        }
    }

    /// A tab is closed: what it held is free.
    pub(crate) fn closed(&mut self, tab: u64) {
        self.queue.retain(|waiting| *waiting != tab);
        self.told.retain(|(to, _)| *to != tab);
        for (watcher, watched) in &self.watches {
            if *watched == tab {
                self.told.push((*watcher, Told::Gone(tab)));
            }
        }
        self.watches.retain(|(watcher, watched)| *watcher != tab && *watched != tab);
        if self.is_led_by(tab) {
            self.leader = None;
            self.pass_on();
        }
    }

    fn pass_on(&mut self) {
        if self.leader.is_none()
            && let Some(next) = self.queue.pop_front()
        {
            self.grant(next, false);
        }
    }

    fn grant(&mut self, tab: u64, stolen: bool) {
        self.grants += 1;
        self.leader = Some((tab, self.grants));
        self.told.push((tab, Told::Lead { stolen, grant: self.grants }));
    }
}

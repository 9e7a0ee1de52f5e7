//! A model of the browser's locks: who leads, who waits for it, and who wants to know that a tab is gone.

use std::collections::VecDeque;

/// What a tab is told, when it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Lead { stolen: bool },
    Lost,
    Gone(u64),
}

#[derive(Default)]
pub(crate) struct Locks {
    pub(crate) leader: Option<u64>,
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
        if let Some(old) = self.leader.replace(tab) {
            self.told.push((old, Told::Lost));
        }
        self.told.push((tab, Told::Lead { stolen: true }));
    }

    pub(crate) fn yield_lead(&mut self, tab: u64) {
        if self.leader == Some(tab) {
            self.leader = None;
            self.pass_on();
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
        self.yield_lead(tab);
    }

    fn pass_on(&mut self) {
        if self.leader.is_none()
            && let Some(next) = self.queue.pop_front()
        {
            self.leader = Some(next);
            self.told.push((next, Told::Lead { stolen: false }));
        }
    }
}

//! Who is here: a pure machine that is told of connections and activity and says when what is shown of
//! somebody changes. By activity, not by socket: several tabs and devices are one person.
//!
//! | state | means |
//! |---|---|
//! | [`State::Online`] | connected, and active within [`Config::idle_ms`] |
//! | [`State::Idle`] | connected, and nothing more |
//! | [`State::Away`] | without any connection for [`Config::grace_ms`] |
//!
//! Within the grace a person counts as connected, so a reload or a broken line changes nothing. While nobody
//! has said yet how active a newcomer is, nothing is said about them either, for [`Config::settle_ms`]: after
//! a restart of the server everybody is a newcomer, and nothing must flicker.
//!
//! A driver tells it what happens, empties [`Presence::poll`], and sleeps until [`Presence::next_timer`].
//! Only people who are here are kept.

use std::collections::{BTreeSet, HashMap, VecDeque, hash_map::Entry};

use domain::UserId;
use serde::{Deserialize, Serialize};

/// What is shown of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Here, and doing something.
    Online,
    /// Here, but not doing anything.
    Idle,
    /// Not here.
    Away,
}

/// How patient the machine is, all in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Who does nothing for this long is idle.
    pub idle_ms: u64,
    /// Who has had no connection for this long is away.
    pub grace_ms: u64,
    /// A newcomer of whom no activity is reported is idle after this long.
    pub settle_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { idle_ms: 5 * 60_000, grace_ms: 15_000, settle_ms: 5_000 }
    }
}

/// The machine. See the module's text.
#[derive(Debug, Default)]
pub struct Presence {
    config: Config,
    people: HashMap<UserId, Person>,
    /// When whose state changes if nothing happens, earliest first. At most one entry for each person.
    due: BTreeSet<(u64, UserId)>,
    out: VecDeque<(UserId, State)>,
}

/// Somebody who is here, or left within the grace.
#[derive(Debug)]
struct Person {
    connections: usize,
    /// When the grace ends; meaningful without connections only.
    gone_at: u64,
    /// Until when the activity that was reported lasts.
    active_until: Option<u64>,
    /// Until when nothing is said while no activity was reported.
    settles_at: u64,
    /// What was said last.
    told: Option<State>,
    due: Option<u64>,
}

impl Person {
    /// What is to be shown now, and when that changes by itself.
    fn now(&self, now: u64) -> (Option<State>, Option<u64>) {
        let leaves = (self.connections == 0).then_some(self.gone_at);
        if leaves.is_some_and(|at| now >= at) {
            return (Some(State::Away), None);
        }
        let (state, changes) = match self.active_until {
            Some(until) if now < until => (Some(State::Online), Some(until)),
            None if now < self.settles_at => (None, Some(self.settles_at)),
            Some(_) | None => (Some(State::Idle), None),
        };
        (state, changes.into_iter().chain(leaves).min())
    }
}

impl Presence {
    /// Nobody is here yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, ..Self::default() }
    }

    /// Somebody opened a connection.
    pub fn connected(&mut self, user: UserId, now: u64) {
        self.tick(now);
        let settles_at = now.saturating_add(self.config.settle_ms);
        let newcomer =
            Person { connections: 0, gone_at: 0, active_until: None, settles_at, told: None, due: None };
        self.people.entry(user).or_insert(newcomer).connections += 1;
        self.settle(user, now);
    }

    /// One of somebody's connections has ended.
    pub fn disconnected(&mut self, user: UserId, now: u64) {
        self.tick(now);
        if let Some(person) = self.people.get_mut(&user)
            && person.connections > 0
        {
            person.connections -= 1;
            person.gone_at = now.saturating_add(self.config.grace_ms);
        }
        self.settle(user, now);
    }

    /// Somebody did something `idle_ms` ago, on any of their devices. Who is not here is not made so by it.
    pub fn active(&mut self, user: UserId, idle_ms: u64, now: u64) {
        self.tick(now);
        let until = now.saturating_add(self.config.idle_ms.saturating_sub(idle_ms));
        if let Some(person) = self.people.get_mut(&user) {
            person.active_until = person.active_until.max(Some(until));
        }
        self.settle(user, now);
    }

    /// The instant of [`Self::next_timer`] has come, or any other.
    pub fn tick(&mut self, now: u64) {
        while let Some((_, user)) = self.due.first().copied().filter(|(at, _)| now >= *at) {
            self.settle(user, now);
        }
    }

    /// When [`Self::tick`] wants to be called; `None` while nothing changes by itself.
    #[must_use]
    pub fn next_timer(&self) -> Option<u64> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The next change. Whoever is [`State::Away`] is forgotten with that.
    pub fn poll(&mut self) -> Option<(UserId, State)> {
        self.out.pop_front()
    }

    /// Says what has changed about somebody and notes when to look again.
    fn settle(&mut self, user: UserId, now: u64) {
        let Entry::Occupied(mut entry) = self.people.entry(user) else { return };
        let person = entry.get_mut();
        let (state, due) = person.now(now);
        if let Some(at) = std::mem::replace(&mut person.due, due) {
            self.due.remove(&(at, user));
        }
        self.due.extend(due.map(|at| (at, user)));
        if let Some(state) = state
            && person.told != Some(state)
        {
            // Who was never said to be here need not be said to be away.
            if person.told.is_some() || state != State::Away {
                self.out.push_back((user, state));
            }
            person.told = Some(state);
        }
        if state == Some(State::Away) {
            entry.remove();
        }
    }
}

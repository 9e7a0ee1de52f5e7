//! A model of the hub's driver: it opens readers, reads the log in batches, and merges who has caught up.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use domain::{Pattern, Position};
use live::{
    Batch, OnGap, OpenSub, Outcome, Outgoing, ServerConfig, ServerOutput, ServerSession, Sid, server::MAIN,
    signal_frame,
};

use crate::{rng::Rng, world::World};

/// How this run's server behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// Memberships are followed in position order during replay; otherwise replay goes by what is held now.
    pub(crate) in_order: bool,
    /// Out of a hundred batches, so many are lost by a mistake of the server. The gap check must notice.
    pub(crate) loses: usize,
    /// The most events read at a time.
    pub(crate) chunk: usize,
}

struct Reader {
    subs: Vec<(Sid, Pattern)>,
    position: u64,
    caught_up: bool,
}

/// One connection, on the server's side.
pub(crate) struct Conn {
    pub(crate) session: ServerSession,
    viewer: usize,
    opening: VecDeque<(u32, Vec<OpenSub>)>,
    readers: BTreeMap<u32, Reader>,
}

/// What goes out to the page.
pub(crate) enum Down {
    Opened,
    Text(String),
    Close(Option<u16>),
}

fn lines(frames: &Outgoing) -> String {
    let mut text = vec![];
    frames.lines_into(&mut text);
    String::from_utf8(text).unwrap()
}

impl Conn {
    pub(crate) fn new(name: u64, viewer: usize, world: &World, build: &str, now: u64) -> Self {
        let head = Position(world.head());
        let config = ServerConfig::new(format!("c{name}"), world.epoch, head, build);
        Self {
            session: ServerSession::new(config, now),
            viewer,
            opening: VecDeque::new(),
            readers: BTreeMap::new(),
        }
    }

    /// Takes what the session wants. Signals are handed to the caller, to be spread.
    pub(crate) fn drain(&mut self, rng: &mut Rng, down: &mut VecDeque<Down>) -> Vec<Bytes> {
        let mut signals = vec![];
        while let Some(output) = self.session.poll() {
            match output {
                ServerOutput::Write(frames) => {
                    let text: String = frames.iter().map(lines).collect();
                    let lines: Vec<&str> = text.lines().collect();
                    // A transport may cut between any two frames.
                    let cut = if rng.percent(50) { rng.below(lines.len() + 1) } else { 0 };
                    let (first, second) = lines.split_at(cut);
                    for part in [first, second].iter().filter(|part| !part.is_empty()) {
                        down.push_back(Down::Text(part.join("\n")));
                    }
                }
                ServerOutput::Open { group, subs } => self.opening.push_back((group, subs)),
                ServerOutput::Close { sid } => {
                    for (_, subs) in &mut self.opening {
                        subs.retain(|sub| sub.sid != sid);
                    }
                    for reader in self.readers.values_mut() {
                        reader.subs.retain(|(held, _)| *held != sid);
                    }
                    self.readers.retain(|group, reader| *group == MAIN || !reader.subs.is_empty());
                }
                ServerOutput::Signal { subject, data } => signals.push(signal_frame(subject, data, None)),
                ServerOutput::Disconnect { code, .. } => down.push_back(Down::Close(Some(code))),
            }
        }
        signals
    }

    /// One turn: opens a reader, or reads on with one. Returns whether there was anything to do.
    pub(crate) fn step(&mut self, world: &World, habits: Habits, rng: &mut Rng) -> bool {
        if self.session.is_closed() {
            return false;
        }
        if let Some((group, subs)) = self.opening.pop_front() {
            self.open(group, subs, world, habits, rng);
            return true;
        }
        let head = world.head();
        let waiting: Vec<u32> = self
            .readers
            .iter()
            .filter(|(group, reader)| reader.position < head || **group != MAIN || !reader.caught_up)
            .map(|(group, _)| *group)
            .collect();
        if waiting.is_empty() {
            return false;
        }
        self.read_on(*rng.pick(&waiting), world, habits, rng);
        true
    }

    fn sees(&self, position: u64, world: &World, habits: Habits) -> bool {
        let entry = &world.log[usize::try_from(position).unwrap() - 1];
        if habits.in_order { entry.seen[self.viewer] } else { entry.admits(&world.tokens_now(self.viewer)) }
    }

    fn behind(&self, pattern: &Pattern, since: u64, world: &World, habits: Habits) -> usize {
        (since + 1..=world.head())
            .filter(|position| {
                let subject = &world.log[usize::try_from(*position).unwrap() - 1].envelope.meta.subject;
                pattern.matches(subject) && self.sees(*position, world, habits)
            })
            .count()
    }

    fn open(&mut self, group: u32, subs: Vec<OpenSub>, world: &World, habits: Habits, rng: &mut Rng) {
        let head = world.head();
        let mut outcomes = vec![];
        let (mut start, mut replayed, mut live) = (head, vec![], vec![]);
        for sub in subs {
            let since = match sub.since {
                None => head,
                Some(cursor) if cursor.epoch == world.epoch && cursor.position.0 <= head => cursor.position.0,
                Some(_) => {
                    outcomes.push((sub.sid, Outcome::Resync));
                    continue;
                }
            };
            let behind = self.behind(&sub.pattern, since, world, habits);
            let outcome = match sub.on_gap {
                OnGap::Resync(most) if behind > most as usize => Outcome::Resync,
                _ if behind == 0 && (since == head || rng.percent(50)) => Outcome::Live,
                _ => Outcome::Replaying,
            };
            match outcome {
                Outcome::Resync => {}
                Outcome::Live => live.push((sub.sid.clone(), sub.pattern)),
                Outcome::Replaying => {
                    start = start.min(since);
                    replayed.push((sub.sid.clone(), sub.pattern));
                }
            }
            outcomes.push((sub.sid, outcome));
        }
        self.session.on_opened(group, outcomes, Position(head));
        if group == MAIN {
            let caught_up = replayed.is_empty();
            replayed.extend(live);
            self.readers.insert(MAIN, Reader { subs: replayed, position: start, caught_up });
        } else {
            self.main().subs.extend(live);
            if !replayed.is_empty() {
                self.readers.insert(group, Reader { subs: replayed, position: start, caught_up: false });
            }
        }
    }

    fn main(&mut self) -> &mut Reader {
        self.readers.get_mut(&MAIN).expect("hello opens it before anything else")
    }

    fn read_on(&mut self, group: u32, world: &World, habits: Habits, rng: &mut Rng) {
        let reader = &self.readers[&group];
        let prev = reader.position;
        let pos = world.head().min(prev + 1 + rng.below(habits.chunk) as u64);
        let events = (prev + 1..=pos)
            .filter(|position| self.sees(*position, world, habits))
            .map(|position| &world.log[usize::try_from(position).unwrap() - 1])
            .filter(|entry| {
                reader.subs.iter().any(|(_, pattern)| pattern.matches(&entry.envelope.meta.subject))
            })
            .map(|entry| entry.frame.clone())
            .collect();
        if prev < pos && !rng.percent(habits.loses) {
            let (prev, pos) = (Position(prev), Position(pos));
            self.session.on_batch(group, Arc::new(Batch::new(prev, pos, events)));
        }
        let reader = self.readers.get_mut(&group).expect("it is there");
        reader.position = pos;
        if group == MAIN {
            if pos == world.head() && !reader.caught_up {
                reader.caught_up = true;
                self.session.on_live(MAIN, Position(pos));
            }
        } else if self.readers[&MAIN].position <= pos && (pos == world.head() || rng.percent(50)) {
            let reader = self.readers.remove(&group).expect("it is there");
            self.main().subs.extend(reader.subs);
            self.session.on_live(group, Position(pos));
        }
    }
}

//! One run: many random steps, then quiet, then the comparison.

use std::collections::{BTreeMap, VecDeque};

use domain::{Pattern, Subject};
use live::{CloseCode, Sid, Status};
use serde_json::value::RawValue;

use crate::{
    hub::{Conn, Down, Habits},
    link::Link,
    page::{Page, Shown, Wish},
    rng::Rng,
    tally::Tally,
    world::World,
};

/// How much may wait in a socket before its reader pauses.
const WINDOW: usize = 6;

struct Sim {
    rng: Rng,
    now: u64,
    world: World,
    habits: Habits,
    /// Out of a hundred troubles, so many happen.
    trouble: usize,
    serving: bool,
    build: u64,
    pages: Vec<Page>,
    links: BTreeMap<u64, Link>,
    tally: Tally,
}

/// Runs one seed.
pub(crate) fn run(seed: u64) -> Tally {
    let mut rng = Rng(seed);
    let habits = Habits {
        in_order: rng.percent(70),
        loses: if rng.percent(25) { 10 } else { 0 },
        chunk: *rng.pick(&[1, 4, 30]),
    };
    let trouble = *rng.pick(&[0, 15, 40, 100]);
    let pages = (0..2 + rng.below(3)).map(|nth| Page::new(seed ^ (nth as u64 + 1), rng.below(4))).collect();
    let mut sim = Sim {
        rng,
        now: 1_000,
        world: World::new(),
        habits,
        trouble,
        serving: true,
        build: 1,
        pages,
        links: BTreeMap::new(),
        tally: Tally::default(),
    };
    for _ in 0..sim.rng.below(60) {
        sim.world.act(&mut sim.rng);
    }
    for at in 0..sim.pages.len() {
        sim.pages[at].subscribe(&sim.world, &mut sim.rng);
        sim.pages[at].session.start(sim.now);
    }
    for _ in 0..150 + sim.rng.below(200) {
        sim.step();
        sim.settle();
    }
    sim.calm();
    sim.compare();
    for page in &sim.pages {
        sim.tally.resyncs += page.resyncs;
        sim.tally.signals += page.signals;
        sim.tally.applied += page.applied;
        sim.tally.compared += page.shown.len();
    }
    sim.tally
}

impl Sim {
    fn step(&mut self) {
        self.now += self.rng.below(400) as u64;
        let page = self.rng.below(self.pages.len());
        match self.rng.below(100) {
            0..18 => self.world.act(&mut self.rng),
            18..45 => self.deliver_down(),
            45..57 => self.deliver_up(),
            57..78 => self.read_on(),
            78..82 => {
                self.fetch(page);
            }
            82..85 => self.pages[page].subscribe(&self.world, &mut self.rng),
            85 => {
                let sid = Sid::new(format!("s{}", self.rng.below(4))).unwrap();
                self.pages[page].unsubscribe(&sid);
            }
            86 | 87 => {
                let subject = Subject::new("signal.typing.lobby").unwrap();
                let data = RawValue::from_string("{\"n\":1}".into()).unwrap();
                self.pages[page].session.signal(subject, data);
            }
            88 => self.serving = true,
            89 => self.pages[page].session.start(self.now),
            _ if self.rng.percent(self.trouble) => self.make_trouble(page),
            _ => {}
        }
    }

    fn make_trouble(&mut self, page: usize) {
        match self.rng.below(10) {
            0..4 => self.break_a_link(),
            4 | 5 => {
                if let Some(link) = self.some_link() {
                    link.stalled = !link.stalled;
                }
            }
            6 => self.stop_serving(),
            7 => {
                let drained = self.rng.percent(50);
                let spread = self.rng.below(5_000) as u64;
                if let Some(conn) = self.some_link().and_then(|link| link.conn.as_mut()) {
                    if drained {
                        conn.session.drain(100, spread);
                    } else {
                        conn.session.end(CloseCode::Unauthorised, "You were signed out.");
                    }
                }
            }
            8 => match self.rng.below(4) {
                0 => self.pages[page].session.on_offline(),
                1 => self.pages[page].session.on_online(self.now),
                2 => self.pages[page].session.on_visible(self.now),
                _ => self.pages[page].session.stop(),
            },
            _ => self.now += self.rng.below(60_000) as u64,
        }
    }

    fn some_link(&mut self) -> Option<&mut Link> {
        let end = self.links.len();
        if end == 0 {
            return None;
        }
        let at = self.rng.below(end);
        self.links.values_mut().nth(at)
    }

    /// Carries out what the sessions want, and rings their timers.
    fn settle(&mut self) {
        for page in &mut self.pages {
            if page.session.next_timer().is_some_and(|at| at <= self.now) {
                page.session.on_tick(self.now);
            }
        }
        let mut signals = vec![];
        for link in self.links.values_mut() {
            if let Some(conn) = &mut link.conn {
                if conn.session.next_timer().is_some_and(|at| at <= self.now) {
                    conn.session.on_tick(self.now);
                }
                signals.extend(conn.drain(&mut self.rng, &mut link.down));
                if conn.session.is_closed() {
                    link.conn = None;
                }
            }
        }
        for link in self.links.values_mut() {
            for signal in &signals {
                if let Some(conn) = &mut link.conn {
                    conn.session.on_signal(signal.clone());
                }
            }
        }
        for at in 0..self.pages.len() {
            for wish in self.pages[at].drain() {
                self.grant(at, wish);
            }
        }
        for link in self.links.values_mut().filter(|link| link.dead) {
            link.up.clear();
            link.down.clear();
        }
        self.links.retain(|_, link| link.current || link.conn.is_some());
    }

    fn grant(&mut self, page: usize, wish: Wish) {
        let current = self.links.values_mut().find(|link| link.page == page && link.current);
        match (wish, current) {
            (Wish::Connect, Some(_)) => panic!("a second socket before the first was closed"),
            (Wish::Connect, None) => {
                self.tally.connections += 1;
                let name = self.tally.connections as u64;
                let viewer = self.pages[page].viewer;
                let build = format!("build-{}", self.build);
                let conn = self.serving.then(|| Conn::new(name, viewer, &self.world, &build, self.now));
                let first = if conn.is_some() { Down::Opened } else { Down::Close(None) };
                self.links.insert(
                    name,
                    Link {
                        page,
                        conn,
                        up: VecDeque::new(),
                        down: [first].into(),
                        current: true,
                        dead: false,
                        stalled: false,
                    },
                );
            }
            (Wish::Send(text), Some(link)) => link.up.push_back(Some(text)),
            (Wish::Disconnect, Some(link)) => {
                link.current = false;
                link.up.push_back(None);
                link.down.clear();
            }
            (Wish::Send(_) | Wish::Disconnect, None) => {}
        }
    }

    fn deliver_down(&mut self) {
        let now = self.now;
        let Some(link) = self.some_link().filter(|link| link.current && !link.stalled) else { return };
        let (page, next) = (link.page, link.down.pop_front());
        match next {
            None => {}
            Some(Down::Opened) => self.pages[page].session.on_open(now),
            Some(Down::Text(text)) => self.pages[page].session.on_text(&text, now),
            Some(Down::Close(code)) => {
                link.current = false;
                self.pages[page].session.on_close(code, now);
            }
        }
    }

    fn deliver_up(&mut self) {
        let now = self.now;
        let Some(link) = self.some_link() else { return };
        match (link.up.pop_front(), &mut link.conn) {
            (Some(Some(text)), Some(conn)) => conn.session.on_text(&text, now),
            (Some(None), conn) => *conn = None,
            _ => {}
        }
    }

    fn read_on(&mut self) {
        if self.links.is_empty() {
            return;
        }
        let at = self.rng.below(self.links.len());
        let link = self.links.values_mut().nth(at).expect("there are that many");
        if link.down.len() < WINDOW
            && let Some(conn) = &mut link.conn
        {
            conn.step(&self.world, self.habits, &mut self.rng);
        }
    }

    fn fetch(&mut self, page: usize) -> bool {
        let world = self.serving.then_some(&self.world);
        self.pages[page].fetch(world, &mut self.rng)
    }

    fn break_a_link(&mut self) {
        let (told, server_told) = (self.rng.percent(70), self.rng.percent(70));
        let (down, up) = (self.rng.next(), self.rng.next());
        if let Some(link) = self.some_link() {
            link.cut(down, up, told, server_told);
            self.tally.breaks += 1;
        }
    }

    fn stop_serving(&mut self) {
        self.serving = false;
        self.build += 1;
        for link in self.links.values_mut() {
            link.conn = None;
            let kept = self.rng.next();
            link.cut(kept, 0, self.rng.percent(80), true);
        }
        if self.rng.percent(25) {
            let upto = self.world.log.len().saturating_sub(self.rng.below(12)).max(10);
            self.world.restore(upto);
            self.tally.epochs += 1;
        }
    }

    /// No more trouble: everything is delivered until nothing moves.
    fn calm(&mut self) {
        self.serving = true;
        if self.habits.loses > 0 {
            self.tally.lossy += 1;
            self.habits.loses = 0;
        }
        for page in &mut self.pages {
            page.session.on_online(self.now);
        }
        // One more event, so that every reader flushes once more and every gap shows.
        let speaker = self.world.viewers[0].expect("the first viewer is a person");
        self.world.say(speaker, self.world.rooms[0].clone(), "the last word".into());
        for round in 0.. {
            assert!(round < 2_000, "it does not come to rest: {}", self.trouble().unwrap_or_default());
            self.settle();
            let mut moved = false;
            // Whoever was signed out signs in again.
            self.pages.iter_mut().for_each(|page| page.session.start(self.now));
            let names: Vec<u64> = self.links.keys().copied().collect();
            for name in names {
                moved |= self.pump(name);
                self.settle();
            }
            for page in 0..self.pages.len() {
                moved |= self.fetch(page);
            }
            self.settle();
            if !moved {
                if self.trouble().is_none() {
                    return;
                }
                let timers = self.pages.iter().filter_map(|page| page.session.next_timer());
                let conns = self.links.values().filter_map(|link| link.conn.as_ref()?.session.next_timer());
                self.now = self.now.max(timers.chain(conns).min().expect("somebody waits for something"));
            }
        }
    }

    /// Everything that is under way on one socket.
    fn pump(&mut self, name: u64) -> bool {
        let now = self.now;
        let Some(link) = self.links.get_mut(&name) else { return false };
        link.stalled = false;
        let mut moved = false;
        if let Some(next) = link.up.pop_front() {
            moved = true;
            match (next, &mut link.conn) {
                (Some(text), Some(conn)) => conn.session.on_text(&text, now),
                (None, conn) => *conn = None,
                _ => {}
            }
        }
        if let Some(conn) = &mut link.conn {
            moved |= !link.dead && conn.step(&self.world, self.habits, &mut self.rng);
        }
        if link.current
            && let Some(next) = link.down.pop_front()
        {
            moved = true;
            let session = &mut self.pages[link.page].session;
            match next {
                Down::Opened => session.on_open(now),
                Down::Text(text) => session.on_text(&text, now),
                Down::Close(code) => {
                    link.current = false;
                    session.on_close(code, now);
                }
            }
        }
        moved
    }

    /// What is not as it should be yet.
    fn trouble(&self) -> Option<String> {
        let head = self.world.cursor(self.world.head());
        for (at, page) in self.pages.iter().enumerate() {
            if page.status != Some(Status::Live) {
                return Some(format!("page {at} is {:?}", page.status));
            }
            for sid in page.shown.keys() {
                let cursor = page.session.cursor(sid);
                if cursor != Some(head) {
                    return Some(format!("page {at} has {sid} at {cursor:?}, the head is {head}"));
                }
            }
        }
        None
    }

    fn compare(&self) {
        let head = self.world.head();
        for page in &self.pages {
            for shown in page.shown.values() {
                if let Shown::Tail { pattern, begun, seen } = shown {
                    let begun = begun.expect("it has come to the head");
                    if self.habits.in_order {
                        assert_eq!(*seen, self.world.tail(pattern, page.viewer, begun));
                    } else {
                        self.check_matches(pattern, seen);
                    }
                } else {
                    assert_eq!(*shown, shown.fresh(&self.world, page.viewer, head));
                }
            }
        }
    }

    fn check_matches(&self, pattern: &Pattern, seen: &[u64]) {
        for position in seen {
            let entry = &self.world.log[usize::try_from(*position).unwrap() - 1];
            assert!(pattern.matches(&entry.envelope.meta.subject), "{position} was not asked for");
        }
    }
}

//! One run: a browser with tabs, a server, and what goes wrong between them.

use std::collections::{BTreeMap, VecDeque};

use live::{CloseCode, Status, TabOutput, Wire};

use crate::{
    hub::{Conn, Down, Habits},
    locks::{Locks, Told},
    page::{Page, number, tab_id},
    rng::Rng,
    world::World,
};

/// What happened, to know that something did.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) lines: usize,
    pub(crate) over_sse: usize,
    pub(crate) breaks: usize,
    pub(crate) taken: usize,
    pub(crate) passed_on: usize,
    pub(crate) applied: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Tally) {
        self.lines += other.lines;
        self.over_sse += other.over_sse;
        self.breaks += other.breaks;
        self.taken += other.taken;
        self.passed_on += other.passed_on;
        self.applied += other.applied;
    }
}

/// A wire that a tab has opened.
struct Link {
    wire: Wire,
    conn: Option<Conn>,
    up: VecDeque<String>,
    down: VecDeque<Down>,
    /// Nothing gets through any more, and nobody has been told.
    dead: bool,
}

struct Browser {
    rng: Rng,
    now: u64,
    world: World,
    habits: Habits,
    trouble: usize,
    shared: bool,
    /// A proxy lets no WebSocket through.
    refuses_websockets: bool,
    signed_in: bool,
    opened: u64,
    pages: BTreeMap<u64, Page>,
    links: BTreeMap<u64, Link>,
    locks: Locks,
    tally: Tally,
}

/// Runs one seed.
pub(crate) fn run(seed: u64) -> Tally {
    let mut rng = Rng(seed);
    let mut browser = Browser {
        now: 1_000,
        world: World::new(),
        habits: Habits { in_order: true, loses: 0, chunk: *rng.pick(&[1, 4, 30]) },
        trouble: *rng.pick(&[0, 20, 50, 100]),
        shared: rng.percent(90),
        refuses_websockets: rng.percent(25),
        signed_in: true,
        opened: 0,
        pages: BTreeMap::new(),
        links: BTreeMap::new(),
        locks: Locks::default(),
        tally: Tally::default(),
        rng,
    };
    for _ in 0..browser.rng.below(60) {
        browser.world.act(&mut browser.rng);
    }
    for _ in 0..1 + browser.rng.below(3) {
        browser.open_tab();
    }
    for _ in 0..200 + browser.rng.below(400) {
        browser.step();
    }
    browser.calm();
    browser.compare();
    browser.tally
}

impl Browser {
    fn step(&mut self) {
        self.now += self.rng.below(300) as u64;
        let tab = self.some_tab();
        match self.rng.below(100) {
            0..15 => self.world.act(&mut self.rng),
            15..40 => {
                self.read_note(tab);
            }
            40..60 => {
                self.deliver(tab);
            }
            60..75 => {
                self.serve(tab);
            }
            75..82 => {
                self.tell();
            }
            82..88 => {
                self.tick(tab);
            }
            88 | 89 => self.on_page(tab, |page, world, rng, _| page.subscribe(world, rng)),
            90 => self.on_page(tab, |page, _, rng, _| page.unsubscribe(rng)),
            _ if self.rng.percent(self.trouble) => self.make_trouble(tab),
            _ => {}
        }
    }

    fn make_trouble(&mut self, tab: u64) {
        match self.rng.below(12) {
            0 | 1 if self.pages.len() < 5 => self.open_tab(),
            2 if self.pages.len() > 1 => self.close_tab(tab),
            3 => self.on_page(tab, |page, _, _, _| page.frozen = true),
            4 => self.pages.values_mut().for_each(|page| page.frozen = false),
            5 | 6 => {
                let visible = self.rng.percent(60);
                self.show(tab, visible);
            }
            7 | 8 => self.break_a_line(),
            9 => self.refuses_websockets = self.rng.percent(50),
            10 => self.send_away(),
            11 => self.now += self.rng.below(40_000) as u64,
            _ => {}
        }
    }

    fn some_tab(&mut self) -> u64 {
        let at = self.rng.below(self.pages.len());
        *self.pages.keys().nth(at).unwrap()
    }

    fn open_tab(&mut self) {
        self.opened += 1;
        let name = self.opened;
        self.pages.insert(name, Page::new(name, self.shared, self.rng.percent(60)));
        self.on_page(name, |page, world, rng, now| {
            page.subscribe(world, rng);
            page.tab.start(now);
        });
    }

    fn close_tab(&mut self, tab: u64) {
        self.tally.passed_on += usize::from(self.locks.is_led_by(tab));
        self.tally.applied += self.pages.remove(&tab).unwrap().applied;
        self.links.remove(&tab);
        self.locks.closed(tab);
    }

    fn show(&mut self, tab: u64, visible: bool) {
        self.on_page(tab, |page, _, _, now| {
            page.visible = visible;
            page.tab.set_visible(visible, now);
        });
    }

    fn break_a_line(&mut self) {
        self.tally.breaks += 1;
        let (told, kept) = (self.rng.percent(70), self.rng.next());
        let at = self.rng.below(self.links.len().max(1));
        if let Some(link) = self.links.values_mut().nth(at) {
            link.down.truncate((kept % (link.down.len() as u64 + 1)) as usize);
            link.up.clear();
            link.conn = None;
            if told {
                link.down.push_back(Down::Close(Some(1006)));
            } else {
                link.dead = true;
            }
        }
    }

    /// The server sends somebody away: a deploy, a session that has ended, or too much to do.
    fn send_away(&mut self) {
        let (why, spread) = (self.rng.below(3), self.rng.below(3_000) as u64);
        if why == 1 {
            self.signed_in = false;
        }
        for link in self.links.values_mut() {
            if let Some(conn) = &mut link.conn {
                match why {
                    0 => conn.session.drain(200, spread),
                    1 => conn.session.end(CloseCode::Unauthorised, "You were signed out."),
                    _ => conn.session.end(CloseCode::Overload, "Busy."),
                }
            }
        }
    }

    /// Does something to a page that runs, and carries out what it says.
    fn on_page(&mut self, tab: u64, act: impl FnOnce(&mut Page, &World, &mut Rng, u64)) {
        let Some(page) = self.pages.get_mut(&tab).filter(|page| !page.frozen) else { return };
        act(page, &self.world, &mut self.rng, self.now);
        for output in page.drain(self.now) {
            self.carry_out(tab, output);
        }
    }

    fn carry_out(&mut self, tab: u64, output: TabOutput) {
        match output {
            TabOutput::Open(wire, hello) => self.open_line(tab, wire, &hello),
            TabOutput::Close => drop(self.links.remove(&tab)),
            TabOutput::Write(text) => {
                let link = self.links.get_mut(&tab).expect("it has opened one");
                assert_eq!(link.wire, Wire::WebSocket);
                link.up.push_back(text);
            }
            TabOutput::Post(note) => {
                assert!(self.shared, "who is alone talks to nobody");
                for (_, page) in self.pages.iter_mut().filter(|(name, _)| **name != tab) {
                    page.inbox.push_back(note.clone());
                }
            }
            TabOutput::Elect => self.locks.elect(tab),
            TabOutput::Steal => {
                self.tally.taken += 1;
                self.locks.steal(tab);
            }
            TabOutput::Yield => self.locks.yield_lead(tab),
            TabOutput::Watch(watched) => {
                let alive = self.pages.contains_key(&number(&watched));
                self.locks.watch(tab, number(&watched), alive);
            }
            TabOutput::Probe => self.pages.get_mut(&tab).unwrap().probing = true,
            TabOutput::Signal(_) | TabOutput::Via(_) | TabOutput::Page(_) => {}
        }
    }

    fn open_line(&mut self, tab: u64, wire: Wire, hello: &str) {
        self.tally.lines += 1;
        self.tally.over_sse += usize::from(wire == Wire::EventSource);
        let refused = wire == Wire::WebSocket && self.refuses_websockets;
        let mut down = VecDeque::new();
        let mut conn = (!refused).then(|| {
            let name = self.tally.lines as u64;
            Conn::new(name, 0, &self.world, "b1", self.now)
        });
        match (&mut conn, wire) {
            (None, _) => down.push_back(Down::Close(Some(1006))),
            (Some(_), Wire::WebSocket) => down.push_back(Down::Opened),
            (Some(conn), Wire::EventSource) => conn.session.on_text(hello, self.now),
        }
        if let Some(conn) = conn.as_mut().filter(|_| !self.signed_in) {
            conn.session.end(CloseCode::Unauthorised, "You were signed out.");
        }
        let link = Link { wire, conn, up: VecDeque::new(), down, dead: false };
        assert!(self.links.insert(tab, link).is_none(), "a second line before the first was closed");
    }

    fn read_note(&mut self, tab: u64) -> bool {
        let Some(page) = self.pages.get_mut(&tab).filter(|page| !page.frozen) else { return false };
        let Some(note) = page.inbox.pop_front() else { return false };
        self.on_page(tab, |page, _, _, now| page.tab.on_note(&note, now));
        true
    }

    /// Something that is under way on a tab's line arrives.
    fn deliver(&mut self, tab: u64) -> bool {
        let frozen = self.pages[&tab].frozen;
        let Some(link) = self.links.get_mut(&tab).filter(|link| !link.dead) else { return false };
        if let (Some(text), Some(conn)) = (link.up.pop_front(), &mut link.conn) {
            conn.session.on_text(&text, self.now);
            return true;
        }
        if frozen {
            return false;
        }
        match link.down.pop_front() {
            None => return false,
            Some(Down::Opened) => self.on_page(tab, |page, _, _, now| page.tab.on_wire_open(now)),
            Some(Down::Text(text)) => {
                self.on_page(tab, |page, _, _, now| page.tab.on_wire_text(&text, now));
            }
            Some(Down::Close(code)) => {
                // An EventSource is told no codes.
                let code = code.filter(|_| link.wire == Wire::WebSocket);
                self.links.remove(&tab);
                self.on_page(tab, |page, _, _, now| page.tab.on_wire_close(code, now));
            }
        }
        true
    }

    /// One turn of the server for a tab's line.
    fn serve(&mut self, tab: u64) -> bool {
        let Some(link) = self.links.get_mut(&tab) else { return false };
        let Some(conn) = &mut link.conn else { return false };
        if link.wire == Wire::EventSource {
            // Nobody has to answer a ping there.
            conn.session.on_text("{\"kind\":\"pong\"}", self.now);
        }
        conn.session.on_tick(self.now);
        let before = link.down.len();
        let moved = conn.step(&self.world, self.habits, &mut self.rng);
        conn.drain(&mut self.rng, &mut link.down);
        if conn.session.is_closed() {
            link.conn = None;
        }
        moved || link.down.len() > before
    }

    /// Somebody is told what became of a lock.
    fn tell(&mut self) -> bool {
        let runs = |(to, _): &(u64, Told)| self.pages.get(to).is_some_and(|page| !page.frozen);
        let Some(at) = self.locks.told.iter().position(runs) else { return false };
        let (to, told) = self.locks.told.remove(at);
        if !self.locks.hears(to, told) {
            return true;
        }
        self.on_page(to, |page, _, _, now| match told {
            Told::Lead { stolen, .. } => page.tab.on_lead(stolen, now),
            Told::Lost { .. } => page.tab.on_lead_lost(now),
            Told::Gone(tab) => page.tab.on_tab_gone(&tab_id(tab)),
        });
        true
    }

    fn tick(&mut self, tab: u64) -> bool {
        let refused = self.refuses_websockets;
        let mut moved = false;
        self.on_page(tab, |page, _, _, now| {
            if std::mem::take(&mut page.probing) {
                moved = true;
                page.tab.on_probe(!refused, now);
            }
            if page.tab.next_timer().is_some_and(|at| at <= now) {
                moved = true;
                page.tab.on_tick(now);
            }
        });
        moved
    }

    /// No more trouble: everything is delivered until nothing moves.
    fn calm(&mut self) {
        self.signed_in = true;
        self.pages.values_mut().for_each(|page| page.frozen = false);
        let speaker = self.world.viewers[0].unwrap();
        self.world.say(speaker, self.world.rooms[0].clone(), "the last word".into());
        for round in 0.. {
            assert!(round < 3_000, "it does not come to rest: {}", self.unrest().unwrap_or_default());
            let mut moved = false;
            for tab in self.pages.keys().copied().collect::<Vec<_>>() {
                // Who was signed out signs in again, in one tab; the others come back by themselves.
                let signs_in = !self.shared || self.pages.keys().next() == Some(&tab);
                if signs_in && matches!(self.pages[&tab].status, Some(Status::Stopped { .. })) {
                    moved = true;
                    self.on_page(tab, |page, _, _, now| page.tab.start(now));
                }
                moved |= self.tell() | self.read_note(tab) | self.deliver(tab) | self.serve(tab);
                moved |= self.tick(tab);
            }
            if !moved {
                if self.unrest().is_none() {
                    return;
                }
                self.now = self.next_timer().expect("somebody waits for something").max(self.now);
            }
        }
    }

    fn next_timer(&self) -> Option<u64> {
        let conns = self.links.values().filter_map(|link| link.conn.as_ref()?.session.next_timer());
        self.pages.values().filter_map(|page| page.tab.next_timer()).chain(conns).min()
    }

    /// What is not as it should be yet.
    fn unrest(&mut self) -> Option<String> {
        let head = self.world.cursor(self.world.head());
        for (name, page) in &mut self.pages {
            if page.status != Some(Status::Live) {
                return Some(format!("tab {name} is {:?}", page.status));
            }
            for sid in page.tails.keys() {
                let cursor = page.tab.session().cursor(sid);
                if cursor != Some(head) {
                    return Some(format!("tab {name} has {sid} at {cursor:?}, the head is {head}"));
                }
            }
        }
        let lines = if self.shared { 1 } else { self.pages.len() };
        (self.links.len() != lines).then(|| format!("{} lines, not {lines}", self.links.len()))
    }

    fn compare(&mut self) {
        for page in self.pages.values() {
            self.tally.applied += page.applied;
            for tail in page.tails.values() {
                let begun = tail.begun.expect("it has come to the head");
                assert_eq!(tail.seen, self.world.tail(&tail.pattern, 0, begun));
            }
        }
    }
}

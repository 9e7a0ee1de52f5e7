//! What a tab does that has the line: the leader, or one that is alone.

use std::mem;

use super::{Role, Tab, TabOutput, Wire, Word, glance};
use crate::{
    close::Close,
    frames::{self, ClientFrame, Unsub},
    subscription::Sid,
};

/// How long the leader collects what the tabs want before it opens server-sent events.
const GATHER_MS: u64 = 50;

/// How long it waits for a tab that it knows of.
const GATHER_AT_MOST_MS: u64 = 1_000;

/// The line of a tab that is alone or leads.
#[derive(Debug)]
pub(super) enum Line {
    Down,
    /// Server-sent events are about to be opened; the tabs say what they want.
    Gathering {
        since: u64,
    },
    /// Not welcomed yet.
    Opening {
        wire: Wire,
        since: u64,
    },
    Up {
        wire: Wire,
        welcome: String,
    },
}

/// A tab that has come to this leader.
#[derive(Debug)]
pub(super) struct Member {
    /// Its latest attempt to join.
    turn: u64,
    part: Part,
    /// What it has said on the line, by its names on the wire.
    sids: Vec<String>,
}

/// How far a member's latest attempt has come.
#[derive(Debug)]
enum Part {
    /// It has left, or its line has; it comes back or is gone.
    Off,
    /// It waits for an answer.
    Waiting,
    /// This is what it wants on the line that is about to be made.
    Said(String),
    /// It is on the line.
    On,
}

impl Tab {
    /// The WebSocket is open.
    pub fn on_wire_open(&mut self, now: u64) {
        if let Line::Opening { wire: Wire::WebSocket, since } = &mut self.line {
            *since = now;
            self.session.on_open(now);
        }
    }

    /// A text came over the wire.
    pub fn on_wire_text(&mut self, text: &str, now: u64) {
        let opening = match &self.line {
            Line::Opening { wire, .. } => Some(*wire),
            Line::Up { .. } => None,
            Line::Down | Line::Gathering { .. } => return,
        };
        self.session.on_text(text, now);
        let on = |(tab, member): (&Sid, &Member)| *tab != self.id && matches!(member.part, Part::On);
        if self.members.iter().any(on) {
            self.post(None, 0, Word::Text(text.to_owned()));
        }
        if let Some(wire) = opening.filter(|_| self.session.is_up()) {
            let welcome = frames::split(text).find(|frame| glance::kind_in(frame) == "welcome");
            self.line = Line::Up { wire, welcome: welcome.unwrap_or(text).to_owned() };
            self.works(wire, now);
            self.answer_all(now);
            self.post(None, 0, Word::Line(wire));
        }
    }

    /// The wire was closed, or could not be opened; with the close code if one came.
    pub fn on_wire_close(&mut self, code: Option<u16>, now: u64) {
        let spoken = Close::of(code) != Close::BackOff;
        match mem::replace(&mut self.line, Line::Down) {
            Line::Down => return,
            Line::Opening { .. } if !spoken => self.choice.failed(false),
            _ => {}
        }
        self.lost(code);
        self.session.on_close(code, now);
    }

    /// What came of [`TabOutput::Probe`].
    pub fn on_probe(&mut self, opened: bool, now: u64) {
        if self.choice.probed(opened, now) && self.role != Role::Follower {
            self.renew(now);
        }
    }

    /// A tab is gone: what it wanted is not wanted any more.
    pub fn on_tab_gone(&mut self, tab: &Sid) {
        self.watched.remove(tab);
        if self.role == Role::Leader {
            self.unsay(tab);
            self.members.remove(tab);
        }
    }

    /// The session wants a line.
    pub(super) fn connect(&mut self, now: u64) {
        self.line = match self.choice.next() {
            wire @ Wire::WebSocket => {
                self.out.push_back(TabOutput::Open(wire, String::new()));
                Line::Opening { wire, since: now }
            }
            Wire::EventSource => {
                self.session.on_open(now);
                Line::Gathering { since: now }
            }
        };
        self.answer_all(now);
    }

    /// The session leaves the line.
    pub(super) fn disconnect(&mut self, now: u64) {
        if let Line::Opening { since, .. } = self.line
            && now.saturating_sub(since) >= self.patience_ms
        {
            self.choice.failed(true);
        }
        if self.leave_line() {
            self.lost(None);
        }
    }

    /// Closes the wire, if there is one. Returns whether there was a line.
    pub(super) fn leave_line(&mut self) -> bool {
        let line = mem::replace(&mut self.line, Line::Down);
        if matches!(line, Line::Opening { .. } | Line::Up { .. }) {
            self.out.push_back(TabOutput::Close);
        }
        self.clear();
        !matches!(line, Line::Down)
    }

    /// Everybody leaves the line and comes back to a new one.
    pub(super) fn renew(&mut self, now: u64) {
        self.leave_line();
        self.post(None, 0, Word::Renew);
        self.session.renew(now);
    }

    /// The line is gone: whoever was on it is told.
    fn lost(&mut self, code: Option<u16>) {
        self.clear();
        self.post(None, 0, Word::Down(code));
    }

    /// Nothing is said on the next line yet. Who waits for one still does.
    fn clear(&mut self) {
        self.renew_at = None;
        for member in self.members.values_mut().filter(|member| !matches!(member.part, Part::Waiting)) {
            member.part = Part::Off;
            member.sids.clear();
        }
    }

    /// This tab or another says something on the line.
    pub(super) fn say(&mut self, tab: &Sid, text: String, now: u64) {
        let kind = glance::kind_in(&text);
        match (&self.line, self.members.get_mut(tab)) {
            (Line::Gathering { .. }, member) if kind == "hello" => {
                let sids = glance::sids_in(&text).map(str::to_owned).collect();
                let turn = member.map_or(0, |member| member.turn);
                self.members.insert(tab.clone(), Member { turn, part: Part::Said(text), sids });
            }
            (Line::Up { wire, .. } | Line::Opening { wire, .. }, _) if *wire == Wire::WebSocket => {
                let fresh = || Member { turn: 0, part: Part::On, sids: Vec::new() };
                let member = self.members.entry(tab.clone()).or_insert_with(fresh);
                for sid in glance::sids_in(&text) {
                    member.sids.retain(|said| said != sid);
                    if kind != "unsub" {
                        member.sids.push(sid.to_owned());
                    }
                }
                self.out.push_back(TabOutput::Write(text));
            }
            // Over server-sent events. What is not wanted any more does no harm there.
            _ if kind == "sub" => self.renew_soon(now),
            _ if kind == "signal" => self.out.push_back(TabOutput::Signal(text)),
            _ => {}
        }
    }

    /// A follower says something.
    pub(super) fn on_follower(&mut self, tab: Sid, turn: u64, word: Word, now: u64) {
        match word {
            Word::Join => self.on_join(tab, turn, now),
            Word::Send(text) => {
                let hello = glance::kind_in(&text) == "hello";
                let gathering = matches!(self.line, Line::Gathering { .. });
                match self.members.get(&tab).filter(|member| member.turn == turn).map(|member| &member.part) {
                    Some(Part::On) if !hello => self.say(&tab, text, now),
                    Some(Part::Waiting) if hello && gathering => self.say(&tab, text, now),
                    // It was asked for its hello, but the line it was for never came to be.
                    Some(Part::On | Part::Waiting) => self.post(Some(tab), 0, Word::Renew),
                    // It said more after its hello.
                    Some(Part::Said(_)) => self.renew_soon(now),
                    Some(Part::Off) | None => {}
                }
            }
            Word::Ask => self.post(Some(tab), 0, Word::Here(self.visible)),
            _ => {}
        }
    }

    fn on_join(&mut self, tab: Sid, turn: u64, now: u64) {
        self.unsay(&tab);
        // With what is said already, and room for what a tab may want.
        let said: usize = self.members.values().map(|member| member.sids.len()).sum();
        if said > self.session.limits().subscriptions / 4 * 3 {
            self.members.remove(&tab);
            self.post(Some(tab), turn, Word::Full);
            return;
        }
        if self.watched.insert(tab.clone()) {
            self.out.push_back(TabOutput::Watch(tab.clone()));
        }
        self.members.insert(tab.clone(), Member { turn, part: Part::Waiting, sids: Vec::new() });
        self.answer_all(now);
    }

    /// Answers those who wait for a line, as far as there is one.
    fn answer_all(&mut self, now: u64) {
        let waiting = |member: &Member| matches!(member.part, Part::Waiting);
        if !self.members.values().any(waiting) {
            return;
        }
        let answer = match &self.line {
            Line::Up { wire: Wire::WebSocket, welcome } => Word::Up(welcome.clone()),
            Line::Gathering { .. } => Word::Say,
            Line::Down | Line::Opening { wire: Wire::WebSocket, .. } => return,
            Line::Up { .. } | Line::Opening { .. } => return self.renew_soon(now),
        };
        let mut answers = vec![];
        for (tab, member) in self.members.iter_mut().filter(|(_, member)| waiting(member)) {
            if answer != Word::Say {
                member.part = Part::On;
            }
            answers.push((tab.clone(), member.turn));
        }
        answers.into_iter().for_each(|(tab, turn)| self.post(Some(tab), turn, answer.clone()));
    }

    /// More is wanted than this line was made with.
    fn renew_soon(&mut self, now: u64) {
        self.renew_at.get_or_insert(now.saturating_add(GATHER_MS));
    }

    /// Ends what a tab has said on a WebSocket.
    fn unsay(&mut self, tab: &Sid) {
        let said = self.members.get_mut(tab).map(|member| mem::take(&mut member.sids)).unwrap_or_default();
        if matches!(self.line, Line::Up { wire: Wire::WebSocket, .. }) {
            for sid in said {
                self.out.push_back(TabOutput::Write(ClientFrame::Unsub(Unsub { sid }).encode()));
            }
        }
    }

    pub(super) fn on_line_tick(&mut self, now: u64) {
        if self.line_timer().is_none_or(|at| now < at) {
            return;
        }
        if matches!(self.line, Line::Gathering { .. }) {
            self.open_event_source(now);
        } else if self.renew_at.is_some() {
            self.renew(now);
        } else {
            self.choice.probing();
            self.out.push_back(TabOutput::Probe);
        }
    }

    /// Everybody has said what is wanted, or took too long.
    fn open_event_source(&mut self, now: u64) {
        let (mut hellos, mut on) = (vec![], vec![]);
        self.members.retain(|tab, member| {
            let Part::Said(hello) = mem::replace(&mut member.part, Part::On) else { return false };
            hellos.push(hello);
            on.push((tab.clone(), member.turn));
            true
        });
        let wire = Wire::EventSource;
        self.line = Line::Opening { wire, since: now };
        self.out.push_back(TabOutput::Open(wire, glance::merged_hello(hellos.iter())));
        on.retain(|(tab, _)| *tab != self.id);
        on.into_iter().for_each(|(tab, turn)| self.post(Some(tab), turn, Word::Go));
    }

    /// When the line wants something.
    pub(super) fn line_timer(&self) -> Option<u64> {
        match &self.line {
            Line::Gathering { since } => {
                let said = |member: &Member| matches!(member.part, Part::Said(_));
                let wait = match self.role {
                    Role::Alone => 0,
                    _ if self.members.values().all(said) => GATHER_MS,
                    _ => GATHER_AT_MOST_MS,
                };
                Some(since.saturating_add(wait))
            }
            Line::Up { wire: Wire::EventSource, .. } => self.renew_at.or(self.choice.probe_at()),
            Line::Opening { wire: Wire::EventSource, .. } => self.renew_at,
            _ => None,
        }
    }
}

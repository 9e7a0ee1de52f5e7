//! One browser, one line: how a tab's [`ClientSession`] gets its texts to the server and back. It opens no
//! socket, takes no lock and posts no message: its driver does.
//!
//! The tabs of one browser and one person elect a *leader* (whoever holds a lock), and only the leader has a
//! line. The others *follow*: they join the leader's line over a channel, on which the leader posts every text
//! from the server just as it came. Each session takes from it what its own subscriptions are named in, for
//! their names begin with the tab's. Whoever takes the lead makes a new line, and every tab goes on from its
//! own cursors; so nothing is lost or repeated, whenever the lead changes.
//!
//! Over a WebSocket a tab that joins adds its subscriptions to the line that is there. Over server-sent events
//! the set cannot change: the leader collects what all tabs want and makes another line. Either way a tab takes
//! in what the leader posts only after the leader has said that the tab's own subscriptions are on the line:
//! else it would take a flush for its own that considered nothing of what it wants.
//!
//! Where there are no locks or no channel, a tab is *alone*: it has its own line.

mod choice;
mod follow;
mod glance;
mod lead;
mod word;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
};

use self::{
    choice::Choice,
    lead::{Line, Member},
    word::{Note, Word},
};
use crate::{
    client::{ClientConfig, ClientOutput, ClientSession, Status},
    close::CloseCode,
    subscription::Sid,
};

pub use choice::Wire;

/// How often a tab that can be seen looks after the leader and the clock, in milliseconds.
const BEAT_MS: u64 = 3_000;

/// How long the leader may take to answer.
const ANSWER_MS: u64 = 1_000;

/// Questions without an answer after which the lead is taken.
const PATIENCE: u8 = 2;

/// A beat that comes this late: the machine has slept.
const SLEPT_MS: u64 = 10_000;

/// What a tab is made with.
#[derive(Debug, Clone)]
pub struct TabConfig {
    /// Its name among the tabs of this browser, at most 8 characters.
    pub id: Sid,
    /// What its session is made with.
    pub client: ClientConfig,
    /// Whether there are locks and a channel to share a line with.
    pub shared: bool,
    /// Whether it can be seen.
    pub visible: bool,
    /// What a person has chosen, if not to leave it to us.
    pub wish: Option<Wire>,
    /// What worked on the page before.
    pub worked: Option<Wire>,
}

/// What the driver does next.
#[derive(Debug, Clone)]
pub enum TabOutput {
    /// Open a wire. Server-sent events are opened with this `hello` in the address.
    Open(Wire, String),
    /// Close the wire. Nothing that it still says may be fed in any more.
    Close,
    /// Send this text over the WebSocket.
    Write(String),
    /// Post this signal frame, JSON with `subject` and `data`.
    Signal(String),
    /// Try whether a WebSocket can be opened, and answer with [`Tab::on_probe`].
    Probe,
    /// Post this on the channel.
    Post(String),
    /// Ask for the lead, behind those who did before.
    Elect,
    /// Take the lead from whoever has it.
    Steal,
    /// Give the lead up.
    Yield,
    /// Say it with [`Tab::on_tab_gone`] when this tab is gone.
    Watch(Sid),
    /// This is the wire that works now.
    Via(Wire),
    /// For the page; never `Connect`, `Send` or `Disconnect`.
    Page(ClientOutput),
}

/// The machine. See the module's text.
#[derive(Debug)]
pub struct Tab {
    id: Sid,
    session: ClientSession,
    shared: bool,
    role: Role,
    /// The newest lead that is known, and whose it is.
    lead: (u64, Sid),
    /// Who says, while this tab leads, that it does since; and when that is no longer believed.
    rival: Option<((u64, Sid), u64)>,
    /// Whether this tab waits for the lead.
    queued: bool,
    choice: Choice,
    /// How long an attempt may take.
    patience_ms: u64,
    line: Line,
    /// When the line is made anew because more is wanted than it was made with.
    renew_at: Option<u64>,
    /// The tabs that have come to this leader, and itself.
    members: BTreeMap<Sid, Member>,
    /// Counts this tab's attempts to join a leader's line.
    turn: u64,
    /// Whether this tab, as a follower, is on the leader's line.
    joined: bool,
    watched: BTreeSet<Sid>,
    visible: bool,
    beat: u64,
    unanswered: u8,
    stopped: Option<u16>,
    via: Option<Wire>,
    out: VecDeque<TabOutput>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Alone,
    Leader,
    Follower,
}

impl Tab {
    /// Not started yet.
    #[must_use]
    pub fn new(config: TabConfig) -> Self {
        let TabConfig { id, client, shared, visible, wish, worked } = config;
        let patience_ms = client.connect_ms;
        Self {
            session: ClientSession::new(ClientConfig { prefix: id.to_string(), ..client }),
            shared,
            role: if shared { Role::Follower } else { Role::Alone },
            lead: (0, id.clone()),
            rival: None,
            id,
            queued: false,
            choice: Choice::new(wish, worked),
            patience_ms,
            line: Line::Down,
            renew_at: None,
            members: BTreeMap::new(),
            turn: 0,
            joined: false,
            watched: BTreeSet::new(),
            visible,
            beat: 0,
            unanswered: 0,
            stopped: None,
            via: None,
            out: VecDeque::new(),
        }
    }

    /// Begins to connect; again, after the server has stopped it.
    pub fn start(&mut self, now: u64) {
        self.session.start(now);
        self.beat = now.saturating_add(ANSWER_MS);
        self.queue();
    }

    /// There are no locks after all. Before [`Self::start`].
    pub fn go_alone(&mut self) {
        (self.shared, self.role) = (false, Role::Alone);
    }

    /// What the page subscribes with. [`Self::poll`] says what comes of it.
    pub fn session(&mut self) -> &mut ClientSession {
        &mut self.session
    }

    /// The page can be seen from now on, or no longer.
    pub fn set_visible(&mut self, visible: bool, now: u64) {
        self.visible = visible;
        if visible {
            self.beat = now.saturating_add(ANSWER_MS);
            self.unanswered = 0;
            self.session.on_visible(now);
        }
    }

    /// A person has chosen a wire, or leaves it to us again.
    pub fn set_wish(&mut self, wish: Option<Wire>, now: u64) {
        if !self.choice.wish(wish) {
            return;
        }
        let wire = match &self.line {
            Line::Down => return,
            Line::Gathering { .. } => Wire::EventSource,
            Line::Opening { wire, .. } | Line::Up { wire, .. } => *wire,
        };
        if wire != self.choice.next() {
            self.renew(now);
        }
    }

    /// Another tab of this browser has posted this.
    pub fn on_note(&mut self, line: &str, now: u64) {
        let Some(Note { from, to, term, turn, word }) = Note::parse(line) else { return };
        if self.role == Role::Alone || from == self.id || to.is_some_and(|to| to != self.id) {
            return;
        }
        match word {
            Word::Join | Word::Send(_) | Word::Ask => {
                if self.role == Role::Leader {
                    self.on_follower(from, turn, word, now);
                }
            }
            word => {
                let claim = (term, from);
                if claim < self.lead {
                    // Whoever was replaced may not know it yet.
                } else if self.role == Role::Leader {
                    // The lock decides; it is about to say so, or the other is wrong.
                    self.rival = Some((claim, now.saturating_add(ANSWER_MS)));
                } else {
                    self.lead = claim;
                    self.follow(turn, word, now);
                }
            }
        }
    }

    /// This tab has the lead; `stolen` if it took it.
    pub fn on_lead(&mut self, stolen: bool, now: u64) {
        self.queued &= stolen;
        if self.role == Role::Alone || self.session.is_off() {
            self.out.push_back(TabOutput::Yield);
            return;
        }
        self.role = Role::Leader;
        self.members.clear();
        self.beat = now.saturating_add(BEAT_MS);
        self.claim(now);
    }

    /// Another tab has taken the lead.
    pub fn on_lead_lost(&mut self, now: u64) {
        if self.role == Role::Leader {
            if let Some((claim, _)) = self.rival.take() {
                self.lead = claim;
            }
            self.step_down(now);
        }
    }

    /// The instant of [`Self::next_timer`] has come, or any other.
    pub fn on_tick(&mut self, now: u64) {
        if self.visible && now >= self.beat && !self.session.is_off() {
            self.on_beat(now);
        }
        if let Some(((term, _), at)) = self.rival
            && now >= at
        {
            self.lead.0 = self.lead.0.max(term);
            self.claim(now);
        }
        self.session.on_tick(now);
        self.on_line_tick(now);
    }

    /// When [`Self::on_tick`] wants to be called.
    #[must_use]
    pub fn next_timer(&self) -> Option<u64> {
        let beat = (self.visible && !self.session.is_off()).then_some(self.beat);
        let rival = self.rival.as_ref().map(|(_, at)| *at);
        [beat, rival, self.session.next_timer(), self.line_timer()].into_iter().flatten().min()
    }

    /// What the driver does next. Call it until it is empty, after everything that was fed in.
    pub fn poll(&mut self, now: u64) -> Option<TabOutput> {
        while self.out.is_empty() {
            match self.session.poll()? {
                ClientOutput::Connect if self.role == Role::Follower => self.join(),
                ClientOutput::Connect => self.connect(now),
                ClientOutput::Send(text) if self.role == Role::Follower => self.ask_to_send(text),
                ClientOutput::Send(text) => self.say(&self.id.clone(), text, now),
                ClientOutput::Disconnect if self.role == Role::Follower => self.joined = false,
                ClientOutput::Disconnect => self.disconnect(now),
                ClientOutput::Status(status) => self.on_status(status),
                other => self.out.push_back(TabOutput::Page(other)),
            }
        }
        self.out.pop_front()
    }

    /// Says that this tab leads, later than all who were heard of.
    fn claim(&mut self, now: u64) {
        self.rival = None;
        self.lead = (now.max(self.lead.0.saturating_add(1)), self.id.clone());
        self.renew(now);
    }

    fn on_beat(&mut self, now: u64) {
        let slept = now.saturating_sub(self.beat) >= SLEPT_MS;
        if self.role == Role::Follower {
            self.look_after_leader(slept, now);
        } else {
            self.beat = now.saturating_add(BEAT_MS);
            // A line from before is not trusted.
            if slept && matches!(self.line, Line::Up { .. }) {
                self.renew(now);
            }
        }
    }

    fn on_status(&mut self, status: Status) {
        self.stopped = if let Status::Stopped { code, .. } = status { Some(code) } else { None };
        if self.stopped.is_some() && self.role == Role::Leader {
            (self.role, self.rival) = (Role::Follower, None);
            self.out.push_back(TabOutput::Yield);
        }
        self.out.push_back(TabOutput::Page(ClientOutput::Status(status)));
    }

    fn queue(&mut self) {
        if self.shared && !mem::replace(&mut self.queued, true) {
            self.out.push_back(TabOutput::Elect);
        }
    }

    /// There is a line again: whoever waits for one waits no longer.
    fn revive(&mut self, now: u64) {
        if self.stopped == Some(CloseCode::Unauthorised.into()) {
            // Somebody has signed in again, as the same person: the line was made as theirs.
            self.start(now);
        } else if !self.session.is_connecting() {
            self.session.on_visible(now);
        }
    }

    fn works(&mut self, wire: Wire, now: u64) {
        self.choice.worked(wire, now);
        if self.via.replace(wire) != Some(wire) {
            self.out.push_back(TabOutput::Via(wire));
        }
    }

    fn post(&mut self, to: Option<Sid>, turn: u64, word: Word) {
        if self.role != Role::Alone {
            let term = if self.role == Role::Leader { self.lead.0 } else { 0 };
            let note = Note { from: self.id.clone(), to, term, turn, word };
            self.out.push_back(TabOutput::Post(note.encode()));
        }
    }
}

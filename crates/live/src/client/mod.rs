//! All connections of one page, one after another: when to connect, what to ask for, what to apply, and what
//! to do when something is missing. It opens no socket, folds no view and fetches nothing: its driver does.

mod coming;
mod line;
mod subs;
mod types;

use std::{collections::VecDeque, mem, sync::Arc};

use domain::{Cursor, Epoch, Pattern, Recorded, Subject};
use serde_json::value::RawValue;

use self::{
    line::Line,
    subs::{Flushed, Remedy, Subs},
};
use crate::{
    backoff::Backoff,
    frames::{
        self, Bye, ClientFrame, Flush, FrameError, Hello, Limits, ServerFrame, Subbed, Unsub, VERSION,
        Welcome,
    },
    subscription::{OnGap, Outcome, Sid},
};

pub use types::{ClientConfig, ClientOutput, Status};

/// The server takes a subscription that it does not take now a little later.
const TOO_SOON: &str = "too_many_subscribes";

/// How long to wait then, in milliseconds, the first time.
const AGAIN_MS: u64 = 1_000;

/// The server takes a subscription that it does not take now once there is room on the connection.
const NO_ROOM: &str = "too_many_subscriptions";

/// The machine. See the module's text.
#[derive(Debug)]
pub struct ClientSession {
    config: ClientConfig,
    backoff: Backoff,
    line: Line,
    /// What the device says.
    offline: bool,
    subs: Subs,
    /// Events whose flush has not come yet.
    waiting: Vec<Arc<Recorded>>,
    limits: Limits,
    /// When what came too soon is said again, and how long was waited for that.
    again: Option<u64>,
    again_ms: u64,
    /// Something waits for room.
    crowded: bool,
    told_new_build: bool,
    status: Option<Status>,
    out: VecDeque<ClientOutput>,
}

impl ClientSession {
    /// A page that is not connected yet.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        Self {
            backoff: Backoff::new(config.seed, config.base_ms, config.cap_ms),
            subs: Subs::new(&config.prefix),
            config,
            line: Line::Idle,
            offline: false,
            waiting: Vec::new(),
            limits: Limits::default(),
            again: None,
            again_ms: AGAIN_MS,
            crowded: false,
            told_new_build: false,
            status: None,
            out: VecDeque::new(),
        }
    }

    /// What a line may hold, by the last welcome.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Subscribes, now and on every later connection. `since` is the cursor of the view at hand; without one,
    /// it begins at the head. The same name again replaces the earlier subscription.
    pub fn subscribe(&mut self, sid: Sid, pattern: Pattern, since: Option<Cursor>, on_gap: OnGap) {
        self.unsubscribe(&sid);
        self.subs.insert(sid.clone(), pattern, since, on_gap);
        self.say(&sid);
    }

    /// Ends a subscription.
    pub fn unsubscribe(&mut self, sid: &Sid) {
        let wire = self.subs.remove(sid);
        let room = wire.is_some();
        self.unsay(wire);
        if room && mem::take(&mut self.crowded) && self.is_up() {
            self.say_unsaid();
        }
    }

    /// The fresh view that [`ClientOutput::Resync`] asked for is there, and stands at `since`. Ignored if
    /// none was asked for (any more).
    pub fn resynced(&mut self, sid: &Sid, since: Cursor) {
        if self.subs.resynced(sid, since) {
            self.say(sid);
        }
    }

    /// Where a subscription stands.
    #[must_use]
    pub fn cursor(&self, sid: &Sid) -> Option<Cursor> {
        self.subs.get(sid).and_then(|held| held.cursor)
    }

    /// Which life of the log the server serves, while connected: what a bare position needs to be a cursor.
    #[must_use]
    pub fn epoch(&self) -> Option<Epoch> {
        if let Line::Up { epoch, .. } = self.line { Some(epoch) } else { None }
    }

    /// Sends something ephemeral, if connected; else it is forgotten.
    pub fn signal(&mut self, subject: Subject, data: Box<RawValue>) {
        if matches!(self.line, Line::Up { .. }) {
            self.send(&ClientFrame::Signal(frames::Signal { subject, data, actor: None }));
        }
    }

    /// The socket is open.
    pub fn on_open(&mut self, now: u64) {
        if matches!(self.line, Line::Connecting { .. }) {
            self.line = Line::Greeting { until: now.saturating_add(self.config.connect_ms) };
            let subs = self.subs.say_all(true);
            self.send(&ClientFrame::Hello(Hello { v: VERSION, subs }));
        }
    }

    /// There is a line on which somebody else has said `hello` and was answered with this `welcome`. What this
    /// session wants is added to it.
    pub fn on_joined(&mut self, welcome: &str, now: u64) {
        if self.is_connecting() {
            self.line = Line::Greeting { until: now.saturating_add(self.config.connect_ms) };
            self.on_text(welcome, now);
            if self.is_up() {
                self.say_unsaid();
            }
        }
    }

    /// A text message came.
    pub fn on_text(&mut self, text: &str, now: u64) {
        if let Line::Up { heard, .. } = &mut self.line {
            *heard = now;
        }
        for frame in frames::split(text) {
            if !self.line.is_open() {
                return;
            }
            match ServerFrame::parse(frame) {
                Ok(frame) => self.on_frame(frame, now),
                // A newer server may say more than this page understands.
                Err(FrameError::UnknownKind(_)) => {}
                Err(error @ FrameError::BadEvent(_)) => {
                    let (code, why) = (error.code().to_owned(), error.to_string());
                    self.out.push_back(ClientOutput::Refused { sid: None, code, why });
                }
                Err(_) => self.fail(now),
            }
        }
        if self.offline && matches!(self.line, Line::Up { .. }) {
            self.offline = false;
            self.say_status(Status::Live);
        }
    }

    /// The socket was closed, or could not be opened; with the close code if one came.
    pub fn on_close(&mut self, code: Option<u16>, now: u64) {
        if self.line.has_socket() {
            let why = "The server closed the connection.".to_owned();
            let bye = code.map(|code| Bye { code, why, retry_ms: 0, spread_ms: 0 });
            self.lost(bye, now);
        }
    }

    /// The instant of [`Self::next_timer`] has come, or any other.
    pub fn on_tick(&mut self, now: u64) {
        if self.again.is_some_and(|at| now >= at) {
            self.again = None;
            if self.is_up() {
                self.say_unsaid();
            }
        }
        match self.line {
            Line::Waiting { at, .. } if now >= at => self.connect(now),
            line if line.has_socket() && line.timer().is_some_and(|at| now >= at) => self.fail(now),
            _ => {}
        }
    }

    /// When [`Self::on_tick`] wants to be called.
    #[must_use]
    pub fn next_timer(&self) -> Option<u64> {
        self.line.timer().into_iter().chain(self.again).min()
    }

    /// What the driver does next. Call it until it is empty.
    pub fn poll(&mut self) -> Option<ClientOutput> {
        self.out.pop_front()
    }

    fn on_frame(&mut self, frame: ServerFrame, now: u64) {
        match (self.line, frame) {
            (Line::Greeting { .. }, ServerFrame::Welcome(welcome)) => self.on_welcome(welcome, now),
            (_, ServerFrame::Ping) => self.send(&ClientFrame::Pong),
            (_, ServerFrame::Bye(bye)) => {
                self.out.push_back(ClientOutput::Disconnect);
                self.lost(Some(bye), now);
            }
            (Line::Up { .. }, ServerFrame::Event(frame)) => self.waiting.push(Arc::new(frame.event)),
            (Line::Up { .. }, ServerFrame::Flush(flush)) => self.on_flush(&flush, now),
            (Line::Up { epoch, .. }, ServerFrame::Subbed(subbed)) => self.on_subbed(&subbed, epoch, now),
            (Line::Up { .. }, ServerFrame::Signal(frames::Signal { subject, data, actor })) => {
                self.out.push_back(ClientOutput::Signal { subject, data, actor });
            }
            (Line::Up { .. }, ServerFrame::Refused(refused)) => {
                let sid = refused.sid.as_ref().and_then(|wire| self.subs.by_wire(wire));
                match sid {
                    Some(sid) if refused.code == TOO_SOON => {
                        self.take_back(&sid);
                        self.say_later(now);
                    }
                    Some(sid) if refused.code == NO_ROOM => {
                        self.take_back(&sid);
                        self.crowded = true;
                    }
                    None if refused.sid.is_some() => {}
                    sid => {
                        sid.as_ref().map(|sid| self.subs.remove(sid));
                        let code = refused.code.into_owned();
                        self.out.push_back(ClientOutput::Refused { sid, code, why: refused.why });
                    }
                }
            }
            _ => {}
        }
    }

    /// The server did not take a subscription. Whoever shares the line is told that it is not on it.
    fn take_back(&mut self, sid: &Sid) {
        let wire = self.subs.unsay(sid);
        self.unsay(wire);
    }

    /// What is not said is said again, later and later.
    fn say_later(&mut self, now: u64) {
        if self.again.is_none() {
            self.again = Some(now.saturating_add(self.again_ms));
            self.again_ms = self.again_ms.saturating_mul(2).min(self.config.cap_ms);
        }
    }

    fn say_unsaid(&mut self) {
        for sub in self.subs.say_all(false) {
            self.send(&ClientFrame::Sub(sub));
        }
    }

    fn on_welcome(&mut self, welcome: Welcome, now: u64) {
        let silence_ms = welcome.ping_ms.saturating_add(self.config.pong_ms);
        self.line = Line::Up { epoch: welcome.epoch, since: now, heard: now, silence_ms };
        self.offline = false;
        self.limits = welcome.limits;
        (self.again, self.again_ms, self.crowded) = (None, AGAIN_MS, false);
        self.say_status(Status::Live);
        let build = self.config.build.get_or_insert_with(|| welcome.build.to_string());
        if *build != welcome.build && !mem::replace(&mut self.told_new_build, true) {
            self.out.push_back(ClientOutput::NewBuild(welcome.build.into_owned()));
        }
        for sid in self.subs.foreign_to(welcome.epoch) {
            self.resync(sid);
        }
    }

    fn on_subbed(&mut self, subbed: &Subbed, epoch: Epoch, now: u64) {
        let Some(sid) = self.subs.by_wire(&subbed.sid) else { return };
        let cursor = subbed.pos.map(|position| Cursor { epoch, position });
        match (subbed.outcome, cursor) {
            (Outcome::Resync, _) => {
                self.subs.resync(&sid);
                self.out.push_back(ClientOutput::Resync { sid });
            }
            (Outcome::Live | Outcome::Replaying, None) => self.fail(now),
            (outcome, Some(at)) => {
                if let Some(cursor) = self.subs.begin(&sid, at) {
                    self.out.push_back(ClientOutput::Advanced { sid: sid.clone(), cursor });
                }
                if outcome == Outcome::Live {
                    if self.subs.go_live(&sid, at.position) {
                        self.out.push_back(ClientOutput::Live { sid });
                    } else {
                        self.on_gap(&sid, now);
                    }
                }
            }
        }
    }

    fn on_flush(&mut self, flush: &Flush, now: u64) {
        let events = mem::take(&mut self.waiting);
        for flushed in self.subs.flush(flush, &events) {
            match flushed {
                Flushed::Upto { sid, events, cursor } => {
                    for event in events {
                        self.out.push_back(ClientOutput::Apply { sid: sid.clone(), event });
                    }
                    self.out.push_back(ClientOutput::Advanced { sid, cursor });
                }
                Flushed::Gap { sid } => self.on_gap(&sid, now),
            }
        }
    }

    fn on_gap(&mut self, sid: &Sid, now: u64) {
        match self.subs.remedy(sid) {
            Some(Remedy::Resume { ended, sub }) => {
                self.unsay(Some(ended));
                self.send(&ClientFrame::Sub(sub));
            }
            Some(Remedy::Resync { ended }) => {
                self.unsay(Some(ended));
                self.out.push_back(ClientOutput::Resync { sid: sid.clone() });
            }
            Some(Remedy::Reconnect) => self.fail(now),
            None => {}
        }
    }

    fn resync(&mut self, sid: Sid) {
        let wire = self.subs.resync(&sid);
        self.unsay(wire);
        self.out.push_back(ClientOutput::Resync { sid });
    }

    fn say(&mut self, sid: &Sid) {
        if self.line.is_open()
            && let Some(sub) = self.subs.say(sid, false)
        {
            self.send(&ClientFrame::Sub(sub));
        }
    }

    fn unsay(&mut self, wire: Option<Sid>) {
        if let Some(wire) = wire {
            self.send(&ClientFrame::Unsub(Unsub { sid: wire.into() }));
        }
    }

    fn send(&mut self, frame: &ClientFrame) {
        self.out.push_back(ClientOutput::Send(frame.encode()));
    }

    fn say_status(&mut self, status: Status) {
        if self.status.as_ref() != Some(&status) {
            self.status = Some(status.clone());
            self.out.push_back(ClientOutput::Status(status));
        }
    }
}

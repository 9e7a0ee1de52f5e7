//! One connection, as the server sees it: who may say what when, which subscriptions there are and in which
//! group each is read, and what is written. It reads no log and knows no audience: the hub's driver does.
//!
//! Subscriptions are read in *groups*. `hello` opens group 0, the main group, in one merged pass from the
//! earliest cursor. A later `sub` opens a group of its own, which is read on its own and moves nothing else,
//! until the driver has brought it to where the main group is and calls [`ServerSession::on_live`].

mod bucket;
mod types;

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use domain::{Pattern, Position};

use self::bucket::{Bucket, Taken};
use crate::{
    batch::Batch,
    close::CloseCode,
    frames::{self, Bye, ClientFrame, Flush, FrameError, Refused, ServerFrame, Subbed, VERSION, Welcome},
    subscription::{OnGap, Outcome, Sid},
};

pub use types::{OpenSub, Outgoing, ServerConfig, ServerOutput};

/// The group that `hello` opens and that others are merged into.
pub const MAIN: u32 = 0;

/// The machine. See the module's text.
#[derive(Debug)]
pub struct ServerSession {
    config: ServerConfig,
    phase: Phase,
    subs: Vec<Held>,
    last_group: u32,
    next_ping: u64,
    pong_by: Option<u64>,
    subscribes: Bucket,
    signals: Bucket,
    /// Whether the client can say anything.
    answers: bool,
    out: VecDeque<ServerOutput>,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Greeting { until: u64 },
    Open,
    Closed,
}

#[derive(Debug)]
struct Held {
    sid: Sid,
    group: u32,
    since: Option<Position>,
    live: bool,
}

impl ServerSession {
    /// A connection that was opened just now; `hello` is awaited.
    #[must_use]
    pub fn new(config: ServerConfig, now: u64) -> Self {
        Self {
            phase: Phase::Greeting { until: now.saturating_add(config.hello_ms) },
            subs: Vec::new(),
            last_group: MAIN,
            next_ping: now.saturating_add(config.ping_ms),
            pong_by: None,
            // A page that has just come asks for everything at once.
            subscribes: Bucket::full(config.limits.subscribes_per_s, config.limits.subscriptions, now),
            signals: Bucket::full(config.limits.signals_per_s, 0, now),
            out: VecDeque::new(),
            answers: true,
            config,
        }
    }

    /// A connection over which the client says nothing but its `hello`, which came with the request: an event
    /// stream. Pings are not waited for.
    #[must_use]
    pub fn one_way(config: ServerConfig, hello: frames::Hello, now: u64) -> Self {
        let mut session = Self { answers: false, ..Self::new(config, now) };
        session.on_hello(hello, now);
        session
    }

    /// A text message came.
    pub fn on_text(&mut self, text: &str, now: u64) {
        self.pong_by = None;
        let most = self.config.limits.frame_bytes;
        if text.len() > most {
            self.fault(&FrameError::TooLarge { bytes: text.len(), most });
            return;
        }
        for frame in frames::split(text) {
            if self.is_closed() {
                return;
            }
            match ClientFrame::parse(frame) {
                Ok(frame) => self.on_frame(frame, now),
                Err(error) => self.fault(&error),
            }
        }
    }

    /// The instant of [`Self::next_timer`] has come, or any other.
    pub fn on_tick(&mut self, now: u64) {
        match self.phase {
            Phase::Greeting { until } if now >= until => {
                self.end(CloseCode::HelloLate, "The first frame, hello, did not come in time.");
            }
            Phase::Open if self.pong_by.is_some_and(|by| now >= by) => {
                self.end(CloseCode::Stalled, "No answer came to a ping.");
            }
            Phase::Open if now >= self.next_ping => {
                self.next_ping = now.saturating_add(self.config.ping_ms);
                if self.answers {
                    self.pong_by.get_or_insert(now.saturating_add(self.config.pong_ms));
                }
                self.frame(ServerFrame::Ping);
            }
            _ => {}
        }
    }

    /// When [`Self::on_tick`] wants to be called; `None` once the connection has ended.
    #[must_use]
    pub fn next_timer(&self) -> Option<u64> {
        match self.phase {
            Phase::Greeting { until } => Some(until),
            Phase::Open => Some(self.pong_by.map_or(self.next_ping, |by| by.min(self.next_ping))),
            Phase::Closed => None,
        }
    }

    /// The driver has opened a group's reader. `outcomes` names every subscription of [`ServerOutput::Open`].
    /// `head` is where the log ended then: where a subscription without a cursor begins, and up to where there
    /// was nothing for one that is [`Outcome::Live`] at once and is read with the main group from now on (whose
    /// reader has not gone past it).
    pub fn on_opened(&mut self, group: u32, outcomes: Vec<(Sid, Outcome)>, head: Position) {
        for (sid, outcome) in outcomes {
            // It may have been closed meanwhile, and its name used again.
            let Some(at) = self.subs.iter().position(|sub| sub.sid == sid && sub.group == group) else {
                continue;
            };
            let since = self.subs[at].since.unwrap_or(head).min(head);
            let pos = match outcome {
                Outcome::Resync => {
                    self.subs.remove(at);
                    None
                }
                Outcome::Replaying => Some(since),
                Outcome::Live => {
                    self.subs[at].group = MAIN;
                    self.subs[at].live = true;
                    if since < head {
                        let flush = Flush { pos: head, prev: since, sids: Some(vec![sid.clone()]) };
                        self.frame(ServerFrame::Flush(flush));
                    }
                    Some(head)
                }
            };
            self.frame(ServerFrame::Subbed(Subbed { sid, outcome, pos }));
        }
    }

    /// The driver has read on for a group.
    pub fn on_batch(&mut self, group: u32, batch: Arc<Batch>) {
        if self.phase != Phase::Open {
            return;
        }
        if group == MAIN {
            return self.write(Outgoing::Batch(batch));
        }
        let sids: Vec<Sid> =
            self.subs.iter().filter(|sub| sub.group == group).map(|sub| sub.sid.clone()).collect();
        if !sids.is_empty() {
            self.write(Outgoing::Apart { batch, sids });
        }
    }

    /// A group has caught up at `pos`, which is where its last batch ended (if it had any). For a later group
    /// this means: from here on the driver reads it as part of the main group, whose reader has not gone past
    /// `pos`.
    pub fn on_live(&mut self, group: u32, pos: Position) {
        let mut arrived = Vec::new();
        for sub in self.subs.iter_mut().filter(|sub| sub.group == group && !sub.live) {
            sub.group = MAIN;
            sub.live = true;
            arrived.push(sub.sid.clone());
        }
        for sid in arrived {
            self.frame(ServerFrame::Subbed(Subbed { sid, outcome: Outcome::Live, pos: Some(pos) }));
        }
    }

    /// Something was not done that concerns no subscription: a signal that the driver did not let through.
    pub fn refuse(&mut self, code: &'static str, why: impl Into<String>) {
        if self.phase == Phase::Open {
            self.frame(ServerFrame::Refused(refused(None, code, why.into())));
        }
    }

    /// A signal for this connection, encoded by [`frames::signal_frame`].
    pub fn on_signal(&mut self, frame: Bytes) {
        if self.phase == Phase::Open {
            self.write(Outgoing::Signal(frame));
        }
    }

    /// The server is about to restart: come back after `retry_ms` and a random share of `spread_ms`.
    pub fn drain(&mut self, retry_ms: u64, spread_ms: u64) {
        self.bye(
            CloseCode::Drain.into(),
            "The server restarts; this page comes back by itself.",
            retry_ms,
            spread_ms,
        );
    }

    /// Ends the connection. See [`CloseCode`] for the numbers this build gives.
    pub fn end(&mut self, code: impl Into<u16>, why: impl Into<String>) {
        self.bye(code.into(), why, 0, 0);
    }

    /// Whether the connection has ended; nothing is taken in any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// What the driver does next. Call it until it is empty.
    pub fn poll(&mut self) -> Option<ServerOutput> {
        self.out.pop_front()
    }

    fn on_frame(&mut self, frame: ClientFrame, now: u64) {
        match (&self.phase, frame) {
            (Phase::Greeting { .. }, ClientFrame::Hello(hello)) => self.on_hello(hello, now),
            (Phase::Greeting { .. }, _) => {
                self.end(CloseCode::HelloExpected, "The first frame must be hello.");
            }
            (Phase::Open, ClientFrame::Hello(_)) => {
                self.end(CloseCode::HelloTwice, "hello may be said once.");
            }
            (Phase::Open, ClientFrame::Sub(sub)) => self.on_sub(sub, now),
            (Phase::Open, ClientFrame::Unsub(unsub)) => {
                if let Some(index) = self.subs.iter().position(|sub| sub.sid.as_str() == unsub.sid) {
                    let sid = self.subs.remove(index).sid;
                    self.out.push_back(ServerOutput::Close { sid });
                }
            }
            (Phase::Open, ClientFrame::Signal(signal)) => self.on_client_signal(signal, now),
            (Phase::Open, ClientFrame::Pong) | (Phase::Closed, _) => {}
        }
    }

    fn on_hello(&mut self, hello: frames::Hello, now: u64) {
        if hello.v != VERSION {
            let asked = hello.v;
            self.end(
                CloseCode::Version,
                format!(
                    "This server speaks version {VERSION} of the live protocol, not {asked}. Reload the page."
                ),
            );
            return;
        }
        self.phase = Phase::Open;
        self.next_ping = now.saturating_add(self.config.ping_ms);
        self.frame(ServerFrame::Welcome(Welcome {
            conn: self.config.conn.clone(),
            epoch: self.config.epoch,
            head: self.config.head,
            build: self.config.build.to_string().into(),
            ping_ms: self.config.ping_ms,
            limits: self.config.limits,
        }));
        let subs = hello.subs.into_iter().filter_map(|sub| self.admit(sub, MAIN)).collect();
        self.out.push_back(ServerOutput::Open { group: MAIN, subs });
    }

    /// Each opens a reader of the log and costs the hub a turn, however soon it is closed again.
    fn on_sub(&mut self, sub: frames::Sub, now: u64) {
        if let Taken::No { .. } = self.subscribes.take(now) {
            let most = self.config.limits.subscribes_per_s;
            let why = format!("At most {most} new subscriptions a second. Try this one again later.");
            self.frame(ServerFrame::Refused(refused(Sid::new(sub.sid).ok(), "too_many_subscribes", why)));
            return;
        }
        let group = self.last_group.wrapping_add(1).max(1);
        if let Some(sub) = self.admit(sub, group) {
            self.last_group = group;
            self.out.push_back(ServerOutput::Open { group, subs: vec![sub] });
        }
    }

    /// Checks a wish to subscribe; refuses it, or holds it.
    fn admit(&mut self, sub: frames::Sub, group: u32) -> Option<OpenSub> {
        match self.check(sub) {
            Ok(sub) => {
                let since = sub.since.map(|cursor| cursor.position);
                self.subs.push(Held { sid: sub.sid.clone(), group, since, live: false });
                Some(sub)
            }
            Err(refused) => {
                self.frame(ServerFrame::Refused(refused));
                None
            }
        }
    }

    fn check(&self, sub: frames::Sub) -> Result<OpenSub, Refused> {
        let sid = Sid::new(sub.sid).map_err(|error| refused(None, "bad_sid", error.to_string()))?;
        let refused = |code, why: String| refused(Some(sid.clone()), code, why);
        if self.subs.iter().any(|held| held.sid == sid) {
            return Err(refused("duplicate_sid", format!("There is already a subscription named {sid}.")));
        }
        let most = self.config.limits.subscriptions;
        if self.subs.len() >= most {
            let why = format!("A connection holds at most {most} subscriptions.");
            return Err(refused("too_many_subscriptions", why));
        }
        let pattern = Pattern::new(sub.pattern)
            .map_err(|error| refused("bad_pattern", format!("The pattern is not valid: {error}.")))?;
        let since = sub
            .since
            .map(|cursor| cursor.parse().map_err(|error| refused("bad_cursor", format!("{error}."))))
            .transpose()?;
        let on_gap = sub
            .on_gap
            .map_or(Ok(OnGap::default()), |text| text.parse())
            .map_err(|error| refused("bad_on_gap", error.to_string()))?;
        Ok(OpenSub { sid, pattern, since, on_gap })
    }

    fn on_client_signal(&mut self, signal: frames::Signal, now: u64) {
        if !signal.subject.is_signal() {
            let why = "A signal's subject begins with \"signal.\".".to_owned();
            self.frame(ServerFrame::Refused(refused(None, "bad_signal", why)));
            return;
        }
        match self.signals.take(now) {
            Taken::Yes => {
                self.out.push_back(ServerOutput::Signal { subject: signal.subject, data: signal.data });
            }
            Taken::No { first: true } => {
                let most = self.config.limits.signals_per_s;
                let why = format!("At most {most} signals a second; the rest is dropped.");
                self.frame(ServerFrame::Refused(refused(None, "too_many_signals", why)));
            }
            Taken::No { first: false } => {}
        }
    }

    fn fault(&mut self, error: &FrameError) {
        self.end(error.close(), error.to_string());
    }

    fn bye(&mut self, code: u16, why: impl Into<String>, retry_ms: u64, spread_ms: u64) {
        if self.is_closed() {
            return;
        }
        let why = why.into();
        self.frame(ServerFrame::Bye(Bye { code, why: why.clone(), retry_ms, spread_ms }));
        self.phase = Phase::Closed;
        self.subs = Vec::new();
        self.out.push_back(ServerOutput::Disconnect { code, why });
    }

    fn frame(&mut self, frame: ServerFrame) {
        self.write(Outgoing::Frame(frame));
    }

    /// What waits together leaves together.
    fn write(&mut self, frames: Outgoing) {
        if let Some(ServerOutput::Write(waiting)) = self.out.back_mut() {
            waiting.push(frames);
        } else {
            self.out.push_back(ServerOutput::Write(vec![frames]));
        }
    }
}

fn refused(sid: Option<Sid>, code: &'static str, why: String) -> Refused {
    Refused { sid, code: code.into(), why }
}

//! When a session connects, when it gives a line up, and when it comes back.

use std::mem;

use super::{ClientOutput, ClientSession, Line, Status};
use crate::{close::Close, frames::Bye};

impl ClientSession {
    /// Begins to connect; again, after the server has stopped it.
    pub fn start(&mut self, now: u64) {
        if self.line.is_off() {
            self.backoff.reset();
            self.connect(now);
        }
    }

    /// Ends the connection and makes no other, until [`Self::start`]. Cursors are kept.
    pub fn stop(&mut self) {
        self.drop_line();
        self.line = Line::Idle;
        self.status = None;
    }

    /// The way to the server has changed: leaves the line and makes another at once. That is no failure. Does
    /// nothing while the session is off.
    pub fn renew(&mut self, now: u64) {
        if self.line.has_socket() {
            self.drop_line();
            self.connect(now);
        } else {
            self.hurry(now);
        }
    }

    /// Whether the server has welcomed this session on the present line.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self.line, Line::Up { .. })
    }

    /// Whether a line was asked for that has not been opened yet.
    #[must_use]
    pub fn is_connecting(&self) -> bool {
        matches!(self.line, Line::Connecting { .. })
    }

    /// Whether nothing is tried before [`Self::start`] is called.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.line.is_off()
    }

    /// The device has a network again. A connection from before is not trusted.
    pub fn on_online(&mut self, now: u64) {
        self.backoff.reset();
        if mem::take(&mut self.offline) && !self.line.is_off() {
            let earliest = if let Line::Waiting { earliest, .. } = self.line { earliest } else { now };
            self.drop_line();
            self.line = Line::Waiting { at: earliest, earliest };
        }
        self.hurry(now);
    }

    /// The device says that it has no network. It may be wrong: what is connected stays so.
    pub fn on_offline(&mut self) {
        self.offline = true;
        if !self.line.is_off() {
            self.say_status(Status::Offline);
        }
    }

    /// The page can be seen again; its timers may have slept.
    pub fn on_visible(&mut self, now: u64) {
        self.backoff.reset();
        self.hurry(now);
        self.on_tick(now);
    }

    pub(super) fn connect(&mut self, now: u64) {
        self.line = Line::Connecting { until: now.saturating_add(self.config.connect_ms) };
        self.say_status(if self.offline { Status::Offline } else { Status::Connecting });
        self.out.push_back(ClientOutput::Connect);
    }

    /// Somebody is waiting.
    pub(super) fn hurry(&mut self, now: u64) {
        if let Line::Waiting { earliest, .. } = self.line {
            if now >= earliest {
                self.connect(now);
            } else {
                self.wait(earliest, earliest);
            }
        }
    }

    pub(super) fn wait(&mut self, at: u64, earliest: u64) {
        self.line = Line::Waiting { at, earliest };
        self.say_status(if self.offline { Status::Offline } else { Status::Reconnecting { at } });
    }

    /// This connection is of no use: end it, and try again later.
    pub(super) fn fail(&mut self, now: u64) {
        self.out.push_back(ClientOutput::Disconnect);
        self.lost(None, now);
    }

    pub(super) fn lost(&mut self, bye: Option<Bye>, now: u64) {
        let stable =
            matches!(self.line, Line::Up { since, .. } if now.saturating_sub(since) >= self.config.stable_ms);
        if stable {
            self.backoff.reset();
        }
        self.forget_line();
        let bye = bye.as_ref();
        let earliest = now.saturating_add(bye.map_or(0, |bye| bye.retry_ms));
        let wait = match (Close::of(bye.map(|bye| bye.code)), bye) {
            (Close::Stop, Some(Bye { code, why, .. })) => {
                self.line = Line::Stopped;
                self.say_status(Status::Stopped { code: *code, why: why.clone() });
                return;
            }
            (Close::Spread, Some(bye)) => {
                let share = self.backoff.share_of(bye.spread_ms);
                // Sent away again and again, at once: that is a failure like any other.
                if stable { share } else { share.saturating_add(self.backoff.after_failure()) }
            }
            _ => self.backoff.after_failure(),
        };
        self.wait(earliest.saturating_add(wait), earliest);
    }

    pub(super) fn drop_line(&mut self) {
        if self.line.has_socket() {
            self.out.push_back(ClientOutput::Disconnect);
            self.forget_line();
        }
    }

    pub(super) fn forget_line(&mut self) {
        self.waiting.clear();
        self.subs.unsay_all();
    }
}

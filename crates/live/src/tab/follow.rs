//! What a tab does that follows another.

use super::{ANSWER_MS, BEAT_MS, PATIENCE, Role, Tab, TabOutput, Wire, Word, glance};

impl Tab {
    /// The session wants a line.
    pub(super) fn join(&mut self) {
        self.joined = false;
        self.turn += 1;
        self.post(None, self.turn, Word::Join);
    }

    /// The session says something on the line.
    pub(super) fn ask_to_send(&mut self, text: String) {
        // The leader answers pings for all.
        if glance::kind_in(&text) != "pong" {
            self.post(None, self.turn, Word::Send(text));
        }
    }

    /// The leader says something.
    pub(super) fn follow(&mut self, turn: u64, word: Word, now: u64) {
        match word {
            Word::Text(text) if self.joined => self.session.on_text(&text, now),
            Word::Down(code) if !self.session.is_connecting() => {
                self.joined = false;
                self.session.on_close(code, now);
            }
            Word::Renew => self.session.renew(now),
            Word::Line(wire) => {
                self.works(wire, now);
                if !self.session.is_up() {
                    self.revive(now);
                }
            }
            Word::Here(seen) => {
                self.unanswered = 0;
                self.beat = now.saturating_add(BEAT_MS);
                if !seen && self.visible {
                    self.steal(now);
                }
            }
            word if turn == self.turn => self.on_answer(word, now),
            _ => {}
        }
    }

    /// The leader answers the latest wish to join.
    fn on_answer(&mut self, word: Word, now: u64) {
        match word {
            Word::Up(welcome) if self.session.is_connecting() => {
                self.works(Wire::WebSocket, now);
                self.joined = true;
                self.session.on_joined(&welcome, now);
            }
            Word::Say if self.session.is_connecting() => self.session.on_open(now),
            Word::Go => self.joined = true,
            Word::Full => {
                self.role = Role::Alone;
                self.session.renew(now);
            }
            _ => {}
        }
    }

    /// Asks the leader whether it is there; takes the lead if it does not answer.
    pub(super) fn look_after_leader(&mut self, slept: bool, now: u64) {
        if slept {
            self.unanswered = 0;
        }
        if self.unanswered >= PATIENCE {
            self.steal(now);
        } else {
            self.unanswered += 1;
            self.beat = now.saturating_add(ANSWER_MS);
            self.post(None, 0, Word::Ask);
        }
    }

    /// Follows again, whoever leads now.
    pub(super) fn step_down(&mut self, now: u64) {
        self.leave_line();
        self.role = Role::Follower;
        self.beat = now.saturating_add(BEAT_MS);
        self.queue();
        self.session.renew(now);
    }

    fn steal(&mut self, now: u64) {
        self.unanswered = 0;
        self.beat = now.saturating_add(BEAT_MS);
        self.out.push_back(TabOutput::Steal);
    }
}

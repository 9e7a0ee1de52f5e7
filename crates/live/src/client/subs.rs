//! The subscriptions of a page, each with its own cursor, across all its connections.
//!
//! On the wire every attempt to subscribe has a name of its own (`7-feed` for the page's `feed`), so that what
//! was still under way for an earlier attempt cannot be mistaken for the present one; and where pages share a
//! line, what is meant for another page (`k3x-7-feed`) cannot be mistaken for one's own.

use std::{collections::BTreeMap, sync::Arc};

use domain::{Cursor, Epoch, Pattern, Position, Recorded};

use crate::{
    frames::{Flush, Sub},
    subscription::{MAX_SID, OnGap, Sid},
};

/// All subscriptions, by the page's names.
#[derive(Debug, Default)]
pub(super) struct Subs {
    /// What every name on the wire begins with.
    prefix: String,
    held: BTreeMap<Sid, Held>,
    attempts: u64,
}

/// One subscription.
#[derive(Debug)]
pub(super) struct Held {
    pattern: Pattern,
    on_gap: OnGap,
    /// `None` until the server has said where it begins, and while a fresh view is fetched.
    pub(super) cursor: Option<Cursor>,
    /// Gaps since the last flush of the main group that fitted.
    gaps: u8,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// To be said with the next `hello`, if not before.
    Unsaid,
    /// Said on this connection.
    Said { wire: Sid, main: bool },
    /// The application fetches a fresh view.
    Resyncing,
}

/// What a gap calls for.
pub(super) enum Remedy {
    /// Read on from the cursor: end the one on the wire, begin the other.
    Resume { ended: Sid, sub: Sub },
    /// Fetch a fresh view; end the one on the wire.
    Resync { ended: Sid },
    /// It goes on and on: drop the connection and take time.
    Reconnect,
}

/// What a flush brought to one subscription.
pub(super) enum Flushed {
    /// These events, and the cursor is there now.
    Upto { sid: Sid, events: Vec<Arc<Recorded>>, cursor: Cursor },
    /// Something is missing between its cursor and the flush.
    Gap { sid: Sid },
}

impl Subs {
    pub(super) fn new(prefix: &str) -> Self {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}-") };
        Self { prefix, ..Self::default() }
    }

    /// Adds one. The same name again replaces it: first call [`Self::remove`].
    pub(super) fn insert(&mut self, sid: Sid, pattern: Pattern, cursor: Option<Cursor>, on_gap: OnGap) {
        self.held.insert(sid, Held { pattern, on_gap, cursor, gaps: 0, stage: Stage::Unsaid });
    }

    /// Takes one out. Returns its name on the wire if it was said on this connection.
    pub(super) fn remove(&mut self, sid: &Sid) -> Option<Sid> {
        self.held.remove(sid).and_then(|held| held.wire().cloned())
    }

    pub(super) fn get(&self, sid: &Sid) -> Option<&Held> {
        self.held.get(sid)
    }

    /// The page's name for what the wire speaks of.
    pub(super) fn by_wire(&self, wire: &Sid) -> Option<Sid> {
        self.held.iter().find(|(_, held)| held.wire() == Some(wire)).map(|(sid, _)| sid.clone())
    }

    /// Says one that was not said yet.
    pub(super) fn say(&mut self, sid: &Sid, main: bool) -> Option<Sub> {
        let held = self.held.get_mut(sid).filter(|held| matches!(held.stage, Stage::Unsaid))?;
        self.attempts += 1;
        let mut wire = format!("{}{}-{sid}", self.prefix, self.attempts);
        wire.truncate(MAX_SID);
        let wire = Sid::new(wire).expect("digits, a dash and the characters of a name");
        let sub = Sub::new(&wire, &held.pattern, held.cursor, held.on_gap);
        held.stage = Stage::Said { wire, main };
        Some(sub)
    }

    /// Says all that were not said yet. `main` is for the `hello` of a new connection, which opens the main group.
    pub(super) fn say_all(&mut self, main: bool) -> Vec<Sub> {
        let sids: Vec<Sid> = self.held.keys().cloned().collect();
        sids.iter().filter_map(|sid| self.say(sid, main)).collect()
    }

    /// The connection is gone.
    pub(super) fn unsay_all(&mut self) {
        for held in self.held.values_mut() {
            if matches!(held.stage, Stage::Said { .. }) {
                held.stage = Stage::Unsaid;
            }
        }
    }

    /// The server does not have this one. Returns what it was called on the wire.
    pub(super) fn unsay(&mut self, sid: &Sid) -> Option<Sid> {
        let held = self.held.get_mut(sid)?;
        let wire = held.wire().cloned();
        held.stage = Stage::Unsaid;
        wire
    }

    /// A fresh view is there. Returns whether one was asked for.
    pub(super) fn resynced(&mut self, sid: &Sid, cursor: Cursor) -> bool {
        match self.held.get_mut(sid) {
            Some(held) if matches!(held.stage, Stage::Resyncing) => {
                held.cursor = Some(cursor);
                held.stage = Stage::Unsaid;
                true
            }
            _ => false,
        }
    }

    /// From now on a fresh view is being fetched. Returns the name on the wire if it was said.
    pub(super) fn resync(&mut self, sid: &Sid) -> Option<Sid> {
        let held = self.held.get_mut(sid)?;
        let wire = held.wire().cloned();
        held.cursor = None;
        held.stage = Stage::Resyncing;
        wire
    }

    /// Those whose cursor is of another life of the log.
    pub(super) fn foreign_to(&self, epoch: Epoch) -> Vec<Sid> {
        let foreign = |held: &Held| held.cursor.is_some_and(|cursor| cursor.epoch != epoch);
        self.held.iter().filter(|(_, held)| foreign(held)).map(|(sid, _)| sid.clone()).collect()
    }

    /// The server begins it here, if it has no cursor yet. Returns the new cursor.
    pub(super) fn begin(&mut self, sid: &Sid, at: Cursor) -> Option<Cursor> {
        let held = self.held.get_mut(sid).filter(|held| held.cursor.is_none())?;
        held.cursor = Some(at);
        Some(at)
    }

    /// The server has brought it to `pos` and reads it with the main group from there. `false` is a gap.
    pub(super) fn go_live(&mut self, sid: &Sid, pos: Position) -> bool {
        let Some(held) = self.held.get_mut(sid) else { return true };
        let fits = held.cursor.is_some_and(|cursor| pos <= cursor.position);
        if let (true, Stage::Said { main, .. }) = (fits, &mut held.stage) {
            *main = true;
        }
        fits
    }

    /// Hands the held-back events to whom the flush speaks of.
    pub(super) fn flush(&mut self, flush: &Flush, events: &[Arc<Recorded>]) -> Vec<Flushed> {
        let mut flushed = Vec::new();
        for (sid, held) in &mut self.held {
            let Stage::Said { wire, main } = &held.stage else { continue };
            let meant = flush.sids.as_ref().map_or(*main, |sids| sids.contains(wire));
            let (true, Some(cursor)) = (meant, held.cursor) else { continue };
            if flush.prev > cursor.position {
                flushed.push(Flushed::Gap { sid: sid.clone() });
                continue;
            }
            if *main {
                held.gaps = 0;
            }
            if flush.pos <= cursor.position {
                continue;
            }
            let new = |event: &&Arc<Recorded>| {
                event.meta.position > cursor.position
                    && event.meta.position <= flush.pos
                    && held.pattern.matches(&event.meta.subject)
            };
            let events = events.iter().filter(new).cloned().collect();
            let cursor = Cursor { position: flush.pos, ..cursor };
            held.cursor = Some(cursor);
            flushed.push(Flushed::Upto { sid: sid.clone(), events, cursor });
        }
        flushed
    }

    /// What to do about a gap: resume once, fetch once, then take time.
    pub(super) fn remedy(&mut self, sid: &Sid) -> Option<Remedy> {
        let held = self.held.get_mut(sid)?;
        let ended = held.wire().cloned()?;
        held.gaps = held.gaps.saturating_add(1);
        match held.gaps {
            1 => {
                held.stage = Stage::Unsaid;
                self.say(sid, false).map(|sub| Remedy::Resume { ended, sub })
            }
            2 => {
                self.resync(sid);
                Some(Remedy::Resync { ended })
            }
            _ => Some(Remedy::Reconnect),
        }
    }
}

impl Held {
    fn wire(&self) -> Option<&Sid> {
        match &self.stage {
            Stage::Said { wire, .. } => Some(wire),
            Stage::Unsaid | Stage::Resyncing => None,
        }
    }
}

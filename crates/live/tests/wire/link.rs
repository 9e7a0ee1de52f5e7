//! One socket between a page and the server: what is under way, and how it breaks.

use std::collections::VecDeque;

use crate::hub::{Conn, Down};

/// One socket: what is under way, in both directions.
pub(crate) struct Link {
    pub(crate) page: usize,
    pub(crate) conn: Option<Conn>,
    pub(crate) up: VecDeque<Option<String>>,
    pub(crate) down: VecDeque<Down>,
    /// The page still listens to this one.
    pub(crate) current: bool,
    /// Nothing gets through any more, and nobody has been told.
    pub(crate) dead: bool,
    /// The page takes nothing for a while.
    pub(crate) stalled: bool,
}

impl Link {
    /// The line breaks: what is kept arrives, the rest does not; each side is told or not.
    pub(crate) fn cut(&mut self, down: u64, up: u64, told: bool, server_told: bool) {
        self.down.truncate((down % (self.down.len() as u64 + 1)) as usize);
        self.up.truncate((up % (self.up.len() as u64 + 1)) as usize);
        if told {
            self.down.push_back(Down::Close(None));
        } else {
            self.dead = true;
        }
        if server_told {
            self.conn = None;
        }
    }
}

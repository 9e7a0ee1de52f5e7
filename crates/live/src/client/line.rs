//! How far a page's connection has come.

use domain::Epoch;

#[derive(Debug, Clone, Copy)]
pub(super) enum Line {
    /// Not started, or ended by us.
    Idle,
    /// Between two connections. Even an impatient user does not come back before `earliest`.
    Waiting { at: u64, earliest: u64 },
    /// A socket is being opened.
    Connecting { until: u64 },
    /// `hello` is said, `welcome` awaited.
    Greeting { until: u64 },
    /// Welcomed at `since`; last heard of at `heard`.
    Up { epoch: Epoch, since: u64, heard: u64, silence_ms: u64 },
    /// Ended by the server, for good.
    Stopped,
}

impl Line {
    /// When something is due.
    pub(super) fn timer(self) -> Option<u64> {
        match self {
            Line::Idle | Line::Stopped => None,
            Line::Waiting { at, .. } => Some(at),
            Line::Connecting { until } | Line::Greeting { until } => Some(until),
            Line::Up { heard, silence_ms, .. } => Some(heard.saturating_add(silence_ms)),
        }
    }

    /// Whether the driver has a socket for us.
    pub(super) fn has_socket(self) -> bool {
        matches!(self, Line::Connecting { .. }) || self.is_open()
    }

    /// Whether frames go through.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Line::Greeting { .. } | Line::Up { .. })
    }

    /// Whether nothing is tried before somebody calls `start`.
    pub(super) fn is_off(self) -> bool {
        matches!(self, Line::Idle | Line::Stopped)
    }
}

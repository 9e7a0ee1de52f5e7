//! Why a connection ends, and what the other side does about it. The number's range alone decides, so that an
//! old page understands a new reason.

/// The reasons this build gives. The number travels in `bye` and as the WebSocket close code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// A frame is not JSON, or not the JSON that its kind has.
    BadFrame = 4000,
    /// A frame's kind is not of the protocol.
    UnknownFrame = 4001,
    /// A frame is larger than `limits.frame_bytes`.
    FrameTooLarge = 4002,
    /// The client speaks another version of the protocol.
    Version = 4003,
    /// Something came before `hello`.
    HelloExpected = 4004,
    /// `hello` came a second time.
    HelloTwice = 4005,
    /// The log has no such place: it was replaced, or the cursor is made up.
    BadCursor = 4006,
    /// Nobody is signed in, or the session was signed out.
    Unauthorised = 4010,
    /// This person or address has as many connections as it may.
    TooManyConnections = 4020,
    /// The server has too much to do.
    Overload = 4100,
    /// The client sends more than it may.
    Rate = 4101,
    /// No answer to a ping, or no byte taken in time.
    Stalled = 4102,
    /// `hello` did not come in time.
    HelloLate = 4103,
    /// The server is about to restart.
    Drain = 4200,
    /// The session was renewed; connect again with it.
    SessionRenewed = 4201,
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> u16 {
        code as u16
    }
}

/// What to do after a connection has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// Trying again would end the same way (4000–4099).
    Stop,
    /// Try again later and later (4100–4199, and everything that is not ours: a broken line).
    BackOff,
    /// Connect again after a random share of the spread (4200–4299).
    Spread,
}

impl Close {
    /// By the number's range. `None` is a line that broke without a word.
    #[must_use]
    pub fn of(code: Option<u16>) -> Self {
        match code {
            Some(4000..=4099) => Close::Stop,
            Some(4200..=4299) => Close::Spread,
            _ => Close::BackOff,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_decides_even_for_reasons_not_known_here() {
        assert_eq!(Close::of(Some(CloseCode::BadFrame.into())), Close::Stop);
        assert_eq!(Close::of(Some(4099)), Close::Stop);
        assert_eq!(Close::of(Some(CloseCode::Stalled.into())), Close::BackOff);
        assert_eq!(Close::of(Some(4299)), Close::Spread);
        assert_eq!(Close::of(Some(1006)), Close::BackOff);
        assert_eq!(Close::of(None), Close::BackOff);
    }
}

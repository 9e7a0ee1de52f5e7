//! What a subscription is called, what it does about a gap, and what becomes of it when it is opened.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The longest name of a subscription, in bytes.
pub const MAX_SID: usize = 32;

/// A subscription's name within its connection, chosen by the client: 1 to 32 of `[a-z0-9_-]`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sid(Box<str>);

/// The text is not a subscription's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("A subscription's name is 1 to 32 of a-z, 0-9, '_' and '-'.")]
pub struct InvalidSid;

impl Sid {
    /// Checks length and alphabet.
    ///
    /// # Errors
    /// [`InvalidSid`], which says what is allowed.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidSid> {
        let text = text.into();
        let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if (1..=MAX_SID).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidSid)
        }
    }

    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sid {
    type Err = InvalidSid;
    fn from_str(text: &str) -> Result<Self, InvalidSid> {
        Self::new(text)
    }
}

impl TryFrom<String> for Sid {
    type Error = InvalidSid;
    fn try_from(text: String) -> Result<Self, InvalidSid> {
        Self::new(text)
    }
}

impl From<Sid> for String {
    fn from(sid: Sid) -> String {
        sid.0.into()
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({})", self.0)
    }
}

/// What a subscription wants when it is behind. Written `replay` or `resync:<n>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnGap {
    /// Every event, however many: feeds, a tail.
    #[default]
    Replay,
    /// More than so many matching events behind: rather fetch a fresh view. Pages.
    Resync(u32),
}

/// The text does not say what to do about a gap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("on_gap is \"replay\" or \"resync:<n>\", with a number of events.")]
pub struct InvalidOnGap;

impl fmt::Display for OnGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OnGap::Replay => f.write_str("replay"),
            OnGap::Resync(most) => write!(f, "resync:{most}"),
        }
    }
}

impl FromStr for OnGap {
    type Err = InvalidOnGap;
    fn from_str(text: &str) -> Result<Self, InvalidOnGap> {
        match text.strip_prefix("resync:") {
            Some(most) if most.bytes().all(|b| b.is_ascii_digit()) => {
                most.parse().map(OnGap::Resync).map_err(|_| InvalidOnGap)
            }
            None if text == "replay" => Ok(OnGap::Replay),
            _ => Err(InvalidOnGap),
        }
    }
}

/// What becomes of a subscription when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing is behind it: new events come as they are committed.
    Live,
    /// It is read on from its cursor first; `live` follows when it has caught up.
    Replaying,
    /// It cannot or does not want to be read on from its cursor: fetch a fresh view, then subscribe again.
    /// The server has forgotten it.
    Resync,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        assert!(Sid::new("room_feed-1").is_ok());
        assert!(Sid::new("x".repeat(32)).is_ok());
        for bad in ["", "A", "a.b", "a b", "ä", &"x".repeat(33)] {
            assert_eq!(Sid::new(bad), Err(InvalidSid), "{bad:?}");
        }
        assert!(serde_json::from_str::<Sid>("\"a/b\"").is_err());
    }

    #[test]
    fn what_to_do_about_a_gap_is_read_back_as_it_was_written() {
        for text in ["replay", "resync:0", "resync:500"] {
            assert_eq!(text.parse::<OnGap>().unwrap().to_string(), text);
        }
        for bad in
            ["", "Replay", "resync", "resync:", "resync:-1", "resync:+1", "resync:x", "resync:99999999999"]
        {
            assert_eq!(bad.parse::<OnGap>(), Err(InvalidOnGap), "{bad:?}");
        }
    }
}

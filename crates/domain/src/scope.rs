//! What a session may be used for. Whoever signs in may do everything that is theirs to do; a token may be
//! given less, so that a program that only reads cannot be made to write.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ids::{InvalidId, shorten};

/// One of the things a session may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read events and views, and hold live streams open.
    Read,
    /// Send commands and signals.
    Command,
    /// Bring events in from outside.
    Ingest,
    /// Manage the account, its sessions and its tokens. No token is given this one.
    Manage,
}

impl Scope {
    /// Those that a token may be given.
    pub const FOR_TOKENS: [Scope; 3] = [Scope::Read, Scope::Command, Scope::Ingest];

    /// Its name, as it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Command => "command",
            Scope::Ingest => "ingest",
            Scope::Manage => "manage",
        }
    }

    /// What it allows, for people.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Scope::Read => "Read events and follow them live",
            Scope::Command => "Act in your name: post, edit, react",
            Scope::Ingest => "Bring in events from outside",
            Scope::Manage => "Manage the account and its tokens",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scope {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Scopes::ALL
            .iter()
            .find(|scope| scope.name() == text)
            .ok_or_else(|| InvalidId(format!("{:?} is not a scope", shorten(text))))
    }
}

/// A set of scopes. Written as a list in JSON and separated by spaces in text. By default what a visitor may:
/// read.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Scope>", into = "Vec<Scope>")]
pub struct Scopes(u8);

impl Scopes {
    /// None at all.
    pub const NONE: Scopes = Scopes(0);

    /// Everything: what somebody has who signed in.
    pub const ALL: Scopes = Scopes(0b1111);

    /// Whether the scope is among them.
    #[must_use]
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Those that are among them, always in the same order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        [Scope::Read, Scope::Command, Scope::Ingest, Scope::Manage]
            .into_iter()
            .filter(move |scope| self.contains(*scope))
    }
}

impl Default for Scopes {
    fn default() -> Self {
        Scopes::from_iter([Scope::Read])
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(scopes: Vec<Scope>) -> Self {
        scopes.into_iter().collect()
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        scopes.iter().collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Scope::name).collect();
        f.pad(&names.join(" "))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromStr for Scopes {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.split_ascii_whitespace().map(str::parse::<Scope>).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_back_as_they_were_written() {
        for text in ["", "read", "command ingest", "read command ingest manage"] {
            let scopes: Scopes = text.parse().unwrap();
            assert_eq!(scopes.to_string(), text);
            let json = serde_json::to_string(&scopes).unwrap();
            assert_eq!(serde_json::from_str::<Scopes>(&json).unwrap(), scopes);
        }
        assert_eq!("ingest read".parse::<Scopes>().unwrap().to_string(), "read ingest");
        assert!("read write".parse::<Scopes>().is_err());
        assert!(serde_json::from_str::<Scopes>("[\"all\"]").is_err());
    }

    #[test]
    fn a_visitor_reads_and_no_token_manages() {
        assert_eq!(Scopes::default().to_string(), "read");
        assert!(!Scopes::from_iter(Scope::FOR_TOKENS).contains(Scope::Manage));
        assert!(Scopes::ALL.contains(Scope::Manage) && !Scopes::NONE.contains(Scope::Read));
    }
}

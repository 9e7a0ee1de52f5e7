//! Who may see an event. Authorisation parses no pattern: an event carries a set of tokens computed by the
//! contract from the event alone, a principal holds a set, and the event is delivered when the two meet.
//! Nobody sees anything by rank.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ids::{InvalidId, RoomId, UserId, shorten};

/// One reason to be shown an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Token {
    /// Held by everybody, signed in or not.
    Everyone,
    /// Held by desk workers and operators.
    Staff,
    /// Held by operators.
    Operator,
    /// Held by one person.
    User(UserId),
    /// Held by the members of a private room.
    Room(RoomId),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Everyone => f.write_str("everyone"),
            Token::Staff => f.write_str("staff"),
            Token::Operator => f.write_str("operator"),
            Token::User(user) => write!(f, "user:{user}"),
            Token::Room(room) => write!(f, "room:{room}"),
        }
    }
}

impl FromStr for Token {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match (text, text.split_once(':')) {
            ("everyone", _) => Ok(Token::Everyone),
            ("staff", _) => Ok(Token::Staff),
            ("operator", _) => Ok(Token::Operator),
            (_, Some(("user", user))) => user.parse().map(Token::User),
            (_, Some(("room", room))) => room.parse().map(Token::Room),
            _ => Err(InvalidId(format!("{:?} is not an audience token", shorten(text)))),
        }
    }
}

impl TryFrom<String> for Token {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<Token> for String {
    fn from(token: Token) -> String {
        token.to_string()
    }
}

/// The tokens a principal holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "BTreeSet<Token>", into = "BTreeSet<Token>")]
pub struct Tokens {
    /// [`Token::Everyone`] is asked for once for each event and each connection: it lies at hand.
    everyone: bool,
    others: BTreeSet<Token>,
}

impl Tokens {
    /// What a visitor holds who is not signed in.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::from_iter([Token::Everyone])
    }

    /// Adds a token.
    pub fn grant(&mut self, token: Token) {
        if token == Token::Everyone {
            self.everyone = true;
        } else {
            self.others.insert(token);
        }
    }

    /// Takes a token away.
    pub fn revoke(&mut self, token: &Token) {
        if *token == Token::Everyone {
            self.everyone = false;
        } else {
            self.others.remove(token);
        }
    }

    /// Whether a token is held.
    #[must_use]
    pub fn holds(&self, token: &Token) -> bool {
        if *token == Token::Everyone { self.everyone } else { self.others.contains(token) }
    }

    /// All tokens held, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Token> {
        self.everyone.then_some(&Token::Everyone).into_iter().chain(&self.others)
    }
}

impl FromIterator<Token> for Tokens {
    fn from_iter<I: IntoIterator<Item = Token>>(tokens: I) -> Self {
        let mut held = Self::default();
        tokens.into_iter().for_each(|token| held.grant(token));
        held
    }
}

impl From<BTreeSet<Token>> for Tokens {
    fn from(tokens: BTreeSet<Token>) -> Self {
        tokens.into_iter().collect()
    }
}

impl From<Tokens> for BTreeSet<Token> {
    fn from(tokens: Tokens) -> Self {
        tokens.iter().cloned().collect()
    }
}

/// The tokens an event names; any one of them suffices. Written space-separated, sorted, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Audience(Vec<Token>);

impl Audience {
    /// Sorted and without repetition.
    ///
    /// # Panics
    /// If no token is given: an event nobody may see is a mistake in the contract's table.
    pub fn new(tokens: impl IntoIterator<Item = Token>) -> Self {
        let mut tokens: Vec<Token> = tokens.into_iter().collect();
        tokens.sort();
        tokens.dedup();
        assert!(!tokens.is_empty(), "the contract names at least one token for every event");
        Self(tokens)
    }

    /// Whether a holder of `tokens` may see the event.
    #[must_use]
    pub fn admits(&self, tokens: &Tokens) -> bool {
        self.0.iter().any(|token| tokens.holds(token))
    }

    /// The tokens named.
    pub fn iter(&self) -> impl Iterator<Item = &Token> {
        self.0.iter()
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, token) in self.0.iter().enumerate() {
            if nth > 0 {
                f.write_str(" ")?;
            }
            token.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for Audience {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let tokens: Vec<Token> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        if tokens.is_empty() {
            return Err(InvalidId("an audience names at least one token".into()));
        }
        Ok(Self::new(tokens))
    }
}

impl TryFrom<String> for Audience {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<Audience> for String {
    fn from(audience: Audience) -> String {
        audience.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_shown_to_whoever_holds_one_of_its_tokens() {
        let room = Token::Room(RoomId::new("ops").unwrap());
        let audience: Audience = "staff room:ops".parse().unwrap();
        assert!(audience.admits(&Tokens::from_iter([room])));
        assert!(audience.admits(&Tokens::from_iter([Token::Staff])));
        assert!(!audience.admits(&Tokens::from_iter([Token::Operator])), "rank opens nothing");
        assert!(!audience.admits(&Tokens::anonymous()));
    }

    #[test]
    fn an_audience_is_read_back_as_it_was_written() {
        let text = "operator user:018f0000-0000-7000-8000-000000000001 room:ops";
        assert_eq!(text.parse::<Audience>().unwrap().to_string(), text);
        for bad in ["", "boss", "user:me", "room:A"] {
            assert!(bad.parse::<Audience>().is_err(), "{bad}");
        }
    }
}

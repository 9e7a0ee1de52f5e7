//! Subjects and the patterns that match them. One grammar (NATS' own) for the hub, the live protocol, the
//! console's filter, the page's own bus and the broker.
//!
//! A subject is dot-separated tokens of `[a-z0-9_-]`. In a pattern `*` stands for exactly one token and
//! `>`, which must come last, for one or more; a pattern may have several alternatives, separated by commas
//! (that much is ours: whoever speaks NATS' grammar only is given them one by one). Ephemeral signals live under `signal.` and are matched only
//! by a pattern whose first token is literally `signal`.

use crate::checked::checked_text;

/// The longest subject or pattern, in bytes.
pub const MAX_LENGTH: usize = 200;

/// The most tokens in a subject, or in an alternative of a pattern.
pub const MAX_TOKENS: usize = 16;

/// The most alternatives of a pattern.
pub const MAX_ALTERNATIVES: usize = 8;

const SIGNAL: &str = "signal";

/// What is wrong with a subject or a pattern, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why} (at character {at})")]
pub struct InvalidPattern {
    /// Index of the offending character, from 0.
    pub at: usize,
    /// A sentence for people.
    pub why: &'static str,
}

checked_text!(
    /// Where an event is published, for example `chat.lobby.message_posted`.
    Subject,
    InvalidPattern,
    |text| check(text, 0, false)
);

checked_text!(
    /// What a subscription asks for, for example `chat.*.message_posted`, or `order.>,payment.>`.
    Pattern,
    InvalidPattern,
    check_alternatives
);

fn check_alternatives(text: &str) -> Result<(), InvalidPattern> {
    let mut at = 0;
    for (nth, alternative) in text.split(',').enumerate() {
        if nth == MAX_ALTERNATIVES {
            return Err(InvalidPattern { at, why: "it has more than 8 alternatives" });
        }
        check(alternative, at, true)?;
        at += alternative.len() + 1;
    }
    Ok(())
}

/// Checks what begins at character `start`.
fn check(text: &str, start: usize, wildcards: bool) -> Result<(), InvalidPattern> {
    let err = |at, why| Err(InvalidPattern { at: start + at, why });
    if text.is_empty() {
        return err(0, "it is empty");
    }
    if start + text.len() > MAX_LENGTH {
        return Err(InvalidPattern { at: MAX_LENGTH, why: "it is longer than 200 characters" });
    }
    let mut at = 0;
    for (nth, token) in text.split('.').enumerate() {
        if nth == MAX_TOKENS {
            return err(at, "it has more than 16 tokens");
        }
        if token.is_empty() {
            return err(at, "a token between dots is empty");
        }
        match token {
            "*" if wildcards => {}
            ">" if wildcards && at + 1 == text.len() => {}
            ">" if wildcards => return err(at, "'>' must be the last token"),
            _ => {
                for (offset, c) in token.char_indices() {
                    match c {
                        'a'..='z' | '0'..='9' | '_' | '-' => {}
                        '*' | '>' if wildcards => {
                            return err(at + offset, "'*' and '>' must stand alone between dots");
                        }
                        '*' | '>' => return err(at + offset, "a subject has no wildcards"),
                        _ => return err(at + offset, "only a-z, 0-9, '_', '-' and dots are allowed"),
                    }
                }
            }
        }
        at += token.len() + 1;
    }
    Ok(())
}

impl Subject {
    /// The tokens between the dots.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }

    /// Whether this is the subject of an ephemeral signal.
    #[must_use]
    pub fn is_signal(&self) -> bool {
        self.tokens().next() == Some(SIGNAL)
    }

    /// The first two tokens, `chat.lobby`: what the log is indexed by.
    #[must_use]
    pub fn topic(&self) -> &str {
        match self.0.match_indices('.').nth(1) {
            Some((end, _)) => &self.0[..end],
            None => &self.0,
        }
    }
}

impl Pattern {
    /// The pattern `>`: every event (and no signal).
    #[must_use]
    pub fn everything() -> Self {
        Self(">".to_owned())
    }

    /// What any one of which suffices. Mostly there is one.
    pub fn alternatives(&self) -> impl Iterator<Item = Alternative<'_>> {
        self.0.split(',').map(Alternative)
    }

    /// Whether a subject is asked for.
    #[must_use]
    pub fn matches(&self, subject: &Subject) -> bool {
        self.alternatives().any(|alternative| alternative.matches(subject))
    }

    /// Whether this pattern asks for signals.
    #[must_use]
    pub fn is_signal(&self) -> bool {
        self.alternatives().any(Alternative::is_signal)
    }

    /// The topics whose events are all this can match; `None` if they cannot be told.
    #[must_use]
    pub fn topics(&self) -> Option<Vec<String>> {
        self.alternatives().map(Alternative::topic).collect()
    }
}

/// One alternative of a [`Pattern`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alternative<'a>(&'a str);

impl<'a> Alternative<'a> {
    /// The text as it was written.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The tokens between the dots.
    pub fn tokens(self) -> impl Iterator<Item = &'a str> {
        self.0.split('.')
    }

    /// Whether it asks for signals rather than events.
    #[must_use]
    pub fn is_signal(self) -> bool {
        self.tokens().next() == Some(SIGNAL)
    }

    /// The tokens before the first wildcard.
    pub fn literal_prefix(self) -> impl Iterator<Item = &'a str> {
        self.tokens().take_while(|token| !matches!(*token, "*" | ">"))
    }

    /// The `first.second` tokens if both are literal: the topic whose events are all it can match.
    #[must_use]
    pub fn topic(self) -> Option<String> {
        let mut tokens = self.literal_prefix();
        match (tokens.next(), tokens.next()) {
            (Some(first), Some(second)) => Some(format!("{first}.{second}")),
            _ => None,
        }
    }

    fn matches(self, subject: &Subject) -> bool {
        if subject.is_signal() && !self.is_signal() {
            return false;
        }
        let mut wanted = self.tokens();
        let mut given = subject.tokens();
        loop {
            match (wanted.next(), given.next()) {
                (Some(">"), Some(_)) | (None, None) => return true,
                (Some("*"), Some(_)) => {}
                (Some(want), Some(have)) if want == have => {}
                _ => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, subject: &str) -> bool {
        Pattern::new(pattern).unwrap().matches(&Subject::new(subject).unwrap())
    }

    #[test]
    fn wildcards_match_as_in_nats() {
        assert!(matches("chat.lobby.message_posted", "chat.lobby.message_posted"));
        assert!(matches("chat.*.message_posted", "chat.lobby.message_posted"));
        assert!(matches("chat.>", "chat.lobby.message_posted"));
        assert!(matches(">", "chat"));
        assert!(!matches("chat.>", "chat"), "'>' stands for at least one token");
        assert!(!matches("chat.*", "chat.lobby.message_posted"));
        assert!(!matches("chat.*.*.*", "chat.lobby.message_posted"));
        assert!(!matches("order.>", "chat.lobby.message_posted"));
    }

    #[test]
    fn signals_are_matched_only_on_request() {
        assert!(!matches(">", "signal.typing.lobby"));
        assert!(!matches("*.typing.lobby", "signal.typing.lobby"));
        assert!(matches("signal.typing.*", "signal.typing.lobby"));
    }

    #[test]
    fn a_mistake_is_reported_with_its_place() {
        for (pattern, at) in
            [("", 0), ("a..b", 2), ("a.>.b", 2), ("a.b*", 3), ("a.B", 2), (".a", 0), ("a.", 2), ("ab.é", 3)]
                .into_iter()
                .chain([("a,", 2), (",a", 0), ("a,b,c.>.d", 6), ("a, b", 2), ("a,a,a,a,a,a,a,a,a", 16)])
        {
            assert_eq!(Pattern::new(pattern).unwrap_err().at, at, "{pattern:?}");
        }
        assert_eq!(Subject::new("a.*").unwrap_err().why, "a subject has no wildcards");
        assert_eq!(Subject::new("a,b").unwrap_err().at, 1, "a subject is one");
        assert!(Pattern::new("a.".repeat(150)).is_err());
        assert_eq!(Pattern::new(["a".repeat(150), "a".repeat(50)].join(",")).unwrap_err().at, MAX_LENGTH);
        assert!(Pattern::new(["a"; 17].join(".")).is_err());
    }

    #[test]
    fn a_topic_is_the_first_two_tokens() {
        assert_eq!(Subject::new("chat.lobby.x").unwrap().topic(), "chat.lobby");
        assert_eq!(Subject::new("chat").unwrap().topic(), "chat");
        let topics = |pattern: &str| Pattern::new(pattern).unwrap().topics();
        assert_eq!(topics("chat.lobby.>"), Some(vec!["chat.lobby".to_owned()]));
        assert_eq!(topics("chat.*.x"), None);
        assert_eq!(topics("a.b.>,c.d.e"), Some(vec!["a.b".to_owned(), "c.d".to_owned()]));
        assert_eq!(topics("a.b.>,c.>"), None, "one of them may be anywhere");
    }

    #[test]
    fn any_alternative_suffices() {
        assert!(matches("order.>,stock.*.level_changed", "stock.mug.level_changed"));
        assert!(matches("order.>,stock.*.level_changed", "order.7.placed"));
        assert!(!matches("order.>,stock.*.level_changed", "stock.mug.received"));
        assert!(matches("chat.>,signal.typing.*", "signal.typing.lobby"));
        assert!(!matches("chat.>,*.typing.*", "signal.typing.lobby"));
    }

    proptest! {
        /// The loop above against the definition, written as recursion over slices.
        #[test]
        fn matching_agrees_with_its_definition(
            pattern in prop::collection::vec(prop::sample::select(vec!["a", "b", "*"]), 0..4),
            rest in any::<bool>(),
            subject in prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..5),
        ) {
            fn defined(pattern: &[&str], subject: &[&str]) -> bool {
                match (pattern, subject) {
                    ([">"], [_, ..]) | ([], []) => true,
                    ([want, pattern @ ..], [have, subject @ ..]) =>
                        (*want == "*" || want == have) && defined(pattern, subject),
                    _ => false,
                }
            }
            let mut pattern = pattern;
            if rest { pattern.push(">") }
            prop_assume!(!pattern.is_empty());
            prop_assert_eq!(
                matches(&pattern.join("."), &subject.join(".")),
                defined(&pattern, &subject)
            );
        }
    }
}

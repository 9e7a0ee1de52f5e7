//! From a subject to the connections that asked for it: a tree of tokens. Matching walks only the branches
//! that match, so the cost grows with the matches and not with the subscriptions.

use std::collections::HashMap;

use domain::{Pattern, Subject};

/// A connection's place in the hub.
pub(crate) type Key = usize;

#[derive(Debug, Default)]
pub(crate) struct Index {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    literal: HashMap<Box<str>, Node>,
    star: Option<Box<Node>>,
    /// Patterns that end here.
    here: Vec<Key>,
    /// Patterns that end here with `>`.
    rest: Vec<Key>,
}

impl Node {
    fn is_empty(&self) -> bool {
        self.literal.is_empty() && self.star.is_none() && self.here.is_empty() && self.rest.is_empty()
    }
}

impl Index {
    /// Adds a pattern for a connection. The same pattern twice is held twice.
    pub(crate) fn insert(&mut self, pattern: &Pattern, key: Key) {
        'alternatives: for alternative in pattern.alternatives() {
            let mut node = &mut self.root;
            for token in alternative.tokens() {
                node = match token {
                    ">" => {
                        node.rest.push(key);
                        continue 'alternatives;
                    }
                    "*" => node.star.get_or_insert_default(),
                    literal => node.literal.entry(literal.into()).or_default(),
                };
            }
            node.here.push(key);
        }
    }

    /// Takes one such pattern of the connection out again.
    pub(crate) fn remove(&mut self, pattern: &Pattern, key: Key) {
        fn take(keys: &mut Vec<Key>, key: Key) {
            if let Some(at) = keys.iter().position(|held| *held == key) {
                keys.swap_remove(at);
            }
        }
        fn descend<'a>(node: &mut Node, mut tokens: impl Iterator<Item = &'a str>, key: Key) {
            match tokens.next() {
                None => take(&mut node.here, key),
                Some(">") => take(&mut node.rest, key),
                Some("*") => {
                    if let Some(star) = &mut node.star {
                        descend(star, tokens, key);
                        if star.is_empty() {
                            node.star = None;
                        }
                    }
                }
                Some(literal) => {
                    if let Some(child) = node.literal.get_mut(literal) {
                        descend(child, tokens, key);
                        if child.is_empty() {
                            node.literal.remove(literal);
                        }
                    }
                }
            }
        }
        for alternative in pattern.alternatives() {
            descend(&mut self.root, &mut alternative.tokens().collect::<Vec<_>>().into_iter(), key);
        }
    }

    /// Calls `found` for every alternative of a pattern that matches; a connection with two of them is found
    /// twice.
    pub(crate) fn matches(&self, subject: &Subject, mut found: impl FnMut(Key)) {
        fn walk(node: &Node, tokens: &[&str], found: &mut impl FnMut(Key)) {
            let Some((first, rest)) = tokens.split_first() else {
                node.here.iter().copied().for_each(found);
                return;
            };
            node.rest.iter().copied().for_each(&mut *found);
            if let Some(star) = &node.star {
                walk(star, rest, found);
            }
            if let Some(child) = node.literal.get(*first) {
                walk(child, rest, found);
            }
        }
        let tokens: Vec<&str> = subject.tokens().collect();
        if subject.is_signal() {
            // Only a pattern that names `signal` matches a signal.
            if let Some(signals) = self.root.literal.get(tokens[0]) {
                walk(signals, &tokens[1..], &mut found);
            }
        } else {
            walk(&self.root, &tokens, &mut found);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern() -> impl Strategy<Value = Pattern> {
        let alternative =
            (prop::collection::vec(prop::sample::select(vec!["a", "b", "*", "signal"]), 0..4), any::<bool>())
                .prop_map(|(mut tokens, rest)| {
                    if rest {
                        tokens.push(">");
                    }
                    tokens.join(".")
                });
        prop::collection::vec(alternative, 1..3).prop_filter_map("a pattern has a token", |alternatives| {
            Pattern::new(alternatives.join(",")).ok()
        })
    }

    proptest! {
        #[test]
        fn the_index_finds_what_each_pattern_matches_alone(
            patterns in prop::collection::vec(pattern(), 0..30),
            removed in prop::collection::vec(any::<bool>(), 30),
            subject in prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "signal"]), 1..5),
        ) {
            let subject = Subject::new(subject.join(".")).unwrap();
            let mut index = Index::default();
            for (key, pattern) in patterns.iter().enumerate() {
                index.insert(pattern, key);
            }
            for (key, pattern) in patterns.iter().enumerate().filter(|(key, _)| removed[*key]) {
                index.remove(pattern, key);
            }
            let mut found = vec![];
            index.matches(&subject, |key| found.push(key));
            found.sort_unstable();
            found.dedup();
            let wanted: Vec<Key> = patterns
                .iter()
                .enumerate()
                .filter(|(key, pattern)| !removed[*key] && pattern.matches(&subject))
                .map(|(key, _)| key)
                .collect();
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn an_index_that_was_emptied_holds_nothing() {
        let mut index = Index::default();
        let pattern = Pattern::new("a.*.b.>,a.b,c.>").unwrap();
        index.insert(&pattern, 1);
        index.remove(&pattern, 1);
        assert!(index.root.is_empty());
    }
}

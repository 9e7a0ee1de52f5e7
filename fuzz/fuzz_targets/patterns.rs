//! Subjects and patterns: the hub's index finds what `Pattern::matches` says, no more, no less, and forgets it again.
//! The first line is a subject, each other line a pattern.

#![no_main]

use domain::{Pattern, Subject};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/hub/src/index.rs"]
mod index;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let Ok(subject) = Subject::new(lines.next().unwrap_or_default()) else {
        // A subject is also a pattern without wildcards; what is neither must still not panic.
        let _ = Pattern::new(text);
        return;
    };
    assert!(Pattern::new(subject.as_str()).is_ok_and(|exact| exact.matches(&subject)));
    let patterns: Vec<Pattern> = lines.filter_map(|line| Pattern::new(line).ok()).take(64).collect();
    let mut index = index::Index::default();
    for (key, pattern) in patterns.iter().enumerate() {
        assert_eq!(pattern.to_string().parse().as_ref(), Ok(pattern));
        index.insert(pattern, key);
    }
    let found = |index: &index::Index| {
        let mut found = Vec::new();
        index.matches(&subject, |key| found.push(key));
        found.sort_unstable();
        found.dedup();
        found
    };
    let meant: Vec<usize> = (0..patterns.len()).filter(|key| patterns[*key].matches(&subject)).collect();
    assert_eq!(found(&index), meant, "{patterns:?} for {subject}");
    for key in &meant {
        if let Some(topics) = patterns[*key].topics() {
            let read = topics.iter().any(|topic| topic == subject.topic());
            assert!(read, "the log would be read by the wrong topics");
        }
    }
    for (key, pattern) in patterns.iter().enumerate() {
        index.remove(pattern, key);
    }
    assert!(found(&index).is_empty());
});

//! What to read of the log for somebody who listens to some patterns.

use domain::{Pattern, contract::KINDS, subject::Alternative};
use store::Filter;

/// With more event types than this, walking the log is better than walking the index of types.
const FEW_KINDS: usize = 16;

/// A filter that passes at least what matches one of the patterns, along the index that promises most.
pub(crate) fn filter(patterns: &[Pattern]) -> Filter {
    if let [pattern] = patterns
        && pattern.topics().is_some()
    {
        return Filter::everything().matching(pattern.clone());
    }
    of_kinds(kinds(patterns))
}

/// The same, and it also passes what redacts others.
pub(crate) fn filter_with_redactions(patterns: &[Pattern]) -> Filter {
    let mut kinds = kinds(patterns);
    kinds.extend(redacting().filter(|name| !kinds.contains(name)).collect::<Vec<_>>());
    of_kinds(kinds)
}

/// A filter that passes what redacts others, and nothing else.
pub(crate) fn redactions() -> Filter {
    Filter::everything().of_kinds(redacting())
}

fn redacting() -> impl Iterator<Item = &'static str> {
    KINDS.iter().filter(|kind| kind.redacts).map(|kind| kind.name)
}

fn of_kinds(kinds: Vec<&'static str>) -> Filter {
    if kinds.len() > FEW_KINDS { Filter::everything() } else { Filter::everything().of_kinds(kinds) }
}

/// The event types whose subjects may match one of the patterns.
fn kinds(patterns: &[Pattern]) -> Vec<&'static str> {
    let possible = |subject: &str| patterns.iter().any(|pattern| may_match(pattern, subject));
    KINDS.iter().filter(|kind| possible(kind.subject)).map(|kind| kind.name).collect()
}

/// Whether a pattern may match subjects of this form, `chat.{room}.message_posted`.
fn may_match(pattern: &Pattern, form: &str) -> bool {
    pattern.alternatives().any(|alternative| may_be(alternative, form))
}

fn may_be(alternative: Alternative<'_>, form: &str) -> bool {
    let mut given = form.split('.');
    let mut wanted = alternative.tokens();
    loop {
        match (wanted.next(), given.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(want), Some(have)) if want == have || have.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| Pattern::new(*text).expect("a pattern")).collect()
    }

    #[test]
    fn what_is_read_is_found_by_type() {
        let filter = filter(&patterns(&["chat.*.message_posted", "account.>"]));
        let expected = [
            "account.registered",
            "account.profile_changed",
            "account.role_changed",
            "account.session_ended",
            "chat.message_posted",
        ];
        assert_eq!(filter.kinds.unwrap_or_default(), expected);
    }

    #[test]
    fn what_redacts_is_read_once_by_whoever_folds_what_it_concerns_and_by_whoever_does_not() {
        for patterns in
            [patterns(&["order.*.placed"]), patterns(&["order.*.placed", "chat.*.message_deleted"])]
        {
            let mut kinds = filter_with_redactions(&patterns).kinds.unwrap_or_default();
            kinds.sort_unstable();
            assert_eq!(kinds, ["chat.message_deleted", "order.placed"]);
        }
    }

    #[test]
    fn a_pattern_may_match_where_a_subject_has_a_placeholder() {
        let may = |pattern: &str, form| Pattern::new(pattern).is_ok_and(|pattern| may_match(&pattern, form));
        assert!(may("chat.lobby.message_posted", "chat.{room}.message_posted"));
        assert!(may("chat.>", "chat.{room}.message_posted"));
        assert!(!may("chat.*", "chat.{room}.message_posted"));
        assert!(!may("chat.*.room_read", "chat.{room}.message_posted"));
    }
}

//! The signals that are kept for whoever subscribes later. Each connection reads them in its own time, a stretch
//! at a time: however many there are, few of them wait for a connection.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use bytes::Bytes;
use domain::{Audience, Pattern, Subject, Tokens};

/// How many are looked at for one stretch.
const STRETCH: usize = 1_024;

/// The newest of each signal that is kept, with who may see it.
#[derive(Debug, Default)]
pub(crate) struct Kept(BTreeMap<Subject, (Audience, Bytes)>);

impl Kept {
    pub(crate) fn keep(&mut self, subject: Subject, audience: Audience, frame: Bytes) {
        self.0.insert(subject, (audience, frame));
    }

    pub(crate) fn forget(&mut self, subject: &Subject) {
        self.0.remove(subject);
    }
}

/// How far a connection has come with them.
pub(crate) struct Walk {
    patterns: Vec<Pattern>,
    after: Option<Subject>,
}

impl Walk {
    /// From the start, for those of these patterns that can match a signal; `None` if there are none.
    pub(crate) fn new<'a>(patterns: impl Iterator<Item = &'a Pattern>) -> Option<Self> {
        let patterns: Vec<Pattern> = patterns.filter(|pattern| pattern.is_signal()).cloned().collect();
        (!patterns.is_empty()).then_some(Self { patterns, after: None })
    }

    /// The next stretch, as far as it is wanted and may be seen, and the walk that goes on from there.
    pub(crate) fn stretch(mut self, kept: &Kept, tokens: &Tokens) -> (Vec<Bytes>, Option<Self>) {
        let from = self.after.as_ref().map_or(Unbounded, Excluded);
        let stretch: Vec<_> = kept.0.range::<Subject, _>((from, Unbounded)).take(STRETCH).collect();
        let last = (stretch.len() == STRETCH).then(|| stretch[STRETCH - 1].0.clone());
        let wanted = stretch.into_iter().filter(|(subject, (audience, _))| {
            self.patterns.iter().any(|pattern| pattern.matches(subject)) && audience.admits(tokens)
        });
        let frames = wanted.map(|(_, (_, frame))| frame.clone()).collect();
        self.after = last;
        (frames, self.after.is_some().then_some(self))
    }
}

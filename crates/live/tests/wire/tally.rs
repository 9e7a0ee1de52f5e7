//! What happened in a run, to know that something did.

/// What happened, to know that something did.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connections: usize,
    pub(crate) breaks: usize,
    pub(crate) resyncs: usize,
    pub(crate) epochs: usize,
    pub(crate) lossy: usize,
    pub(crate) signals: usize,
    pub(crate) applied: usize,
    pub(crate) compared: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Tally) {
        self.connections += other.connections;
        self.breaks += other.breaks;
        self.resyncs += other.resyncs;
        self.epochs += other.epochs;
        self.lossy += other.lossy;
        self.signals += other.signals;
        self.applied += other.applied;
        self.compared += other.compared;
    }
}

//! What came of it all, for people.

use std::{collections::BTreeMap, fmt, time::Duration};

/// Whoever behaves must not wait longer than this for a word, however slow the machine.
const LONGEST: Duration = Duration::from_secs(10);

/// What became of one attack.
#[derive(Debug)]
pub struct Row {
    /// What was tried.
    pub what: &'static str,
    /// By how many.
    pub clients: usize,
    /// How the server ended it, and how often.
    pub ends: BTreeMap<String, usize>,
    /// How long the server bore with the last of them.
    pub longest: Duration,
    /// Whether all of that is as it must be.
    pub sound: bool,
}

/// What came of it all.
#[derive(Debug)]
pub struct Endured {
    /// One for each attack.
    pub rows: Vec<Row>,
    /// How many words the one who behaves said and the other heard, each once and in order.
    pub words: usize,
    /// The longest that one of them took, from before it was said until it was heard.
    pub slowest: Duration,
    /// The server's memory before, at its most, and after, in MiB.
    pub resident_mib: [f64; 3],
    /// The server's sockets before and after.
    pub sockets: [usize; 2],
    /// By how much its memory might grow.
    pub(super) growth_mib: f64,
}

impl Endured {
    /// What is not as it must be.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let rows = self.rows.iter().filter(|row| !row.sound);
        let mut complaints: Vec<String> = rows.map(|row| format!("{}: {:?}", row.what, row.ends)).collect();
        let [before, most, _] = self.resident_mib;
        if most - before > self.growth_mib {
            complaints.push(format!("the memory grew by {:.0} MiB", most - before));
        }
        if self.slowest > LONGEST {
            complaints.push(format!("a word was heard only after {} s", self.slowest.as_secs()));
        }
        if self.sockets[1] > self.sockets[0] {
            complaints.push(format!("{} sockets are left over", self.sockets[1] - self.sockets[0]));
        }
        complaints
    }
}

impl fmt::Display for Endured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<40} {:>7} {:>9}  ended", "what was tried", "clients", "longest")?;
        for row in &self.rows {
            let ends: Vec<String> = row.ends.iter().map(|(end, count)| format!("{count} x {end}")).collect();
            let verdict = if row.sound { "" } else { "  <- NOT AS IT MUST BE" };
            let seconds = row.longest.as_secs_f64();
            writeln!(
                f,
                "{:<40} {:>7} {seconds:>7.1} s  {}{verdict}",
                row.what,
                row.clients,
                ends.join(", ")
            )?;
        }
        let ([before, most, after], slowest) = (self.resident_mib, self.slowest.as_millis());
        writeln!(f, "Meanwhile {} words were said and heard, the slowest after {slowest} ms.", self.words)?;
        writeln!(f, "Memory: {before:.0} MiB before, {most:.0} at most, {after:.0} after.")?;
        writeln!(f, "Sockets: {} before, {} after.", self.sockets[0], self.sockets[1])
    }
}

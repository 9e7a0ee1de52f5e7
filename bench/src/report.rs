//! What was measured: one table for people, one JSON file for programs.

use std::path::Path;

use serde::Serialize;

use crate::Failure;

/// One number of ours, beside the yardstick's.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    what: String,
    unit: &'static str,
    ours: f64,
    yardstick: Option<f64>,
    ratio: Option<f64>,
    goal: &'static str,
}

/// Everything that was measured in this run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    rows: Vec<Row>,
    remarks: Vec<String>,
}

impl Report {
    /// Adds a number, and says it at once: a long run should not be silent.
    pub(crate) fn add(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        (ours, yardstick): (f64, Option<f64>),
        goal: &'static str,
    ) {
        let ratio = yardstick.map(|yardstick| ours / yardstick).filter(|ratio| ratio.is_finite());
        let row = Row { what: what.into(), unit, ours, yardstick, ratio, goal };
        eprintln!("  {}: {} {unit}", row.what, number(ours));
        self.rows.push(row);
    }

    /// Adds a sentence: something that could not be measured, and why.
    pub(crate) fn remark(&mut self, text: String) {
        eprintln!("  {text}");
        self.remarks.push(text);
    }

    /// Prints the table and writes the file.
    pub(crate) fn finish(&self, json: &Path) -> Result<(), Failure> {
        let optional = |value: Option<f64>| value.map_or_else(|| "–".into(), number);
        println!("{:<52} {:>10} {:>10} {:>7}  {:<14} goal", "what", "ours", "yardstick", "ratio", "unit");
        for row in &self.rows {
            let ratio = row.ratio.map_or_else(|| "–".into(), |ratio| format!("{ratio:.2}"));
            let (ours, yardstick) = (number(row.ours), optional(row.yardstick));
            println!("{:<52} {ours:>10} {yardstick:>10} {ratio:>7}  {:<14} {}", row.what, row.unit, row.goal);
        }
        for remark in &self.remarks {
            println!("{remark}");
        }
        if let Some(folder) = json.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(json, serde_json::to_string_pretty(self)? + "\n")?;
        Ok(())
    }
}

/// With as many digits as mean something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

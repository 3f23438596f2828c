//! What became of the rows of a file.

use std::fmt::{self, Write};
use std::time::Duration;

use indicatif::DecimalBytes;
use kv_client::Durability;
use serde::Serialize;

use crate::limits::FAILURES_SHOWN_MAX;
use crate::screen::plural;

/// Failed lines: the first of them by number, and how many there are.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Failures {
    shown: Vec<(u64, String)>,
    count: u64,
}

impl Failures {
    /// Adds a line.
    pub(crate) fn add(&mut self, line: u64, why: impl fmt::Display) {
        self.count += 1;
        if self.shown.len() < FAILURES_SHOWN_MAX {
            self.shown.push((line, why.to_string()));
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}

/// What became of the rows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// Rows the server has answered, in the order of the file.
    pub(crate) acknowledged: u64,
    /// Rows written.
    pub(crate) written: u64,
    /// Rows left alone because their key exists.
    pub(crate) existing: u64,
    /// Rows the server refused.
    pub(crate) refused: Failures,
    /// Lines that are no rows.
    pub(crate) malformed: Failures,
    /// The weakest durability level of the rows written; `None` when none was.
    pub(crate) durability: Option<Durability>,
    /// Bytes of keys and values in the rows acknowledged.
    pub(crate) bytes: u64,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

#[derive(Serialize)]
struct Figures {
    rows: u64,
    acknowledged: u64,
    existing: u64,
    refused: u64,
    malformed: u64,
    bytes: u64,
    seconds: f64,
    rows_per_second: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    durability: Option<String>,
}

impl Report {
    /// Counts rows that have reached this level.
    pub(crate) fn reached(&mut self, level: Option<Durability>) {
        self.durability = match (self.durability, level) {
            (Some(weakest), Some(level)) => Some(weakest.min(level)),
            (one, other) => one.or(other),
        };
    }

    /// The figures for JSON.
    pub(crate) fn figures(&self) -> impl Serialize {
        Figures {
            rows: self.written,
            acknowledged: self.acknowledged,
            existing: self.existing,
            refused: self.refused.count,
            malformed: self.malformed.count,
            bytes: self.bytes,
            seconds: self.elapsed.as_secs_f64(),
            rows_per_second: self.rows_per_second(),
            durability: self.durability.map(|level| level.to_string()),
        }
    }

    fn rows_per_second(&self) -> u64 {
        let nanos = self.elapsed.as_nanos().max(1);
        u64::try_from(u128::from(self.acknowledged) * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
    }

    /// The figures in a line.
    pub(crate) fn summary(&self, verb: &str) -> String {
        let mut text = format!(
            "{verb} {} ({}) in {:.2}s, {} rows/s",
            plural(self.written, "row"),
            DecimalBytes(self.bytes),
            self.elapsed.as_secs_f64(),
            self.rows_per_second()
        );
        let exceptions = [
            (self.existing, "existing key", " kept"),
            (self.refused.count, "row", " refused"),
            (self.malformed.count, "malformed line", ""),
        ];
        for (count, what, became) in exceptions.into_iter().filter(|(count, ..)| *count > 0) {
            text.push_str(&[", ", &plural(count, what), became].concat());
        }
        if let Some(level) = self.durability {
            text.push_str(&[", durability ", &level.to_string()].concat());
        }
        text
    }

    /// The failed lines in the order of the file, one line each; empty when there are none.
    pub(crate) fn failures(&self) -> String {
        let mut shown: Vec<_> = self.malformed.shown.iter().chain(&self.refused.shown).collect();
        shown.sort_by_key(|(line, _)| *line);
        let mut text = String::new();
        for (line, why) in shown.iter().take(FAILURES_SHOWN_MAX) {
            writeln!(text, "line {line}: {why}").expect("a String takes all that is written");
        }
        let count = self.malformed.count + self.refused.count;
        let hidden = count.saturating_sub(u64::try_from(FAILURES_SHOWN_MAX).unwrap_or(u64::MAX));
        if hidden > 0 {
            writeln!(text, "... and {hidden} more").expect("a String takes all that is written");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_report_names_what_went_wrong_and_stays_short() {
        let mut report = Report {
            acknowledged: 1002,
            written: 1000,
            bytes: 12_345_678,
            elapsed: Duration::from_millis(501),
            ..Report::default()
        };
        expect!["imported 1000 rows (12.35 MB) in 0.50s, 2000 rows/s"]
            .assert_eq(&report.summary("imported"));
        assert_eq!(report.failures(), "");

        report.existing = 1;
        report.refused.add(7, "value of 9 bytes is too long");
        for line in (0..50).step_by(2) {
            report.malformed.add(line, "no tab");
        }
        expect!["imported 1000 rows (12.35 MB) in 0.50s, 2000 rows/s, 1 existing key kept, 1 row refused, 25 malformed lines"]
            .assert_eq(&report.summary("imported"));
        let failures = report.failures();
        let lines: Vec<_> = failures.lines().collect();
        assert_eq!(lines.len(), FAILURES_SHOWN_MAX + 1);
        assert_eq!(lines[3], "line 6: no tab");
        assert_eq!(lines[4], "line 7: value of 9 bytes is too long");
        assert_eq!(lines[FAILURES_SHOWN_MAX], "... and 6 more");
    }

    #[test]
    fn an_instant_import_has_a_rate_too() {
        let report = Report { acknowledged: 5, ..Report::default() };
        assert_eq!(report.rows_per_second(), 5_000_000_000);
    }
}

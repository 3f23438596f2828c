//! What was measured before, committed: ratios, bytes and hit ratios, which mean the same on every machine.

use std::path::Path;

use anyhow::{Context, Result};
use kv_bench::{Better, Compare, Measured, Record};
use serde::{Deserialize, Serialize};

/// Relative to the workspace root.
pub(super) const FILE: &str = "docs/bench/baseline.json";

/// What writes it.
pub(super) const COMMAND: &str = "cargo xtask bench all --quick --refresh-baseline";

/// The committed figures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Baseline {
    /// Of the state that was measured.
    pub(super) commit: String,
    pub(super) machine: String,
    pub(super) command: String,
    pub(super) rows: Vec<Entry>,
}

/// A row to compare with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) section: String,
    pub(super) name: String,
    /// Whether `value` is the ratio to the peer or the figure itself.
    pub(super) compare: Compare,
    pub(super) better: Better,
    pub(super) value: f64,
}

impl Baseline {
    /// What of these rows may be compared with another day's.
    pub(super) fn of(records: &[Record]) -> Self {
        let mut baseline = Self { command: COMMAND.to_owned(), ..Self::default() };
        for record in records {
            let Record::Row(row) = record else { continue };
            baseline.commit.clone_from(&row.origin.commit);
            baseline.machine.clone_from(&row.origin.machine);
            baseline.rows.extend(Entry::of(&row.measured));
        }
        baseline
    }

    pub(super) fn read(root: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(root.join(FILE))
            .with_context(|| format!("{FILE} cannot be read; `{COMMAND}` makes it"))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{FILE} is broken; `{COMMAND}` makes it anew"))
    }

    pub(super) fn write(&self, root: &Path) -> Result<()> {
        let file = root.join(FILE);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(&file, text).with_context(|| format!("{FILE} cannot be written"))?;
        println!("refreshed: {FILE}, {} rows", self.rows.len());
        Ok(())
    }
}

impl Entry {
    /// `None` for rows that say nothing on another day, and for those whose peer is missing.
    pub(super) fn of(row: &Measured) -> Option<Self> {
        let value = match row.compare {
            Compare::Ratio => row.ratio()?,
            Compare::Value => row.ours.median(),
            Compare::Nothing => return None,
        };
        Some(Self {
            section: row.section.clone(),
            name: row.name.clone(),
            compare: row.compare,
            better: row.better,
            value,
        })
        .filter(|entry| entry.value.is_finite())
    }

    pub(super) fn is_of(&self, row: &Measured) -> bool {
        self.section == row.section && self.name == row.name
    }
}

#[cfg(test)]
mod tests {
    use kv_bench::{Figure, Origin, Row};

    use super::*;

    fn record(name: &str, compare: Compare, peer: Option<f64>) -> Record {
        let measured = Measured::higher("resp", name, "ops/s", &Figure::from(3.0))
            .beside("Redis", peer.map(Figure::from).as_ref())
            .compare(compare);
        let origin = Origin { commit: "abc".to_owned(), ..Origin::default() };
        Record::Row(Box::new(Row { measured, origin }))
    }

    #[test]
    fn only_what_means_the_same_elsewhere_is_kept() {
        let baseline = Baseline::of(&[
            record("ratio", Compare::Ratio, Some(2.0)),
            record("value", Compare::Value, Some(2.0)),
            record("rate", Compare::Nothing, Some(2.0)),
            record("alone", Compare::Ratio, None),
            record("against nothing", Compare::Ratio, Some(0.0)),
        ]);
        let rows: Vec<_> = baseline.rows.iter().map(|row| (row.name.as_str(), row.value)).collect();
        assert_eq!(rows, [("ratio", 1.5), ("value", 3.0)]);
        assert_eq!(baseline.commit, "abc");
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let root = tempfile::tempdir().unwrap();
        let missing = Baseline::read(root.path()).unwrap_err().to_string();
        assert!(missing.contains(COMMAND), "{missing}");
        let baseline = Baseline::of(&[record("ratio", Compare::Ratio, Some(2.0))]);
        baseline.write(root.path()).unwrap();
        assert_eq!(Baseline::read(root.path()).unwrap(), baseline);
        std::fs::write(root.path().join(FILE), "{}").unwrap();
        assert!(Baseline::read(root.path()).unwrap_err().to_string().contains("is broken"));
    }

    #[test]
    fn the_committed_one_can_be_read() {
        assert!(!Baseline::read(Path::new("..")).unwrap().rows.is_empty());
    }
}

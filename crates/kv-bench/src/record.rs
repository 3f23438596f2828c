//! A line of a file with rows.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Measured, Origin};

/// What a benchmark has to say of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// It was measured.
    Row(Box<Row>),
    /// It was not.
    Skipped(Skipped),
}

/// A row, and where it comes from. In files it is one flat object, with medians, ranges and the ratio added
/// for those who read it without this crate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Flat", into = "Flat")]
pub struct Row {
    /// What was measured.
    pub measured: Measured,
    /// By what, on what.
    pub origin: Origin,
}

/// A section, or a part of it, that could not be measured here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The section.
    pub section: String,
    /// What is missing.
    pub reason: String,
}

#[derive(Serialize, Deserialize)]
struct Flat {
    #[serde(flatten)]
    measured: Measured,
    #[serde(flatten)]
    origin: Origin,
    /// Follows from the rest: written, and not read.
    #[serde(skip_deserializing, default)]
    summary: Option<Summary>,
}

#[derive(Serialize)]
struct Summary {
    median: f64,
    range: [f64; 2],
    peer_median: Option<f64>,
    peer_range: Option<[f64; 2]>,
    ratio: Option<f64>,
    met: Option<bool>,
}

impl From<Row> for Flat {
    fn from(Row { measured, origin }: Row) -> Self {
        let peer = measured.peer.as_ref().map(|peer| &peer.values);
        let summary = Summary {
            median: measured.ours.median(),
            range: [measured.ours.low(), measured.ours.high()],
            peer_median: peer.map(crate::Figure::median),
            peer_range: peer.map(|values| [values.low(), values.high()]),
            ratio: measured.ratio(),
            met: measured.is_met(),
        };
        Self { measured, origin, summary: Some(summary) }
    }
}

impl From<Flat> for Row {
    fn from(Flat { measured, origin, .. }: Flat) -> Self {
        Self { measured, origin }
    }
}

/// A line that is no record.
#[derive(Debug, Error)]
#[error("line {line} is no record of a benchmark: {source}")]
pub struct RecordError {
    line: usize,
    source: serde_json::Error,
}

/// Reads lines of JSON, one record each; empty lines are left out.
///
/// # Errors
///
/// The first line that is no record.
pub fn parse(text: &str) -> Result<Vec<Record>, RecordError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let record = |(index, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|source| RecordError { line: index + 1, source })
    };
    lines.map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Compare, Figure, Target};

    fn row() -> Record {
        let (ours, peer) = ([2.5, 1.5, 2.0].into_iter().collect(), Figure::from(1.0));
        let measured = Measured::higher("resp", "GET P1", "ops/s", &ours)
            .beside("Redis", Some(&peer))
            .target(Some(Target::Ratio(1.1)))
            .compare(Compare::Ratio);
        let origin = Origin {
            commit: "abc".to_owned(),
            machine: "2 cores".to_owned(),
            command: "cargo bench".to_owned(),
            ..Origin::default()
        };
        Record::Row(Box::new(Row { measured, origin: origin.with_version("redis", Some("7")) }))
    }

    /// People and other programs read these lines: their fields stay.
    const LINE: &str = r#"{"kind":"row","section":"resp","name":"GET P1","unit":"ops/s","better":"higher","ours":[2.5,1.5,2.0],"peer":{"name":"Redis","values":[1.0]},"target":{"ratio":1.1},"compare":"ratio","form":"full","commit":"abc","machine":"2 cores","versions":{"redis":"7"},"command":"cargo bench","summary":{"median":2.0,"range":[1.5,2.5],"peer_median":1.0,"peer_range":[1.0,1.0],"ratio":2.0,"met":true}}"#;

    #[test]
    fn a_row_is_one_flat_line() {
        assert_eq!(serde_json::to_string(&row()).unwrap(), LINE);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let skipped = Skipped { section: "http".to_owned(), reason: "no wrk".to_owned() };
        let skipped = Record::Skipped(skipped);
        let text = format!("{LINE}\n\n{}\n", serde_json::to_string(&skipped).unwrap());
        assert_eq!(parse(&text).unwrap(), [row(), skipped]);
    }

    #[test]
    fn a_broken_line_is_named() {
        let error = parse(&format!("{LINE}\n{{\"kind\":\"row\"}}\n")).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("line 2 is no record of a benchmark: missing field"), "{text}");
        assert!(parse(&LINE[..100]).unwrap_err().to_string().starts_with("line 1 "));
    }
}

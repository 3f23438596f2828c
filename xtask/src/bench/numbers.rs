//! The numbers to reach: what the design asks for, held against what was measured.

use kv_bench::{Measured, Record};

use super::format;

/// A line of the table. It is met when all its parts are.
struct Number {
    work: &'static str,
    target: &'static str,
    parts: &'static [Part],
}

/// A row that a benchmark records, and what the design wants of it.
struct Part {
    /// For people, where a line has several parts.
    label: &'static str,
    section: &'static str,
    row: &'static str,
    goal: Goal,
}

/// What is wanted.
#[derive(Debug, Clone, Copy)]
enum Goal {
    /// Ours to the peer's, at least.
    RatioMin(f64),
    /// Ours to the peer's, at most.
    RatioMax(f64),
    /// Ours, at least.
    Min(f64),
    /// Ours, at most.
    Max(f64),
    /// Ours at most so far below the peer's.
    BelowMax(f64),
}

const fn part(label: &'static str, section: &'static str, row: &'static str, goal: Goal) -> Part {
    Part { label, section, row, goal }
}

const NUMBERS: [Number; 13] = [
    Number {
        work: "RESP GET/SET, 50 connections, no pipelining",
        target: "≥ 1.1×",
        parts: &[
            part("GET", "resp", "GET P1", Goal::RatioMin(1.1)),
            part("SET", "resp", "SET P1", Goal::RatioMin(1.1)),
        ],
    },
    Number {
        work: "RESP GET/SET, pipeline 16",
        target: "≥ 1.6×",
        parts: &[
            part("GET", "resp", "GET P16", Goal::RatioMin(1.6)),
            part("SET", "resp", "SET P16", Goal::RatioMin(1.6)),
        ],
    },
    Number {
        work: "RESP GET/SET, pipeline 64",
        target: "≥ 3×",
        parts: &[
            part("GET", "resp", "GET P64", Goal::RatioMin(3.0)),
            part("SET", "resp", "SET P64", Goal::RatioMin(3.0)),
        ],
    },
    Number {
        work: "Server CPU per op, pipeline 64",
        target: "≤ 0.45×",
        parts: &[
            part("GET", "resp", "GET P64, server CPU", Goal::RatioMax(0.45)),
            part("SET", "resp", "SET P64, server CPU", Goal::RatioMax(0.45)),
        ],
    },
    Number {
        work: "gRPC unary Get, 4 connections × 16 in flight",
        target: "≥ 100 k/s",
        parts: &[part("", "grpc", "unary Get, 4 × 16 in flight", Goal::Min(100e3))],
    },
    Number {
        work: "gRPC Pipeline stream, batches of 64",
        target: "≥ 2 M ops/s",
        parts: &[
            part("Get", "grpc", "Pipeline of Gets, batches of 64", Goal::Min(2e6)),
            part("Set", "grpc", "Pipeline of Sets, batches of 64", Goal::Min(2e6)),
        ],
    },
    Number {
        work: "SET with fsync on every write, 50 connections; pipeline 16",
        target: "≥ 1.3×; ≥ 2×",
        parts: &[
            part("1", "always", "RESP, 1 in flight", Goal::RatioMin(1.3)),
            part("16", "always", "RESP, 16 in flight", Goal::RatioMin(2.0)),
        ],
    },
    Number {
        work: "Memory beyond key + value, 16 B keys, 64 B values",
        target: "≤ 32 B",
        parts: &[part("", "memory", "beyond key and value, without TTL", Goal::Max(32.0))],
    },
    Number {
        work: "Expired keys out of memory, 200 k due at once beside 1 M volatile",
        target: "p99 ≤ 100 ms late",
        parts: &[part("", "engine-expiry", "late, p99", Goal::Max(100.0))],
    },
    Number {
        work: "Restart with 5.5 M keys",
        target: "≤ 1.1 s",
        parts: &[part("", "restart", "snapshot (Redis: RDB)", Goal::Max(1.1))],
    },
    Number {
        work: "p99.9 of 1 KiB SETs while a snapshot runs",
        target: "≤ 2× the p99.9 without",
        parts: &[part("", "snapshot", "kv, open loop, p99.9", Goal::RatioMax(2.0))],
    },
    Number {
        work: "Hit ratio, Zipf 1.0, cache 1 % / 10 % of keys",
        target: "`lru` within 1 point of exact LRU; `s3fifo`, `tinylfu` ≥ 51.5 / 74.8",
        parts: &[
            part(
                "`lru` 1 %",
                "eviction-zipf",
                "Zipf 1.0, 10 k keys, 100 cached, lru",
                Goal::BelowMax(1.0),
            ),
            part(
                "10 %",
                "eviction-zipf",
                "Zipf 1.0, 10 k keys, 1000 cached, lru",
                Goal::BelowMax(1.0),
            ),
            part(
                "`s3fifo` 1 %",
                "eviction-zipf",
                "Zipf 1.0, 10 k keys, 100 cached, s3fifo",
                Goal::Min(51.5),
            ),
            part(
                "10 %",
                "eviction-zipf",
                "Zipf 1.0, 10 k keys, 1000 cached, s3fifo",
                Goal::Min(74.8),
            ),
            part(
                "`tinylfu` 1 %",
                "eviction-zipf",
                "Zipf 1.0, 10 k keys, 100 cached, tinylfu",
                Goal::Min(51.5),
            ),
            part(
                "10 %",
                "eviction-zipf",
                "Zipf 1.0, 10 k keys, 1000 cached, tinylfu",
                Goal::Min(74.8),
            ),
        ],
    },
    Number {
        work: "In-process GET, one thread: cache-resident; 10 M keys in batches of 16",
        target: "≥ 20 M/s; ≥ 10 M/s",
        parts: &[
            part("resident", "engine-gets", "cache-resident, one by one", Goal::Min(20e6)),
            part("10 M keys", "engine-gets", "many keys, batches of 16", Goal::Min(10e6)),
        ],
    },
];

/// The whole table, in Markdown, with a count below it.
pub(super) fn table(records: &[Record]) -> String {
    let verdicts = NUMBERS.iter().map(|number| number.line(records));
    let (lines, verdicts): (Vec<String>, Vec<&str>) = verdicts.unzip();
    let met = verdicts.iter().filter(|verdict| **verdict == MET).count();
    let (head, rows) = ("| Work | Target | kv | Beside it | Ratio | |", lines.concat());
    format!("{head}\n|---|---|---|---|---|---|\n{rows}\n{met} of {} met.\n", NUMBERS.len())
}

impl Number {
    /// Its line of the table, and the verdict.
    fn line(&self, records: &[Record]) -> (String, &'static str) {
        let found: Vec<(&Part, Option<&Measured>)> =
            self.parts.iter().map(|part| (part, part.find(records))).collect();
        let verdict = verdict(&found);
        let ours = cell(&found, |row| Some(format::figure(&row.ours, &row.unit)));
        let (peer, ratio) = (cell(&found, format::peer), cell(&found, ratio));
        let (work, target) = (self.work, self.target);
        (format!("| {work} | {target} | {ours} | {peer} | {ratio} | {verdict} |\n"), verdict)
    }
}

const MET: &str = "met";
const NOT_MET: &str = "**not met**";
const NOT_MEASURED: &str = "not measured";

/// Of a line: one part that fails is enough, one that is missing too.
fn verdict(parts: &[(&Part, Option<&Measured>)]) -> &'static str {
    let verdicts: Vec<Option<bool>> =
        parts.iter().map(|(part, row)| row.and_then(|row| part.goal.is_met(row))).collect();
    match verdicts {
        verdicts if verdicts.contains(&Some(false)) => NOT_MET,
        verdicts if verdicts.contains(&None) => NOT_MEASURED,
        _ => MET,
    }
}

/// What all parts have to show, with their labels.
fn cell(parts: &[(&Part, Option<&Measured>)], show: fn(&Measured) -> Option<String>) -> String {
    let text = |(part, row): &(&Part, Option<&Measured>)| {
        let text = row.and_then(show)?;
        Some(format!("{} {text}", part.label).trim().to_owned())
    };
    let texts: Vec<String> = parts.iter().filter_map(text).collect();
    if texts.is_empty() { "–".to_owned() } else { texts.join("; ") }
}

fn ratio(row: &Measured) -> Option<String> {
    row.ratio().map(format::ratio)
}

impl Part {
    /// The last that was measured of it.
    fn find<'a>(&self, records: &'a [Record]) -> Option<&'a Measured> {
        let mut rows = records.iter().filter_map(|record| match record {
            Record::Row(row) => Some(&row.measured),
            Record::Skipped(_) => None,
        });
        rows.rfind(|row| row.section == self.section && row.name == self.row)
    }
}

impl Goal {
    /// `None` without the peer that it takes, and for what is no number.
    fn is_met(self, row: &Measured) -> Option<bool> {
        let (value, ratio) = (row.ours.median(), row.ratio());
        let peer = row.peer.as_ref().map(|peer| peer.values.median());
        let left = match self {
            Self::RatioMin(bound) => ratio? - bound,
            Self::RatioMax(bound) => bound - ratio?,
            Self::Min(bound) => value - bound,
            Self::Max(bound) => bound - value,
            Self::BelowMax(points) => value - (peer? - points),
        };
        (!left.is_nan()).then_some(left >= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use kv_bench::{Figure, Origin, Row};

    use super::super::baseline::{Baseline, Entry};
    use super::*;

    fn record(section: &str, name: &str, unit: &str, ours: f64, peer: Option<f64>) -> Record {
        let measured = Measured::higher(section, name, unit, &Figure::from(ours))
            .beside("Redis", peer.map(Figure::from).as_ref());
        Record::Row(Box::new(Row { measured, origin: Origin::default() }))
    }

    fn line(records: &[Record], start: &str) -> String {
        let table = table(records);
        table.lines().find(|line| line.starts_with(start)).expect(start).to_owned()
    }

    #[test]
    fn all_thirteen_lines_are_there_without_any_rows() {
        let table = table(&[]);
        assert_eq!(table.matches("| not measured |").count(), 13, "{table}");
        assert!(table.ends_with("\n0 of 13 met.\n"), "{table}");
    }

    #[test]
    fn a_line_is_met_when_all_its_parts_are() {
        let get = record("resp", "GET P1", "ops/s", 44e3, Some(40e3));
        let set = |rate| record("resp", "SET P1", "ops/s", rate, Some(30e3));
        let start = "| RESP GET/SET, 50 connections";
        assert_eq!(
            line(&[get.clone(), set(36e3)], start),
            "| RESP GET/SET, 50 connections, no pipelining | ≥ 1.1× | GET 44 k/s; SET 36 k/s | \
             GET Redis 40 k/s; SET Redis 30 k/s | GET 1.10×; SET 1.20× | met |"
        );
        assert!(line(&[get.clone(), set(30e3)], start).ends_with("| **not met** |"));
        assert!(line(&[get], start).ends_with("| GET 1.10× | not measured |"));
    }

    #[test]
    fn a_part_that_fails_counts_though_another_is_missing() {
        let records = [record("resp", "GET P16", "ops/s", 1.0, Some(1.0))];
        assert!(line(&records, "| RESP GET/SET, pipeline 16").ends_with("| **not met** |"));
    }

    #[test]
    fn without_the_peer_a_ratio_is_not_measured_and_a_value_is() {
        let rows = ["GET P64", "SET P64"].map(|name| record("resp", name, "ops/s", 1e9, None));
        assert!(line(&rows, "| RESP GET/SET, pipeline 64").ends_with("| not measured |"));
        let restart = [record("restart", "snapshot (Redis: RDB)", "s", 1.1, None)];
        assert!(line(&restart, "| Restart").ends_with("| 1.10 s | – | – | met |"));
    }

    #[test]
    fn goals_are_met_at_their_bounds() {
        let check = |goal: Goal, ours: f64, peer: Option<f64>, expected: Option<bool>| {
            let Record::Row(row) = record("a", "b", "%", ours, peer) else { unreachable!() };
            assert_eq!(goal.is_met(&row.measured), expected, "{goal:?} {ours} {peer:?}");
        };
        check(Goal::Min(2.0), 2.0, None, Some(true));
        check(Goal::Min(2.0), 1.9, None, Some(false));
        check(Goal::Max(2.0), 2.1, None, Some(false));
        check(Goal::RatioMax(0.5), 1.0, Some(2.0), Some(true));
        check(Goal::RatioMin(0.5), 0.9, Some(2.0), Some(false));
        check(Goal::BelowMax(1.0), 38.1, Some(39.0), Some(true));
        check(Goal::BelowMax(1.0), 37.9, Some(39.0), Some(false));
        check(Goal::BelowMax(1.0), 37.9, None, None);
        check(Goal::RatioMin(1.0), 0.0, Some(0.0), None);
    }

    /// Programs name their rows; one that is renamed must be renamed here.
    #[test]
    fn rows_with_ratios_have_the_names_that_are_in_the_baseline() {
        let baseline = Baseline::read(std::path::Path::new("..")).unwrap();
        let parts = NUMBERS.iter().flat_map(|number| number.parts);
        for part in parts.filter(|part| ["resp", "always", "restart"].contains(&part.section)) {
            let is_it = |entry: &Entry| entry.section == part.section && entry.name == part.row;
            assert!(baseline.rows.iter().any(is_it), "{}: {}", part.section, part.row);
        }
    }

    #[test]
    fn the_last_measurement_counts() {
        let rows =
            [0.5, 2.0].map(|time| record("restart", "snapshot (Redis: RDB)", "s", time, None));
        assert!(line(&rows, "| Restart").ends_with("| **not met** |"));
    }
}

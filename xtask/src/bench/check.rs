//! Compares rows with the baseline.

use anyhow::Result;
use kv_bench::{Compare, Measured, Record};

use super::baseline::{Baseline, COMMAND, Entry, FILE};
use super::format;

/// How much worse a row may be, as a share of what it was.
const WORSE_MAX: f64 = 0.15;

/// A row of the baseline, or one that it lacks, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    entry: Entry,
    verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq)]
enum Verdict {
    /// Not much worse than it was.
    Held(f64),
    /// Worse by more than is allowed.
    Worse(f64),
    /// It cannot be measured here.
    Skipped(String),
    /// The section was measured, and has no such row.
    Missing,
    /// The baseline has no such row.
    New,
}

/// What became of every row of `sections`.
pub(super) fn lines(baseline: &Baseline, records: &[Record], sections: &[String]) -> Vec<Line> {
    let mut lines = Vec::new();
    for entry in baseline.rows.iter().filter(|entry| sections.contains(&entry.section)) {
        lines.push(Line { entry: entry.clone(), verdict: judge(entry, records) });
    }
    let is_new = |row: &&Measured| !baseline.rows.iter().any(|entry| entry.is_of(row));
    for entry in rows(records).filter(is_new).filter_map(Entry::of) {
        lines.push(Line { entry, verdict: Verdict::New });
    }
    lines
}

fn rows(records: &[Record]) -> impl DoubleEndedIterator<Item = &Measured> {
    records.iter().filter_map(|record| match record {
        Record::Row(row) => Some(&row.measured),
        Record::Skipped(_) => None,
    })
}

fn judge(entry: &Entry, records: &[Record]) -> Verdict {
    let Some(row) = rows(records).rfind(|row| entry.is_of(row)) else {
        return skipped(entry, records).map_or(Verdict::Missing, Verdict::Skipped);
    };
    let value = match entry.compare {
        Compare::Ratio => row.ratio(),
        Compare::Value | Compare::Nothing => Some(row.ours.median()),
    };
    let Some(value) = value else {
        return Verdict::Skipped("measured alone: Redis is not installed".to_owned());
    };
    let slack = entry.value.abs() * WORSE_MAX;
    let bound = match entry.better {
        kv_bench::Better::Higher => entry.value - slack,
        kv_bench::Better::Lower => entry.value + slack,
    };
    if entry.better.reaches(value, bound) { Verdict::Held(value) } else { Verdict::Worse(value) }
}

/// Why the section of a row, or a part of it, was not measured.
fn skipped(entry: &Entry, records: &[Record]) -> Option<String> {
    records.iter().find_map(|record| match record {
        Record::Skipped(skipped) if skipped.section == entry.section => {
            Some(skipped.reason.clone())
        }
        _ => None,
    })
}

/// The sections to measure again, each once.
pub(super) fn worse_sections(lines: &[Line]) -> Vec<&str> {
    let mut sections: Vec<&str> = Vec::new();
    for line in lines.iter().filter(|line| matches!(line.verdict, Verdict::Worse(_))) {
        if !sections.contains(&line.entry.section.as_str()) {
            sections.push(&line.entry.section);
        }
    }
    sections
}

/// For rows that were worse, what was measured the second time counts. The others had their turn.
pub(super) fn take_second(lines: &mut [Line], second: Vec<Line>) {
    for again in second {
        let is_it = |line: &&mut Line| {
            matches!(line.verdict, Verdict::Worse(_))
                && line.entry.section == again.entry.section
                && line.entry.name == again.entry.name
        };
        if let Some(line) = lines.iter_mut().find(is_it) {
            *line = again;
        }
    }
}

/// Every line, for people.
pub(super) fn print(baseline: &Baseline, lines: &[Line]) -> String {
    let mut out =
        format!("Compared with {FILE} (commit {}, {}):\n", baseline.commit, baseline.machine);
    for line in lines {
        out.push_str(&line.text());
        out.push('\n');
    }
    let count = |is: fn(&Verdict) -> bool| lines.iter().filter(|line| is(&line.verdict)).count();
    let held = count(|verdict| matches!(verdict, Verdict::Held(_)));
    let failed = count(|verdict| matches!(verdict, Verdict::Worse(_) | Verdict::Missing));
    let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
    let new = count(|verdict| matches!(verdict, Verdict::New));
    out + &format!("{held} held, {failed} failed, {skipped} skipped, {new} new.")
}

/// Fails when a row is worse or gone, and when nothing was compared at all.
pub(super) fn verdict(lines: &[Line]) -> Result<()> {
    let failed = lines
        .iter()
        .filter(|line| matches!(line.verdict, Verdict::Worse(_) | Verdict::Missing))
        .map(Line::text);
    let failed: Vec<String> = failed.collect();
    anyhow::ensure!(
        failed.is_empty(),
        "rows are more than {:.0} % worse than the baseline, or gone:\n  {}\n  if that is meant: {COMMAND}",
        WORSE_MAX * 100.0,
        failed.join("\n  ")
    );
    let is_compared = |line: &Line| matches!(line.verdict, Verdict::Held(_));
    if !lines.iter().any(is_compared) {
        println!("Nothing was compared.");
    }
    Ok(())
}

impl Line {
    fn text(&self) -> String {
        let Entry { section, name, compare, better, value: was } = &self.entry;
        let what = match compare {
            Compare::Ratio => "ratio",
            Compare::Value | Compare::Nothing => "value",
        };
        let row = format!("{section}: {name}: {what}");
        let change = |is: f64| {
            format!("{row} {is:.3}, was {was:.3} ({})", format::change(*was, is, *better))
        };
        match &self.verdict {
            Verdict::Held(is) => format!("held     {}", change(*is)),
            Verdict::Worse(is) => format!("WORSE    {}", change(*is)),
            Verdict::Skipped(reason) => format!("SKIPPED  {row}: {reason}"),
            Verdict::Missing => format!("MISSING  {row}: the section has no such row any more"),
            Verdict::New => format!("new      {row} {was:.3}, not in the baseline yet"),
        }
    }
}

#[cfg(test)]
mod tests {
    use kv_bench::{Better, Figure, Origin, Row, Skipped};

    use super::*;

    fn entry(name: &str, compare: Compare, better: Better, value: f64) -> Entry {
        Entry { section: "resp".to_owned(), name: name.to_owned(), compare, better, value }
    }

    fn baseline(rows: Vec<Entry>) -> Baseline {
        Baseline { rows, commit: "abc".to_owned(), ..Baseline::default() }
    }

    fn row(name: &str, ours: f64, peer: Option<f64>) -> Record {
        let measured = Measured::higher("resp", name, "ops/s", &Figure::from(ours))
            .beside("Redis", peer.map(Figure::from).as_ref())
            .compare(Compare::Ratio);
        Record::Row(Box::new(Row { measured, origin: Origin::default() }))
    }

    fn judged(baseline: &Baseline, records: &[Record]) -> Vec<Line> {
        lines(baseline, records, &["resp".to_owned()])
    }

    #[test]
    fn fifteen_percent_worse_is_too_much() {
        let check = |better, was: f64, is: f64, held: bool| {
            let entry = entry("GET", Compare::Ratio, better, was);
            let lines = judged(&baseline(vec![entry]), &[row("GET", is, Some(1.0))]);
            assert_eq!(verdict(&lines).is_ok(), held, "{better:?} {was} {is}");
        };
        check(Better::Higher, 2.0, 1.71, true);
        check(Better::Higher, 2.0, 1.69, false);
        check(Better::Higher, 2.0, 9.0, true);
        check(Better::Lower, 2.0, 2.29, true);
        check(Better::Lower, 2.0, 2.31, false);
        check(Better::Lower, 2.0, 0.1, true);
    }

    #[test]
    fn a_figure_that_means_the_same_everywhere_is_compared_itself() {
        let baseline = baseline(vec![entry("GET", Compare::Value, Better::Higher, 50.0)]);
        assert!(verdict(&judged(&baseline, &[row("GET", 49.0, None)])).is_ok());
        assert!(verdict(&judged(&baseline, &[row("GET", 40.0, None)])).is_err());
    }

    #[test]
    fn what_cannot_be_measured_is_said_and_is_no_failure() {
        let baseline = baseline(vec![entry("GET", Compare::Ratio, Better::Higher, 2.0)]);
        let skipped = Skipped { section: "resp".to_owned(), reason: "no Redis".to_owned() };
        for (record, text) in [
            (Record::Skipped(skipped), "SKIPPED  resp: GET: ratio: no Redis"),
            (
                row("GET", 1.0, None),
                "SKIPPED  resp: GET: ratio: measured alone: Redis is not installed",
            ),
        ] {
            let lines = judged(&baseline, &[record]);
            assert_eq!(lines[0].text(), text);
            assert!(verdict(&lines).is_ok());
        }
    }

    #[test]
    fn a_row_that_is_gone_fails_and_one_that_is_new_does_not() {
        let baseline = baseline(vec![entry("GET", Compare::Ratio, Better::Higher, 2.0)]);
        let lines = judged(&baseline, &[row("SET", 1.0, Some(1.0))]);
        let texts: Vec<String> = lines.iter().map(Line::text).collect();
        assert_eq!(
            texts,
            [
                "MISSING  resp: GET: ratio: the section has no such row any more",
                "new      resp: SET: ratio 1.000, not in the baseline yet",
            ]
        );
        assert!(verdict(&lines).unwrap_err().to_string().contains("MISSING"));
    }

    #[test]
    fn sections_that_were_not_asked_for_are_passed_over() {
        let baseline = baseline(vec![entry("GET", Compare::Ratio, Better::Higher, 2.0)]);
        assert_eq!(lines(&baseline, &[], &["size".to_owned()]), []);
    }

    #[test]
    fn the_second_measurement_counts_for_what_was_worse() {
        let was = [("GET", 2.0), ("SET", 2.0)]
            .map(|(name, value)| entry(name, Compare::Ratio, Better::Higher, value));
        let baseline = baseline(was.to_vec());
        let measured =
            |get, set| judged(&baseline, &[row("GET", get, Some(1.0)), row("SET", set, Some(1.0))]);
        let mut lines = measured(1.0, 2.0);
        assert_eq!(worse_sections(&lines), ["resp"]);
        take_second(&mut lines, measured(2.1, 0.5));
        assert!(verdict(&lines).is_ok(), "SET had its turn: {lines:?}");
        let mut lines = measured(1.0, 2.0);
        take_second(&mut lines, measured(1.1, 2.0));
        let failure = verdict(&lines).unwrap_err().to_string();
        assert!(
            failure.contains("WORSE    resp: GET: ratio 1.100, was 2.000 (-45.0 %, worse)"),
            "{failure}"
        );
        assert!(failure.contains(COMMAND), "{failure}");
    }

    #[test]
    fn everything_compared_is_printed_and_counted() {
        let baseline = baseline(vec![entry("GET", Compare::Ratio, Better::Higher, 2.0)]);
        let lines = judged(&baseline, &[row("GET", 2.0, Some(1.0))]);
        assert_eq!(
            print(&baseline, &lines),
            "Compared with docs/bench/baseline.json (commit abc, ):\n\
             held     resp: GET: ratio 2.000, was 2.000 (+0.0 %, no worse)\n\
             1 held, 0 failed, 0 skipped, 0 new."
        );
    }
}

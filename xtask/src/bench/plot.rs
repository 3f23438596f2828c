//! Which rows share a chart: those of a section with the same unit, beside the same other server.

use kv_bench::{Figure, Measured, Record};

use super::format;
use super::svg::{Bar, Chart, Group};

/// A chart, and the name of its file.
#[derive(Debug, PartialEq)]
pub(super) struct Plot {
    pub(super) file: String,
    pub(super) chart: Chart,
}

impl Plot {
    /// Whether it shows Redis.
    pub(super) fn has_redis(&self) -> bool {
        self.chart.peer.as_deref() == Some("Redis")
    }
}

/// All charts, in the order of the rows.
pub(super) fn plots(records: &[Record]) -> Vec<Plot> {
    let mut plots: Vec<Plot> = Vec::new();
    for record in records {
        let Record::Row(row) = record else { continue };
        let row = &row.measured;
        let file = file(row);
        if let Some(plot) = plots.iter_mut().find(|plot| plot.file == file) {
            add(&mut plot.chart, row);
        } else {
            let title = title(row);
            let mut chart = Chart { title, peer: None, groups: Vec::new() };
            add(&mut chart, row);
            plots.push(Plot { file, chart });
        }
    }
    plots
}

fn add(chart: &mut Chart, row: &Measured) {
    let peer = row.peer.as_ref();
    chart.peer = chart.peer.take().or_else(|| peer.map(|peer| peer.name.clone()));
    chart.groups.push(Group {
        label: row.name.clone(),
        ours: bar(&row.ours, &row.unit),
        peer: peer.map(|peer| bar(&peer.values, &row.unit)),
    });
}

fn bar(figure: &Figure, unit: &str) -> Bar {
    let text = format::figure(figure, unit);
    Bar { low: figure.low(), median: figure.median(), high: figure.high(), text }
}

/// Names another server than Redis, which most rows are measured beside: they share a chart with rows that have no peer.
fn title(row: &Measured) -> String {
    let peer = row.peer.as_ref().map(|peer| peer.name.as_str());
    let beside = peer.filter(|name| ["Valkey", "memcached"].contains(name));
    let beside = beside.map_or(String::new(), |name| format!(", beside {name}"));
    format!("{}, {}{beside}", row.section, row.unit)
}

/// Letters and digits of the title, and dashes for the rest: `resp-ops-s.svg`.
fn file(row: &Measured) -> String {
    let name = title(row).replace('%', "percent").replace('µ', "u");
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{}.svg", words.join("-").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use kv_bench::{Origin, Row};

    use super::*;

    fn record(section: &str, name: &str, unit: &str, redis: Option<f64>) -> Record {
        let measured = Measured::higher(section, name, unit, &Figure::from(2e3))
            .beside("Redis", redis.map(Figure::from).as_ref());
        Record::Row(Box::new(Row { measured, origin: Origin::default() }))
    }

    #[test]
    fn another_server_has_a_chart_of_its_own() {
        let row = |peer| {
            let values = Figure::from(1e3);
            let measured = Measured::higher("peers", peer, "ops/s", &values);
            let measured = measured.beside(peer, Some(&values));
            Record::Row(Box::new(Row { measured, origin: Origin::default() }))
        };
        let plots = plots(&["Redis", "Valkey", "memcached", "Valkey"].map(row));
        let shown = |plot: &Plot| (plot.file.clone(), plot.has_redis(), plot.chart.groups.len());
        let shown: Vec<_> = plots.iter().map(shown).collect();
        let expected = [
            ("peers-ops-s.svg", true, 1),
            ("peers-ops-s-beside-valkey.svg", false, 2),
            ("peers-ops-s-beside-memcached.svg", false, 1),
        ];
        assert_eq!(shown, expected.map(|(file, redis, len)| (file.to_owned(), redis, len)));
    }

    #[test]
    fn rows_of_a_section_with_the_same_unit_share_a_chart() {
        let plots = plots(&[
            record("resp", "GET", "ops/s", None),
            record("resp", "GET, CPU", "µs/op", None),
            record("resp", "SET", "ops/s", Some(1e3)),
            record("eviction-zipf", "lru", "%", None),
        ]);
        let files: Vec<&str> = plots.iter().map(|plot| plot.file.as_str()).collect();
        assert_eq!(files, ["resp-ops-s.svg", "resp-us-op.svg", "eviction-zipf-percent.svg"]);
        let redis: Vec<bool> = plots.iter().map(Plot::has_redis).collect();
        assert_eq!(redis, [true, false, false]);
        let labels: Vec<&str> =
            plots[0].chart.groups.iter().map(|group| group.label.as_str()).collect();
        assert_eq!(labels, ["GET", "SET"]);
        assert_eq!(plots[0].chart.groups[1].peer.as_ref().unwrap().text, "1 k/s");
    }
}

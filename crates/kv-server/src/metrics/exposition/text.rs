//! Prometheus's text format, written by hand: for what the facade cannot carry, which is histograms that were
//! counted elsewhere, fractions that only grow, and the labels of what is counted per request.

use std::fmt::{Display, Write as _};

use super::registry::float;

/// Text in the making.
#[derive(Debug, Default)]
pub(super) struct Text(String);

/// What a family of samples is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Labels and their values. Neither needs escaping: both come from the program, none from a client.
pub(super) type Labels<'a> = [(&'static str, &'a str)];

/// A histogram: the ends of its buckets and how many are in each, the last one being beyond all ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Histogram<'a> {
    pub(super) bounds: &'a [f64],
    pub(super) counts: &'a [u64],
    pub(super) sum: f64,
}

impl Text {
    /// Begins a family: its samples follow.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// One sample.
    pub(super) fn sample(&mut self, name: &str, labels: &Labels<'_>, value: impl Display) {
        self.series(name, labels, None, value);
    }

    /// The samples of a histogram.
    pub(super) fn histogram(&mut self, name: &str, labels: &Labels<'_>, histogram: Histogram<'_>) {
        let mut seen = 0;
        let bounds = histogram.bounds.iter().map(|bound| bound as &dyn Display);
        let bucket = format!("{name}_bucket");
        for (bound, count) in bounds.chain([&"+Inf" as &dyn Display]).zip(histogram.counts) {
            seen += count;
            self.series(&bucket, labels, Some(bound), seen);
        }
        self.sample(&format!("{name}_sum"), labels, histogram.sum);
        self.sample(&format!("{name}_count"), labels, seen);
    }

    fn series(
        &mut self,
        name: &str,
        labels: &Labels<'_>,
        le: Option<&dyn Display>,
        value: impl Display,
    ) {
        let mut written = String::new();
        let le = le.map(ToString::to_string);
        let le = le.as_deref().map(|le| ("le", le));
        for (label, value) in labels.iter().copied().chain(le) {
            let comma = if written.is_empty() { "" } else { "," };
            written.extend([comma, label, "=\"", value, "\""]);
        }
        if written.is_empty() {
            self.line(format_args!("{name} {value}"));
        } else {
            self.line(format_args!("{name}{{{written}}} {value}"));
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // A string takes everything.
        if writeln!(self.0, "{line}").is_err() {}
    }

    /// The text.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Nanoseconds in the base unit.
pub(super) fn seconds(nanos: u64) -> f64 {
    float(nanos) / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_s_buckets_add_up() {
        let mut text = Text::default();
        text.family("a_seconds", Kind::Histogram, "Help.");
        let histogram = Histogram { bounds: &[0.000_001, 0.5], counts: &[1, 0, 2], sum: 1.25 };
        text.histogram("a_seconds", &[("x", "y")], histogram);
        text.sample("b", &[], 7);
        let expected = "\
            # HELP a_seconds Help.\n\
            # TYPE a_seconds histogram\n\
            a_seconds_bucket{x=\"y\",le=\"0.000001\"} 1\n\
            a_seconds_bucket{x=\"y\",le=\"0.5\"} 1\n\
            a_seconds_bucket{x=\"y\",le=\"+Inf\"} 3\n\
            a_seconds_sum{x=\"y\"} 1.25\n\
            a_seconds_count{x=\"y\"} 3\n\
            b 7\n";
        assert_eq!(text.finish(), expected);
    }
}

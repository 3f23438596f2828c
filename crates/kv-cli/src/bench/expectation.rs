//! What somebody has published of a load, and how a run compares with it.

use std::time::Duration;

use serde::Serialize;

use super::latency::Latency;
use super::load::Kind;
use super::report::Report;

/// A published sentence, and how to find out whether it holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expectation {
    pub(super) what: &'static str,
    pub(super) published: &'static str,
    pub(super) test: Test,
}

/// How to find out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Test {
    /// The 99th percentile of a kind is below.
    P99Below(Kind, Duration),
    /// The 99th percentile of all operations is below.
    TailBelow(Duration),
    /// More operations a second.
    Faster(u32),
    NothingEvicted,
    EvictedMoreThan(u64),
    /// Some keys expire.
    Expired,
    /// The memory in use is within the limit.
    WithinLimit,
    /// Throughput beside that of the first run of a series: for people to judge.
    Scales,
    /// No operation fails and no connection is lost.
    NothingBreaks,
    /// No single run tells; what does.
    Told(&'static str),
}

/// An expectation beside what was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(super) what: &'static str,
    pub(super) published: &'static str,
    pub(super) measured: String,
    /// None where no number decides, or nothing was measured.
    pub(super) met: Option<bool>,
}

impl Expectation {
    /// Compares. `first` is the throughput of the first run of the series, when this is not it.
    pub(crate) fn compare(&self, report: &Report<'_>, first: Option<f64>) -> Finding {
        let (measured, met) = self.test.run(report, first);
        Finding { what: self.what, published: self.published, measured, met }
    }
}

impl Test {
    fn run(self, report: &Report<'_>, first: Option<f64>) -> (String, Option<bool>) {
        let tally = &report.outcome.tally;
        match self {
            Self::P99Below(kind, limit) => below(tally.of(kind), limit),
            Self::TailBelow(limit) => below(&tally.of_all(), limit),
            Self::Faster(rate) => {
                let measured = report.throughput();
                (format!("{measured:.0}"), Some(measured > f64::from(rate)))
            }
            Self::Scales => {
                let scaled = first
                    .map(|first| format!("{:.2} times the first run", report.throughput() / first));
                (scaled.unwrap_or_else(|| "this is the first run".to_owned()), None)
            }
            Self::NothingBreaks => {
                let (errors, lost) = (tally.errors.count(), tally.connections_lost);
                (format!("{errors} errors, {lost} connections lost"), Some(errors + lost == 0))
            }
            Self::Told(how) => (how.to_owned(), None),
            Self::NothingEvicted | Self::EvictedMoreThan(_) | Self::Expired | Self::WithinLimit => {
                self.ask_server(report)
            }
        }
    }

    /// What the server's own figures decide.
    fn ask_server(self, report: &Report<'_>) -> (String, Option<bool>) {
        let Some(change) = report.server else {
            return ("not told by this server".to_owned(), None);
        };
        let (evicted, used, limit) =
            (change.evicted_keys, change.memory_used_bytes, change.memory_limit_bytes);
        match self {
            Self::EvictedMoreThan(least) => (format!("{evicted} keys"), Some(evicted > least)),
            Self::Expired => {
                (format!("{} keys", change.expired_keys), Some(change.expired_keys > 0))
            }
            Self::WithinLimit if limit == 0 => ("the server has no limit".to_owned(), None),
            Self::WithinLimit => {
                (format!("{used} of {limit} bytes at the end"), Some(used <= limit))
            }
            _ => (format!("{evicted} keys"), Some(evicted == 0)),
        }
    }
}

fn below(latency: &Latency, limit: Duration) -> (String, Option<bool>) {
    if latency.count() == 0 {
        return ("none was measured".to_owned(), None);
    }
    let measured = latency.quantile(0.99);
    (format!("{:.3} ms", measured.as_secs_f64() * 1e3), Some(measured < limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(measured: &(String, Option<bool>), text: &str, met: Option<bool>) {
        assert_eq!((measured.0.as_str(), measured.1), (text, met));
    }

    #[test]
    fn a_limit_is_met_below_and_not_without_any_operation() {
        let (mut latency, limit) = (Latency::new(), Duration::from_millis(5));
        check(&below(&latency, limit), "none was measured", None);
        latency.record(Duration::from_millis(1));
        check(&below(&latency, limit), "1.000 ms", Some(true));
        (0..10).for_each(|_| latency.record(Duration::from_millis(7)));
        assert_eq!(below(&latency, limit).1, Some(false));
    }
}

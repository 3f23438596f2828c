//! Latencies: a histogram of 270 KB, with three significant digits from a nanosecond to an hour.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::limits::BENCH_LATENCY_MAX;

const DIGITS: u8 = 3;

/// How long operations took.
#[derive(Clone)]
pub(super) struct Latency(Histogram<u64>);

impl Latency {
    pub(super) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, nanos(BENCH_LATENCY_MAX), DIGITS);
        Self(histogram.expect("a test makes one with these bounds"))
    }

    /// Counts one. What is longer than the longest is counted as that.
    pub(super) fn record(&mut self, latency: Duration) {
        self.0.saturating_record(nanos(latency));
    }

    /// Adds those of another.
    pub(super) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    /// That part of them, as in 0.99, took no longer than this; zero when there is none.
    pub(super) fn quantile(&self, part: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(part))
    }

    pub(super) fn max(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Latency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Latency").field("count", &self.count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(measured: Duration, expected: Duration) {
        let error = measured.as_secs_f64() / expected.as_secs_f64() - 1.0;
        assert!(error.abs() <= 0.001, "{measured:?} is not {expected:?}");
    }

    #[test]
    fn percentiles_are_within_a_thousandth() {
        let (mut one, mut other) = (Latency::new(), Latency::new());
        for micros in 1..=1000 {
            let half = if micros % 2 == 0 { &mut one } else { &mut other };
            half.record(Duration::from_micros(micros));
        }
        one.add(&other);
        assert_eq!(one.count(), 1000);
        for (part, micros) in [(0.5, 500), (0.9, 900), (0.99, 990), (0.999, 999)] {
            close(one.quantile(part), Duration::from_micros(micros));
        }
        close(one.max(), Duration::from_millis(1));
    }

    #[test]
    fn nothing_and_too_much_are_safe() {
        let mut latency = Latency::new();
        assert_eq!((latency.quantile(0.999), latency.max()), (Duration::ZERO, Duration::ZERO));
        latency.record(Duration::ZERO);
        latency.record(Duration::MAX);
        assert_eq!(latency.count(), 2);
        close(latency.max(), BENCH_LATENCY_MAX);
    }
}

//! Latencies: every one is kept, so that no quantile is rounded.

use std::time::{Duration, Instant};

use kv_bench::Figure;

use crate::time::now;

/// One write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// When it should have been sent.
    pub(crate) intended: Instant,
    /// From then until it was answered.
    pub(crate) latency: Duration,
}

/// Room for so many samples. Nothing is moved while it fills, and the system has no
/// page left to supply: either takes milliseconds, which would be measured.
pub(crate) fn touched_room(count: usize) -> Vec<Sample> {
    let mut samples = vec![Sample { intended: now(), latency: Duration::MAX }; count];
    samples.clear();
    samples
}

/// A stretch of time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) start: Instant,
    pub(crate) end: Instant,
}

/// What a row of a table shows of some writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quantiles {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) p999: Duration,
    pub(crate) max: Duration,
    pub(crate) count: usize,
}

impl Quantiles {
    /// Those of the writes that were under way at some time in the window.
    pub(crate) fn within(samples: &[Sample], window: Window) -> Self {
        let is_within = |sample: &&Sample| {
            sample.intended <= window.end && sample.intended + sample.latency >= window.start
        };
        let mut latencies: Vec<Duration> =
            samples.iter().filter(is_within).map(|sample| sample.latency).collect();
        assert!(!latencies.is_empty(), "something was written");
        latencies.sort_unstable();
        // The smallest latency that so many of a thousand writes do not exceed.
        let quantile = |of_1000: usize| {
            latencies[(latencies.len() * of_1000).div_ceil(1000).saturating_sub(1)]
        };
        Self {
            p50: quantile(500),
            p99: quantile(990),
            p999: quantile(999),
            max: quantile(1000),
            count: latencies.len(),
        }
    }
}

/// Quantiles of several rounds, in seconds.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    pub(crate) p50: Figure,
    pub(crate) p99: Figure,
    pub(crate) p999: Figure,
    pub(crate) max: Figure,
    pub(crate) count: Figure,
}

impl Latencies {
    /// Takes the quantiles of a round.
    pub(crate) fn add(&mut self, quantiles: Quantiles) {
        self.p50.add(quantiles.p50.as_secs_f64());
        self.p99.add(quantiles.p99.as_secs_f64());
        self.p999.add(quantiles.p999.as_secs_f64());
        self.max.add(quantiles.max.as_secs_f64());
        self.count.add(quantiles.count as f64);
    }

    /// The quantiles, for people.
    pub(crate) fn cells(&self) -> [String; 4] {
        [&self.p50, &self.p99, &self.p999, &self.max].map(Figure::millis)
    }
}

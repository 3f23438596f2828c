//! Latencies: every one is kept, so that no quantile is rounded.

use std::time::{Duration, Instant};

/// One write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// When it should have been sent.
    pub(crate) intended: Instant,
    /// From then until it was answered.
    pub(crate) latency: Duration,
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

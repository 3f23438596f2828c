//! How late expired keys leave memory: a histogram with power-of-two buckets.

use crate::stats::LagSummary;

/// Buckets: 0 ms, then up to 1, 2, 4 … 2^30 ms, then the rest.
const BUCKETS: usize = 33;

/// Counts lags.
#[derive(Debug, Clone)]
pub(crate) struct LagHistogram {
    counts: [u64; BUCKETS],
    max: u64,
}

impl Default for LagHistogram {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], max: 0 }
    }
}

impl LagHistogram {
    /// Counts one lag in milliseconds.
    pub(crate) fn record(&mut self, lag_ms: u64) {
        let index = match lag_ms {
            0 => 0,
            lag => (64 - (lag - 1).leading_zeros() as usize + 1).min(BUCKETS - 1),
        };
        if let Some(count) = self.counts.get_mut(index) {
            *count += 1;
        }
        self.max = self.max.max(lag_ms);
    }

    /// Adds another histogram's counts.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.max = self.max.max(other.max);
    }

    /// Percentiles, each the end of its bucket and at most the maximum.
    pub(crate) fn summary(&self) -> LagSummary {
        LagSummary { p50: self.quantile(50), p99: self.quantile(99), max: self.max }
    }

    fn quantile(&self, percent: u64) -> u64 {
        let total: u64 = self.counts.iter().sum();
        let rank = (total * percent).div_ceil(100);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                let end = if index == 0 { 0 } else { 1_u64 << (index - 1) };
                return end.min(self.max);
            }
        }
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_upper_bounds_within_a_factor_of_two() {
        let mut lags = LagHistogram::default();
        assert_eq!(lags.summary(), LagSummary::default());
        for lag in 1..=100 {
            lags.record(lag);
        }
        assert_eq!(lags.summary(), LagSummary { p50: 64, p99: 100, max: 100 });
        lags.record(u64::MAX);
        assert_eq!(lags.summary().max, u64::MAX);
    }
}

//! How late expired keys leave memory: a histogram with power-of-two buckets.

use crate::stats::{LAG_BUCKETS, LagCounts, LagSummary};

/// Counts lags.
#[derive(Debug, Clone, Default)]
pub(crate) struct LagHistogram {
    counts: LagCounts,
    max: u64,
}

impl LagHistogram {
    /// Counts one lag in milliseconds.
    pub(crate) fn record(&mut self, lag_ms: u64) {
        let bucket = match lag_ms {
            0 => 0,
            lag => (64 - (lag - 1).leading_zeros() as usize + 1).min(LAG_BUCKETS - 1),
        };
        if let Some(count) = self.counts.buckets.get_mut(bucket) {
            *count += 1;
        }
        self.counts.sum_ms = self.counts.sum_ms.saturating_add(lag_ms);
        self.max = self.max.max(lag_ms);
    }

    /// Adds another histogram's counts.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.buckets.iter_mut().zip(other.counts.buckets) {
            *count += more;
        }
        self.counts.sum_ms = self.counts.sum_ms.saturating_add(other.counts.sum_ms);
        self.max = self.max.max(other.max);
    }

    /// How many lags there were of which length.
    pub(crate) fn counts(&self) -> LagCounts {
        self.counts
    }

    /// Percentiles, each the end of its bucket and at most the maximum.
    pub(crate) fn summary(&self) -> LagSummary {
        LagSummary { p50: self.quantile(50), p99: self.quantile(99), max: self.max }
    }

    fn quantile(&self, percent: u64) -> u64 {
        let total: u64 = self.counts.buckets.iter().sum();
        let rank = (total * percent).div_ceil(100);
        let mut seen = 0;
        for (bucket, count) in self.counts.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return LagCounts::bound_ms(bucket).map_or(self.max, |bound| bound.min(self.max));
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

    #[test]
    fn every_lag_is_counted_below_its_bound_and_above_the_one_before() {
        for lag in [0, 1, 2, 3, 4, 5, 1 << 30, (1 << 30) + 1, u64::MAX] {
            let mut lags = LagHistogram::default();
            lags.record(lag);
            let counts = lags.counts();
            let bucket = counts.buckets.iter().position(|count| *count == 1).unwrap();
            assert!(LagCounts::bound_ms(bucket).is_none_or(|bound| lag <= bound), "{lag}");
            let before = bucket.checked_sub(1).and_then(LagCounts::bound_ms);
            assert!(before.is_none_or(|bound| lag > bound), "{lag}");
            assert_eq!(counts.sum_ms, lag);
        }
    }
}

//! Latencies: how long things took, counted in the same buckets by whoever measures.
//!
//! The buckets end at 1, 2, 3 and 5 of every power of ten from a microsecond to ten seconds. Finding the one of a
//! latency costs about a nanosecond: a table by the number's highest bit, and two comparisons, since no power
//! of two has more than two bounds between itself and the next.

use std::time::Duration;

/// How many bounds there are.
const BOUNDS: usize = 29;

/// How many buckets there are: one up to each bound, and one beyond the last.
pub const LATENCY_BUCKETS: usize = BOUNDS + 1;

/// The bounds in nanoseconds; each belongs to its bucket.
pub const LATENCY_BOUNDS_NS: [u64; BOUNDS] = bounds();

/// How many powers of two a number of nanoseconds can have.
const OCTAVES: usize = 64;

/// For each power of two: how many bounds are below it, and the next two bounds.
const OCTAVE: [(u8, u64, u64); OCTAVES] = octaves();

/// How long things took: how many fell in each bucket, and the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// How many took up to each bound, and longer than the one before.
    pub buckets: [u64; LATENCY_BUCKETS],
    /// Nanoseconds that all took together; begins again at 0 after 584 years.
    pub sum_ns: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self { buckets: [0; LATENCY_BUCKETS], sum_ns: 0 }
    }
}

impl Latency {
    /// Counts one.
    pub fn record(&mut self, took: Duration) {
        let nanos = latency_ns(took);
        if let Some(count) = self.buckets.get_mut(latency_bucket(nanos)) {
            *count += 1;
        }
        self.sum_ns = self.sum_ns.wrapping_add(nanos);
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The end of the bucket that the `q`th part of all reaches, as `0.99` for the 99th percentile: at least as
    /// much as it was, and at most twice. Zero when there were none.
    pub fn quantile(&self, q: f64) -> Duration {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank among what was counted, to 15 digits; a float that is too large becomes the largest"
        )]
        let rank = (self.count() as f64 * q.clamp(0.0, 1.0)).ceil() as u64;
        let mut seen = 0;
        let reaches = |count: &u64| {
            seen += count;
            seen >= rank && rank > 0
        };
        let bucket = self.buckets.iter().position(reaches);
        let ends = |bucket: usize| LATENCY_BOUNDS_NS.get(bucket.min(BOUNDS - 1)).copied();
        Duration::from_nanos(bucket.and_then(ends).unwrap_or(0))
    }
}

/// Whole nanoseconds; 2^64 of them are 584 years.
pub fn latency_ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// The bucket of a latency in nanoseconds: below [`LATENCY_BUCKETS`].
pub fn latency_bucket(nanos: u64) -> usize {
    let octave = (nanos | 1).ilog2() as usize;
    // There is one for every number.
    let (below, first, second) = OCTAVE.get(octave).copied().unwrap_or_default();
    usize::from(below) + usize::from(nanos > first) + usize::from(nanos > second)
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn bounds() -> [u64; BOUNDS] {
    let mut bounds = [0; BOUNDS];
    let mut power = 1000;
    let mut index = 0;
    while index < BOUNDS {
        bounds[index] = [1, 2, 3, 5][index % 4] * power;
        index += 1;
        if index % 4 == 0 {
            power *= 10;
        }
    }
    bounds
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn octaves() -> [(u8, u64, u64); OCTAVES] {
    const fn bound(index: u8) -> u64 {
        if (index as usize) < BOUNDS { LATENCY_BOUNDS_NS[index as usize] } else { u64::MAX }
    }
    let mut octaves = [(0, 0, 0); OCTAVES];
    let mut below = 0;
    let mut octave = 0;
    while octave < OCTAVES {
        while bound(below) < 1 << octave {
            below += 1;
        }
        octaves[octave] = (below, bound(below), bound(below + 1));
        octave += 1;
    }
    octaves
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the table is a shortcut for.
    fn searched(nanos: u64) -> usize {
        LATENCY_BOUNDS_NS.partition_point(|bound| *bound < nanos)
    }

    #[test]
    fn bounds_go_from_a_microsecond_to_ten_seconds() {
        assert_eq!(LATENCY_BOUNDS_NS[..5], [1000, 2000, 3000, 5000, 10_000]);
        assert_eq!(LATENCY_BOUNDS_NS[BOUNDS - 1], 10_000_000_000);
        assert!(LATENCY_BOUNDS_NS.is_sorted());
    }

    #[test]
    fn the_table_finds_what_a_search_finds() {
        let edges =
            LATENCY_BOUNDS_NS.into_iter().chain((0..64).map(|bit| 1 << bit)).chain([u64::MAX]);
        for edge in edges {
            for nanos in [edge.saturating_sub(1), edge, edge.saturating_add(1)] {
                assert_eq!(latency_bucket(nanos), searched(nanos), "{nanos} ns");
            }
        }
        for nanos in 0..100_000 {
            assert_eq!(latency_bucket(nanos), searched(nanos), "{nanos} ns");
        }
    }

    #[test]
    fn quantiles_are_upper_bounds_within_a_factor_of_two() {
        let mut latency = Latency::default();
        assert_eq!(latency.quantile(0.5), Duration::ZERO);
        for micros in 1..=1000 {
            latency.record(Duration::from_micros(micros));
        }
        assert_eq!(latency.count(), 1000);
        assert_eq!(latency.sum_ns, 500_500_000);
        for (q, micros) in
            [(0.0, 0), (0.001, 1), (0.5, 500), (0.501, 1000), (0.99, 1000), (1.0, 1000)]
        {
            assert_eq!(latency.quantile(q), Duration::from_micros(micros), "{q}");
        }
        latency.record(Duration::from_hours(1));
        assert_eq!(latency.quantile(1.0), Duration::from_secs(10), "the last bound there is");
        assert_eq!(latency.quantile(f64::NAN), Duration::ZERO);
    }

    #[test]
    fn the_longest_spans_are_counted_too() {
        let mut latency = Latency::default();
        latency.record(Duration::MAX);
        latency.record(Duration::ZERO);
        assert_eq!((latency.buckets[0], latency.buckets[LATENCY_BUCKETS - 1]), (1, 1));
    }
}

//! The buckets of latencies: 1, 2, 3 and 5 of every power of ten from a microsecond to ten seconds.
//!
//! Finding the bucket costs about a nanosecond: a table by the number's highest bit, and two comparisons,
//! since no power of two has more than two bounds between itself and the next.

use std::time::Duration;

/// How many bounds there are.
pub(crate) const BOUNDS: usize = 29;

/// How many buckets: one up to each bound, and one beyond the last.
pub(crate) const BUCKETS: usize = BOUNDS + 1;

/// The bounds in nanoseconds; each belongs to its bucket.
pub(crate) const BOUNDS_NS: [u64; BOUNDS] = bounds();

/// How many powers of two a number of nanoseconds can have.
const OCTAVES: usize = 64;

/// For each power of two: how many bounds are below it, and the next two bounds.
const OCTAVE: [(u8, u64, u64); OCTAVES] = octaves();

/// The bucket of a latency.
pub(crate) fn bucket(took: Duration) -> usize {
    bucket_of(nanos(took))
}

/// Whole nanoseconds; 2^64 of them are 584 years.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn bucket_of(nanos: u64) -> usize {
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
        if (index as usize) < BOUNDS { BOUNDS_NS[index as usize] } else { u64::MAX }
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
        BOUNDS_NS.partition_point(|bound| *bound < nanos)
    }

    #[test]
    fn bounds_go_from_a_microsecond_to_ten_seconds() {
        assert_eq!(BOUNDS_NS[..5], [1000, 2000, 3000, 5000, 10_000]);
        assert_eq!(BOUNDS_NS[BOUNDS - 1], 10_000_000_000);
        assert!(BOUNDS_NS.is_sorted());
    }

    #[test]
    fn the_table_finds_what_a_search_finds() {
        let edges = BOUNDS_NS.into_iter().chain((0..64).map(|bit| 1 << bit)).chain([u64::MAX]);
        for edge in edges {
            for nanos in [edge.saturating_sub(1), edge, edge.saturating_add(1)] {
                assert_eq!(bucket_of(nanos), searched(nanos), "{nanos} ns");
            }
        }
        for nanos in 0..100_000 {
            assert_eq!(bucket_of(nanos), searched(nanos), "{nanos} ns");
        }
    }

    #[test]
    fn the_longest_spans_are_counted_too() {
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
        assert_eq!(bucket(Duration::ZERO), 0);
    }
}

//! A clock that ticks with what happens to a shard's keys, and fits into the bits that an entry keeps.

use super::PolicyBits;

/// How finely a shard of many keys tells times apart: it ticks so often while as many things happen as it has keys.
/// Those who sample a few keys cannot see any finer.
const TICKS_PER_TURN_BITS: u32 = 12;

/// Counts what happens, in a shard of fewer than 8192 keys one by one.
///
/// Wraps after 2²⁴ ticks, in which at least 4096 things happen for each key: a key untouched for that long
/// looks young once.
#[derive(Debug, Default)]
pub(super) struct Ticks {
    now: u32,
    /// What has happened since the last tick.
    events: u32,
    keys: u32,
}

impl Ticks {
    /// A key came.
    pub(super) fn count_in(&mut self) {
        self.keys = self.keys.saturating_add(1);
    }

    /// A key went.
    pub(super) fn count_out(&mut self) {
        self.keys = self.keys.saturating_sub(1);
    }

    /// Something happens: when.
    #[inline]
    pub(super) fn next(&mut self) -> PolicyBits {
        self.events += 1;
        if self.events >= self.keys >> TICKS_PER_TURN_BITS {
            self.events = 0;
            self.now = (self.now + 1) & PolicyBits::MAX.0;
        }
        PolicyBits(self.now)
    }

    /// How many ticks ago something happened.
    #[inline]
    pub(super) fn since(&self, then: PolicyBits) -> u32 {
        self.now.wrapping_sub(then.0) & PolicyBits::MAX.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_wraps_and_ages_stay_right() {
        let mut ticks = Ticks { now: PolicyBits::MAX.0 - 1, ..Ticks::default() };
        let first = ticks.next();
        assert_eq!(first, PolicyBits::MAX);
        for age in 1..=3 {
            assert!(ticks.next().0 <= PolicyBits::MAX.0);
            assert_eq!(ticks.since(first), age);
        }
    }

    #[test]
    fn a_shard_of_many_keys_ticks_more_slowly() {
        let mut ticks = Ticks::default();
        for (keys, events_per_tick) in [(8_191, 1), (8_192, 2), (1 << 20, 256)] {
            (ticks.keys..keys).for_each(|_| ticks.count_in());
            let before = ticks.next();
            for _ in 0..1000 * events_per_tick {
                ticks.next();
            }
            assert_eq!(ticks.since(before), 1000, "{keys} keys");
        }
        (0..1 << 20).for_each(|_| ticks.count_out());
        let before = ticks.next();
        ticks.next();
        assert_eq!(ticks.since(before), 1);
    }
}

//! The one place of this crate that reads clocks: wall time for the store, elapsed time for the rest.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kv_core::{Clock, UnixMillis};

/// How often the clock may be corrected by one millisecond: 1 % at most.
const CORRECTION_INTERVAL_MS: u64 = 100;

/// A difference this small is rounding and jitter, not an error.
const TOLERATED_ERROR_MS: u64 = 5;

/// Measures time that passes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[expect(clippy::disallowed_methods, reason = "the source that others are to take time from")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// From another's start to this one's.
    pub(crate) fn since(&self, earlier: Self) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// One that started so much later.
    pub(crate) fn after(&self, span: Duration) -> Self {
        Self(self.0.checked_add(span).unwrap_or(self.0))
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Wall time that does not jump: the wall clock at start plus the time elapsed since.
///
/// A step of the machine's clock (an operator, a first NTP sync, a resumed virtual machine) would end
/// keys early by the step, all at once. So the wall clock is read at start only, and
/// [`follow_wall_clock`](Self::follow_wall_clock) then approaches it by at most 1 ms per 100 ms: a TTL is
/// at most 1 % off while that lasts, an hour's step is absorbed in about four days, and a server that
/// runs for a year still ends keys at the wall time they were given.
#[derive(Debug)]
pub struct SystemClock {
    started: Stopwatch,
    /// Wall time at `started`. To the nanosecond: it would lag behind by a millisecond else, and a key whose end a
    /// client has computed would live that much longer than it says.
    anchor: Duration,
    /// Sum of the corrections. A statistic-like value: readers need no order with other memory.
    correction_ms: AtomicI64,
    /// When, in time since `started`, the last correction was considered.
    considered_ms: AtomicU64,
}

impl SystemClock {
    /// Reads the wall clock and starts.
    pub fn start() -> Self {
        Self::anchored_at(wall_time())
    }

    fn anchored_at(anchor: Duration) -> Self {
        Self {
            started: Stopwatch::start(),
            anchor,
            correction_ms: AtomicI64::new(0),
            considered_ms: AtomicU64::new(0),
        }
    }

    /// Approaches the wall clock a little. To be called often, by one thread.
    pub fn follow_wall_clock(&self) {
        self.follow(wall_ms(), self.started.elapsed());
    }

    fn follow(&self, wall_ms: u64, elapsed: Duration) {
        let elapsed_ms = millis(elapsed);
        let considered_ms = self.considered_ms.load(Ordering::Relaxed);
        if elapsed_ms.saturating_sub(considered_ms) < CORRECTION_INTERVAL_MS {
            return;
        }
        self.considered_ms.store(elapsed_ms, Ordering::Relaxed);
        let now_ms = self.at(elapsed).get();
        if wall_ms.abs_diff(now_ms) > TOLERATED_ERROR_MS {
            let step = if wall_ms > now_ms { 1 } else { -1 };
            self.correction_ms.fetch_add(step, Ordering::Relaxed);
        }
    }

    fn at(&self, elapsed: Duration) -> UnixMillis {
        let correction_ms = self.correction_ms.load(Ordering::Relaxed);
        UnixMillis::new(millis(self.anchor + elapsed).saturating_add_signed(correction_ms))
    }
}

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        self.at(self.started.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Milliseconds since the Unix epoch, as the machine's clock has it: for people, never for keys.
pub(crate) fn wall_ms() -> u64 {
    millis(wall_time())
}

/// The same to the nanosecond.
#[expect(clippy::disallowed_methods, reason = "the source that others are to take time from")]
pub(crate) fn wall_time() -> Duration {
    // A clock before 1970 is as wrong as one at 1970.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Whole milliseconds; 2^64 of them are 584 million years.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANCHOR_MS: u64 = 1_700_000_000_000;

    /// Runs the clock for a minute, looked at every 20 ms, while the wall clock is off by `step_ms`, and
    /// returns the corrections made.
    fn check(step_ms: i64) -> i64 {
        let clock = SystemClock::anchored_at(Duration::from_millis(ANCHOR_MS));
        for elapsed_ms in (0..=60_000).step_by(20) {
            let wall_ms = (ANCHOR_MS + elapsed_ms).saturating_add_signed(step_ms);
            clock.follow(wall_ms, Duration::from_millis(elapsed_ms));
        }
        clock.correction_ms.load(Ordering::Relaxed)
    }

    #[test]
    fn a_step_of_the_wall_clock_is_approached_by_one_percent() {
        assert_eq!(check(3_600_000), 600, "an hour ahead: 1 % of a minute");
        assert_eq!(check(-3_600_000), -600, "an hour behind");
    }

    #[test]
    fn the_approach_ends_at_the_wall_clock_and_jitter_is_ignored() {
        assert_eq!(check(100), 95);
        assert_eq!(check(-100), -95);
        assert_eq!(check(5), 0);
    }

    #[test]
    fn fractions_of_a_millisecond_are_not_lost_twice() {
        let most = Duration::from_micros(999);
        let clock = SystemClock::anchored_at(Duration::from_millis(ANCHOR_MS) + most);
        assert_eq!(clock.at(Duration::ZERO).get(), ANCHOR_MS);
        assert_eq!(clock.at(most).get(), ANCHOR_MS + 1);
    }

    #[test]
    fn the_clock_shows_wall_time_and_goes_forward() {
        let clock = SystemClock::start();
        let before = clock.now();
        assert!(wall_ms().abs_diff(before.get()) < 10_000, "{before:?} is not the wall time");
        assert!(clock.now() >= before);
    }
}

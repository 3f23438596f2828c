//! How fast a snapshot is written, and how it is stopped.

use std::time::Duration;

use kv_core::{Clock, UnixMillis};
use parking_lot::{Condvar, Mutex};

/// How much may be written at once after a pause: what the rate gives in this time.
const BURST_MS: u64 = 100;

/// The lowest rate. Below it a snapshot would hardly end.
pub const BYTES_PER_SECOND_MIN: u64 = 64 << 10;

/// Where a snapshot waits, and learns that it is to be given up.
pub trait Pace: Send + Sync {
    /// Waits for so long, or until [`is_stopped`](Self::is_stopped).
    fn pause(&self, duration: Duration);

    /// Whether the snapshot is to be given up.
    fn is_stopped(&self) -> bool;

    /// Lets other threads run, if any wants to. Called often, and never with a lock held.
    fn give_way(&self) {
        std::thread::yield_now();
    }
}

/// Never pauses and is never stopped.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unhurried;

impl Pace for Unhurried {
    fn pause(&self, _duration: Duration) {}

    fn is_stopped(&self) -> bool {
        false
    }
}

/// A pace that another thread can stop; a pause ends at once then.
#[derive(Debug, Default)]
pub struct StopSignal {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl StopSignal {
    /// Ends every pause, and whatever is paced. There is no way back.
    pub fn stop(&self) {
        *self.stopped.lock() = true;
        self.changed.notify_all();
    }
}

impl Pace for StopSignal {
    fn pause(&self, duration: Duration) {
        let mut stopped = self.stopped.lock();
        if !*stopped {
            // Woken early or not: whoever paces looks at the clock again.
            let _timed_out = self.changed.wait_for(&mut stopped, duration);
        }
    }

    fn is_stopped(&self) -> bool {
        *self.stopped.lock()
    }
}

/// A token bucket: lets so many bytes pass in a second, and short bursts.
pub(super) struct Throttle<'a> {
    clock: &'a dyn Clock,
    pace: &'a dyn Pace,
    /// 0 for no limit.
    bytes_per_second: u64,
    /// Bytes that may pass now; below 0 what has passed too early.
    allowance: i64,
    /// Up to when the allowance was earned.
    earned_until: UnixMillis,
}

impl<'a> Throttle<'a> {
    /// A full bucket. A rate of 0 lets everything pass; others are at least [`BYTES_PER_SECOND_MIN`].
    pub(super) fn new(clock: &'a dyn Clock, pace: &'a dyn Pace, bytes_per_second: u64) -> Self {
        let bytes_per_second = match bytes_per_second {
            0 => 0,
            rate => rate.clamp(BYTES_PER_SECOND_MIN, i64::MAX as u64 / 1000),
        };
        let allowance = earned(bytes_per_second, BURST_MS);
        Self { clock, pace, bytes_per_second, allowance, earned_until: clock.now() }
    }

    /// Waits until what passed before is paid for, and lets `bytes` pass.
    pub(super) fn pass(&mut self, bytes: usize) {
        if self.bytes_per_second == 0 {
            return;
        }
        self.earn();
        if self.allowance < 0 {
            let debt = u128::from(self.allowance.unsigned_abs());
            let millis = (debt * 1000).div_ceil(u128::from(self.bytes_per_second));
            self.pace.pause(Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)));
            self.earn();
        }
        self.allowance = self.allowance.saturating_sub_unsigned(bytes as u64);
    }

    fn earn(&mut self) {
        let now = self.clock.now();
        // A clock that went back earns nothing, and counts from there.
        let elapsed_ms = now.get().saturating_sub(self.earned_until.get());
        self.earned_until = now;
        let burst = earned(self.bytes_per_second, BURST_MS);
        let more = earned(self.bytes_per_second, elapsed_ms);
        self.allowance = self.allowance.saturating_add(more).min(burst);
    }
}

/// Bytes that a rate gives in a time.
fn earned(bytes_per_second: u64, millis: u64) -> i64 {
    let bytes = u128::from(bytes_per_second) * u128::from(millis) / 1000;
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use kv_core::testing::ManualClock;

    use super::*;

    /// A pace whose pauses take no time but the clock's.
    #[derive(Debug, Default)]
    pub(crate) struct ClockPace {
        pub(crate) clock: Arc<ManualClock>,
        pub(crate) paused_ms: AtomicU64,
    }

    impl Pace for ClockPace {
        fn pause(&self, duration: Duration) {
            let millis = u64::try_from(duration.as_millis()).unwrap();
            self.clock.advance_ms(millis);
            self.paused_ms.fetch_add(millis, Ordering::Relaxed);
        }

        fn is_stopped(&self) -> bool {
            false
        }
    }

    fn check(bytes_per_second: u64, piece: usize, total: u64, expected_ms: u64) {
        let pace = ClockPace::default();
        let mut throttle = Throttle::new(&*pace.clock, &pace, bytes_per_second);
        for _ in 0..total / piece as u64 {
            throttle.pass(piece);
        }
        let paused_ms = pace.paused_ms.load(Ordering::Relaxed);
        let tolerated = BURST_MS + 1000 * piece as u64 / bytes_per_second.max(1) + 1;
        assert!(
            paused_ms.abs_diff(expected_ms) <= tolerated,
            "{bytes_per_second} B/s, pieces of {piece}: {paused_ms} ms, expected {expected_ms}"
        );
    }

    #[test]
    fn a_rate_holds_whatever_the_pieces() {
        check(10 << 20, 1 << 10, 100 << 20, 10_000);
        check(10 << 20, 1 << 20, 100 << 20, 10_000);
        check(10 << 20, 50 << 20, 100 << 20, 5_000);
        check(BYTES_PER_SECOND_MIN, 4096, 1 << 20, 16_000);
        check(1, 1024, 1 << 20, 16_000);
        check(0, 1 << 20, 1 << 30, 0);
        check(u64::MAX, 1 << 30, 10 << 30, 0);
    }

    #[test]
    fn idle_time_is_not_saved_up() {
        let pace = ClockPace::default();
        let mut throttle = Throttle::new(&*pace.clock, &pace, 1 << 20);
        pace.clock.advance_ms(3_600_000);
        for _ in 0..1024 {
            throttle.pass(10 << 10);
        }
        let paused_ms = pace.paused_ms.load(Ordering::Relaxed);
        assert!((9_800..=10_000).contains(&paused_ms), "{paused_ms}");
    }

    #[test]
    fn a_clock_that_jumps_back_does_not_stop_it() {
        let pace = ClockPace::default();
        let mut throttle = Throttle::new(&*pace.clock, &pace, 1 << 20);
        throttle.pass(1 << 20);
        pace.clock.set(UnixMillis::new(5));
        throttle.pass(1);
        throttle.pass(1);
        assert!(pace.paused_ms.load(Ordering::Relaxed) <= 2_000);
    }

    #[test]
    fn stopping_ends_a_pause() {
        let signal = Arc::new(StopSignal::default());
        let waiter = std::thread::spawn({
            let signal = Arc::clone(&signal);
            move || {
                while !signal.is_stopped() {
                    signal.pause(Duration::from_hours(1));
                }
            }
        });
        signal.stop();
        waiter.join().unwrap();
        signal.pause(Duration::from_hours(1));
    }
}

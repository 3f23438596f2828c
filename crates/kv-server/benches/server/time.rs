//! Real time, for measuring and for waiting.

use std::time::{Duration, Instant};

/// How long anything may take before the benchmark gives up.
pub(crate) const LIMIT: Duration = Duration::from_mins(5);

/// The time.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits until a point in time.
#[expect(clippy::disallowed_methods, reason = "a load at a fixed rate waits for the clock")]
pub(crate) fn sleep_until(time: Instant) {
    std::thread::sleep(time.saturating_duration_since(now()));
}

/// Tries until there is a result. Looks often enough for figures in milliseconds, and seldom enough to leave
/// the processor to what is waited for.
pub(crate) fn wait_for<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let end = now() + LIMIT;
    while now() < end {
        if let Some(result) = attempt() {
            return result;
        }
        sleep_until(now() + Duration::from_millis(1));
    }
    panic!("waited {LIMIT:?} for {what}");
}

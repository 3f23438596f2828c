//! How long something took, for people who wait for it.

use std::time::{Duration, Instant};

#[expect(clippy::disallowed_methods, reason = "the durations of real commands are what is shown")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

//! How fast one thread does something.

use std::time::Duration;

use crate::store::now;

/// Operations a second of this thread's time on a processor: what others do on the machine is left out.
pub(crate) fn rate(operations: u64, run: impl FnOnce()) -> f64 {
    let (start, busy_before) = (now(), busy_time());
    run();
    let busy = busy_time().zip(busy_before).map(|(after, before)| after.saturating_sub(before));
    operations as f64 / busy.unwrap_or_else(|| start.elapsed()).as_secs_f64()
}

/// Time this thread has spent on a processor, as Linux tells it.
pub(crate) fn busy_time() -> Option<Duration> {
    schedule(0)
}

/// Time this thread has waited for a processor that was busy with others, as Linux tells it.
pub(crate) fn queued_time() -> Option<Duration> {
    schedule(1)
}

fn schedule(field: usize) -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().nth(field)?.parse().ok().map(Duration::from_nanos)
}

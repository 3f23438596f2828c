//! Lines of the log about slow requests: one a second at most, so that slowness is not made worse by its telling.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::warn;

use super::request::Slow;
use crate::clock::millis;
use crate::metrics::Label as _;

/// At most one line in this time.
const INTERVAL: Duration = Duration::from_secs(1);

/// Decides which slow requests are written about.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// From when on there may be another line, in milliseconds since the server started.
    next_ms: AtomicU64,
    /// Slow requests since the last line.
    left_out: AtomicU64,
}

impl Lines {
    /// Writes a line, if there was none for long enough. Names and figures alone: arguments may be secret, and what
    /// is in a log is there to stay.
    pub(super) fn write(&self, slow: &Slow, uptime: Duration) {
        let Some(left_out) = self.admit(millis(uptime)) else { return };
        let over = &slow.over;
        let phases = &over.phases;
        let beside = slow.beside.names().collect::<Vec<_>>().join(",");
        warn!(
            id = slow.id,
            protocol = over.protocol.name(),
            operation = over.operation.name(),
            operations = over.operations,
            client = %over.client,
            took_us = micros(phases.total()),
            queue_us = micros(phases.queue),
            lock_us = micros(phases.lock),
            execution_us = micros(phases.execution),
            log_us = micros(phases.log),
            reply_us = micros(phases.reply),
            beside,
            left_out,
            "a slow request; /slow of the admin listener has the latest"
        );
    }

    /// How many were left out since the last line; `None` when this one is, too.
    fn admit(&self, now_ms: u64) -> Option<u64> {
        let next_ms = self.next_ms.load(Ordering::Relaxed);
        let then_ms = now_ms + millis(INTERVAL);
        let is_due = now_ms >= next_ms
            && self
                .next_ms
                .compare_exchange(next_ms, then_ms, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_due {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        None
    }
}

/// Whole microseconds; 2^64 of them are half a million years.
pub(super) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_line_a_second_and_it_says_what_was_left_out() {
        let lines = Lines::default();
        assert_eq!(lines.admit(0), Some(0), "the first");
        assert_eq!(lines.admit(0), None);
        assert_eq!(lines.admit(999), None);
        assert_eq!(lines.admit(1000), Some(2));
        assert_eq!(lines.admit(1001), None);
        assert_eq!(lines.admit(9000), Some(1));
    }
}

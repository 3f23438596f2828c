//! How much there was in the latest second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Rates per second, over the time between the latest two samples.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    pub(crate) commands: AtomicU64,
    /// Bytes received from clients.
    pub(crate) received: AtomicU64,
    /// Bytes sent to them.
    pub(crate) sent: AtomicU64,
    last: Mutex<Sample>,
}

/// What there was at a moment, ever.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sample {
    pub(crate) at: Duration,
    pub(crate) commands: u64,
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

impl Rates {
    /// Takes the next sample.
    pub(crate) fn take(&self, now: Sample) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let millis = now.at.saturating_sub(last.at).as_millis();
        for (rate, now, then) in [
            (&self.commands, now.commands, last.commands),
            (&self.received, now.received, last.received),
            (&self.sent, now.sent, last.sent),
        ] {
            // What was reset since is less than before.
            let more = u128::from(now.saturating_sub(then)) * 1000;
            let per_second = more.checked_div(millis).unwrap_or(0);
            rate.store(u64::try_from(per_second).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        *last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_second_between_samples() {
        let rates = Rates::default();
        let sample = |millis, commands| Sample {
            at: Duration::from_millis(millis),
            commands,
            received: 10 * commands,
            sent: 0,
        };
        rates.take(sample(2000, 100));
        rates.take(sample(2500, 200));
        assert_eq!(rates.commands.load(Ordering::Relaxed), 200);
        assert_eq!(rates.received.load(Ordering::Relaxed), 2000);
        assert_eq!(rates.sent.load(Ordering::Relaxed), 0);
        rates.take(sample(2500, 300));
        assert_eq!(rates.commands.load(Ordering::Relaxed), 0, "no time has passed");
        rates.take(sample(3500, 5));
        assert_eq!(rates.commands.load(Ordering::Relaxed), 0, "reset meanwhile");
    }
}

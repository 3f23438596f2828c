//! When the next snapshot is due.

use std::time::Duration;

use kv_core::UnixMillis;

use super::SnapshotSettings;

/// How long after a failure the next attempt is made, unless one is requested. Doubles with each failure.
pub const RETRY_AFTER_MIN: Duration = Duration::from_secs(5);

/// The longest pause between attempts.
pub const RETRY_AFTER_MAX: Duration = Duration::from_mins(5);

/// Why a snapshot is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The interval has passed and something was written.
    Interval,
    /// The log has grown by so much.
    LogBytes,
    /// Somebody asked for it.
    Request,
    /// The server stops.
    Stop,
}

/// Knows when snapshots were begun and how they went.
#[derive(Debug)]
pub(super) struct Schedule {
    interval_ms: u64,
    log_bytes: u64,
    /// When the last snapshot that succeeded was begun, or the schedule.
    began: UnixMillis,
    /// Bytes of log at that time.
    bytes_then: u64,
    /// The last attempt, if it failed.
    failure: Option<Failure>,
}

#[derive(Debug, Clone, Copy)]
struct Failure {
    at: UnixMillis,
    /// How many in a row.
    count: u32,
}

impl Schedule {
    /// A schedule that begins now. `bytes_then` is what the log's counter was when the last snapshot, of an
    /// earlier process, was begun; or as near to it as is known.
    pub(super) fn new(settings: &SnapshotSettings, now: UnixMillis, bytes_then: u64) -> Self {
        Self {
            interval_ms: millis(settings.interval),
            log_bytes: settings.log_bytes,
            began: now,
            bytes_then,
            failure: None,
        }
    }

    /// Counts so long from the last snapshot that was begun; zero for never.
    pub(super) fn set_interval(&mut self, interval: Duration) {
        self.interval_ms = millis(interval);
    }

    /// Whether anything was written since the last snapshot was begun.
    pub(super) fn has_news(&self, bytes_written: u64) -> bool {
        bytes_written != self.bytes_then
    }

    /// Why a snapshot is due, if it is.
    pub(super) fn due(&self, now: UnixMillis, bytes_written: u64) -> Option<Trigger> {
        if self.failure.is_some_and(|failure| !has_passed(failure.at, now, failure.pause_ms())) {
            return None;
        }
        let grown = bytes_written.wrapping_sub(self.bytes_then);
        if self.log_bytes != 0 && grown >= self.log_bytes {
            return Some(Trigger::LogBytes);
        }
        let is_time = self.interval_ms != 0 && has_passed(self.began, now, self.interval_ms);
        (is_time && self.has_news(bytes_written)).then_some(Trigger::Interval)
    }

    /// Notes a snapshot that was begun then and has succeeded.
    pub(super) fn succeeded(&mut self, began: UnixMillis, bytes_then: u64) {
        (self.began, self.bytes_then, self.failure) = (began, bytes_then, None);
    }

    /// Notes an attempt that failed.
    pub(super) fn failed(&mut self, now: UnixMillis) {
        let count = self.failure.map_or(1, |failure| failure.count.saturating_add(1));
        self.failure = Some(Failure { at: now, count });
    }
}

impl Failure {
    fn pause_ms(&self) -> u64 {
        let doublings = (self.count - 1).min(16);
        (millis(RETRY_AFTER_MIN) << doublings).min(millis(RETRY_AFTER_MAX))
    }
}

/// Whether so much time has passed. A clock that went back has lost count: then it has.
fn has_passed(since: UnixMillis, now: UnixMillis, millis: u64) -> bool {
    now < since || now.millis_since(since) >= millis
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::SnapshotOptions;

    fn at(seconds: u64) -> UnixMillis {
        UnixMillis::new(1_700_000_000_000 + seconds * 1000)
    }

    fn schedule(interval_secs: u64, log_bytes: u64) -> Schedule {
        let settings = SnapshotSettings {
            interval: Duration::from_secs(interval_secs),
            log_bytes,
            kept: 1,
            options: SnapshotOptions::default(),
        };
        Schedule::new(&settings, at(0), 100)
    }

    #[test]
    fn the_interval_counts_only_when_something_was_written() {
        let mut schedule = schedule(60, 0);
        assert_eq!(schedule.due(at(60), 100), None);
        assert_eq!(schedule.due(at(59), 101), None);
        assert_eq!(schedule.due(at(60), 101), Some(Trigger::Interval));
        schedule.succeeded(at(60), 101);
        assert_eq!(schedule.due(at(200), 101), None);
        assert_eq!(schedule.due(at(119), 102), None);
        assert_eq!(schedule.due(at(120), 102), Some(Trigger::Interval));
    }

    #[test]
    fn an_interval_that_is_set_later_counts_from_the_last_snapshot() {
        let mut schedule = schedule(0, 0);
        schedule.set_interval(Duration::from_mins(1));
        assert_eq!(schedule.due(at(59), 101), None);
        assert_eq!(schedule.due(at(60), 101), Some(Trigger::Interval));
        schedule.set_interval(Duration::ZERO);
        assert_eq!(schedule.due(at(1000), 101), None);
    }

    #[test]
    fn the_log_may_grow_by_so_much() {
        let mut schedule = schedule(0, 1000);
        assert_eq!(schedule.due(at(1_000_000), 1099), None);
        assert_eq!(schedule.due(at(0), 1100), Some(Trigger::LogBytes));
        schedule.succeeded(at(0), 1050);
        assert_eq!(schedule.due(at(0), 2049), None);
        assert_eq!(schedule.due(at(0), 2050), Some(Trigger::LogBytes));
    }

    #[test]
    fn nothing_is_due_when_nothing_is_wanted() {
        assert_eq!(schedule(0, 0).due(at(1 << 40), u64::MAX), None);
    }

    #[test]
    fn failures_are_retried_ever_more_seldom() {
        let mut schedule = schedule(1, 0);
        let mut now = 1;
        for pause in [5, 10, 20, 40, 80, 160, 300, 300] {
            assert_eq!(schedule.due(at(now), 101), Some(Trigger::Interval));
            schedule.failed(at(now));
            assert_eq!(schedule.due(at(now + pause - 1), 101), None, "{pause}");
            now += pause;
        }
        schedule.succeeded(at(now), 101);
        assert_eq!(schedule.due(at(now + 1), 102), Some(Trigger::Interval));
    }

    #[test]
    fn a_clock_that_goes_back_delays_nothing() {
        let mut schedule = schedule(60, 0);
        schedule.succeeded(at(1000), 101);
        assert_eq!(schedule.due(at(10), 102), Some(Trigger::Interval));
        schedule.failed(at(1000));
        assert_eq!(schedule.due(at(999), 102), Some(Trigger::Interval));
    }
}

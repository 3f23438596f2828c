//! Decides what one connection does next: send, wait for its time, or end.

use std::time::Duration;

use super::schedule::Schedule;
use crate::limits::BENCH_CATCH_UP_MAX;

/// When a connection sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// With a fixed rate, when operations are due; without, each follows the answer before it.
    pub(super) schedule: Option<Schedule>,
    /// How many operations it sends.
    pub(super) requests_max: u64,
    /// When the run ends, after its start.
    pub(super) end: Duration,
    /// How many operations it sends at once.
    pub(super) depth: u64,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Send so many operations: at least one.
    Send(u64),
    /// Wait until the next one is due.
    Wait,
    /// Nothing more is to be sent.
    End,
}

impl Pace {
    /// What to do when so many have been sent.
    pub(super) fn step(&self, sent: u64, elapsed: Duration) -> Step {
        let left = self.requests_max.saturating_sub(sent);
        let Some(schedule) = self.schedule else {
            let is_over = left == 0 || elapsed >= self.end;
            return if is_over { Step::End } else { Step::Send(left.min(self.depth)) };
        };
        let late = elapsed >= self.end.saturating_add(BENCH_CATCH_UP_MAX);
        if late || sent >= self.due_by_end(schedule) {
            return Step::End;
        }
        match self.due(schedule, elapsed).saturating_sub(sent) {
            0 => Step::Wait,
            due => Step::Send(due.min(self.depth)),
        }
    }

    /// How many operations should have been sent at that time and were not.
    pub(super) fn unsent(&self, sent: u64, elapsed: Duration) -> u64 {
        self.schedule.map_or(0, |schedule| self.due(schedule, elapsed).saturating_sub(sent))
    }

    /// When operation number `n` is due; without a rate, now.
    pub(super) fn intended(&self, n: u64, now: Duration) -> Duration {
        self.schedule.map_or(now, |schedule| schedule.intended(n))
    }

    fn due(&self, schedule: Schedule, elapsed: Duration) -> u64 {
        schedule.due_at(elapsed).min(self.due_by_end(schedule))
    }

    fn due_by_end(&self, schedule: Schedule) -> u64 {
        schedule.due_before(self.end).min(self.requests_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::MAX;

    fn secs(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn without_a_rate_each_turn_follows_the_last() {
        let pace = Pace { schedule: None, requests_max: 10, end: secs(1.0), depth: 4 };
        assert_eq!(pace.step(0, secs(0.0)), Step::Send(4));
        assert_eq!(pace.step(8, secs(0.9)), Step::Send(2));
        assert_eq!(pace.step(10, secs(0.9)), Step::End);
        assert_eq!(pace.step(0, secs(1.0)), Step::End);
        assert_eq!(pace.intended(3, secs(0.5)), secs(0.5));
        assert_eq!(pace.unsent(0, secs(5.0)), 0);
    }

    #[test]
    fn with_a_rate_what_is_due_is_sent_and_nothing_before() {
        let schedule = Some(Schedule::all(10));
        let pace = Pace { schedule, requests_max: u64::MAX, end: secs(1.0), depth: 4 };
        assert_eq!(pace.step(0, secs(0.0)), Step::Send(1));
        assert_eq!(pace.step(1, secs(0.05)), Step::Wait);
        assert_eq!(pace.step(1, secs(0.25)), Step::Send(2));
        assert_eq!(pace.step(1, secs(0.95)), Step::Send(4), "no more than the depth at once");
        assert_eq!(pace.intended(3, secs(0.9)), secs(0.3), "however late it is sent");
        assert_eq!(pace.step(9, secs(1.3)), Step::Send(1), "what was due is sent after the end");
        assert_eq!(pace.step(10, secs(1.0)), Step::End);
        assert_eq!(pace.step(5, secs(1.0) + BENCH_CATCH_UP_MAX), Step::End, "but not for ever");
        assert_eq!(pace.unsent(5, secs(9.0)), 5);
        assert_eq!(pace.unsent(2, secs(0.45)), 3, "what is not due yet is not missed");
    }

    #[test]
    fn a_number_of_requests_ends_a_rate_too() {
        let schedule = Some(Schedule::all(10));
        let pace = Pace { schedule, requests_max: 3, end: MAX, depth: 4 };
        assert_eq!(pace.step(0, secs(9.0)), Step::Send(3));
        assert_eq!(pace.step(3, secs(0.2)), Step::End);
        assert_eq!(pace.unsent(3, secs(9.0)), 0);
    }
}

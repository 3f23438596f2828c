//! When the operations of a fixed rate are due.
//!
//! Operation number `n` of all is due `n / rate` seconds after the start, whatever became of those before it,
//! and the connections take turns. Latencies count from there: what a slow answer holds up is charged with the
//! wait, and is not left out of the figures (the "coordinated omission" of generators that send late).

use std::time::Duration;

const NANOS: u128 = 1_000_000_000;

/// The due times of one connection, or of all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    /// Operations a second, over all connections.
    rate: u64,
    /// The number of the first operation, and how far apart the next ones are.
    first: u64,
    step: u64,
}

impl Schedule {
    /// All operations.
    pub(super) fn all(rate: u64) -> Self {
        Self { rate: rate.max(1), first: 0, step: 1 }
    }

    /// Those of one of several connections.
    pub(super) fn of(self, connection: u32, connections: u32) -> Self {
        Self { first: connection.into(), step: connections.max(1).into(), ..self }
    }

    /// When operation number `n` of these is due, after the start.
    pub(super) fn intended(&self, n: u64) -> Duration {
        let number = u128::from(self.first) + u128::from(n) * u128::from(self.step);
        // Multiplied before divided: nothing adds up over a long run.
        let nanos = number * NANOS / u128::from(self.rate);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many of these are due before that time.
    pub(super) fn due_before(&self, time: Duration) -> u64 {
        // The smallest number of an operation that is not, of all.
        let numbers = (time.as_nanos() * u128::from(self.rate)).div_ceil(NANOS);
        let ours = numbers.saturating_sub(self.first.into()).div_ceil(self.step.into());
        u64::try_from(ours).unwrap_or(u64::MAX)
    }

    /// How many of these are due at that time.
    pub(super) fn due_at(&self, time: Duration) -> u64 {
        self.due_before(time.saturating_add(Duration::from_nanos(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn connections_take_turns_at_the_rate_of_all() {
        let all = Schedule::all(3);
        let due: Vec<_> = (0..7).map(|n| all.intended(n).as_nanos()).collect();
        assert_eq!(due[..4], [0, 333_333_333, 666_666_666, 1_000_000_000]);
        for n in 0..7 {
            let (turn, connection) = (n / 2, n % 2);
            let ours = all.of(u32::try_from(connection).unwrap(), 2);
            assert_eq!(ours.intended(turn), all.intended(n));
        }
    }

    #[test]
    fn nothing_drifts_in_a_week() {
        // A rate whose period is no whole number of nanoseconds.
        let week = 7 * 24 * 3600;
        assert_eq!(Schedule::all(70_001).intended(70_001 * week), Duration::from_secs(week));
        assert_eq!(Schedule::all(70_001).due_before(Duration::from_secs(week)), 70_001 * week);
    }

    proptest! {
        #[test]
        fn what_is_due_is_what_was_intended_by_then(
            rate in 1_u64..=100_000_000,
            connections in 1_u32..2000,
            connection in 0_u32..2000,
            nanos in 0_u64..10_000_000_000_000,
        ) {
            let schedule = Schedule::all(rate).of(connection % connections, connections);
            let time = Duration::from_nanos(nanos);
            let (before, at) = (schedule.due_before(time), schedule.due_at(time));
            // Due times are rounded down to nanoseconds, so that one can be counted as due late by that.
            prop_assert!(before == 0 || schedule.intended(before - 1) <= time);
            prop_assert!(schedule.intended(before) + Duration::from_nanos(1) > time);
            prop_assert!(at >= before && schedule.intended(at) + Duration::from_nanos(1) > time);
        }

        #[test]
        fn the_connections_together_send_all(
            rate in 1_u64..=1_000_000, connections in 1_u32..100, nanos in 0_u64..10_000_000_000,
        ) {
            let (all, time) = (Schedule::all(rate), Duration::from_nanos(nanos));
            let each = |connection| all.of(connection, connections).due_before(time);
            prop_assert_eq!((0..connections).map(each).sum::<u64>(), all.due_before(time));
        }
    }
}

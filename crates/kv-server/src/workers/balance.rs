//! Which connections a thread lets go, and to whom: as few threads as the load needs, and none with more than it can
//! do.
//!
//! Each thread decides for itself alone, from what all have told of their load. One with little to do gives all that
//! it has to one of lower number that then still has little, so that the load gathers at the first threads; a crowded
//! one gives a share to the one that has the least to do. Between the two bounds nothing moves: what has been gathered
//! does not crowd a thread, and what has been shared is not little.

use std::time::Duration;

/// How busy a thread was in its last period, in thousandths of it.
pub(super) type Load = u32;

/// Everything.
pub(super) const WHOLE: u32 = 256;

/// A thread that is busier has nothing to do only by chance: more requests would wait for each other.
pub(super) const FULL: Load = 930;

/// What two threads may have to do together for one of them to do it alone.
const LITTLE: Load = 750;

/// A thread whose turns wait so long for others is crowded, if it is busy at all: with more at a time than it can do,
/// and nothing in between, as pipelines have it.
const LONG_WAIT: Duration = Duration::from_micros(150);

/// A thread whose turns wait longer keeps its load to itself.
const SHORT_WAIT: Duration = Duration::from_micros(50);

/// A thread that is less busy is not crowded.
const CROWDED_MIN: Load = 300;

/// A crowded thread lets connections go to one that has so much less to do.
const DIFFERENCE_MIN: Load = 300;

/// What a thread has measured of itself in its last period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) load: Load,
    /// How long a turn has waited for others on the thread at most, in the mean.
    pub(super) wait: Duration,
}

/// What becomes of the connections of a thread that have a turn in its next period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    /// The thread that they go to.
    pub(super) to: usize,
    /// How many of them go, in parts of [`WHOLE`].
    pub(super) share: u32,
}

impl Measured {
    /// Whether the thread has more at a time than it should.
    pub(super) fn is_crowded(self) -> bool {
        self.load >= FULL || (self.wait >= LONG_WAIT && self.load >= CROWDED_MIN)
    }

    /// What others are told: a crowded thread is not to get more, whatever its load.
    pub(super) fn told(self) -> Load {
        if self.is_crowded() { self.load.max(FULL) } else { self.load }
    }
}

/// The order with which the thread `own` gives all that it has to another one, given the load of all.
pub(super) fn gather(own: usize, measured: Measured, loads: &[Load]) -> Option<Order> {
    if measured.is_crowded() || measured.wait > SHORT_WAIT {
        return None;
    }
    let takes_all = |other: &Load| other + measured.load <= LITTLE;
    let to = loads.iter().take(own).position(takes_all)?;
    Some(Order { to, share: WHOLE })
}

/// The order with which a crowded thread shares with the one that has the least to do, given the load of all.
pub(super) fn share(measured: Measured, loads: &[Load]) -> Option<Order> {
    let (to, least) = loads.iter().enumerate().min_by_key(|(_, load)| **load)?;
    let difference = measured.load.saturating_sub(*least);
    let share = WHOLE * difference / 2 / measured.load.max(1);
    (difference >= DIFFERENCE_MIN).then_some(Order { to, share })
}

/// The thread for a new connection, given the load of all: the first one that has little to do, or else that with the
/// least.
pub(super) fn place(loads: &[Load]) -> usize {
    let has_little = loads.iter().position(|load| *load <= LITTLE);
    let least = || loads.iter().enumerate().min_by_key(|(_, load)| **load);
    has_little.or_else(|| least().map(|(place, _)| place)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn measured(load: Load, wait_us: u64) -> Measured {
        Measured { load, wait: Duration::from_micros(wait_us) }
    }

    #[test]
    fn little_load_goes_to_the_first_thread_that_still_has_little_with_it() {
        let order = |to| Some(Order { to, share: WHOLE });
        assert_eq!(gather(2, measured(300, 0), &[500, 450, 300]), order(1));
        assert_eq!(gather(2, measured(300, 0), &[450, 450, 300]), order(0));
        assert_eq!(
            gather(1, measured(300, 0), &[451, 300, 0]),
            None,
            "never to one of higher number"
        );
        assert_eq!(gather(0, measured(300, 0), &[300, 0, 0]), None);
        assert_eq!(
            gather(1, measured(300, 51), &[0, 300]),
            None,
            "whose turns wait keeps what it has"
        );
    }

    #[test]
    fn a_crowded_thread_gives_what_makes_both_even() {
        assert!(measured(930, 0).is_crowded() && !measured(929, 149).is_crowded());
        assert!(measured(300, 150).is_crowded() && !measured(299, 150).is_crowded());
        assert_eq!(
            [(300, 150), (1000, 0), (299, 150)].map(|(load, us)| measured(load, us).told()),
            [FULL, 1000, 299]
        );
        let half = Some(Order { to: 1, share: WHOLE / 2 });
        assert_eq!(share(measured(1000, 0), &[1000, 0]), half);
        let third = Some(Order { to: 0, share: WHOLE / 3 });
        assert_eq!(share(measured(900, 0), &[300, 900, 950]), third);
        assert_eq!(share(measured(1000, 0), &[1000, 701]), None, "too little to gain");
        assert_eq!(share(measured(1000, 0), &[1000]), None);
    }

    #[test]
    fn new_connections_go_where_work_is_until_it_is_enough() {
        assert_eq!(place(&[750, 0]), 0);
        assert_eq!(place(&[751, 0]), 1);
        assert_eq!(place(&[900, 800, 850]), 1);
    }

    proptest! {
        /// Gathered load does not crowd, and shared load does not gather again, whatever it was.
        #[test]
        fn what_has_moved_stays(loads in prop::collection::vec(0..=1000_u32, 2..9), own in 0..8_usize) {
            let own = own % loads.len();
            let after = |order: Order| {
                let mut after = loads.clone();
                let moved = loads[own] * order.share / WHOLE;
                after[own] -= moved;
                after[order.to] += moved;
                after
            };
            if let Some(order) = gather(own, measured(loads[own], 0), &loads) {
                prop_assert!(order.to < own);
                prop_assert!(!measured(after(order)[order.to], 0).is_crowded());
            }
            if measured(loads[own], 0).is_crowded() && let Some(order) = share(measured(loads[own], 0), &loads) {
                prop_assert!(order.to != own && (1..=WHOLE / 2).contains(&order.share));
                let after = after(order);
                for both in [own, order.to] {
                    let only_these = [after[own.min(order.to)], after[own.max(order.to)]];
                    let place = usize::from(both == own.max(order.to));
                    prop_assert_eq!(gather(place, measured(after[both], 0), &only_these), None);
                }
            }
        }
    }
}

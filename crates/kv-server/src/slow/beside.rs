//! What ran beside a request.

use std::time::Duration;

use kv_core::StoreActivity;

use crate::clock::wall_ms;
use crate::gate::Gate;
use crate::persistence::PersistenceStats;

/// What can run beside a request, and what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Neighbour {
    /// What was kept was being loaded.
    Loading,
    /// A snapshot was being taken.
    Snapshot,
    /// The log was being synced.
    Sync,
    /// The log was behind by so much that writers wait for it.
    Congestion,
    /// The disk was full, or the log had failed.
    LogTrouble,
    /// Expired keys were being removed.
    Expiry,
    /// Keys were being evicted.
    Eviction,
    /// Work was done for clients beside the threads that serve them: listings, comparisons, flushes.
    Jobs,
}

use Neighbour::{Congestion, Eviction, Expiry, Jobs, Loading, LogTrouble, Snapshot, Sync};

impl Neighbour {
    const ALL: [Self; 8] =
        [Loading, Snapshot, Sync, Congestion, LogTrouble, Expiry, Eviction, Jobs];

    const fn name(self) -> &'static str {
        match self {
            Loading => "loading",
            Snapshot => "snapshot",
            Sync => "fsync",
            Congestion => "log_congested",
            LogTrouble => "log_trouble",
            Expiry => "expiry",
            Eviction => "eviction",
            Jobs => "jobs",
        }
    }
}

/// The clocks that are compared tell milliseconds.
const TICK: Duration = Duration::from_millis(1);

/// What ran beside a request, some of the time at least: a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Beside(u8);

impl Beside {
    /// What runs now or did since `span` ago.
    pub(super) fn look(gate: &Gate, span: Duration) -> Self {
        let mut beside = Self::default();
        beside.note(Jobs, gate.slow().jobs().are_under_way());
        if gate.open().is_err() {
            // The store must not be touched.
            beside.note(Loading, true);
            return beside;
        }
        let progress = gate.store().progress();
        beside.note(Congestion, progress.is_congested());
        beside.note(LogTrouble, progress.health().is_err());
        beside.note_activity(gate.store().activity(), span);
        if let Some(persistence) = gate.persistence() {
            beside.note_persistence(&persistence.stats(), wall_ms(), span);
        }
        beside
    }

    fn note(&mut self, neighbour: Neighbour, was_there: bool) {
        if was_there {
            self.0 |= 1 << neighbour as u8;
        }
    }

    fn note_activity(&mut self, activity: StoreActivity, span: Duration) {
        let within = |ago: Option<Duration>| ago.is_some_and(|ago| ago <= span + TICK);
        self.note(Expiry, within(activity.expired_ago));
        self.note(Eviction, within(activity.evicted_ago));
    }

    fn note_persistence(&mut self, stats: &PersistenceStats, now_ms: u64, span: Duration) {
        // Of what has ended, when: still after the request had begun?
        let within = |began_ms: u64, took: Duration| {
            Duration::from_millis(now_ms) <= Duration::from_millis(began_ms) + took + span + TICK
        };
        let sync = stats.latest_sync;
        self.note(
            Sync,
            sync.is_some_and(|sync| sync.took.is_none_or(|took| within(sync.began_ms, took))),
        );
        let last = stats.last_snapshot.filter(|last| !last.duration.is_zero());
        self.note(
            Snapshot,
            stats.snapshot_percent.is_some()
                || last.is_some_and(|last| within(last.taken_at_ms, last.duration)),
        );
        self.note(LogTrouble, stats.disk_full);
    }

    /// What that is called.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        let was_there = move |neighbour: &Neighbour| self.0 & (1 << *neighbour as u8) != 0;
        Neighbour::ALL.into_iter().filter(was_there).map(Neighbour::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persistence::{LastSnapshot, LatestSync};

    const SPAN: Duration = Duration::from_millis(50);
    const TOOK: Duration = Duration::from_millis(200);

    fn names(beside: Beside) -> Vec<&'static str> {
        beside.names().collect()
    }

    #[test]
    fn every_neighbour_has_a_bit_and_a_name() {
        let all = Beside(u8::MAX);
        let found: std::collections::BTreeSet<_> = all.names().collect();
        assert_eq!(found.len(), Neighbour::ALL.len());
        assert_eq!(names(Beside::default()), [""; 0]);
    }

    #[test]
    fn what_the_store_did_counts_as_far_back_as_the_request_goes() {
        let seen = |expired: Option<u64>, evicted: Option<u64>| {
            let ago = |ms: Option<u64>| ms.map(Duration::from_millis);
            let mut beside = Beside::default();
            let activity = StoreActivity { expired_ago: ago(expired), evicted_ago: ago(evicted) };
            beside.note_activity(activity, SPAN);
            names(beside)
        };
        assert_eq!(seen(None, None), [""; 0]);
        assert_eq!(seen(Some(0), Some(52)), ["expiry"]);
        assert_eq!(seen(Some(52), Some(51)), ["eviction"]);
    }

    #[test]
    fn syncs_and_snapshots_count_while_they_last_and_until_the_request_began() {
        let check = |stats: PersistenceStats, now_ms: u64, expected: &[&str]| {
            let mut beside = Beside::default();
            beside.note_persistence(&stats, now_ms, SPAN);
            assert_eq!(names(beside), expected, "{now_ms}");
        };
        let sync = |took| PersistenceStats {
            latest_sync: Some(LatestSync { began_ms: 1000, took }),
            ..PersistenceStats::default()
        };
        check(sync(None), 999_999, &["fsync"]);
        check(sync(Some(TOOK)), 1251, &["fsync"]);
        check(sync(Some(TOOK)), 1252, &[]);
        let running = PersistenceStats { snapshot_percent: Some(0), ..PersistenceStats::default() };
        check(running, 1, &["snapshot"]);
        let taken = |duration| PersistenceStats {
            last_snapshot: Some(LastSnapshot { taken_at_ms: 1000, keys: 0, bytes: 0, duration }),
            ..PersistenceStats::default()
        };
        check(taken(TOOK), 1251, &["snapshot"]);
        check(taken(TOOK), 1252, &[]);
        check(taken(Duration::ZERO), 1000, &[]);
        let full = PersistenceStats { disk_full: true, ..PersistenceStats::default() };
        check(full, 1, &["log_trouble"]);
    }
}

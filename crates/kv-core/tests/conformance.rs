//! The engine, the null journal and every policy pass the suites of their traits.

use std::sync::Arc;
use std::task::{Poll, Waker};

use kv_core::eviction::PolicyKind;
use kv_core::testing::{
    ManualClock, ManualJournal, MemoryJournal, eviction_suite, journal_suite, store_suite,
};
use kv_core::{
    COMPRESS_MIN_BYTES_MIN, Durability, EngineConfig, Journal, JournalError, Lsn, NullJournal,
    Progress, Record, ShardedStore,
};

#[test]
fn the_engine_is_a_store_with_any_number_of_shards() {
    for shards in [1, 2, 1024] {
        store_suite::test_all(|clock: Arc<ManualClock>| {
            let config = EngineConfig { shards, ..EngineConfig::default() };
            ShardedStore::new(config, NullJournal, clock).unwrap()
        });
    }
}

#[test]
fn the_engine_is_a_store_under_a_memory_limit_it_does_not_reach() {
    store_suite::test_all(|clock: Arc<ManualClock>| {
        let config = EngineConfig { shards: 8, memory_limit: 64 << 20, ..EngineConfig::default() };
        ShardedStore::new(config, NullJournal, clock).unwrap()
    });
}

#[test]
fn the_engine_is_a_store_when_it_compresses_what_it_can() {
    store_suite::test_all(|clock: Arc<ManualClock>| {
        let compress_min_bytes = Some(COMPRESS_MIN_BYTES_MIN);
        let config = EngineConfig { shards: 8, compress_min_bytes, ..EngineConfig::default() };
        ShardedStore::new(config, NullJournal, clock).unwrap()
    });
}

#[test]
fn journals_are_journals() {
    journal_suite::test_all(|| NullJournal);
    journal_suite::test_all(MemoryJournal::default);
    journal_suite::test_all(Advancing::default);
}

#[test]
fn every_policy_is_a_policy() {
    for kind in PolicyKind::ALL {
        eviction_suite::test_all(|| kind.build(7), kind != PolicyKind::None);
        if !matches!(kind, PolicyKind::None | PolicyKind::Ttl) {
            eviction_suite::test_sparing(kind.build(7).as_mut());
        }
    }
}

/// A manual journal that lets happen what somebody waits for.
#[derive(Default)]
struct Advancing(ManualJournal);

impl Progress for Advancing {
    fn reached(&self, level: Durability) -> Lsn {
        self.0.reached(level)
    }

    fn poll_reached(
        &self,
        lsn: Lsn,
        level: Durability,
        waker: &Waker,
    ) -> Poll<Result<(), JournalError>> {
        let polled = self.0.poll_reached(lsn, level, waker);
        if lsn <= self.0.position() {
            self.0.advance_to(lsn, level);
        }
        polled
    }

    fn durability_max(&self) -> Durability {
        self.0.durability_max()
    }

    fn health(&self) -> Result<(), JournalError> {
        self.0.health()
    }

    fn is_congested(&self) -> bool {
        self.0.is_congested()
    }
}

impl Journal for Advancing {
    fn append(&self, record: &Record<'_>) -> Result<Lsn, JournalError> {
        self.0.append(record)
    }

    fn position(&self) -> Lsn {
        self.0.position()
    }
}

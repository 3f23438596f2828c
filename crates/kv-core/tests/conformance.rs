//! The engine, the null journal and every policy pass the suites of their traits.

use std::sync::Arc;

use kv_core::eviction::PolicyKind;
use kv_core::testing::{
    ManualClock, ManualJournal, MemoryJournal, eviction_suite, journal_suite, store_suite,
};
use kv_core::{EngineConfig, NullJournal, ShardedStore};

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
fn journals_are_journals() {
    journal_suite::test_all(|| NullJournal);
    journal_suite::test_all(MemoryJournal::default);
    journal_suite::test_all(ManualJournal::default);
}

#[test]
fn every_policy_is_a_policy() {
    for kind in PolicyKind::ALL {
        eviction_suite::test_all(|| kind.build(7), kind != PolicyKind::None);
    }
}

//! Mass deletes give table memory back, and the accounts end where they began.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::sync::Arc;

use kv_core::testing::ManualClock;
use kv_core::{
    Action, Deadline, EngineConfig, NullJournal, Op, SetExpiry, ShardedStore, Store, TtlManager,
};

const KEYS: u64 = 100_000;

type Engine = Arc<ShardedStore<NullJournal, Arc<ManualClock>>>;

/// Fills a store, empties it with `empty`, and compares the memory used.
fn check(memory_limit: u64, ttl_ms: Option<i64>, empty: impl Fn(&Engine, &ManualClock)) {
    let clock = Arc::new(ManualClock::default());
    let config = EngineConfig { shards: 16, memory_limit, ..EngineConfig::default() };
    let store = Arc::new(ShardedStore::new(config, NullJournal, Arc::clone(&clock)).unwrap());
    let used = || store.stats().memory_used_bytes;
    let expiry = ttl_ms
        .map_or(SetExpiry::Never, |ttl_ms| SetExpiry::Deadline(Deadline::after(ttl_ms).unwrap()));
    let at_first = used();
    for key in 0..KEYS {
        let action = Action::Set { value: &[0; 50], expiry, return_previous: false };
        store.execute(&Op::new(&key.to_le_bytes(), action)).unwrap();
    }
    let full = used();
    assert!(full > KEYS * 80, "{full} bytes are too few to hold the data");
    empty(&store, &clock);
    store.verify();
    assert_eq!(store.stats().keys, 0);
    let left = used() - at_first;
    // Per shard: the smallest table, and the levels of a wheel that has been used.
    assert!(left <= 16 * 3000, "{left} bytes stay behind of {full}");
}

#[test]
fn after_deletes() {
    for limit in [0, 1 << 30] {
        check(limit, None, |store, _| {
            for key in 0..KEYS {
                let delete = Action::Delete { return_previous: false };
                store.execute(&Op::new(&key.to_le_bytes(), delete)).unwrap();
            }
        });
    }
}

#[test]
fn after_expiry() {
    check(1 << 30, Some(1000), |store, clock| {
        clock.advance_ms(1100);
        TtlManager::new(Arc::clone(store)).tick();
    });
}

#[test]
fn after_a_flush() {
    check(1 << 30, Some(1000), |store, _| {
        assert_eq!(store.flush().unwrap().0, KEYS);
    });
}

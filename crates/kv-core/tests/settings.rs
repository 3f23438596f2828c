//! Settings that change while the store serves: KV-I5 and KV-I9 hold throughout.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kv_core::eviction::PolicyKind;
use kv_core::testing::ManualClock;
use kv_core::{
    Action, ConfigError, Deadline, EngineConfig, ErrorKind, NullJournal, Op, SetExpiry,
    ShardedStore, Store, StoreActivity, StoreError,
};

type Engine = ShardedStore<NullJournal, Arc<ManualClock>>;

const VALUE: [u8; 200] = [b'v'; 200];

fn engine(shards: usize, memory_limit: u64, eviction_policy: PolicyKind) -> Engine {
    let config = EngineConfig { shards, memory_limit, eviction_policy, ..EngineConfig::default() };
    ShardedStore::new(config, NullJournal, Arc::new(ManualClock::default())).unwrap()
}

fn write(store: &impl Store, key: u32) -> Result<(), StoreError> {
    // Every other key is volatile: the ttl policy evicts no others.
    let expiry = match key % 2 {
        0 => SetExpiry::Never,
        _ => SetExpiry::Deadline(Deadline::after(1_000_000).unwrap()),
    };
    let set = Action::Set { value: &VALUE, expiry, return_previous: false };
    store.execute(&Op::new(&key.to_le_bytes(), set)).map(drop)
}

fn fill(store: &impl Store, keys: std::ops::Range<u32>) {
    keys.for_each(|key| write(store, key).unwrap());
}

fn used(store: &Engine) -> u64 {
    store.stats().memory_used_bytes
}

fn assert_within(store: &Engine, limit: u64) {
    store.verify();
    let (used, reserved) = (used(store), store.memory_reserved());
    assert!(used <= reserved && reserved <= limit, "{used} {reserved} {limit}");
}

#[test]
fn a_limit_can_come_fall_rise_and_go() {
    for shards in [1, 64] {
        let store = engine(shards, 0, PolicyKind::Lru);
        fill(&store, 0..10_000);
        let full = used(&store);
        assert!(store.set_memory_limit(2 * full).unwrap(), "nothing has to go");
        assert_eq!(store.stats().keys, 10_000);
        assert_within(&store, 2 * full);

        for limit in [full / 2, full / 4] {
            assert!(store.set_memory_limit(limit).unwrap());
            assert_within(&store, limit);
            let keys = store.stats().keys;
            fill(&store, 20_000..25_000);
            assert_within(&store, limit);
            assert!(store.stats().keys.abs_diff(keys) < keys / 4, "as many as there is room for");
        }
        assert!(used(&store) > full / 8, "no more was evicted than necessary");

        assert!(store.set_memory_limit(full).unwrap());
        fill(&store, 30_000..32_000);
        assert!(used(&store) > full / 4);
        assert_within(&store, full);

        let evicted = store.stats().evicted_keys;
        assert!(store.set_memory_limit(0).unwrap());
        fill(&store, 40_000..80_000);
        assert_eq!(store.stats().evicted_keys, evicted, "there is no limit any more");
        store.verify();
        assert!(store.set_memory_limit(full).unwrap());
        assert_within(&store, full);
        assert_eq!(store.settings().memory_limit, full);
        assert_eq!(store.stats().memory_limit_bytes, full);
    }
}

#[test]
fn a_limit_that_nothing_could_keep_is_refused_and_the_one_before_stays() {
    let store = engine(64, 1 << 20, PolicyKind::Lru);
    fill(&store, 0..100);
    let ConfigError::MemoryLimit { given: 1000, min, .. } =
        store.set_memory_limit(1000).unwrap_err()
    else {
        unreachable!("the limit is what is wrong");
    };
    assert_eq!((store.settings().memory_limit, store.stats().keys), (1 << 20, 100));
    store.flush().unwrap();
    assert!(store.set_memory_limit(min).unwrap(), "an empty store keeps it");
    assert_eq!(write(&store, 1).unwrap_err().kind(), ErrorKind::Exhausted);
}

#[test]
fn without_eviction_a_lower_limit_refuses_writes_until_there_is_room() {
    let store = engine(16, 0, PolicyKind::None);
    fill(&store, 0..5000);
    let limit = used(&store) / 2;
    assert!(!store.set_memory_limit(limit).unwrap(), "nothing may go");
    assert_eq!(store.stats().keys, 5000);
    let refused = write(&store, 9999).unwrap_err();
    assert!(matches!(refused, StoreError::OutOfMemory { policy: "none", .. }), "{refused}");
    for key in 0..4500_u32 {
        let delete = Action::Delete { return_previous: false };
        assert!(store.execute(&Op::new(&key.to_le_bytes(), delete)).unwrap().applied);
    }
    assert_within(&store, limit);
    write(&store, 9999).unwrap();
}

#[test]
fn every_policy_can_follow_every_other() {
    for shards in [1, 64] {
        let limit = 1 << 20;
        let store = engine(shards, limit, PolicyKind::None);
        let refused = (0..50_000).take_while(|key| write(&store, *key).is_ok()).count();
        assert!(refused < 50_000, "the store is full");
        for from in PolicyKind::ALL {
            for to in PolicyKind::ALL {
                store.set_eviction_policy(from);
                assert!(store.evict_to_limit() || from == PolicyKind::None);
                store.set_eviction_policy(to);
                assert_eq!(store.settings().eviction_policy, to);
                assert_eq!(store.stats().eviction_policy, to.name());
                assert_within(&store, limit);
                let evicts = !matches!(to, PolicyKind::None | PolicyKind::Ttl);
                for key in 60_000..62_000 {
                    assert!(write(&store, key).is_ok() || !evicts, "{from} to {to}");
                }
                assert_within(&store, limit);
            }
        }
    }
}

/// What the policy before knew is gone, what comes now is known.
#[test]
fn a_new_policy_learns_anew() {
    let store = engine(1, 0, PolicyKind::Lru);
    fill(&store, 0..100);
    assert_eq!(store.inspect(&0_u32.to_le_bytes()).unwrap().frequency, None);
    store.set_eviction_policy(PolicyKind::Lfu);
    let frequency = || store.inspect(&0_u32.to_le_bytes()).unwrap().frequency.unwrap();
    let fresh = frequency();
    for _ in 0..50 {
        store.execute(&Op::new(&0_u32.to_le_bytes(), Action::Get)).unwrap();
    }
    let used = frequency();
    assert!(used > fresh, "{used} after 50 uses of {fresh}");
    for _ in 0..50 {
        store.execute(&Op::new(&0_u32.to_le_bytes(), Action::Deadline)).unwrap();
        store.inspect(&0_u32.to_le_bytes()).unwrap();
    }
    assert_eq!(frequency(), used, "looking is not using");

    store.set_eviction_policy(PolicyKind::Fifo);
    fill(&store, 100..200);
    assert!(store.set_memory_limit(store.stats().memory_used_bytes * 6 / 10).unwrap());
    let alive = |keys: std::ops::Range<u32>| {
        keys.filter(|key| store.inspect(&key.to_le_bytes()).is_some()).count()
    };
    let (before, after) = (alive(0..100), alive(100..200));
    assert!(after > 3 * before, "of those there before {before} are left, of later ones {after}");
}

/// A key that is only looked at is the next to go; one that is used is not.
#[test]
fn looking_at_a_key_does_not_keep_it() {
    for (action, keeps) in [(Action::Deadline, false), (Action::Exists, true), (Action::Get, true)]
    {
        let store = engine(1, 0, PolicyKind::Lru);
        fill(&store, 0..1000);
        for key in 0..100_u32 {
            store.execute(&Op::new(&key.to_le_bytes(), action)).unwrap();
        }
        assert!(store.set_memory_limit(store.stats().memory_used_bytes / 2).unwrap());
        let left = (0..100_u32).filter(|key| store.inspect(&key.to_le_bytes()).is_some()).count();
        assert_eq!(left > 50, keeps, "{action:?}: {left} of 100 are left");
    }
}

#[test]
fn settings_change_beside_writers() {
    let limits = [0, 1 << 20, 2 << 20, 3 << 19, 1 << 20];
    let store = engine(16, 1 << 20, PolicyKind::Lru);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..2_u32 {
            let (store, stop) = (&store, &stop);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(u64::from(thread));
                while !stop.load(Ordering::Relaxed) {
                    let key = random.u32(0..20_000);
                    if let Err(error) = write(store, key) {
                        assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
                    }
                }
            });
        }
        for round in 0..60 {
            let kind = PolicyKind::ALL.into_iter().cycle().nth(round).unwrap();
            store.set_eviction_policy(kind);
            let limit = limits.into_iter().cycle().nth(round).unwrap();
            let held = store.set_memory_limit(limit).unwrap();
            if limit != 0 && held {
                assert!(store.memory_reserved() <= limit, "{kind} {limit}");
            }
            store.verify();
        }
        stop.store(true, Ordering::Relaxed);
    });
    store.set_eviction_policy(PolicyKind::Random);
    assert!(store.set_memory_limit(1 << 20).unwrap());
    assert_within(&store, 1 << 20);
}

#[test]
fn statistics_count_what_there_is() {
    let store = engine(4, 1 << 20, PolicyKind::Lru);
    fill(&store, 0..1000);
    let stats = store.stats();
    assert_eq!((stats.volatile_keys, stats.ttl_index_items), (500, 500));
    assert!(stats.table_bytes > 1000 * 10 && stats.ttl_index_bytes > 0, "{stats:?}");
    assert!(stats.table_bytes + stats.ttl_index_bytes < stats.memory_used_bytes);
    assert_eq!((stats.eviction_cycles, stats.lock_waits), (0, 0), "{stats:?}");
    assert_eq!(store.activity(), StoreActivity::default());
    fill(&store, 1000..20_000);
    let stats = store.stats();
    assert!(stats.eviction_cycles > 0 && stats.eviction_cycles <= stats.evicted_keys, "{stats:?}");
    assert_eq!(store.activity().evicted_ago, Some(Duration::ZERO), "this clock stands still");
}

#[test]
fn waiting_for_a_lock_is_counted_where_it_happens() {
    let store = engine(2, 0, PolicyKind::Lru);
    let wait = || store.stats().lock_waits > 0;
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let value = vec![0; 8000];
                    for _ in 0..100_000 {
                        let append = Action::Append { suffix: &value };
                        let delete = Action::Delete { return_previous: false };
                        store.execute(&Op::new(b"k", append)).unwrap();
                        store.execute(&Op::new(b"k", delete)).unwrap();
                        if wait() {
                            break;
                        }
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
    });
    let stats = store.stats();
    assert!(stats.lock_waits > 0, "four threads and two locks");
    assert_eq!(stats.shard_lock_waits_min + stats.shard_lock_waits_max, stats.lock_waits);
}

//! Copying a store out in short visits, and emptying one whose refill went wrong.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use kv_core::testing::ManualClock;
use kv_core::{
    Action, Change, Effect, EngineConfig, ImageValue, NullJournal, Op, ReplayTarget, SetExpiry,
    ShardCursor, ShardedStore, SnapshotSource, Store, Version, VisitBudget,
};

type Engine = ShardedStore<NullJournal, ManualClock>;

fn engine() -> Engine {
    let config = EngineConfig { shards: 1, ..EngineConfig::default() };
    ShardedStore::new(config, NullJournal, ManualClock::default()).unwrap()
}

fn set(store: &Engine, key: u32, value: &[u8]) {
    let action = Action::Set { value, expiry: SetExpiry::Never, return_previous: false };
    store.execute(&Op::new(&key.to_le_bytes(), action)).unwrap();
}

/// How many entries each visit shows.
fn visits(store: &Engine, budget: VisitBudget) -> Vec<usize> {
    let (mut cursor, mut sizes, mut more) = (ShardCursor::default(), Vec::new(), true);
    while more {
        let mut entries = 0;
        more = store.visit(0, &mut cursor, budget, &mut |_| entries += 1);
        sizes.push(entries);
    }
    sizes
}

const AMPLE: VisitBudget = VisitBudget { entries: 1000, bytes: 1 << 30, shared_bytes: 1 << 30 };

#[test]
fn a_visit_ends_with_the_entry_that_spends_its_budget() {
    let store = engine();
    for key in 0..10 {
        set(&store, key, &[b'v'; 96]);
    }
    assert_eq!(visits(&store, AMPLE), [10]);
    assert_eq!(visits(&store, VisitBudget { entries: 4, ..AMPLE }), [4, 4, 2]);
    assert_eq!(visits(&store, VisitBudget { bytes: 300, ..AMPLE }), [3, 3, 3, 1]);
    assert_eq!(visits(&store, VisitBudget { bytes: 301, ..AMPLE }), [4, 4, 2]);
    assert_eq!(visits(&store, VisitBudget { shared_bytes: 1, ..AMPLE }), [10], "none is shared");
}

#[test]
fn shared_values_have_a_budget_of_their_own() {
    let store = engine();
    for key in 0..5 {
        set(&store, key, &vec![b'v'; 100_000]);
    }
    assert_eq!(visits(&store, VisitBudget { bytes: 21, ..AMPLE }), [5], "only keys are copied");
    assert_eq!(visits(&store, VisitBudget { shared_bytes: 200_000, ..AMPLE }), [2, 2, 1]);
    let mut shared = 0;
    let mut count = |entry: kv_core::ImageEntry<'_>| {
        shared += usize::from(matches!(entry.value, ImageValue::Shared(_)));
    };
    store.visit(0, &mut ShardCursor::default(), AMPLE, &mut count);
    assert_eq!(shared, 5);
}

#[test]
fn compressed_values_are_shown_as_they_were_and_large_ones_as_they_are_kept() {
    let store = engine();
    store.set_compression(Some(64)).unwrap();
    let value = |key: u32, len| vec![b'a' + u8::try_from(key).unwrap(); len];
    for key in 0..5 {
        set(&store, key, &value(key, 1000));
        set(&store, 5 + key, &value(5 + key, 100_000));
    }
    assert_eq!(store.stats().compressed_values, 10);
    let (mut cursor, mut found) = (ShardCursor::default(), std::collections::BTreeMap::new());
    store.visit(0, &mut cursor, AMPLE, &mut |entry: kv_core::ImageEntry<'_>| {
        let key = u32::from_le_bytes(entry.key.try_into().unwrap());
        let is_lazy = matches!(entry.value, ImageValue::Shared(value) if value.is_compressed());
        assert_eq!(is_lazy, entry.value.len() == 100_000, "{key}");
        assert!(!entry.value.is_empty());
        found.insert(key, entry.value.to_value().into_bytes());
    });
    assert_eq!(found.len(), 10);
    for (key, found) in found {
        assert_eq!(found, value(key, if key < 5 { 1000 } else { 100_000 }), "{key}");
    }
    // Twice the bytes that are decompressed count, and of the others those that are kept.
    let store = engine();
    store.set_compression(Some(64)).unwrap();
    (0..8).for_each(|key| set(&store, key, &value(key, 1000)));
    let visited = visits(&store, VisitBudget { bytes: 4000, ..AMPLE });
    assert_eq!(visited, [2, 2, 2, 2]);
    (0..8).for_each(|key| set(&store, key, &value(key, 100_000)));
    let kept = store.stats().payload_bytes / 8 - 4;
    let budget = VisitBudget { shared_bytes: usize::try_from(kept * 4).unwrap(), ..AMPLE };
    assert_eq!(visits(&store, budget), [4, 4]);
}

#[test]
fn what_was_replayed_can_be_discarded_and_replayed_anew() {
    let store = engine();
    let put = |version: u64, key: &'static [u8]| {
        let change = Change::Put { value: b"value", expiry: None };
        Effect { shard: 0, version: Version::new(version), key, change }
    };
    store.replay(&[put(u64::MAX / 2, b"damaged"), put(7, b"also gone")]);
    store.discard();
    store.verify();
    assert_eq!(store.keys(), 0);
    store.replay(&[put(5, b"kept")]);
    store.finish_replay();
    store.verify();
    assert_eq!(store.keys(), 1);
    let reply = store.execute(&Op::new(b"kept", Action::Get)).unwrap();
    assert_eq!(reply.version, Version::new(5));
}

/// Growing would copy the tables, and take memory that is not needed.
#[test]
fn no_table_grows_when_the_number_of_keys_was_said_before() {
    const KEYS: u32 = 16_000;
    const ENTRY_BYTES: u64 = 32;
    let config = EngineConfig { shards: 16, ..EngineConfig::default() };
    let store = ShardedStore::new(config, NullJournal, ManualClock::default()).unwrap();
    store.reserve(KEYS.into());
    let table_bytes = |store: &Engine| store.stats().memory_used_bytes - store.keys() * ENTRY_BYTES;
    let empty = table_bytes(&store);
    let mut with_room = None;
    for key in 0..KEYS {
        let (key, change) = (key.to_le_bytes(), Change::Put { value: b"8 bytes.", expiry: None });
        store.replay(&[Effect { shard: 0, version: Version::new(1), key: &key, change }]);
        if store.stats().shard_keys_min > 0 {
            let before = *with_room.get_or_insert_with(|| table_bytes(&store));
            assert_eq!(table_bytes(&store), before, "after {} keys", store.keys());
        }
    }
    store.verify();
    let room = with_room.unwrap() - empty;
    let needed = u64::from(KEYS) * 20;
    assert!(room < needed * 2, "{room} bytes for the slots of {KEYS} keys, which need {needed}");
}

/// A key that was deleted before a snapshot, and whose delete the log has let go: KV-I4.
#[test]
fn versions_go_on_above_those_of_deleted_keys() {
    let store = engine();
    set(&store, 1, b"value");
    let delete = Action::Delete { return_previous: false };
    let deleted = store.execute(&Op::new(&1_u32.to_le_bytes(), delete)).unwrap().version;
    assert_eq!(store.last_version(), deleted);

    // The clock stands still, as one that was set back would.
    let recovered = engine();
    recovered.raise_version(store.last_version());
    recovered.finish_replay();
    set(&recovered, 1, b"value");
    let reply = recovered.execute(&Op::new(&1_u32.to_le_bytes(), Action::Get)).unwrap();
    assert!(reply.version > deleted);
}

#[test]
fn what_was_expected_of_a_snapshot_is_not_expected_of_the_log_behind_it() {
    let store = engine();
    let put = |version: u64| {
        let (key, change) = (version.to_be_bytes(), Change::Put { value: b"v", expiry: None });
        let version = Version::new(version);
        store.replay(&[Effect { shard: 0, version, key: &key, change }]);
    };
    store.reserve(1_000_000);
    put(1);
    let expected = store.stats().table_bytes;
    store.reserve(0);
    let version = Version::new(2);
    store.replay(&[Effect { shard: 0, version, key: &[], change: Change::Clear }]);
    put(3);
    assert!(store.stats().table_bytes * 100 < expected, "room for keys that have gone");
}

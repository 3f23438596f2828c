//! Expired keys leave memory on time, in bounded steps, and leave nothing behind.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::sync::Arc;

use kv_core::testing::{ManualClock, MemoryJournal, OwnedChange};
use kv_core::{
    Action, Deadline, DeleteCause, EngineConfig, ExpireRule, ExpiryChange, Journal, Op, SetExpiry,
    ShardedStore, Store, TtlManager,
};

type Engine<J> = Arc<ShardedStore<J, Arc<ManualClock>>>;

fn engine<J: Journal>(
    journal: J,
) -> (Engine<J>, Arc<ManualClock>, TtlManager<J, Arc<ManualClock>>) {
    engine_of(16, journal)
}

fn engine_of<J: Journal>(
    shards: usize,
    journal: J,
) -> (Engine<J>, Arc<ManualClock>, TtlManager<J, Arc<ManualClock>>) {
    let clock = Arc::new(ManualClock::default());
    let config = EngineConfig { shards, ..EngineConfig::default() };
    let store = Arc::new(ShardedStore::new(config, journal, Arc::clone(&clock)).unwrap());
    (Arc::clone(&store), clock, TtlManager::new(store))
}

fn set(store: &impl Store, key: u64, ttl_ms: Option<i64>) {
    let expiry = match ttl_ms {
        Some(ttl_ms) => SetExpiry::Deadline(Deadline::after(ttl_ms).unwrap()),
        None => SetExpiry::Never,
    };
    let action = Action::Set { value: b"value", expiry, return_previous: false };
    store.execute(&Op::new(&key.to_le_bytes(), action)).unwrap();
}

#[test]
fn keys_leave_within_one_period_and_two_ticks() {
    const PERIOD_MS: u64 = 20;
    let (store, clock, mut ttl) = engine(kv_core::NullJournal);
    for key in 0..50_000 {
        set(&*store, key, (key % 2 == 0).then_some(1 + (key.cast_signed() * 7919) % 3_000));
    }
    for _ in 0..3_100 / PERIOD_MS {
        clock.advance_ms(PERIOD_MS);
        ttl.tick();
    }
    let stats = store.stats();
    assert_eq!((stats.keys, stats.volatile_keys, stats.expired_keys), (25_000, 0, 25_000));
    assert!(stats.expiry_lag_ms.max <= PERIOD_MS + 32, "{:?}", stats.expiry_lag_ms);
    store.verify();
    let ago = store.activity().expired_ago.unwrap();
    assert!(ago.as_millis() < 1000, "the last ones were due at 3 s: {ago:?}");
    clock.advance_ms(10);
    assert_eq!(ttl.tick().shards_visited, 0, "nothing is left to look at");
    assert_eq!(store.activity().expired_ago.unwrap(), ago + std::time::Duration::from_millis(10));
}

/// Items that were on their way when the wheel was rebuilt went back to places that nobody had accounted for.
#[test]
fn what_goes_back_into_the_wheel_is_accounted_for() {
    const KEYS: u64 = 512;
    // Within a second, which the wheel's finest slots span, so that nothing is moved before it is due.
    for due_first in 380..500 {
        let (store, clock, mut ttl) = engine_of(1, kv_core::NullJournal);
        for key in 0..KEYS {
            set(&*store, key, Some(if key < due_first { 200 } else { 800 }));
        }
        // All but the last, which comes up before them.
        for key in due_first..KEYS - 1 {
            let later = Deadline::after(3_600_000).unwrap();
            let change = ExpiryChange::Set(later, ExpireRule::Always);
            store.execute(&Op::new(&key.to_le_bytes(), Action::Expire(change))).unwrap();
        }
        for _ in 0..2 {
            clock.advance_ms(500);
            ttl.tick();
            store.verify();
        }
        assert_eq!(store.stats().keys, KEYS - due_first - 1);
    }
}

#[test]
fn prolonged_keys_stay_and_shortened_keys_go() {
    let (store, clock, mut ttl) = engine(kv_core::NullJournal);
    let expire = |key: u64, ttl_ms| {
        let change = ExpiryChange::Set(Deadline::after(ttl_ms).unwrap(), ExpireRule::Always);
        store.execute(&Op::new(&key.to_le_bytes(), Action::Expire(change))).unwrap();
    };
    for key in 0..3000 {
        set(&*store, key, Some(1000));
        match key % 3 {
            0 => expire(key, 100_000),
            1 => expire(key, 100),
            _ => {}
        }
    }
    for (after_ms, keys) in [(200, 2000), (1000, 1000), (98_000, 1000), (2000, 0)] {
        clock.advance_ms(after_ms);
        ttl.tick();
        assert_eq!(store.stats().keys, keys, "{after_ms} ms later");
    }
}

#[test]
fn a_key_rewritten_with_other_ttls_over_and_over_does_not_fill_the_index() {
    let (store, clock, mut ttl) = engine(kv_core::NullJournal);
    set(&*store, 1, Some(1000));
    let at_first = store.stats().memory_used_bytes;
    for round in 0..100_000 {
        // Down and up again: each way down files a new item.
        set(&*store, 1, Some(if round % 2 == 0 { 3_600_000 } else { 1_800_000 }));
    }
    let grown = store.stats().memory_used_bytes - at_first;
    assert!(grown < 4096, "the index grew by {grown} bytes");
    clock.advance_ms(1_800_100);
    ttl.tick();
    assert_eq!(store.stats().keys, 0);
}

#[test]
fn expiries_reach_the_journal_as_deletes() {
    let journal = Arc::new(MemoryJournal::default());
    let (store, clock, mut ttl) = engine(Arc::clone(&journal));
    set(&*store, 1, Some(10));
    set(&*store, 2, Some(10));
    clock.advance_ms(10);
    store.execute(&Op::new(&1_u64.to_le_bytes(), Action::Get)).unwrap();
    clock.advance_ms(32);
    ttl.tick();
    let expired = OwnedChange::Delete(DeleteCause::Expired);
    let records = journal.records();
    let keys: Vec<_> = records
        .iter()
        .flatten()
        .filter(|effect| effect.change == expired)
        .map(|effect| effect.key.clone())
        .collect();
    assert_eq!(keys, [1_u64.to_le_bytes().to_vec(), 2_u64.to_le_bytes().to_vec()]);
}

#[test]
fn keys_expire_even_when_the_journal_takes_no_writes() {
    let journal = Arc::new(MemoryJournal::default());
    let (store, clock, mut ttl) = engine(Arc::clone(&journal));
    set(&*store, 1, Some(10));
    set(&*store, 2, None);
    journal.refuse(true);
    clock.advance_ms(50);
    ttl.tick();
    assert_eq!(store.stats().keys, 1);
}

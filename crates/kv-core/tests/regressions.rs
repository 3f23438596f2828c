//! Bugs that were found once, each with the behaviour it broke.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};

use kv_core::eviction::PolicyKind;
use kv_core::testing::{ManualClock, ManualJournal, MemoryJournal};
use kv_core::{
    Action, Change, Condition, Deadline, Durability, Effect, EngineConfig, ErrorKind, ExpireRule,
    ExpiryChange, Journal, JournalError, Lsn, NullJournal, Op, Payload, Progress, Record,
    ReplayTarget, ScanSpec, SetExpiry, ShardedStore, Store, StoreError, Transfer, TtlManager,
    UnixMillis, Version,
};

type Engine = Arc<ShardedStore<NullJournal, Arc<ManualClock>>>;

fn engine(shards: usize, memory_limit: u64, policy: PolicyKind) -> (Engine, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let config =
        EngineConfig { shards, memory_limit, eviction_policy: policy, ..EngineConfig::default() };
    let store = ShardedStore::new(config, NullJournal, Arc::clone(&clock)).unwrap();
    (Arc::new(store), clock)
}

fn set(value: &[u8]) -> Action<'_> {
    Action::Set { value, expiry: SetExpiry::Never, return_previous: false }
}

fn set_for(value: &[u8], ttl_ms: i64) -> Action<'_> {
    let deadline = Deadline::after(ttl_ms).unwrap();
    Action::Set { value, expiry: SetExpiry::Deadline(deadline), return_previous: false }
}

fn keys(range: std::ops::Range<u32>) -> Vec<[u8; 4]> {
    range.map(u32::to_le_bytes).collect()
}

/// The first change of an atomic batch gave back what was reserved for the rest.
#[test]
fn an_atomic_batch_stays_within_what_was_reserved_for_it() {
    for shards in [1, 4] {
        let limit = 256 << 10;
        let (store, _) = engine(shards, limit, PolicyKind::Lru);
        let value = vec![b'v'; 1000];
        for batch in 0..40 {
            let keys = keys(batch * 30..(batch + 1) * 30);
            let ops: Vec<_> = keys.iter().map(|key| Op::new(key, set(&value))).collect();
            store.execute_atomic(&ops).unwrap();
            let used = store.stats().memory_used_bytes;
            assert!(used <= store.memory_reserved() && store.memory_reserved() <= limit);
        }
        store.verify();
    }
}

/// All operations of one shard in a batch shared 64 attempts at making room.
#[test]
fn a_long_batch_in_a_full_store_finds_room_for_every_operation() {
    let (store, _) = engine(1, 1 << 20, PolicyKind::Lru);
    let value = vec![b'v'; 1000];
    for key in keys(0..3000) {
        store.execute(&Op::new(&key, set(&value))).unwrap();
    }
    let keys = keys(10_000..10_500);
    let ops: Vec<_> = keys.iter().map(|key| Op::new(key, set(&value))).collect();
    let mut results = Vec::new();
    store.execute_batch(&ops, &mut results).unwrap();
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 0);
}

/// A full table asked for a larger one, and half the keys were evicted for it.
#[test]
fn one_insert_evicts_about_one_key_of_its_size() {
    for (shards, limit) in [(1, 4 << 20), (16, 8 << 20)] {
        let (store, _) = engine(shards, limit, PolicyKind::Lru);
        let (mut evicted, mut most) = (0, 0);
        for (number, key) in keys(0..150_000).iter().enumerate() {
            store.execute(&Op::new(key, set(&[0; 64]))).unwrap();
            let now = store.stats().evicted_keys;
            if number > 75_000 {
                most = most.max(now - evicted);
            }
            evicted = now;
        }
        assert!(evicted > 0 && most <= 4, "one insert evicted {most} keys");
    }
}

/// Making room evicted the very key that the operation was about.
#[test]
fn the_key_of_an_operation_is_not_evicted_for_it() {
    let (store, _) = engine(1, 1 << 20, PolicyKind::Lru);
    let value = vec![b'a'; 600 << 10];
    store.execute(&Op::new(b"log", set(&value))).unwrap();
    let append = Action::Append { suffix: &value[..500 << 10] };
    let refused = store.execute(&Op::new(b"log", append)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Exhausted);
    let length = store.execute(&Op::new(b"log", Action::Exists)).unwrap().payload;
    assert_eq!(length, Payload::Length(600 << 10));

    // With room to be made from others, the append succeeds whole.
    for key in keys(0..300) {
        store.execute(&Op::new(&key, set(&[0; 1000]))).unwrap();
    }
    let append = Action::Append { suffix: &value[..200 << 10] };
    for _ in 0..2 {
        let op = [Op::new(b"log", append)];
        let length = match store.execute_atomic(&op) {
            Ok(replies) => replies.into_iter().next().unwrap().payload,
            Err(_) => store.execute(&Op::new(b"log", Action::Exists)).unwrap().payload,
        };
        let expected = [Payload::Length(800 << 10), Payload::Length(1000 << 10)];
        assert!(expected.contains(&length), "{length:?}");
    }
}

/// A write that could never fit emptied the store before it was refused.
#[test]
fn a_hopeless_write_evicts_nothing() {
    let (store, _) = engine(16, 1 << 20, PolicyKind::Lru);
    for key in keys(0..2000) {
        store.execute(&Op::new(&key, set_for(&[0; 100], 100_000))).unwrap();
    }
    for len in [(1 << 20) - 30_000, 1 << 20, 4 << 20] {
        let before = store.stats().keys;
        let done = store.execute(&Op::new(b"big", set(&vec![0; len])));
        assert!(done.is_ok() || store.stats().keys == before, "{len} bytes: {done:?}");
    }
}

/// The ttl policy evicted the key without expiry of two that share a fingerprint.
#[test]
fn the_ttl_policy_keeps_keys_without_expiry() {
    // With so many keys in one shard, some pairs share 32 bits of their hash.
    let (store, _) = engine(1, 48 << 20, PolicyKind::Ttl);
    let persistent = keys(0..120_000);
    for key in &persistent {
        store.execute(&Op::new(key, set(b""))).unwrap();
    }
    for key in keys(1_000_000..1_120_000) {
        store.execute(&Op::new(&key, set_for(b"", 100_000))).unwrap();
    }
    let large = vec![0; 100_000];
    for key in keys(2_000_000..2_000_600) {
        let done = store.execute(&Op::new(&key, set_for(&large, 900_000)));
        assert!(done.is_ok(), "{done:?}");
    }
    assert!(store.stats().evicted_keys > 10_000, "{:?}", store.stats());
    for key in &persistent {
        assert!(store.execute(&Op::new(key, Action::Exists)).unwrap().applied);
    }
}

/// The ttl policy named the key of the operation again and again when that was the one to expire soonest.
#[test]
fn the_ttl_policy_finds_another_key_than_the_one_in_use() {
    let (store, _) = engine(1, 1 << 20, PolicyKind::Ttl);
    store.execute(&Op::new(b"log", set_for(&[0; 100], 10_000))).unwrap();
    for key in keys(0..50) {
        store.execute(&Op::new(&key, set_for(&[0; 10_000], 20_000))).unwrap();
    }
    let suffix = vec![b'a'; 100 << 10];
    for round in 1..=8 {
        let done = store.execute(&Op::new(b"log", Action::Append { suffix: &suffix }));
        let length = 100 + round * (100 << 10);
        assert_eq!(done.unwrap().payload, Payload::Length(length), "the others make room");
    }
    assert!(store.stats().evicted_keys > 10, "{:?}", store.stats());
}

/// Atomic batches counted reads of failed batches, and misjudged hits on what they had written.
#[test]
fn atomic_batches_are_counted_like_their_operations() {
    let (store, _) = engine(1, 0, PolicyKind::Lru);
    let ops = [
        Op::new(b"a", set(b"1")),
        Op::new(b"a", Action::Get),
        Op::new(b"a", set(b"2")),
        Op::new(b"a", Action::Delete { return_previous: false }),
        Op::new(b"a", Action::Get),
    ];
    store.execute_atomic(&ops).unwrap();
    let unmet = Op { key: b"a", condition: Condition::IfPresent, action: Action::Get };
    store.execute_atomic(&[Op::new(b"a", Action::Get), unmet]).unwrap_err();
    let stats = store.stats();
    assert_eq!((stats.hits, stats.misses, stats.writes), (1, 1, 3));
}

/// A key that was deleted before a snapshot got versions again that it had before.
#[test]
fn versions_grow_across_recovery_even_when_the_clock_went_back() {
    let clock = Arc::new(ManualClock::default());
    let journal = Arc::new(MemoryJournal::default());
    let config = EngineConfig { shards: 4, seed: 1, ..EngineConfig::default() };
    let store = ShardedStore::new(config, Arc::clone(&journal), Arc::clone(&clock)).unwrap();
    for _ in 0..10 {
        store.execute(&Op::new(b"k", set(b"v"))).unwrap();
    }
    let delete = Action::Delete { return_previous: false };
    let deleted = store.execute(&Op::new(b"k", delete)).unwrap().version;
    for key in keys(0..100) {
        for _ in 0..20 {
            store.execute(&Op::new(&key, set(b"v"))).unwrap();
        }
    }
    let records = journal.records();
    clock.set(UnixMillis::new(1_600_000_000_000));
    for seed in 2..20 {
        let config = EngineConfig { shards: 1024, seed, ..EngineConfig::default() };
        let recovered = ShardedStore::new(config, NullJournal, Arc::clone(&clock)).unwrap();
        for effect in records.iter().flatten().filter(|effect| effect.key != b"k") {
            recovered.replay(&[effect.as_effect()]);
        }
        recovered.finish_replay();
        let version = recovered.execute(&Op::new(b"k", set(b"v"))).unwrap().version;
        assert!(version > deleted && deleted > Version::NONE, "{version} after {deleted}");
    }
}

/// A policy that looked for a victim, and found only the key in use, had let go of memory, which stayed in the account.
#[test]
fn the_account_is_right_after_a_search_for_victims_that_found_none() {
    let mut refused = 0;
    for policy in [PolicyKind::S3Fifo, PolicyKind::TinyLfu] {
        // From no room for the larger value beside the table to enough of it.
        for limit in (10_000..12_000).step_by(32) {
            let (store, _) = engine(1, limit, policy);
            for key in [b"key", b"one"] {
                store.execute(&Op::new(key, set(b"value"))).unwrap();
            }
            // It leaves a queue that has more in hand than the key needs.
            let delete = Action::Delete { return_previous: false };
            store.execute(&Op::new(b"one", delete)).unwrap();
            for _ in 0..3 {
                store.execute(&Op::new(b"key", Action::Get)).unwrap();
            }
            let larger = store.execute(&Op::new(b"key", set(&[b'v'; 10_000])));
            refused += u32::from(larger.is_err());
            store.verify();
        }
    }
    assert!((1..120).contains(&refused), "{refused} were refused");
}

/// Versions outgrow the bits that a packed block has for them: blocks get longer, and the limit still holds.
#[test]
fn versions_go_on_and_the_limit_holds_where_blocks_can_no_longer_be_packed() {
    let edge = 1_700_000_000_000_000 + (1 << 49);
    let limit = 12 << 10;
    for before in [1, 2, 7, 150] {
        let (store, _) = engine(1, limit, PolicyKind::Lru);
        let change = Change::Put { value: b"v", expiry: None };
        let version = Version::new(edge - before);
        store.replay(&[Effect { shard: 0, version, key: b"first", change }]);
        store.finish_replay();
        let mut last = version;
        for round in 0..200_u32 {
            let key = (round % 100).to_le_bytes();
            let set = set_for(&[b'v'; 76], i64::from(round) + 1000);
            let expire = ExpiryChange::Set(Deadline::after(500).unwrap(), ExpireRule::Always);
            for action in [set, Action::Expire(expire)] {
                let reply = store.execute(&Op::new(&key, action)).unwrap();
                assert!(reply.version > last, "{} after {last}", reply.version);
                last = reply.version;
                let (used, reserved) = (store.stats().memory_used_bytes, store.memory_reserved());
                assert!(used <= reserved && reserved <= limit, "{used} {reserved} {limit}");
            }
            let read = store.execute(&Op::new(&key, Action::Get)).unwrap();
            assert_eq!((read.version, read.ttl_ms), (last, Some(500)));
            store.verify();
        }
        assert!(last.get() > edge && store.stats().evicted_keys > 0);
    }
}

/// Everything together, under limits small enough to be felt all the time.
#[test]
fn accounts_hold_under_any_mixture() {
    for seed in 0..60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let shards = [1, 2, 16][random.usize(0..3)];
        let limit = [64 << 10, 256 << 10, 1 << 20][random.usize(0..3)];
        let policy = PolicyKind::ALL[random.usize(0..PolicyKind::ALL.len())];
        let (store, clock) = engine(shards, limit, policy);
        let mut ttl = TtlManager::new(Arc::clone(&store));
        for _ in 0..300 {
            mixed_step(&store, &clock, &mut ttl, &mut random);
            let (used, reserved) = (store.stats().memory_used_bytes, store.memory_reserved());
            assert!(
                used <= reserved && reserved <= limit,
                "seed {seed}: {used} {reserved} {limit}"
            );
        }
        store.verify();
    }
}

fn mixed_step(
    store: &Engine,
    clock: &ManualClock,
    ttl: &mut TtlManager<NullJournal, Arc<ManualClock>>,
    random: &mut fastrand::Rng,
) {
    let values = vec![b'1'; 20_000];
    let count = random.usize(1..40);
    let keys: Vec<[u8; 2]> = (0..count).map(|_| random.u16(0..500).to_le_bytes()).collect();
    let ops: Vec<Op<'_>> = keys
        .iter()
        .map(|key| {
            let most = if random.u8(0..60) == 0 { 20_000 } else { 300 };
            let value = &values[..random.usize(0..most)];
            let ttl_ms = 1 << random.u32(0..24);
            let deadline = Deadline::after(ttl_ms).unwrap();
            Op::new(
                key,
                match random.u8(0..11) {
                    0..=3 => set(value),
                    4..=5 => set_for(value, ttl_ms),
                    6 => Action::Delete { return_previous: false },
                    7 => Action::Append { suffix: &value[..value.len() / 8] },
                    10 => Action::SetRange { offset: random.u64(0..400), bytes: value },
                    8 => Action::Expire(ExpiryChange::Set(deadline, ExpireRule::Always)),
                    _ => Action::Get,
                },
            )
        })
        .collect();
    match random.u8(0..14) {
        0..=1 => drop(store.execute_atomic(&ops)),
        2..=4 => store.execute_batch(&ops, &mut Vec::new()).unwrap(),
        5 => drop(ttl.tick()),
        6 => clock.advance_ms(1 << random.u32(0..16)),
        7 if random.bool() => {
            let back = 1 << random.u32(0..14);
            clock.set(UnixMillis::new(kv_core::Clock::now(clock).get() - back));
        }
        8 if random.u8(0..20) == 0 => drop(store.flush()),
        9 => store.execute_in_order(&ops, &mut Vec::new()).unwrap(),
        10 => {
            for pair in keys.windows(2) {
                let (keep_source, replace) = (random.bool(), random.bool());
                let transfer = Transfer { from: &pair[0], to: &pair[1], keep_source, replace };
                drop(store.transfer(&transfer));
            }
        }
        _ => ops.iter().for_each(|op| drop(store.execute(op))),
    }
}

/// A store with a limit of 1 MiB that a replay filled with four times as much.
fn overfull<J: Journal>(journal: J) -> ShardedStore<J, Arc<ManualClock>> {
    let config = EngineConfig {
        shards: 4,
        memory_limit: 1 << 20,
        eviction_policy: PolicyKind::Lru,
        ..EngineConfig::default()
    };
    let store = ShardedStore::new(config, journal, Arc::new(ManualClock::default())).unwrap();
    let value = vec![b'v'; 1000];
    for index in 0..4500_u64 {
        let change = Change::Put { value: &value, expiry: None };
        let (version, key) = (Version::new(index + 1), index.to_be_bytes());
        store.replay(&[Effect { shard: 0, version, key: &key, change }]);
    }
    store.finish_replay();
    assert!(store.stats().memory_used_bytes > 4 << 20);
    store
}

#[test]
fn a_store_loaded_beyond_its_limit_is_evicted_down_to_it_and_no_further() {
    let store = overfull(NullJournal);
    assert!(store.evict_to_limit());
    let used = store.stats().memory_used_bytes;
    assert!((900 << 10..=1 << 20).contains(&used), "{used}");
    store.verify();
}

/// Holds ten records, and writes them when somebody waits.
#[derive(Debug, Default)]
struct NarrowJournal(AtomicU64);

impl Progress for NarrowJournal {
    fn reached(&self, _level: Durability) -> Lsn {
        Lsn::ZERO
    }

    fn poll_reached(
        &self,
        _lsn: Lsn,
        _level: Durability,
        _waker: &Waker,
    ) -> Poll<Result<(), JournalError>> {
        self.0.store(0, Ordering::SeqCst);
        Poll::Ready(Ok(()))
    }

    fn durability_max(&self) -> Durability {
        Durability::Fsync
    }

    fn health(&self) -> Result<(), JournalError> {
        Ok(())
    }

    fn is_congested(&self) -> bool {
        false
    }
}

impl Journal for NarrowJournal {
    fn append(&self, _record: &Record<'_>) -> Result<Lsn, JournalError> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            waiting @ 0..10 => Ok(Lsn::new(waiting + 1)),
            waiting => Err(JournalError::Overloaded { waiting, max: 10 }),
        }
    }

    fn position(&self) -> Lsn {
        Lsn::new(10)
    }
}

#[test]
fn evicting_down_to_the_limit_waits_for_a_journal_that_is_behind() {
    let store = overfull(NarrowJournal::default());
    assert!(store.evict_to_limit());
    assert!(store.stats().memory_used_bytes <= 1 << 20);
}

#[test]
fn a_store_that_could_not_be_evicted_comes_down_to_its_limit_write_by_write() {
    let journal = Arc::new(ManualJournal::default());
    let store = overfull(Arc::clone(&journal));
    let down = JournalError::Unavailable { reason: "a test says so".to_owned() };
    journal.refuse(Some(down.clone()));
    assert!(!store.evict_to_limit());
    let write = Op::new(b"k", set(b"v"));
    assert_eq!(store.execute(&write), Err(StoreError::Journal(down)));
    journal.refuse(None);
    let mut before = store.stats().keys;
    for key in keys(0..400) {
        store.execute(&Op::new(&key, set(&[b'w'; 1000]))).unwrap();
        let keys = store.stats().keys;
        assert!(before < keys + 40, "no write has to make room for all");
        before = keys;
    }
    assert!(store.stats().memory_used_bytes <= 1 << 20);
    store.verify();
}

/// One shard, and a journal that makes nothing safe by itself.
fn unsynced_engine() -> (impl Store, Arc<ManualJournal>, Arc<ManualClock>) {
    let journal = Arc::new(ManualJournal::default());
    let config = EngineConfig { shards: 1, ..EngineConfig::default() };
    let clock = Arc::new(ManualClock::default());
    let store = ShardedStore::new(config, Arc::clone(&journal), Arc::clone(&clock)).unwrap();
    (store, journal, clock)
}

const WHOLE: ScanSpec<'_> = ScanSpec { prefix: b"", page_keys: 0, page_bytes: 0, values: true };

#[test]
fn a_page_rests_on_the_deletes_it_shows() {
    let (store, journal, _) = unsynced_engine();
    store.execute(&Op::new(b"k", set(b"v"))).unwrap();
    journal.advance(Durability::Fsync);
    let gone = store.execute(&Op::new(b"k", Action::Delete { return_previous: false })).unwrap();
    assert!(gone.lsn > journal.reached(Durability::Fsync));
    let get = store.execute(&Op::new(b"k", Action::Get)).unwrap();
    assert_eq!(get.lsn, gone.lsn, "a get says that it rests on the delete");
    let page = store.scan(&WHOLE, None).unwrap();
    assert!(page.entries.is_empty());
    assert_eq!(page.lsn, gone.lsn, "so does a scan");
    journal.advance(Durability::Fsync);
    assert_eq!(store.scan(&WHOLE, None).unwrap().lsn, Lsn::ZERO);
}

#[test]
fn that_a_key_has_expired_rests_on_the_write_that_gave_it_its_expiry() {
    let (store, journal, clock) = unsynced_engine();
    let put = store.execute(&Op::new(b"k", set_for(b"v", 10))).unwrap();
    clock.advance_ms(20);
    let page = store.scan(&WHOLE, None).unwrap();
    assert!(page.entries.is_empty());
    assert_eq!(page.lsn, put.lsn, "a scan leaves it out, and removes nothing");
    // The delete is not journalled: the key is gone all the same.
    journal.refuse(Some(JournalError::Unavailable { reason: "a test says so".to_owned() }));
    for _ in 0..2 {
        let get = store.execute(&Op::new(b"k", Action::Get)).unwrap();
        assert_eq!((get.payload, get.lsn), (Payload::None, put.lsn));
    }
    assert_eq!(store.scan(&WHOLE, None).unwrap().lsn, put.lsn);
    journal.advance(Durability::Fsync);
    assert_eq!(store.execute(&Op::new(b"k", Action::Get)).unwrap().lsn, Lsn::ZERO);
    assert_eq!(store.scan(&WHOLE, None).unwrap().lsn, Lsn::ZERO);
}

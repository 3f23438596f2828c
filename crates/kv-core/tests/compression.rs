//! Values that are kept compressed: nobody sees a difference but in memory.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use kv_core::testing::ManualClock;
use kv_core::{
    Action, COMPRESS_MIN_BYTES_MIN, COMPRESSED_VALUE_BYTES_MAX, Change, Clock, ConfigError,
    Deadline, Effect, EngineConfig, ErrorKind, NullJournal, Op, Payload, ReplayTarget, ScanSpec,
    SetExpiry, ShardedStore, Store, Transfer, UnixMillis, Version,
};

type Engine<C = ManualClock> = ShardedStore<NullJournal, C>;

fn engine_on<C: Clock>(clock: C) -> Engine<C> {
    let compress_min_bytes = Some(100);
    let config = EngineConfig { shards: 4, compress_min_bytes, ..EngineConfig::default() };
    ShardedStore::new(config, NullJournal, clock).unwrap()
}

fn engine() -> Engine {
    engine_on(ManualClock::default())
}

fn put(value: &[u8], expiry: SetExpiry) -> Action<'_> {
    Action::Set { value, expiry, return_previous: false }
}

fn set(store: &impl Store, key: &[u8], value: &[u8]) {
    assert!(store.execute(&Op::new(key, put(value, SetExpiry::Never))).unwrap().applied);
}

fn payload(store: &impl Store, key: &[u8], action: Action<'_>) -> Payload {
    store.execute(&Op::new(key, action)).unwrap().payload
}

fn value(store: &impl Store, key: &[u8]) -> Option<Bytes> {
    store.execute(&Op::new(key, Action::Get)).unwrap().into_value()
}

fn compressed_values(store: &Engine) -> u64 {
    store.verify();
    store.stats().compressed_values
}

#[test]
fn every_way_to_set_compresses_and_a_change_of_a_part_does_not() {
    let long = [b'x'; 1000];
    let store = engine();
    let before = store.stats();
    set(&store, b"alone", &long);
    let one = store.stats();
    assert_eq!(one.compressed_values, 1);
    assert!(one.compression_saved_bytes > 900, "{one:?}");
    let taken = |stats: kv_core::StoreStats| stats.memory_used_bytes - stats.table_bytes;
    assert!(taken(one) - taken(before) < 100, "{one:?}");
    let info = store.inspect(b"alone").unwrap();
    assert_eq!((info.value_bytes, info.is_integer), (1000, false));
    assert!(info.memory_bytes < 100, "{info:?}");

    let ops = [Op::new(b"batched", put(&long, SetExpiry::Never))];
    let mut results = Vec::new();
    store.execute_batch(&ops, &mut results).unwrap();
    let ops = [Op::new(b"in order", put(&long, SetExpiry::Never))];
    store.execute_in_order(&ops, &mut results).unwrap();
    let ops = [b"atomic-1", b"atomic-2"].map(|key| Op::new(key, put(&long, SetExpiry::Never)));
    store.execute_atomic(&ops).unwrap();
    assert_eq!(compressed_values(&store), 5);
    let copy = Transfer { from: b"alone", to: b"copy", keep_source: true, replace: false };
    store.transfer(&copy).unwrap();
    let change = Change::Put { value: &long, expiry: Some(UnixMillis::new(u64::MAX >> 16)) };
    store.replay(&[Effect { shard: 0, version: Version::new(1), key: b"replayed", change }]);
    assert_eq!(compressed_values(&store), 7);

    for key in [&b"alone"[..], b"batched", b"in order", b"atomic-1", b"copy", b"replayed"] {
        assert_eq!(value(&store, key).unwrap(), long[..], "{key:?}");
    }
    // They change a part, and might do so again soon.
    payload(&store, b"alone", Action::Append { suffix: b"y" });
    payload(&store, b"copy", Action::SetRange { offset: 999, bytes: b"yy" });
    assert_eq!(compressed_values(&store), 5);
    let changed = [&long[..], b"y"].concat();
    assert_eq!(value(&store, b"alone").unwrap(), changed);
    assert_eq!(value(&store, b"copy").unwrap(), [&long[..999], b"yy"].concat());
    // In a batch, the last change of a key counts.
    let append = Op::new(b"atomic-1", Action::Append { suffix: b"y" });
    let [first, second] = ops;
    store.execute_atomic(&[first, append, second]).unwrap();
    assert_eq!(compressed_values(&store), 4);
    assert_eq!(value(&store, b"atomic-1").unwrap(), changed);
    store.flush().unwrap();
    assert_eq!(compressed_values(&store), 0);
}

#[test]
fn an_expiry_comes_and_goes_and_the_value_stays() {
    let store = engine();
    set(&store, b"key", &[b'x'; 300]);
    for expiry in [SetExpiry::Deadline(Deadline::after(10_000).unwrap()), SetExpiry::Keep] {
        let set = Op::new(b"key", put(&[b'y'; 300], expiry));
        assert_eq!(store.execute(&set).unwrap().ttl_ms, Some(10_000));
    }
    let persist = Action::Expire(kv_core::ExpiryChange::Persist);
    assert!(store.execute(&Op::new(b"key", persist)).unwrap().applied);
    assert_eq!(compressed_values(&store), 1);
    assert_eq!(value(&store, b"key").unwrap(), [b'y'; 300][..]);
}

#[test]
fn lengths_at_the_bounds_are_compressed_and_those_beyond_are_not() {
    let store = engine();
    let lens = [99, 100, COMPRESSED_VALUE_BYTES_MAX, COMPRESSED_VALUE_BYTES_MAX + 1];
    for (len, is_compressed) in lens.into_iter().zip([false, true, true, false]) {
        let long = vec![b'x'; len];
        set(&store, b"key", &long);
        assert_eq!(compressed_values(&store), u64::from(is_compressed), "{len}");
        assert_eq!(value(&store, b"key").unwrap(), long);
    }
}

#[test]
fn the_setting_changes_what_comes_and_not_what_is_there() {
    let store = engine();
    set(&store, b"1", &[b'x'; 200]);
    let refused = store.set_compression(Some(COMPRESS_MIN_BYTES_MIN - 1)).unwrap_err();
    assert_eq!(refused, ConfigError::CompressMin { given: COMPRESS_MIN_BYTES_MIN - 1 });
    assert!(refused.to_string().contains("engine.compress_min_bytes = 63"), "{refused}");
    assert_eq!(store.settings().compress_min_bytes, Some(100));
    store.set_compression(None).unwrap();
    assert_eq!(store.settings().compress_min_bytes, None);
    set(&store, b"2", &[b'x'; 200]);
    assert_eq!(compressed_values(&store), 1);
    store.set_compression(Some(COMPRESS_MIN_BYTES_MIN)).unwrap();
    set(&store, b"2", &[b'x'; COMPRESS_MIN_BYTES_MIN]);
    assert_eq!(compressed_values(&store), 2);
    let config = EngineConfig { compress_min_bytes: Some(63), ..EngineConfig::default() };
    let refused = ShardedStore::new(config, NullJournal, ManualClock::default()).unwrap_err();
    assert_eq!(refused, ConfigError::CompressMin { given: 63 });
}

/// However many there are, they take no more memory than in the store until somebody takes them.
#[test]
fn answers_carry_values_as_they_are_kept() {
    let store = engine();
    let long = vec![b'x'; 1 << 20];
    set(&store, b"key", &long);
    let gets = [Op::new(b"key", Action::Get), Op::new(b"key", Action::Get)];
    let mut results = Vec::new();
    store.execute_batch(&gets, &mut results).unwrap();
    store.execute_in_order(&gets, &mut results).unwrap();
    store.execute_in_order(&gets[..1], &mut results).unwrap();
    let mut replies: Vec<_> = results.into_iter().map(Result::unwrap).collect();
    replies.extend(store.execute_atomic(&gets).unwrap());
    replies.push(store.execute(&gets[0]).unwrap());
    let delete = Op::new(b"key", Action::Delete { return_previous: true });
    let spec = ScanSpec { prefix: b"", page_keys: 0, page_bytes: 0, values: true };
    let page = store.scan(&spec, None).unwrap();
    let scanned = page.entries.into_iter().map(|entry| Payload::Value(entry.value.unwrap()));
    let mut payloads: Vec<_> = replies.into_iter().map(|reply| reply.payload).collect();
    payloads.extend(scanned);
    payloads.push(store.execute(&delete).unwrap().payload);
    assert_eq!(payloads.len(), 10);
    for payload in payloads {
        let Payload::Value(value) = payload else { panic!("{payload:?}") };
        assert!(value.is_compressed());
        assert_eq!(value.slice(1..3).into_bytes(), b"xx"[..]);
        assert_eq!(value.into_bytes(), long);
    }
}

#[test]
fn numbers_are_not_looked_for_in_what_is_too_long_to_be_one() {
    let store = engine();
    set(&store, b"key", &[b'1'; 10_000]);
    for action in [
        Action::Increment { delta: 1 },
        Action::IncrementFloat { delta: kv_core::Extended::parse(b"1").unwrap() },
    ] {
        let refused = store.execute(&Op::new(b"key", action)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::State, "{refused}");
    }
    // Short enough to be a number of the other kind.
    let text = [&b"0."[..], &[b'0'; 150], b"1"].concat();
    set(&store, b"key", &text);
    assert_eq!(compressed_values(&store), 1);
    let one = Action::IncrementFloat { delta: kv_core::Extended::parse(b"1").unwrap() };
    assert_eq!(payload(&store, b"key", one), Payload::Value("1".into()));
}

/// Each look takes it ten milliseconds further.
#[derive(Debug)]
struct Hasty(AtomicU64);

impl Clock for Hasty {
    fn now(&self) -> UnixMillis {
        UnixMillis::new(1_800_000_000_000 + self.0.fetch_add(10, Ordering::Relaxed))
    }
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

/// To compress takes time: a short time to live begins when the value is there.
#[test]
fn the_time_goes_on_while_values_are_compressed() {
    let clock = Arc::new(Hasty(AtomicU64::new(0)));
    let store = engine_on(Arc::clone(&clock));
    let long = [b'x'; 1000];
    let looks = |value: &[u8]| {
        let expiry = SetExpiry::Deadline(Deadline::after(1000).unwrap());
        let before = clock.0.load(Ordering::Relaxed);
        let reply = store.execute(&Op::new(b"key", put(value, expiry))).unwrap();
        assert_eq!(reply.ttl_ms, Some(1000));
        let now = UnixMillis::new(1_800_000_000_000 + clock.0.load(Ordering::Relaxed) - 10);
        let ends = payload(&store, b"key", Action::Deadline);
        assert_eq!(ends, Payload::Deadline(UnixMillis::new(now.get() + 1000)), "from {before} on");
        let (two, mut results) = ([Op::new(b"key", put(value, expiry)); 2], Vec::new());
        store.execute_in_order(&two, &mut results).unwrap();
        (clock.0.load(Ordering::Relaxed) - before) / 10
    };
    assert_eq!(looks(b"short"), 3);
    assert_eq!(looks(&long), 6);
    assert_eq!(value(&store, b"key").unwrap(), long[..]);
}

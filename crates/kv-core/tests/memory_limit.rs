//! KV-I9: used memory never passes the limit, judged by the allocator itself.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test panics"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use kv_core::eviction::PolicyKind;
use kv_core::testing::ManualClock;
use kv_core::{
    Action, COMPRESS_MIN_BYTES_MIN, Deadline, EngineConfig, ErrorKind, NullJournal, Op, Reply,
    SetExpiry, ShardedStore, Store, Transfer, TtlManager,
};

/// Counts live heap bytes.
struct CountingAllocator;

static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);

fn count(bytes: usize, sign: i64) {
    LIVE_BYTES.fetch_add(sign * i64::try_from(bytes).unwrap_or(0), Ordering::SeqCst);
}

#[expect(unsafe_code, reason = "an allocator can be watched in no other way")]
// SAFETY: every call is passed on to the system allocator as it came.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const LIMIT: u64 = 4 << 20;

/// What threads hold besides the store: an entry prepared before its lock is taken, and freed ones on
/// their way out, for each of them.
const IN_FLIGHT_MAX: i64 = 256 << 10;

const WRITERS: u64 = 3;

/// What threads that compress need for it beside that: room for the longest form, and LZ4's table.
const COMPRESSING_MAX: i64 = 3 * (64 << 10);

/// Policies that find a victim whatever the keys are.
const EVICTING: [PolicyKind; 6] = [
    PolicyKind::Lru,
    PolicyKind::Lfu,
    PolicyKind::S3Fifo,
    PolicyKind::TinyLfu,
    PolicyKind::Fifo,
    PolicyKind::Random,
];

fn live_bytes() -> i64 {
    LIVE_BYTES.load(Ordering::SeqCst)
}

/// Hammers a small store from several threads, with sizes and TTLs all over, while another watches.
fn check(eviction_policy: PolicyKind, shards: usize, disturbed: bool, compresses: bool) {
    let clock = Arc::new(ManualClock::default());
    let before = live_bytes();
    let config = EngineConfig {
        shards,
        memory_limit: LIMIT,
        eviction_policy,
        compress_min_bytes: compresses.then_some(COMPRESS_MIN_BYTES_MIN),
        ..EngineConfig::default()
    };
    let in_flight_max = IN_FLIGHT_MAX + if compresses { COMPRESSING_MAX } else { 0 };
    let store = Arc::new(ShardedStore::new(config, NullJournal, Arc::clone(&clock)).unwrap());
    let stop = AtomicBool::new(false);
    // Writers look too: on busy processors the watcher may be asleep when it matters.
    let highest = AtomicI64::new(0);
    let look = || {
        highest.fetch_max(live_bytes() - before, Ordering::Relaxed);
        assert!(store.memory_reserved() <= LIMIT, "reserved past the limit");
    };
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut looks = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                look();
                looks += 1;
            }
            looks
        });
        scope.spawn(|| {
            let mut ttl = TtlManager::new(Arc::clone(&store));
            while !stop.load(Ordering::Relaxed) {
                ttl.tick();
            }
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|seed| {
                scope.spawn({
                    let (store, clock, look) = (&*store, &*clock, &look);
                    move || {
                        // Time goes by with the writes, not with the processor's mood: keys live long enough
                        // to fill the store.
                        let after_each = || {
                            clock.advance_ms(1);
                            look();
                        };
                        hammer(store, seed, disturbed, after_each)
                    }
                })
            })
            .collect();
        let refused: u64 = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
        stop.store(true, Ordering::Relaxed);
        let (looks, highest) = (watcher.join().unwrap(), highest.load(Ordering::Relaxed));
        let limit = i64::try_from(LIMIT).unwrap();
        assert!(looks > 100, "the watcher looked only {looks} times");
        assert!(highest <= limit + in_flight_max, "{eviction_policy}: {highest} bytes were live");
        assert!(highest > limit / 2, "{eviction_policy}: the limit was never near: {highest}");
        let stats = store.stats();
        let evicts = stats.evicted_keys > 0;
        let should_evict = eviction_policy != PolicyKind::None;
        assert!(disturbed || evicts == should_evict, "{eviction_policy}: {stats:?}");
        let may_refuse = matches!(eviction_policy, PolicyKind::None | PolicyKind::Ttl);
        let case = format!("{eviction_policy}, {shards} shards, disturbed: {disturbed}");
        assert!(refused == 0 || may_refuse, "{case}: {refused} writes were refused");
    });
    store.verify();
    store.flush().unwrap();
    store.verify();
}

/// What happens to all keys at once, or would take more than there is.
fn disturb(store: &impl Store, random: &mut fastrand::Rng) {
    match random.u8(0..3) {
        0 => drop(store.flush().unwrap()),
        1 => {
            store.set_eviction_policy(random.choice(EVICTING).unwrap());
        }
        _ => {
            let far = Action::SetRange { offset: 300 << 20, bytes: b"v" };
            let refused = store.execute(&Op::new(b"far", far)).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Exhausted, "{refused}");
        }
    }
}

/// Writes, reads and deletes at random, and disturbs it all now and then if told to; tells how many
/// writes were refused.
fn hammer(store: &impl Store, seed: u64, disturbed: bool, after_each: impl Fn()) -> u64 {
    let mut random = fastrand::Rng::with_seed(seed);
    // Half of any part of it cannot be compressed.
    let mut noise = fastrand::Rng::with_seed(!seed);
    let noise = std::iter::repeat_with(|| noise.u8(..));
    let buffer: Vec<u8> =
        noise.zip(0_u32..20_000).map(|(byte, at)| if at % 64 < 32 { byte } else { b'v' }).collect();
    let mut refused = 0;
    for _ in 0..12_000 {
        if disturbed && random.u16(0..1500) == 0 {
            disturb(store, &mut random);
        }
        let key = random.u32(0..20_000).to_le_bytes();
        let len = match random.u8(0..50) {
            0 => random.usize(0..20_000),
            _ => random.usize(0..700),
        };
        let expiry = if random.bool() {
            SetExpiry::Deadline(Deadline::after(random.i64(1..100_000)).unwrap())
        } else {
            SetExpiry::Never
        };
        let set =
            Op::new(&key, Action::Set { value: &buffer[..len], expiry, return_previous: false });
        let done = match random.u8(0..10) {
            0 => store.execute(&Op::new(&key, Action::Get)),
            1 => store.execute(&Op::new(&key, Action::Delete { return_previous: false })),
            2 if random.bool() => {
                let (offset, bytes) = (random.u64(0..700), &buffer[..len / 8]);
                store.execute(&Op::new(&key, Action::SetRange { offset, bytes }))
            }
            2 => store.execute(&Op::new(&key, Action::Append { suffix: &buffer[..len / 8] })),
            3 if random.bool() => {
                let (from, to) = (&key, &random.u32(0..20_000).to_le_bytes());
                let (keep_source, replace) = (random.bool(), random.bool());
                let done = store.transfer(&Transfer { from, to, keep_source, replace });
                done.map(|_| Reply::default())
            }
            3 => match store
                .execute_atomic(&[set, Op::new(b"shared", Action::Increment { delta: 1 })])
            {
                Ok(mut replies) => Ok(replies.remove(0)),
                Err(kv_core::BatchError::Whole(error)) => Err(error),
                Err(other) => panic!("{other}"),
            },
            _ => store.execute(&set),
        };
        if let Err(error) = done {
            assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
            refused += 1;
        }
        after_each();
    }
    refused
}

#[test]
fn the_limit_holds_at_every_moment_under_every_policy() {
    for policy in PolicyKind::ALL {
        for shards in [1, 16, 256] {
            check(policy, shards, false, false);
        }
    }
    // The keys flushed are freed after the locks are released: until then their bytes are no one else's. A
    // policy and the one that follows it exist together for a while. What could never fit is not made.
    for shards in [1, 16] {
        check(PolicyKind::Lru, shards, true, false);
    }
    // What is compressed is accounted for as it is kept.
    for policy in [PolicyKind::Lru, PolicyKind::None] {
        for (shards, disturbed) in [(1, false), (16, true)] {
            check(policy, shards, disturbed, true);
        }
    }
}

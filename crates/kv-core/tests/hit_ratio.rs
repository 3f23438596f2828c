//! Policies keep what is worth keeping: hit ratios under a Zipf load, beside an exact LRU.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![expect(clippy::print_stdout, reason = "figures say more than a failed comparison")]

use std::sync::Arc;

use kv_core::eviction::PolicyKind;
use kv_core::testing::ManualClock;
use kv_core::{Action, EngineConfig, NullJournal, Op, SetExpiry, ShardedStore, Store};
use lru::LruCache;

const KEYS: usize = 10_000;
const REQUESTS: u32 = 1_000_000;

/// Draws ranks with probability proportional to 1 / rank.
struct Zipf {
    cumulative: Vec<f64>,
    random: fastrand::Rng,
}

impl Zipf {
    fn new(seed: u64) -> Self {
        let mut sum = 0.0;
        let weights = (1..=KEYS).map(|rank| 1.0 / f64::from(u32::try_from(rank).unwrap()));
        let cumulative = weights
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        Self { cumulative, random: fastrand::Rng::with_seed(seed) }
    }

    fn next(&mut self) -> u64 {
        let point = self.random.f64() * self.cumulative.last().unwrap();
        self.cumulative.partition_point(|sum| *sum < point) as u64
    }
}

/// Percent of requests that hit, of a policy whose memory holds `cached` keys.
fn hit_ratio(eviction_policy: PolicyKind, shards: usize, cached: u64) -> f64 {
    let config =
        EngineConfig { shards, memory_limit: 0, eviction_policy, ..EngineConfig::default() };
    let clock = Arc::new(ManualClock::default());
    let probe = ShardedStore::new(config, NullJournal, Arc::clone(&clock)).unwrap();
    let value = [0; 2000];
    let set = |store: &ShardedStore<NullJournal, Arc<ManualClock>>, key: u64| {
        let action =
            Action::Set { value: &value, expiry: SetExpiry::Never, return_previous: false };
        store.execute(&Op::new(&key.to_le_bytes(), action)).unwrap();
    };
    for key in 0..cached {
        set(&probe, key);
    }
    let memory_limit = probe.stats().memory_used_bytes;
    let store =
        ShardedStore::new(EngineConfig { memory_limit, ..config }, NullJournal, clock).unwrap();
    let mut zipf = Zipf::new(1);
    let mut hits = 0_u32;
    for _ in 0..REQUESTS {
        let key = zipf.next();
        if store.execute(&Op::new(&key.to_le_bytes(), Action::Get)).unwrap().applied {
            hits += 1;
        } else {
            set(&store, key);
        }
    }
    f64::from(hits) * 100.0 / f64::from(REQUESTS)
}

fn exact_lru_hit_ratio(cached: usize) -> f64 {
    let mut cache = LruCache::new(cached.try_into().unwrap());
    let mut zipf = Zipf::new(1);
    let mut hits = 0_u32;
    for _ in 0..REQUESTS {
        let key = zipf.next();
        if cache.put(key, ()).is_some() {
            hits += 1;
        }
    }
    f64::from(hits) * 100.0 / f64::from(REQUESTS)
}

/// Hit ratios of the policies that look at use and of those that do not, with the least that is wanted of the
/// better ones.
fn check(shards: usize, cached: u64, wanted: f64) {
    let exact = exact_lru_hit_ratio(usize::try_from(cached).unwrap());
    println!("{cached} of {KEYS} keys in {shards} shards: exact lru {exact:.2}");
    let ratio = |kind| {
        let ratio = hit_ratio(kind, shards, cached);
        println!("    {kind} {ratio:.2}");
        ratio
    };
    let [lru, lfu, fifo, random] =
        [PolicyKind::Lru, PolicyKind::Lfu, PolicyKind::Fifo, PolicyKind::Random].map(ratio);
    assert!((exact - lru).abs() <= 1.0, "lru {lru:.2} against exact {exact:.2}");
    assert!(lfu > lru + 1.0, "a skewed load favours lfu: {lfu:.2} against {lru:.2}");
    assert!(fifo < lru && random < lru, "fifo {fifo:.2} and random {random:.2} ignore use");
    for kind in [PolicyKind::S3Fifo, PolicyKind::TinyLfu] {
        let ratio = ratio(kind);
        assert!(ratio >= wanted, "{kind} {ratio:.2}, wanted are {wanted}");
    }
}

#[test]
fn policies_rank_as_expected_with_a_hundredth_of_all_keys() {
    check(1, 100, 51.5);
}

#[test]
fn policies_rank_as_expected_with_a_tenth_of_all_keys() {
    check(1, 1000, 74.8);
}

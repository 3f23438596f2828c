//! The whole store as a cache: what is missed is written, and the memory limit evicts.

use std::sync::Arc;

use kv_core::eviction::PolicyKind;
use kv_core::testing::ManualClock;
use kv_core::{Action, EngineConfig, NullJournal, Op, SetExpiry, ShardedStore, Store};

/// Large beside what a policy keeps for a key, so that the limit is a number of keys.
const VALUE: [u8; 1000] = [b'v'; 1000];

/// Keys of a shard at least: more shards would differ by chance.
const SHARD_KEYS_MIN: usize = 1000;

const SHARDS_MAX: usize = 1024;

/// How often a limit is tried out and corrected.
const ADJUSTMENTS_MAX: usize = 3;

/// A store with room for some keys.
pub(crate) struct Cache {
    store: ShardedStore<NullJournal, Arc<ManualClock>>,
}

impl Cache {
    /// One whose limit holds `cached` keys, within one or two, together with what the policy needs.
    pub(crate) fn new(policy: PolicyKind, cached: usize) -> Self {
        let mut limit = Self::filled(policy, cached, 0, cached).used();
        let key_bytes = limit / cached as u64;
        // A table that grows, and what the policy allocates once it evicts, take the place of keys.
        for _ in 0..ADJUSTMENTS_MAX {
            let keys = Self::filled(policy, cached, limit, 2 * cached).keys();
            let missing = cached.saturating_sub(keys) as u64;
            let surplus = keys.saturating_sub(cached) as u64;
            if missing == surplus {
                break;
            }
            limit = limit + missing * key_bytes - surplus * key_bytes;
        }
        Self::with_limit(policy, cached, limit)
    }

    /// One that so many keys have been written to.
    fn filled(policy: PolicyKind, cached: usize, limit: u64, keys: usize) -> Self {
        let cache = Self::with_limit(policy, cached, limit);
        (0..keys).for_each(|key| cache.set(u32::try_from(key).unwrap()));
        cache
    }

    fn used(&self) -> u64 {
        self.store.stats().memory_used_bytes
    }

    fn with_limit(eviction_policy: PolicyKind, cached: usize, memory_limit: u64) -> Self {
        let shards = (cached / SHARD_KEYS_MIN).max(1).next_power_of_two().min(SHARDS_MAX);
        let config =
            EngineConfig { shards, memory_limit, eviction_policy, ..EngineConfig::default() };
        let clock = Arc::new(ManualClock::default());
        Self { store: ShardedStore::new(config, NullJournal, clock).unwrap() }
    }

    /// Keys that are there.
    pub(crate) fn keys(&self) -> usize {
        usize::try_from(self.store.stats().keys).unwrap()
    }

    /// Reads a key, and tells whether it was there.
    pub(crate) fn get(&self, key: u32) -> bool {
        self.store.execute(&Op::new(&key.to_le_bytes(), Action::Get)).unwrap().applied
    }

    /// Writes a key.
    pub(crate) fn set(&self, key: u32) {
        let action =
            Action::Set { value: &VALUE, expiry: SetExpiry::Never, return_previous: false };
        self.store.execute(&Op::new(&key.to_le_bytes(), action)).unwrap();
    }

    /// Requests that hit.
    pub(crate) fn hits(&self, keys: &[u32]) -> usize {
        let hit = |key: u32| {
            let hit = self.get(key);
            if !hit {
                self.set(key);
            }
            hit
        };
        keys.iter().filter(|key| hit(**key)).count()
    }
}

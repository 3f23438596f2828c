//! Settings that change while the store serves.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::config::{ConfigError, check_compress_min};
use super::shard::{Protected, Trash};
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::eviction::{EvictionPolicy, PolicyKind};
use crate::inspect::StoreSettings;
use crate::journal::Journal;

/// The policy in force. Read without a lock, under those of shards too.
#[derive(Debug)]
pub(super) struct PolicyCell(AtomicUsize);

impl PolicyCell {
    pub(super) fn new(kind: PolicyKind) -> Self {
        Self(AtomicUsize::new(index(kind)))
    }

    pub(super) fn get(&self) -> PolicyKind {
        PolicyKind::ALL.get(self.0.load(Ordering::Relaxed)).copied().unwrap_or_default()
    }

    fn set(&self, kind: PolicyKind) {
        self.0.store(index(kind), Ordering::Relaxed);
    }
}

fn index(kind: PolicyKind) -> usize {
    PolicyKind::ALL.iter().position(|one| *one == kind).unwrap_or_default()
}

/// From which length on values are compressed. Read by each write, without a lock.
#[derive(Debug)]
pub(super) struct CompressCell(AtomicUsize);

impl CompressCell {
    /// The length from which on nothing is compressed.
    const OFF: usize = usize::MAX;

    pub(super) fn new(min_bytes: Option<usize>) -> Self {
        Self(AtomicUsize::new(min_bytes.unwrap_or(Self::OFF)))
    }

    #[inline]
    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn setting(&self) -> Option<usize> {
        Some(self.get()).filter(|min_bytes| *min_bytes != Self::OFF)
    }

    fn set(&self, min_bytes: Option<usize>) {
        self.0.store(min_bytes.unwrap_or(Self::OFF), Ordering::Relaxed);
    }
}

impl<J: Journal, C: Clock> ShardedStore<J, C> {
    pub(super) fn settings_now(&self) -> StoreSettings {
        StoreSettings {
            memory_limit: self.tracker.limit(),
            eviction_policy: self.policy.get(),
            compress_min_bytes: self.compress_min.setting(),
            limits: self.config.limits,
        }
    }

    pub(super) fn change_memory_limit(&self, limit: u64) -> Result<bool, ConfigError> {
        self.check_memory_limit(limit)?;
        if limit != 0 {
            // From here on every shard counts what it uses; when all do, the limit can hold.
            for index in 0..self.shards.len() {
                let mut shard = self.lock(index);
                let memory = shard.memory_mut();
                memory.make_limited(&self.tracker);
                // Of a limit before, or none: what is idle is not worth a key.
                memory.surrender_credit(&self.tracker);
            }
        }
        self.tracker.set_limit(limit);
        Ok(self.evict_to_limit())
    }

    pub(super) fn check_memory_limit(&self, limit: u64) -> Result<(), ConfigError> {
        let (min, shards) = (self.tracker.base(), self.shards.len());
        if limit != 0 && limit < min {
            return Err(ConfigError::MemoryLimit { given: limit, min, shards });
        }
        Ok(())
    }

    pub(super) fn change_eviction_policy(&self, kind: PolicyKind) {
        // Whoever changes it at the same time, the last one's is what each shard gets last.
        self.policy.set(kind);
        let ctx = self.context();
        for index in 0..self.shards.len() {
            let mut trash = Trash::new(&self.tracker);
            let mut shard = self.lock(index);
            shard.change_policy(&ctx, self.fresh_policy(), &mut trash);
            drop(shard);
            drop(trash);
            // Of a store that was full, and whose policy before might not have found a victim.
            self.approach_limit(&ctx, index, Protected::NONE);
        }
    }

    pub(super) fn change_compression(&self, min_bytes: Option<usize>) -> Result<(), ConfigError> {
        check_compress_min(min_bytes)?;
        self.compress_min.set(min_bytes);
        Ok(())
    }

    pub(super) fn fresh_policy(&self) -> Box<dyn EvictionPolicy> {
        self.policy.get().build(self.config.seed)
    }
}

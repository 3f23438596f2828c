//! Making room when the memory limit is reached: the eviction manager.
//!
//! An operation that lacks bytes lets go of its lock, has room made, and is tried again. Victims come
//! from the key's own shard first, then from the others in turn, one lock at a time. The bytes found
//! are reserved for the operation at once, so that no other can take them before it is tried again.

use std::sync::atomic::Ordering;

use super::shard::{Context, Halt, Shard, Trash};
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::error::StoreError;
use crate::journal::Journal;

/// How often an operation is tried again because it needed more room than before.
const ATTEMPTS_MAX: usize = 64;

/// Victims taken from one shard before the lock is released.
const VICTIMS_PER_LOCK_MAX: usize = 16;

impl<J: Journal, C: Clock> ShardedStore<J, C> {
    /// Runs `attempt` on a shard, making room as often as it asks for it.
    pub(super) fn with_room<T>(
        &self,
        ctx: &Context<'_, J>,
        home: usize,
        mut attempt: impl FnMut(&mut Shard) -> Result<T, Halt>,
    ) -> Result<T, StoreError> {
        let mut reserved = 0;
        let mut needed = 0;
        for _ in 0..ATTEMPTS_MAX {
            let mut shard = self.lock(home);
            shard.memory_mut().deposit(reserved);
            match attempt(&mut shard) {
                Ok(done) => return Ok(done),
                Err(Halt::Refused(error)) => return Err(error),
                // What the shard holds is given up and asked for again with the rest: victims may come
                // from this very shard, and then its credit goes the same way.
                Err(Halt::NeedsRoom(missing)) => {
                    needed = missing + shard.memory_mut().surrender_credit(&self.tracker);
                }
            }
            drop(shard);
            self.make_room(ctx, home, needed)?;
            reserved = needed;
        }
        self.tracker.release(reserved);
        Err(self.out_of_memory(needed))
    }

    /// Reserves `needed` bytes, evicting as many keys as that takes.
    pub(super) fn make_room(
        &self,
        ctx: &Context<'_, J>,
        home: usize,
        needed: u64,
    ) -> Result<(), StoreError> {
        if needed > self.tracker.spendable() {
            // Not even an empty store could hold it: nothing is evicted for nothing.
            return Err(self.out_of_memory(needed));
        }
        let mut shards_without_victims = 0;
        let mut index = home;
        while !self.tracker.try_reserve(needed) {
            if self.evict_from(ctx, index, needed)? {
                shards_without_victims = 0;
                continue;
            }
            shards_without_victims += 1;
            if shards_without_victims > self.shards.len() {
                return Err(self.out_of_memory(needed));
            }
            index = self.next_victim.fetch_add(1, Ordering::Relaxed) % self.shards.len();
        }
        Ok(())
    }

    /// Frees up to `needed` bytes in one shard, and tells whether it freed any.
    fn evict_from(
        &self,
        ctx: &Context<'_, J>,
        index: usize,
        needed: u64,
    ) -> Result<bool, StoreError> {
        let mut trash = Trash::default();
        let mut shard = self.lock(index);
        let mut freed = shard.memory_mut().surrender_credit(&self.tracker);
        let mut victims = 0;
        while freed < needed && victims < VICTIMS_PER_LOCK_MAX {
            let Some(_) = shard.evict_one(ctx, &mut trash)? else {
                break;
            };
            freed += shard.memory_mut().surrender_credit(&self.tracker);
            victims += 1;
        }
        Ok(freed > 0)
    }

    pub(super) fn out_of_memory(&self, needed: u64) -> StoreError {
        StoreError::OutOfMemory {
            needed,
            limit: self.tracker.limit(),
            policy: self.config.eviction_policy.name(),
        }
    }
}

//! Making room when the memory limit is reached: the eviction manager.
//!
//! An operation that lacks bytes evicts one key of its own shard and is tried again. When that is not
//! enough, it lets go of its lock, has room made in all shards in turn, one lock at a time, and is tried
//! again with the bytes in hand: they are reserved for it at once, so that no other can take them. Its
//! own keys are protected meanwhile, or an append could find that what it appends to has gone.

use std::thread;

use super::cell::ShardGuard;
use super::halt::{Halt, Shortage};
use super::hasher::Location;
use super::shard::{Context, Protected, Shard, Trash};
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::error::StoreError;
use crate::journal::Journal;

/// How often an operation is tried again because it needed more room than before.
const ATTEMPTS_MAX: usize = 64;

/// Victims taken from one shard before the lock is released.
const VICTIMS_PER_LOCK_MAX: usize = 16;

impl<J: Journal, C: Clock> ShardedStore<J, C> {
    /// Runs `attempt`, which works on one key, on its shard, making room as often as it asks for it. What it
    /// throws away is freed without the lock, and before anything else is done.
    pub(super) fn with_room<T>(
        &self,
        ctx: &Context<'_, J>,
        key: Location,
        mut attempt: impl FnMut(&mut Shard, &mut Trash<'_>) -> Result<T, Halt>,
    ) -> Result<T, StoreError> {
        let protected = Protected { keys: &[key] };
        let mut needed = 0;
        for round in 0..ATTEMPTS_MAX {
            let mut trash = Trash::new(&self.tracker);
            let mut shard = self.lock(key.shard);
            shard.memory_mut().deposit(needed);
            let mut done = attempt(&mut shard, &mut trash);
            let lacked_room = round > 0 || done.is_err();
            if let (0, Err(Halt::NeedsRoom(shortage))) = (round, &done) {
                self.check_hope(*shortage)?;
                // Most of the time one victim from the same shard is all it takes: a full table has a
                // place again, and need not grow.
                if shard.evict_one(ctx, protected, &mut trash)? {
                    shard.count_eviction_cycle();
                    self.footprints.evict(ctx.now);
                    done = attempt(&mut shard, &mut trash);
                }
            }
            match done {
                Ok(done) if !lacked_room => return Ok(done),
                Ok(done) => {
                    drop(shard);
                    drop(trash);
                    self.approach_limit(ctx, key.shard, protected);
                    return Ok(done);
                }
                Err(Halt::Refused(error)) => return Err(error),
                // What the shard holds is given up and asked for again with the rest: victims may come
                // from this very shard, and then its credit goes the same way.
                Err(Halt::NeedsRoom(shortage)) => {
                    self.check_hope(shortage)?;
                    needed = shortage.missing + shard.memory_mut().surrender_credit(&self.tracker);
                }
            }
            drop(shard);
            drop(trash);
            self.make_room(ctx, key.shard, needed, protected)?;
        }
        self.tracker.release(needed);
        Err(self.out_of_memory(needed))
    }

    /// Runs `attempt`, which works on several shards, ascending, with all of them locked; makes room as often
    /// as it asks for it. What has been reserved for it, it draws on.
    pub(super) fn with_room_across<T, E: From<StoreError>>(
        &self,
        ctx: &Context<'_, J>,
        shards: &[usize],
        protected: Protected<'_>,
        mut attempt: impl FnMut(&mut [ShardGuard<'_>], &mut u64, &mut Trash<'_>) -> Result<T, Halt<E>>,
    ) -> Result<T, E> {
        let home = shards.first().copied().unwrap_or_default();
        let (mut reserved, mut needed) = (0, 0);
        for _ in 0..ATTEMPTS_MAX {
            let mut trash = Trash::new(&self.tracker);
            let mut guards: Vec<ShardGuard<'_>> =
                shards.iter().map(|shard| self.lock(*shard)).collect();
            let done = attempt(&mut guards, &mut reserved, &mut trash);
            self.tracker.release(std::mem::take(&mut reserved));
            match done {
                Ok(done) => return Ok(done),
                Err(Halt::Refused(error)) => return Err(error),
                Err(Halt::NeedsRoom(shortage)) => {
                    self.check_hope(shortage)?;
                    needed = shortage.missing;
                }
            }
            // As for operations on one key: what the shards hold is asked for again with the rest.
            for shard in &mut guards {
                needed += shard.memory_mut().surrender_credit(&self.tracker);
            }
            drop(guards);
            drop(trash);
            self.make_room(ctx, home, needed, protected)?;
            reserved = needed;
        }
        self.tracker.release(reserved);
        Err(self.out_of_memory(needed).into())
    }

    /// Refuses what not even an empty store could hold: nothing is evicted for nothing.
    pub(super) fn check_hope(&self, shortage: Shortage) -> Result<(), StoreError> {
        if shortage.total > self.tracker.spendable() {
            return Err(self.out_of_memory(shortage.total));
        }
        Ok(())
    }

    /// Reserves `needed` bytes, evicting as many keys as that takes: some from each shard in turn, the
    /// `home` shard first, so that no shard loses what others have more of. A store that is past its limit
    /// is brought back to it; what was evicted before an error stays evicted.
    pub(super) fn make_room(
        &self,
        ctx: &Context<'_, J>,
        home: usize,
        needed: u64,
        protected: Protected<'_>,
    ) -> Result<(), StoreError> {
        let mut in_vain = 0;
        let mut turns = (home..self.shards.len()).chain(0..home).cycle();
        loop {
            let awaits_release = self.tracker.awaits_release();
            if self.tracker.try_reserve(needed) {
                return Ok(());
            }
            if in_vain > self.shards.len() {
                if awaits_release {
                    // Somebody has what is missing, and frees it without waiting for anyone.
                    thread::yield_now();
                    in_vain = 0;
                    continue;
                }
                return Err(self.out_of_memory(needed));
            }
            let index = turns.next().unwrap_or(home);
            let freed = self.evict_from(ctx, index, self.tracker.shortfall(needed), protected)?;
            in_vain = if freed { 0 } else { in_vain + 1 };
        }
    }

    /// Evicts a few keys of a shard if the store is past its limit, as a replay may have left it: one victim
    /// for each new key would leave it there. So each write pays a little, and none for everything.
    pub(super) fn approach_limit(
        &self,
        ctx: &Context<'_, J>,
        index: usize,
        protected: Protected<'_>,
    ) {
        let shortfall = self.tracker.shortfall(0);
        if shortfall > 0 {
            // The write is done. If the journal takes no delete now, a later write tries again.
            drop(self.evict_from(ctx, index, shortfall, protected));
        }
    }

    /// Frees up to `wanted` bytes in one shard, and tells whether it freed any.
    fn evict_from(
        &self,
        ctx: &Context<'_, J>,
        index: usize,
        wanted: u64,
        protected: Protected<'_>,
    ) -> Result<bool, StoreError> {
        let mut trash = Trash::new(&self.tracker);
        let mut shard = self.lock(index);
        let mut freed = shard.memory_mut().surrender_credit(&self.tracker);
        for victim in 0..VICTIMS_PER_LOCK_MAX {
            if freed + trash.bytes() >= wanted || !shard.evict_one(ctx, protected, &mut trash)? {
                break;
            }
            if victim == 0 {
                shard.count_eviction_cycle();
                self.footprints.evict(ctx.now);
            }
            freed += shard.memory_mut().surrender_credit(&self.tracker);
        }
        shard.drop_idle_wheel(ctx);
        freed += shard.memory_mut().surrender_credit(&self.tracker);
        Ok(freed + trash.bytes() > 0)
    }

    pub(super) fn out_of_memory(&self, needed: u64) -> StoreError {
        StoreError::OutOfMemory {
            needed,
            limit: self.tracker.limit(),
            policy: self.policy.get().name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::shard::Prepared;
    use crate::testing::ManualClock;
    use crate::types::{Op, SetExpiry};
    use crate::{Action, Condition, EngineConfig, NullJournal, Store as _};

    const VALUE_BYTES: usize = 1 << 20;

    type Full = ShardedStore<NullJournal, ManualClock>;

    /// One shard with some large values, and a limit that leaves no room for another.
    fn full() -> Full {
        let config = EngineConfig { shards: 1, ..EngineConfig::default() };
        let store = Full::new(config, NullJournal, ManualClock::default()).unwrap();
        for key in [b"a", b"b", b"c", b"d"] {
            set(&store, key, VALUE_BYTES).unwrap();
        }
        let limit = store.stats().memory_used_bytes + VALUE_BYTES as u64 / 2;
        assert!(store.set_memory_limit(limit).unwrap());
        store
    }

    fn set(store: &Full, key: &[u8], bytes: usize) -> Result<bool, StoreError> {
        let value = &vec![b'x'; bytes];
        let action = Action::Set { value, expiry: SetExpiry::Never, return_previous: false };
        store.execute(&Op { key, condition: Condition::None, action }).map(|reply| reply.applied)
    }

    /// How much less is reserved after `work` under the lock, and how much less once its trash is gone.
    fn freed(store: &Full, work: impl FnOnce(&mut Shard, &mut Trash<'_>)) -> (u64, u64) {
        let mut trash = Trash::new(&store.tracker);
        let mut shard = store.lock(0);
        let before = store.memory_reserved();
        work(&mut shard, &mut trash);
        shard.memory_mut().surrender_credit(&store.tracker);
        let under_lock = before - store.memory_reserved();
        drop(shard);
        assert!(store.tracker.awaits_release(), "others wait for it");
        drop(trash);
        assert!(!store.tracker.awaits_release());
        (under_lock, before - store.memory_reserved())
    }

    #[test]
    fn kv_i9_a_large_victim_stays_counted_until_it_is_freed() {
        let store = full();
        let ctx = store.context();
        let (under_lock, at_last) = freed(&store, |shard, trash| {
            assert!(shard.evict_one(&ctx, Protected::NONE, trash).unwrap());
            assert!(shard.evict_one(&ctx, Protected::NONE, trash).unwrap());
        });
        assert!(under_lock < VALUE_BYTES as u64, "{under_lock} bytes given away too early");
        assert!(at_last >= 2 * VALUE_BYTES as u64, "{at_last} bytes");
        store.verify();
    }

    #[test]
    fn kv_i9_what_a_smaller_value_does_not_need_stays_counted_until_it_is_freed() {
        let store = full();
        let ctx = store.context();
        let op = Op {
            key: b"a",
            condition: Condition::None,
            action: Action::Set { value: b"x", expiry: SetExpiry::Never, return_previous: false },
        };
        let fingerprint = store.locate(op.key).fingerprint;
        let (under_lock, at_last) = freed(&store, |shard, trash| {
            shard.execute(&ctx, (&op, fingerprint), &mut Prepared::default(), trash).unwrap();
        });
        assert!(under_lock < VALUE_BYTES as u64 / 2 + (64 << 10), "{under_lock} bytes");
        assert!(at_last >= VALUE_BYTES as u64, "{at_last} bytes");
        store.verify();
    }

    #[test]
    fn an_operation_gets_the_bytes_of_what_it_evicts() {
        let store = full();
        for key in [&b"e"[..], b"f", b"g", b"h", b"i"] {
            assert!(set(&store, key, VALUE_BYTES).unwrap());
            assert!(store.memory_reserved() <= store.tracker.limit());
        }
        store.verify();
    }
}

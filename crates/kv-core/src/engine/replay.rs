//! Filling the store with what a journal and a snapshot kept: recovery today, replication later.

use std::iter;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use super::cell::ShardGuard;
use super::entry::EntryRef;
use super::hasher::Location;
use super::shard::{Context, Protected, Trash};
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::compression::{is_candidate, with_compressed};
use crate::error::StoreError;
use crate::eviction::Fingerprint;
use crate::image::ReplayTarget;
use crate::journal::{Change, Effect, Journal, JournalError};
use crate::types::{Durability, Version};

/// Keys looked at, to see whether they have expired or were cleared, before a shard's lock is released.
const KEYS_PER_LOCK_MAX: usize = 4096;

/// How many effects ahead the processor is asked for the bucket that a key belongs to.
const EFFECTS_AHEAD: usize = 8;

/// How long a journal that is behind is waited for before it is looked at again.
const JOURNAL_WAIT: Duration = Duration::from_millis(100);

/// How often it is looked at before it is given up: for ten seconds.
const JOURNAL_WAITS_MAX: u32 = 100;

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl<J: Journal, C: Clock> ReplayTarget for ShardedStore<J, C> {
    fn reserve(&self, keys: u64) {
        let per_shard = keys / self.shards.len() as u64;
        // Keys spread at random: hardly a shard gets four deviations more than its part, and grows as usual.
        self.expected_keys.store(per_shard + 4 * per_shard.isqrt(), Ordering::Relaxed);
    }

    fn replay(&self, effects: &[Effect<'_>]) {
        let ctx = self.context();
        let compress_min = self.compress_min.get();
        let mut greatest = Version::NONE;
        let mut trash = Trash::new(&self.tracker);
        let mut held: Option<(usize, ShardGuard<'_>)> = None;
        let ahead = effects.iter().skip(EFFECTS_AHEAD).map(Some).chain(iter::repeat(None));
        for (effect, later) in effects.iter().zip(ahead) {
            if let Some(later) = later {
                self.prefetch_bucket(self.locate(later.key));
            }
            greatest = greatest.max(effect.version);
            if effect.change == Change::Clear {
                held = None;
                self.replay_clear(&ctx, effect.version);
                continue;
            }
            let Location { shard, fingerprint } = self.locate(effect.key);
            let value = match effect.change {
                Change::Put { value, .. } => value,
                _ => &[],
            };
            if is_candidate(value.len(), compress_min) {
                held = None;
            }
            with_compressed(value, compress_min, |compressed| {
                let guard = match held.take() {
                    Some((index, guard)) if index == shard => guard,
                    other => {
                        drop(other);
                        self.lock_with_room(&ctx, shard)
                    }
                };
                let (_, guard) = held.insert((shard, guard));
                guard.raise_version(effect.version);
                guard.replay(&ctx, fingerprint, (effect, compressed), &mut trash);
            });
        }
        drop(held);
        self.replayed_version.fetch_max(greatest.get(), Ordering::Relaxed);
    }

    fn raise_version(&self, seen: Version) {
        self.replayed_version.fetch_max(seen.get(), Ordering::Relaxed);
    }

    fn discard(&self) {
        let ctx = self.context();
        for index in 0..self.shards.len() {
            let cleared = self.lock(index).apply_clear(&ctx, self.fresh_policy());
            self.free(cleared);
        }
        self.expected_keys.store(0, Ordering::Relaxed);
        // Versions seen are not forgotten: later ones are greater than needed, which does no harm.
    }

    fn finish_replay(&self) {
        self.expected_keys.store(0, Ordering::Relaxed);
        let ctx = self.context();
        let seen = Version::new(self.replayed_version.load(Ordering::Relaxed));
        for index in 0..self.shards.len() {
            // To look at every entry takes as long as a tenth of loading it.
            if self.lock(index).census().volatile_keys > 0 {
                self.remove_where(index, &ctx, |entry| entry.is_expired(ctx.now));
            }
            let mut shard = self.lock(index);
            shard.raise_version(seen);
            shard.forget_unsynced();
        }
    }
}

impl<J: Journal, C: Clock> ShardedStore<J, C> {
    /// Evicts, as the policy says and through the journal, until the memory limit holds again: a replay
    /// may have passed it. Tells whether it holds now; it may not when the policy finds nothing to evict, or
    /// the journal takes no deletes. Writes go on making room then, as far as they can.
    ///
    /// Takes locks one at a time, so that others may use the store meanwhile. Waits for a journal that is
    /// behind, at most ten seconds at a stretch.
    pub fn evict_to_limit(&self) -> bool {
        loop {
            match self.make_room(&self.context(), 0, 0, Protected::NONE) {
                Ok(()) => return true,
                Err(StoreError::Journal(JournalError::Overloaded { .. }))
                    if self.wait_for_journal() => {}
                Err(_) => return false,
            }
        }
    }

    /// Locks a shard for replay. An empty one gets room for all keys that are expected: at once, so that nothing
    /// is copied while it fills, and here, so that its memory is taken by who fills it, just before.
    fn lock_with_room(&self, ctx: &Context<'_, J>, index: usize) -> ShardGuard<'_> {
        let mut shard = self.lock(index);
        let expected = self.expected_keys.load(Ordering::Relaxed);
        if expected > 0 && shard.len() == 0 {
            shard.reserve_slots(ctx, usize::try_from(expected).unwrap_or(usize::MAX));
        }
        shard
    }

    /// Waits until the journal has written what it was given; tells whether it has.
    fn wait_for_journal(&self) -> bool {
        let position = self.journal.position();
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        for _ in 0..JOURNAL_WAITS_MAX {
            match self.journal.poll_reached(position, Durability::Buffered, &waker) {
                Poll::Ready(outcome) => return outcome.is_ok(),
                Poll::Pending => thread::park_timeout(JOURNAL_WAIT),
            }
        }
        false
    }

    /// Removes every key that the clear came after. Effects of other keys may have come before it.
    fn replay_clear(&self, ctx: &Context<'_, J>, version: Version) {
        for index in 0..self.shards.len() {
            self.remove_where(index, ctx, |entry| entry.version() <= version);
            self.lock(index).raise_version(version);
        }
    }

    /// Removes keys without a trace in the journal.
    fn remove_where(
        &self,
        index: usize,
        ctx: &Context<'_, J>,
        unwanted: impl Fn(EntryRef<'_>) -> bool,
    ) {
        let mut from = Some(Fingerprint::default());
        while let Some(start) = from.take() {
            let mut trash = Trash::new(&self.tracker);
            let mut shard = self.lock(index);
            let mut fingerprints = Vec::new();
            for (visited, (fingerprint, slot)) in shard.walk(start).enumerate() {
                if visited >= KEYS_PER_LOCK_MAX && fingerprint > start {
                    from = Some(fingerprint);
                    break;
                }
                if unwanted(shard.entry(slot)) {
                    fingerprints.push(fingerprint);
                }
            }
            // Found anew, as a removal may move the others.
            for fingerprint in fingerprints {
                if let Some(slot) = shard.find_where(fingerprint, &unwanted) {
                    shard.discard(ctx, slot, &mut trash);
                }
            }
        }
    }
}

//! Applying effects that a journal kept: recovery today, replication later.

use std::sync::atomic::Ordering;

use super::hasher::Location;
use super::shard::Trash;
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::journal::{Change, Effect, Journal};
use crate::types::Version;

impl<J: Journal, C: Clock> ShardedStore<J, C> {
    /// Applies one effect, without writing it to the journal.
    ///
    /// Effects of one key must come in the order they were journalled; applying a sequence twice
    /// leaves the state of applying it once (KV-I3). The memory limit does not hold meanwhile: a full
    /// store must be able to load what it held. Call [`finish_replay`](Self::finish_replay) at the end.
    pub fn apply(&self, effect: &Effect<'_>) {
        let ctx = self.context();
        self.replayed_version.fetch_max(effect.version.get(), Ordering::Relaxed);
        if effect.change == Change::Clear {
            for index in 0..self.shards.len() {
                let cleared = self.lock(index).apply_clear(&ctx, self.fresh_policy());
                self.free(cleared);
            }
            return;
        }
        let Location { shard, fingerprint } = self.locate(effect.key);
        let mut trash = Trash::default();
        let mut shard = self.lock(shard);
        shard.raise_version(effect.version);
        let slot = shard.find(fingerprint, effect.key);
        let growth = shard.growth(slot, effect.key, &effect.change);
        shard.force_room(&ctx, growth);
        shard.apply(&ctx, fingerprint, effect, &mut trash);
    }

    /// Makes every version from now on greater than every one replayed, of whatever key: a key that was
    /// deleted, and left no effect to replay, may have had any of them in the shard it was in (KV-I4).
    pub fn finish_replay(&self) {
        let seen = Version::new(self.replayed_version.load(Ordering::Relaxed));
        for index in 0..self.shards.len() {
            self.lock(index).raise_version(seen);
        }
    }
}

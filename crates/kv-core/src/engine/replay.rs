//! Applying effects that a journal kept: recovery today, replication later.

use super::hasher::Location;
use super::shard::Trash;
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::journal::{Change, Effect, Journal};

impl<J: Journal, C: Clock> ShardedStore<J, C> {
    /// Applies one effect, without writing it to the journal.
    ///
    /// Effects of one key must come in the order they were journalled; applying a sequence twice
    /// leaves the state of applying it once (KV-I3). Versions go on above every one seen. The memory
    /// limit does not hold meanwhile: a full store must be able to load what it held.
    pub fn apply(&self, effect: &Effect<'_>) {
        let ctx = self.context();
        if effect.change == Change::Clear {
            for index in 0..self.shards.len() {
                let policy = self.config.eviction_policy.build(self.config.seed);
                let mut shard = self.lock(index);
                shard.raise_version(effect.version);
                let table = shard.apply_clear(&ctx, policy);
                drop(shard);
                drop(table);
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
}

//! Drawing a key at random.

use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::shard::{Context, Shard};
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::inspect::RandomKey;
use crate::journal::Journal;
use crate::types::Lsn;

/// Keys of a shard that are drawn before the shard is given up: all of them may have expired.
const DRAWS_PER_SHARD: usize = 8;

impl<J: Journal, C: Clock> ShardedStore<J, C> {
    /// Tries shards at random, as often as there are shards; then all of them in turn.
    pub(super) fn draw_key(&self) -> RandomKey {
        let ctx = self.context();
        let draw = self.draws.fetch_add(1, Ordering::Relaxed);
        let mut random = fastrand::Rng::with_seed(draw);
        let count = self.shards.len();
        for _ in 0..count {
            let mut shard = self.lock(random.usize(0..count));
            if let Some(slot) = shard.draw_live(&ctx, DRAWS_PER_SHARD) {
                return found(&mut shard, &ctx, slot);
            }
        }
        let mut lsn = Lsn::ZERO;
        let start = random.usize(0..count);
        for index in (start..count).chain(0..start) {
            let mut shard = self.lock(index);
            if let Some(slot) = shard.find_any_live(&ctx) {
                return found(&mut shard, &ctx, slot);
            }
            lsn = lsn.max(shard.exposed_by_emptiness(&ctx));
        }
        RandomKey { key: None, lsn }
    }
}

fn found<J: Journal>(shard: &mut Shard, ctx: &Context<'_, J>, slot: usize) -> RandomKey {
    let entry = shard.entry(slot);
    let (key, version) = (Bytes::copy_from_slice(entry.key()), entry.version());
    RandomKey { key: Some(key), lsn: shard.exposed(ctx, Some(version)) }
}

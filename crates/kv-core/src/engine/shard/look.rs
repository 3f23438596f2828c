//! Looking at a shard's keys without using them.

use super::{Context, Shard, Trash};
use crate::engine::evaluate::is_integer;
use crate::engine::table::SLOT_BYTES;
use crate::eviction::Fingerprint;
use crate::inspect::KeyInfo;
use crate::journal::Journal;
use crate::types::Lsn;

impl Shard {
    /// What is known of a key.
    pub(crate) fn inspect<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        fingerprint: Fingerprint,
        key: &[u8],
        trash: &mut Trash<'_>,
    ) -> Option<KeyInfo> {
        let slot = self.find_live(ctx, fingerprint, key, trash)?;
        let version = self.table.entry(slot).version();
        let lsn = self.exposed(ctx, Some(version));
        let entry = self.table.entry(slot);
        Some(KeyInfo {
            version,
            ttl_ms: entry.expiry().map(|expiry| expiry.millis_since(ctx.now)),
            value_bytes: entry.stored().len() as u64,
            is_integer: is_integer(entry.stored()),
            memory_bytes: entry.heap_bytes() + SLOT_BYTES,
            frequency: self.policy.frequency(entry.policy_bits()),
            lsn,
        })
    }

    /// The slot of a live key drawn at random, in so many attempts.
    pub(crate) fn draw_live<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        draws: usize,
    ) -> Option<usize> {
        let Self { table, random, .. } = self;
        (0..draws)
            .map_while(|_| table.draw(random))
            .find(|slot| !table.entry(*slot).is_expired(ctx.now))
    }

    /// The slot of some live key.
    pub(crate) fn find_any_live<J: Journal>(&self, ctx: &Context<'_, J>) -> Option<usize> {
        self.table.slots().find(|slot| !self.table.entry(*slot).is_expired(ctx.now))
    }

    /// The position that an answer rests on which shows that no key of the shard is live.
    pub(crate) fn exposed_by_emptiness<J: Journal>(&mut self, ctx: &Context<'_, J>) -> Lsn {
        // That a key has expired rests on the write that gave it its expiry.
        let versions = self.table.slots().map(|slot| self.table.entry(slot).version()).max();
        let lsn = self.exposed(ctx, None);
        versions.map_or(lsn, |version| lsn.max(self.exposed(ctx, Some(version))))
    }
}

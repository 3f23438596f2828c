//! Copying the store out, shard by shard, for snapshots.

use super::entry::SHARED_VALUE_BYTES_MIN;
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::image::{ImageEntry, ImageValue, ShardCursor, SnapshotSource, VisitBudget};
use crate::journal::Journal;
use crate::types::{Lsn, Version};

impl<J: Journal, C: Clock> SnapshotSource for ShardedStore<J, C> {
    fn shards(&self) -> u32 {
        u32::try_from(self.shards.len()).expect("shards are at most SHARDS_MAX")
    }

    fn shard_position(&self, shard: u32) -> Lsn {
        // While the lock is held nothing of this shard is between journal and table.
        let _locked = self.lock(shard as usize);
        self.journal.position()
    }

    fn last_version(&self) -> Version {
        (0..self.shards.len())
            .map(|index| self.lock(index).last_version())
            .max()
            .unwrap_or_default()
    }

    fn visit(
        &self,
        shard: u32,
        cursor: &mut ShardCursor,
        budget: VisitBudget,
        visitor: &mut dyn FnMut(ImageEntry<'_>),
    ) -> bool {
        let shard = self.lock(shard as usize);
        let (mut entries, mut bytes, mut shared_bytes, mut last) = (0, 0, 0, None);
        for (fingerprint, slot) in shard.walk(cursor.position) {
            let is_spent = entries >= budget.entries
                || bytes >= budget.bytes
                || shared_bytes >= budget.shared_bytes;
            // Keys that share a fingerprint cannot be told apart by the cursor: all of them are visited.
            if is_spent && last != Some(fingerprint) {
                cursor.position = fingerprint;
                return true;
            }
            last = Some(fingerprint);
            let entry = shard.entry(slot);
            entries += 1;
            bytes += entry.key().len();
            let (key, version, expiry) = (entry.key(), entry.version(), entry.expiry());
            let mut show = |value| visitor(ImageEntry { key, value, version, expiry });
            let stored = entry.stored();
            if stored.len() >= SHARED_VALUE_BYTES_MIN {
                // Shared, so that nothing is copied.
                shared_bytes += stored.form().len;
                show(ImageValue::Shared(&stored.to_value()));
            } else {
                // To decompress takes longer than to copy.
                bytes += stored.len() * if stored.is_compressed { 2 } else { 1 };
                show(ImageValue::Borrowed(&stored.text()));
            }
        }
        false
    }

    fn keys(&self) -> u64 {
        (0..self.shards.len()).map(|index| self.lock(index).len() as u64).sum()
    }
}

//! Copying the store out, shard by shard, for snapshots.

use super::evaluate::Stored;
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
            let value = match entry.stored() {
                Stored::Owned(value) => {
                    bytes += value.len();
                    ImageValue::Borrowed(value)
                }
                Stored::Shared(value) => {
                    shared_bytes += value.len();
                    ImageValue::Shared(value)
                }
            };
            entries += 1;
            bytes += entry.key().len();
            visitor(ImageEntry {
                key: entry.key(),
                value,
                version: entry.version(),
                expiry: entry.expiry(),
            });
        }
        false
    }

    fn keys(&self) -> u64 {
        (0..self.shards.len()).map(|index| self.lock(index).len() as u64).sum()
    }
}

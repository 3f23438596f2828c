//! The hash table of one shard: keys to entries, dense, and compact again after mass deletes.
//!
//! Entries lie in a dense vector; a hash index maps to their slots. Removing an entry moves the last one
//! into its slot, so slots are always `0..len`: a random slot is a random key (eviction samples), and an
//! iteration that walks slots downwards misses no key that stays, however many others come and go,
//! because a key only ever moves down from a slot the walk has passed, or from one still to come.
//!
//! Each slot's fingerprint is kept beside it, so that growing, shrinking and removing touch no entry.

#![expect(clippy::indexing_slicing, reason = "slots below `len` are this module's invariant")]

use hashbrown::HashTable;

use super::entry::Entry;
use super::memory::allocated_bytes;
use crate::eviction::Fingerprint;
use crate::types::UnixMillis;

/// Bytes of a slot: the entry's place, its fingerprint, and its index with a control byte.
pub(crate) const SLOT_BYTES: u64 =
    (size_of::<Entry>() + size_of::<Fingerprint>() + size_of::<u32>() + 1) as u64;

/// The slots a table starts with.
const SLOTS_MIN: usize = 4;

/// A table shrinks when it uses less than this part of its slots.
const SHRINK_BELOW: usize = 4;

/// The hash table of one shard.
#[derive(Debug, Default)]
pub(crate) struct Table {
    index: HashTable<u32>,
    fingerprints: Vec<Fingerprint>,
    entries: Vec<Entry>,
}

/// The hash the index uses: all 64 bits are needed, its tags being the topmost.
#[inline]
fn spread(fingerprint: Fingerprint) -> u64 {
    u64::from(fingerprint.0).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32)
}

impl Table {
    /// Number of keys.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The slot of a key.
    #[inline]
    pub(crate) fn find(&self, fingerprint: Fingerprint, key: &[u8]) -> Option<usize> {
        self.find_where(fingerprint, |entry| entry.key() == key)
    }

    /// The slot of some key with this fingerprint that `wanted` accepts.
    #[inline]
    pub(crate) fn find_where(
        &self,
        fingerprint: Fingerprint,
        wanted: impl Fn(&Entry) -> bool,
    ) -> Option<usize> {
        let matches = |slot: &u32| {
            let slot = *slot as usize;
            self.fingerprints[slot] == fingerprint && wanted(&self.entries[slot])
        };
        self.index.find(spread(fingerprint), matches).map(|slot| *slot as usize)
    }

    /// Of the keys with this fingerprint that have an expiry, the one that ends first.
    pub(crate) fn find_soonest(&self, fingerprint: Fingerprint) -> Option<(usize, UnixMillis)> {
        self.index
            .iter_hash(spread(fingerprint))
            .map(|slot| *slot as usize)
            .filter(|slot| self.fingerprints[*slot] == fingerprint)
            .filter_map(|slot| Some((slot, self.entries[slot].expiry()?)))
            .min_by_key(|(_, expiry)| *expiry)
    }

    /// The entry in a slot below [`len`](Self::len).
    #[inline]
    pub(crate) fn entry(&self, slot: usize) -> &Entry {
        &self.entries[slot]
    }

    /// The entry in a slot below [`len`](Self::len). Its key must stay as it is.
    #[inline]
    pub(crate) fn entry_mut(&mut self, slot: usize) -> &mut Entry {
        &mut self.entries[slot]
    }

    /// The fingerprint of a slot below [`len`](Self::len).
    #[inline]
    pub(crate) fn fingerprint(&self, slot: usize) -> Fingerprint {
        self.fingerprints[slot]
    }

    /// Adds a key that is not there; returns its slot.
    pub(crate) fn insert(&mut self, fingerprint: Fingerprint, entry: Entry) -> usize {
        self.reserve(1);
        let slot = self.entries.len();
        let slot_u32 = u32::try_from(slot).expect("a shard holds fewer than 2^32 keys");
        let fingerprints = &self.fingerprints;
        self.index.insert_unique(spread(fingerprint), slot_u32, |slot| {
            spread(fingerprints[*slot as usize])
        });
        self.fingerprints.push(fingerprint);
        self.entries.push(entry);
        slot
    }

    /// Removes the key in a slot; the last key moves into it.
    pub(crate) fn remove(&mut self, slot: usize) -> Entry {
        self.unindex(slot);
        let last = self.entries.len() - 1;
        if slot != last {
            self.reindex(last, slot);
        }
        self.fingerprints.swap_remove(slot);
        let entry = self.entries.swap_remove(slot);
        self.shrink_if_sparse();
        entry
    }

    fn unindex(&mut self, slot: usize) {
        let hash = spread(self.fingerprints[slot]);
        self.index
            .find_entry(hash, |candidate| *candidate as usize == slot)
            .expect("every slot is indexed")
            .remove();
    }

    fn reindex(&mut self, from: usize, to: usize) {
        let hash = spread(self.fingerprints[from]);
        let indexed = self
            .index
            .find_mut(hash, |candidate| *candidate as usize == from)
            .expect("every slot is indexed");
        *indexed = u32::try_from(to).expect("a slot below one that fits");
    }

    fn shrink_if_sparse(&mut self) {
        let (len, capacity) = (self.entries.len(), self.entries.capacity());
        if capacity > SLOTS_MIN && len < capacity / SHRINK_BELOW {
            let target = (len * 2).max(SLOTS_MIN);
            self.entries.shrink_to(target);
            self.fingerprints.shrink_to(target);
            let fingerprints = &self.fingerprints;
            self.index.shrink_to(target, |slot| spread(fingerprints[*slot as usize]));
        }
    }

    /// Makes room for so many more keys.
    pub(crate) fn reserve(&mut self, additional: usize) {
        let slots = self.slots_for(additional);
        if slots > self.entries.capacity() {
            self.entries.reserve_exact(slots - self.entries.len());
            self.fingerprints.reserve_exact(slots - self.fingerprints.len());
        }
        let fingerprints = &self.fingerprints;
        let needed = self.index.len() + additional;
        if needed > self.index.capacity() && needed <= full_capacity(self.index.num_buckets()) {
            // Only what removals left behind is in the way: filed anew, it needs no larger index.
            self.index.clear();
            for (slot, fingerprint) in (0_u32..).zip(&self.fingerprints) {
                self.index.insert_unique(spread(*fingerprint), slot, |_| 0);
            }
        }
        self.index.reserve(additional, |slot| spread(fingerprints[*slot as usize]));
    }

    /// Capacity in slots once `additional` keys are added: grows by a quarter, to waste little.
    fn slots_for(&self, additional: usize) -> usize {
        let (needed, capacity) = (self.entries.len() + additional, self.entries.capacity());
        if needed <= capacity {
            return capacity;
        }
        needed.max(capacity + capacity / 4).max(SLOTS_MIN)
    }

    /// Heap bytes of the table itself, without its entries.
    pub(crate) fn heap_bytes(&self) -> u64 {
        slots_bytes(self.entries.capacity()) + allocated_bytes(self.index.allocation_size()) as u64
    }

    /// Bytes to have in hand before [`reserve`](Self::reserve) of so many keys: of each part that has to
    /// grow, the whole, because old and new exist together while it is copied.
    pub(crate) fn bytes_to_grow(&self, additional: usize) -> u64 {
        let slots = self.slots_for(additional);
        let grown_slots = if slots > self.entries.capacity() { slots_bytes(slots) } else { 0 };
        let index = self.index_bytes_after(additional);
        let present = allocated_bytes(self.index.allocation_size()) as u64;
        grown_slots + if index > present { index } else { 0 }
    }

    fn index_bytes_after(&self, additional: usize) -> u64 {
        let needed = self.index.len() + additional;
        if needed <= full_capacity(self.index.num_buckets()) {
            return allocated_bytes(self.index.allocation_size()) as u64;
        }
        // hashbrown keeps a power of two of buckets, at most 7/8 full, and a control byte for each.
        let buckets = (needed * 8 / 7 + 1).next_power_of_two().max(16);
        allocated_bytes(buckets * (size_of::<u32>() + 1) + 64) as u64
    }

    /// Every entry, in slot order.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Fingerprint, &Entry)> {
        self.fingerprints.iter().copied().zip(&self.entries)
    }
}

/// How many keys hashbrown keeps in so many buckets.
fn full_capacity(buckets: usize) -> usize {
    if buckets <= 8 { buckets.saturating_sub(1) } else { buckets / 8 * 7 }
}

fn slots_bytes(capacity: usize) -> u64 {
    let entries = allocated_bytes(capacity * size_of::<Entry>());
    (entries + allocated_bytes(capacity * size_of::<Fingerprint>())) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(table: &mut Table, random: &mut fastrand::Rng) {
        table.insert(Fingerprint(random.u32(..)), Entry::new(b"k", b"", None));
    }

    /// What a table may grow to is what was asked for in advance.
    fn check(table: &mut Table, additional: usize, add: impl FnOnce(&mut Table)) {
        let (before, asked) = (table.heap_bytes(), table.bytes_to_grow(additional));
        add(table);
        let grown = table.heap_bytes().saturating_sub(before);
        assert!(
            grown <= asked,
            "{additional} more keys grew {grown} bytes, {asked} were asked for"
        );
    }

    #[test]
    fn what_is_asked_for_in_advance_covers_many_inserts() {
        for start in [0, 4, 100] {
            for more in [1, 10, 100, 1000, 3000] {
                let (mut table, mut random) = (Table::default(), fastrand::Rng::with_seed(7));
                (0..start).for_each(|_| insert(&mut table, &mut random));
                check(&mut table, more, |table| {
                    table.reserve(more);
                    (0..more).for_each(|_| insert(table, &mut random));
                });
            }
        }
    }

    #[test]
    fn what_is_asked_for_in_advance_covers_churn() {
        for len in [100, 400, 700, 800, 860] {
            let (mut table, mut random) = (Table::default(), fastrand::Rng::with_seed(7));
            (0..len).for_each(|_| insert(&mut table, &mut random));
            for _ in 0..20_000 {
                table.remove(random.usize(0..table.len()));
                check(&mut table, 1, |table| insert(table, &mut random));
            }
        }
    }
}

//! The hash table of one shard: keys to entries, dense, and small again after mass deletes.
//!
//! A vector of buckets, each a cache line: a key that is where it belongs costs one miss to find, and another to
//! look at. Where it belongs is its fingerprint times the number of buckets, so that buckets are in the order of
//! fingerprints, whatever their number; it need not be a power of two, and grows by a quarter at most. A key
//! whose bucket is full goes into the next one that is not, and every bucket on the way counts it, so that a search
//! ends at the first bucket that nobody has passed, and a removal leaves nothing behind. Source: F14 of folly
//! (Bronson and Shi, 2019) for the counts; Lemire, "Fast random integer generation in an interval", 2019, for the
//! product.
//!
//! A slot is a place for an entry. Keys keep their slots until the table grows or shrinks: by
//! [`reserve`](Table::reserve), [`insert`](Table::insert) or [`shrink`](Table::shrink). Fingerprints are in the
//! buckets, so that neither touches an entry.

#![expect(clippy::indexing_slicing, reason = "slots in use are this module's invariant")]

mod bucket;
mod walk;

use super::entry::{Entry, EntryRef, prefetch};
use super::memory::allocated_bytes;
use crate::eviction::{Fingerprint, PolicyBits};
use crate::types::UnixMillis;
use bucket::{Bucket, SLOTS};
pub(crate) use walk::Walk;

/// Bytes of the table that a key takes when it is as full as it gets.
pub(crate) const SLOT_BYTES: u64 = (size_of::<Bucket>() * FULL_OF / (SLOTS * FULL)) as u64;

/// A table is full when so many of [`FULL_OF`] slots are in use: then one key in eight is not in its own bucket.
const FULL: usize = 7;
const FULL_OF: usize = 8;

/// A table shrinks when it uses less than this part of what it could.
const SHRINK_BELOW: usize = 4;

/// What the allocator adds so that it can begin the buckets where a cache line begins.
const ALIGNING_BYTES: usize = align_of::<Bucket>() - 1;

/// A slot is the number of its bucket and, in so many bits, of the place in it.
const SLOT_SHIFT: u32 = SLOTS.next_power_of_two().ilog2();

/// Slots looked at for a random key before one is searched in order.
const DRAWS_MAX: usize = 64;

/// The hash table of one shard.
#[derive(Debug, Default)]
pub(crate) struct Table {
    buckets: Box<[Bucket]>,
    len: usize,
    /// Whether the buckets are elsewhere since somebody asked.
    has_moved: bool,
}

/// Where a table's buckets are, for those who want to ask for one in advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) address: usize,
    pub(crate) buckets: usize,
}

impl Place {
    /// Asks the processor for the bucket that a key belongs to.
    #[inline]
    pub(crate) fn prefetch(self, fingerprint: Fingerprint) {
        prefetch(self.address + home(fingerprint, self.buckets) * size_of::<Bucket>());
    }
}

/// The bucket that a key belongs to among so many.
#[inline]
fn home(fingerprint: Fingerprint, buckets: usize) -> usize {
    ((u64::from(fingerprint.0) * buckets as u64) >> u32::BITS) as usize
}

impl Table {
    /// Number of keys.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where the buckets are now.
    pub(crate) fn place(&self) -> Place {
        Place { address: self.buckets.as_ptr().addr(), buckets: self.buckets.len() }
    }

    /// Whether the buckets are elsewhere since this was asked last.
    #[inline]
    pub(crate) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.has_moved)
    }

    #[inline]
    fn home(&self, fingerprint: Fingerprint) -> usize {
        home(fingerprint, self.buckets.len())
    }

    /// Every bucket, from this one on.
    #[inline]
    fn probe(&self, home: usize) -> impl Iterator<Item = usize> + use<> {
        (home..self.buckets.len()).chain(0..home)
    }

    #[inline]
    fn slot(bucket: usize, place: usize) -> usize {
        bucket << SLOT_SHIFT | place
    }

    /// The bucket of a slot, and the place in it.
    #[inline]
    fn place_of(slot: usize) -> (usize, usize) {
        (slot >> SLOT_SHIFT, slot & ((1 << SLOT_SHIFT) - 1))
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
        wanted: impl Fn(EntryRef<'_>) -> bool,
    ) -> Option<usize> {
        for index in self.probe(self.home(fingerprint)) {
            let bucket = &self.buckets[index];
            for place in bucket.places_of(fingerprint) {
                if bucket.entry(place).is_some_and(&wanted) {
                    return Some(Self::slot(index, place));
                }
            }
            if !bucket.is_passed() {
                return None;
            }
        }
        None
    }

    /// Asks the processor for the bucket that a key belongs to.
    #[inline]
    pub(crate) fn prefetch_bucket(&self, fingerprint: Fingerprint) {
        self.place().prefetch(fingerprint);
    }

    /// Asks the processor for the entry of a key, which is looked for only where it belongs.
    #[inline]
    pub(crate) fn prefetch(&self, fingerprint: Fingerprint) {
        if let Some(bucket) = self.buckets.get(self.home(fingerprint)) {
            bucket.prefetch(fingerprint);
        }
    }

    /// Of the keys with this fingerprint that have an expiry, the one that ends first.
    pub(crate) fn find_soonest(&self, fingerprint: Fingerprint) -> Option<(usize, UnixMillis)> {
        let mut soonest: Option<(usize, UnixMillis)> = None;
        for index in self.probe(self.home(fingerprint)) {
            let bucket = &self.buckets[index];
            for place in bucket.places_of(fingerprint) {
                let expiry = bucket.entry(place).and_then(EntryRef::expiry);
                let found = expiry.map(|expiry| (Self::slot(index, place), expiry));
                soonest = soonest.into_iter().chain(found).min_by_key(|(_, expiry)| *expiry);
            }
            if !bucket.is_passed() {
                break;
            }
        }
        soonest
    }

    /// The entry in a slot in use.
    #[inline]
    pub(crate) fn entry(&self, slot: usize) -> EntryRef<'_> {
        let (bucket, place) = Self::place_of(slot);
        self.buckets[bucket].entry(place).expect("a slot in use holds an entry")
    }

    /// Changes the entry in a slot in use. Its key must stay as it is.
    #[inline]
    pub(crate) fn change<R>(&mut self, slot: usize, change: impl FnOnce(&mut Entry) -> R) -> R {
        let fingerprint = self.fingerprint(slot);
        let (index, place) = Self::place_of(slot);
        let bucket = &mut self.buckets[index];
        let mut entry = bucket.take(place).expect("a slot in use holds an entry");
        let result = change(&mut entry);
        bucket.put(place, fingerprint, entry);
        result
    }

    /// Replaces what the eviction policy keeps with a key, whose slot is in use.
    #[inline]
    pub(crate) fn set_policy_bits(&mut self, slot: usize, bits: PolicyBits) {
        let (bucket, place) = Self::place_of(slot);
        self.buckets[bucket].set_policy_bits(place, bits);
    }

    /// Puts another entry of the same key into a slot in use; returns the one before.
    #[inline]
    pub(crate) fn replace(&mut self, slot: usize, entry: Entry) -> Entry {
        self.change(slot, |present| std::mem::replace(present, entry))
    }

    /// The fingerprint of a slot in use.
    #[inline]
    pub(crate) fn fingerprint(&self, slot: usize) -> Fingerprint {
        let (bucket, place) = Self::place_of(slot);
        self.buckets[bucket].fingerprint(place)
    }

    /// Adds a key that is not there; returns its slot.
    pub(crate) fn insert(&mut self, fingerprint: Fingerprint, entry: Entry) -> usize {
        self.reserve(1);
        self.len += 1;
        self.file(fingerprint, entry)
    }

    /// Puts an entry where it belongs, or as near behind as there is a free place.
    fn file(&mut self, fingerprint: Fingerprint, entry: Entry) -> usize {
        for index in self.probe(self.home(fingerprint)) {
            let bucket = &mut self.buckets[index];
            if let Some(place) = bucket.free_place() {
                bucket.put(place, fingerprint, entry);
                return Self::slot(index, place);
            }
            bucket.pass();
        }
        unreachable!("a table that has room has a free place")
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self { has_moved: true, ..Self::default() })
    }

    /// Removes the key in a slot in use.
    pub(crate) fn remove(&mut self, slot: usize) -> Entry {
        let (own, place) = Self::place_of(slot);
        for index in self.probe(self.home(self.fingerprint(slot))) {
            if index == own {
                break;
            }
            self.buckets[index].unpass();
        }
        let entry = self.buckets[own].take(place).expect("a slot in use holds an entry");
        self.len -= 1;
        entry
    }

    /// Whether it takes much more memory than it needs.
    #[inline]
    pub(crate) fn is_sparse(&self) -> bool {
        self.buckets.len() > 1 && self.len < capacity(self.buckets.len()) / SHRINK_BELOW
    }

    /// Bytes of the table that [`shrink`](Self::shrink) makes, while the present one is there still.
    pub(crate) fn shrunk_bytes(&self) -> u64 {
        heap_bytes(buckets_for(self.len * 2))
    }

    /// Moves all entries to a table that suits their number.
    pub(crate) fn shrink(&mut self) {
        self.rebuild(buckets_for(self.len * 2));
    }

    /// Makes room for so many more keys.
    pub(crate) fn reserve(&mut self, additional: usize) {
        let buckets = self.buckets_after(additional);
        if buckets > self.buckets.len() {
            self.rebuild(buckets);
        }
    }

    /// Moves all entries to another number of buckets. About five nanoseconds for each: entries are not touched,
    /// and where they go is in the order of where they are.
    fn rebuild(&mut self, buckets: usize) {
        let mut empty = Vec::new();
        empty.resize_with(buckets, Bucket::default);
        let old = std::mem::replace(&mut self.buckets, empty.into_boxed_slice());
        self.has_moved = true;
        for mut bucket in old {
            for place in 0..SLOTS {
                let fingerprint = bucket.fingerprint(place);
                if let Some(entry) = bucket.take(place) {
                    self.file(fingerprint, entry);
                }
            }
        }
    }

    /// Buckets once `additional` keys are added.
    fn buckets_after(&self, additional: usize) -> usize {
        let (present, needed) = (self.buckets.len(), self.len + additional);
        if needed <= capacity(present) {
            return present;
        }
        buckets_for(needed.max(capacity(present + present / FULL_OF)))
    }

    /// Heap bytes of the table itself, without its entries.
    pub(crate) fn heap_bytes(&self) -> u64 {
        heap_bytes(self.buckets.len())
    }

    /// Bytes to have in hand before [`reserve`](Self::reserve) of so many keys: the whole when it has to grow,
    /// because old and new exist together while it is copied.
    pub(crate) fn bytes_to_grow(&self, additional: usize) -> u64 {
        let buckets = self.buckets_after(additional);
        if buckets > self.buckets.len() { heap_bytes(buckets) } else { 0 }
    }

    /// The slots in use.
    pub(crate) fn slots(&self) -> impl Iterator<Item = usize> {
        self.buckets
            .iter()
            .enumerate()
            .flat_map(|(index, bucket)| bucket.places().map(move |place| Self::slot(index, place)))
    }

    /// The keys with this fingerprint or a greater one, in the order of fingerprints.
    pub(crate) fn walk(&self, from: Fingerprint) -> Walk<'_> {
        Walk::new(self, from)
    }

    /// The slot of a key drawn at random; `None` only when there are none.
    pub(crate) fn draw(&self, random: &mut fastrand::Rng) -> Option<usize> {
        if self.len == 0 {
            return None;
        }
        let places = self.buckets.len() * SLOTS;
        let slot = |drawn: usize| {
            let (bucket, place) = (drawn / SLOTS, drawn % SLOTS);
            self.buckets[bucket].entry(place).map(|_entry| Self::slot(bucket, place))
        };
        // About as many draws as there are places for each key. Where chance fails, the next key will do.
        let drawn = (0..DRAWS_MAX).find_map(|_| slot(random.usize(0..places)));
        drawn.or_else(|| {
            let start = random.usize(0..places);
            (start..places).chain(0..start).find_map(slot)
        })
    }
}

/// The keys that so many buckets hold when they are full.
fn capacity(buckets: usize) -> usize {
    buckets * SLOTS * FULL / FULL_OF
}

/// The buckets for so many keys: as many as the allocator gives for the same memory.
fn buckets_for(keys: usize) -> usize {
    let least = (keys * FULL_OF).div_ceil(SLOTS * FULL).max(1);
    (allocated_bytes(requested_bytes(least)) - ALIGNING_BYTES) / size_of::<Bucket>()
}

fn heap_bytes(buckets: usize) -> u64 {
    allocated_bytes(requested_bytes(buckets)) as u64
}

/// What is asked of the allocator for so many buckets.
fn requested_bytes(buckets: usize) -> usize {
    match buckets {
        0 => 0,
        _ => buckets * size_of::<Bucket>() + ALIGNING_BYTES,
    }
}

#[cfg(test)]
mod tests;

//! A cache line of the table: a few entries, and what is needed to tell which keys they may be.

#![expect(clippy::indexing_slicing, reason = "places below `SLOTS` are this module's invariant")]

use crate::engine::entry::{Entry, EntryRef, Slot};
use crate::eviction::{Fingerprint, PolicyBits};

/// Entries of a bucket.
pub(super) const SLOTS: usize = 6;

/// A cache line. Of each entry's fingerprint, half is here and half in the [`Slot`].
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Bucket {
    slots: [Slot; SLOTS],
    tags: [u16; SLOTS],
    /// How many keys belong here or before and are further on, because this was full when they came. Once it is
    /// [`PASSED_MAX`] it stays so.
    passed: u16,
}

/// So many keys that nobody counts them any more.
const PASSED_MAX: u16 = u16::MAX;

const _: () = assert!(size_of::<Bucket>() == 64, "a bucket is one cache line");

impl Bucket {
    /// The places whose entries have this fingerprint.
    #[inline]
    pub(super) fn places_of(&self, fingerprint: Fingerprint) -> impl Iterator<Item = usize> {
        let (high, low) = halves(fingerprint);
        // Without branches, for all places at once.
        let mut found = 0_u8;
        for (place, tag) in self.tags.iter().enumerate() {
            found |= u8::from(*tag == low) << place;
        }
        Places(found).filter(move |place| {
            let slot = &self.slots[*place];
            slot.bits() == high && !slot.is_empty()
        })
    }

    /// The places that hold an entry.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        (0..SLOTS).filter(|place| !self.slots[*place].is_empty())
    }

    /// A place that holds none.
    #[inline]
    pub(super) fn free_place(&self) -> Option<usize> {
        self.slots.iter().position(Slot::is_empty)
    }

    /// The entry in a place.
    #[inline]
    pub(super) fn entry(&self, place: usize) -> Option<EntryRef<'_>> {
        self.slots[place].entry()
    }

    /// The fingerprint of the entry in a place; of no key where there is none.
    #[inline]
    pub(super) fn fingerprint(&self, place: usize) -> Fingerprint {
        let (high, low) = (self.slots[place].bits(), self.tags[place]);
        Fingerprint(u32::from(high) << u16::BITS | u32::from(low))
    }

    /// Fills a place that holds nothing.
    #[inline]
    pub(super) fn put(&mut self, place: usize, fingerprint: Fingerprint, entry: Entry) {
        let (high, low) = halves(fingerprint);
        self.tags[place] = low;
        self.slots[place] = Slot::new(entry, high);
    }

    /// Replaces what the eviction policy keeps with the entry in a place.
    #[inline]
    pub(super) fn set_policy_bits(&mut self, place: usize, bits: PolicyBits) {
        self.slots[place].set_policy_bits(bits);
    }

    /// Empties a place.
    #[inline]
    pub(super) fn take(&mut self, place: usize) -> Option<Entry> {
        self.slots[place].take()
    }

    /// Asks the processor for the entries that have this fingerprint.
    #[inline]
    pub(super) fn prefetch(&self, fingerprint: Fingerprint) {
        for place in self.places_of(fingerprint) {
            self.slots[place].prefetch();
        }
    }

    /// Whether keys that belong here or before may be further on.
    #[inline]
    pub(super) fn is_passed(&self) -> bool {
        self.passed > 0
    }

    /// A key passes, because this is full.
    pub(super) fn pass(&mut self) {
        self.passed = self.passed.saturating_add(1);
    }

    /// A key that has passed is no more.
    pub(super) fn unpass(&mut self) {
        if self.passed < PASSED_MAX {
            self.passed -= 1;
        }
    }
}

/// The two halves of a fingerprint. The lower one tells keys of a bucket apart better: the upper one says which
/// bucket it is.
#[inline]
fn halves(fingerprint: Fingerprint) -> (u16, u16) {
    #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
    let halves = ((fingerprint.0 >> u16::BITS) as u16, fingerprint.0 as u16);
    halves
}

/// The places whose bits are set.
struct Places(u8);

impl Iterator for Places {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let place = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_been_passed_too_often_stays_passed() {
        let mut bucket = Bucket::default();
        (0..3).for_each(|_| bucket.pass());
        (0..3).for_each(|_| bucket.unpass());
        assert!(!bucket.is_passed());
        (0..=u32::from(PASSED_MAX)).for_each(|_| bucket.pass());
        (0..=u32::from(PASSED_MAX)).for_each(|_| bucket.unpass());
        assert!(bucket.is_passed());
    }
}

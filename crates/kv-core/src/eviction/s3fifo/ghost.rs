//! Keys that were evicted lately, as far as sixteen bits of each can tell.
//!
//! Memory is short, so it is a table of small FIFO queues that need no links: a key's hash chooses the
//! bucket, a new tag pushes out the oldest of its bucket. Keys are forgotten after about as many evictions
//! as there are tags. A wrong answer, one in ten thousand, costs accuracy only.

use crate::engine::allocated_bytes;
use crate::eviction::Fingerprint;

/// Tags of a bucket: sixteen bytes.
const BUCKET_TAGS: usize = 8;

/// One part of the tags is given back when there are so many times too many.
const SHRINK_BELOW: usize = 8;

/// No key. Keys whose tag it would be take another.
const EMPTY: u16 = 0;

/// The newest tag first.
type Bucket = [u16; BUCKET_TAGS];

/// Remembers keys that are gone.
#[derive(Debug, Default)]
pub(super) struct Ghost {
    /// None, or a power of two.
    buckets: Vec<Bucket>,
}

impl Ghost {
    /// Remembers a key as the one that went last.
    pub(super) fn remember(&mut self, key: Fingerprint) {
        let tag = tag_of(key);
        if let Some(bucket) = self.bucket(key) {
            // What was known of it already makes room for the rest.
            let end = bucket.iter().position(|known| *known == tag).unwrap_or(BUCKET_TAGS - 1);
            bucket.copy_within(..end, 1);
            bucket[0] = tag;
        }
    }

    /// Tells whether a key is remembered, and forgets it.
    pub(super) fn recall(&mut self, key: Fingerprint) -> bool {
        let tag = tag_of(key);
        let Some(bucket) = self.bucket(key) else {
            return false;
        };
        let Some(at) = bucket.iter().position(|known| *known == tag) else {
            return false;
        };
        bucket.copy_within(at + 1.., at);
        bucket[BUCKET_TAGS - 1] = EMPTY;
        true
    }

    /// Makes room to remember about so many keys, and forgets none for it.
    pub(super) fn reserve(&mut self, keys: usize) {
        let wanted = buckets_for(keys);
        if self.buckets.is_empty() {
            self.buckets.reserve_exact(wanted);
            self.buckets.resize(wanted, [EMPTY; BUCKET_TAGS]);
        }
        while self.buckets.len() < wanted {
            // Tags do not tell in which half they belong: both get them.
            let before = self.buckets.len();
            self.buckets.reserve_exact(before);
            self.buckets.extend_from_within(..);
        }
    }

    /// Gives memory back when it is far more than so many keys need.
    pub(super) fn shrink(&mut self, keys: usize) {
        let wanted = buckets_for(keys);
        if self.buckets.len() / SHRINK_BELOW >= wanted {
            self.buckets.truncate(wanted * 2);
            self.buckets.shrink_to_fit();
        }
    }

    /// By how much [`reserve`](Self::reserve) may grow [`heap_bytes`](Self::heap_bytes). What is copied to
    /// grow counts whole, and of several steps the last but one too.
    pub(super) fn bytes_to_grow(&self, keys: usize) -> usize {
        let (len, wanted) = (self.buckets.len(), buckets_for(keys));
        let before = if wanted / 2 > len { bucket_bytes(wanted / 2) } else { 0 };
        if wanted > len { bucket_bytes(wanted) + before } else { 0 }
    }

    /// Heap bytes, as the allocator rounds them.
    pub(super) fn heap_bytes(&self) -> usize {
        bucket_bytes(self.buckets.capacity())
    }

    fn bucket(&mut self, key: Fingerprint) -> Option<&mut Bucket> {
        let mask = self.buckets.len().checked_sub(1)?;
        let hash = usize::try_from(key.spread() >> 32).unwrap_or_default();
        self.buckets.get_mut(hash & mask)
    }
}

fn tag_of(key: Fingerprint) -> u16 {
    u16::try_from(key.spread() >> 48).unwrap_or_default().max(EMPTY + 1)
}

fn buckets_for(keys: usize) -> usize {
    keys.div_ceil(BUCKET_TAGS).next_power_of_two()
}

fn bucket_bytes(buckets: usize) -> usize {
    allocated_bytes(buckets * size_of::<Bucket>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: usize = 1000;

    fn remembered(ghost: &mut Ghost, keys: std::ops::Range<u32>) -> usize {
        keys.filter(|key| ghost.recall(Fingerprint(*key))).count()
    }

    #[test]
    fn the_latest_keys_are_remembered_and_others_are_not() {
        let mut ghost = Ghost::default();
        assert!(!ghost.recall(Fingerprint(0)), "without memory there is nothing to remember");
        ghost.remember(Fingerprint(0));
        ghost.reserve(KEYS);
        (0..10_000).for_each(|key| ghost.remember(Fingerprint(key)));
        let late = remembered(&mut ghost, 9_800..10_000);
        assert!(late > 195, "only {late} of the last 200 keys are known");
        let early = remembered(&mut ghost, 0..8_000);
        assert!(early < 30, "{early} of 8000 keys are known that went long ago");
        let again = remembered(&mut ghost, 9_800..10_000);
        assert!(again < 10, "{again} keys are known that were recalled");
    }

    #[test]
    fn growing_forgets_nothing_and_takes_what_it_said() {
        let mut ghost = Ghost::default();
        ghost.reserve(KEYS);
        (0..500).for_each(|key| ghost.remember(Fingerprint(key)));
        let known = remembered(&mut ghost, 400..500);
        (400..500).for_each(|key| ghost.remember(Fingerprint(key)));
        let allowed = ghost.heap_bytes() + ghost.bytes_to_grow(8 * KEYS);
        ghost.reserve(8 * KEYS);
        assert!(ghost.heap_bytes() <= allowed);
        assert_eq!((known, remembered(&mut ghost, 400..500)), (100, 100));
        assert_eq!(ghost.bytes_to_grow(8 * KEYS), 0, "there is room for all");
    }

    #[test]
    fn memory_goes_back_when_keys_are_few() {
        let mut ghost = Ghost::default();
        ghost.reserve(100 * KEYS);
        let full = ghost.heap_bytes();
        ghost.shrink(20 * KEYS);
        assert_eq!(ghost.heap_bytes(), full, "not for a little");
        ghost.shrink(KEYS);
        assert!(ghost.heap_bytes() < full / 16);
        assert_eq!(ghost.bytes_to_grow(KEYS), 0, "what is left is enough");
    }
}

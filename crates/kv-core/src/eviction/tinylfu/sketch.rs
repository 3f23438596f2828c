//! How often keys were used that are not here: a count-min sketch of four-bit counters.
//!
//! A key's counters are four of a table, chosen by its hash; the least of them is its count, too great
//! when all four are shared. Counts are halved together, epoch by epoch, as those in the entries are.
//! Source: Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", 2017.

use crate::engine::allocated_bytes;
use crate::eviction::Fingerprint;

/// What a counter reaches.
pub(super) const COUNT_MAX: u32 = 15;

/// Counters of a key.
const ROWS: u32 = 4;

const COUNTER_BITS: u32 = 4;

/// Counters of a word.
const WORD_COUNTERS: usize = 16;

/// Each counter without its upper bit, after a shift by one.
const HALVED: u64 = 0x7777_7777_7777_7777;

/// One part of the counters is given back when there are so many times too many.
const SHRINK_BELOW: usize = 8;

/// Counts by key.
#[derive(Debug, Default)]
pub(super) struct Sketch {
    /// None, or a power of two.
    words: Vec<u64>,
}

impl Sketch {
    /// The count of a key, or more.
    pub(super) fn estimate(&self, key: Fingerprint) -> u32 {
        let counts = self.counters(key).map(|(word, shift)| self.count(word, shift));
        counts.min().unwrap_or(0)
    }

    /// Makes the count of a key at least so much.
    pub(super) fn raise(&mut self, key: Fingerprint, count: u32) {
        let count = count.min(COUNT_MAX);
        for (word, shift) in self.counters(key) {
            let missing = count.saturating_sub(self.count(word, shift));
            if let Some(word) = self.words.get_mut(word) {
                *word += u64::from(missing) << shift;
            }
        }
    }

    /// Halves every count.
    pub(super) fn halve(&mut self) {
        for word in &mut self.words {
            *word = *word >> 1 & HALVED;
        }
    }

    /// Makes room for the counts of a cache of so many keys, and loses none for it.
    pub(super) fn reserve(&mut self, keys: usize) {
        let wanted = words_for(keys);
        if self.words.is_empty() {
            self.words.reserve_exact(wanted);
            self.words.resize(wanted, 0);
        }
        while self.words.len() < wanted {
            // A longer hash ends as the shorter one did: counters are found in both halves.
            self.words.reserve_exact(self.words.len());
            self.words.extend_from_within(..);
        }
    }

    /// Gives memory back when it is far more than so many keys need.
    pub(super) fn shrink(&mut self, keys: usize) {
        let wanted = words_for(keys);
        if self.words.len() / SHRINK_BELOW >= wanted {
            self.words.truncate(wanted * 2);
            self.words.shrink_to_fit();
        }
    }

    /// By how much [`reserve`](Self::reserve) may grow [`heap_bytes`](Self::heap_bytes). What is copied to
    /// grow counts whole, and of several steps the last but one too.
    pub(super) fn bytes_to_grow(&self, keys: usize) -> usize {
        let (len, wanted) = (self.words.len(), words_for(keys));
        let before = if wanted / 2 > len { word_bytes(wanted / 2) } else { 0 };
        if wanted > len { word_bytes(wanted) + before } else { 0 }
    }

    /// Heap bytes, as the allocator rounds them.
    pub(super) fn heap_bytes(&self) -> usize {
        word_bytes(self.words.capacity())
    }

    fn count(&self, word: usize, shift: u32) -> u32 {
        let word = self.words.get(word).copied().unwrap_or(0);
        u32::try_from(word >> shift & u64::from(COUNT_MAX)).unwrap_or(0)
    }

    /// Word and shift of each of a key's counters; none when there are no words.
    fn counters(&self, key: Fingerprint) -> impl Iterator<Item = (usize, u32)> + use<> {
        let mask = self.words.len().checked_sub(1);
        let hash = key.spread();
        // Double hashing: an odd step visits other counters each time.
        let (start, step) = (hash >> 32, hash & u64::from(u32::MAX) | 1);
        (0..ROWS).filter_map(move |row| {
            let hash = start.wrapping_add(step.wrapping_mul(u64::from(row)));
            let counter = usize::try_from(hash & u64::from(u32::MAX)).ok()?;
            // The counter's bits are taken from the other end, so that growing adds bits above the word's.
            let within = u32::try_from(hash >> 28 & (WORD_COUNTERS as u64 - 1)).ok()?;
            Some((counter & mask?, within * COUNTER_BITS))
        })
    }
}

/// At least twelve counters for each key: with fewer, keys of the tail lend each other counts.
fn words_for(keys: usize) -> usize {
    (keys - keys / 4).next_power_of_two()
}

fn word_bytes(words: usize) -> usize {
    allocated_bytes(words * size_of::<u64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: usize = 1000;
    const NUMBERS: std::ops::Range<u32> = 0..1000;

    #[test]
    fn counts_are_never_too_low_and_seldom_too_high() {
        let mut sketch = Sketch::default();
        sketch.raise(Fingerprint(1), 5);
        assert_eq!(sketch.estimate(Fingerprint(1)), 0, "without memory nothing is counted");
        sketch.reserve(KEYS);
        for key in NUMBERS {
            sketch.raise(Fingerprint(key), key % 20);
        }
        let error = |key: u32| sketch.estimate(Fingerprint(key)) - (key % 20).min(COUNT_MAX);
        let errors = NUMBERS.filter(|key| error(*key) > 0).count();
        assert!(errors < 30, "{errors} of {KEYS} counts are too high");
        let strangers = (10_000..20_000).filter(|key| sketch.estimate(Fingerprint(*key)) > 0);
        let strangers = strangers.count();
        assert!(strangers < 500, "{strangers} of 10000 keys have counts and never came");
    }

    #[test]
    fn counts_are_halved_one_by_one() {
        let mut sketch = Sketch::default();
        sketch.reserve(KEYS);
        for key in 0..16 {
            sketch.raise(Fingerprint(key), key);
        }
        sketch.halve();
        for key in 0..16 {
            assert_eq!(sketch.estimate(Fingerprint(key)), key / 2);
        }
    }

    #[test]
    fn growing_keeps_counts_and_takes_what_it_said() {
        let mut sketch = Sketch::default();
        sketch.reserve(KEYS);
        (0..16).for_each(|key| sketch.raise(Fingerprint(key), key));
        let allowed = sketch.heap_bytes() + sketch.bytes_to_grow(8 * KEYS);
        sketch.reserve(8 * KEYS);
        assert!(sketch.heap_bytes() <= allowed);
        for key in 0..16 {
            assert_eq!(sketch.estimate(Fingerprint(key)), key);
        }
    }

    #[test]
    fn memory_goes_back_when_keys_are_few() {
        let mut sketch = Sketch::default();
        sketch.reserve(100 * KEYS);
        sketch.raise(Fingerprint(1), 7);
        let full = sketch.heap_bytes();
        sketch.shrink(40 * KEYS);
        assert_eq!(sketch.heap_bytes(), full, "not for a little");
        sketch.shrink(KEYS);
        assert!(sketch.heap_bytes() < full / 16);
        assert_eq!(sketch.bytes_to_grow(KEYS), 0, "what is left is enough");
    }
}

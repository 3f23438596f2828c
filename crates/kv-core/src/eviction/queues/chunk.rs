//! Keys of a queue that came one after another, in one allocation.

#![expect(clippy::indexing_slicing, reason = "a chunk holds no more keys than it has places")]

use crate::eviction::Fingerprint;

/// Keys of a chunk: as many as make it 128 bytes.
pub(super) const CHUNK_KEYS: usize = 28;

/// No chunk.
pub(super) const NONE: u32 = u32::MAX;

const _: () = assert!(size_of::<Chunk>() == 128, "a chunk fills its allocation");

/// Some keys of a queue, and the numbers of the chunks before and behind.
#[derive(Debug)]
pub(super) struct Chunk {
    keys: [Fingerprint; CHUNK_KEYS],
    /// Which of `keys` are in the queue.
    taken: u32,
    pub(super) older: u32,
    pub(super) newer: u32,
    pub(super) queue: u32,
}

impl Chunk {
    pub(super) fn empty() -> Self {
        let keys = [Fingerprint(0); CHUNK_KEYS];
        Self { keys, taken: 0, older: NONE, newer: NONE, queue: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.taken.count_ones() as usize
    }

    /// The oldest key.
    pub(super) fn first(&self) -> Option<Fingerprint> {
        self.each().next()
    }

    /// Every key, the oldest first.
    pub(super) fn each(&self) -> impl Iterator<Item = Fingerprint> {
        let taken = self.taken;
        self.keys
            .into_iter()
            .enumerate()
            .filter(move |(at, _)| taken >> at & 1 == 1)
            .map(|(_, key)| key)
    }

    /// Adds a key behind the others, and tells whether there was room.
    pub(super) fn push(&mut self, key: Fingerprint) -> bool {
        let end = (u32::BITS - self.taken.leading_zeros()) as usize;
        if end == CHUNK_KEYS {
            return false;
        }
        self.keys[end] = key;
        self.taken |= 1 << end;
        true
    }

    /// Removes a key, and tells whether it was there.
    pub(super) fn remove(&mut self, key: Fingerprint) -> bool {
        let at = (0..CHUNK_KEYS).find(|at| self.keys[*at] == key && self.taken >> at & 1 == 1);
        self.taken &= !at.map_or(0, |at| 1 << at);
        at.is_some()
    }

    /// Removes every key.
    pub(super) fn clear(&mut self) {
        self.taken = 0;
    }

    /// Takes over the keys of the chunk behind, if there are few enough.
    pub(super) fn absorb(&mut self, newer: &Self) {
        let mut merged = Self { taken: 0, ..*self };
        for key in self.each().chain(newer.each()) {
            merged.push(key);
        }
        *self = merged;
    }
}

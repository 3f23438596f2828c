//! From a key to its shard and fingerprint, with one hash.

use std::hash::Hasher as _;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;

use crate::eviction::Fingerprint;

/// Hashes keys with a seed that clients do not know.
///
/// The seed alone decides, in whatever process: a key stays in its shard from start to start, so that a
/// snapshot is loaded shard by shard. Nothing here is shared between hashers.
#[derive(Debug, Clone)]
pub(crate) struct KeyHasher {
    seed: u64,
    /// Secret too: with known ones, keys could be chosen that collide whatever the seed.
    shared: SharedSeed,
    shard_mask: usize,
}

/// Where a key belongs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Location {
    pub(crate) shard: usize,
    pub(crate) fingerprint: Fingerprint,
}

impl KeyHasher {
    /// A hasher for a power of two of shards.
    pub(crate) fn new(seed: u64, shards: usize) -> Self {
        // Drawn apart from what `SharedSeed` makes of the same seed.
        let mut random = fastrand::Rng::with_seed(seed);
        Self {
            seed: random.u64(..),
            shared: SharedSeed::from_u64(random.u64(..)),
            shard_mask: shards - 1,
        }
    }

    /// Hashes a key. Shard and fingerprint come from disjoint bits of the hash, so that the keys of one
    /// shard have independent fingerprints.
    #[inline]
    pub(crate) fn locate(&self, key: &[u8]) -> Location {
        let mut hasher = FoldHasher::with_seed(self.seed, &self.shared);
        hasher.write(key);
        let hash = hasher.finish();
        #[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
        let fingerprint = Fingerprint(hash as u32);
        Location { shard: (hash >> 32) as usize & self.shard_mask, fingerprint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_alone_decides_where_a_key_belongs() {
        // Another store of the process came first, with another seed.
        let first = KeyHasher::new(1, 1024).locate(b"key:000000000001");
        let located = KeyHasher::new(2, 1024).locate(b"key:000000000001");
        assert_ne!(located, first);
        // As every other process finds: written down, since one process cannot show it. If a library changes
        // what it hashes to, the keys of older snapshots change shards once, which only makes loading slower.
        let expected = Location { shard: 958, fingerprint: Fingerprint(983_952_858) };
        assert_eq!(located, expected);
    }
}

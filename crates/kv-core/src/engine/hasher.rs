//! From a key to its shard and fingerprint, with one hash.

use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;

use crate::eviction::Fingerprint;

/// The part of the seed that all hashers of a process share, drawn from the first one's seed.
static SHARED_SEED: OnceLock<SharedSeed> = OnceLock::new();

/// Hashes keys with a seed that clients do not know.
#[derive(Debug, Clone)]
pub(crate) struct KeyHasher {
    state: SeedableRandomState,
    shard_mask: usize,
}

/// Where a key belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Location {
    pub(crate) shard: usize,
    pub(crate) fingerprint: Fingerprint,
}

impl KeyHasher {
    /// A hasher for a power of two of shards.
    pub(crate) fn new(seed: u64, shards: usize) -> Self {
        let shared = SHARED_SEED.get_or_init(|| SharedSeed::from_u64(seed));
        Self { state: SeedableRandomState::with_seed(seed, shared), shard_mask: shards - 1 }
    }

    /// Hashes a key. Shard and fingerprint come from disjoint bits of the hash, so that the keys of one
    /// shard have independent fingerprints.
    pub(crate) fn locate(&self, key: &[u8]) -> Location {
        let mut hasher = self.state.build_hasher();
        hasher.write(key);
        let hash = hasher.finish();
        #[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
        let fingerprint = Fingerprint(hash as u32);
        Location { shard: (hash >> 32) as usize & self.shard_mask, fingerprint }
    }
}

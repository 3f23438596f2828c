//! What persistence needs of a store: to copy its state out while it serves, and to fill it again.

use bytes::Bytes;

use crate::eviction::Fingerprint;
use crate::journal::Effect;
use crate::types::{Lsn, UnixMillis, Value, Version};

/// A key as a snapshot takes it.
#[derive(Debug, Clone, Copy)]
pub struct ImageEntry<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: ImageValue<'a>,
    /// The key's version.
    pub version: Version,
    /// When the key ends.
    pub expiry: Option<UnixMillis>,
}

/// A value, and how it can be kept beyond the visit.
#[derive(Debug, Clone, Copy)]
pub enum ImageValue<'a> {
    /// By copying it.
    Borrowed(&'a [u8]),
    /// By cloning it, which costs little; these are large, and may still be compressed.
    Shared(&'a Value),
}

impl ImageValue<'_> {
    /// Length in bytes.
    pub fn len(self) -> usize {
        match self {
            Self::Borrowed(value) => value.len(),
            Self::Shared(value) => value.len(),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The value, to be kept.
    pub fn to_value(self) -> Value {
        match self {
            Self::Borrowed(value) => Bytes::copy_from_slice(value).into(),
            Self::Shared(value) => value.clone(),
        }
    }
}

/// Where a walk through one shard has got to. Starts with [`Default`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShardCursor {
    /// Keys with this fingerprint or a greater one are still to be visited.
    pub(crate) position: Fingerprint,
}

/// How much one call of [`SnapshotSource::visit`] may copy under a shard's lock.
#[derive(Debug, Clone, Copy)]
pub struct VisitBudget {
    /// Entries at most; a few more where keys share what the cursor tells them apart by.
    pub entries: usize,
    /// A visit ends with the entry that reaches this many bytes copied: keys and borrowed values, those that had to
    /// be decompressed twice.
    pub bytes: usize,
    /// A visit ends with the entry that reaches this many bytes of shared values, as they are kept: whoever keeps
    /// them keeps their memory, even if the store drops them meanwhile.
    pub shared_bytes: usize,
}

/// A store that can be copied while it changes: shard by shard, in short visits.
///
/// Contract: with `start = shard_position(s)` taken before the first visit of shard `s` and `end =
/// shard_position(s)` after the last, what the visits gave, changed by the journal's effects on the shard
/// with positions in `start < p <= end` in their order, is the shard's state at `end`. What is visited may
/// hold changes after `start` already: effects are states, so replaying them once more does no harm.
pub trait SnapshotSource: Send + Sync {
    /// Number of shards.
    fn shards(&self) -> u32;

    /// A position between the shard's last change and its next.
    fn shard_position(&self, shard: u32) -> Lsn;

    /// No change that is in the journal at or before any [`shard_position`](Self::shard_position) told so
    /// far has a greater version. Takes every shard's lock in turn.
    fn last_version(&self) -> Version;

    /// Shows entries to `visitor` until the budget is spent, under the shard's lock, and tells whether
    /// there may be more. Expired entries are shown too: a later effect may prolong them.
    fn visit(
        &self,
        shard: u32,
        cursor: &mut ShardCursor,
        budget: VisitBudget,
        visitor: &mut dyn FnMut(ImageEntry<'_>),
    ) -> bool;

    /// Keys held now; only for showing progress.
    fn keys(&self) -> u64;
}

/// A store that can be filled with what a journal and a snapshot kept.
///
/// Effects of one key must come in the order they were journalled; effects of different keys may come in
/// any order and from several threads. Applying a sequence twice leaves the state of applying it once
/// (KV-I3), and an effect older than what a key holds changes nothing. Nothing is journalled. The memory
/// limit does not hold meanwhile: a full store must be able to load what it held.
pub trait ReplayTarget: Send + Sync {
    /// Says how many keys are going to be replayed, so that tables need not grow step by step. Costs nothing:
    /// room is made when a shard's first key comes. 0 says that nothing is known of what comes from now on.
    fn reserve(&self, keys: u64);

    /// Applies effects. Fastest when those of one shard follow each other.
    fn replay(&self, effects: &[Effect<'_>]);

    /// Counts a version as seen: no key had a greater one when a snapshot was taken. The keys that were
    /// deleted before are in no snapshot, and perhaps no longer in the journal.
    fn raise_version(&self, seen: Version);

    /// Drops every key that was replayed, as if nothing had been: what was read turned out to be damaged,
    /// and something else is going to be replayed. Only before [`finish_replay`](Self::finish_replay).
    fn discard(&self);

    /// Ends the replay: drops what has expired meanwhile, and makes every version from now on greater
    /// than every one seen, of whatever key: a key that was deleted, and left no effect, may have had any
    /// of them (KV-I4).
    fn finish_replay(&self);
}

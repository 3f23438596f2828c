//! Which key goes when memory is short: the policy trait and the policies that ship.
//!
//! A policy never deletes: it names a victim, and the engine deletes it. Per key it may keep 24 bits in
//! the entry ([`PolicyBits`]), and whatever it likes per shard. It refers to keys by [`Fingerprint`],
//! which stays the same while the key lives, whatever the table does with its slots. Some policies sample
//! residents and keep nothing else (`sampled`), others keep them in queues (`queues`). See ADR-0020.

mod fifo;
mod kind;
mod lfu;
mod lru;
mod none;
mod queues;
mod random;
mod s3fifo;
mod sampled;
mod ticks;
mod tinylfu;
mod ttl;

use std::fmt;

pub use kind::{PolicyKind, UnknownPolicy};

use crate::types::UnixMillis;

/// 32 bits of a key's hash: how policies and the TTL index refer to a key of a shard.
///
/// Two keys of one shard may share a fingerprint (one pair in 2³² at random); confusing them must cost
/// accuracy only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Fingerprint(pub u32);

impl Fingerprint {
    /// A hash of it whose upper half depends on every bit.
    pub(crate) fn spread(self) -> u64 {
        let mixed = u64::from(self.0 ^ self.0 >> 16).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed ^ mixed >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93)
    }
}

/// What a policy keeps in each entry. Its meaning is the policy's own. Entries keep the lower
/// [`BITS`](PolicyBits::BITS) of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PolicyBits(pub u32);

impl PolicyBits {
    /// So many bits.
    pub const BITS: u32 = 24;

    /// All of them.
    pub const MAX: Self = Self((1 << Self::BITS) - 1);
}

/// A resident key as a policy sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The key.
    pub fingerprint: Fingerprint,
    /// What the policy keeps with it.
    pub bits: PolicyBits,
    /// When it expires.
    pub expiry: Option<UnixMillis>,
}

/// The keys of one shard, as a policy may look at them while it chooses.
pub trait Residents {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them, uniformly at random; `None` only when there are none.
    fn sample(&mut self) -> Option<Candidate>;

    /// The one with this fingerprint.
    fn find(&self, fingerprint: Fingerprint) -> Option<Candidate>;

    /// Replaces what the policy keeps with a key; does nothing when it is gone.
    fn set_bits(&mut self, fingerprint: Fingerprint, bits: PolicyBits);

    /// How many reads have found their key so far.
    fn hits(&self) -> u64;

    /// The one that expires first, as exactly as the TTL index orders keys; `None` when no key has an
    /// expiry.
    fn soonest_expiry(&mut self) -> Option<Candidate>;
}

/// Names victims for one shard. Called under the shard's lock only.
///
/// Only `victim` must be written; the rest defaults to a policy that keeps nothing.
///
/// Contract:
/// * Each resident key was announced by one `on_insert` and will be by one `on_remove`, whether it is
///   deleted, expires or is evicted. `on_hit` comes for reads and overwrites of resident keys.
/// * `victim` returns a fingerprint that `residents` finds, or `None` when the policy would rather
///   refuse the write. It does not remove anything; `on_remove` follows when the engine has.
/// * When `on_remove` comes, `residents` does not find the key any more.
/// * Every method is O(1) amortised: a hit is a few instructions and touches nothing but the policy and
///   the returned bits; `victim` looks at a bounded number of keys on average.
/// * `heap_bytes` is exact: it counts against the memory limit, and must only grow in `on_insert`, by
///   at most [`EvictionPolicy::bytes_to_grow`].
pub trait EvictionPolicy: Send + fmt::Debug {
    /// A key became resident; returns what to keep with it.
    fn on_insert(&mut self, _fingerprint: Fingerprint) -> PolicyBits {
        PolicyBits::default()
    }

    /// A resident key was read or overwritten; returns what to keep with it from now on.
    fn on_hit(&mut self, _fingerprint: Fingerprint, bits: PolicyBits) -> PolicyBits {
        bits
    }

    /// A key is no longer resident.
    fn on_remove(
        &mut self,
        _fingerprint: Fingerprint,
        _bits: PolicyBits,
        _residents: &mut dyn Residents,
    ) {
    }

    /// How often a key with these bits was used lately, on the policy's own scale; `None` when it does not
    /// count.
    fn frequency(&self, _bits: PolicyBits) -> Option<u8> {
        None
    }

    /// Names the key to evict next.
    fn victim(&mut self, residents: &mut dyn Residents) -> Option<Fingerprint>;

    /// Heap bytes the policy holds for this shard.
    fn heap_bytes(&self) -> usize {
        0
    }

    /// Bytes to have in hand before so many `on_insert`: by how much they may grow
    /// [`heap_bytes`](Self::heap_bytes). A part that is copied to grow counts whole, because old and new exist
    /// together meanwhile.
    fn bytes_to_grow(&self, _inserts: usize) -> usize {
        0
    }
}

/// Changes what a policy keeps with a key, if it is there.
fn change_bits(
    residents: &mut dyn Residents,
    key: Fingerprint,
    change: impl FnOnce(PolicyBits) -> PolicyBits,
) {
    if let Some(found) = residents.find(key) {
        residents.set_bits(key, change(found.bits));
    }
}

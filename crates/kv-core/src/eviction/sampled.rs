//! Eviction by sampling: the shared mechanism of the lru, lfu and fifo policies.
//!
//! Each choice looks at a few random residents, and keeps the best candidates it has seen in a small
//! pool from one choice to the next. That comes close to the exact order without any list to maintain
//! on a hit. Source: Redis `evict.c` (maxmemory-samples, eviction pool). In a shard with no more keys
//! than [`SAMPLES`] the order is exact but for chance.

use super::{EvictionPolicy, Fingerprint, PolicyBits, Residents};

/// Residents looked at per choice.
const SAMPLES: usize = 10;

/// Candidates kept between choices.
const POOL_MAX: usize = 16;

const _: () = assert!(POOL_MAX > 1, "the pool must outlive one choice to be of use");

/// What a sampled policy knows of a key, and how much it wants it gone.
pub(super) trait Rank: Send + std::fmt::Debug {
    /// A key came: the bits to keep with it.
    fn admit(&mut self) -> PolicyBits;

    /// A key was used: the bits to keep with it from now on.
    fn touch(&mut self, bits: PolicyBits) -> PolicyBits;

    /// A key went.
    fn forget(&mut self) {}

    /// As [`EvictionPolicy::frequency`].
    fn frequency(&self, _bits: PolicyBits) -> Option<u8> {
        None
    }

    /// How much a key with these bits should go; the greatest goes first.
    fn urgency(&self, bits: PolicyBits) -> u32;
}

/// A policy that samples residents and evicts the one its rank finds most urgent.
#[derive(Debug)]
pub(super) struct Sampled<R> {
    rank: R,
    /// Candidates of earlier choices, in no order. Each may have been used or have gone since.
    pool: Vec<(Fingerprint, PolicyBits)>,
}

impl<R: Rank> Sampled<R> {
    pub(super) fn new(rank: R) -> Self {
        // Allocated once, at its largest, so that the policy's memory never changes.
        Self { rank, pool: Vec::with_capacity(POOL_MAX + SAMPLES) }
    }

    fn refill(&mut self, residents: &mut dyn Residents) {
        for _ in 0..SAMPLES.min(residents.len().saturating_mul(2)) {
            let Some(found) = residents.sample() else {
                return;
            };
            if !self.pool.iter().any(|(known, _)| *known == found.fingerprint) {
                self.pool.push((found.fingerprint, found.bits));
            }
        }
    }

    fn take_most_urgent(&mut self) -> Option<(Fingerprint, PolicyBits)> {
        let urgency =
            |(_, (_, bits)): &(usize, &(Fingerprint, PolicyBits))| self.rank.urgency(*bits);
        let index = self.pool.iter().enumerate().max_by_key(urgency)?.0;
        Some(self.pool.swap_remove(index))
    }

    fn trim(&mut self) {
        if self.pool.len() > POOL_MAX {
            let rank = &self.rank;
            self.pool.sort_unstable_by_key(|(_, bits)| std::cmp::Reverse(rank.urgency(*bits)));
            self.pool.truncate(POOL_MAX);
        }
    }
}

impl<R: Rank> EvictionPolicy for Sampled<R> {
    fn on_insert(&mut self, _fingerprint: Fingerprint) -> PolicyBits {
        self.rank.admit()
    }

    fn on_hit(&mut self, _fingerprint: Fingerprint, bits: PolicyBits) -> PolicyBits {
        self.rank.touch(bits)
    }

    fn on_remove(
        &mut self,
        _fingerprint: Fingerprint,
        _bits: PolicyBits,
        _residents: &mut dyn Residents,
    ) {
        self.rank.forget();
    }

    fn frequency(&self, bits: PolicyBits) -> Option<u8> {
        self.rank.frequency(bits)
    }

    fn victim(&mut self, residents: &mut dyn Residents) -> Option<Fingerprint> {
        while !residents.is_empty() {
            self.refill(residents);
            while let Some((fingerprint, bits)) = self.take_most_urgent() {
                // Used or replaced since it was seen: what the pool knows of it is out of date.
                if residents.find(fingerprint).is_some_and(|now| now.bits == bits) {
                    self.trim();
                    return Some(fingerprint);
                }
            }
        }
        None
    }

    fn heap_bytes(&self) -> usize {
        self.pool.capacity() * size_of::<(Fingerprint, PolicyBits)>()
    }
}

//! `lfu`: the key used least often goes first; old fame fades.
//!
//! A use raises a key's 8-bit counter with a probability that falls as the counter rises (a Morris
//! counter, as in Redis `evict.c`), so that it covers millions of uses. Time is counted in epochs of as
//! many uses as ten per resident key, and each epoch lowers every counter by one, on paper: the
//! subtraction is made when the counter is next looked at.

use super::PolicyBits;
use super::sampled::Rank;

/// The counter a key starts with, so that it is not the next victim before it could be used.
const COUNT_INITIAL: u32 = 5;

const COUNT_MAX: u32 = 255;

/// How quickly a rising counter gets harder to raise: 255 is reached after about a million uses.
const GROWTH_FACTOR: u32 = 10;

/// Uses per resident key in an epoch.
const EPOCH_USES_PER_KEY: u64 = 10;

/// Bits of the counter; the rest holds the epoch of the last use.
const COUNT_BITS: u32 = 8;

/// A key untouched for so many epochs, of 655 thousand uses per resident key, looks used once.
const EPOCH_MASK: u32 = PolicyBits::MAX.0 >> COUNT_BITS;

/// Orders keys by how often they were used lately.
#[derive(Debug)]
pub(super) struct Frequency {
    random: fastrand::Rng,
    residents: u64,
    uses_in_epoch: u64,
    /// Wraps at 16 bits.
    epoch: u32,
}

impl Frequency {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), residents: 0, uses_in_epoch: 0, epoch: 0 }
    }

    fn pack(&self, count: u32) -> PolicyBits {
        PolicyBits(self.epoch << COUNT_BITS | count)
    }

    fn count(&self, bits: PolicyBits) -> u32 {
        let seen = bits.0 >> COUNT_BITS;
        let epochs_since = self.epoch.wrapping_sub(seen) & EPOCH_MASK;
        (bits.0 & COUNT_MAX).saturating_sub(epochs_since)
    }

    fn count_use(&mut self) {
        self.uses_in_epoch += 1;
        if self.uses_in_epoch >= EPOCH_USES_PER_KEY * self.residents.max(1) {
            self.uses_in_epoch = 0;
            self.epoch = self.epoch.wrapping_add(1) & EPOCH_MASK;
        }
    }
}

impl Rank for Frequency {
    fn admit(&mut self) -> PolicyBits {
        self.residents += 1;
        self.pack(COUNT_INITIAL)
    }

    fn touch(&mut self, bits: PolicyBits) -> PolicyBits {
        self.count_use();
        let count = self.count(bits);
        let odds = count.saturating_sub(COUNT_INITIAL) * GROWTH_FACTOR + 1;
        let raise = count < COUNT_MAX && self.random.u32(0..odds) == 0;
        self.pack(count + u32::from(raise))
    }

    fn forget(&mut self) {
        self.residents = self.residents.saturating_sub(1);
    }

    fn frequency(&self, bits: PolicyBits) -> Option<u8> {
        u8::try_from(self.count(bits)).ok()
    }

    fn urgency(&self, bits: PolicyBits) -> u32 {
        COUNT_MAX - self.count(bits)
    }
}

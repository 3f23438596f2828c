//! `lru`: the key unused for longest goes first.

use super::PolicyBits;
use super::sampled::Rank;

/// Orders keys by when they were last used, on a clock that ticks with every use.
#[derive(Debug, Default)]
pub(super) struct Recency {
    /// Wraps after 2³² uses of one shard; a key untouched for that long looks young once.
    tick: u32,
}

impl Recency {
    fn next(&mut self) -> PolicyBits {
        self.tick = self.tick.wrapping_add(1);
        PolicyBits(self.tick)
    }
}

impl Rank for Recency {
    fn admit(&mut self) -> PolicyBits {
        self.next()
    }

    fn touch(&mut self, _bits: PolicyBits) -> PolicyBits {
        self.next()
    }

    fn urgency(&self, bits: PolicyBits) -> u32 {
        self.tick.wrapping_sub(bits.0)
    }
}

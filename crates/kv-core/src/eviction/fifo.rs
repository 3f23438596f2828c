//! `fifo`: the key that came first goes first, however much it is used.

use super::PolicyBits;
use super::sampled::Rank;

/// Orders keys by when they came.
#[derive(Debug, Default)]
pub(super) struct InsertionOrder {
    /// Wraps after 2³² insertions into one shard.
    arrivals: u32,
}

impl Rank for InsertionOrder {
    fn admit(&mut self) -> PolicyBits {
        self.arrivals = self.arrivals.wrapping_add(1);
        PolicyBits(self.arrivals)
    }

    fn touch(&mut self, bits: PolicyBits) -> PolicyBits {
        bits
    }

    fn urgency(&self, bits: PolicyBits) -> u32 {
        self.arrivals.wrapping_sub(bits.0)
    }
}

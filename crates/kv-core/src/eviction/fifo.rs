//! `fifo`: the key that came first goes first, however much it is used.

use super::PolicyBits;
use super::sampled::Rank;
use super::ticks::Ticks;

/// Orders keys by when they came, on a clock that ticks with the arrivals.
#[derive(Debug, Default)]
pub(super) struct InsertionOrder {
    arrivals: Ticks,
}

impl Rank for InsertionOrder {
    fn admit(&mut self) -> PolicyBits {
        self.arrivals.count_in();
        self.arrivals.next()
    }

    fn touch(&mut self, bits: PolicyBits) -> PolicyBits {
        bits
    }

    fn forget(&mut self) {
        self.arrivals.count_out();
    }

    fn urgency(&self, bits: PolicyBits) -> u32 {
        self.arrivals.since(bits)
    }
}

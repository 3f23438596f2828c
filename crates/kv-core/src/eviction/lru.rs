//! `lru`: the key unused for longest goes first.

use super::PolicyBits;
use super::sampled::Rank;
use super::ticks::Ticks;

/// Orders keys by when they were last used, on a clock that ticks with the uses.
#[derive(Debug, Default)]
pub(super) struct Recency {
    uses: Ticks,
}

impl Rank for Recency {
    fn admit(&mut self) -> PolicyBits {
        self.uses.count_in();
        self.uses.next()
    }

    fn touch(&mut self, _bits: PolicyBits) -> PolicyBits {
        self.uses.next()
    }

    fn forget(&mut self) {
        self.uses.count_out();
    }

    fn urgency(&self, bits: PolicyBits) -> u32 {
        self.uses.since(bits)
    }
}

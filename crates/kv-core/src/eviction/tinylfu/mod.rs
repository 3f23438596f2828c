//! `tinylfu`: a key that would stay must have been used more often than one that would have to go.
//!
//! New keys enter a window, a short FIFO queue. The key that leaves it meets the least used of a few keys from
//! the main part, and of the two the one used less often lately is evicted. Uses are counted in the entry
//! while the key is here, up to 15, and in a [`Sketch`] when it is gone: so a hit costs one store, the count goes on
//! where it ended when the key comes back, and keys met once need no filter of their own. How large the
//! window is follows from what it achieves ([`Climber`]).
//!
//! Source: Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", 2017
//! (W-TinyLFU); the main part is sampled as in Ristretto, so that it needs no memory.

mod climber;
mod sketch;

use super::queues::{self, Queues};
use super::{Candidate, EvictionPolicy, Fingerprint, PolicyBits, Residents, change_bits};
use climber::Climber;
use sketch::{COUNT_MAX, Sketch};

const WINDOW: usize = 0;

/// Accesses per resident in an epoch, at whose end every count is halved.
const EPOCH_ACCESSES_PER_KEY: u64 = 20;

/// Accesses in an epoch at least: the hit ratio of fewer is chance.
const EPOCH_ACCESSES_MIN: u64 = 2000;

/// Residents looked at to find the one used least.
const SAMPLES: usize = 4;

/// Keys that leave a window that is too large for each victim, without a contest.
const MOVES_MAX: usize = 16;

/// Bits of a key's place in the window: for 917 thousand keys. When the window is to be larger, keys come into the main
/// part at once.
const PLACE_BITS: u32 = 15;

type Place = queues::Place<PLACE_BITS>;

/// What each entry holds: whether it is in the window, its count and the epoch that was made in, and its
/// place in the window.
#[derive(Debug, Clone, Copy)]
struct Mark {
    in_window: bool,
    count: u32,
    epoch: u32,
    place: Place,
}

impl Mark {
    const COUNT_SHIFT: u32 = 1;
    const EPOCH_SHIFT: u32 = 5;
    const PLACE_SHIFT: u32 = 9;
    const EPOCH_MASK: u32 = 15;

    fn from_bits(PolicyBits(bits): PolicyBits) -> Self {
        Self {
            in_window: bits & 1 != 0,
            count: bits >> Self::COUNT_SHIFT & COUNT_MAX,
            epoch: bits >> Self::EPOCH_SHIFT & Self::EPOCH_MASK,
            place: Place::from_number(bits >> Self::PLACE_SHIFT),
        }
    }

    fn to_bits(self) -> PolicyBits {
        let count = self.count << Self::COUNT_SHIFT | self.epoch << Self::EPOCH_SHIFT;
        PolicyBits(u32::from(self.in_window) | count | self.place.number() << Self::PLACE_SHIFT)
    }

    /// The count as it is in an epoch: halved for each that has passed.
    fn count_in(self, epoch: u32) -> u32 {
        self.count >> (epoch.wrapping_sub(self.epoch) & Self::EPOCH_MASK)
    }
}

const _: () = assert!(PLACE_BITS + Mark::PLACE_SHIFT <= PolicyBits::BITS);

/// What one shard knows of its keys.
#[derive(Debug, Default)]
pub(super) struct TinyLfu {
    window: Queues<1, PLACE_BITS>,
    sketch: Sketch,
    climber: Climber,
    residents: usize,
    /// Wraps at four bits.
    epoch: u32,
    inserts_in_epoch: u64,
    /// As [`Residents::hits`] was when the epoch began.
    hits_before: u64,
    /// A resident of the main part that is used little.
    weakest: Option<Fingerprint>,
    /// The key of the window that was named last. If it is still there, it was spared.
    named: Option<Fingerprint>,
    /// Whether a key was ever evicted; before that no count is missed.
    evicts: bool,
}

impl TinyLfu {
    fn count(&self, bits: PolicyBits) -> u32 {
        Mark::from_bits(bits).count_in(self.epoch)
    }

    fn begin(&mut self, hits: u64) {
        if !std::mem::replace(&mut self.evicts, true) {
            (self.hits_before, self.inserts_in_epoch) = (hits, 0);
        }
    }

    fn turn_epoch(&mut self, hits_now: u64) {
        let hits = hits_now.saturating_sub(self.hits_before);
        let accesses = hits + self.inserts_in_epoch;
        let length = EPOCH_ACCESSES_PER_KEY * self.residents as u64;
        if accesses < length.max(EPOCH_ACCESSES_MIN) {
            return;
        }
        self.climber.climb(hits, accesses);
        self.sketch.halve();
        self.epoch = (self.epoch + 1) & Mark::EPOCH_MASK;
        (self.hits_before, self.inserts_in_epoch) = (hits_now, 0);
    }

    /// Moves the first key of the window to the main part.
    fn leave_window(&mut self, residents: &mut dyn Residents) {
        if let Some(key) = self.window.pop(WINDOW) {
            change_bits(residents, key, |bits| {
                Mark { in_window: false, place: Place::NOWHERE, ..Mark::from_bits(bits) }.to_bits()
            });
        }
    }

    /// Brings a window that is too large closer to its size.
    fn trim_window(&mut self, size: usize, residents: &mut dyn Residents) {
        let excess = self.window.len().saturating_sub(size);
        (0..excess.min(MOVES_MAX)).for_each(|_| self.leave_window(residents));
    }

    /// The least used of a few keys of the main part, and of the least used found before.
    fn find_weakest(&mut self, residents: &mut dyn Residents) -> Option<Candidate> {
        let known = self.weakest.take().and_then(|key| residents.find(key));
        let mut weakest = known.filter(is_in_main);
        for _ in 0..SAMPLES {
            let found = residents.sample().filter(is_in_main);
            let found = found.filter(|found| {
                weakest.is_none_or(|weakest| self.count(found.bits) < self.count(weakest.bits))
            });
            weakest = found.or(weakest);
        }
        weakest
    }

    /// The first key of the window, unless the window is smaller than it should be.
    fn find_candidate(&mut self, size: usize, residents: &mut dyn Residents) -> Option<Candidate> {
        if self.named.take().is_some_and(|named| self.window.first(WINDOW) == Some(named)) {
            self.leave_window(residents);
        }
        let first = self.window.first(WINDOW).filter(|_| self.window.len() >= size)?;
        let found = residents.find(first);
        if found.is_none() {
            // Of two keys with one fingerprint, the other has gone.
            self.window.pop(WINDOW);
        }
        found
    }

    /// Who goes, of the key that would leave the window and the weakest of the main part.
    fn contest(
        &mut self,
        candidate: Candidate,
        weakest: Option<Candidate>,
        residents: &mut dyn Residents,
    ) -> Fingerprint {
        match weakest {
            Some(weakest) if self.count(candidate.bits) > self.count(weakest.bits) => {
                self.leave_window(residents);
                weakest.fingerprint
            }
            _ => {
                self.weakest = weakest.map(|found| found.fingerprint);
                self.named = Some(candidate.fingerprint);
                candidate.fingerprint
            }
        }
    }
}

impl EvictionPolicy for TinyLfu {
    fn on_insert(&mut self, fingerprint: Fingerprint) -> PolicyBits {
        self.window.reserve();
        self.residents += 1;
        self.inserts_in_epoch += 1;
        if self.evicts {
            self.sketch.reserve(self.residents);
        }
        let count = (self.sketch.estimate(fingerprint) + 1).min(COUNT_MAX);
        // Until the store is full, there is room in the main part.
        let in_window = self.evicts || self.window.len() < self.climber.window(self.residents);
        let place = if in_window { self.window.push(WINDOW, fingerprint) } else { Place::NOWHERE };
        let in_window = place != Place::NOWHERE;
        Mark { in_window, count, epoch: self.epoch, place }.to_bits()
    }

    fn on_hit(&mut self, _fingerprint: Fingerprint, bits: PolicyBits) -> PolicyBits {
        let mark = Mark::from_bits(bits);
        let count = (mark.count_in(self.epoch) + 1).min(COUNT_MAX);
        Mark { count, epoch: self.epoch, ..mark }.to_bits()
    }

    fn on_remove(
        &mut self,
        fingerprint: Fingerprint,
        bits: PolicyBits,
        residents: &mut dyn Residents,
    ) {
        self.residents = self.residents.saturating_sub(1);
        self.sketch.raise(fingerprint, self.count(bits));
        self.sketch.shrink(self.residents);
        self.window.remove(fingerprint, Mark::from_bits(bits).place, |key, place| {
            change_bits(residents, key, |bits| Mark { place, ..Mark::from_bits(bits) }.to_bits());
        });
    }

    fn frequency(&self, bits: PolicyBits) -> Option<u8> {
        u8::try_from(self.count(bits)).ok()
    }

    fn victim(&mut self, residents: &mut dyn Residents) -> Option<Fingerprint> {
        self.begin(residents.hits());
        self.turn_epoch(residents.hits());
        let size = self.climber.window(residents.len());
        self.trim_window(size, residents);
        let candidate = self.find_candidate(size, residents);
        let weakest = self.find_weakest(residents);
        let victim = match candidate {
            Some(candidate) => Some(self.contest(candidate, weakest, residents)),
            None => weakest.map(|weakest| weakest.fingerprint),
        };
        victim.or_else(|| residents.sample().map(|found| found.fingerprint))
    }

    fn heap_bytes(&self) -> usize {
        self.window.heap_bytes() + self.sketch.heap_bytes()
    }

    fn bytes_to_grow(&self, inserts: usize) -> usize {
        let keys = self.residents + inserts;
        let sketch = if self.evicts { self.sketch.bytes_to_grow(keys) } else { 0 };
        self.window.bytes_to_grow(inserts) + sketch
    }
}

fn is_in_main(found: &Candidate) -> bool {
    !Mark::from_bits(found.bits).in_window
}

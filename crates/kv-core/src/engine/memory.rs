//! Byte accounting: what an allocation costs, and the one counter that holds the memory limit.
//!
//! The limit holds at every moment (KV-I9) because bytes are reserved before they are used: a shard
//! draws credit from the [`MemoryTracker`], a compare-and-swap that never passes the limit, and spends
//! only what it holds. Drawing in quanta keeps the shared counter out of most writes.

use crate::sync::{AtomicU64, Ordering};

/// The largest amount a shard draws at once beyond its need.
const QUANTUM_BYTES_MAX: u64 = 64 << 10;

/// All shards together idle at most about twice the limit divided by this.
const QUANTUM_LIMIT_DIVISOR: u64 = 64;

/// What the allocator takes for a request: multiples of 16 up to 64 bytes, then four sizes to each power
/// of two. These are the size classes of mimalloc, which kv-server uses, and of jemalloc.
pub(crate) const fn allocated_bytes(requested: usize) -> usize {
    match requested {
        0..=64 => requested.next_multiple_of(16),
        _ => requested.next_multiple_of(1 << ((requested - 1).ilog2() - 2)),
    }
}

/// Counts the bytes shards have reserved, and never lets them pass the limit.
///
/// What is reserved is what every store of so many shards needs, and what each shard holds
/// ([`ShardMemory`]).
#[derive(Debug)]
pub(crate) struct MemoryTracker {
    /// 0 for no limit.
    limit: AtomicU64,
    /// What shards draw beyond their need; follows from the limit.
    quantum: AtomicU64,
    shards: usize,
    /// In use by the empty store, and never to be freed.
    base: u64,
    reserved: AtomicU64,
    /// Of those, what nobody uses any more and somebody is about to give back to the allocator.
    leaving: AtomicU64,
}

impl MemoryTracker {
    /// A tracker for `shards` shards, without a limit. `base` bytes are in use from the start.
    pub(crate) fn new(shards: usize, base: u64) -> Self {
        let (limit, quantum) = (AtomicU64::new(0), AtomicU64::new(0));
        let (reserved, leaving) = (AtomicU64::new(base), AtomicU64::new(0));
        Self { limit, quantum, shards, base, reserved, leaving }
    }

    /// The limit; 0 for none.
    pub(crate) fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Changes the limit. From now on nothing is reserved that would pass it; what has been, is not undone.
    /// Every shard must hold what it uses before there is a limit.
    pub(crate) fn set_limit(&self, limit: u64) {
        let quantum = match limit {
            0 => QUANTUM_BYTES_MAX,
            _ => (limit / (self.shards as u64 * QUANTUM_LIMIT_DIVISOR)).min(QUANTUM_BYTES_MAX),
        };
        self.quantum.store(quantum, Ordering::Relaxed);
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// The limit, or no number's reach.
    fn ceiling(&self) -> u64 {
        match self.limit() {
            0 => u64::MAX,
            limit => limit,
        }
    }

    fn quantum(&self) -> u64 {
        self.quantum.load(Ordering::Relaxed)
    }

    /// The least limit there can be.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// What an empty store could still take.
    pub(crate) fn spendable(&self) -> u64 {
        self.ceiling().saturating_sub(self.base)
    }

    /// Bytes reserved: at every moment at least the bytes used.
    pub(crate) fn reserved(&self) -> u64 {
        self.reserved.load(Ordering::Acquire)
    }

    /// Reserves exactly `bytes`, or nothing.
    pub(crate) fn try_reserve(&self, bytes: u64) -> bool {
        let ceiling = self.ceiling();
        self.reserved
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |reserved| {
                reserved.checked_add(bytes).filter(|total| *total <= ceiling)
            })
            .is_ok()
    }

    /// What must be freed before `bytes` more can be reserved: more than `bytes` when the limit is passed.
    pub(crate) fn shortfall(&self, bytes: u64) -> u64 {
        self.reserved().saturating_add(bytes).saturating_sub(self.ceiling())
    }

    /// Reserves bytes even past the limit: for what is there already.
    pub(crate) fn force_reserve(&self, bytes: u64) {
        self.reserved.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Whether reserved bytes are about to be given back, whatever anyone does.
    pub(crate) fn awaits_release(&self) -> bool {
        self.leaving.load(Ordering::Acquire) > 0
    }

    /// Gives back what an account was [detached](ShardMemory::detach) from.
    pub(crate) fn release_detached(&self, bytes: u64) {
        self.release(bytes);
        // In this order: whoever sees that nothing is about to be given back finds that it was.
        self.leaving.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// Gives reserved bytes back.
    pub(crate) fn release(&self, bytes: u64) {
        if bytes > 0 {
            let before = self.reserved.fetch_sub(bytes, Ordering::AcqRel);
            debug_assert!(before >= bytes, "released {bytes} bytes of {before} reserved");
        }
    }
}

/// One shard's account: what it uses, and what it holds of the tracker's reservation.
///
/// Once it is limited, it holds at least what it uses between any two changes; what it holds beyond, its
/// credit, it may use without asking. Before, what it holds says nothing.
#[derive(Debug, Default)]
pub(crate) struct ShardMemory {
    used: u64,
    held: u64,
    limited: bool,
}

impl ShardMemory {
    /// The account of an empty shard, whose bytes the tracker counts as its base.
    pub(crate) fn new(used: u64) -> Self {
        Self { used, held: used, limited: false }
    }

    /// Bytes used.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// Whether bytes must be ensured before they are used.
    pub(crate) fn is_limited(&self) -> bool {
        self.limited
    }

    /// From now on bytes must be ensured before they are used. Those used already are reserved, past a limit
    /// if need be.
    pub(crate) fn make_limited(&mut self, tracker: &MemoryTracker) {
        if !self.limited {
            tracker.force_reserve(self.used.saturating_sub(self.held));
            tracker.release(self.held.saturating_sub(self.used));
            (self.held, self.limited) = (self.used, true);
        }
    }

    fn credit(&self) -> u64 {
        self.held.saturating_sub(self.used)
    }

    /// Makes sure `bytes` can be spent; otherwise tells how many are missing.
    pub(crate) fn ensure(&mut self, bytes: u64, tracker: &MemoryTracker) -> Result<(), u64> {
        let credit = self.credit();
        if credit >= bytes || !self.limited {
            return Ok(());
        }
        let missing = bytes - credit;
        for draw in [missing + tracker.quantum(), missing] {
            if tracker.try_reserve(draw) {
                self.held += draw;
                return Ok(());
            }
        }
        Err(missing)
    }

    /// Takes over bytes that are reserved already: by the caller, or by a shard that they were withdrawn
    /// from.
    pub(crate) fn deposit(&mut self, reserved: u64) {
        self.held += reserved;
    }

    /// Hands over bytes that stay reserved, and that the next [`settle`](Self::settle) finds no longer
    /// used.
    pub(crate) fn withdraw(&mut self, reserved: u64) {
        self.held = self.held.saturating_sub(reserved);
    }

    /// Brings the account to `used` bytes; what it grows by must have been ensured.
    pub(crate) fn settle(&mut self, used: u64, tracker: &MemoryTracker) {
        self.used = used;
        if !self.limited {
            return;
        }
        debug_assert!(self.held >= used, "spent {used} of {}", self.held);
        let (credit, keep) = (self.credit(), 2 * tracker.quantum());
        if credit > keep {
            tracker.release(credit - keep);
            self.held = used + keep;
        }
    }

    /// Takes `bytes` that are used out of the account, but keeps them reserved, and tells how many it kept: none
    /// when nothing is reserved. The caller [releases](MemoryTracker::release_detached) those once what took them
    /// has been freed, and waits for nothing before that.
    pub(crate) fn detach(&mut self, bytes: u64, tracker: &MemoryTracker) -> u64 {
        debug_assert!(self.used >= bytes, "detached {bytes} of {}", self.used);
        self.used -= bytes;
        if !self.limited {
            return 0;
        }
        self.held -= bytes;
        tracker.leaving.fetch_add(bytes, Ordering::AcqRel);
        bytes
    }

    /// Gives all idle credit back and tells how much it was.
    pub(crate) fn surrender_credit(&mut self, tracker: &MemoryTracker) -> u64 {
        if !self.limited {
            return 0;
        }
        let idle = self.credit();
        self.held -= idle;
        tracker.release(idle);
        idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tracker_stops_exactly_at_the_limit() {
        let tracker = MemoryTracker::new(1, 10);
        tracker.set_limit(100);
        assert!(!tracker.try_reserve(91));
        assert!(!tracker.try_reserve(u64::MAX));
        assert!(tracker.try_reserve(90));
        assert_eq!(tracker.reserved(), 100);
        assert!(!tracker.try_reserve(1));
        tracker.release(1);
        assert!(tracker.try_reserve(1));
    }

    #[test]
    fn a_shard_says_how_much_is_missing_and_returns_what_it_frees() {
        let tracker = MemoryTracker::new(1, 0);
        tracker.set_limit(1000);
        let mut shard = ShardMemory::new(0);
        shard.make_limited(&tracker);
        assert_eq!(shard.ensure(1001, &tracker), Err(1001));
        shard.ensure(900, &tracker).unwrap();
        shard.settle(900, &tracker);
        assert_eq!((shard.used(), tracker.reserved() >= 900), (900, true));
        shard.settle(0, &tracker);
        shard.surrender_credit(&tracker);
        assert_eq!((shard.used(), tracker.reserved()), (0, 0));
    }

    #[test]
    fn a_limit_that_comes_later_finds_what_is_used_already() {
        let tracker = MemoryTracker::new(1, 10);
        let mut shard = ShardMemory::new(10);
        shard.ensure(u64::MAX, &tracker).unwrap();
        shard.settle(500, &tracker);
        assert_eq!(tracker.reserved(), 10, "nothing is counted without a limit");
        for _ in 0..2 {
            shard.make_limited(&tracker);
            assert_eq!(tracker.reserved(), 500);
        }
        tracker.set_limit(400);
        assert_eq!(tracker.shortfall(0), 100);
        assert_eq!(shard.ensure(1, &tracker), Err(1));
        shard.settle(300, &tracker);
        shard.ensure(50, &tracker).unwrap();
        tracker.set_limit(0);
        shard.ensure(1 << 40, &tracker).unwrap();
        assert_eq!(tracker.shortfall(0), 0);
    }

    #[test]
    fn allocations_are_rounded_as_the_allocator_does() {
        let cases = [
            (0, 0),
            (1, 16),
            (16, 16),
            (17, 32),
            (64, 64),
            (65, 80),
            (128, 128),
            (129, 160),
            (257, 320),
            (4096, 4096),
            (4097, 5120),
        ];
        for (requested, allocated) in cases {
            assert_eq!(allocated_bytes(requested), allocated, "{requested} bytes");
        }
    }
}

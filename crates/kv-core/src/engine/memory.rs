//! Byte accounting: what an allocation costs, and the one counter that holds the memory limit.
//!
//! The limit holds at every moment (KV-I9) because bytes are reserved before they are used: a shard
//! draws credit from the [`MemoryTracker`], a compare-and-swap that never passes the limit, and spends
//! only what it holds. Drawing in quanta keeps the shared counter out of most writes.

use std::sync::atomic::{AtomicU64, Ordering};

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
#[derive(Debug)]
pub(crate) struct MemoryTracker {
    /// 0 for no limit.
    limit: u64,
    /// In use by the empty store, and never to be freed.
    base: u64,
    quantum: u64,
    reserved: AtomicU64,
}

impl MemoryTracker {
    /// A tracker for `shards` shards. `base` bytes are in use from the start.
    pub(crate) fn new(limit: u64, shards: usize, base: u64) -> Self {
        let quantum = (limit / (shards as u64 * QUANTUM_LIMIT_DIVISOR)).min(QUANTUM_BYTES_MAX);
        Self { limit, base, quantum, reserved: AtomicU64::new(base) }
    }

    /// The limit; 0 for none.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// Whether there is a limit to hold.
    pub(crate) fn is_limited(&self) -> bool {
        self.limit != 0
    }

    /// What an empty store could still take.
    pub(crate) fn spendable(&self) -> u64 {
        self.limit.saturating_sub(self.base)
    }

    /// Bytes reserved: at every moment at least the bytes used.
    pub(crate) fn reserved(&self) -> u64 {
        self.reserved.load(Ordering::Acquire)
    }

    /// Reserves exactly `bytes`, or nothing.
    pub(crate) fn try_reserve(&self, bytes: u64) -> bool {
        self.reserved
            .try_update(Ordering::AcqRel, Ordering::Acquire, |reserved| {
                reserved.checked_add(bytes).filter(|total| *total <= self.limit)
            })
            .is_ok()
    }

    /// What must be freed before `bytes` more can be reserved: more than `bytes` when the limit is passed.
    pub(crate) fn shortfall(&self, bytes: u64) -> u64 {
        self.reserved().saturating_add(bytes).saturating_sub(self.limit)
    }

    /// Reserves bytes even past the limit: for loading what a full store held.
    pub(crate) fn force_reserve(&self, bytes: u64) {
        self.reserved.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Gives reserved bytes back.
    pub(crate) fn release(&self, bytes: u64) {
        if bytes > 0 {
            let before = self.reserved.fetch_sub(bytes, Ordering::AcqRel);
            debug_assert!(before >= bytes, "released {bytes} bytes of {before} reserved");
        }
    }
}

/// One shard's account: what it uses, and what it may still use without asking.
///
/// Invariant while there is a limit: the tracker's reservation is the sum of every shard's
/// `used + credit`.
#[derive(Debug, Default)]
pub(crate) struct ShardMemory {
    used: u64,
    credit: u64,
}

impl ShardMemory {
    /// Bytes used.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// Makes sure `bytes` can be spent; otherwise tells how many are missing.
    pub(crate) fn ensure(&mut self, bytes: u64, tracker: &MemoryTracker) -> Result<(), u64> {
        if self.credit >= bytes || !tracker.is_limited() {
            return Ok(());
        }
        let missing = bytes - self.credit;
        for draw in [missing + tracker.quantum, missing] {
            if tracker.try_reserve(draw) {
                self.credit += draw;
                return Ok(());
            }
        }
        Err(missing)
    }

    /// Takes over bytes that the caller reserved from the tracker.
    pub(crate) fn deposit(&mut self, reserved: u64) {
        self.credit += reserved;
    }

    /// Starts the account with bytes that the tracker counts as its base.
    pub(crate) fn open(&mut self, used: u64) {
        self.used = used;
    }

    /// Brings the account to `used` bytes; what it grows by must have been ensured.
    pub(crate) fn settle(&mut self, used: u64, tracker: &MemoryTracker) {
        let before = std::mem::replace(&mut self.used, used);
        if !tracker.is_limited() {
            return;
        }
        debug_assert!(self.credit + before >= used, "spent {used} - {before} of {}", self.credit);
        self.credit = (self.credit + before).saturating_sub(used);
        let keep = 2 * tracker.quantum;
        if self.credit > keep {
            tracker.release(self.credit - keep);
            self.credit = keep;
        }
    }

    /// Brings the account down to `used` bytes, but keeps the difference reserved, and tells how much it
    /// is: the caller releases it once what took it has been freed.
    pub(crate) fn detach(&mut self, used: u64, tracker: &MemoryTracker) -> u64 {
        let before = std::mem::replace(&mut self.used, used);
        if tracker.is_limited() { before.saturating_sub(used) } else { 0 }
    }

    /// Gives all idle credit back and tells how much it was.
    pub(crate) fn surrender_credit(&mut self, tracker: &MemoryTracker) -> u64 {
        let idle = std::mem::take(&mut self.credit);
        tracker.release(idle);
        idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tracker_stops_exactly_at_the_limit() {
        let tracker = MemoryTracker::new(100, 1, 10);
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
        let tracker = MemoryTracker::new(1000, 1, 0);
        let mut shard = ShardMemory::default();
        assert_eq!(shard.ensure(1001, &tracker), Err(1001));
        shard.ensure(900, &tracker).unwrap();
        shard.settle(900, &tracker);
        assert_eq!((shard.used(), tracker.reserved() >= 900), (900, true));
        shard.settle(0, &tracker);
        shard.surrender_credit(&tracker);
        assert_eq!((shard.used(), tracker.reserved()), (0, 0));
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

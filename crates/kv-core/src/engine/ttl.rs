//! The TTL manager: decides when shards look for keys whose time has come. The engine removes them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::lag::LagHistogram;
use super::shard::Trash;
use super::store::ShardedStore;
use crate::clock::Clock;
use crate::journal::Journal;

/// Items of a shard's wheel that are looked at before its lock is released: about 20 µs of work.
const ITEMS_PER_LOCK_MAX: usize = 128;

/// Removes expired keys from a store, whenever its owner calls [`tick`](Self::tick).
///
/// Call it every 10 to 50 ms from one thread. Keys leave memory up to one period plus 32 ms late.
#[derive(Debug)]
pub struct TtlManager<J, C> {
    store: Arc<ShardedStore<J, C>>,
}

/// What one tick did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TickReport {
    /// Shards that had something to look at.
    pub shards_visited: usize,
}

impl<J: Journal, C: Clock> TtlManager<J, C> {
    /// A manager for a store.
    pub fn new(store: Arc<ShardedStore<J, C>>) -> Self {
        Self { store }
    }

    /// Removes every key that is due. Holds no shard's lock for longer than it takes to look at a
    /// bounded number of keys; costs a few microseconds when nothing is due.
    pub fn tick(&mut self) -> TickReport {
        let mut report = TickReport::default();
        let mut lags = LagHistogram::default();
        let now = self.store.clock.now();
        for (index, next_due) in self.store.next_due.iter().enumerate() {
            if next_due.load(Ordering::Relaxed) <= now.get() {
                if report.shards_visited == 0 {
                    self.store.footprints.begin_expiry();
                }
                report.shards_visited += 1;
                self.expire_shard(index, &mut lags);
            }
        }
        if report.shards_visited > 0 {
            self.store.lag.lock().merge(&lags);
            self.store.footprints.end_expiry(self.store.clock.now());
        }
        report
    }

    fn expire_shard(&self, index: usize, lags: &mut LagHistogram) {
        // The time is read anew for each shard: many due keys take a while.
        let ctx = self.store.context();
        loop {
            let mut trash = Trash::new(&self.store.tracker);
            let more =
                self.store.lock(index).expire_due(&ctx, ITEMS_PER_LOCK_MAX, lags, &mut trash);
            if !more {
                return;
            }
        }
    }
}

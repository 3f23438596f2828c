//! A shard with its lock, and what others look at without it.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::entry::prefetch;
use super::shard::{News, Shard};
use super::table::Place;

/// A shard and its lock, on cache lines of their own.
#[repr(align(128))]
pub(super) struct ShardCell(Mutex<Shard>);

impl ShardCell {
    pub(super) fn new(shard: Shard) -> Self {
        Self(Mutex::new(shard))
    }

    pub(super) fn mutex(&self) -> &Mutex<Shard> {
        &self.0
    }

    /// Asks the processor for it.
    #[inline]
    pub(super) fn prefetch(&self) {
        prefetch(std::ptr::from_ref(self).addr());
    }
}

/// Where a shard's table is, or was a moment ago: enough to ask the processor for a bucket without the lock.
#[derive(Debug, Default)]
pub(super) struct PlaceCell {
    address: AtomicUsize,
    buckets: AtomicUsize,
}

impl PlaceCell {
    fn set(&self, place: Place) {
        self.address.store(place.address, Ordering::Relaxed);
        self.buckets.store(place.buckets, Ordering::Relaxed);
    }

    /// Address and number may be of different tables: then nothing is gained.
    #[inline]
    pub(super) fn get(&self) -> Place {
        Place {
            address: self.address.load(Ordering::Relaxed),
            buckets: self.buckets.load(Ordering::Relaxed),
        }
    }
}

/// A locked shard. On release, what others look at without the lock is published if it has changed.
pub(super) struct ShardGuard<'a> {
    pub(super) shard: MutexGuard<'a, Shard>,
    pub(super) next_due: &'a AtomicU64,
    pub(super) place: &'a PlaceCell,
}

impl Deref for ShardGuard<'_> {
    type Target = Shard;

    fn deref(&self) -> &Shard {
        &self.shard
    }
}

impl DerefMut for ShardGuard<'_> {
    fn deref_mut(&mut self) -> &mut Shard {
        &mut self.shard
    }
}

impl Drop for ShardGuard<'_> {
    fn drop(&mut self) {
        if let Some(News { next_due, place }) = self.shard.take_news() {
            self.next_due.store(next_due, Ordering::Relaxed);
            self.place.set(place);
        }
    }
}

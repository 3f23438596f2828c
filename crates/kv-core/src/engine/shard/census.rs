//! What a shard holds and has done, for statistics.

use super::Shard;

/// Reads that found their key, and that did not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lookups {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
}

/// What else a shard has done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    pub(crate) writes: u64,
    pub(crate) expired_keys: u64,
    pub(crate) evicted_keys: u64,
    pub(crate) evicted_bytes: u64,
    pub(crate) eviction_cycles: u64,
    /// How often somebody had to wait for the shard's lock.
    pub(crate) lock_waits: u64,
}

/// What a shard holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Census {
    pub(crate) keys: usize,
    pub(crate) volatile_keys: usize,
    pub(crate) payload_bytes: u64,
    pub(crate) compressed_keys: usize,
    pub(crate) saved_bytes: u64,
    pub(crate) used_bytes: u64,
    pub(crate) table_bytes: u64,
    pub(crate) ttl_index_bytes: u64,
    pub(crate) ttl_index_items: usize,
    pub(crate) lookups: Lookups,
    pub(crate) counters: Counters,
}

impl Shard {
    /// What it holds and has done.
    pub(crate) fn census(&self) -> Census {
        Census {
            keys: self.table.len(),
            volatile_keys: self.volatile_keys,
            payload_bytes: self.payload_bytes,
            compressed_keys: self.compressed_keys,
            saved_bytes: self.saved_bytes,
            used_bytes: self.memory.used(),
            table_bytes: self.table.heap_bytes(),
            ttl_index_bytes: self.wheel.heap_bytes(),
            ttl_index_items: self.wheel.len(),
            lookups: self.lookups,
            counters: self.counters,
        }
    }

    /// Counts that somebody had to wait for the lock.
    pub(crate) fn count_lock_wait(&mut self) {
        self.counters.lock_waits += 1;
    }
}

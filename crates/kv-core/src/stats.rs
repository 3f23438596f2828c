//! What a store holds and has done.

/// A store's statistics. Counters count from its creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Keys now, including those expired and not yet removed.
    pub keys: u64,
    /// Keys with an expiry now.
    pub volatile_keys: u64,
    /// Bytes of keys and values now, as they are kept.
    pub payload_bytes: u64,
    /// Values kept compressed now.
    pub compressed_values: u64,
    /// Bytes by which those are shorter than what they stand for.
    pub compression_saved_bytes: u64,
    /// Bytes accounted for now: entries, tables and indexes, as the allocator rounds them.
    pub memory_used_bytes: u64,
    /// Of these, bytes of the hash tables without their entries.
    pub table_bytes: u64,
    /// Of these, bytes of the TTL indexes.
    pub ttl_index_bytes: u64,
    /// The memory limit; 0 for none.
    pub memory_limit_bytes: u64,
    /// The eviction policy's name.
    pub eviction_policy: &'static str,
    /// Items in the TTL indexes now: one for each key with an expiry, and those that are not yet cleared away
    /// of keys that have gone or got another.
    pub ttl_index_items: u64,
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Writes applied.
    pub writes: u64,
    /// Keys removed because they expired.
    pub expired_keys: u64,
    /// Keys evicted.
    pub evicted_keys: u64,
    /// Bytes freed by evictions.
    pub evicted_bytes: u64,
    /// Turns of evicting: how often a shard was asked to give keys up.
    pub eviction_cycles: u64,
    /// How late expired keys were actively removed, in milliseconds.
    pub expiry_lag_ms: LagSummary,
    /// The same as counts.
    pub expiry_lag_counts: LagCounts,
    /// Number of shards.
    pub shards: u32,
    /// Keys in the emptiest shard.
    pub shard_keys_min: u64,
    /// Keys in the fullest shard.
    pub shard_keys_max: u64,
    /// How often somebody had to wait for a shard's lock.
    pub lock_waits: u64,
    /// The same, of the shard that was waited for least.
    pub shard_lock_waits_min: u64,
    /// The same, of the shard that was waited for most.
    pub shard_lock_waits_max: u64,
}

/// Buckets of [`LagCounts`].
pub const LAG_BUCKETS: usize = 33;

/// How many lags there were of which length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LagCounts {
    /// Lags within each bucket, not in those before: 0 ms, then up to 1, 2, 4 … 2^30 ms, then the rest.
    pub buckets: [u64; LAG_BUCKETS],
    /// All lags added up, in milliseconds.
    pub sum_ms: u64,
}

impl LagCounts {
    /// The greatest lag of a bucket in milliseconds; `None` of the last, which has no bound.
    pub fn bound_ms(bucket: usize) -> Option<u64> {
        match bucket {
            0 => Some(0),
            _ if bucket < LAG_BUCKETS - 1 => Some(1 << (bucket - 1)),
            _ => None,
        }
    }
}

impl Default for LagCounts {
    fn default() -> Self {
        Self { buckets: [0; LAG_BUCKETS], sum_ms: 0 }
    }
}

/// Percentiles of a lag, each rounded up to a power of two bucket's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LagSummary {
    /// Half were within this.
    pub p50: u64,
    /// 99 of 100 were within this.
    pub p99: u64,
    /// The worst, exactly.
    pub max: u64,
}

//! What a store holds and has done.

/// A store's statistics. Counters count from its creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Keys now, including those expired and not yet removed.
    pub keys: u64,
    /// Keys with an expiry now.
    pub volatile_keys: u64,
    /// Bytes of keys and values now.
    pub payload_bytes: u64,
    /// Bytes accounted for now: entries, tables and indexes, as the allocator rounds them.
    pub memory_used_bytes: u64,
    /// The memory limit; 0 for none.
    pub memory_limit_bytes: u64,
    /// The eviction policy's name.
    pub eviction_policy: &'static str,
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
    /// How late expired keys were actively removed, in milliseconds.
    pub expiry_lag_ms: LagSummary,
    /// Number of shards.
    pub shards: u32,
    /// Keys in the emptiest shard.
    pub shard_keys_min: u64,
    /// Keys in the fullest shard.
    pub shard_keys_max: u64,
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

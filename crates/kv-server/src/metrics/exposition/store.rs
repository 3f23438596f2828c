//! The store: keys, memory, hits, expiries, evictions, shards.

use kv_core::StoreStats;

use super::registry::{Row, counter, float, gauge, known};

/// What is told of the store.
pub(super) const ROWS: &[Row<StoreStats>] = &[
    gauge("kv_keys", "Keys now, expired ones among them that are not removed yet.", |stats| {
        known(stats.keys)
    }),
    gauge("kv_volatile_keys", "Keys with an expiry now.", |stats| known(stats.volatile_keys)),
    gauge("kv_payload_bytes", "Bytes of keys and values now.", |stats| known(stats.payload_bytes)),
    gauge(
        "kv_memory_used_bytes",
        "Bytes accounted to the store: entries, tables and indexes, as the allocator rounds them.",
        |stats| known(stats.memory_used_bytes),
    ),
    gauge("kv_memory_limit_bytes", "engine.memory_limit; 0 when there is none.", |stats| {
        known(stats.memory_limit_bytes)
    }),
    counter("kv_hits_total", "Reads that found their key.", |stats| stats.hits),
    counter("kv_misses_total", "Reads that did not find their key.", |stats| stats.misses),
    counter("kv_writes_total", "Writes applied.", |stats| stats.writes),
    counter("kv_expired_keys_total", "Keys removed because their time had come.", |stats| {
        stats.expired_keys
    }),
    counter("kv_evicted_keys_total", "Keys evicted to make room.", |stats| stats.evicted_keys),
    counter("kv_evicted_bytes_total", "Bytes that evictions have freed.", |stats| {
        stats.evicted_bytes
    }),
    gauge("kv_shards", "Shards of the store.", |stats| known(stats.shards.into())),
    gauge("kv_shard_keys_min", "Keys in the emptiest shard.", |stats| known(stats.shard_keys_min)),
    gauge("kv_shard_keys_max", "Keys in the fullest shard.", |stats| known(stats.shard_keys_max)),
    gauge(
        "kv_shard_keys_skew_ratio",
        "Keys in the fullest shard, beside those in an average one; 1 is even.",
        |stats| Some(skew(stats.shard_keys_max, stats.keys, stats.shards.into())),
    ),
];

/// The greatest of several, beside their average.
fn skew(max: u64, sum: u64, count: u64) -> f64 {
    if sum == 0 { 1.0 } else { float(max) * float(count) / float(sum) }
}

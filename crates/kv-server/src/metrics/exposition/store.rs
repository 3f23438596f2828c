//! The store: keys, memory, hits, expiries, evictions, shards.

use kv_core::{LagCounts, StoreStats};

use super::registry::{Row, counter, float, gauge, known};
use super::text::{Histogram, Kind, Text};

const EXPIRY_LAG: &str = "kv_expiry_lag_seconds";

/// What is told of the store.
pub(super) const ROWS: &[Row<StoreStats>] = &[
    gauge("kv_keys", "Keys now, expired ones among them that are not removed yet.", |stats| {
        known(stats.keys)
    }),
    gauge("kv_volatile_keys", "Keys with an expiry now.", |stats| known(stats.volatile_keys)),
    gauge("kv_payload_bytes", "Bytes of keys and values now, as they are kept.", |stats| {
        known(stats.payload_bytes)
    }),
    gauge("kv_compressed_values", "Values that are kept compressed now.", |stats| {
        known(stats.compressed_values)
    }),
    gauge(
        "kv_compression_saved_bytes",
        "Bytes by which the compressed values are shorter than what they stand for.",
        |stats| known(stats.compression_saved_bytes),
    ),
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
    counter(
        "kv_eviction_cycles_total",
        "Turns of evicting: how often a shard was asked to give keys up.",
        |stats| stats.eviction_cycles,
    ),
    gauge(
        "kv_ttl_index_items",
        "Items in the TTL indexes: one for each key with an expiry, and those not cleared away yet.",
        |stats| known(stats.ttl_index_items),
    ),
    gauge("kv_ttl_index_bytes", "Bytes of the TTL indexes, of those accounted.", |stats| {
        known(stats.ttl_index_bytes)
    }),
    gauge(
        "kv_table_bytes",
        "Bytes of the hash tables without entries, of those accounted.",
        |stats| known(stats.table_bytes),
    ),
    gauge("kv_shards", "Shards of the store.", |stats| known(stats.shards.into())),
    gauge("kv_shard_keys_min", "Keys in the emptiest shard.", |stats| known(stats.shard_keys_min)),
    gauge("kv_shard_keys_max", "Keys in the fullest shard.", |stats| known(stats.shard_keys_max)),
    gauge(
        "kv_shard_keys_skew_ratio",
        "Keys in the fullest shard, beside those in an average one; 1 is even.",
        |stats| Some(skew(stats.shard_keys_max, stats.keys, stats.shards.into())),
    ),
    counter(
        "kv_shard_lock_waits_total",
        "How often somebody had to wait for the lock of a shard.",
        |stats| stats.lock_waits,
    ),
    gauge(
        "kv_shard_lock_waits_min",
        "The same, of the shard that was waited for least, since the start.",
        |stats| known(stats.shard_lock_waits_min),
    ),
    gauge(
        "kv_shard_lock_waits_max",
        "The same, of the shard that was waited for most, since the start.",
        |stats| known(stats.shard_lock_waits_max),
    ),
    gauge(
        "kv_shard_lock_waits_skew_ratio",
        "Waits for the shard that was waited for most, beside those for an average one; 1 is even.",
        |stats| Some(skew(stats.shard_lock_waits_max, stats.lock_waits, stats.shards.into())),
    ),
];

/// Shows how late expired keys were removed.
pub(super) fn show(stats: &StoreStats, text: &mut Text) {
    let help =
        "How long after their time expired keys were removed; nobody could read them meanwhile.";
    text.family(EXPIRY_LAG, Kind::Histogram, help);
    let bounds: Vec<f64> =
        (0..).map_while(LagCounts::bound_ms).map(|bound_ms| float(bound_ms) / 1e3).collect();
    let LagCounts { buckets, sum_ms } = &stats.expiry_lag_counts;
    let histogram = Histogram { bounds: &bounds, counts: buckets, sum: float(*sum_ms) / 1e3 };
    text.histogram(EXPIRY_LAG, &[], histogram);
}

/// The greatest of several, beside their average.
fn skew(max: u64, sum: u64, count: u64) -> f64 {
    if sum == 0 { 1.0 } else { float(max) * float(count) / float(sum) }
}

//! Bytes for each key, beyond key and value.

use kv_bench::{Compare, Figure, Measured, Target};
use kv_core::Store;

use crate::Bench;
use crate::store::{KEY_BYTES, VALUE, engine, fill};

pub(crate) fn memory(bench: &Bench) {
    bytes_per_key(bench, ("memory", 32.0), "without TTL", None);
}

pub(crate) fn memory_ttl(bench: &Bench) {
    bytes_per_key(bench, ("memory-ttl", 40.0), "with TTL", Some(3_600_000));
}

fn bytes_per_key(bench: &Bench, (section, bytes_max): (&str, f64), what: &str, ttl: Option<i64>) {
    let keys = bench.scale.memory_keys;
    let store = engine();
    let before = (resident_bytes(), store.stats().memory_used_bytes);
    fill(&store, 0..keys, ttl);
    let stats = store.stats();
    let payload = (KEY_BYTES + VALUE.len()) as f64;
    let per_key = |bytes: u64| bytes as f64 / keys as f64 - payload;
    let resident = Figure::from(per_key(resident_bytes() - before.0));
    let accounted = Figure::from(per_key(stats.memory_used_bytes - before.1));
    println!(
        "{section}: {keys} keys of 16 B, values of 64 B, {what}: {} B per key beyond key and value as resident \
         memory, {} B as accounted",
        resident.text(1.0, 1),
        accounted.text(1.0, 1),
    );
    let target = Some(Target::Value(bytes_max));
    for (name, figure, target) in [("resident", resident, target), ("accounted", accounted, None)] {
        let row = Measured::lower(&format!("engine-{section}"), name, "B", &figure);
        bench.record(row.target(target).compare(Compare::Value));
    }
}

/// Resident memory of this process in bytes, as Linux tells it.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    let kib = line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

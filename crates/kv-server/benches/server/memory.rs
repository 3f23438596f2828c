//! Resident memory for each key, beside every server that is installed.

use kv_bench::{Compare, Figure, Measured, Target};

use crate::Bench;
use crate::child::directory;
use crate::contender::{Contender, REDIS, in_memory};
use crate::load::value;
use crate::report::{row, table};

/// Keys of 16 bytes, values of 64.
const PAYLOAD_BYTES: usize = 80;
const VALUE_BYTES: usize = 64;

/// Most bytes beyond key and value.
const BYTES_MAX: f64 = 32.0;

pub(crate) fn run(bench: &Bench) {
    let count = bench.scale.memory_keys;
    let dir = directory();
    let peers = in_memory(bench, dir.path());
    println!("{count} keys of 16 bytes, values of {VALUE_BYTES}, set one after the other\n");
    let bytes: Vec<f64> = peers.iter().map(|peer| beyond_payload(peer, count)).collect();
    table(&["resident memory beyond key and value, for each key", "", "target"]);
    for (peer, bytes) in peers.iter().zip(&bytes) {
        let target = if peer.is_ours() { format!("≤ {BYTES_MAX} B") } else { String::new() };
        row(&[peer.name, &format!("{bytes:.1} B"), &target]);
    }
    let (ours, others) = (Figure::from(bytes[0]), peers.iter().zip(&bytes).skip(1));
    let redis = others.clone().find(|(peer, _)| peer.name == REDIS).map(|(_, &bytes)| bytes.into());
    let name = "beyond key and value, without TTL";
    let row = Measured::lower("memory", name, "B", &ours).beside(REDIS, redis.as_ref());
    bench.record(row.target(Some(Target::Value(BYTES_MAX))).compare(Compare::Value));
    for (peer, &bytes) in others.filter(|(peer, _)| peer.name != REDIS) {
        let row = Measured::lower("memory", format!("{name}, beside {}", peer.name), "B", &ours);
        bench.record(row.beside(peer.name, Some(&bytes.into())));
    }
}

/// What a server that holds nothing yet takes for keys, without their bytes.
fn beyond_payload(peer: &Contender, count: u64) -> f64 {
    let before = peer.server.resident();
    peer.fill(count, &value(VALUE_BYTES));
    let grown = peer.server.resident().saturating_sub(before);
    grown as f64 / count as f64 - PAYLOAD_BYTES as f64
}

//! Resident memory for each key, beside Redis.

use kv_bench::{Compare, Measured, Target};

use crate::Bench;
use crate::child::{Server, directory};
use crate::load::{key, value};
use crate::ours::Ours;
use crate::report::{row, table};
use crate::resp::Connection;

/// Keys of 16 bytes, values of 64.
const PAYLOAD_BYTES: usize = 80;
const VALUE_BYTES: usize = 64;

const REDIS: &str = "--appendonly no --save ''";

/// Most bytes beyond key and value.
const BYTES_MAX: f64 = 32.0;

pub(crate) fn run(bench: &Bench) {
    let count = bench.scale.memory_keys;
    println!("ours: kv-server --set persist.enabled=false");
    println!("peer: redis-server {REDIS}");
    println!(
        "{count} keys of 16 bytes, values of {VALUE_BYTES}, set one after the other over RESP\n"
    );
    let dirs = (directory(), directory());
    let ours = Ours::start(dirs.0.path(), &["persist.enabled=false"]);
    let mine = beyond_payload(&ours.server, ours.port("resp"), count);
    let redis = bench.redis.as_ref().map(|program| {
        let redis = program.start(dirs.1.path(), REDIS);
        beyond_payload(&redis.server, redis.port, count)
    });
    table(&["resident memory beyond key and value, for each key", "kv", "Redis", "target"]);
    let bytes = |bytes: f64| format!("{bytes:.1} B");
    let theirs = redis.map_or("–".to_owned(), bytes);
    row(&["without TTL", &bytes(mine), &theirs, &format!("≤ {BYTES_MAX} B")]);
    let row = Measured::lower("memory", "beyond key and value, without TTL", "B", &mine.into())
        .beside("Redis", redis.map(Into::into).as_ref());
    bench.record(row.target(Some(Target::Value(BYTES_MAX))).compare(Compare::Value));
}

/// What a server that was just started takes for keys, without their bytes.
fn beyond_payload(server: &Server, port: u16, count: u64) -> f64 {
    let before = server.resident();
    let mut connection = Connection::open(port).expect("it listens");
    connection.fill((0..count).map(key), &value(VALUE_BYTES));
    let grown = server.resident().saturating_sub(before);
    grown as f64 / count as f64 - PAYLOAD_BYTES as f64
}

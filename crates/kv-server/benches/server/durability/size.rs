//! Bytes of log beyond key and value, for each write.

use std::time::Duration;

use kv_bench::{Compare, Measured, Target};
use kv_client::{Batch, op};

use super::log_files;
use crate::Bench;
use crate::child::directory;
use crate::load::{key, value};
use crate::ours::{NO_SNAPSHOTS, Ours};
use crate::report::{row, table};

/// Most bytes beyond key and value.
const TARGET: &str = "≤ 40";
const BYTES_MAX: f64 = 40.0;

/// How many times as many records are written under load.
const LOAD_FACTOR: u64 = 10;

/// Operations of one batch under load, and batches in flight.
const BATCH: u64 = 64;

const TTL: Duration = Duration::from_hours(1);

/// What is written, and how.
#[derive(Debug, Clone, Copy)]
struct Case {
    name: &'static str,
    mode: &'static str,
    ttl: bool,
    load: bool,
}

impl Case {
    const fn new(name: &'static str, mode: &'static str, ttl: bool, load: bool) -> Self {
        Self { name, mode, ttl, load }
    }
}

const ALWAYS: &str = "persist.fsync=always";
const INTERVAL: &str = "persist.fsync=interval";

const CASES: [Case; 6] = [
    Case::new("always, one at a time: a batch each", ALWAYS, false, false),
    Case::new("the same with TTL", ALWAYS, true, false),
    Case::new("always, batches of 64", ALWAYS, false, true),
    Case::new("the same with TTL", ALWAYS, true, true),
    Case::new("interval, batches of 64", INTERVAL, false, true),
    Case::new("the same with TTL", INTERVAL, true, true),
];

pub(crate) fn run(bench: &Bench) {
    println!(
        "kv-server --set persist.fsync=…; keys of 16 bytes, values of 64; counted in the log's files\n"
    );
    table(&[
        "log bytes for each record",
        "beyond key and value",
        "target",
        "records",
        "in batches of",
    ]);
    for case in CASES {
        measure(bench, case);
    }
}

fn measure(bench: &Bench, case: Case) {
    let dir = directory();
    let settings: Vec<&str> = [case.mode].into_iter().chain(NO_SNAPSHOTS).collect();
    let ours = Ours::start(dir.path(), &settings);
    let records = bench.scale.size_records * if case.load { LOAD_FACTOR } else { 1 };
    bench.runtime.block_on(write(&ours, case, records));
    ours.server.stop();
    let content = log_files::read(dir.path());
    assert_eq!(content.records, records, "the log holds what was written");
    let payload = (key(0).len() + 64) as u64;
    let beyond = content.bytes as f64 / records as f64 - payload as f64;
    let mean = content.records as f64 / content.batches as f64;
    row(&[
        case.name,
        &format!("{beyond:.1} B"),
        TARGET,
        &content.records.to_string(),
        &format!("{mean:.1}"),
    ]);
    let ttl = if case.ttl { "with TTL" } else { "without TTL" };
    let batches = if case.load { "batches of 64" } else { "one at a time" };
    let name = format!("{}, {batches}, {ttl}", case.mode);
    let row = Measured::lower("size", name, "B", &beyond.into());
    // A record that is alone pays for its batch's header.
    let target = case.load.then_some(Target::Value(BYTES_MAX));
    bench.record(row.target(target).compare(Compare::Value));
}

async fn write(ours: &Ours, case: Case, records: u64) {
    let (client, value) = (ours.client().await, value(64));
    let mut pipeline = client.pipeline().open().await.unwrap();
    let (size, in_flight) = if case.load { (BATCH, 8) } else { (1, 1) };
    let mut numbers = (0..records).peekable();
    while numbers.peek().is_some() || pipeline.in_flight() > 0 {
        while numbers.peek().is_some() && pipeline.in_flight() < in_flight {
            let mut batch = Batch::with_capacity(size as usize);
            for number in numbers.by_ref().take(size as usize) {
                let set = op::Set::new(key(number), &value);
                batch.push(if case.ttl { set.ttl(TTL) } else { set });
            }
            pipeline.send(batch).await.unwrap();
        }
        pipeline.recv().await.unwrap().unwrap();
    }
}

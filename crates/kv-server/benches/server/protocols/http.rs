//! GET over HTTP/1.1, with `wrk` as the load generator.

use std::process::Command;

use kv_bench::{Measured, Target};

use crate::Bench;
use crate::child::{directory, quiet};
use crate::ours::Ours;
use crate::report::{row, table};
use crate::resp::Connection;
use crate::side::Side;

/// Connections of wrk, each with one request in flight.
const CONNECTIONS: usize = 50;

pub(crate) fn run(bench: &Bench) {
    if quiet("wrk").arg("--version").status().is_err() {
        return bench.skip("http", "wrk is not installed");
    }
    let dir = directory();
    let ours = Ours::start(dir.path(), &["persist.enabled=false"]);
    let keys = std::iter::once("key:1".to_owned());
    Connection::open(ours.port("resp")).expect("it listens").fill(keys, &[b'v'; 64]);
    let url = format!("http://{}/v1/kv/key:1", ours.address("http"));
    let seconds = bench.scale.round.as_secs().max(1);
    println!("ours: kv-server --set persist.enabled=false");
    println!("      wrk -t 1 -c {CONNECTIONS} -d {seconds}s http://…/v1/kv/key:1\n");
    let mut side = Side::default();
    for _ in 0..bench.scale.rounds {
        side.measure(&ours.server, || wrk(&url, seconds));
    }
    let [rate, cpu] = side.cells();
    table(&["HTTP", "kv", "CPU per GET", "target"]);
    row(&["GET of 64 B, keep-alive", &rate, &cpu, "≥ 90 k/s"]);
    let row = Measured::higher("http", "GET of 64 B, keep-alive", "ops/s", &side.rate);
    bench.record(row.target(Some(Target::Value(90e3))));
}

/// Requests a second.
fn wrk(url: &str, seconds: u64) -> f64 {
    let arguments = format!("-t 1 -c {CONNECTIONS} -d {seconds}s {url}");
    let output = Command::new("wrk").args(arguments.split_whitespace()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!text.contains("Non-2xx"), "{text}");
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")).expect(&text);
    rate.trim().parse().unwrap()
}

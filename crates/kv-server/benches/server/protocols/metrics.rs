//! How long `/metrics` takes while the data path is saturated.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use kv_bench::{Figure, Measured, Target};

use super::background::Background;
use crate::Bench;
use crate::child::directory;
use crate::ours::Ours;
use crate::redis_benchmark::Load;
use crate::report::{row, table};
use crate::time::{LIMIT, now, sleep_until};

/// Load generators: each takes a core, and leaves less to the server than it wants.
const GENERATORS: usize = 2;

/// How often the page is asked for.
const INTERVAL: Duration = Duration::from_millis(20);

/// More requests than are made while it is measured.
const REQUESTS: u64 = 1_000_000_000;

pub(crate) fn run(bench: &Bench) {
    if bench.redis.is_none() {
        return bench.skip("metrics", "redis-benchmark is not installed");
    }
    let dir = directory();
    let ours = Ours::start(dir.path(), &[]);
    let load = Load { command: "set", keys: bench.scale.keys, pipeline: 64 };
    println!("ours: kv-server; {GENERATORS} × {}\n", load.describe());
    let arguments = load.arguments(ours.port("resp"), REQUESTS);
    let mut busy: Vec<Background> =
        (0..GENERATORS).map(|_| Background::start("redis-benchmark", &arguments)).collect();
    let address = ours.address("admin");
    // The first pages find the store still filling.
    let end = now() + bench.scale.round * 2;
    let mut times = Figure::default();
    while now() < end {
        let start = now();
        let bytes = page(address);
        times.add(start.elapsed().as_secs_f64());
        assert!(bytes > 1000, "a page of metrics");
        sleep_until(start + INTERVAL);
    }
    assert!(busy.iter_mut().all(Background::is_running), "the load outlasts the measurement");
    table(&["GET /metrics under load", "kv", "target"]);
    row(&["median (range)", &times.millis(), "all ≤ 100 ms"]);
    let longest = times.times(1e3).high();
    let row = Measured::lower("metrics", "longest GET /metrics under load", "ms", &longest.into());
    bench.record(row.target(Some(Target::Value(100.0))));
}

/// Reads the page on a connection of its own, as a scraper that was just started would, and tells its length.
fn page(address: &str) -> usize {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    answer.len()
}

//! How long GETs take at half the rate that a server can do, while everything else goes on that it has to do
//! besides: the log, snapshots, keys that expire and keys that are evicted.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use kv_bench::{Figure, Measured, Target};

use super::machine;
use super::paced_calls::{CONNECTIONS, Calling, PacedCalls};
use super::processors::Spared;
use crate::Bench;
use crate::calls::{Calls, Protocol};
use crate::child::{Server, directory};
use crate::durability::open_loop::Pace;
use crate::latency::{Latencies, Quantiles, Window};
use crate::load::{Command, key, value};
use crate::ours::Ours;
use crate::report::{row, table};
use crate::resp::Connection;
use crate::time::{now, sleep_until, wait_for};

/// Bytes of all values.
const VALUE_BYTES: usize = 64;

/// Keys that are read: popular ones, that no policy evicts.
const READ_KEYS: u64 = 10_000;

/// How often keys are written beside the reads, and how many each time.
const WRITE_INTERVAL: Duration = Duration::from_millis(10);
const WRITE_KEYS: u64 = 20;

/// How long those keys live.
const LIFETIME: &str = "PX 500";

/// Most milliseconds of the p99.9 of GETs.
const P999_MAX_MS: f64 = 1.0;

const OURS: [&str; 2] = ["persist.fsync=interval", "persist.fsync_interval=1s"];

const REDIS: &str = "--appendonly yes --appendfsync everysec --save ''";

/// A server, and where it speaks the Redis protocol.
struct Peer {
    name: &'static str,
    port: u16,
    /// The processor that its readers have to themselves.
    readers: usize,
    _server: Server,
}

/// What was measured of a server.
#[derive(Debug, Default)]
struct Results {
    saturation: Figure,
    rate: Figure,
    quiet: Loads,
    busy: Loads,
}

/// Loads of several rounds.
#[derive(Debug, Default)]
struct Loads {
    answers: Latencies,
    own: Latencies,
}

impl Loads {
    fn add(&mut self, load: &Load) {
        self.answers.add(load.answers);
        if let Some(own) = load.own {
            self.own.add(own);
        }
    }

    /// For people: quantiles of the answers, and of what is the load generator's.
    fn cells(&self) -> [String; 5] {
        let [p50, p99, p999, max] = self.answers.cells();
        [p50, p99, p999, max, self.own.p999.millis()]
    }
}

pub(crate) fn run(bench: &Bench) {
    println!(
        "{} keys of 16 B with {VALUE_BYTES} B; {READ_KEYS} of them are read over {CONNECTIONS} connections, at half \
         the rate of as many GETs as are answered.",
        bench.scale.keys
    );
    println!(
        "busy: memory is limited to 99 % of what is used, {WRITE_KEYS} new keys with {LIFETIME} every {WRITE_INTERVAL:?}, \
         and one BGSAVE after the other"
    );
    println!(
        "The load generator has one processor to itself, the servers have the others; `own` is how late it was itself. \
         clock: what those would see at kv's rate that do nothing but look whether something is due, one on each side."
    );
    println!("ours: kv-server --set {}", OURS.join(" --set "));
    println!("peer: redis-server {REDIS}\n");
    let spared = Spared::one();
    let dirs = [directory(), directory()];
    let peers = peers(bench, [dirs[0].path(), dirs[1].path()], spared.processor);
    for peer in &peers {
        let mut connection = peer.connect();
        connection.fill((0..bench.scale.keys).map(key), &value(VALUE_BYTES));
        connection.command("CONFIG SET maxmemory-policy allkeys-lru");
    }
    table(&["GET", "", "rate", "p50", "p99", "p99.9", "max", "own p99.9", "target"]);
    let mut results: Vec<Results> = peers.iter().map(|_| Results::default()).collect();
    let mut clock = Latencies::default();
    for _ in 0..bench.scale.snapshot_rounds {
        let mut rate = None;
        for (peer, results) in peers.iter().zip(&mut results) {
            let own = peer.round(bench, results);
            rate.get_or_insert(own);
        }
        let rate = rate.expect("there is a peer");
        clock.add(machine::lateness(rate, bench.scale.quiet, spared.processor));
    }
    tell_clock(bench, &clock);
    for (peer, results) in peers.iter().zip(&results) {
        results.tell(bench, peer.name);
    }
}

fn peers(bench: &Bench, [ours, theirs]: [&Path; 2], readers: usize) -> Vec<Peer> {
    let started = Ours::start(ours, &OURS);
    let port = started.port("resp");
    let mut peers = vec![Peer { name: "kv", port, readers, _server: started.server }];
    if let Some(redis) = bench.redis.as_ref().map(|program| program.start(theirs, REDIS)) {
        let port = redis.port;
        peers.push(Peer { name: "Redis", port, readers, _server: redis.server });
    }
    peers
}

impl Peer {
    fn connect(&self) -> Connection {
        Connection::open(self.port).expect("it listens")
    }

    /// Tells how many GETs a second it was asked for.
    fn round(&self, bench: &Bench, results: &mut Results) -> u64 {
        self.connect().command("CONFIG SET maxmemory 0");
        let closed = self.load(bench, Pace::Closed, || ()).0;
        let saturation = closed.answers.count as f64 / bench.scale.quiet.as_secs_f64();
        let rate = (saturation / 2.0) as u64;
        results.saturation.add(saturation);
        results.rate.add(rate as f64);
        results.quiet.add(&self.load(bench, Pace::Open { rate }, || ()).0);
        let (busy, work) = self.load(bench, Pace::Open { rate }, || Work::start(self));
        work.stop();
        results.busy.add(&busy);
        rate
    }

    /// Reads for a while, beside what is begun once that goes on. The first moments warm up.
    fn load<W>(&self, bench: &Bench, pace: Pace, begin: impl FnOnce() -> W) -> (Load, W) {
        let span = bench.scale.quiet;
        let gets = Calls::new(Protocol::Resp, Command::Get, READ_KEYS, &value(VALUE_BYTES));
        let gets = PacedCalls { calls: gets, port: self.port, processor: self.readers };
        let reading = Calling::start(gets, pace);
        sleep_until(now() + span / 5);
        let work = begin();
        let start = now();
        sleep_until(start + span);
        let window = Window { start, end: now() };
        let samples = reading.stop();
        let answers = Quantiles::within(&samples.answers, window);
        let own = (!samples.seen.is_empty()).then(|| Quantiles::within(&samples.seen, window));
        (Load { answers, own }, work)
    }
}

/// How long GETs took, and how late the load generator was itself, where it had a rate to keep.
struct Load {
    answers: Quantiles,
    own: Option<Quantiles>,
}

/// What else there is to do, until it is stopped.
struct Work {
    stop: Arc<AtomicBool>,
    threads: [thread::JoinHandle<()>; 2],
}

impl Work {
    fn start(peer: &Peer) -> Self {
        let mut connection = peer.connect();
        let used: u64 = connection.info("memory", "used_memory").parse().unwrap();
        let evicted = connection.info("stats", "evicted_keys");
        connection.command(&format!("CONFIG SET maxmemory {}", used / 100 * 99));
        let stop = Arc::new(AtomicBool::new(false));
        let (write_stop, save_stop) = (Arc::clone(&stop), Arc::clone(&stop));
        let mut saver = peer.connect();
        let threads = [
            thread::spawn(move || {
                write_new_keys(&mut connection, &write_stop);
                assert_ne!(connection.info("stats", "evicted_keys"), evicted, "keys are evicted");
            }),
            thread::spawn(move || save_again_and_again(&mut saver, &save_stop)),
        ];
        Self { stop, threads }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

fn write_new_keys(connection: &mut Connection, stop: &AtomicBool) {
    let mut random = fastrand::Rng::new();
    let value = "v".repeat(VALUE_BYTES);
    let mut next = now();
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..WRITE_KEYS {
            let number = random.u64(..);
            connection.command(&format!("SET new:{number:020} {value} {LIFETIME}"));
        }
        next += WRITE_INTERVAL;
        sleep_until(next);
    }
}

fn save_again_and_again(connection: &mut Connection, stop: &AtomicBool) {
    let mut saved = 0;
    while !stop.load(Ordering::Relaxed) {
        if connection.info("persistence", "rdb_bgsave_in_progress") == "0" {
            connection.command("BGSAVE");
            saved += 1;
        }
        sleep_until(now() + WRITE_INTERVAL);
    }
    assert_ne!(saved, 0, "snapshots were taken");
    // The last one would be measured with what comes next, of another server, too.
    wait_for("the last snapshot", || {
        (connection.info("persistence", "rdb_bgsave_in_progress") == "0").then_some(())
    });
}

fn tell_clock(bench: &Bench, clock: &Latencies) {
    let [p50, p99, p999, max] = clock.cells();
    row(&["clock", "", "", &p50, &p99, &p999, &max, "", ""]);
    bench.record(Measured::lower("tails", "clock, p99.9", "ms", &clock.p999.times(1e3)));
}

impl Results {
    /// Tails are chance in part: nothing of them is compared with another day's.
    fn tell(&self, bench: &Bench, name: &str) {
        let is_ours = name == "kv";
        let saturation = format!("of {}", self.saturation.rate());
        let [p50, p99, p999, max, own] = self.quiet.cells();
        row(&[name, "quiet", &saturation, &p50, &p99, &p999, &max, &own, ""]);
        let [p50, p99, p999, max, own] = self.busy.cells();
        let target = if is_ours { format!("≤ {P999_MAX_MS} ms") } else { String::new() };
        row(&["", "busy", &self.rate.rate(), &p50, &p99, &p999, &max, &own, &target]);
        let (busy, quiet) = (self.busy.answers.p999.times(1e3), self.quiet.answers.p999.times(1e3));
        let row = Measured::lower("tails", format!("{name}, p99.9"), "ms", &busy);
        let target = is_ours.then_some(Target::Value(P999_MAX_MS));
        bench.record(row.beside("quiet", Some(&quiet)).target(target));
    }
}

//! How long a start takes with millions of keys on disk.
//!
//! The files were written a moment ago, so that both sides read them from the system's cache.

use std::path::Path;
use std::time::Duration;

use kv_bench::{Compare, Figure, Measured, Target};

use crate::Bench;
use crate::child::directory;
use crate::load::{fill, key, value};
use crate::ours::{NO_SNAPSHOTS, Ours};
use crate::redis::RedisProgram;
use crate::report::{row, table};

/// Key and value together are 75 bytes.
const VALUE_BYTES: usize = 59;

/// Most of Redis's time.
const TARGET: &str = "≤ 0.25×";
const RATIO_MAX: f64 = 0.25;

const AOF: &str =
    "--appendonly yes --appendfsync everysec --save '' --auto-aof-rewrite-percentage 0";
const RDB: &str = "--appendonly no --save ''";

pub(crate) fn run(bench: &Bench) {
    let count = bench.scale.restart_keys;
    println!(
        "{count} keys of 16 bytes, values of {VALUE_BYTES}; from making the process, files in the system's cache"
    );
    println!(
        "ours: kv-server, stopped with SIGTERM (snapshot) or killed without any snapshot (log alone)"
    );
    println!(
        "peer: redis-server {RDB} (RDB), {AOF} (AOF), until PING is answered without LOADING\n"
    );
    let dirs = [directory(), directory()];
    let [mine, theirs] = dirs.each_ref().map(tempfile::TempDir::path);
    fill_ours(bench, mine);
    let peer = bench.redis.as_ref().inspect(|redis| fill_redis(bench, redis, theirs));
    table(&[
        "Start from",
        "ready",
        "first Get",
        "CPU",
        "Redis from",
        "ready",
        "CPU",
        "ratio",
        "target",
    ]);
    let rounds = bench.scale.restart_rounds;
    let start = |settings: &str| peer.map(|redis| start_redis(redis, theirs, settings, count));

    measure(bench, mine, "log alone", ("AOF of commands", rounds), || start(AOF));
    let stopping = take_snapshot(bench, mine);
    if let Some(redis) = peer {
        rewrite_aof(redis, theirs);
    }
    measure(bench, mine, "snapshot", ("RDB", rounds), || start(RDB));
    measure(bench, mine, "snapshot", ("AOF with RDB base", rounds), || start(AOF));
    println!("\nThe clean stop, snapshot included, took {:.2} s.", stopping.as_secs_f64());
}

/// One row: starts both in turns, and kills them again.
fn measure(
    bench: &Bench,
    dir: &Path,
    name: &str,
    (peer_name, rounds): (&str, usize),
    peer: impl Fn() -> Option<Start>,
) {
    let last = key(bench.scale.restart_keys - 1);
    let mut ready = Figure::default();
    let (mut mine, mut theirs) = (Starts::default(), Starts::default());
    for _ in 0..rounds {
        let (ours, startup) = Ours::start_timed(dir, &NO_SNAPSHOTS, &bench.runtime, &last);
        mine.add(Start { serves: startup.first_get, cpu: ours.server.cpu() });
        ready.add(startup.ready.as_secs_f64());
        check(bench, &ours);
        ours.server.kill();
        if let Some(start) = peer() {
            theirs.add(start);
        }
    }
    let seconds = |figure: &Figure| format!("{} s", figure.text(1.0, 2));
    let [peer_time, peer_cpu, ratio] = if bench.redis.is_some() {
        let ratio = mine.serves.median() / theirs.serves.median();
        [seconds(&theirs.serves), seconds(&theirs.cpu), format!("{ratio:.2}×")]
    } else {
        ["–"; 3].map(str::to_owned)
    };
    let [ready, get, cpu] = [&ready, &mine.serves, &mine.cpu].map(seconds);
    row(&[name, &ready, &get, &cpu, peer_name, &peer_time, &peer_cpu, &ratio, TARGET]);
    let redis = bench.redis.is_some().then_some(&theirs);
    let name = format!("{name} (Redis: {peer_name})");
    let time = Measured::lower("restart", &name, "s", &mine.serves)
        .beside("Redis", redis.map(|redis| &redis.serves))
        .target(Some(Target::Ratio(RATIO_MAX)));
    bench.record(time.compare(Compare::Ratio));
    let cpu = Measured::lower("restart", format!("{name}, CPU"), "s", &mine.cpu)
        .beside("Redis", redis.map(|redis| &redis.cpu));
    bench.record(cpu.compare(Compare::Ratio));
}

/// A start: until when, and with how much processor time, which depends less on what else runs.
#[derive(Debug, Clone, Copy)]
struct Start {
    serves: Duration,
    cpu: Duration,
}

/// All starts of one server, in seconds.
#[derive(Debug, Default)]
struct Starts {
    serves: Figure,
    cpu: Figure,
}

impl Starts {
    fn add(&mut self, start: Start) {
        self.serves.add(start.serves.as_secs_f64());
        self.cpu.add(start.cpu.as_secs_f64());
    }
}

/// A fast start that forgets keys would not count.
fn check(bench: &Bench, ours: &Ours) {
    let keys = bench.runtime.block_on(async { ours.client().await.stats().await.unwrap().keys });
    assert_eq!(keys, bench.scale.restart_keys, "every key is back");
}

/// Leaves a log and no snapshot.
fn fill_ours(bench: &Bench, dir: &Path) {
    let ours = Ours::start(dir, &NO_SNAPSHOTS);
    let keys = (0..bench.scale.restart_keys).map(key);
    bench.runtime.block_on(async {
        fill(&ours, keys, &value(VALUE_BYTES)).await;
        // What comes last is on stable storage, and so is all before it.
        let last = ours.client().await.set(key(0), value(VALUE_BYTES));
        last.durability(kv_client::Durability::Fsync).await.unwrap();
    });
    ours.server.kill();
}

/// Starts from the log and stops cleanly; tells how long stopping took.
fn take_snapshot(bench: &Bench, dir: &Path) -> Duration {
    let settings = [NO_SNAPSHOTS[0], NO_SNAPSHOTS[1], "persist.snapshot_on_shutdown=true"];
    let ours = Ours::start(dir, &settings);
    check(bench, &ours);
    ours.server.stop()
}

/// Leaves an append-only file of commands, and an RDB file.
fn fill_redis(bench: &Bench, redis: &RedisProgram, dir: &Path) {
    let redis = redis.start(dir, AOF);
    let keys = (0..bench.scale.restart_keys).map(key);
    redis.connect().fill(keys, &value(VALUE_BYTES));
    redis.connect().command("SAVE");
    redis.server.stop();
}

/// Makes the append-only file one with an RDB base.
fn rewrite_aof(redis: &RedisProgram, dir: &Path) {
    let redis = redis.start(dir, AOF);
    redis.connect().command("BGREWRITEAOF");
    redis.wait_for_children();
    redis.server.stop();
}

fn start_redis(redis: &RedisProgram, dir: &Path, settings: &str, count: u64) -> Start {
    let (redis, serves) = redis.start_timed(dir, settings);
    let start = Start { serves, cpu: redis.server.cpu() };
    assert_eq!(redis.connect().command("DBSIZE"), count.to_string(), "every key is back");
    redis.server.kill();
    start
}

//! The real server, killed under load again and again: whatever it acknowledged as safe is there afterwards,
//! and what each client finds is a state that it once saw, at the versions it was told (KV-I2, KV-I3, KV-I4).
//!
//! `KV_CRASH_ROUNDS` sets the number of rounds, `KV_CRASH_SEED` replays a run: `cargo xtask crash` does both.

mod worker;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kv_proto::v1::kv_client::KvClient;
use tokio::sync::Notify;
use tonic::transport::{Channel, Endpoint};
use worker::Worker;

use crate::support::{LIMIT, Process};

/// Rounds when the environment does not say.
const ROUNDS: u64 = 50;

/// Clients that write at the same time.
const WORKERS: u64 = 12;

/// The server is killed after up to so many acknowledged writes.
const WRITES_MAX: u64 = 3000;

/// Small files, so that every round turns segments over and takes snapshots.
const SMALL_FILES: [&str; 3] = [
    "persist.segment_bytes=64KiB",
    "persist.snapshot_log_bytes=192KiB",
    "persist.snapshot_on_shutdown=false",
];

/// How the log is synced, round by round.
const MODES: [&str; 3] = ["persist.fsync=always", "persist.fsync=interval", "persist.fsync=never"];

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let seed = from_environment("KV_CRASH_SEED").unwrap_or_else(|| fastrand::u64(..));
    let rounds = from_environment("KV_CRASH_ROUNDS").unwrap_or(ROUNDS);
    println!("KV_CRASH_SEED={seed} KV_CRASH_ROUNDS={rounds}");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a directory");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut workers: Vec<Worker> = (0..WORKERS).map(|id| Worker::new(id, random.u64(..))).collect();
    let mut totals = Totals::default();
    for round in 0..rounds {
        let mode = MODES[usize::try_from(round).expect("few") % MODES.len()];
        let writes = random.u64(1..=WRITES_MAX);
        workers = runtime.block_on(run_round(dir.path(), mode, writes, workers, &mut totals));
        if random.u64(..8) == 0 {
            kill_while_starting(dir.path(), mode);
        }
    }
    let survivor = Process::start(dir.path(), &settings(MODES[0]));
    runtime.block_on(verify(&survivor, &mut workers, &mut totals));
    println!(
        "{rounds} kills: {} writes acknowledged, {} of them safe; {} lost that were not safe",
        totals.acknowledged, totals.safe, totals.lost
    );
    assert!(totals.safe > 0, "the harness has tried something");
}

/// What all rounds came to.
#[derive(Debug, Default)]
struct Totals {
    acknowledged: u64,
    safe: u64,
    lost: u64,
}

/// Starts the server, has what the round before left verified, loads it and kills it.
async fn run_round(
    dir: &Path,
    mode: &str,
    writes: u64,
    mut workers: Vec<Worker>,
    totals: &mut Totals,
) -> Vec<Worker> {
    let server = Process::start(dir, &settings(mode));
    verify(&server, &mut workers, totals).await;
    let load = Arc::new(Load { left: AtomicU64::new(writes), enough: Notify::new() });
    let mut running = Vec::new();
    for mut worker in workers {
        let (load, client) = (Arc::clone(&load), connect(server.addr()).await);
        running.push(tokio::spawn(async move {
            worker.write_until_killed(client, &load).await;
            worker
        }));
    }
    tokio::time::timeout(LIMIT, load.enough.notified()).await.expect("the writes go on");
    server.signal("KILL");
    assert_eq!(server.exit_code(), None, "killed, not ended by itself");
    let mut stopped = Vec::new();
    for worker in running {
        stopped.push(tokio::time::timeout(LIMIT, worker).await.expect("an end").expect("no panic"));
    }
    stopped
}

async fn verify(server: &Process, workers: &mut [Worker], totals: &mut Totals) {
    let mut client = connect(server.addr()).await;
    for worker in workers {
        let (acknowledged, safe, lost) = worker.verify(&mut client).await;
        totals.acknowledged += acknowledged;
        totals.safe += safe;
        totals.lost += lost;
    }
}

/// A recovery that is cut off must not harm the next.
fn kill_while_starting(dir: &Path, mode: &str) {
    let server = Process::start_without_waiting(dir, &settings(mode));
    server.log("listening");
    server.signal("KILL");
    server.exit_code();
}

fn settings(mode: &str) -> Vec<&str> {
    SMALL_FILES.into_iter().chain([mode, "persist.fsync_interval=50ms"]).collect()
}

async fn connect(addr: &str) -> KvClient<Channel> {
    let endpoint = Endpoint::from_shared(addr.to_owned()).expect("an address");
    KvClient::new(endpoint.connect().await.expect("a connection"))
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Counts acknowledged writes until there are enough.
#[derive(Debug)]
pub(super) struct Load {
    left: AtomicU64,
    enough: Notify,
}

impl Load {
    /// One more write was acknowledged.
    pub(super) fn count(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.enough.notify_one();
        }
    }
}

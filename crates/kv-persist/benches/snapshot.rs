//! Measures writing and loading a snapshot: `cargo bench -p kv-persist --bench snapshot [KEYS]`.
//!
//! Fills a store with keys of 75 bytes in all, half of each value random, writes a snapshot to a directory
//! under `TMPDIR`, and loads it on one and on two threads, from the page cache.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use kv_core::testing::ManualClock;
use kv_core::{
    Action, Durability, EngineConfig, ImageEntry, JournalError, Lsn, NullJournal, Op, Progress,
    ReplayTarget, SetExpiry, ShardCursor, ShardedStore, SnapshotSource, Store, Version,
    VisitBudget,
};
use kv_persist::disk::OsDisk;
use kv_persist::snapshot::{
    LoadProgress, SnapshotFile, SnapshotJob, SnapshotMeter, SnapshotOptions, Unhurried,
};
use parking_lot::Mutex;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const KEYS: u64 = 5_500_000;
const VALUE_BYTES: usize = 64;

type Engine = ShardedStore<NullJournal, Arc<ManualClock>>;

/// A log of which everything is safe.
struct SafeLog;

impl Progress for SafeLog {
    fn reached(&self, _level: Durability) -> Lsn {
        Lsn::MAX
    }

    fn poll_reached(
        &self,
        _lsn: Lsn,
        _level: Durability,
        _waker: &Waker,
    ) -> Poll<Result<(), JournalError>> {
        Poll::Ready(Ok(()))
    }

    fn durability_max(&self) -> Durability {
        Durability::Fsync
    }

    fn health(&self) -> Result<(), JournalError> {
        Ok(())
    }

    fn is_congested(&self) -> bool {
        false
    }
}

/// A source that notes how long each visit takes, the lock included.
struct Timed<'a> {
    store: &'a Engine,
    visits: Mutex<Vec<Duration>>,
}

impl SnapshotSource for Timed<'_> {
    fn shards(&self) -> u32 {
        self.store.shards()
    }

    fn shard_position(&self, shard: u32) -> Lsn {
        self.store.shard_position(shard)
    }

    fn last_version(&self) -> Version {
        self.store.last_version()
    }

    fn visit(
        &self,
        shard: u32,
        cursor: &mut ShardCursor,
        budget: VisitBudget,
        visitor: &mut dyn FnMut(ImageEntry<'_>),
    ) -> bool {
        let (has_more, took) = timed(|| self.store.visit(shard, cursor, budget, visitor));
        self.visits.lock().push(took);
        has_more
    }

    fn keys(&self) -> u64 {
        self.store.keys()
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn engine() -> Engine {
    ShardedStore::new(EngineConfig::default(), NullJournal, Arc::default()).unwrap()
}

fn fill(store: &Engine, keys: u64) {
    let mut random = fastrand::Rng::with_seed(1);
    let mut value = [b'v'; VALUE_BYTES];
    for number in 0..keys {
        let key = format!("key{number:08}");
        random.fill(value.get_mut(..VALUE_BYTES / 2).unwrap());
        let action =
            Action::Set { value: &value, expiry: SetExpiry::Never, return_previous: false };
        store.execute(&Op::new(key.as_bytes(), action)).unwrap();
    }
}

fn main() {
    let keys = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(KEYS);
    let directory = tempfile::tempdir().unwrap();
    let disk = OsDisk::open(directory.path()).unwrap();
    let store = engine();
    fill(&store, keys);
    let source = Timed { store: &store, visits: Mutex::default() };
    let job = SnapshotJob {
        source: &source,
        progress: &SafeLog,
        disk: &disk,
        clock: &ManualClock::default(),
        pace: &Unhurried,
        options: SnapshotOptions::default(),
        meter: &SnapshotMeter::default(),
    };
    let (info, took) = timed(|| job.write(1).unwrap());
    println!("written: {} keys, {} bytes, {took:?}", info.keys, info.bytes);
    let mut visits = source.visits.into_inner();
    visits.sort_unstable();
    let at = |permille: usize| visits.get(visits.len() * permille / 1000).copied();
    println!(
        "a shard is locked for: median {:?}, p99.9 {:?}, longest {:?}",
        at(500),
        at(999),
        visits.last()
    );
    drop(store);
    let file = SnapshotFile::open(&disk, 1).unwrap();
    let ((), took) = timed(|| file.verify().unwrap());
    println!("verified: {took:?}");
    for threads in [1, 2] {
        let target = engine();
        let ((), took) = timed(|| file.load(&target, threads, &LoadProgress::default()).unwrap());
        let ((), finish) = timed(|| target.finish_replay());
        println!("loaded on {threads}: {} keys, {took:?}, and {finish:?}", target.keys());
    }
}

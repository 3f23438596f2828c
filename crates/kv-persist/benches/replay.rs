//! What a start from the log alone costs, in one process: `cargo bench -p kv-persist --bench replay`.
//!
//! A store with a log takes millions of keys, 75 bytes each with their value, and a new store of the same seed
//! replays it, several times, from the system's cache.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use kv_core::testing::journal_suite::wait;
use kv_core::{
    Action, Clock, Durability, EngineConfig, Journal, Lsn, NullJournal, Op, ReplayTarget,
    SetExpiry, ShardedStore, Store, UnixMillis,
};
use kv_persist::disk::OsDisk;
use kv_persist::recovery::{LogReplay, ReplayProgress};
use kv_persist::{FileJournal, FsyncMode, LogNeeds, LogOptions, LogStart, LogThreads};
use mimalloc::MiMalloc;
use rustix::time::{ClockId, clock_gettime};

const KEYS: u64 = 5_500_000;
const BATCH: u64 = 1024;
const VALUE: [u8; 59] = [b'v'; 59];
const ROUNDS: usize = 3;

/// What kv-server uses.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

struct RealClock;

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        UnixMillis::new(u64::try_from(since.as_millis()).unwrap())
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// Processor time of all threads so far.
fn used() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

fn engine<J: Journal>(journal: J) -> ShardedStore<J, Arc<dyn Clock>> {
    let config = EngineConfig { shards: 1024, seed: 1, ..EngineConfig::default() };
    ShardedStore::new(config, journal, Arc::new(RealClock) as Arc<dyn Clock>).unwrap()
}

fn fill(disk: Arc<OsDisk>) {
    let options = LogOptions { fsync: FsyncMode::Never, ..LogOptions::default() };
    let journal = Arc::new(FileJournal::new(disk, options));
    let start =
        LogStart { next_lsn: Lsn::new(1), next_sequence: 1, next_segment: 1, sealed: Vec::new() };
    let log = LogThreads::start(Arc::clone(&journal), Arc::new(RealClock), &start).unwrap();
    let store = engine(Arc::clone(&journal));
    let mut results = Vec::new();
    for first in (0..KEYS).step_by(usize::try_from(BATCH).unwrap()) {
        let keys: Vec<String> =
            (first..KEYS.min(first + BATCH)).map(|key| format!("key:{key:012}")).collect();
        let action =
            Action::Set { value: &VALUE, expiry: SetExpiry::Never, return_previous: false };
        let ops: Vec<Op<'_>> = keys.iter().map(|key| Op::new(key.as_bytes(), action)).collect();
        results.clear();
        store.execute_batch(&ops, &mut results).unwrap();
        let last = results.iter().map(|reply| reply.as_ref().unwrap().lsn).max().unwrap();
        if store.progress().is_congested() {
            wait(store.progress(), last, Durability::Buffered).unwrap();
        }
    }
    log.stop().unwrap();
}

fn main() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let disk = Arc::new(OsDisk::open(dir.path()).unwrap());
    fill(Arc::clone(&disk));
    let threads = thread::available_parallelism().unwrap().get();
    for _ in 0..ROUNDS {
        let store = engine(NullJournal);
        let (began, used_before) = (now(), used());
        let needs = LogNeeds { first_segment: Some(1), log_start: Lsn::ZERO, log_end: Lsn::ZERO };
        let replay = LogReplay { disk: &*disk, needs, starts: &[], threads };
        replay.run(&store, &ReplayProgress::default()).unwrap();
        store.finish_replay();
        let (took, cost) = (began.elapsed(), used().saturating_sub(used_before));
        assert_eq!(store.stats().keys, KEYS, "every key is back");
        println!("{KEYS} keys in {took:.2?}, {cost:.2?} of processor time, {threads} threads");
    }
}

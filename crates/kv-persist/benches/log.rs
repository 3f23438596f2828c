//! What the log costs the engine, in one process: `cargo bench -p kv-persist --bench log`.
//!
//! Threads set keys of 16 bytes with values of 64 bytes in batches, over a store without a log and over the
//! same store with a log in each mode, in turns. With `always` each thread waits until its batch is safe, as
//! a connection would.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]
#![expect(clippy::cast_precision_loss, reason = "figures are for people")]

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use kv_core::testing::journal_suite::wait;
use kv_core::{
    Action, Clock, Durability, EngineConfig, Journal, Lsn, NullJournal, Op, SetExpiry,
    ShardedStore, Store, UnixMillis,
};
use kv_persist::disk::OsDisk;
use kv_persist::{FileJournal, FsyncMode, LogOptions, LogStart, LogThreads};
use mimalloc::MiMalloc;

const KEYS: u64 = 1_000_000;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;
const VALUE: [u8; 64] = [b'v'; 64];

struct RealClock;

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        UnixMillis::new(u64::try_from(since.as_millis()).unwrap())
    }
}

/// What kv-server uses.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

type Engine = ShardedStore<Arc<dyn Journal>, Arc<dyn Clock>>;

fn engine(journal: Arc<dyn Journal>) -> Engine {
    let config = EngineConfig { shards: 1024, seed: 1, ..EngineConfig::default() };
    ShardedStore::new(config, journal, Arc::new(RealClock) as Arc<dyn Clock>).unwrap()
}

/// Sets per second of `threads` threads that each set `batch` keys at a time.
fn rate(store: &Engine, threads: u64, batch: u64, level: Durability) -> f64 {
    let start = now();
    let set = |thread_id: u64| {
        let mut random = fastrand::Rng::with_seed(thread_id);
        let mut made = 0;
        let mut results = Vec::new();
        while start.elapsed() < ROUND {
            let keys: Vec<String> =
                (0..batch).map(|_| format!("key:{:012}", random.u64(..KEYS))).collect();
            let action =
                Action::Set { value: &VALUE, expiry: SetExpiry::Never, return_previous: false };
            let ops: Vec<Op<'_>> = keys.iter().map(|key| Op::new(key.as_bytes(), action)).collect();
            results.clear();
            store.execute_batch(&ops, &mut results).unwrap();
            let last: Lsn =
                results.iter().map(|reply| reply.as_ref().unwrap().lsn).max().unwrap_or_default();
            let level = if store.progress().is_congested() { Durability::Buffered } else { level };
            wait(store.progress(), last, level).unwrap();
            made += batch;
        }
        made
    };
    let made: u64 = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|id| scope.spawn(move || set(id))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    made as f64 / start.elapsed().as_secs_f64()
}

/// The same over a log in a new directory.
fn logged(fsync: FsyncMode, threads: u64, batch: u64, level: Durability) -> (f64, String) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let disk = OsDisk::open(dir.path()).unwrap().prewriting(fsync == FsyncMode::Always);
    let disk = Arc::new(disk);
    let journal = Arc::new(FileJournal::new(disk, LogOptions { fsync, ..LogOptions::default() }));
    let start =
        LogStart { next_lsn: Lsn::new(1), next_sequence: 1, next_segment: 1, sealed: Vec::new() };
    let threads_of_log =
        LogThreads::start(Arc::clone(&journal), Arc::new(RealClock), &start).unwrap();
    let store = engine(Arc::clone(&journal) as Arc<dyn Journal>);
    let rate = rate(&store, threads, batch, level);
    threads_of_log.stop().unwrap();
    let stats = journal.stats();
    let per_record = stats.bytes_written as f64 / stats.position.get() as f64 - 80.0;
    (
        rate,
        format!(
            "{} syncs, {per_record:.1} bytes per record beyond key and value",
            stats.syncs.count()
        ),
    )
}

fn main() {
    let interval = FsyncMode::Interval(Duration::from_secs(1));
    let cases = [
        ("interval, 2 threads, batches of 64", interval, 2, 64, Durability::Memory),
        ("interval, 2 threads, single sets", interval, 2, 1, Durability::Memory),
        ("never, 2 threads, batches of 64", FsyncMode::Never, 2, 64, Durability::Memory),
        ("always, 50 threads, single sets", FsyncMode::Always, 50, 1, Durability::Fsync),
        ("always, 50 threads, batches of 16", FsyncMode::Always, 50, 16, Durability::Fsync),
        ("always, 1 thread, single sets", FsyncMode::Always, 1, 1, Durability::Fsync),
    ];
    for (name, fsync, threads, batch, level) in cases {
        for _ in 0..ROUNDS {
            let without = rate(&engine(Arc::new(NullJournal)), threads, batch, Durability::Memory);
            let (with, notes) = logged(fsync, threads, batch, level);
            let ratio = with / without;
            println!("{name}: {with:.0} sets/s, {ratio:.2} of {without:.0} without a log; {notes}");
        }
    }
}

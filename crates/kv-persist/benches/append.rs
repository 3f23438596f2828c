//! What the log costs by itself, in processor time: `cargo bench -p kv-persist --bench append`.
//!
//! One thread or two append a million records a second together, if the disk keeps up, of a key of 16 bytes and
//! a value of 64, in groups of 64 with pauses between. Told apart are the threads that append and the log's own;
//! what the kernel's threads take to write pages back is not seen. `fresh`: every segment is a new file;
//! `reused`: segments come back as if a snapshot had been taken every 256 MiB. `-- fresh` runs one of them,
//! `-- fresh 10` ten rounds.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]
#![expect(clippy::cast_precision_loss, reason = "figures are for people")]

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use kv_core::{Change, Clock, Effect, Journal, Lsn, Progress, Record, UnixMillis, Version};
use kv_persist::disk::OsDisk;
use kv_persist::snapshotter::LogTrim;
use kv_persist::{FileJournal, FsyncMode, LogOptions, LogStart, LogThreads};
use mimalloc::MiMalloc;
use rustix::time::{ClockId, clock_gettime};

const ROUND: Duration = Duration::from_secs(4);
const ROUNDS: usize = 3;
const GROUP: u64 = 64;
/// Between two groups, whichever thread makes them.
const PAUSE: Duration = Duration::from_micros(GROUP);
const SNAPSHOT_BYTES: u64 = 256 << 20;
const VALUE: [u8; 64] = [b'v'; 64];

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

/// Processor time so far, of this thread or of all.
fn used(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

/// What a thread did.
struct Appended {
    records: u64,
    /// What appending took.
    cost: Duration,
    /// With all that is done for the benchmark.
    whole: Duration,
}

/// Appends at an even pace.
#[expect(clippy::disallowed_methods, reason = "a load has pauses")]
fn append(journal: &FileJournal, thread_id: u32, pause: Duration) -> Appended {
    let mut random = fastrand::Rng::with_seed(thread_id.into());
    let start = now();
    let (mut records, mut cost, mut due) = (0, Duration::ZERO, Duration::ZERO);
    while start.elapsed() < ROUND {
        // Sleeping takes longer than asked for: what was missed is made up for.
        thread::sleep(Duration::from_millis(1));
        while due < start.elapsed() && !journal.is_congested() {
            let began = used(ClockId::ThreadCPUTime);
            for _ in 0..GROUP {
                let key = random.u128(..).to_le_bytes();
                let change = Change::Put { value: &VALUE, expiry: None };
                let version = Version::new(records);
                let effects = [Effect { shard: 7, version, key: &key, change }];
                journal.append(&Record { group: 0, effects: &effects }).unwrap();
                records += 1;
            }
            cost += used(ClockId::ThreadCPUTime).saturating_sub(began);
            due += pause;
        }
    }
    Appended { records, cost, whole: used(ClockId::ThreadCPUTime) }
}

/// Lets go of segments like a snapshotter, until everything is appended.
#[expect(clippy::disallowed_methods, reason = "a snapshotter looks now and then")]
fn trim(journal: &FileJournal, is_over: &dyn Fn() -> bool) {
    let mut next = SNAPSHOT_BYTES;
    while !is_over() {
        thread::sleep(Duration::from_millis(20));
        if journal.bytes_written() > next {
            next += SNAPSHOT_BYTES;
            journal.trim(journal.first_needed(journal.position())).unwrap();
        }
    }
}

fn round(name: &str, threads: u32) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let disk = Arc::new(OsDisk::open(dir.path()).unwrap());
    let fsync = FsyncMode::Interval(Duration::from_secs(1));
    let journal = Arc::new(FileJournal::new(disk, LogOptions { fsync, ..LogOptions::default() }));
    let start =
        LogStart { next_lsn: Lsn::new(1), next_sequence: 1, next_segment: 1, sealed: Vec::new() };
    let log = LogThreads::start(Arc::clone(&journal), Arc::new(RealClock), &start).unwrap();
    let began = used(ClockId::ProcessCPUTime);
    let appended: Vec<Appended> = thread::scope(|scope| {
        let journal = &journal;
        let running: Vec<_> = (0..threads)
            .map(|id| scope.spawn(move || append(journal, id, PAUSE * threads)))
            .collect();
        if name == "reused" {
            trim(journal, &|| running.iter().all(thread::ScopedJoinHandle::is_finished));
        }
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    log.stop().unwrap();
    let all = used(ClockId::ProcessCPUTime).saturating_sub(began);
    let records = appended.iter().map(|thread| thread.records).sum::<u64>() as f64;
    let appending = appended.iter().map(|thread| thread.cost).sum::<Duration>();
    let log = all.saturating_sub(appended.iter().map(|thread| thread.whole).sum());
    let per_record = |time: Duration| time.as_nanos() as f64 / records;
    println!(
        "{name}, {threads} threads: a record takes {:.0} ns of the threads that append and {:.0} ns of the log's, {:.0} ns in \
         all; {:.2} M/s",
        per_record(appending),
        per_record(log),
        per_record(appending + log),
        records / 1e6 / ROUND.as_secs_f64(),
    );
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let rounds = args.get(1).map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    for _ in 0..rounds {
        for (name, threads) in [("fresh", 1), ("fresh", 2), ("reused", 1), ("reused", 2)] {
            if args.first().is_none_or(|only| only == name) {
                round(name, threads);
            }
        }
    }
}

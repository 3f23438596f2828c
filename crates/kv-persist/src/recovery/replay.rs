//! Replay: the log's effects applied to a store, on several threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use kv_core::{Change, Effect, Lsn, ReplayTarget};

use super::appliers::{Appliers, WAITING_BYTES_MAX};
use super::budget::Budget;
use crate::disk::Disk;
use crate::log::read::Batch;
use crate::log::walk::LogReader;
use crate::log::{LogEnd, LogError, LogNeeds};

/// The most threads that apply one log.
pub const REPLAY_THREADS_MAX: usize = 64;

/// A log to be replayed.
#[derive(Debug, Clone, Copy)]
pub struct LogReplay<'a> {
    /// Where the log is.
    pub disk: &'a dyn Disk,
    /// What must be there of it.
    pub needs: LogNeeds,
    /// By shard: effects at this position and before are in the target already. Empty when none are.
    pub starts: &'a [Lsn],
    /// How many threads apply effects, up to [`REPLAY_THREADS_MAX`]; the one that calls reads.
    pub threads: usize,
}

/// How far a replay has got. Counters only: readers need no order with other memory.
#[derive(Debug, Default)]
pub struct ReplayProgress {
    /// Length of the log's files; 0 until that is known.
    pub total_bytes: AtomicU64,
    /// How much of that has been read.
    pub bytes: AtomicU64,
    /// Records read that are not in the target already, wholly.
    pub records: AtomicU64,
    /// Effects applied.
    pub effects: AtomicU64,
}

/// The position of the first record the log still has; that of the first to come when there is no log.
///
/// # Errors
/// [`LogError`] when the oldest segment that is needed is missing or damaged.
pub fn log_first_lsn(disk: &dyn Disk, first_segment: Option<u64>) -> Result<Lsn, LogError> {
    let needs = LogNeeds { first_segment, log_start: Lsn::MAX, log_end: Lsn::ZERO };
    LogReader::new(disk, needs)?.first_lsn()
}

impl LogReplay<'_> {
    /// Reads the whole log and applies it to `target`. Takes memory for the largest batch, 16 MiB, and a
    /// few more for each thread. Changes nothing on disk; [`cut_log`](super::cut_log) does what is to be done there.
    ///
    /// # Errors
    /// [`LogError`]; the target holds what precedes the damage then, and perhaps less.
    pub fn run(
        &self,
        target: &dyn ReplayTarget,
        progress: &ReplayProgress,
    ) -> Result<LogEnd, LogError> {
        let reader = LogReader::new(self.disk, self.needs)?;
        let total_bytes = reader.total_bytes()?;
        progress.total_bytes.store(total_bytes, Ordering::Relaxed);
        let budget = Budget::new(WAITING_BYTES_MAX);
        let threads = self.threads.clamp(1, REPLAY_THREADS_MAX);
        let end = thread::scope(|scope| {
            let appliers =
                Appliers::start(scope, threads, (target, &budget)).map_err(|source| {
                    let action = "start a thread to replay the log of";
                    let directory = self.disk.describe();
                    LogError::Io { directory, file: String::new(), action, source }
                })?;
            let mut router = Router {
                appliers,
                target,
                progress,
                starts: self.starts,
                segment: 0,
                least_start: self.starts.iter().copied().min().unwrap_or(Lsn::ZERO),
            };
            let end = reader.read(&mut |batch| router.route(batch));
            router.appliers.finish();
            end
        })?;
        progress.bytes.store(total_bytes, Ordering::Relaxed);
        Ok(end)
    }
}

/// Takes batches apart and hands their effects to the appliers.
struct Router<'a> {
    appliers: Appliers<'a>,
    target: &'a dyn ReplayTarget,
    progress: &'a ReplayProgress,
    starts: &'a [Lsn],
    least_start: Lsn,
    /// The one that is read.
    segment: u64,
}

impl Router<'_> {
    fn route(&mut self, batch: &Batch<'_>) {
        self.progress.bytes.store(batch.log_bytes, Ordering::Relaxed);
        if batch.header.next_lsn().get() <= self.least_start.get().saturating_add(1) {
            return;
        }
        self.see_segment(batch.at.segment);
        let (mut records, mut effects) = (0, 0);
        for record in batch.records() {
            if record.lsn() <= self.least_start {
                continue;
            }
            records += 1;
            for (effect, bytes) in record.effects_and_bytes() {
                if effect.change == Change::Clear {
                    self.clear(&effect);
                } else if record.lsn() > self.start_of(effect.shard) {
                    self.appliers.apply(effect.shard, bytes);
                } else {
                    continue;
                }
                effects += 1;
            }
        }
        self.progress.records.fetch_add(records, Ordering::Relaxed);
        self.progress.effects.fetch_add(effects, Ordering::Relaxed);
    }

    /// Every process begins a segment, and with more or fewer shards a key may be of another one from there on.
    fn see_segment(&mut self, segment: u64) {
        if segment != self.segment {
            self.segment = segment;
            self.appliers.finish();
        }
    }

    /// A clear is for all keys: it comes after everything before it. It does no harm to shards that have
    /// it already, since their keys have later versions.
    fn clear(&mut self, effect: &Effect<'_>) {
        self.appliers.finish();
        self.target.replay(&[*effect]);
    }

    /// A shard without a start is of a process with more shards, which ran after the snapshot was taken.
    fn start_of(&self, shard: u32) -> Lsn {
        let shard = usize::try_from(shard).unwrap_or(usize::MAX);
        self.starts.get(shard).copied().unwrap_or(Lsn::ZERO)
    }
}

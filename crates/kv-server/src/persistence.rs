//! What a server asks of its persistence, whatever implements it.

use std::time::Duration;

use kv_core::{Latency, Lsn};

use crate::config::PersistSection;

/// The part of persistence that operators deal with: snapshots and figures. Writes reach the log through
/// the store, which tells how safe they are by [`kv_core::Progress`].
pub trait Persistence: Send + Sync {
    /// Takes a snapshot and returns when it is on stable storage. Blocks, for minutes if there is much.
    ///
    /// # Errors
    /// [`SnapshotError`]; snapshots taken before are as they were.
    fn snapshot(&self) -> Result<SnapshotTaken, SnapshotError>;

    /// What is on disk and has been done since the start. Cheap, and never blocks on a device.
    fn stats(&self) -> PersistenceStats;

    /// Does from now on what `fsync` and `snapshot_interval` say; nothing else of the settings may change.
    fn follow(&self, settings: &PersistSection);
}

/// A snapshot that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotTaken {
    /// The number in its file's name.
    pub id: u64,
    /// Keys in it.
    pub keys: u64,
    /// Its size on disk.
    pub bytes: u64,
    /// How long it took.
    pub duration: Duration,
}

/// Why no snapshot was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Another one is being taken.
    #[error("a snapshot is being taken already: ask again when it is done")]
    Running,
    /// The disk is full.
    #[error("the snapshot does not fit on the disk: {reason}; make space and ask again")]
    DiskFull {
        /// What did not fit.
        reason: String,
    },
    /// Anything else.
    #[error("the snapshot was not taken: {reason}")]
    Failed {
        /// What went wrong and what helps.
        reason: String,
    },
}

/// The state of log and snapshots. Counters count from the start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PersistenceStats {
    /// Position of the latest record.
    pub log_position: Lsn,
    /// Position of the latest record on stable storage.
    pub durable_position: Lsn,
    /// Bytes of the log's segments on disk.
    pub log_bytes: u64,
    /// Number of the log's segments.
    pub log_segments: u64,
    /// Bytes that wait to be written to the log.
    pub waiting_bytes: u64,
    /// Records written to the log.
    pub log_records: u64,
    /// Batches they were written in, each with one write.
    pub log_batches: u64,
    /// Bytes written to the log.
    pub log_bytes_written: u64,
    /// How often the log was synced, and how long that took.
    pub syncs: Latency,
    /// The sync of the log under way, or else the last one; `None` before the first.
    pub latest_sync: Option<LatestSync>,
    /// When the oldest record was written that is not on stable storage: milliseconds since the Unix epoch;
    /// `None` when all are.
    pub unsynced_since_ms: Option<u64>,
    /// Whether the disk is full, so that only deletes are taken.
    pub disk_full: bool,
    /// The newest snapshot, of this process or an earlier one.
    pub last_snapshot: Option<LastSnapshot>,
    /// How much of the snapshot under way is done, from 0 to 100; `None` when none is.
    pub snapshot_percent: Option<u8>,
    /// Snapshots taken.
    pub snapshots: u64,
    /// Snapshots that failed.
    pub snapshot_failures: u64,
    /// Bytes that were cut off the end of the log at the start, because a crash had torn them.
    pub torn_tail_bytes: u64,
}

/// A sync of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatestSync {
    /// When it was begun: milliseconds since the Unix epoch.
    pub began_ms: u64,
    /// How long it took; `None` while it is under way.
    pub took: Option<Duration>,
}

/// What is known of the newest snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSnapshot {
    /// When it was begun, so that it holds what was written before: milliseconds since the Unix epoch; 0 when
    /// that is not known.
    pub taken_at_ms: u64,
    /// Keys in it.
    pub keys: u64,
    /// Its size on disk.
    pub bytes: u64,
    /// How long it took; zero when an earlier process took it.
    pub duration: Duration,
}

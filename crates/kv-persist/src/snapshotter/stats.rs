//! What snapshots have been taken, and how it goes with the one under way.

use std::time::Duration;

use kv_core::UnixMillis;

/// Figures for people and monitoring.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotStats {
    /// How much of the one under way is done; `None` when none is.
    pub running_percent: Option<u8>,
    /// Bytes of memory that the one under way takes for its buffers.
    pub buffer_bytes: u64,
    /// The newest.
    pub last: Option<LastSnapshot>,
    /// Taken since the start.
    pub taken: u64,
    /// Failed since the start.
    pub failures: u64,
    /// Why the last attempt failed; `None` when it did not.
    pub last_error: Option<String>,
}

/// The newest snapshot that this process took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSnapshot {
    /// Its number.
    pub id: u64,
    /// When it was begun: it holds what was written before, and perhaps more.
    pub began: UnixMillis,
    /// How long it took.
    pub duration: Duration,
    /// Entries in it.
    pub keys: u64,
    /// Size of its file.
    pub bytes: u64,
}

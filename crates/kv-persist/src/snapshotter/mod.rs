//! Taking snapshots when they are due, and letting go of what they replace.
//!
//! * [`Snapshotter`] is the thread: on time, by bytes of log, on request, and in the end.
//! * [`SnapshotKeeper`] is what it does, step by step, for tests to drive.

mod keeper;
mod priority;
mod schedule;
mod stats;
mod thread;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use kv_core::{Clock, Lsn, Progress, SnapshotSource};

use crate::disk::Disk;
use crate::manifest::SnapshotInfo;
use crate::snapshot::SnapshotOptions;

pub use keeper::SnapshotKeeper;
pub use schedule::{RETRY_AFTER_MAX, RETRY_AFTER_MIN, Trigger};
pub use stats::{LastSnapshot, SnapshotStats};
pub use thread::{REQUESTS_MAX, RequestError, SnapshotRequest, Snapshotter};

/// When snapshots are taken, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotSettings {
    /// Taken so long after the last began, if anything was written since; zero for never.
    pub interval: Duration,
    /// Taken when the log has grown by so many bytes since the last began; 0 for never.
    pub log_bytes: u64,
    /// How many are kept, from 1 to [`MANIFEST_SNAPSHOTS_MAX`](crate::manifest::MANIFEST_SNAPSHOTS_MAX);
    /// values out of bounds are taken for the nearest.
    pub kept: usize,
    /// How they are written.
    pub options: SnapshotOptions,
}

/// The log as snapshots see it: it grows, and its beginning can go.
pub trait LogTrim: Send + Sync {
    /// The oldest segment that is needed once everything up to and including `position` is in a snapshot.
    /// The segment that is being written is needed always.
    fn first_needed(&self, position: Lsn) -> u64;

    /// Lets go of every segment before `segment`. It is called when a durable manifest needs none of them.
    ///
    /// # Errors
    /// The operating system's. What could not be removed is tried again with the next snapshot.
    fn trim(&self, segment: u64) -> io::Result<()>;

    /// Bytes appended so far; only differences mean anything.
    fn bytes_written(&self) -> u64;
}

/// What snapshots are made of.
#[derive(Clone)]
pub struct SnapshotParts {
    /// What is copied.
    pub source: Arc<dyn SnapshotSource>,
    /// The log that snapshots go with.
    pub progress: Arc<dyn Progress>,
    /// The same log, to be trimmed.
    pub log: Arc<dyn LogTrim>,
    /// Where they are written.
    pub disk: Arc<dyn Disk>,
    /// Tells when they are due.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for SnapshotParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotParts").field("disk", &self.disk).finish_non_exhaustive()
    }
}

/// A snapshot that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotReport {
    /// As the manifest names it.
    pub info: SnapshotInfo,
    /// How long it took.
    pub duration: Duration,
}

//! The durable half of kv: an append-only log, snapshots and recovery.
//!
//! * [`FileJournal`] implements kv-core's `Journal`: a log of segments, group commit, one sync per batch.
//! * [`snapshot`] copies a store into a file while it serves.
//! * [`recovery`] fills a store from the newest snapshot and the log after it.
//! * [`tools`] check, repair and print the files.
//! * Everything touches files through [`disk::Disk`] only.
//!
//! Every byte on disk is drawn in `docs/formats.md`; what each durability level promises is in
//! `docs/guarantees.md`.

#![deny(unsafe_code)]

pub mod disk;
mod format;
mod log;
pub mod manifest;
pub mod recovery;
pub mod snapshot;
pub mod snapshotter;
mod sync;
mod temp_file;
pub mod tools;
pub mod wait;

pub use log::{
    FileJournal, FsyncMode, LatestSync, LogDamage, LogEnd, LogError, LogNeeds, LogOptions,
    LogPosition, LogStart, LogStats, LogThreads, SealedSegment, SegmentExtent, TornTail,
};

/// The formats that files are written in: each kind of file with its version, the highest that is read.
pub const FORMAT_VERSIONS: [(&str, u32); 3] = [
    ("log", log::LOG_VERSION),
    ("snapshot", snapshot::SNAPSHOT_VERSION),
    ("manifest", manifest::MANIFEST_VERSION),
];

/// Logs made by hand, for tests and fuzzing.
#[cfg(any(test, feature = "testing"))]
pub mod testing {
    pub use crate::log::testing::{BatchSpan, BuiltLog, LogBuilder, ReadRecord, read_log};
    pub use crate::snapshot::testing::fuzz_snapshot;
}

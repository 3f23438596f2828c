//! The append-only log: what the engine's effects become on disk.
//!
//! ```text
//! append (under shard locks) ──▶ Pending ──take──▶ Writer ──▶ current segment ──sync──▶ Waiters
//!                                buffer            thread     spare segments ◀── preparer thread
//! ```
//!
//! [`FileJournal`] takes records and tells how safe they are; the writer turns everything that has come
//! since its last sync into one batch, one write and one sync (group commit); segments are made in advance
//! and recycled, so that the write path allocates nothing on the disk.

pub(crate) mod batch;
mod chunks;
pub(crate) mod error;
pub(crate) mod extent;
mod journal;
mod options;
mod pending;
mod positions;
#[cfg(all(test, kv_loom))]
mod positions_loom_tests;
pub(crate) mod read;
pub(crate) mod record;
pub(crate) mod segment;
mod segments;
pub(crate) mod tail;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod testing;
mod threads;
mod through;
mod waiters;
pub(crate) mod walk;
mod window;
mod writer;

pub use error::{LogDamage, LogError};
pub use extent::{LogEnd, LogNeeds, LogPosition, SegmentExtent, TornTail};
pub use journal::{FileJournal, LatestSync, LogStats};
pub use options::{FsyncMode, LogOptions};
pub(crate) use segment::LOG_VERSION;
pub use segments::{LogStart, SealedSegment};
pub use threads::LogThreads;

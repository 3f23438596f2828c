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
mod journal;
mod options;
mod pending;
pub(crate) mod record;
pub(crate) mod segment;
mod segments;
mod threads;
mod waiters;
mod writer;

pub use journal::{FileJournal, LogStats};
pub use options::{FsyncMode, LogOptions};
pub use segments::{LogStart, SealedSegment};
pub use threads::LogThreads;

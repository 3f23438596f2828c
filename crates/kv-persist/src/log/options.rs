//! How the log is kept, and its bounds.

use std::time::Duration;

use crate::disk;

/// Segments made in advance. The last one is a reserve: only when no other can be made it is taken, so that
/// deletes find room on a full disk.
pub(crate) const SPARES_WANTED: usize = 2;

/// The most segments that are kept for reuse, whatever is asked for; more are removed.
pub(crate) const SPARES_MAX: usize = 64;

/// A write reaches the system at the latest this long after it was made, if nobody waits for it.
pub(crate) const LINGER: Duration = Duration::from_millis(5);

/// So many bytes are written at once without lingering.
pub(crate) const LINGER_BYTES_MAX: u64 = 256 << 10;

/// How long the writer waits for a segment that is being made, before it looks again.
pub(crate) const SPARE_RETRY: Duration = Duration::from_millis(5);

/// How long to wait before space on a full disk is asked for again.
pub(crate) const SPACE_RETRY: Duration = Duration::from_millis(500);

/// Part of the buffer above which writers are asked to wait for the device.
pub(crate) const CONGESTED_ABOVE: u64 = 4;

/// Writes end with zeros up to a multiple of this: a page that is only partly overwritten would have to be
/// read first, and what a recycled file held before never follows the last batch directly.
pub(crate) const PAGE_BYTES: u64 = disk::PAGE_BYTES as u64;

/// When the log is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FsyncMode {
    /// After every batch: one sync for all writes that came during the last one.
    Always,
    /// This long after the first write that is not synced.
    Interval(Duration),
    /// When a write asks for it, and when a segment is full.
    Never,
}

/// How the log is kept.
#[derive(Debug, Clone, Copy)]
pub struct LogOptions {
    /// When it is synced, until [`FileJournal::set_fsync`](super::FileJournal::set_fsync) says otherwise.
    pub fsync: FsyncMode,
    /// Length of a segment file.
    pub segment_bytes: u64,
    /// Most bytes of records that wait to be written. As many again may be on their way to the disk.
    pub buffer_bytes: u64,
    /// How many bytes of segments are kept for reuse when no snapshot needs them any more, up to
    /// 64 segments. What a snapshot frees should do until the next one: to write over a file
    /// takes neither fresh memory for the system's cache nor fresh space on the disk.
    pub reuse_bytes: u64,
    /// Source of the segments' salts.
    pub seed: u64,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            fsync: FsyncMode::Interval(Duration::from_secs(1)),
            segment_bytes: 64 << 20,
            buffer_bytes: 64 << 20,
            reuse_bytes: 512 << 20,
            seed: 0,
        }
    }
}

impl LogOptions {
    /// Records are put together in batches of up to this many bytes, so that two fit in a segment.
    pub(super) fn batch_bytes_max(&self) -> u64 {
        self.segment_bytes / 2
    }

    /// How many segments there may be in advance.
    pub(super) fn spares_max(&self) -> usize {
        let reused = self.reuse_bytes / self.segment_bytes.max(1);
        usize::try_from(reused).unwrap_or(SPARES_MAX).saturating_add(SPARES_WANTED).min(SPARES_MAX)
    }
}

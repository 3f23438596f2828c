//! Writing a snapshot: shard by shard, in short visits, to a file that gets its name in the end.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use kv_core::{
    Clock, Durability, ImageEntry, JournalError, Lsn, Progress, ShardCursor, SnapshotSource,
    VisitBudget,
};

use super::block_buffer::BlockBuffer;
use super::footer::{Footer, ShardStart, encode_end};
use super::header::Header;
use super::output::{Output, failed};
use super::pace::{Pace, Throttle};
use crate::disk::Disk;
use crate::format::names::snapshot_name;
use crate::manifest::{SnapshotInfo, StoreManifestError};
use crate::temp_file::TempFile;
use crate::wait::block_unless;

/// The least that [`SnapshotOptions::buffer_bytes`] may be.
pub const SNAPSHOT_BUFFER_BYTES_MIN: usize = 512 << 10;

/// The most that [`SnapshotOptions::buffer_bytes`] may be.
pub const SNAPSHOT_BUFFER_BYTES_MAX: usize = 16 << 20;

/// Entries copied under a shard's lock at once, so that it is held for at most 50 µs: an entry that is in no
/// cache takes up to 0.3 µs.
const VISIT_ENTRIES: usize = 64;

/// Bytes copied under a shard's lock at once; as above.
pub(super) const VISIT_BYTES: usize = 64 << 10;

/// Bytes of shared values that one visit may keep alive, and one value more.
const VISIT_SHARED_BYTES: usize = 4 << 20;

/// Visits between two offers to let others run. A thread that has used up its time is stopped wherever it
/// is, with a shard's lock as well, and whoever wants the shard stands still for milliseconds. One that gives
/// way every fraction of a millisecond has hardly ever used it up.
const VISITS_PER_TURN: usize = 8;

const BUDGET: VisitBudget =
    VisitBudget { entries: VISIT_ENTRIES, bytes: VISIT_BYTES, shared_bytes: VISIT_SHARED_BYTES };

/// How snapshots are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotOptions {
    /// Memory for the blocks under way, from [`SNAPSHOT_BUFFER_BYTES_MIN`] to
    /// [`SNAPSHOT_BUFFER_BYTES_MAX`]; values out of bounds are taken for the nearest. A snapshot needs no
    /// other memory that grows with the store, but for large values (4 MiB of them and one more) that are
    /// overwritten while they are being written to the file, and one compressed value at a time that is not.
    pub buffer_bytes: usize,
    /// Bytes written per second; 0 for no limit.
    pub bytes_per_second: u64,
}

impl Default for SnapshotOptions {
    fn default() -> Self {
        Self { buffer_bytes: 1 << 20, bytes_per_second: 0 }
    }
}

impl SnapshotOptions {
    /// With everything within its bounds.
    pub(crate) fn clamped(self) -> Self {
        let buffer_bytes =
            self.buffer_bytes.clamp(SNAPSHOT_BUFFER_BYTES_MIN, SNAPSHOT_BUFFER_BYTES_MAX);
        Self { buffer_bytes, ..self }
    }
}

/// How far a snapshot has got. Counters only: readers need no order with other memory.
#[derive(Debug, Default)]
pub struct SnapshotMeter {
    shards: AtomicU64,
    shards_done: AtomicU64,
    bytes: AtomicU64,
}

impl SnapshotMeter {
    /// Percent of the shards that are copied.
    pub fn percent(&self) -> u8 {
        let all = self.shards.load(Ordering::Relaxed).max(1);
        let done = self.shards_done.load(Ordering::Relaxed).min(all);
        u8::try_from(done * 100 / all).unwrap_or(100)
    }

    /// Bytes written.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn begin(&self, shards: u32) {
        self.bytes.store(0, Ordering::Relaxed);
        self.shards_done.store(0, Ordering::Relaxed);
        self.shards.store(shards.into(), Ordering::Relaxed);
    }
}

/// Why there is no snapshot. Those before are as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The disk refused.
    #[error("{doing} the snapshot failed: {source}")]
    Disk {
        /// What was being done.
        doing: &'static str,
        /// What the disk said.
        source: io::Error,
    },
    /// The snapshot needs a part of the log that is not safe.
    #[error("the log that the snapshot needs is not safe: {0}")]
    Log(#[from] JournalError),
    /// The snapshot was written, and the manifest that names it was not stored.
    #[error(transparent)]
    Manifest(#[from] StoreManifestError),
    /// Given up because the server stops.
    #[error("the snapshot was given up because the server stops")]
    Stopped,
}

impl SnapshotError {
    /// Whether there was no space for it.
    pub fn is_disk_full(&self) -> bool {
        let full = |error: &io::Error| error.kind() == io::ErrorKind::StorageFull;
        match self {
            Self::Disk { source, .. } => full(source),
            Self::Manifest(error) => full(&error.source),
            Self::Log(_) | Self::Stopped => false,
        }
    }
}

/// A snapshot to be written.
#[derive(Clone, Copy)]
pub struct SnapshotJob<'a> {
    /// What is copied.
    pub source: &'a dyn SnapshotSource,
    /// The log that the snapshot goes with.
    pub progress: &'a dyn Progress,
    /// Where it is written.
    pub disk: &'a dyn Disk,
    /// Times the throttle and dates the file.
    pub clock: &'a dyn Clock,
    /// Waits for the throttle, and stops.
    pub pace: &'a dyn Pace,
    /// How.
    pub options: SnapshotOptions,
    /// Tells how far it has got.
    pub meter: &'a SnapshotMeter,
}

impl std::fmt::Debug for SnapshotJob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotJob").field("options", &self.options).finish_non_exhaustive()
    }
}

impl SnapshotJob<'_> {
    /// Copies the source into a file, and returns when the file, its name and the part of the log that it
    /// needs are on stable storage. The file means nothing until a manifest names it.
    ///
    /// Takes time in proportion to the data, and each shard's lock for 50 µs at a time.
    ///
    /// # Errors
    /// [`SnapshotError`]; then there is no file.
    pub fn write(&self, id: u64) -> Result<SnapshotInfo, SnapshotError> {
        self.meter.begin(self.source.shards());
        let name = snapshot_name(id);
        let temp = TempFile::create(self.disk, &name).map_err(|e| failed("creating", e))?;
        let throttle = Throttle::new(self.clock, self.pace, self.options.bytes_per_second);
        let mut output = Output::new(temp.file(), throttle, self.pace, self.meter);
        let footer = self.write_content(id, &mut output)?;
        let bytes = output.offset();
        // A file that can be seen can be used: it gets its name when the log is safe.
        let give_up = || self.pace.is_stopped();
        if !block_unless(self.progress, footer.log_end, Durability::Fsync, &give_up)? {
            return Err(SnapshotError::Stopped);
        }
        if let Err(error) = temp.publish() {
            self.remove_unpublished(&name, error.may_have_happened);
            return Err(failed("naming", error.source));
        }
        let Footer { keys, log_start, log_end, .. } = footer;
        Ok(SnapshotInfo { id, log_start, log_end, keys, bytes })
    }

    fn write_content(&self, id: u64, output: &mut Output<'_>) -> Result<Footer, SnapshotError> {
        let shards = self.source.shards();
        output.write(&Header { id, created: self.clock.now(), shards }.encode())?;
        let buffer_bytes =
            self.options.buffer_bytes.clamp(SNAPSHOT_BUFFER_BYTES_MIN, SNAPSHOT_BUFFER_BYTES_MAX);
        let mut buffer = BlockBuffer::new(buffer_bytes);
        let mut starts = Vec::with_capacity(shards as usize);
        let mut log_end = Lsn::ZERO;
        for shard in 0..shards {
            let position = self.source.shard_position(shard);
            starts.push(ShardStart { position, offset: output.offset() });
            self.write_shard(shard, &mut buffer, output)?;
            log_end = log_end.max(self.source.shard_position(shard));
            self.meter.shards_done.fetch_add(1, Ordering::Relaxed);
        }
        let footer = Footer {
            keys: buffer.keys,
            raw_bytes: buffer.raw_bytes,
            log_start: starts.iter().map(|start| start.position).min().unwrap_or_default(),
            log_end,
            last_version: self.source.last_version(),
            blocks: buffer.blocks,
            shards: starts,
        };
        let offset = output.offset();
        output.write(&[footer.encode(), encode_end(offset).to_vec()].concat())?;
        Ok(footer)
    }

    fn write_shard(
        &self,
        shard: u32,
        buffer: &mut BlockBuffer,
        output: &mut Output<'_>,
    ) -> Result<(), SnapshotError> {
        let mut cursor = ShardCursor::default();
        for visit in 0_usize.. {
            if visit % VISITS_PER_TURN == 0 {
                self.pace.give_way();
            }
            let mut add = |entry: ImageEntry<'_>| buffer.add(shard, &entry);
            let has_more = self.source.visit(shard, &mut cursor, BUDGET, &mut add);
            buffer.drain(shard, output)?;
            if !has_more {
                break;
            }
        }
        buffer.flush(shard, output)
    }

    /// Removes a file that may have got its name, but not for sure: nothing names it.
    fn remove_unpublished(&self, name: &str, may_be_there: bool) {
        if !may_be_there {
            return;
        }
        match self.disk.remove(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                // Left to the next snapshot, which removes what no manifest names.
                tracing::debug!(file = name, %error, "an unfinished snapshot was not removed");
            }
            _ => {}
        }
    }
}

//! `FileJournal`: the log as the engine and those who wait see it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use kv_core::{
    Clock, Durability, Journal, JournalError, Latency, Lsn, Progress, Record, UnixMillis,
};
use parking_lot::{Condvar, Mutex};

use super::options::{CONGESTED_ABOVE, FsyncMode, LogOptions};
use super::pending::{Incoming, Intake, Pending};
use super::positions::Positions;
use super::segments::Segments;
use crate::disk::Disk;
use crate::snapshotter::LogTrim;

/// The log of one data directory.
///
/// Takes nothing until [`LogThreads::start`](super::LogThreads::start), because its first position is known
/// only after recovery. `append` costs a copy of the record under a short lock; checksums are left to the
/// writer, and nothing touches the disk.
pub struct FileJournal {
    pub(super) options: LogOptions,
    /// So many bytes may wait before writers are asked to.
    congested_above: u64,
    pub(super) segments: Segments,
    pub(super) buffer: Mutex<Buffer>,
    /// Wakes the writer.
    pub(super) work: Condvar,
    positions: Positions,
    /// What the buffer says: a copy that can be read without its lock.
    is_congested: AtomicBool,
    pub(super) counters: Counters,
}

/// What appenders and the writer share.
#[derive(Debug)]
pub(super) struct Buffer {
    pub(super) pending: Pending,
    /// The last position somebody waits to see written.
    pub(super) wanted_written: Lsn,
    /// The last position somebody waits to see on stable storage.
    pub(super) wanted_durable: Lsn,
    pub(super) writer: WriterState,
    /// Taken by the writer and not written yet.
    pub(super) in_hand_bytes: u64,
    /// More waits than should.
    is_congested: bool,
    /// When the log is synced: at first as its options say.
    pub(super) fsync: FsyncMode,
    /// Whether the writer does not know that yet.
    pub(super) fsync_changed: bool,
    pub(super) stopping: bool,
}

/// What the writer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriterState {
    /// It works, and will look for more by itself.
    Busy,
    /// It sleeps until it is notified, however long that takes.
    Idle,
    /// It sleeps for a while, and wants to be notified only if it is to hurry.
    Lingers,
    /// It has a batch in hand that finds no space.
    Stuck,
}

/// What the log has done since it was started.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) batches: AtomicU64,
    pub(super) records: AtomicU64,
    pub(super) bytes: AtomicU64,
    /// Taken by the writer once per sync.
    pub(super) syncs: Mutex<Latency>,
    /// The one under way, or the last one.
    pub(super) latest_sync: Mutex<Option<LatestSync>>,
    /// When the oldest batch was written that is not synced; 0 when all are.
    pub(super) unsynced_since_ms: AtomicU64,
}

impl Counters {
    /// A sync is under way from now on. Tells when that is, in the clock's elapsed time.
    pub(super) fn begin_sync(&self, clock: &dyn Clock) -> Duration {
        *self.latest_sync.lock() = Some(LatestSync { began: clock.now(), took: None });
        clock.elapsed()
    }

    /// The sync that began then is done.
    pub(super) fn end_sync(&self, clock: &dyn Clock, began: Duration) {
        let took = clock.elapsed().saturating_sub(began);
        if let Some(sync) = &mut *self.latest_sync.lock() {
            sync.took = Some(took);
        }
        self.syncs.lock().record(took);
    }
}

/// The sync of the log under way, or else the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatestSync {
    /// When it was begun.
    pub began: UnixMillis,
    /// How long it took; `None` while it is under way.
    pub took: Option<Duration>,
}

/// The state of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogStats {
    /// Position of the last record taken.
    pub position: Lsn,
    /// Position up to which records were handed to the operating system.
    pub written: Lsn,
    /// Position up to which records are on stable storage.
    pub durable: Lsn,
    /// Bytes that wait to be written.
    pub waiting_bytes: u64,
    /// Batches written since the start.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of batches written since the start.
    pub bytes_written: u64,
    /// Syncs since the start, and how long they took.
    pub syncs: Latency,
    /// The sync under way, or else the last one; `None` before the first.
    pub latest_sync: Option<LatestSync>,
    /// When the oldest batch was written that is not on stable storage; `None` when all are.
    pub unsynced_since: Option<UnixMillis>,
    /// Segments in use.
    pub segments: u64,
    /// Bytes of segments in use, as far as they are filled.
    pub log_bytes: u64,
    /// Whether the disk is full.
    pub disk_full: bool,
}

impl fmt::Debug for FileJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileJournal").field("options", &self.options).finish_non_exhaustive()
    }
}

impl FileJournal {
    /// A log on `disk` that takes nothing yet.
    pub fn new(disk: Arc<dyn Disk>, options: LogOptions) -> Self {
        let buffer = Buffer {
            pending: Pending::new(options.buffer_bytes, options.batch_bytes_max()),
            wanted_written: Lsn::ZERO,
            wanted_durable: Lsn::ZERO,
            writer: WriterState::Busy,
            in_hand_bytes: 0,
            is_congested: false,
            fsync: options.fsync,
            fsync_changed: false,
            stopping: false,
        };
        // What is longer than a batch should be may need space that is not set aside yet: it is not
        // acknowledged before it is written.
        let congested_above = options.batch_bytes_max().min(options.buffer_bytes / CONGESTED_ABOVE);
        Self {
            options,
            congested_above,
            segments: Segments::new(disk, &options),
            buffer: Mutex::new(buffer),
            work: Condvar::new(),
            positions: Positions::default(),
            is_congested: AtomicBool::new(false),
            counters: Counters::default(),
        }
    }

    /// The state of the log.
    pub fn stats(&self) -> LogStats {
        let (segments, log_bytes) = self.segments.in_use();
        let unsynced_since_ms = self.counters.unsynced_since_ms.load(Ordering::Relaxed);
        let buffer = self.buffer.lock();
        LogStats {
            position: buffer.pending.position(),
            written: self.reached(Durability::Buffered),
            durable: self.reached(Durability::Fsync),
            waiting_bytes: buffer.pending.bytes(),
            batches: self.counters.batches.load(Ordering::Relaxed),
            records: self.counters.records.load(Ordering::Relaxed),
            bytes_written: self.counters.bytes.load(Ordering::Relaxed),
            syncs: *self.counters.syncs.lock(),
            latest_sync: *self.counters.latest_sync.lock(),
            unsynced_since: (unsynced_since_ms != 0).then(|| UnixMillis::new(unsynced_since_ms)),
            segments,
            log_bytes,
            disk_full: matches!(buffer.pending.intake, Intake::RemovalsOnly { .. }),
        }
    }

    /// Syncs as `mode` says from now on, what was written before among it.
    pub fn set_fsync(&self, mode: FsyncMode) {
        let mut buffer = self.buffer.lock();
        (buffer.fsync, buffer.fsync_changed) = (mode, true);
        self.wake(&mut buffer);
    }

    fn wake(&self, buffer: &mut Buffer) {
        if matches!(buffer.writer, WriterState::Idle | WriterState::Lingers) {
            buffer.writer = WriterState::Busy;
            self.work.notify_one();
        }
    }

    /// Begins to take records, at the position after recovery's last.
    pub(super) fn open(&self, next_lsn: Lsn) {
        self.positions.start_at(Lsn::new(next_lsn.get() - 1));
        self.buffer.lock().pending.start_at(next_lsn);
    }

    /// Takes records that nothing writes, to see what happens when the buffer fills.
    #[cfg(any(test, feature = "testing"))]
    pub fn open_without_threads(&self) {
        self.open(Lsn::new(1));
    }

    /// Publishes what was written and wakes who waited for it.
    pub(super) fn publish(&self, level: Durability, reached: Lsn) {
        self.positions.publish(level, reached);
    }

    /// Gives up: takes nothing any more and tells everyone who waits. Only the first reason counts.
    pub(super) fn fail(&self, reason: String) {
        let is_first = self.positions.fail(reason);
        let mut buffer = self.buffer.lock();
        buffer.pending.intake = Intake::Failed;
        buffer.pending.clear();
        drop(buffer);
        if is_first {
            let reason = self.positions.failure();
            tracing::error!(reason, "the log has failed: writes are refused");
        }
        // Last: who is woken finds that nothing is taken any more.
        self.positions.end_waits();
    }

    /// The disk is full: only what needs no further segment is taken.
    pub(super) fn space_lost(&self, reason: &str) {
        let bytes_left = self.segments.bytes_left();
        let mut buffer = self.buffer.lock();
        // What is taken while the writer is stuck would have to wait behind what it has in hand.
        let stuck = buffer.writer == WriterState::Stuck;
        let bytes_left = if stuck { 0 } else { bytes_left };
        match &buffer.pending.intake {
            Intake::Open => tracing::error!(reason, "only deletes are accepted"),
            Intake::RemovalsOnly { .. } => {}
            _ => return,
        }
        let reason = reason.to_owned();
        buffer.pending.intake = Intake::RemovalsOnly { bytes_left, reason };
    }

    /// There is a spare segment: everything is taken again, unless the writer is stuck. It tries again then, and
    /// calls this once it is through: spares are no help to a batch that does not fit in a segment.
    pub(super) fn space_found(&self) {
        let mut buffer = self.buffer.lock();
        let stuck = buffer.writer == WriterState::Stuck;
        if !stuck && matches!(buffer.pending.intake, Intake::RemovalsOnly { .. }) {
            tracing::info!("there is space again: writes are accepted");
            buffer.pending.intake = Intake::Open;
        }
        drop(buffer);
        self.work.notify_one();
    }

    /// Whether somebody waits for stable storage that has not been reached.
    pub(super) fn is_sync_awaited(&self, buffer: &Buffer) -> bool {
        buffer.wanted_durable > self.reached(Durability::Fsync)
    }

    pub(super) fn has_failed(&self) -> bool {
        self.positions.failure().is_some()
    }

    /// Compares what waits, in the writer's hand too, with what should. Appenders read the outcome often, so it
    /// is written only when it changes.
    pub(super) fn note_waiting(&self, buffer: &mut Buffer) {
        let waiting = buffer.pending.bytes() + buffer.in_hand_bytes;
        let is_congested = waiting > self.congested_above;
        if is_congested != buffer.is_congested {
            buffer.is_congested = is_congested;
            self.is_congested.store(is_congested, Ordering::Relaxed);
        }
    }

    fn push(&self, incoming: Incoming<'_>) -> Result<Lsn, JournalError> {
        let mut buffer = self.buffer.lock();
        match buffer.pending.push(incoming) {
            Ok(lsn) => {
                self.note_waiting(&mut buffer);
                // The first record after a pause wakes the writer; those that follow find it lingering.
                if buffer.writer == WriterState::Idle {
                    buffer.writer = WriterState::Busy;
                    self.work.notify_one();
                }
                Ok(lsn)
            }
            // What has failed says why.
            Err(error) => Err(self.health().err().unwrap_or(error)),
        }
    }

    /// Makes the writer hurry for somebody who waits.
    fn hurry(&self, lsn: Lsn, level: Durability) {
        let mut buffer = self.buffer.lock();
        let lsn = lsn.min(buffer.pending.position());
        let wanted = if level == Durability::Fsync {
            &mut buffer.wanted_durable
        } else {
            &mut buffer.wanted_written
        };
        if lsn > *wanted {
            *wanted = lsn;
            self.wake(&mut buffer);
        }
    }
}

impl Progress for FileJournal {
    fn reached(&self, level: Durability) -> Lsn {
        self.positions.reached(level)
    }

    fn poll_reached(
        &self,
        lsn: Lsn,
        level: Durability,
        waker: &Waker,
    ) -> Poll<Result<(), JournalError>> {
        if level == Durability::Memory || lsn <= self.reached(level) {
            return Poll::Ready(Ok(()));
        }
        let wait = self.positions.begin_wait(lsn, level, waker);
        if wait.is_pending() && lsn != Lsn::MAX {
            self.hurry(lsn, level);
        }
        wait
    }

    fn durability_max(&self) -> Durability {
        Durability::Fsync
    }

    fn health(&self) -> Result<(), JournalError> {
        match self.positions.failure() {
            None => Ok(()),
            Some(reason) => Err(JournalError::Unavailable { reason: reason.to_owned() }),
        }
    }

    fn is_congested(&self) -> bool {
        self.is_congested.load(Ordering::Relaxed)
    }
}

impl Journal for FileJournal {
    fn append(&self, record: &Record<'_>) -> Result<Lsn, JournalError> {
        let incoming = Incoming::new(record)
            .map_err(|error| JournalError::Unavailable { reason: error.to_string() })?;
        self.push(incoming)
    }

    fn position(&self) -> Lsn {
        self.buffer.lock().pending.position()
    }
}

impl LogTrim for FileJournal {
    fn first_needed(&self, position: Lsn) -> u64 {
        self.segments.first_after(position)
    }

    fn trim(&self, segment: u64) -> io::Result<()> {
        let trimmed = self.segments.trim(segment);
        if self.segments.has_spares() {
            self.space_found();
        }
        trimmed
    }

    fn bytes_written(&self) -> u64 {
        self.counters.bytes.load(Ordering::Relaxed)
    }
}

//! The writer: turns what waits into batches, one write and one sync each.
//!
//! [`Writer::turn`] does one round and never waits for more work, so that tests can drive it step by step;
//! the thread around it is in `threads`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kv_core::{Clock, Durability, Journal as _, Lsn};

use super::batch::{BATCH_HEADER_BYTES, BatchHeader};
use super::journal::{FileJournal, WriterState};
use super::options::{FsyncMode, PAGE_BYTES};
use super::pending::Batch;
use super::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use super::segments::{LogStart, SegmentError, no_segment};
use super::through::Through;
use crate::disk::{DiskFile, is_shortage};

/// Writes and syncs the log. There is one.
pub(super) struct Writer {
    journal: Arc<FileJournal>,
    clock: Arc<dyn Clock>,
    random: fastrand::Rng,
    current: Option<Current>,
    through: Through,
    next_sequence: u64,
    /// The last batch on stable storage.
    durable_sequence: u64,
    /// Position of the last record written.
    written: Lsn,
    /// When the oldest batch was written that is not synced.
    dirty_since_ms: Option<u64>,
    /// Taken and not written yet, because there was no space.
    in_hand: Option<Batch>,
    /// Others waited behind the batch that was taken last.
    more_waited: bool,
}

/// The segment that is written.
#[derive(Debug)]
struct Current {
    file: Arc<dyn DiskFile>,
    salt: u64,
    /// Where the next batch begins.
    end: u64,
    /// How long the file is made.
    allocated: u64,
}

impl Current {
    /// Writes the chunks of a batch where the next one begins.
    fn write(&self, batch: &Batch) -> io::Result<()> {
        let mut offset = self.end;
        for chunk in batch.chunks.iter().filter(|chunk| !chunk.is_empty()) {
            self.file.write_at(offset, chunk)?;
            offset += chunk.len() as u64;
        }
        Ok(())
    }
}

/// What a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// What waited is done. A sync is due after this time, if any.
    Done { sync_due: Option<Duration> },
    /// A segment is being made; try again soon.
    NotReady,
    /// There is no space; try again later.
    NoSpace,
    /// The log has failed: there is nothing left to do.
    Failed,
}

/// Why a batch was not written.
enum WriteError {
    NotReady,
    NoSpace(String),
    Failed(String),
}

impl Writer {
    pub(super) fn new(journal: Arc<FileJournal>, clock: Arc<dyn Clock>, start: &LogStart) -> Self {
        Self {
            random: fastrand::Rng::with_seed(journal.options.seed),
            journal,
            clock,
            current: None,
            through: Through::new(),
            next_sequence: start.next_sequence,
            durable_sequence: start.next_sequence - 1,
            written: Lsn::new(start.next_lsn.get() - 1),
            dirty_since_ms: None,
            in_hand: None,
            more_waited: false,
        }
    }

    /// Writes what waits, and syncs if that is due or wanted.
    pub(super) fn turn(&mut self) -> Turn {
        if self.journal.has_failed() {
            return Turn::Failed;
        }
        // What comes while these are written waits for the next turn, or the sync would never be reached.
        let batches = self.journal.buffer.lock().pending.batches() + 1;
        for _ in 0..batches {
            let Some(batch) = self.in_hand.take().or_else(|| self.take()) else { break };
            match self.write(batch, false) {
                // On stable storage already, and all before it.
                Ok(()) if self.dirty_since_ms.is_none() => break,
                Ok(()) => {}
                Err(WriteError::NotReady) => return Turn::NotReady,
                Err(WriteError::NoSpace(reason)) => {
                    self.journal.buffer.lock().writer = WriterState::Stuck;
                    self.journal.space_lost(&reason);
                    return Turn::NoSpace;
                }
                Err(WriteError::Failed(reason)) => return self.fail(reason),
            }
        }
        match self.sync_if_due() {
            Ok(sync_due) => Turn::Done { sync_due },
            Err(reason) => self.fail(reason),
        }
    }

    /// Ends the log cleanly: everything is written and synced, and the last batch says so.
    pub(super) fn close(&mut self) -> Turn {
        loop {
            match self.turn() {
                Turn::Done { .. } if self.journal.buffer.lock().pending.batches() > 0 => {}
                Turn::Done { .. } => break,
                // Nobody waits for space any more: what is in hand is lost like after a crash.
                Turn::NotReady | Turn::NoSpace => {
                    let lost = self.journal.position().get() - self.written.get();
                    return self.fail(format!(
                        "there was no space for the last {lost} records when the server stopped: \
                         they are lost"
                    ));
                }
                Turn::Failed => return Turn::Failed,
            }
        }
        if self.current.is_none() {
            return Turn::Done { sync_due: None };
        }
        // Synced first, so that the last batch proves that all before it were on stable storage: what a
        // disk does to them later is damage then, and no torn tail.
        if let Err(reason) = self.sync() {
            return self.fail(reason);
        }
        let empty = self.journal.buffer.lock().pending.empty_batch();
        let closed = match self.write(empty, true) {
            Ok(()) => self.sync(),
            Err(WriteError::NoSpace(reason) | WriteError::Failed(reason)) => Err(reason),
            Err(WriteError::NotReady) => Err("no segment was made".to_owned()),
        };
        closed.map_or_else(|reason| self.fail(reason), |()| Turn::Done { sync_due: None })
    }

    fn fail(&mut self, reason: String) -> Turn {
        self.in_hand = None;
        self.journal.fail(reason);
        Turn::Failed
    }

    fn take(&mut self) -> Option<Batch> {
        let mut buffer = self.journal.buffer.lock();
        let batch = buffer.pending.take()?;
        buffer.in_hand_bytes = batch.bytes;
        self.more_waited = buffer.pending.batches() > 0;
        Some(batch)
    }

    /// Notes that what was in hand is written.
    fn put_down(&mut self, mut written: Batch) {
        let mut buffer = self.journal.buffer.lock();
        let was_stuck = buffer.writer == WriterState::Stuck;
        (buffer.writer, buffer.in_hand_bytes) = (WriterState::Busy, 0);
        buffer.pending.reuse(&mut written.chunks);
        self.journal.note_waiting(&mut buffer);
        drop(buffer);
        // Large records are freed here, without the lock.
        drop(written);
        // With spares enough nobody else would say so.
        if was_stuck && self.journal.segments.has_spares() {
            self.journal.space_found();
        }
    }

    fn write(&mut self, mut batch: Batch, closing: bool) -> Result<(), WriteError> {
        if let Err(error) = self.make_room(&batch) {
            self.in_hand = Some(batch);
            return Err(error);
        }
        let Some(current) = &mut self.current else {
            return Err(WriteError::Failed("no segment was begun".to_owned()));
        };
        let header = BatchHeader {
            sequence: self.next_sequence,
            first_lsn: batch.first_lsn,
            records: batch.records,
            closing,
            bytes: batch.bytes,
            durable: self.durable_sequence,
        };
        let end = current.end + batch.len();
        batch.seal_records();
        seal(&mut batch, &header, current, end);
        self.put(&batch)?;
        self.next_sequence += 1;
        self.written = batch.last_lsn();
        self.journal.segments.note_filled(end, self.written);
        let counters = &self.journal.counters;
        counters.batches.fetch_add(1, Ordering::Relaxed);
        counters.records.fetch_add(u64::from(batch.records), Ordering::Relaxed);
        counters.bytes.fetch_add(batch.len(), Ordering::Relaxed);
        self.put_down(batch);
        self.journal.publish(Durability::Buffered, self.written);
        if self.dirty_since_ms.is_none() {
            self.journal.publish(Durability::Fsync, self.written);
        }
        Ok(())
    }

    /// Writes a batch to the segment, and syncs it in the same call if that comes next anyhow.
    fn put(&mut self, batch: &Batch) -> Result<(), WriteError> {
        let goes_through = self.is_synced_next();
        let Some(current) = &mut self.current else { return Ok(()) };
        if goes_through && self.through.takes(current.end, batch.len()) {
            let began = self.journal.counters.begin_sync(&*self.clock);
            self.through
                .write(&*current.file, current.end, &batch.chunks, batch.len())
                .map_err(|error| WriteError::Failed(sync_failed(&error)))?;
            self.journal.counters.end_sync(&*self.clock, began);
            self.durable_sequence = self.next_sequence;
        } else {
            self.through.forget();
            current.write(batch).map_err(|error| {
                WriteError::Failed(format!(
                    "writing the log failed: {error}; see docs/guarantees.md"
                ))
            })?;
            let since = *self.dirty_since_ms.get_or_insert_with(|| self.clock.now().get());
            self.journal.counters.unsynced_since_ms.store(since, Ordering::Relaxed);
        }
        current.end += batch.len();
        Ok(())
    }

    /// Whether the batch in hand is the only thing that the next sync is for, and that sync follows at once.
    fn is_synced_next(&self) -> bool {
        if self.dirty_since_ms.is_some() || self.more_waited {
            return false;
        }
        let buffer = self.journal.buffer.lock();
        buffer.fsync == FsyncMode::Always || self.journal.is_sync_awaited(&buffer)
    }

    /// Sees that the batch has a place: in the current segment, or in the next one.
    fn make_room(&mut self, batch: &Batch) -> Result<(), WriteError> {
        let end = |from: u64| (from + batch.len()).next_multiple_of(PAGE_BYTES);
        if self.current.as_ref().is_some_and(|current| end(current.end) <= current.allocated) {
            return Ok(());
        }
        if self.current.as_ref().is_none_or(|current| current.end > SEGMENT_HEADER_BYTES as u64) {
            self.begin_segment(batch.first_lsn)?;
        }
        let Some(current) = &mut self.current else { return Ok(()) };
        let needed = end(current.end);
        if needed > current.allocated {
            // A record longer than a segment. Nothing of it is written yet: what is short loses nothing.
            current.file.allocate(needed).map_err(|error| {
                let reason = format!("a log segment cannot be made {needed} bytes long: {error}");
                if is_shortage(&error) {
                    WriteError::NoSpace(format!("the disk is full: {reason}"))
                } else {
                    WriteError::Failed(reason)
                }
            })?;
            current.allocated = needed;
        }
        Ok(())
    }

    fn begin_segment(&mut self, first_lsn: Lsn) -> Result<(), WriteError> {
        // Only the last segment may hold what is not synced: that makes damage tell from a torn tail.
        self.sync().map_err(WriteError::Failed)?;
        let salt = self.random.u64(..);
        let (first_batch, created_ms) = (self.next_sequence, self.clock.now().get());
        let header = |id| SegmentHeader { id, salt, first_batch, first_lsn, created_ms };
        let segments = &self.journal.segments;
        let file = segments.begin(header).map_err(|error| match error {
            SegmentError::NotReady => WriteError::NotReady,
            SegmentError::Full(error) => WriteError::NoSpace(no_segment(&error)),
            SegmentError::Failed(error) => {
                WriteError::Failed(format!("beginning a log segment failed: {error}"))
            }
        })?;
        self.through.forget();
        let (end, allocated) = (SEGMENT_HEADER_BYTES as u64, segments.segment_bytes());
        self.current = Some(Current { file, salt, end, allocated });
        Ok(())
    }

    fn sync_if_due(&mut self) -> Result<Option<Duration>, String> {
        let mut buffer = self.journal.buffer.lock();
        buffer.fsync_changed = false;
        let (is_awaited, mode) = (self.journal.is_sync_awaited(&buffer), buffer.fsync);
        drop(buffer);
        let Some(dirty_since_ms) = self.dirty_since_ms else { return Ok(None) };
        let due = match mode {
            FsyncMode::Always => Some(Duration::ZERO),
            FsyncMode::Interval(interval) => {
                let passed = self.clock.now().get().saturating_sub(dirty_since_ms);
                Some(interval.saturating_sub(Duration::from_millis(passed)))
            }
            FsyncMode::Never => None,
        };
        if is_awaited || due == Some(Duration::ZERO) {
            self.sync()?;
            return Ok(None);
        }
        Ok(due)
    }

    fn sync(&mut self) -> Result<(), String> {
        let Some(current) = self.current.as_ref().filter(|_| self.dirty_since_ms.is_some()) else {
            return Ok(());
        };
        let began = self.journal.counters.begin_sync(&*self.clock);
        current.file.sync().map_err(|error| sync_failed(&error))?;
        self.journal.counters.end_sync(&*self.clock, began);
        self.journal.counters.unsynced_since_ms.store(0, Ordering::Relaxed);
        self.dirty_since_ms = None;
        self.durable_sequence = self.next_sequence - 1;
        self.journal.publish(Durability::Fsync, self.written);
        Ok(())
    }
}

fn sync_failed(error: &io::Error) -> String {
    format!(
        "syncing the log failed: {error}; what was not synced before may be lost, and trying again would \
         not tell: restart once the disk is well"
    )
}

/// Puts the header in its place, and zeros up to the end of the page behind the records.
fn seal(batch: &mut Batch, header: &BatchHeader, current: &Current, end: u64) {
    if let Some(place) =
        batch.chunks.first_mut().and_then(|chunk| chunk.first_chunk_mut::<BATCH_HEADER_BYTES>())
    {
        *place = header.encode(current.salt);
    }
    let page_end = end.next_multiple_of(PAGE_BYTES);
    let zeros = usize::try_from(page_end - end).unwrap_or(0);
    match batch.chunks.last_mut() {
        Some(last) if last.capacity() - last.len() >= zeros => last.resize(last.len() + zeros, 0),
        // Longer than all others: it would be copied to make it longer still.
        _ => batch.chunks.push(vec![0; zeros]),
    }
}

//! The buffer that records wait in: filled by appenders, taken whole by the writer.

use std::collections::VecDeque;
use std::mem;

use kv_core::{JournalError, Lsn};

use super::batch::BATCH_HEADER_BYTES;
use super::record;

/// Records of this length or more stay in a buffer of their own: copying them again, under a lock that all
/// appenders need, would cost more than a write call.
const OWN_CHUNK_BYTES_MIN: usize = 64 << 10;

/// Capacity that an emptied buffer keeps.
const KEPT_BYTES_MAX: usize = 4 << 20;

/// Whether records are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Intake {
    /// Not yet: recovery is under way.
    Closed,
    /// Yes.
    Open,
    /// Only records that need no more space, because the disk is full: as many bytes as the current
    /// segment still has.
    RemovalsOnly { bytes_left: u64, reason: String },
    /// No more: the log was stopped.
    Stopped,
    /// No more: the log has failed.
    Failed,
}

/// Records that wait to be written.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) intake: Intake,
    /// In order; records join the last one while it is short enough.
    batches: VecDeque<Batch>,
    bytes: u64,
    next_lsn: u64,
    bytes_max: u64,
    /// A batch is not made longer than this, unless one record is: it must fit in a segment.
    batch_bytes_max: u64,
    /// Memory of a batch that was written, to be used again.
    kept: Option<Vec<u8>>,
}

/// What the writer takes: the records of one batch.
#[derive(Debug)]
pub(super) struct Batch {
    /// The first begins with room for the batch header.
    pub(super) chunks: Vec<Vec<u8>>,
    /// Length of the records.
    pub(super) bytes: u64,
    pub(super) records: u32,
    pub(super) first_lsn: Lsn,
}

impl Batch {
    /// Without records, for now.
    fn new(first_lsn: Lsn, memory: Option<Vec<u8>>) -> Self {
        let chunks = vec![fresh_chunk(memory.unwrap_or_default())];
        Self { chunks, bytes: 0, records: 0, first_lsn }
    }

    /// Length with its header.
    pub(super) fn len(&self) -> u64 {
        self.bytes + BATCH_HEADER_BYTES as u64
    }

    /// The position of the last record, or the one before the first when there is none.
    pub(super) fn last_lsn(&self) -> Lsn {
        Lsn::new(self.first_lsn.get() + u64::from(self.records) - 1)
    }

    fn push(&mut self, encoded: &mut Vec<u8>) {
        self.bytes += encoded.len() as u64;
        self.records += 1;
        if encoded.len() >= OWN_CHUNK_BYTES_MIN {
            self.chunks.push(mem::take(encoded));
            self.chunks.push(Vec::new());
        } else if let Some(last) = self.chunks.last_mut() {
            last.extend_from_slice(encoded);
        }
    }
}

impl Pending {
    /// An empty buffer that takes nothing yet.
    pub(super) fn new(bytes_max: u64, batch_bytes_max: u64) -> Self {
        Self {
            intake: Intake::Closed,
            batches: VecDeque::new(),
            bytes: 0,
            next_lsn: 1,
            bytes_max,
            batch_bytes_max,
            kept: None,
        }
    }

    /// The position the next record gets.
    pub(super) fn start_at(&mut self, next_lsn: Lsn) {
        self.next_lsn = next_lsn.get();
        self.intake = Intake::Open;
    }

    /// The position of the last record taken.
    pub(super) fn position(&self) -> Lsn {
        Lsn::new(self.next_lsn - 1)
    }

    /// Takes no more, unless it has failed already.
    pub(super) fn refuse_from_now_on(&mut self) {
        if self.intake != Intake::Failed {
            self.intake = Intake::Stopped;
        }
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Batches that wait.
    pub(super) fn batches(&self) -> usize {
        self.batches.len()
    }

    /// Takes an encoded record. `removes`: it needs no space in the store.
    pub(super) fn push(
        &mut self,
        encoded: &mut Vec<u8>,
        removes: bool,
    ) -> Result<Lsn, JournalError> {
        let bytes = encoded.len() as u64;
        self.admit(bytes, removes)?;
        let lsn = Lsn::new(self.next_lsn);
        record::seal(encoded, lsn);
        let fits = |batch: &&mut Batch| {
            batch.len() + bytes <= self.batch_bytes_max && batch.records < u32::MAX
        };
        if let Some(batch) = self.batches.back_mut().filter(fits) {
            batch.push(encoded);
        } else {
            let mut batch = Batch::new(lsn, self.kept.take());
            batch.push(encoded);
            self.batches.push_back(batch);
        }
        self.next_lsn += 1;
        self.bytes += bytes;
        Ok(lsn)
    }

    fn admit(&self, bytes: u64, removes: bool) -> Result<(), JournalError> {
        match &self.intake {
            Intake::Open => {}
            Intake::RemovalsOnly { bytes_left, reason } => {
                let full =
                    |what: &str| JournalError::DiskFull { reason: format!("{reason}{what}") };
                if !removes {
                    return Err(full("; deletes are still accepted"));
                }
                if self.bytes + bytes > *bytes_left {
                    return Err(full("; what was kept free for deletes is used up"));
                }
            }
            Intake::Closed => return Err(unavailable("the data is still being loaded")),
            Intake::Stopped => return Err(unavailable("the server is stopping")),
            Intake::Failed => return Err(unavailable("it has failed")),
        }
        // One record is taken however long it is, or it never would be.
        if self.bytes > 0 && self.bytes + bytes > self.bytes_max {
            return Err(JournalError::Overloaded { waiting: self.bytes, max: self.bytes_max });
        }
        Ok(())
    }

    /// Hands over the oldest batch.
    pub(super) fn take(&mut self) -> Option<Batch> {
        let batch = self.batches.pop_front()?;
        self.bytes -= batch.bytes;
        if let Intake::RemovalsOnly { bytes_left, .. } = &mut self.intake {
            *bytes_left = bytes_left.saturating_sub(batch.len());
        }
        Some(batch)
    }

    /// A batch without records, at the end of everything.
    pub(super) fn empty_batch(&self) -> Batch {
        Batch::new(Lsn::new(self.next_lsn), None)
    }

    /// Takes back the first chunk of a batch that was written.
    pub(super) fn reuse(&mut self, memory: Option<Vec<u8>>) {
        self.kept = memory;
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.batches.clear();
        self.bytes = 0;
    }
}

/// A first chunk: room for the batch header.
fn fresh_chunk(mut kept: Vec<u8>) -> Vec<u8> {
    if kept.capacity() > KEPT_BYTES_MAX {
        kept = Vec::new();
    }
    kept.clear();
    kept.resize(BATCH_HEADER_BYTES, 0);
    kept
}

fn unavailable(reason: &str) -> JournalError {
    JournalError::Unavailable { reason: reason.to_owned() }
}

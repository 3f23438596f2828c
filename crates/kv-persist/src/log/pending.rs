//! The buffer that records wait in: filled by appenders, taken whole by the writer.

use std::collections::VecDeque;

use kv_core::{Change, JournalError, Lsn, Record};

use super::batch::BATCH_HEADER_BYTES;
use super::chunks::{self, Chunks};
use super::record::{self, RecordTooLarge};

/// Records of this length or more get a chunk of their own: copying them under a lock that all appenders
/// need would cost more than a write call.
const OWN_CHUNK_BYTES_MIN: u32 = 64 << 10;

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
    chunks: Chunks,
}

/// A record on its way into the buffer.
#[derive(Debug)]
pub(super) struct Incoming<'a> {
    record: &'a Record<'a>,
    bytes: u32,
    /// It needs no space in the store.
    removes: bool,
    /// A long record, encoded before the lock is taken.
    own_chunk: Option<Vec<u8>>,
}

impl<'a> Incoming<'a> {
    /// Does what can be done without the lock.
    #[inline]
    pub(super) fn new(record: &'a Record<'a>) -> Result<Self, RecordTooLarge> {
        let bytes = record::record_bytes(record)?;
        let grows = |change: &Change<'_>| matches!(change, Change::Put { .. });
        let removes = !record.effects.iter().any(|effect| grows(&effect.change));
        let own_chunk = (bytes >= OWN_CHUNK_BYTES_MIN).then(|| {
            let mut chunk = Vec::with_capacity(bytes as usize);
            record::put_record(&mut chunk, record, bytes, Lsn::ZERO);
            chunk
        });
        Ok(Self { record, bytes, removes, own_chunk })
    }
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
    fn new(first_lsn: Lsn, mut chunk: Vec<u8>) -> Self {
        chunk.resize(BATCH_HEADER_BYTES, 0);
        Self { chunks: vec![chunk], bytes: 0, records: 0, first_lsn }
    }

    /// Length with its header.
    pub(super) fn len(&self) -> u64 {
        self.bytes + BATCH_HEADER_BYTES as u64
    }

    /// The position of the last record, or the one before the first when there is none.
    pub(super) fn last_lsn(&self) -> Lsn {
        Lsn::new(self.first_lsn.get() + u64::from(self.records) - 1)
    }

    #[inline]
    fn push(&mut self, incoming: Incoming<'_>, lsn: Lsn, chunks: &mut Chunks) {
        let Incoming { record, bytes, own_chunk, .. } = incoming;
        self.bytes += u64::from(bytes);
        self.records += 1;
        if let Some(mut chunk) = own_chunk {
            record::place(&mut chunk, lsn);
            self.chunks.push(chunk);
            return;
        }
        if !self.chunks.last().is_some_and(|last| chunks::has_room(last, bytes)) {
            self.chunks.push(chunks.take());
        }
        if let Some(last) = self.chunks.last_mut() {
            record::put_record(last, record, bytes, lsn);
        }
    }

    /// Gives every record its checksum.
    pub(super) fn seal_records(&mut self) {
        let mut header_bytes = BATCH_HEADER_BYTES;
        for chunk in &mut self.chunks {
            let (_, records) = chunk.split_at_mut(std::mem::take(&mut header_bytes));
            record::seal_all(records);
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
            chunks: Chunks::default(),
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

    /// Takes a record and tells its position.
    #[inline]
    pub(super) fn push(&mut self, incoming: Incoming<'_>) -> Result<Lsn, JournalError> {
        let bytes = u64::from(incoming.bytes);
        self.admit(bytes, incoming.removes)?;
        let lsn = Lsn::new(self.next_lsn);
        let fits =
            |batch: &Batch| batch.len() + bytes <= self.batch_bytes_max && batch.records < u32::MAX;
        if !self.batches.back().is_some_and(fits) {
            self.batches.push_back(Batch::new(lsn, self.chunks.take()));
        }
        if let Some(batch) = self.batches.back_mut() {
            batch.push(incoming, lsn, &mut self.chunks);
        }
        self.next_lsn += 1;
        self.bytes += bytes;
        Ok(lsn)
    }

    #[inline]
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
        Batch::new(Lsn::new(self.next_lsn), Vec::new())
    }

    /// Takes back memory of a batch that was written; the rest is left, to be freed without the lock.
    pub(super) fn reuse(&mut self, chunks: &mut Vec<Vec<u8>>) {
        self.chunks.put_back(chunks);
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.batches.clear();
        self.bytes = 0;
    }
}

fn unavailable(reason: &str) -> JournalError {
    JournalError::Unavailable { reason: reason.to_owned() }
}

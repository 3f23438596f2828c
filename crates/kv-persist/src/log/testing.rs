//! Logs made by hand, batch by batch, and read whole: for tests and fuzzing.

#![expect(
    clippy::missing_panics_doc,
    reason = "a tool for tests: a mistake in it should stop the test"
)]

use std::ops::Range;

use kv_core::testing::{OwnedChange, OwnedEffect};
use kv_core::{Effect, Lsn, Record, Version};

use super::batch::{BATCH_HEADER_BYTES, BatchHeader};
use super::record::{RECORD_HEADER_BYTES, put_record, record_bytes, seal};
use super::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use super::walk::LogReader;
use super::{LogEnd, LogError, LogNeeds};
use crate::disk::Disk;
use crate::disk::mem::MemDisk;
use crate::format::names::segment_name;

/// A record as it was read: its position and effects.
pub type ReadRecord = (u64, Vec<OwnedEffect>);

/// Writes a log to a disk in memory.
#[derive(Debug)]
pub struct LogBuilder {
    log: BuiltLog,
    header: SegmentHeader,
    bytes: Vec<u8>,
    next_lsn: u64,
    next_sequence: u64,
    durable: u64,
}

/// A log and what it holds.
#[derive(Debug, Clone, Default)]
pub struct BuiltLog {
    /// Holds the segments, and nothing else.
    pub disk: MemDisk,
    /// Every record.
    pub records: Vec<ReadRecord>,
    /// Every batch.
    pub batches: Vec<BatchSpan>,
}

/// Where a batch lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchSpan {
    /// In which file.
    pub file: String,
    /// Its bytes there.
    pub range: Range<usize>,
    /// Its number.
    pub sequence: u64,
    /// The last batch that it says was on stable storage.
    pub durable: u64,
    /// Position after its last record.
    pub next_lsn: u64,
}

impl BatchSpan {
    /// The bytes of its header.
    pub fn header(&self) -> Range<usize> {
        self.range.start..self.range.start + BATCH_HEADER_BYTES
    }
}

impl Default for LogBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl LogBuilder {
    /// An empty log, of one segment.
    pub fn new() -> Self {
        let header =
            SegmentHeader { id: 0, salt: 0, first_batch: 0, first_lsn: Lsn::ZERO, created_ms: 0 };
        let mut builder = Self {
            log: BuiltLog::default(),
            header,
            bytes: Vec::new(),
            next_lsn: 1,
            next_sequence: 1,
            durable: 0,
        };
        builder.begin_segment();
        builder
    }

    /// Says from now on that all batches so far are on stable storage.
    pub fn sync(&mut self) -> &mut Self {
        self.durable = self.next_sequence - 1;
        self
    }

    /// Adds a batch of records; `closing` says that the log ends there.
    pub fn batch(&mut self, records: &[Vec<OwnedEffect>], closing: bool) -> &mut Self {
        let first_lsn = self.next_lsn;
        let mut bytes = Vec::new();
        for effects in records {
            let borrowed: Vec<Effect<'_>> = effects.iter().map(OwnedEffect::as_effect).collect();
            bytes.extend_from_slice(&sealed(&borrowed, self.next_lsn));
            self.log.records.push((self.next_lsn, effects.clone()));
            self.next_lsn += 1;
        }
        self.put_batch(first_lsn, &bytes, closing);
        self
    }

    /// Adds a batch of one record with these bytes for effects, whatever they are, under checksums that
    /// are right. It is not among the records of the log.
    pub fn forged_batch(&mut self, effects: &[u8]) -> &mut Self {
        let clear = OwnedEffect {
            shard: 0,
            version: Version::NONE,
            key: Vec::new(),
            change: OwnedChange::Clear,
        };
        let mut record = sealed(&[clear.as_effect()], self.next_lsn);
        record.truncate(RECORD_HEADER_BYTES);
        record.extend_from_slice(effects);
        let length = u32::try_from(record.len()).expect("it is small");
        record.splice(..4, length.to_le_bytes());
        seal(&mut record);
        self.next_lsn += 1;
        self.put_batch(self.next_lsn - 1, &record, false);
        self
    }

    fn put_batch(&mut self, first_lsn: u64, bytes: &[u8], closing: bool) {
        let header = BatchHeader {
            sequence: self.next_sequence,
            first_lsn: Lsn::new(first_lsn),
            records: u32::try_from(self.next_lsn - first_lsn).expect("there are few"),
            closing,
            bytes: bytes.len() as u64,
            durable: self.durable,
        };
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&header.encode(self.header.salt));
        self.bytes.extend_from_slice(bytes);
        self.log.batches.push(BatchSpan {
            file: segment_name(self.header.id),
            range: start..self.bytes.len(),
            sequence: self.next_sequence,
            durable: self.durable,
            next_lsn: self.next_lsn,
        });
        self.next_sequence += 1;
    }

    /// Ends the segment with what lies behind its last batch, and begins another. Segments are synced
    /// before the next is begun.
    pub fn segment(&mut self, rest: &[u8]) -> &mut Self {
        self.end_segment(rest);
        self.sync();
        self.begin_segment();
        self
    }

    /// Ends the log.
    #[must_use]
    pub fn finish(&mut self, rest: &[u8]) -> BuiltLog {
        self.end_segment(rest);
        self.log.clone()
    }

    fn end_segment(&mut self, rest: &[u8]) {
        self.bytes.extend_from_slice(rest);
        let name = segment_name(self.header.id);
        self.log.disk.put(&name, &self.bytes).expect("the name is one");
    }

    fn begin_segment(&mut self) {
        let id = self.header.id + 1;
        self.header = SegmentHeader {
            id,
            salt: id.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            first_batch: self.next_sequence,
            first_lsn: Lsn::new(self.next_lsn),
            created_ms: 1_700_000_000_000,
        };
        self.bytes = self.header.encode().to_vec();
        debug_assert_eq!(self.bytes.len(), SEGMENT_HEADER_BYTES);
    }
}

/// A record as it is written.
fn sealed(effects: &[Effect<'_>], lsn: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let record = Record { group: 0, effects };
    let bytes = record_bytes(&record).expect("it is small");
    put_record(&mut out, &record, bytes, Lsn::new(lsn));
    seal(&mut out);
    out
}

/// Reads a whole log: every record that was visited, and how it ended.
pub fn read_log(disk: &dyn Disk, needs: LogNeeds) -> (Vec<ReadRecord>, Result<LogEnd, LogError>) {
    let mut records = Vec::new();
    let end = LogReader::new(disk, needs).and_then(|reader| {
        reader.read(&mut |batch| {
            for record in batch.records() {
                let effects = record.effects().map(|effect| OwnedEffect::from_effect(&effect));
                records.push((record.lsn().get(), effects.collect()));
            }
        })
    });
    (records, end)
}

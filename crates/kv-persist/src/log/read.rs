//! Reads one segment from front to back, batch by batch.

use std::io;
use std::sync::Arc;

use kv_core::Lsn;

use super::batch::{BATCH_HEADER_BYTES, BatchHeader};
use super::extent::LogPosition;
use super::record::{RecordFault, RecordView};
use super::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, SegmentHeaderFault};
use super::tail::{self, Tail};
use super::window::Window;
use crate::disk::DiskFile;

/// Reads one segment. Holds as much of it in memory as its largest batch, or a little.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    window: Window,
    header: SegmentHeader,
    /// Where the next batch should be.
    next: LogPosition,
    /// Length of all files before this.
    bytes_before: u64,
}

/// A batch that checks out, with all of its records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch<'a> {
    pub(crate) header: BatchHeader,
    /// Where it begins.
    pub(crate) at: LogPosition,
    /// How much of the log ends with it: its end, and all files before its own.
    pub(crate) log_bytes: u64,
    records: &'a [u8],
}

/// Why there is no batch where the next should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BatchFault {
    #[error("no batch header of this segment")]
    NoHeader,
    #[error("the header of batch {found}")]
    Sequence { found: u64 },
    #[error("a batch header whose first position is {found}", found = found.get())]
    FirstLsn { found: Lsn },
    #[error("a batch of {bytes} bytes, of which the file has {left}")]
    Length { bytes: u64, left: u64 },
    #[error("a batch with, {offset} bytes after its header, {fault}")]
    Record { offset: usize, fault: RecordFault },
    #[error("a batch of {records} records that is {bytes} bytes longer than they are")]
    Surplus { records: u32, bytes: usize },
}

impl BatchFault {
    /// Whether no crash can have caused it: the checksums say that it was written like this.
    pub(crate) fn was_written(&self) -> bool {
        match self {
            Self::Record { fault: RecordFault::Effects { .. }, .. } | Self::Surplus { .. } => true,
            Self::Record { .. }
            | Self::NoHeader
            | Self::Sequence { .. }
            | Self::FirstLsn { .. }
            | Self::Length { .. } => false,
        }
    }
}

impl SegmentReader {
    /// Reads the header.
    ///
    /// # Errors
    /// The operating system's, or a header that does not check out.
    pub(crate) fn open(file: Arc<dyn DiskFile>) -> io::Result<Result<Self, SegmentHeaderFault>> {
        let mut window = Window::new(file)?;
        let header = match window.get(0, SEGMENT_HEADER_BYTES)? {
            Some(bytes) => SegmentHeader::decode(bytes),
            None => Err(SegmentHeaderFault::NotASegment),
        };
        Ok(header.map(|header| {
            let next = LogPosition {
                segment: header.id,
                offset: SEGMENT_HEADER_BYTES as u64,
                next_lsn: header.first_lsn,
                next_sequence: header.first_batch,
            };
            Self { window, header, next, bytes_before: 0 }
        }))
    }

    pub(crate) fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// Says how long the files before this one are.
    pub(super) fn set_bytes_before(&mut self, bytes: u64) {
        self.bytes_before = bytes;
    }

    /// Length of the file and all before it.
    pub(super) fn bytes_with_this(&self) -> u64 {
        self.bytes_before + self.window.len()
    }

    /// Where the next batch should be.
    pub(crate) fn next(&self) -> LogPosition {
        self.next
    }

    /// Reads and checks the next batch, all of it. After a fault the reader stays where it is.
    ///
    /// # Errors
    /// The operating system's, or why there is none.
    pub(crate) fn read_batch(&mut self) -> io::Result<Result<Batch<'_>, BatchFault>> {
        let at = self.next;
        let header = match self.read_header()? {
            Ok(header) => header,
            Err(fault) => return Ok(Err(fault)),
        };
        let start = at.offset + BATCH_HEADER_BYTES as u64;
        let left = self.window.len() - start;
        let records = match usize::try_from(header.bytes) {
            Ok(bytes) => self.window.get(start, bytes)?,
            Err(_too_long) => None,
        };
        let Some(records) = records else {
            return Ok(Err(BatchFault::Length { bytes: header.bytes, left }));
        };
        if let Err(fault) = check_records(records, &header) {
            return Ok(Err(fault));
        }
        self.next = LogPosition {
            segment: at.segment,
            offset: start + header.bytes,
            next_lsn: header.next_lsn(),
            next_sequence: at.next_sequence.saturating_add(1),
        };
        let log_bytes = self.bytes_before + self.next.offset;
        Ok(Ok(Batch { header, at, log_bytes, records }))
    }

    /// Looks through what follows the last batch that was read.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn search_tail(&mut self) -> io::Result<Tail> {
        tail::search(&mut self.window, self.header.salt, &self.next)
    }

    /// Goes on behind a batch that does not check out, with the next header that does; false when there is
    /// none. What is read from then on is no part of the log any more, but tells what was lost.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn skip_damage(&mut self) -> io::Result<bool> {
        let found = tail::find_next(&mut self.window, self.header.salt, &self.next)?;
        let Some((offset, header)) = found else { return Ok(false) };
        let segment = self.next.segment;
        let (next_lsn, next_sequence) = (header.first_lsn, header.sequence);
        self.next = LogPosition { segment, offset, next_lsn, next_sequence };
        Ok(true)
    }

    /// Length of the file.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.window.len()
    }

    fn read_header(&mut self) -> io::Result<Result<BatchHeader, BatchFault>> {
        let at = self.next;
        let bytes = self.window.get(at.offset, BATCH_HEADER_BYTES)?;
        Ok(match bytes.and_then(|bytes| BatchHeader::decode(bytes, self.header.salt)) {
            None => Err(BatchFault::NoHeader),
            Some(header) if header.sequence != at.next_sequence => {
                Err(BatchFault::Sequence { found: header.sequence })
            }
            Some(header) if header.first_lsn != at.next_lsn => {
                Err(BatchFault::FirstLsn { found: header.first_lsn })
            }
            Some(header) => Ok(header),
        })
    }
}

impl<'a> Batch<'a> {
    /// The records, in their order.
    pub(crate) fn records(&self) -> impl Iterator<Item = RecordView<'a>> + use<'a> {
        let mut rest = self.records;
        std::iter::from_fn(move || RecordView::take_checked(&mut rest))
    }

    /// Where the next batch begins in the segment's file.
    pub(crate) fn end_offset(&self) -> u64 {
        self.at.offset + (BATCH_HEADER_BYTES + self.records.len()) as u64
    }
}

/// Checks all records of a batch.
fn check_records(records: &[u8], header: &BatchHeader) -> Result<(), BatchFault> {
    let mut rest = records;
    let mut lsn = header.first_lsn;
    for _ in 0..header.records {
        let offset = records.len() - rest.len();
        RecordView::take(&mut rest, lsn).map_err(|fault| BatchFault::Record { offset, fault })?;
        lsn = Lsn::new(lsn.get().saturating_add(1));
    }
    if rest.is_empty() {
        return Ok(());
    }
    Err(BatchFault::Surplus { records: header.records, bytes: rest.len() })
}

//! What is known of a log in advance, and what reading it finds.

use kv_core::Lsn;

use super::segments::{LogStart, SealedSegment};

/// What is known of a log from elsewhere: it must be there from `log_start` to `log_end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogNeeds {
    /// The oldest segment, which must exist, as the manifest says; `None` when there is no manifest.
    pub first_segment: Option<u64>,
    /// Every record after this position is needed.
    pub log_start: Lsn,
    /// The log must reach this position.
    pub log_end: Lsn,
}

/// A place between two batches of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition {
    /// Id of the segment.
    pub segment: u64,
    /// Where in its file, in bytes.
    pub offset: u64,
    /// Position of the next record.
    pub next_lsn: Lsn,
    /// Sequence number of the next batch.
    pub next_sequence: u64,
}

/// Where a log ends, and what it consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEnd {
    /// After the last good batch. Its segment is 0 when there is none.
    pub position: LogPosition,
    /// Whether the log was ended by a clean stop, or never begun.
    pub clean: bool,
    /// What was begun after the last good batch, and is to be cut.
    pub torn: Option<TornTail>,
    /// All segments, oldest first.
    pub segments: Vec<SegmentExtent>,
    /// Up to here the last segment is proved to be on stable storage.
    pub proven_offset: u64,
}

/// A part of a log that was begun and never promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// Which file.
    pub file: String,
    /// Where it begins.
    pub offset: u64,
    /// How long it is, as far as it can be recognized.
    pub bytes: u64,
}

/// What one segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentExtent {
    /// As in its name.
    pub id: u64,
    /// Position of the first record.
    pub first_lsn: Lsn,
    /// Position after the last record.
    pub next_lsn: Lsn,
    /// Where the last batch ends.
    pub bytes: u64,
}

impl LogEnd {
    /// Where the log goes on.
    pub fn start(&self) -> LogStart {
        let sealed = self.segments.iter().map(|segment| SealedSegment {
            id: segment.id,
            last_lsn: Lsn::new(segment.next_lsn.get() - 1),
            bytes: segment.bytes,
        });
        LogStart {
            next_lsn: self.position.next_lsn,
            next_sequence: self.position.next_sequence,
            next_segment: self.position.segment + 1,
            sealed: sealed.collect(),
        }
    }

    /// There is no log yet.
    pub(super) fn of_new_log() -> Self {
        let next_lsn = Lsn::new(1);
        let position = LogPosition { segment: 0, offset: 0, next_lsn, next_sequence: 1 };
        Self { position, clean: true, torn: None, segments: Vec::new(), proven_offset: 0 }
    }
}

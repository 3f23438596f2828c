//! The file that a snapshot is written to: throttled, synced as it grows, and stopped when asked.

use std::io;

use super::pace::{Pace, Throttle};
use super::writer::{SnapshotError, SnapshotMeter};
use crate::disk::DiskFile;

/// Bytes written by one call. Large values are written in several.
const WRITE_BYTES_MAX: usize = 1 << 20;

/// Bytes written between two syncs: one large sync in the end would hold up those of the log.
const SYNC_BYTES: usize = 8 << 20;

/// Writes a file from its beginning on.
pub(super) struct Output<'a> {
    pub(super) file: &'a dyn DiskFile,
    pub(super) throttle: Throttle<'a>,
    pub(super) pace: &'a dyn Pace,
    pub(super) meter: &'a SnapshotMeter,
    /// Bytes written.
    offset: u64,
    /// How many of them since the last sync.
    unsynced: usize,
}

impl<'a> Output<'a> {
    pub(super) fn new(
        file: &'a dyn DiskFile,
        throttle: Throttle<'a>,
        pace: &'a dyn Pace,
        meter: &'a SnapshotMeter,
    ) -> Self {
        Self { file, throttle, pace, meter, offset: 0, unsynced: 0 }
    }

    /// Bytes written.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        for piece in bytes.chunks(WRITE_BYTES_MAX) {
            self.throttle.pass(piece.len());
            if self.pace.is_stopped() {
                return Err(SnapshotError::Stopped);
            }
            self.file.write_at(self.offset, piece).map_err(|e| failed("writing", e))?;
            self.offset += piece.len() as u64;
            self.unsynced += piece.len();
            self.meter.add_bytes(piece.len() as u64);
            if self.unsynced >= SYNC_BYTES {
                self.file.sync().map_err(|e| failed("syncing", e))?;
                self.unsynced = 0;
            }
        }
        Ok(())
    }
}

/// The error of a step that the disk refused.
pub(super) fn failed(doing: &'static str, source: io::Error) -> SnapshotError {
    SnapshotError::Disk { doing, source }
}

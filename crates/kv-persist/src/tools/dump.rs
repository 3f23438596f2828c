//! Dump: what one file holds, from front to back.

use std::io;
use std::ops::ControlFlow;

use kv_core::{Effect, Lsn};

use crate::disk::Disk;
use crate::log::read::SegmentReader;
use crate::log::segment::LOG_MAGIC;
use crate::manifest::{MANIFEST_MAGIC, Manifest, ManifestError};
use crate::snapshot::{SNAPSHOT_MAGIC, SnapshotDamage, SnapshotFile};

/// Something in a file.
#[derive(Debug, Clone, Copy)]
pub enum Dumped<'a> {
    /// All of a manifest.
    Manifest(&'a Manifest),
    /// An entry of a snapshot: a put.
    Entry(Effect<'a>),
    /// An effect in the log. Effects of one position are one atomic change.
    Effect {
        /// The record's position.
        lsn: Lsn,
        /// Its replication group.
        group: u32,
        /// What it does.
        effect: Effect<'a>,
    },
}

/// How a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DumpEnd {
    /// As it should, or where the visitor had enough.
    Whole,
    /// With the remains of a write that was interrupted. They are not shown.
    Torn {
        /// Where they begin.
        offset: u64,
        /// How long they are, as far as they can be recognized.
        bytes: u64,
    },
}

/// Why a file cannot be shown, or not to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The disk does not give it.
    #[error("{file} cannot be read: {source}")]
    Io {
        /// Which file.
        file: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// Neither manifest nor snapshot nor log.
    #[error("{file} is not a manifest, a snapshot or a log segment: it begins with {found:02x?}")]
    Unknown {
        /// Which file.
        file: String,
        /// Its first bytes.
        found: Vec<u8>,
    },
    /// A log segment goes on, but not with what was written.
    #[error("{file} is damaged at byte {offset}: {fault}; what follows is not shown")]
    Log {
        /// Which file.
        file: String,
        /// Where.
        offset: u64,
        /// What is there, and how it is known that it is wrong.
        fault: String,
    },
    /// A snapshot is damaged.
    #[error(transparent)]
    Snapshot(#[from] SnapshotDamage),
    /// A manifest is damaged.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// Shows what a file holds, whatever it is called, until it ends or is damaged or `visit` breaks off.
///
/// # Errors
/// [`DumpError`]; what was shown before is good.
pub fn dump(
    disk: &dyn Disk,
    name: &str,
    visit: &mut dyn FnMut(Dumped<'_>) -> ControlFlow<()>,
) -> Result<DumpEnd, DumpError> {
    let failed = |source| DumpError::Io { file: name.to_owned(), source };
    let file = disk.open(name).map_err(failed)?;
    let mut magic = [0; 8];
    let read = file.read_at(0, &mut magic).map_err(failed)?;
    match &magic {
        LOG_MAGIC => dump_log(name, SegmentReader::open(file).map_err(failed)?, visit),
        SNAPSHOT_MAGIC => {
            let snapshot = SnapshotFile::open_named(disk, name)?;
            snapshot.for_each(|effect| visit(Dumped::Entry(*effect)))?;
            Ok(DumpEnd::Whole)
        }
        MANIFEST_MAGIC => {
            let manifest = Manifest::load_named(disk, name)?;
            // There is nothing after it to break off from.
            let (ControlFlow::Continue(()) | ControlFlow::Break(())) =
                visit(Dumped::Manifest(&manifest));
            Ok(DumpEnd::Whole)
        }
        _ => {
            let found = magic.iter().take(read).copied().collect();
            Err(DumpError::Unknown { file: name.to_owned(), found })
        }
    }
}

fn dump_log<E: ToString>(
    name: &str,
    opened: Result<SegmentReader, E>,
    visit: &mut dyn FnMut(Dumped<'_>) -> ControlFlow<()>,
) -> Result<DumpEnd, DumpError> {
    let failed = |source| DumpError::Io { file: name.to_owned(), source };
    let damaged = |offset, fault| DumpError::Log { file: name.to_owned(), offset, fault };
    let mut reader = opened.map_err(|fault| damaged(0, fault.to_string()))?;
    let mut is_closed = false;
    let fault = loop {
        match reader.read_batch().map_err(failed)? {
            Err(fault) => break fault,
            Ok(batch) => {
                is_closed = batch.header.closing;
                for record in batch.records() {
                    let (lsn, group) = (record.lsn(), record.group());
                    for effect in record.effects() {
                        if visit(Dumped::Effect { lsn, group, effect }).is_break() {
                            return Ok(DumpEnd::Whole);
                        }
                    }
                }
            }
        }
    };
    let offset = reader.next().offset;
    if fault.was_written() {
        return Err(damaged(offset, fault.to_string()));
    }
    if is_closed {
        return Ok(DumpEnd::Whole);
    }
    let tail = reader.search_tail().map_err(failed)?;
    if let Some((proof, header)) = tail.proof {
        let sequence = header.sequence;
        let text =
            format!("{fault}, though batch {sequence} at byte {proof} proves there was more");
        return Err(damaged(offset, text));
    }
    let bytes = tail.end.and_then(|end| end.checked_sub(offset)).filter(|bytes| *bytes > 0);
    Ok(bytes.map_or(DumpEnd::Whole, |bytes| DumpEnd::Torn { offset, bytes }))
}

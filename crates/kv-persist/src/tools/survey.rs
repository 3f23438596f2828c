//! One log segment by itself: what of it checks out, and what follows that.

use std::io;
use std::sync::atomic::Ordering;

use super::progress::ToolProgress;
use crate::disk::Disk;
use crate::format::names::segment_name;
use crate::log::LogPosition;
use crate::log::read::{BatchFault, SegmentReader};
use crate::log::segment::{SegmentHeader, SegmentHeaderFault};
use crate::log::tail::Tail;

/// Where a log begins: its first batch and position.
const BEGINNING: (u64, u64) = (1, 1);

/// A segment's file.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) id: u64,
    /// Length of the file.
    pub(super) bytes: u64,
    pub(super) content: Result<Content, Unusable>,
}

/// Why nothing of a file can be used.
#[derive(Debug, Clone)]
pub(super) enum Unusable {
    /// It is not what was written.
    Damaged(String),
    /// It is of a version that is not known.
    Newer(String),
    /// The disk does not give it.
    Unreadable(String),
}

/// What of a segment checks out.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) header: SegmentHeader,
    pub(super) batches: u64,
    /// After the last good batch.
    pub(super) end: LogPosition,
    /// Why there is no further batch.
    pub(super) fault: BatchFault,
    /// What was begun after the last good batch; nothing when that says that nothing follows.
    pub(super) tail: Tail,
}

impl Content {
    pub(super) fn records(&self) -> u64 {
        self.end.next_lsn.get().saturating_sub(self.header.first_lsn.get())
    }

    /// Whether the segment itself shows that it held more.
    pub(super) fn is_damaged(&self) -> bool {
        self.fault.was_written() || self.tail.proof.is_some()
    }
}

/// Reads a segment from its header on.
pub(super) fn survey(disk: &dyn Disk, id: u64, progress: &ToolProgress) -> Segment {
    let (mut bytes, mut content) = (0, Err(Unusable::Damaged("no such file".to_owned())));
    match disk.open(&segment_name(id)).and_then(SegmentReader::open) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => content = Err(unreadable(&error)),
        Ok(Err(fault @ SegmentHeaderFault::UnknownVersion { .. })) => {
            content = Err(Unusable::Newer(format!("at byte 0: {fault}")));
        }
        Ok(Err(fault)) => {
            let text = format!("at byte 0: expected the header of log segment {id}, found {fault}");
            content = Err(Unusable::Damaged(text));
        }
        Ok(Ok(mut reader)) => {
            bytes = reader.file_bytes();
            content = match misplaced(reader.header(), id) {
                Some(text) => Err(Unusable::Damaged(text)),
                None => {
                    read(&mut reader).unwrap_or_else(|error: io::Error| Err(unreadable(&error)))
                }
            };
        }
    }
    progress.segments.fetch_add(bytes, Ordering::Relaxed);
    Segment { id, bytes, content }
}

fn unreadable(error: &io::Error) -> Unusable {
    Unusable::Unreadable(format!("cannot be read: {error}"))
}

/// A header that is right in itself and cannot be the one of this file.
fn misplaced(header: &SegmentHeader, id: u64) -> Option<String> {
    let begins = (header.first_batch, header.first_lsn.get());
    if header.id != id {
        let found = header.id;
        return Some(format!("at byte 0: the header of segment {found}, expected that of {id}"));
    }
    let is_possible = begins.0 > 0 && begins.1 > 0 && (id > 1 || begins == BEGINNING);
    let (batch, position) = begins;
    (!is_possible)
        .then(|| format!("at byte 0: it cannot begin with batch {batch} at position {position}"))
}

fn read(reader: &mut SegmentReader) -> io::Result<Result<Content, Unusable>> {
    let (mut batches, mut is_closed) = (0, false);
    let fault = loop {
        match reader.read_batch()? {
            Ok(batch) => {
                batches += 1;
                is_closed = batch.header.closing;
            }
            Err(fault) => break fault,
        }
    };
    let tail = if is_closed { Tail::default() } else { reader.search_tail()? };
    let (header, end) = (*reader.header(), reader.next());
    Ok(Ok(Content { header, batches, end, fault, tail }))
}

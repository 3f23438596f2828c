//! Reads a whole log, segment after segment, and tells its end from damage.

use std::io;

use kv_core::Lsn;

use super::error::{LogDamage, LogError};
use super::extent::{LogEnd, LogNeeds, LogPosition, SegmentExtent, TornTail};
use super::read::{Batch, BatchFault, SegmentReader};
use super::segment::SegmentHeaderFault;
use crate::disk::Disk;
use crate::format::names::{parse_segment, segment_name};

/// A log as it lies on disk. Reading changes nothing.
#[derive(Debug)]
pub(crate) struct LogReader<'a> {
    disk: &'a dyn Disk,
    needs: LogNeeds,
    /// Without gaps, ascending.
    ids: Vec<u64>,
}

/// Where a segment ended, and why.
struct SegmentEnd {
    fault: BatchFault,
    closing: bool,
    proven_offset: u64,
}

impl<'a> LogReader<'a> {
    /// Looks which segments there are. Those before the first that is needed are not read.
    ///
    /// # Errors
    /// [`LogError`] when the directory cannot be read or a segment is missing.
    pub(crate) fn new(disk: &'a dyn Disk, needs: LogNeeds) -> Result<Self, LogError> {
        let mut reader = Self { disk, needs, ids: Vec::new() };
        let names = disk.list().map_err(|source| reader.io_error(0, "list", source))?;
        let first = needs.first_segment.unwrap_or(1);
        let mut ids: Vec<u64> = names.iter().filter_map(|name| parse_segment(name)).collect();
        ids.retain(|id| *id >= first);
        ids.sort_unstable();
        reader.check_complete(first, &ids)?;
        reader.ids = ids;
        Ok(reader)
    }

    /// Length of all files together.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub(crate) fn total_bytes(&self) -> Result<u64, LogError> {
        let len = |id: &u64| {
            let file = self.disk.open(&segment_name(*id)).and_then(|file| file.len());
            file.map_err(|source| self.io_error(*id, "open", source))
        };
        self.ids.iter().map(len).sum()
    }

    /// Position of the first record; of the first to come when there is no log.
    ///
    /// # Errors
    /// [`LogError`] when the first segment's header does not check out.
    pub(crate) fn first_lsn(&self) -> Result<Lsn, LogError> {
        let Some(first) = self.ids.first() else { return Ok(Lsn::new(1)) };
        let reader = self.open(*first, None)?;
        self.check_beginning(&reader)?;
        Ok(reader.header().first_lsn)
    }

    /// Shows every batch to `visitor`, in order, each as soon as all of it has been checked.
    ///
    /// # Errors
    /// [`LogError`]; what was visited before is good and comes before the damage.
    pub(crate) fn read(self, visitor: &mut dyn FnMut(&Batch<'_>)) -> Result<LogEnd, LogError> {
        let mut segments = Vec::with_capacity(self.ids.len());
        let mut last: Option<(SegmentReader, SegmentEnd)> = None;
        for id in &self.ids {
            let before = last.as_ref().map(|(reader, end)| (reader.next(), end));
            let mut reader = self.open(*id, before.map(|(position, _)| position))?;
            reader
                .set_bytes_before(last.as_ref().map_or(0, |(before, _)| before.bytes_with_this()));
            match before {
                None => self.check_beginning(&reader)?,
                Some((position, end)) => self.check_continues(position, end.fault, &reader)?,
            }
            let end = self.read_segment(&mut reader, visitor)?;
            segments.push(SegmentExtent {
                id: *id,
                first_lsn: reader.header().first_lsn,
                next_lsn: reader.next().next_lsn,
                bytes: reader.next().offset,
            });
            last = Some((reader, end));
        }
        let Some((reader, end)) = last else { return Ok(LogEnd::of_new_log()) };
        self.find_end(reader, &end, segments)
    }

    fn read_segment(
        &self,
        reader: &mut SegmentReader,
        visitor: &mut dyn FnMut(&Batch<'_>),
    ) -> Result<SegmentEnd, LogError> {
        let mut closing = false;
        let mut proven = Proven::new(reader.next());
        loop {
            let id = reader.header().id;
            match reader.read_batch().map_err(|source| self.io_error(id, "read", source))? {
                Ok(batch) => {
                    closing = batch.header.closing;
                    proven.see(&batch);
                    visitor(&batch);
                }
                Err(fault) if fault.was_written() => {
                    let next = reader.next();
                    return Err(self.damage(next, "what a log consists of".to_owned(), &fault));
                }
                Err(fault) => {
                    return Ok(SegmentEnd { fault, closing, proven_offset: proven.offset });
                }
            }
        }
    }

    /// Decides whether the last segment ends or is damaged.
    fn find_end(
        &self,
        mut reader: SegmentReader,
        end: &SegmentEnd,
        segments: Vec<SegmentExtent>,
    ) -> Result<LogEnd, LogError> {
        let position = reader.next();
        let LogPosition { segment, offset, next_lsn, next_sequence } = position;
        let mut torn = None;
        if !end.closing {
            let tail =
                reader.search_tail().map_err(|source| self.io_error(segment, "read", source))?;
            if let Some((proof, header)) = tail.proof {
                let expected = format!(
                    "batch {next_sequence}, which was on stable storage when batch {} at byte \
                     {proof} was written",
                    header.sequence
                );
                return Err(self.damage(position, expected, &end.fault));
            }
            torn = tail.end.and_then(|end| end.checked_sub(offset)).filter(|bytes| *bytes > 0);
        }
        if next_lsn <= self.needs.log_end {
            let expected = format!(
                "records from position {} up to {}, which the snapshot needs that the manifest names",
                next_lsn.get(),
                self.needs.log_end.get()
            );
            return Err(self.damage(position, expected, &end.fault));
        }
        let torn = torn.map(|bytes| TornTail { file: segment_name(segment), offset, bytes });
        let (clean, proven_offset) = (end.closing, end.proven_offset);
        Ok(LogEnd { position, clean, torn, segments, proven_offset })
    }

    fn open(&self, id: u64, kept: Option<LogPosition>) -> Result<SegmentReader, LogError> {
        let failed = |source| self.io_error(id, "open", source);
        let file = self.disk.open(&segment_name(id)).map_err(failed)?;
        let fault = match SegmentReader::open(file).map_err(failed)? {
            Ok(reader) if reader.header().id == id => return Ok(reader),
            Ok(reader) => format!("the header of segment {}", reader.header().id),
            Err(fault @ SegmentHeaderFault::UnknownVersion { .. }) => {
                let (directory, file) = (self.disk.describe(), segment_name(id));
                return Err(LogError::UnknownVersion { directory, file, fault: fault.to_string() });
            }
            Err(fault) => fault.to_string(),
        };
        let expected = format!("the header of log segment {id}");
        Err(self.damage_in(id, 0, (expected, fault), kept))
    }

    /// Every segment from the first to the newest is there.
    fn check_complete(&self, first: u64, ids: &[u64]) -> Result<(), LogError> {
        if ids.is_empty() && self.needs.first_segment.is_none() && self.needs.log_end == Lsn::ZERO {
            return Ok(());
        }
        let newest = ids.last().copied().unwrap_or(first);
        let missing = (first..=newest).zip(ids).find(|(expected, id)| expected != *id);
        let missing = match missing {
            Some((missing, _)) => missing,
            None if ids.is_empty() => first,
            None => return Ok(()),
        };
        let expected = match self.needs.first_segment {
            Some(first) if first == missing => "the oldest segment that the manifest needs".into(),
            _ if missing == first => format!("segment {first}, since there is no manifest"),
            _ => format!("segment {missing}, since there is a later one"),
        };
        Err(self.damage_in(missing, 0, (expected, "no such file".into()), None))
    }

    /// The oldest segment begins where it must.
    fn check_beginning(&self, reader: &SegmentReader) -> Result<(), LogError> {
        let header = reader.header();
        let found =
            format!("batch {} with position {}", header.first_batch, header.first_lsn.get());
        let begins_the_log = header.first_batch == 1 && header.first_lsn == Lsn::new(1);
        let is_possible = header.first_batch > 0 && header.first_lsn > Lsn::ZERO;
        let expected = if !is_possible {
            "a batch and a position, both 1 or above".to_owned()
        } else if header.id == 1 && !begins_the_log {
            "the beginning of the log, batch 1 with position 1".to_owned()
        } else if header.first_lsn.get() > self.needs.log_start.get().saturating_add(1) {
            format!(
                "a segment that begins at or before position {}",
                self.needs.log_start.get() + 1
            )
        } else {
            return Ok(());
        };
        Err(self.damage_in(header.id, 0, (expected, found), None))
    }

    /// A segment goes on where the one before it ends.
    fn check_continues(
        &self,
        end: LogPosition,
        fault: BatchFault,
        next: &SegmentReader,
    ) -> Result<(), LogError> {
        let header = next.header();
        let begins =
            format!("batch {} with position {}", header.first_batch, header.first_lsn.get());
        let ends = format!("batch {} with position {}", end.next_sequence, end.next_lsn.get());
        if header.first_batch > end.next_sequence {
            let expected = format!("{ends}, since segment {} begins with {begins}", header.id);
            return Err(self.damage(end, expected, &fault));
        }
        if begins == ends {
            return Ok(());
        }
        let expected = format!("a segment that begins with {ends}, where the one before it ends");
        Err(self.damage_in(header.id, 0, (expected, begins), Some(end)))
    }

    /// Damage at the end of what is good.
    fn damage(&self, kept: LogPosition, expected: String, found: &BatchFault) -> LogError {
        self.damage_in(kept.segment, kept.offset, (expected, found.to_string()), Some(kept))
    }

    fn damage_in(
        &self,
        id: u64,
        offset: u64,
        (expected, found): (String, String),
        kept: Option<LogPosition>,
    ) -> LogError {
        let (directory, file) = (self.disk.describe(), segment_name(id));
        LogError::Damage(Box::new(LogDamage { directory, file, offset, expected, found, kept }))
    }

    /// An error of the disk, with a segment or, for 0, with the directory.
    fn io_error(&self, id: u64, action: &'static str, source: io::Error) -> LogError {
        let file = if id == 0 { String::new() } else { segment_name(id) };
        LogError::Io { directory: self.disk.describe(), file, action, source }
    }
}

/// Up to where a segment is proved to be on stable storage, give or take a few batches.
struct Proven {
    offset: u64,
    /// What is proved next: this offset, when this batch is.
    candidate: (u64, u64),
}

impl Proven {
    fn new(beginning: LogPosition) -> Self {
        Self { offset: beginning.offset, candidate: (beginning.offset, beginning.next_sequence) }
    }

    fn see(&mut self, batch: &Batch<'_>) {
        let (offset, sequence) = self.candidate;
        if batch.header.durable >= sequence {
            self.offset = offset;
            self.candidate = (batch.end_offset(), batch.header.sequence);
        }
    }
}

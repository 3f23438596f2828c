//! The segments of the log: the sealed ones, the current one, and spares made in advance.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use kv_core::Lsn;
use parking_lot::{Condvar, Mutex};

use super::options::{LogOptions, PAGE_BYTES, SPACE_RETRY, SPARES_WANTED};
use super::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::disk::{Disk, DiskFile, is_shortage};
use crate::format::names::{parse_spare, segment_name, spare_name};

/// A segment that is not written any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedSegment {
    /// Its number.
    pub id: u64,
    /// Position of its last record; the one before its first when it has none.
    pub last_lsn: Lsn,
    /// Bytes up to the end of its last batch.
    pub bytes: u64,
}

/// Where the log goes on after a recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStart {
    /// Position of the first record to come.
    pub next_lsn: Lsn,
    /// Sequence of the first batch to come.
    pub next_sequence: u64,
    /// Number of the first segment to come.
    pub next_segment: u64,
    /// The segments there are, oldest first.
    pub sealed: Vec<SealedSegment>,
}

/// Why no segment could be begun.
#[derive(Debug)]
pub(super) enum SegmentError {
    /// Another is being made: the one that is there is the reserve.
    NotReady,
    /// There is no space now; nothing was lost.
    Full(io::Error),
    /// Nothing is known of the disk any more.
    Failed(io::Error),
}

/// Says why no segment could be made, for now.
pub(super) fn no_segment(error: &io::Error) -> String {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let what = if full { "the disk is full" } else { "the system is short of something" };
    format!("{what}: a log segment cannot be made: {error}")
}

/// All segments. The current one is written by the writer alone.
#[derive(Debug)]
pub(super) struct Segments {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    spares_max: usize,
    index: Mutex<Index>,
    /// Wakes the preparer.
    wanted: Condvar,
}

#[derive(Debug, Default)]
struct Index {
    /// Oldest first.
    sealed: VecDeque<SealedSegment>,
    current: Option<SealedSegment>,
    spares: Vec<Spare>,
    /// The greatest number given to a spare.
    last_spare: u64,
    next_segment: u64,
    /// No other segment could be made: the last one may be taken.
    reserve_released: bool,
    stopping: bool,
}

#[derive(Debug)]
struct Spare {
    name: String,
    file: Arc<dyn DiskFile>,
}

impl Segments {
    pub(super) fn new(disk: Arc<dyn Disk>, options: &LogOptions) -> Self {
        let segment_bytes = options.segment_bytes.next_multiple_of(PAGE_BYTES);
        let (index, wanted) = (Mutex::default(), Condvar::new());
        Self { disk, segment_bytes, spares_max: options.spares_max(), index, wanted }
    }

    /// Takes over what recovery found, and the spares of the process before.
    pub(super) fn adopt(&self, start: &LogStart) -> io::Result<()> {
        let mut index = Index {
            sealed: start.sealed.iter().copied().collect(),
            next_segment: start.next_segment,
            ..Index::default()
        };
        for name in self.disk.list()? {
            let Some(number) = parse_spare(&name) else { continue };
            index.last_spare = index.last_spare.max(number);
            let file = self.disk.open(&name)?;
            if file.len()? == self.segment_bytes && index.spares.len() < self.spares_max {
                index.spares.push(Spare { name, file });
            } else {
                self.disk.remove(&name)?;
            }
        }
        *self.index.lock() = index;
        Ok(())
    }

    /// The nominal length of a segment.
    pub(super) fn segment_bytes(&self) -> u64 {
        self.segment_bytes
    }

    /// Begins the next segment and seals the one before. From here on the name stands for the new one.
    pub(super) fn begin(
        &self,
        header: impl FnOnce(u64) -> SegmentHeader,
    ) -> Result<Arc<dyn DiskFile>, SegmentError> {
        let (spare, id) = {
            let mut index = self.index.lock();
            // In the end nobody makes another, and the reserve may be taken too.
            let released = index.reserve_released || index.stopping;
            let wait = index.spares.len() < SPARES_WANTED && !released;
            if wait && index.current.is_some() {
                return Err(SegmentError::NotReady);
            }
            (index.spares.pop(), index.next_segment)
        };
        self.wanted.notify_one();
        let spare = spare.map_or_else(|| self.make_spare(), Ok)?;
        let header = header(id);
        self.fill_header(&spare, &header).map_err(|error| self.give_up(&spare.name, error))?;
        self.disk.sync_names().map_err(SegmentError::Failed)?;
        let mut index = self.index.lock();
        let (last_lsn, bytes) = (Lsn::new(header.first_lsn.get() - 1), SEGMENT_HEADER_BYTES as u64);
        let before = index.current.replace(SealedSegment { id, last_lsn, bytes });
        index.sealed.extend(before);
        index.next_segment = id + 1;
        Ok(spare.file)
    }

    /// Makes a spare the segment of this header, once the names are synced.
    fn fill_header(&self, spare: &Spare, header: &SegmentHeader) -> io::Result<()> {
        spare.file.write_at(0, &header.encode())?;
        spare.file.sync()?;
        self.disk.rename(&spare.name, &segment_name(header.id))
    }

    /// Why a spare did not become a segment. It is not used again, whatever is in it; nothing of the log is, so
    /// that waiting for what is short loses nothing.
    fn give_up(&self, spare: &str, error: io::Error) -> SegmentError {
        if let Err(error) = self.disk.remove(spare) {
            tracing::debug!(%error, spare, "an unfinished spare segment stays");
        }
        if is_shortage(&error) { SegmentError::Full(error) } else { SegmentError::Failed(error) }
    }

    /// Notes how far the current segment is filled.
    pub(super) fn note_filled(&self, bytes: u64, last_lsn: Lsn) {
        if let Some(current) = &mut self.index.lock().current {
            (current.bytes, current.last_lsn) = (bytes, last_lsn);
        }
    }

    /// What the current segment and the spares still take for sure.
    pub(super) fn bytes_left(&self) -> u64 {
        let index = self.index.lock();
        let filled = index.current.map_or(self.segment_bytes, |current| current.bytes);
        // A page for headers and the zeros after the last batch.
        let spares = index.spares.len() as u64 * (self.segment_bytes - PAGE_BYTES);
        self.segment_bytes.saturating_sub(filled + PAGE_BYTES) + spares
    }

    /// How many segments are in use, and how many bytes of them.
    pub(super) fn in_use(&self) -> (u64, u64) {
        let index = self.index.lock();
        let all = || index.sealed.iter().chain(&index.current);
        (all().count() as u64, all().map(|segment| segment.bytes).sum())
    }

    /// Whether there are as many spares as there should be.
    pub(super) fn has_spares(&self) -> bool {
        self.index.lock().spares.len() >= SPARES_WANTED
    }

    /// The oldest segment with records after `up_to`; the newest one when there is none. One is always
    /// kept, because it tells where the log goes on.
    pub(super) fn first_after(&self, up_to: Lsn) -> u64 {
        let index = self.index.lock();
        let needed = index.sealed.iter().find(|segment| segment.last_lsn > up_to);
        let newest = index.current.as_ref().or_else(|| index.sealed.back());
        needed.or(newest).map_or(index.next_segment, |segment| segment.id)
    }

    /// Removes the sealed segments before `first`, or keeps their files as spares.
    pub(super) fn trim(&self, first: u64) -> io::Result<()> {
        loop {
            let mut index = self.index.lock();
            let Some(oldest) = index.sealed.front().copied().filter(|oldest| oldest.id < first)
            else {
                break;
            };
            let recycle = (index.spares.len() < self.spares_max).then(|| {
                index.last_spare += 1;
                spare_name(index.last_spare)
            });
            drop(index);
            self.retire(&segment_name(oldest.id), recycle)?;
            // Only now: what failed is tried again the next time.
            self.index.lock().sealed.pop_front();
        }
        self.disk.sync_names()
    }

    fn retire(&self, name: &str, recycle: Option<String>) -> io::Result<()> {
        let file = match self.disk.open(name) {
            Ok(file) => file,
            // Somebody has removed it by hand: that is what was wanted.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        match recycle {
            // A segment that a restart cut short is not worth keeping.
            Some(spare) if file.len()? == self.segment_bytes => {
                self.disk.rename(name, &spare)?;
                self.index.lock().spares.push(Spare { name: spare, file });
                Ok(())
            }
            _ => self.disk.remove(name),
        }
    }

    /// Makes spares until there are enough.
    pub(super) fn prepare(&self) -> Result<(), SegmentError> {
        while !self.has_spares() {
            let made = self.make_spare()?;
            let mut index = self.index.lock();
            index.reserve_released = false;
            index.spares.push(made);
        }
        Ok(())
    }

    /// Lets the last spare be taken, since no other could be made. Whoever does so has seen to it that only what it
    /// is kept for is accepted from here on.
    pub(super) fn release_reserve(&self) {
        self.index.lock().reserve_released = true;
    }

    fn make_spare(&self) -> Result<Spare, SegmentError> {
        let name = {
            let mut index = self.index.lock();
            index.last_spare += 1;
            spare_name(index.last_spare)
        };
        let made = self.disk.create(&name).and_then(|file| {
            file.allocate(self.segment_bytes)?;
            Ok(file)
        });
        match made {
            Ok(file) => Ok(Spare { name, file }),
            Err(error) => Err(self.give_up(&name, error)),
        }
    }

    /// Waits until a spare is wanted; false when the log stops. `after_failure` waits for a while first.
    pub(super) fn wait_until_wanted(&self, after_failure: bool) -> bool {
        let mut index = self.index.lock();
        if after_failure && !index.stopping {
            self.wanted.wait_for(&mut index, SPACE_RETRY);
        }
        while index.spares.len() >= SPARES_WANTED && !index.stopping {
            self.wanted.wait(&mut index);
        }
        !index.stopping
    }

    /// Ends [`wait_until_wanted`](Self::wait_until_wanted).
    pub(super) fn stop_preparing(&self) {
        self.index.lock().stopping = true;
        self.wanted.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::SPARES_MAX;
    use super::*;
    use crate::disk::mem::MemDisk;

    const SEGMENT_BYTES: u64 = 64 << 10;

    /// The current one, and one spare less than are wanted.
    const SEGMENTS_WITHOUT_RESERVE: u64 = SPARES_WANTED as u64;

    /// The spares that are left of segments with these lengths, when none is needed any more.
    fn spares_of(lengths: &[u64], reuse_bytes: u64) -> Vec<u64> {
        let disk = MemDisk::new();
        let options =
            LogOptions { segment_bytes: SEGMENT_BYTES, reuse_bytes, ..LogOptions::default() };
        let mut start = LogStart {
            next_lsn: Lsn::new(100),
            next_sequence: 100,
            next_segment: 100,
            sealed: Vec::new(),
        };
        for (id, bytes) in (1..).zip(lengths.iter().copied()) {
            disk.put(&segment_name(id), &vec![7; usize::try_from(bytes).unwrap()]).unwrap();
            start.sealed.push(SealedSegment { id, last_lsn: Lsn::new(id), bytes: 64 });
        }
        let segments = Segments::new(Arc::new(disk.clone()), &options);
        segments.adopt(&start).unwrap();
        segments.trim(100).unwrap();
        let names = disk.list().unwrap();
        assert!(names.iter().all(|name| parse_spare(name).is_some()), "{names:?}");
        assert_eq!(segments.index.lock().spares.len(), names.len());
        names.iter().map(|name| disk.size(name).unwrap()).collect()
    }

    #[test]
    fn what_a_restart_cut_short_or_a_long_record_made_longer_is_not_reused() {
        let lengths = [SEGMENT_BYTES - 1, SEGMENT_BYTES, 64, SEGMENT_BYTES + PAGE_BYTES];
        assert_eq!(spares_of(&lengths, u64::MAX), [SEGMENT_BYTES]);
    }

    #[test]
    fn the_reserve_is_not_taken_before_it_is_released() {
        let disk = MemDisk::with_capacity(SEGMENTS_WITHOUT_RESERVE * SEGMENT_BYTES);
        let options = LogOptions { segment_bytes: SEGMENT_BYTES, ..LogOptions::default() };
        let segments = Segments::new(Arc::new(disk), &options);
        let begin = || {
            let (first_lsn, created_ms) = (Lsn::new(1), 1);
            segments.begin(|id| SegmentHeader {
                id,
                salt: 1,
                first_batch: 1,
                first_lsn,
                created_ms,
            })
        };
        segments.prepare().unwrap();
        begin().unwrap();
        assert!(matches!(segments.prepare(), Err(SegmentError::Full(_))));
        assert!(matches!(begin(), Err(SegmentError::NotReady)));
        segments.release_reserve();
        begin().unwrap();
    }

    #[test]
    fn as_many_segments_are_kept_for_reuse_as_are_asked_for() {
        let lengths = [SEGMENT_BYTES; SPARES_MAX + 1];
        for (reuse_bytes, kept) in [
            (0, SPARES_WANTED),
            (SEGMENT_BYTES - 1, SPARES_WANTED),
            (3 * SEGMENT_BYTES, SPARES_WANTED + 3),
            (u64::MAX, SPARES_MAX),
        ] {
            assert_eq!(spares_of(&lengths, reuse_bytes).len(), kept, "{reuse_bytes}");
        }
    }
}

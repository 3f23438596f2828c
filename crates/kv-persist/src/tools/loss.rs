//! What is lost when a log is cut: records that could still be read, and those that cannot.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io;

use kv_core::{Lsn, UnixMillis};

use super::check::Inspection;
use super::plan::Plan;
use super::survey::Segment;
use crate::disk::Disk;
use crate::format::names::segment_name;
use crate::log::read::{Batch, SegmentReader};

/// The most keys that are told apart when they are counted, at 8 bytes each and as much again.
pub const KEYS_COUNTED_MAX: usize = 4 << 20;

/// What a repair loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// The first position that is lost.
    pub first_position: u64,
    /// The last one that is known.
    pub last_position: u64,
    /// Records in between that could still be read; the rest of them is damaged or missing.
    pub readable: u64,
    /// Different keys in these records; [`KEYS_COUNTED_MAX`] for that many or more.
    pub keys: usize,
    /// When the first segment with such records was begun: all of them were written after it.
    pub since: Option<UnixMillis>,
    /// When the last one was begun: some of them may have been written after it.
    pub until: Option<UnixMillis>,
}

/// Counts records and keys.
struct Count {
    /// Records before this position are kept.
    kept: Lsn,
    known_end: Lsn,
    readable: u64,
    keys: HashSet<u64>,
    hasher: RandomState,
    created: Option<(UnixMillis, UnixMillis)>,
}

impl Loss {
    /// What is lost by a plan; `None` for nothing.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn of(
        disk: &dyn Disk,
        inspection: &Inspection,
        plan: &Plan,
    ) -> io::Result<Option<Self>> {
        let mut count = Count {
            kept: plan.choice.end(),
            known_end: known_end(inspection),
            readable: 0,
            keys: HashSet::new(),
            hasher: RandomState::new(),
            created: None,
        };
        let inside = |segment: &&Segment| {
            let run = plan.choice.run.filter(|run| run.end.segment != segment.id);
            run.is_some_and(|run| run.contains(segment.id))
        };
        for segment in inspection.segments.iter().filter(|segment| !inside(segment)) {
            if segment.content.is_ok() {
                count.read(disk, segment.id)?;
            }
        }
        let (kept, end) = (count.kept.get(), count.known_end.get());
        Ok((end > kept).then(|| Self {
            first_position: kept,
            last_position: end - 1,
            readable: count.readable,
            keys: count.keys.len(),
            since: count.created.map(|(since, _)| since),
            until: count.created.map(|(_, until)| until),
        }))
    }
}

/// The position after the last one that anything intact tells of.
fn known_end(inspection: &Inspection) -> Lsn {
    let contents = inspection.segments.iter().filter_map(|segment| segment.content.as_ref().ok());
    let in_log = contents.map(|content| content.end.next_lsn);
    let named = inspection.manifest.iter().flat_map(|manifest| &manifest.snapshots);
    let named = named.map(|info| info.log_end);
    let found = inspection.usable_snapshots().map(|info| info.log_end);
    let in_snapshots = named.chain(found).map(|end| Lsn::new(end.get().saturating_add(1)));
    in_log.chain(in_snapshots).max().unwrap_or(Lsn::new(1))
}

impl Count {
    /// Everything in a segment that can be read, also behind damage.
    fn read(&mut self, disk: &dyn Disk, id: u64) -> io::Result<()> {
        let file = disk.open(&segment_name(id))?;
        let Ok(mut reader) = SegmentReader::open(file)? else { return Ok(()) };
        let created = UnixMillis::new(reader.header().created_ms);
        loop {
            let is_damaged = match reader.read_batch()? {
                Ok(batch) => {
                    self.see(&batch, created);
                    false
                }
                Err(_fault) => true,
            };
            if is_damaged && !reader.skip_damage()? {
                return Ok(());
            }
        }
    }

    fn see(&mut self, batch: &Batch<'_>, created: UnixMillis) {
        let next = batch.header.next_lsn();
        self.known_end = self.known_end.max(next);
        if next <= self.kept {
            return;
        }
        for record in batch.records().filter(|record| record.lsn() >= self.kept) {
            self.readable += 1;
            let (since, until) = self.created.unwrap_or((created, created));
            self.created = Some((since.min(created), until.max(created)));
            for effect in record.effects() {
                if self.keys.len() < KEYS_COUNTED_MAX && !effect.key.is_empty() {
                    self.keys.insert(self.hasher.hash_one(effect.key));
                }
            }
        }
    }
}

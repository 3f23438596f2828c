//! What a repair keeps, and by which steps.
//!
//! Kept is what reaches furthest: a stretch of the log without a gap, together with the snapshots that it
//! completes; or a snapshot that is complete by itself; or nothing. Of two that reach equally far, the one
//! with the log.

use std::fmt;
use std::io;

use kv_core::Lsn;

use super::aside::{find_copy, free_name};
use super::check::{Inspection, Snapshot};
use super::report::count;
use super::runs::{Run, runs};
use crate::disk::Disk;
use crate::format::names::{MANIFEST, parse_segment, segment_name, snapshot_name};
use crate::manifest::{MANIFEST_SNAPSHOTS_MAX, Manifest, SnapshotInfo};

/// What a repair keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// The log up to a position, and what it rests on.
    Log {
        /// The snapshot that a start would load; `None` when the log has everything.
        snapshot: Option<SnapshotInfo>,
        /// The last position that is kept; 0 for none.
        last_position: u64,
    },
    /// A snapshot that is complete without the log.
    Snapshot(SnapshotInfo),
    /// Nothing: the store will be empty.
    Nothing,
}

/// One step of a repair. After each of them, and in the middle, the repair can be begun anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A file is copied, to be changed then.
    Copy {
        /// Which.
        file: String,
        /// The copy's name.
        to: String,
    },
    /// The end of a file is cut off.
    Cut {
        /// Which.
        file: String,
        /// Where, in bytes.
        offset: u64,
        /// How much.
        bytes: u64,
    },
    /// A file is renamed.
    PutAside {
        /// Which.
        file: String,
        /// Its new name.
        to: String,
    },
    /// An empty log segment is made, for the log to go on after a snapshot.
    NewSegment {
        /// Its id.
        id: u64,
        /// The position of the first record to come.
        first_lsn: Lsn,
    },
    /// The manifest is replaced, or made.
    StoreManifest(Manifest),
}

/// What is kept, and how.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) choice: Choice,
    pub(super) steps: Vec<Step>,
}

/// Something that could be kept, as a whole.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) keeps: Keeps,
    /// The part of the log.
    pub(super) run: Option<Run>,
    /// All snapshots that it completes, newest first.
    snapshots: Vec<SnapshotInfo>,
}

impl fmt::Display for Keeps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log { snapshot: None, last_position } => {
                write!(f, "the log from its beginning up to position {last_position}")
            }
            Self::Log { snapshot: Some(info), last_position } => {
                write!(f, "snapshot {} and the log up to position {last_position}", info.id)
            }
            Self::Snapshot(info) => {
                write!(f, "snapshot {}, which is complete without the log", info.id)
            }
            Self::Nothing => f.write_str("nothing: the store will be EMPTY"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy { file, to } => write!(f, "copy {file} to {to}"),
            Self::Cut { file, offset, bytes } => {
                write!(f, "cut {bytes} bytes off {file}, from byte {offset} on")
            }
            Self::PutAside { file, to } => write!(f, "rename {file} to {to}"),
            Self::NewSegment { id, first_lsn } => {
                let (name, position) = (segment_name(*id), first_lsn.get());
                write!(f, "make {name}, empty, for the log to go on at position {position}")
            }
            Self::StoreManifest(manifest) => {
                let Manifest { snapshots, first_segment, .. } = manifest;
                let snapshots = count(snapshots.len() as u64, "snapshot");
                write!(
                    f,
                    "write a {MANIFEST} of {snapshots} and the log from segment {first_segment} on"
                )
            }
        }
    }
}

impl Plan {
    /// The plan for a directory that was found like this. `fresh_seed` is for a manifest when there is none.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn make(
        disk: &dyn Disk,
        inspection: &Inspection,
        fresh_seed: u64,
    ) -> io::Result<Self> {
        let choice = Choice::best(inspection);
        let names = inspection.names.clone();
        let mut steps = Steps { disk, inspection, names, done: Vec::new() };
        let mut first_segment = choice.run.map_or(1, |run| run.first);
        if let Some(run) = choice.run.filter(|run| run.is_to_be_cut) {
            steps.cut(run.end.segment, run.end.offset)?;
        }
        if let Keeps::Snapshot(_) | Keeps::Nothing = choice.keeps {
            first_segment = inspection.next_segment_id();
            steps.done.push(Step::NewSegment { id: first_segment, first_lsn: choice.end() });
        }
        steps.put_segments_aside(&choice);
        steps.put_snapshots_aside(&choice.snapshots);
        let snapshots = choice.snapshots.clone();
        let hash_seed = fresh_seed;
        steps.manifest(Manifest { sequence: 0, hash_seed, first_segment, snapshots })?;
        Ok(Self { choice, steps: steps.done })
    }
}

impl Choice {
    /// What reaches furthest, and of those the one with the log.
    fn best(inspection: &Inspection) -> Self {
        let snapshots: Vec<SnapshotInfo> = inspection.usable_snapshots().collect();
        let nothing = Self { keeps: Keeps::Nothing, run: None, snapshots: Vec::new() };
        // Oldest first: the last of equals is taken.
        let complete = snapshots.iter().rev().filter(|info| info.log_start == info.log_end);
        let complete = complete.map(|info| {
            let keeps = Keeps::Snapshot(*info);
            Self { keeps, run: None, snapshots: vec![*info] }
        });
        let runs = runs(&inspection.segments);
        let logs = runs.iter().filter_map(|run| Self::of_log(*run, &snapshots));
        let all = complete.chain(logs);
        let rank = |choice: &Self| (choice.end(), choice.run.is_some());
        all.max_by_key(rank).unwrap_or(nothing)
    }

    /// A part of the log, if it is whole in itself or with a snapshot.
    fn of_log(run: Run, snapshots: &[SnapshotInfo]) -> Option<Self> {
        let covers = |info: &&SnapshotInfo| run.covers(info.log_start, info.log_end);
        let mut kept: Vec<SnapshotInfo> = snapshots.iter().filter(covers).copied().collect();
        kept.truncate(MANIFEST_SNAPSHOTS_MAX);
        let is_whole = !kept.is_empty() || run.first_lsn == Lsn::new(1);
        let (snapshot, last_position) = (kept.first().copied(), run.end.next_lsn.get() - 1);
        let keeps = Keeps::Log { snapshot, last_position };
        is_whole.then_some(Self { keeps, run: Some(run), snapshots: kept })
    }

    /// Everything before this position is kept.
    pub(super) fn end(&self) -> Lsn {
        match (self.keeps, self.run) {
            (Keeps::Snapshot(info), _) => Lsn::new(info.log_end.get().saturating_add(1)),
            (_, Some(run)) => run.end.next_lsn,
            (_, None) => Lsn::new(1),
        }
    }
}

impl Inspection {
    /// Snapshots that check out and belong to the directory, newest first.
    pub(super) fn usable_snapshots(&self) -> impl Iterator<Item = SnapshotInfo> {
        let snapshots = self.relevant_snapshots();
        snapshots.filter_map(|snapshot| snapshot.content.as_ref().ok().map(|(info, _)| *info))
    }

    /// Those that the manifest names; without one, all.
    pub(super) fn relevant_snapshots(&self) -> impl Iterator<Item = &Snapshot> {
        let has_manifest = self.manifest.is_some();
        self.snapshots.iter().filter(move |snapshot| snapshot.is_named || !has_manifest)
    }

    /// An id above that of every segment.
    fn next_segment_id(&self) -> u64 {
        let there = self.names.iter().filter_map(|name| parse_segment(name));
        let needed = self.manifest.iter().map(|manifest| manifest.first_segment);
        there.chain(needed).max().unwrap_or(1) + 1
    }
}

/// Steps, as they are gathered.
struct Steps<'a> {
    disk: &'a dyn Disk,
    inspection: &'a Inspection,
    /// Names that are taken, also by earlier steps.
    names: Vec<String>,
    done: Vec<Step>,
}

impl Steps<'_> {
    fn cut(&mut self, segment: u64, offset: u64) -> io::Result<()> {
        let file = segment_name(segment);
        let bytes = self.disk.open(&file)?.len()?.saturating_sub(offset);
        self.copy(&file)?;
        self.done.push(Step::Cut { file, offset, bytes });
        Ok(())
    }

    /// What an earlier attempt has copied is not copied again.
    fn copy(&mut self, file: &str) -> io::Result<()> {
        if find_copy(self.disk, file, &self.inspection.names)?.is_none() {
            let (file, to) = (file.to_owned(), self.take_name(file));
            self.done.push(Step::Copy { file, to });
        }
        Ok(())
    }

    fn put_aside(&mut self, file: String) {
        let to = self.take_name(&file);
        self.done.push(Step::PutAside { file, to });
    }

    fn take_name(&mut self, file: &str) -> String {
        let name = free_name(file, &self.names);
        self.names.push(name.clone());
        name
    }

    fn put_segments_aside(&mut self, choice: &Choice) {
        // Those from before the manifest's first are removed by the next start, which needs one to follow.
        let first = match (choice.keeps, &self.inspection.manifest) {
            (Keeps::Nothing, _) | (_, None) => 0,
            (_, Some(manifest)) => manifest.first_segment,
        };
        for name in &self.inspection.names {
            let Some(id) = parse_segment(name).filter(|id| *id >= first) else { continue };
            if !choice.run.is_some_and(|run| run.contains(id)) {
                self.put_aside(name.clone());
            }
        }
    }

    fn put_snapshots_aside(&mut self, kept: &[SnapshotInfo]) {
        for snapshot in self.inspection.relevant_snapshots() {
            let name = snapshot_name(snapshot.id);
            let is_there = self.inspection.names.contains(&name);
            if is_there && !kept.iter().any(|info| info.id == snapshot.id) {
                self.put_aside(name);
            }
        }
    }

    /// The manifest comes last: until it is there, the old one or none says that something is to be done.
    fn manifest(&mut self, mut new: Manifest) -> io::Result<()> {
        if let Some(old) = &self.inspection.manifest {
            new.hash_seed = old.hash_seed;
            new.sequence = old.sequence;
            if new == *old {
                return Ok(());
            }
        }
        if self.inspection.names.iter().any(|name| name == MANIFEST) {
            self.copy(MANIFEST)?;
        }
        new.sequence += 1;
        self.done.push(Step::StoreManifest(new));
        Ok(())
    }
}

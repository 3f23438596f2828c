//! Check: every file of a data directory is read, and nothing is changed.

use std::error::Error;
use std::io;
use std::sync::atomic::Ordering;

use kv_core::UnixMillis;

use super::error::ToolError;
use super::nowhere::Nowhere;
use super::progress::ToolProgress;
use super::report::{CheckReport, FileReport, FileState, Start, count, positions};
use super::runs::continues;
use super::survey::{Segment, Unusable, survey};
use crate::disk::Disk;
use crate::format::names::{
    DAMAGED, LOCK, MANIFEST, is_unfinished, parse_segment, parse_snapshot, parse_spare,
    segment_name, snapshot_name,
};
use crate::log::LogError;
use crate::manifest::{Manifest, SnapshotInfo};
use crate::recovery::{Found, OpenError, RecoveryError, find_manifest, read};
use crate::snapshot::{SnapshotDamage, SnapshotFile};

/// Everything that is known of a directory once it has been read.
#[derive(Debug)]
pub(super) struct Inspection {
    pub(super) names: Vec<String>,
    /// If there is one that checks out.
    pub(super) manifest: Option<Manifest>,
    /// Newest first.
    pub(super) snapshots: Vec<Snapshot>,
    /// Oldest first: those that the manifest needs, all of them without one.
    pub(super) segments: Vec<Segment>,
    pub(super) start: Start,
}

/// A snapshot that is there or should be.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) id: u64,
    pub(super) is_named: bool,
    pub(super) content: Result<(SnapshotInfo, UnixMillis), SnapshotDamage>,
}

/// Reads every file and says what is in it, what is wrong, and what a start would do. Snapshots are read
/// on `threads` threads. Changes nothing.
///
/// # Errors
/// [`ToolError`] when the directory cannot be listed.
pub fn check(
    disk: &dyn Disk,
    threads: usize,
    progress: &ToolProgress,
) -> Result<CheckReport, ToolError> {
    let inspection = Inspection::make(disk, threads, progress)?;
    Ok(inspection.into_report(disk.describe()))
}

impl Inspection {
    pub(super) fn make(
        disk: &dyn Disk,
        threads: usize,
        progress: &ToolProgress,
    ) -> Result<Self, ToolError> {
        let mut names = disk.list().map_err(|source| {
            let (directory, file, action) = (disk.describe(), String::new(), "list");
            ToolError::Io { directory, file, action, source }
        })?;
        names.sort_unstable();
        progress.total.store(bytes_to_read(disk, &names), Ordering::Relaxed);
        let found = find_manifest(disk, &names);
        let manifest = found.as_ref().ok().and_then(Clone::clone);
        let mut inspection = Self {
            manifest,
            snapshots: Vec::new(),
            segments: Vec::new(),
            start: Start::New,
            names,
        };
        let loaded = match found {
            Err(error) => {
                inspection.start = Start::NotOpened(error);
                None
            }
            Ok(None) => None,
            Ok(Some(manifest)) => inspection.try_start(disk, &manifest, threads, progress),
        };
        inspection.verify_snapshots((disk, threads), loaded, progress);
        let ids = inspection.needed_segments();
        inspection.segments = ids.into_iter().map(|id| survey(disk, id, progress)).collect();
        Ok(inspection)
    }

    /// Reads what a start would read; tells which snapshot was loaded.
    fn try_start(
        &mut self,
        disk: &dyn Disk,
        manifest: &Manifest,
        threads: usize,
        progress: &ToolProgress,
    ) -> Option<u64> {
        let read = read(disk, manifest, (&Nowhere, threads), &progress.start);
        let (loaded, start) = match read {
            Err(error) => (None, Start::NotRecovered(error)),
            Ok(Found { snapshot, end, .. }) => {
                let last_position = end.position.next_lsn.get() - 1;
                (
                    snapshot.map(|info| info.id),
                    Start::Fine { snapshot, last_position, torn: end.torn },
                )
            }
        };
        self.start = start;
        loaded
    }

    /// Checks all snapshots, but not the content of the one that was loaded.
    fn verify_snapshots(
        &mut self,
        (disk, threads): (&dyn Disk, usize),
        loaded: Option<u64>,
        progress: &ToolProgress,
    ) {
        let named = self.manifest.iter().flat_map(|manifest| &manifest.snapshots);
        let named: Vec<SnapshotInfo> = named.copied().collect();
        let mut ids: Vec<u64> = self.names.iter().filter_map(|name| parse_snapshot(name)).collect();
        ids.extend(named.iter().map(|info| info.id));
        ids.sort_unstable();
        ids.dedup();
        let verify = |id: u64| {
            let info = named.iter().find(|info| info.id == id);
            let content = SnapshotFile::open(disk, id).and_then(|file| {
                if let Some(info) = info {
                    file.check_named_by(info)?;
                }
                if loaded != Some(id) {
                    file.load(&Nowhere, threads, &progress.others)?;
                }
                Ok((file.info(), file.header().created))
            });
            Snapshot { id, is_named: info.is_some(), content }
        };
        self.snapshots = ids.into_iter().rev().map(verify).collect();
    }

    /// Segments that are there, and gaps between them.
    fn needed_segments(&self) -> Vec<u64> {
        let first = self.manifest.as_ref().map_or(0, |manifest| manifest.first_segment);
        let is_needed = |id: &u64| *id >= first;
        let there = self.names.iter().filter_map(|name| parse_segment(name)).filter(is_needed);
        // In the order of names, which is that of ids. A gap is shown by what lies at its beginning.
        let mut ids: Vec<u64> = Vec::new();
        for id in there {
            let expected = ids.last().map_or(first.max(1), |last| last + 1);
            if id > expected && (first > 0 || !ids.is_empty()) {
                ids.push(expected);
            }
            ids.push(id);
        }
        ids
    }

    pub(super) fn into_report(self, directory: String) -> CheckReport {
        let mut files = self.manifest_report();
        files.extend(self.snapshots.iter().map(|snapshot| self.snapshot_report(snapshot)));
        let segments = 0..self.segments.len();
        files.extend(segments.filter_map(|index| self.segment_report(index)));
        files.extend(self.names.iter().filter_map(|name| self.other_report(name)));
        if let Start::NotRecovered(RecoveryError::Log(LogError::Damage(damage))) = &self.start {
            // What only the manifest tells is no fault of a file that is looked at alone.
            let (at, expected, found) = (damage.offset, &damage.expected, &damage.found);
            let text = format!("at byte {at}: expected {expected}, found {found}");
            let state = FileState::Damaged(text);
            match files.iter_mut().find(|file| file.name == damage.file) {
                Some(file) if matches!(file.state, FileState::Damaged(_)) => {}
                Some(file) => file.state = state,
                None => files.push(FileReport { name: damage.file.clone(), state, created: None }),
            }
        }
        CheckReport { directory, files, start: self.start }
    }

    fn manifest_report(&self) -> Vec<FileReport> {
        let state = match (&self.manifest, &self.start) {
            (Some(manifest), _) => {
                let Manifest { sequence, first_segment, snapshots, .. } = manifest;
                let snapshots = count(snapshots.len() as u64, "snapshot");
                FileState::Good(format!(
                    "manifest {sequence}: {snapshots}, and the log from segment {first_segment} on"
                ))
            }
            (None, Start::NotOpened(OpenError::ManifestMissing { .. })) => FileState::Damaged(
                "no such file, and there are files that it should name".to_owned(),
            ),
            (None, Start::NotOpened(OpenError::Manifest { source, .. })) => {
                FileState::Damaged(without_name(MANIFEST, source))
            }
            (None, Start::NotOpened(error)) => FileState::Damaged(without_name(MANIFEST, error)),
            (None, _) => return Vec::new(),
        };
        vec![FileReport { name: MANIFEST.to_owned(), state, created: None }]
    }

    fn snapshot_report(&self, snapshot: &Snapshot) -> FileReport {
        let name = snapshot_name(snapshot.id);
        let has_manifest = self.manifest.is_some();
        let (state, created) = match &snapshot.content {
            _ if has_manifest && !snapshot.is_named => {
                let text = "the manifest does not name it; the next start removes it";
                (FileState::Unneeded(text.to_owned()), None)
            }
            Err(damage) => (FileState::Damaged(without_name(&name, damage)), None),
            Ok((info, created)) => {
                let (keys, start, end) = (info.keys, info.log_start.get(), info.log_end.get());
                let text =
                    format!("{}, as of {} of the log", count(keys, "key"), positions(start, end));
                (FileState::Good(text), Some(*created))
            }
        };
        FileReport { name, state, created }
    }

    fn segment_report(&self, index: usize) -> Option<FileReport> {
        let segment = self.segments.get(index)?;
        let created = segment.content.as_ref().ok();
        let created = created.map(|content| UnixMillis::new(content.header.created_ms));
        let state = self
            .segment_problem(index)
            .map_or_else(|| FileState::Good(segment_text(segment)), FileState::Damaged);
        Some(FileReport { name: segment_name(segment.id), state, created })
    }

    /// What is wrong with a segment, and how it fits to those beside it.
    fn segment_problem(&self, index: usize) -> Option<String> {
        let segment = self.segments.get(index)?;
        let content = match &segment.content {
            Ok(content) => content,
            Err(unusable) => return Some(unusable.text().to_owned()),
        };
        let before = index.checked_sub(1).and_then(|before| self.segments.get(before));
        let before = before.and_then(|before| before.content.as_ref().ok());
        let (end, fault) = (content.end, content.fault);
        let next = self.segments.get(index + 1).and_then(|next| next.content.as_ref().ok());
        let is_cut_short = next.is_some_and(|next| next.header.first_batch > end.next_sequence);
        if content.is_damaged() || is_cut_short {
            let (offset, batch) = (end.offset, end.next_sequence);
            return Some(format!(
                "at byte {offset}: expected batch {batch}, found {fault}; {} before that",
                segment_text(segment)
            ));
        }
        let follows = before.is_none_or(|before| {
            continues(before.end, content) || before.end.next_sequence < content.header.first_batch
        });
        (!follows).then(|| {
            let (batch, position) = (content.header.first_batch, content.header.first_lsn.get());
            format!("at byte 0: batch {batch} at position {position} does not follow on the segment before")
        })
    }

    /// Files that are neither manifest, snapshot nor needed segment.
    fn other_report(&self, name: &str) -> Option<FileReport> {
        let is_reported = |id: u64| self.segments.iter().any(|segment| segment.id == id);
        let text = match parse_segment(name) {
            Some(id) if is_reported(id) => return None,
            Some(_) => "no snapshot needs it any more; the next start removes it",
            None if name == MANIFEST || name == LOCK || parse_snapshot(name).is_some() => {
                return None;
            }
            None if parse_spare(name).is_some() => "made in advance for the log",
            None if is_unfinished(name) => "unfinished; the next start removes it",
            None if name.ends_with(DAMAGED) => "put aside by a repair",
            None => "not a file of the server",
        };
        let state = FileState::Unneeded(text.to_owned());
        Some(FileReport { name: name.to_owned(), state, created: None })
    }
}

impl Unusable {
    pub(super) fn text(&self) -> &str {
        let (Self::Damaged(text) | Self::Newer(text) | Self::Unreadable(text)) = self;
        text
    }
}

fn segment_text(segment: &Segment) -> String {
    let Ok(content) = &segment.content else { return String::new() };
    let batches = match content.batches {
        1 => "1 batch".to_owned(),
        batches => format!("{batches} batches"),
    };
    if content.records() == 0 {
        return format!("no records, {batches}");
    }
    let records = count(content.records(), "record");
    let (first, last) = (content.header.first_lsn.get(), content.end.next_lsn.get() - 1);
    format!("{records} in {batches}, {}", positions(first, last))
}

/// What is wrong with a file, said beside its name.
fn without_name(name: &str, problem: &dyn Error) -> String {
    let text = problem.to_string();
    let rest = text.strip_prefix(name).map(str::trim_start);
    rest.map_or_else(|| text.clone(), str::to_owned)
}

/// Snapshots once, segments twice.
fn bytes_to_read(disk: &dyn Disk, names: &[String]) -> u64 {
    let bytes = |name: &String| {
        let times = match (parse_snapshot(name), parse_segment(name)) {
            (Some(_), _) => 1,
            (_, Some(_)) => 2,
            _ => return 0,
        };
        let len = disk.open(name).and_then(|file| file.len());
        len.unwrap_or(0).saturating_mul(times)
    };
    names.iter().map(bytes).fold(0, u64::saturating_add)
}

impl Snapshot {
    /// Whether the disk does not give it, though it is there.
    pub(super) fn unreadable(&self) -> Option<&SnapshotDamage> {
        match &self.content {
            Err(damage @ SnapshotDamage::Read { source, .. })
                if source.kind() != io::ErrorKind::NotFound =>
            {
                Some(damage)
            }
            _ => None,
        }
    }
}

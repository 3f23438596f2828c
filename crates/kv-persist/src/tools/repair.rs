//! Repair: makes a start possible again, by giving up what is damaged. Nothing is destroyed.
//!
//! The steps come in an order that makes a crash between any two harmless: what is kept is never touched
//! but for the cut, which replaces a file at once; what is given up is renamed; the manifest comes last. So
//! the same is kept when the repair is begun anew.

use std::io;

use kv_core::UnixMillis;

use super::aside::copy;
use super::check::Inspection;
use super::error::ToolError;
use super::loss::Loss;
use super::plan::{Keeps, Plan, Step};
use super::progress::ToolProgress;
use super::report::{CheckReport, Start};
use super::survey::Unusable;
use crate::disk::Disk;
use crate::format::names::segment_name;
use crate::log::LogError;
use crate::log::segment::SegmentHeader;
use crate::manifest::ManifestError;
use crate::recovery::{OpenError, RecoveryError};
use crate::snapshot::SnapshotDamage;
use crate::temp_file::TempFile;

/// A repair, planned.
#[derive(Debug)]
pub struct Repair {
    report: CheckReport,
    plan: Option<(Plan, Option<Loss>)>,
    fresh_seed: u64,
}

impl Repair {
    /// Checks the directory as [`check`](super::check()) does, and plans what is to be done. Changes nothing.
    /// `fresh_seed` is the hash seed of a manifest that is made anew.
    ///
    /// # Errors
    /// [`ToolError`], also when something cannot be read that may not be damaged.
    pub fn plan(
        disk: &dyn Disk,
        threads: usize,
        fresh_seed: u64,
        progress: &ToolProgress,
    ) -> Result<Self, ToolError> {
        let inspection = Inspection::make(disk, threads, progress)?;
        refuse_what_is_no_damage(&inspection)?;
        let plan = Plan::make(disk, &inspection, fresh_seed).and_then(|plan| {
            let loss = Loss::of(disk, &inspection, &plan)?;
            Ok((plan, loss))
        });
        let failed = |source| failure(disk, "", "read", source);
        let report = inspection.into_report(disk.describe());
        let plan = if report.is_damaged() { Some(plan.map_err(failed)?) } else { None };
        Ok(Self { report, plan, fresh_seed })
    }

    /// What was found.
    pub fn report(&self) -> &CheckReport {
        &self.report
    }

    /// Whether anything is to be done.
    pub fn is_needed(&self) -> bool {
        self.plan.is_some()
    }

    /// What will be left; `None` when nothing is to be done.
    pub fn keeps(&self) -> Option<Keeps> {
        self.plan.as_ref().map(|(plan, _)| plan.choice.keeps)
    }

    /// What will be done, in this order.
    pub fn steps(&self) -> &[Step] {
        self.plan.as_ref().map_or(&[], |(plan, _)| &plan.steps)
    }

    /// What will be lost of the log; `None` for nothing.
    pub fn loss(&self) -> Option<Loss> {
        self.plan.as_ref().and_then(|(_, loss)| *loss)
    }

    /// Does all steps on the disk for which they were planned. When this returns, they survive a crash.
    ///
    /// # Errors
    /// [`ToolError`]: the step that failed. A new repair takes up from there.
    pub fn carry_out(&self, disk: &dyn Disk, now: UnixMillis) -> Result<(), ToolError> {
        for step in self.steps() {
            self.carry_out_step(disk, step, now)?;
        }
        Ok(())
    }

    fn carry_out_step(
        &self,
        disk: &dyn Disk,
        step: &Step,
        now: UnixMillis,
    ) -> Result<(), ToolError> {
        match step {
            Step::Copy { file, to } => {
                let done = disk.open(file).and_then(|source| source.len());
                done.and_then(|bytes| copy(disk, file, to, bytes))
                    .map_err(|source| failure(disk, file, "copy", source))
            }
            Step::Cut { file, offset, .. } => {
                copy(disk, file, file, *offset).map_err(|source| failure(disk, file, "cut", source))
            }
            Step::PutAside { file, to } => disk
                .rename(file, to)
                .and_then(|()| disk.sync_names())
                .map_err(|source| failure(disk, file, "rename", source)),
            Step::NewSegment { id, first_lsn } => {
                let header = SegmentHeader {
                    id: *id,
                    salt: self.fresh_seed,
                    first_batch: 1,
                    first_lsn: *first_lsn,
                    created_ms: now.get(),
                };
                let file = segment_name(*id);
                make(disk, &file, &header.encode())
                    .map_err(|source| failure(disk, &file, "make", source))
            }
            Step::StoreManifest(manifest) => Ok(manifest.store(disk)?),
        }
    }
}

fn make(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temp = TempFile::create(disk, name)?;
    temp.file().write_at(0, bytes)?;
    temp.publish().map_err(|error| error.source)
}

fn failure(disk: &dyn Disk, file: &str, action: &'static str, source: io::Error) -> ToolError {
    ToolError::Io { directory: disk.describe(), file: file.to_owned(), action, source }
}

/// Stops at files that a later server wrote, and at those that the disk does not give.
fn refuse_what_is_no_damage(inspection: &Inspection) -> Result<(), ToolError> {
    let newer = |problem: String| Err(ToolError::Newer { problem });
    let unreadable = |problem: String| Err(ToolError::Unreadable { problem });
    match &inspection.start {
        Start::NotOpened(OpenError::Manifest {
            source: error @ ManifestError::Version { .. },
            ..
        }) => {
            return newer(error.to_string());
        }
        Start::NotOpened(OpenError::Manifest {
            source: error @ ManifestError::Read { .. },
            ..
        }) => {
            return unreadable(error.to_string());
        }
        Start::NotOpened(error @ OpenError::Io { .. }) => return unreadable(error.to_string()),
        Start::NotRecovered(RecoveryError::Log(error @ LogError::Io { .. })) => {
            return unreadable(error.to_string());
        }
        _ => {}
    }
    for snapshot in inspection.relevant_snapshots() {
        if let Err(damage @ SnapshotDamage::Version { .. }) = &snapshot.content {
            return newer(damage.to_string());
        }
        if let Some(damage) = snapshot.unreadable() {
            return unreadable(damage.to_string());
        }
    }
    for segment in &inspection.segments {
        let name = segment_name(segment.id);
        match &segment.content {
            Err(Unusable::Newer(text)) => return newer(format!("{name} {text}")),
            Err(Unusable::Unreadable(text)) => return unreadable(format!("{name} {text}")),
            Err(Unusable::Damaged(_)) | Ok(_) => {}
        }
    }
    Ok(())
}

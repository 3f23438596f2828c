//! Choosing the snapshot that a store is filled from: the newest that checks out.

use kv_core::{Lsn, ReplayTarget};

use super::damage::SnapshotDamage;
use super::file::SnapshotFile;
use super::footer::Footer;
use super::load::LoadProgress;
use crate::disk::Disk;
use crate::manifest::{Manifest, SnapshotInfo};

/// What a store was filled from. The log is to be replayed over it.
#[derive(Debug)]
pub struct Restored {
    /// The snapshot; `None` when the whole log is to be replayed.
    pub snapshot: Option<(SnapshotInfo, Footer)>,
    /// Newer ones, which did not check out. The next manifest should not name them.
    pub skipped: Vec<Skipped>,
}

/// A snapshot that could not be used.
#[derive(Debug)]
pub struct Skipped {
    /// As the manifest names it.
    pub info: SnapshotInfo,
    /// Why.
    pub damage: SnapshotDamage,
}

/// Why a store cannot be filled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// No snapshot checks out, and the log does not go back far enough to do without.
    #[error(
        "{directory}: no snapshot can be used, and the log, which begins at position {}, does not replace \
         them: {}. `kv-server check {directory}` shows what is damaged; restore the files from a copy, or \
         see what `kv-server repair {directory}` can save",
        .log_first.get(),
        list(.skipped)
    )]
    NoSnapshot {
        /// The directory.
        directory: String,
        /// What was tried, newest first.
        skipped: Vec<Skipped>,
        /// The position at which the log begins.
        log_first: Lsn,
    },
    /// The beginning of the log is gone, and no snapshot has what was in it.
    #[error(
        "the log begins at position {}, and no snapshot that the manifest names reaches that far: a part \
         of the data directory is missing; restore it from a copy",
        .log_first.get()
    )]
    LogBegins {
        /// The position at which the log begins.
        log_first: Lsn,
    },
}

/// Fills `target` from the newest snapshot of the manifest that checks out. `log_first` is the first
/// position that the log still has; an older snapshot, or none, will do only if the log goes on from there.
///
/// Nothing but what was read from that snapshot is in the target afterwards.
///
/// # Errors
/// [`RestoreError`] when neither a snapshot nor the log alone will do.
pub fn restore(
    disk: &dyn Disk,
    manifest: &Manifest,
    log_first: Lsn,
    (target, threads): (&dyn ReplayTarget, usize),
    progress: &LoadProgress,
) -> Result<Restored, RestoreError> {
    let mut skipped = Vec::new();
    for info in &manifest.snapshots {
        if info.log_start.get().saturating_add(1) < log_first.get() {
            // The log between the snapshot and what is left of it is gone.
            break;
        }
        let loaded = load(disk, info, (target, threads), progress);
        match loaded {
            Ok(footer) => return Ok(Restored { snapshot: Some((*info, footer)), skipped }),
            Err(damage) => {
                tracing::error!(
                    snapshot = info.id,
                    %damage,
                    "A SNAPSHOT IS DAMAGED and is not used; trying an older one, or the log alone"
                );
                target.discard();
                skipped.push(Skipped { info: *info, damage });
            }
        }
    }
    match (log_first.get() <= 1, skipped.is_empty()) {
        (true, _) => Ok(Restored { snapshot: None, skipped }),
        (false, true) => Err(RestoreError::LogBegins { log_first }),
        (false, false) => {
            let directory = disk.describe();
            Err(RestoreError::NoSnapshot { directory, skipped, log_first })
        }
    }
}

fn load(
    disk: &dyn Disk,
    info: &SnapshotInfo,
    (target, threads): (&dyn ReplayTarget, usize),
    progress: &LoadProgress,
) -> Result<Footer, SnapshotDamage> {
    let file = SnapshotFile::open(disk, info.id)?;
    file.check_named_by(info)?;
    file.load(target, threads, progress)?;
    Ok(file.footer().clone())
}

fn list(skipped: &[Skipped]) -> String {
    let damages: Vec<String> = skipped.iter().map(|skipped| skipped.damage.to_string()).collect();
    damages.join("; ")
}

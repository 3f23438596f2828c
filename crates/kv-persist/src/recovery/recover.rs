//! The whole of a recovery: snapshot, log, cut, and where the log goes on.

use std::sync::atomic::{AtomicU64, Ordering};

use kv_core::{Lsn, ReplayTarget};

use super::cut::cut_log;
use super::replay::{LogReplay, ReplayProgress, log_first_lsn};
use crate::disk::Disk;
use crate::format::names::{parse_segment, parse_snapshot};
use crate::log::{LogEnd, LogError, LogNeeds, LogStart, TornTail};
use crate::manifest::{Manifest, SnapshotInfo};
use crate::snapshot::{LoadProgress, RestoreError, Skipped, restore};

/// Why a store could not be recovered. Nothing was changed on disk, unless the disk itself failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// No snapshot can be used.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What was recovered.
#[derive(Debug)]
pub struct Recovered {
    /// Where the log goes on.
    pub log_start: LogStart,
    /// The snapshot that was loaded.
    pub snapshot: Option<SnapshotInfo>,
    /// The manifest without the snapshots that turned out to be damaged.
    pub manifest: Manifest,
    /// Records of the log that were replayed.
    pub records: u64,
    /// What was cut off the end of the log.
    pub torn: Option<TornTail>,
}

/// How far a recovery has got. Counters only: readers need no order with other memory.
#[derive(Debug, Default)]
pub struct RecoveryProgress {
    snapshot_bytes: AtomicU64,
    /// Of the snapshot.
    pub load: LoadProgress,
    /// Of the log.
    pub replay: ReplayProgress,
}

impl RecoveryProgress {
    /// From 0 to 100. The log counts once it is known how long it is.
    pub fn percent(&self) -> u8 {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let done = read(&self.load.bytes) + read(&self.replay.bytes);
        let all = read(&self.snapshot_bytes) + read(&self.replay.total_bytes);
        u8::try_from((done.min(all) * 100).checked_div(all).unwrap_or(0)).unwrap_or(100)
    }

    /// What is being done.
    pub fn doing(&self) -> &'static str {
        let log_known = self.replay.total_bytes.load(Ordering::Relaxed) > 0;
        if log_known { "replaying the log" } else { "loading the snapshot" }
    }

    /// Keys loaded from the snapshot.
    pub fn keys(&self) -> u64 {
        self.load.keys.load(Ordering::Relaxed)
    }

    /// Records replayed from the log.
    pub fn records(&self) -> u64 {
        self.replay.records.load(Ordering::Relaxed)
    }
}

/// Fills `target` with what the directory holds, on `threads` threads, and makes the directory ready for the
/// log to go on: the torn tail is cut, and files that nothing refers to are removed.
///
/// Doing it again, also after it was interrupted anywhere, recovers the same (KV-I3).
///
/// # Errors
/// [`RecoveryError`]; the target holds anything then.
pub fn recover(
    disk: &dyn Disk,
    manifest: &Manifest,
    (target, threads): (&dyn ReplayTarget, usize),
    progress: &RecoveryProgress,
) -> Result<Recovered, RecoveryError> {
    let found = read(disk, manifest, (target, threads), progress)?;
    target.finish_replay();
    cut_log(disk, &found.end)?;
    let mut manifest = manifest.clone();
    let skipped: Vec<u64> = found.skipped.iter().map(|skipped| skipped.info.id).collect();
    manifest.snapshots.retain(|info| !skipped.contains(&info.id));
    remove_orphans(disk, &manifest, &skipped)?;
    let Found { snapshot, end, .. } = found;
    let records = progress.replay.records.load(Ordering::Relaxed);
    Ok(Recovered { log_start: end.start(), snapshot, manifest, records, torn: end.torn })
}

/// What there is to recover from, as reading it finds.
#[derive(Debug)]
pub(crate) struct Found {
    /// The snapshot that was loaded.
    pub(crate) snapshot: Option<SnapshotInfo>,
    /// Newer ones that are damaged.
    pub(crate) skipped: Vec<Skipped>,
    /// Where the log ends.
    pub(crate) end: LogEnd,
}

/// The half of a recovery that changes nothing on disk: fills `target`.
///
/// # Errors
/// [`RecoveryError`].
pub(crate) fn read(
    disk: &dyn Disk,
    manifest: &Manifest,
    (target, threads): (&dyn ReplayTarget, usize),
    progress: &RecoveryProgress,
) -> Result<Found, RecoveryError> {
    let newest = manifest.snapshots.first();
    progress.snapshot_bytes.store(newest.map_or(0, |info| info.bytes), Ordering::Relaxed);
    let first_segment = Some(manifest.first_segment);
    let log_first = log_first_lsn(disk, first_segment)?;
    let restored = restore(disk, manifest, log_first, (target, threads), &progress.load)?;
    let (snapshot, starts) = match &restored.snapshot {
        None => (None, Vec::new()),
        Some((info, footer)) => (Some(*info), footer.positions()),
    };
    let needs = LogNeeds {
        first_segment,
        log_start: snapshot.map_or(Lsn::ZERO, |info| info.log_start),
        log_end: newest.map_or(Lsn::ZERO, |info| info.log_end),
    };
    let replay = LogReplay { disk, needs, starts: &starts, threads };
    let end = replay.run(target, &progress.replay)?;
    Ok(Found { snapshot, skipped: restored.skipped, end })
}

/// Removes segments and snapshots that a crash kept from being removed. Damaged snapshots stay, for whoever
/// wants to look at them.
fn remove_orphans(disk: &dyn Disk, manifest: &Manifest, kept: &[u64]) -> Result<(), LogError> {
    let failed = |action: &'static str, file: &str, source| {
        let (directory, file) = (disk.describe(), file.to_owned());
        LogError::Io { directory, file, action, source }
    };
    let named = |id: u64| kept.contains(&id) || manifest.snapshots.iter().any(|info| info.id == id);
    for name in disk.list().map_err(|source| failed("list", "", source))? {
        let orphaned = parse_segment(&name).is_some_and(|id| id < manifest.first_segment)
            || parse_snapshot(&name).is_some_and(|id| !named(id));
        if orphaned {
            disk.remove(&name).map_err(|source| failed("remove", &name, source))?;
        }
    }
    Ok(())
}

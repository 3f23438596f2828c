//! One snapshot after the other: written, named by the manifest, and what it replaces removed.
//!
//! The order makes a crash between any two steps harmless:
//! 1. The snapshot is written; nothing names it yet.
//! 2. A manifest is stored that names it, fewer old ones, and a later first segment.
//! 3. Only when that is durable, the files that it does not name are removed.
//!
//! So the manifest on disk never names what is gone; what it does not name is removed by the next round.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kv_core::UnixMillis;
use parking_lot::Mutex;

use super::schedule::{Schedule, Trigger};
use super::stats::{LastSnapshot, SnapshotStats};
use super::{SnapshotParts, SnapshotReport, SnapshotSettings};
use crate::format::names::{parse_snapshot, snapshot_name};
use crate::manifest::{MANIFEST_SNAPSHOTS_MAX, Manifest, SnapshotInfo};
use crate::snapshot::{Pace, SnapshotError, SnapshotJob, SnapshotMeter};

/// Takes snapshots of one store, and keeps its manifest.
#[derive(Debug)]
pub struct SnapshotKeeper {
    parts: SnapshotParts,
    settings: SnapshotSettings,
    /// The one that is durable, as far as is known.
    manifest: Manifest,
    /// Grows with every attempt: what a failed one may have left is never taken for another.
    last_sequence: u64,
    last_id: u64,
    schedule: Schedule,
    board: Arc<Board>,
}

/// What others may look at while a snapshot is taken.
#[derive(Debug, Default)]
pub(super) struct Board {
    meter: SnapshotMeter,
    is_running: AtomicBool,
    /// Without what the meter tells.
    stats: Mutex<SnapshotStats>,
    buffer_bytes: u64,
}

impl Board {
    pub(super) fn stats(&self) -> SnapshotStats {
        let mut stats = self.stats.lock().clone();
        if self.is_running.load(Ordering::Relaxed) {
            stats.running_percent = Some(self.meter.percent());
            stats.buffer_bytes = self.buffer_bytes;
        }
        stats
    }
}

impl SnapshotKeeper {
    /// Keeps the manifest that was recovered from, which is the one on disk.
    ///
    /// `log_bytes_pending` are the bytes of log that were replayed: they count as grown since the last
    /// snapshot, so that a server that restarts often takes snapshots all the same.
    pub fn new(
        parts: SnapshotParts,
        settings: SnapshotSettings,
        manifest: Manifest,
        log_bytes_pending: u64,
    ) -> Self {
        let bytes_then = parts.log.bytes_written().wrapping_sub(log_bytes_pending);
        let schedule = Schedule::new(&settings, parts.clock.now(), bytes_then);
        let named = manifest.snapshots.iter().map(|snapshot| snapshot.id);
        let found = parts.disk.list().unwrap_or_default();
        let found = found.iter().filter_map(|name| parse_snapshot(name));
        let last_id = named.chain(found).max().unwrap_or_default();
        let buffer_bytes = settings.options.clamped().buffer_bytes as u64;
        let board = Arc::new(Board { buffer_bytes, ..Board::default() });
        let last_sequence = manifest.sequence;
        Self { parts, settings, manifest, last_sequence, last_id, schedule, board }
    }

    /// The manifest on disk, as far as is known.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Figures.
    pub fn stats(&self) -> SnapshotStats {
        self.board.stats()
    }

    pub(super) fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board)
    }

    /// Takes them in this interval from now on; zero for never.
    pub fn set_interval(&mut self, interval: Duration) {
        self.schedule.set_interval(interval);
    }

    /// Why a snapshot is due, if it is.
    pub fn due(&self) -> Option<Trigger> {
        self.schedule.due(self.parts.clock.now(), self.parts.log.bytes_written())
    }

    /// Whether anything was written since the last snapshot was begun.
    pub fn has_news(&self) -> bool {
        self.schedule.has_news(self.parts.log.bytes_written())
    }

    /// Takes a snapshot now. When this returns, it is on stable storage and the manifest names it.
    ///
    /// # Errors
    /// [`SnapshotError`]; then everything that could be recovered from before still can.
    pub fn take(
        &mut self,
        trigger: Trigger,
        pace: &dyn Pace,
    ) -> Result<SnapshotReport, SnapshotError> {
        let (began, bytes_then) = (self.parts.clock.now(), self.parts.log.bytes_written());
        tracing::debug!(?trigger, "a snapshot is begun");
        self.board.is_running.store(true, Ordering::Relaxed);
        let outcome = self.write_and_name(pace);
        self.board.is_running.store(false, Ordering::Relaxed);
        let now = self.parts.clock.now();
        match outcome {
            Ok(info) => {
                self.let_go();
                self.schedule.succeeded(began, bytes_then);
                let duration = Duration::from_millis(now.millis_since(began));
                Ok(self.note_success(info, began, duration))
            }
            Err(error) => {
                if !matches!(error, SnapshotError::Stopped) {
                    self.schedule.failed(now);
                    self.note_failure(&error);
                }
                Err(error)
            }
        }
    }

    /// The first two steps.
    fn write_and_name(&mut self, pace: &dyn Pace) -> Result<SnapshotInfo, SnapshotError> {
        self.last_id += 1;
        let parts = &self.parts;
        let job = SnapshotJob {
            source: &*parts.source,
            progress: &*parts.progress,
            disk: &*parts.disk,
            clock: &*parts.clock,
            pace,
            options: self.settings.options,
            meter: &self.board.meter,
        };
        let info = job.write(self.last_id)?;
        self.last_sequence += 1;
        let next = self.manifest_with(info);
        if let Err(error) = next.store(&*self.parts.disk) {
            if !error.may_have_happened {
                self.remove(&snapshot_name(info.id));
            }
            return Err(error.into());
        }
        self.manifest = next;
        Ok(info)
    }

    /// The manifest that names a new snapshot, and of the others as many as are to be kept.
    fn manifest_with(&self, info: SnapshotInfo) -> Manifest {
        let mut next = self.manifest.clone();
        next.sequence = self.last_sequence;
        next.snapshots.insert(0, info);
        next.snapshots.truncate(self.settings.kept.clamp(1, MANIFEST_SNAPSHOTS_MAX));
        let oldest = next.snapshots.iter().map(|snapshot| snapshot.log_start).min();
        let needed = self.parts.log.first_needed(oldest.unwrap_or_default());
        next.first_segment = next.first_segment.max(needed);
        next
    }

    /// The third step: what the manifest does not name goes. What cannot be removed takes space and does no
    /// harm; the next round tries again.
    fn let_go(&self) {
        match self.parts.disk.list() {
            Ok(names) => {
                let is_named = |id| self.manifest.snapshots.iter().any(|named| named.id == id);
                for name in names {
                    if parse_snapshot(&name).is_some_and(|id| !is_named(id)) {
                        self.remove(&name);
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "old snapshots were not looked for"),
        }
        let first_segment = self.manifest.first_segment;
        if let Err(error) = self.parts.log.trim(first_segment) {
            tracing::warn!(%error, first_segment, "old log segments were not removed; they take space");
        }
    }

    fn remove(&self, name: &str) {
        if let Err(error) = self.parts.disk.remove(name) {
            tracing::warn!(file = name, %error, "a snapshot that nothing needs was not removed");
        }
    }

    fn note_success(
        &self,
        info: SnapshotInfo,
        began: UnixMillis,
        duration: Duration,
    ) -> SnapshotReport {
        let SnapshotInfo { id, keys, bytes, .. } = info;
        tracing::info!(id, keys, bytes, ?duration, "a snapshot was taken");
        let mut stats = self.board.stats.lock();
        stats.last = Some(LastSnapshot { id, began, duration, keys, bytes });
        stats.taken += 1;
        stats.last_error = None;
        SnapshotReport { info, duration }
    }

    fn note_failure(&self, error: &SnapshotError) {
        tracing::error!(
            %error,
            "no snapshot was taken; nothing is lost, but the log grows until one succeeds"
        );
        let mut stats = self.board.stats.lock();
        stats.failures += 1;
        stats.last_error = Some(error.to_string());
    }
}

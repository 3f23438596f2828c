//! The store that is kept on disk: opened, recovered, snapshotted and stopped.

use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use kv_core::{Clock as _, Durability, Journal, Progress as _, SnapshotSource, UnixMillis};
use kv_persist::disk::{Disk, OsDisk};
use kv_persist::manifest::{Manifest, SnapshotInfo};
use kv_persist::recovery::{self, Recovered, RecoveryProgress};
use kv_persist::snapshot::{SnapshotFile, SnapshotOptions};
use kv_persist::snapshotter::{
    LogTrim, RequestError, SnapshotKeeper, SnapshotParts, SnapshotRequest, SnapshotSettings,
    Snapshotter,
};
use kv_persist::{FileJournal, LogOptions, LogThreads};
use kv_server::{
    Config, FsyncMode, LastSnapshot, LatestSync, PersistSection, Persistence, PersistenceStats,
    Readiness, Size, SnapshotError, SnapshotTaken, Span, SystemClock,
};
use tracing::{info, warn};

use super::loading::Loading;
use super::run::{Engine, engine};
use super::small_pages::SmallPages;

/// The store and the files that keep it.
pub(super) struct Durable {
    disk: Arc<dyn Disk>,
    journal: Arc<FileJournal>,
    store: Arc<Engine>,
    /// As it was found at the start.
    manifest: Manifest,
    /// Once everything is loaded.
    loaded: OnceLock<Loaded>,
}

/// What is known once everything is loaded.
struct Loaded {
    snapshotter: Snapshotter,
    found: Option<LastSnapshot>,
    torn_tail_bytes: u64,
}

/// What runs until the server stops.
pub(super) struct Running {
    log: LogThreads,
}

impl Durable {
    /// Opens the data directory; reads nothing but its manifest. `fresh_seed` is for a new one.
    pub(super) fn open(
        config: &Config,
        clock: &Arc<SystemClock>,
        fresh_seed: u64,
    ) -> anyhow::Result<Self> {
        let path = config.data_dir.path();
        let cannot_open = || format!("data directory {} cannot be opened", path.display());
        let always = config.persist.fsync == FsyncMode::Always;
        let disk = OsDisk::open(path).with_context(cannot_open)?.prewriting(always);
        let disk: Arc<dyn Disk> = Arc::new(disk);
        let manifest = recovery::open(&*disk, fresh_seed, clock.now())?;
        let options = log_options(&config.persist, fresh_seed);
        let journal = Arc::new(FileJournal::new(Arc::clone(&disk), options));
        let as_journal = Arc::clone(&journal) as Arc<dyn Journal>;
        let store = engine(config, manifest.hash_seed, as_journal, clock)?;
        Ok(Self { disk, journal, store, manifest, loaded: OnceLock::new() })
    }

    /// The store. It takes writes once it was started.
    pub(super) fn store(&self) -> &Arc<Engine> {
        &self.store
    }

    /// Loads everything that was kept, and lets log and snapshots go on.
    pub(super) fn start(
        &self,
        config: &Config,
        clock: &Arc<SystemClock>,
        readiness: &Readiness,
    ) -> anyhow::Result<Running> {
        let recovered = self.recover(readiness)?;
        let log_clock = Arc::clone(clock) as Arc<dyn kv_core::Clock>;
        let log = LogThreads::start(Arc::clone(&self.journal), log_clock, &recovered.log_start)
            .context("the log cannot be begun")?;
        if !self.store.evict_to_limit() {
            warn!(
                "what was loaded takes more than engine.memory_limit, and nothing can be evicted"
            );
        }
        let found = recovered.snapshot.map(|info| self.found(&info));
        let torn_tail_bytes = recovered.torn.as_ref().map_or(0, |torn| torn.bytes);
        let snapshotter = self.start_snapshots(config, clock, recovered)?;
        let loaded = Loaded { snapshotter, found, torn_tail_bytes };
        self.loaded.set(loaded).map_err(|_loaded| anyhow!("a store is started once"))?;
        Ok(Running { log })
    }

    fn recover(&self, readiness: &Readiness) -> anyhow::Result<Recovered> {
        let progress = Arc::new(RecoveryProgress::default());
        let showing = Loading::show(Arc::clone(&progress), readiness.clone())?;
        let threads = available_parallelism().map_or(1, usize::from);
        let small_pages = SmallPages::only();
        let recovered =
            recovery::recover(&*self.disk, &self.manifest, (&*self.store, threads), &progress);
        drop(small_pages);
        drop(showing);
        let recovered = recovered?;
        if let Some(torn) = &recovered.torn {
            warn!(
                file = torn.file,
                offset = torn.offset,
                bytes = torn.bytes,
                "a torn tail was cut off the log: writes that a crash interrupted"
            );
        }
        info!(
            keys = self.store.keys(),
            snapshot = recovered.snapshot.map_or(0, |info| info.id),
            log_records = recovered.records,
            "loaded"
        );
        Ok(recovered)
    }

    /// What is known of a snapshot that an earlier process took.
    fn found(&self, info: &SnapshotInfo) -> LastSnapshot {
        // It was read a moment ago; if it is gone now, only its age is not known.
        let file = SnapshotFile::open(&*self.disk, info.id).ok();
        let taken_at_ms = file.map_or(0, |file| file.header().created.get());
        LastSnapshot { taken_at_ms, keys: info.keys, bytes: info.bytes, duration: Duration::ZERO }
    }

    fn start_snapshots(
        &self,
        config: &Config,
        clock: &Arc<SystemClock>,
        recovered: Recovered,
    ) -> anyhow::Result<Snapshotter> {
        let parts = SnapshotParts {
            source: Arc::clone(&self.store) as Arc<dyn SnapshotSource>,
            progress: Arc::clone(&self.journal) as Arc<dyn kv_core::Progress>,
            log: Arc::clone(&self.journal) as Arc<dyn LogTrim>,
            disk: Arc::clone(&self.disk),
            clock: Arc::clone(clock) as Arc<dyn kv_core::Clock>,
        };
        let replayed = if recovered.records == 0 { 0 } else { self.journal.stats().log_bytes };
        let settings = snapshot_settings(&config.persist);
        let keeper = SnapshotKeeper::new(parts, settings, recovered.manifest, replayed);
        Snapshotter::start(keeper).context("cannot start the thread that takes snapshots")
    }

    /// Ends the log cleanly, and takes a last snapshot if wanted. Nothing may write any more.
    ///
    /// The log comes first: with it everything is safe, and the snapshot only makes the next start faster.
    pub(super) fn stop(&self, running: Running, final_snapshot: bool) -> anyhow::Result<()> {
        let closed = running.log.stop();
        if let Some(loaded) = self.loaded.get() {
            match loaded.snapshotter.stop(final_snapshot && closed.is_ok()) {
                Ok(Some(taken)) => {
                    let (id, keys, bytes) = (taken.info.id, taken.info.keys, taken.info.bytes);
                    info!(id, keys, bytes, "took a last snapshot");
                }
                Ok(None) => {}
                Err(error) if closed.is_ok() => {
                    warn!(%error, "no last snapshot: the next start replays the log");
                }
                Err(error) => warn!(%error, "no last snapshot"),
            }
        }
        closed.context("the log was not ended cleanly")
    }
}

impl Persistence for Durable {
    fn snapshot(&self) -> Result<SnapshotTaken, SnapshotError> {
        let failed = |reason: String| SnapshotError::Failed { reason };
        let loaded = self.loaded.get().ok_or_else(|| failed("data is being loaded".to_owned()))?;
        let taken = loaded.snapshotter.request().and_then(SnapshotRequest::wait);
        let taken = taken.map_err(|error| match error {
            RequestError::TooMany => SnapshotError::Running,
            RequestError::Failed(error) if error.is_disk_full() => {
                SnapshotError::DiskFull { reason: error.to_string() }
            }
            other => failed(other.to_string()),
        })?;
        let (info, duration) = (taken.info, taken.duration);
        Ok(SnapshotTaken { id: info.id, keys: info.keys, bytes: info.bytes, duration })
    }

    fn stats(&self) -> PersistenceStats {
        let log = self.journal.stats();
        let loaded = self.loaded.get();
        let snapshots = loaded.map(|loaded| loaded.snapshotter.stats()).unwrap_or_default();
        let last_snapshot = snapshots.last.map(|last| LastSnapshot {
            taken_at_ms: last.began.get(),
            keys: last.keys,
            bytes: last.bytes,
            duration: last.duration,
        });
        PersistenceStats {
            log_position: log.position,
            durable_position: self.journal.reached(Durability::Fsync),
            log_bytes: log.log_bytes,
            log_segments: log.segments,
            waiting_bytes: log.waiting_bytes,
            log_records: log.records,
            log_batches: log.batches,
            log_bytes_written: log.bytes_written,
            syncs: log.syncs,
            latest_sync: log
                .latest_sync
                .map(|sync| LatestSync { began_ms: sync.began.get(), took: sync.took }),
            unsynced_since_ms: log.unsynced_since.map(UnixMillis::get),
            disk_full: log.disk_full,
            last_snapshot: last_snapshot.or(loaded.and_then(|loaded| loaded.found)),
            snapshot_percent: snapshots.running_percent,
            snapshots: snapshots.taken,
            snapshot_failures: snapshots.failures,
            torn_tail_bytes: loaded.map_or(0, |loaded| loaded.torn_tail_bytes),
        }
    }

    fn follow(&self, settings: &PersistSection) {
        self.journal.set_fsync(fsync_mode(settings));
        if let Some(loaded) = self.loaded.get() {
            loaded.snapshotter.set_interval(snapshot_interval(settings));
        }
    }
}

fn fsync_mode(persist: &PersistSection) -> kv_persist::FsyncMode {
    match persist.fsync {
        FsyncMode::Always => kv_persist::FsyncMode::Always,
        FsyncMode::Interval => kv_persist::FsyncMode::Interval(persist.fsync_interval.get()),
        FsyncMode::Never => kv_persist::FsyncMode::Never,
    }
}

/// Zero for never.
fn snapshot_interval(persist: &PersistSection) -> Duration {
    persist.snapshot_interval.get().map_or(Duration::ZERO, Span::get)
}

fn log_options(persist: &PersistSection, seed: u64) -> LogOptions {
    LogOptions {
        fsync: fsync_mode(persist),
        segment_bytes: persist.segment_bytes.get(),
        buffer_bytes: persist.log_buffer_bytes.get(),
        reuse_bytes: persist
            .snapshot_log_bytes
            .get()
            .map_or(LogOptions::default().reuse_bytes, Size::get),
        seed,
    }
}

fn snapshot_settings(persist: &PersistSection) -> SnapshotSettings {
    SnapshotSettings {
        interval: snapshot_interval(persist),
        log_bytes: persist.snapshot_log_bytes.get().map_or(0, Size::get),
        kept: persist.snapshots_kept.as_usize(),
        options: SnapshotOptions {
            buffer_bytes: persist.snapshot_buffer_bytes.as_usize(),
            bytes_per_second: persist.snapshot_bytes_per_second.get().map_or(0, Size::get),
        },
    }
}

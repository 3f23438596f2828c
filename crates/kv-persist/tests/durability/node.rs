//! One server without a network: engine, log and snapshots over a disk that a test chooses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kv_core::testing::ManualClock;
use kv_core::{
    Clock as _, EngineConfig, Journal, Progress, ScanSpec, ShardedStore, SnapshotSource, Store,
};
use kv_persist::disk::Disk;
use kv_persist::recovery::{self, RecoveryProgress};
use kv_persist::snapshot::{SnapshotOptions, Unhurried};
use kv_persist::snapshotter::{LogTrim, SnapshotKeeper, SnapshotParts, SnapshotSettings, Trigger};
use kv_persist::{FileJournal, FsyncMode, LogOptions, LogThreads};

/// Smallest that holds a few batches, so that segments turn over all the time.
const SEGMENT_BYTES: u64 = 8 << 10;

/// Threads that recover.
const THREADS: usize = 2;

/// Value, expiry and version of a key.
pub(crate) type KeyState = (Vec<u8>, Option<u64>, u64);

/// Everything that is there.
pub(crate) type Contents = BTreeMap<Vec<u8>, KeyState>;

/// A store that is kept on a disk.
pub(crate) struct Node {
    pub(crate) store: Arc<ShardedStore<Arc<dyn Journal>, Arc<ManualClock>>>,
    pub(crate) journal: Arc<FileJournal>,
    snapshots: SnapshotKeeper,
    _log: LogThreads,
}

impl Node {
    /// Recovers what is on the disk and goes on from there. An error ends in words.
    pub(crate) fn start(
        disk: Arc<dyn Disk>,
        clock: &Arc<ManualClock>,
        fsync: FsyncMode,
        seed: u64,
    ) -> Result<Self, String> {
        let manifest =
            recovery::open(&*disk, seed, clock.now()).map_err(|error| error.to_string())?;
        let options = LogOptions {
            fsync,
            segment_bytes: SEGMENT_BYTES,
            buffer_bytes: 1 << 20,
            reuse_bytes: 2 * SEGMENT_BYTES,
            seed,
        };
        let journal = Arc::new(FileJournal::new(Arc::clone(&disk), options));
        let config =
            EngineConfig { shards: 4, seed: manifest.hash_seed, ..EngineConfig::default() };
        let as_journal = Arc::clone(&journal) as Arc<dyn Journal>;
        let store = Arc::new(ShardedStore::new(config, as_journal, Arc::clone(clock)).unwrap());
        let progress = RecoveryProgress::default();
        let recovered = recovery::recover(&*disk, &manifest, (&*store, THREADS), &progress)
            .map_err(|error| error.to_string())?;
        store.verify();
        let log_clock = Arc::clone(clock) as Arc<dyn kv_core::Clock>;
        let log = LogThreads::start(Arc::clone(&journal), log_clock, &recovered.log_start)
            .map_err(|error| error.to_string())?;
        let parts = SnapshotParts {
            source: Arc::clone(&store) as Arc<dyn SnapshotSource>,
            progress: Arc::clone(&journal) as Arc<dyn Progress>,
            log: Arc::clone(&journal) as Arc<dyn LogTrim>,
            disk,
            clock: Arc::clone(clock) as Arc<dyn kv_core::Clock>,
        };
        let settings = SnapshotSettings {
            interval: Duration::ZERO,
            log_bytes: 0,
            kept: 2,
            options: SnapshotOptions::default(),
        };
        let snapshots = SnapshotKeeper::new(parts, settings, recovered.manifest, 0);
        Ok(Self { store, journal, snapshots, _log: log })
    }

    /// Takes a snapshot; tells whether it worked.
    pub(crate) fn snapshot(&mut self) -> bool {
        self.snapshots.take(Trigger::Request, &Unhurried).is_ok()
    }

    /// Everything that is there.
    pub(crate) fn contents(&self, clock: &ManualClock) -> Contents {
        let mut contents = Contents::new();
        let mut cursor = None;
        loop {
            let spec = ScanSpec { prefix: b"", page_keys: 0, page_bytes: 0, values: true };
            let page = self.store.scan(&spec, cursor).unwrap();
            for entry in page.entries {
                let expiry = entry.ttl_ms.map(|ttl| clock.now().get() + ttl);
                let value = entry.value.unwrap().into_bytes().to_vec();
                contents.insert(entry.key.to_vec(), (value, expiry, entry.version.get()));
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return contents,
            }
        }
    }
}

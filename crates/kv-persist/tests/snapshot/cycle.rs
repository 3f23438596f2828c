//! The whole cycle with the real log: recover, write, take snapshots, crash, recover.

use std::sync::Arc;
use std::time::Duration;

use kv_core::testing::ManualClock;
use kv_core::{Durability, EngineConfig, Journal, ShardedStore};
use kv_persist::disk::mem::MemDisk;
use kv_persist::manifest::Manifest;
use kv_persist::recovery::{RecoveryProgress, open, recover};
use kv_persist::snapshot::{SnapshotOptions, Unhurried};
use kv_persist::snapshotter::{SnapshotKeeper, SnapshotParts, SnapshotSettings, Trigger};
use kv_persist::wait::block_on_reached;
use kv_persist::{FileJournal, FsyncMode, LogOptions, LogThreads};

use crate::harness::{State, set, state};

type Engine = ShardedStore<Arc<FileJournal>, Arc<ManualClock>>;

struct Server {
    store: Arc<Engine>,
    journal: Arc<FileJournal>,
    threads: LogThreads,
    keeper: SnapshotKeeper,
}

fn start(disk: &MemDisk) -> Server {
    let clock = Arc::new(ManualClock::default());
    let options = LogOptions {
        fsync: FsyncMode::Always,
        segment_bytes: 16 << 10,
        buffer_bytes: 1 << 20,
        reuse_bytes: 32 << 10,
        seed: 7,
    };
    let journal = Arc::new(FileJournal::new(Arc::new(disk.clone()), options));
    let config = EngineConfig { shards: 4, ..EngineConfig::default() };
    let store = ShardedStore::new(config, Arc::clone(&journal), Arc::clone(&clock)).unwrap();
    let store = Arc::new(store);
    let manifest = open(disk, 7, kv_core::UnixMillis::new(1)).unwrap();
    let progress = RecoveryProgress::default();
    let recovered = recover(disk, &manifest, (&*store, 2), &progress).unwrap();
    let threads =
        LogThreads::start(Arc::clone(&journal), clock.clone(), &recovered.log_start).unwrap();
    let parts = SnapshotParts {
        source: store.clone(),
        progress: journal.clone(),
        log: journal.clone(),
        disk: Arc::new(disk.clone()),
        clock,
    };
    let settings = SnapshotSettings {
        interval: Duration::ZERO,
        log_bytes: 0,
        kept: 2,
        options: SnapshotOptions::default(),
    };
    let keeper = SnapshotKeeper::new(parts, settings, recovered.manifest, 0);
    Server { store, journal, threads, keeper }
}

impl Server {
    fn snapshot(&mut self) {
        self.keeper.take(Trigger::Request, &Unhurried).unwrap();
    }

    /// Ends without a last word; tells what was there, all of it on stable storage.
    fn crash(self, disk: &MemDisk, random: &mut fastrand::Rng) -> (MemDisk, State) {
        let position = self.journal.position();
        block_on_reached(&*self.journal, position, Durability::Fsync).unwrap();
        let expected = state(&*self.store);
        let crashed = disk.crash(random);
        drop((self.threads, self.keeper));
        (crashed, expected)
    }
}

fn check(random: &mut fastrand::Rng, steps: impl Fn(&mut Server, &mut fastrand::Rng)) {
    let mut disk = MemDisk::new();
    for round in 0..4 {
        let mut server = start(&disk);
        steps(&mut server, random);
        let (crashed, expected) = server.crash(&disk, random);
        let recovered = start(&crashed);
        assert_eq!(state(&*recovered.store), expected, "round {round}");
        let (crashed, again) = recovered.crash(&crashed, random);
        assert_eq!(again, expected, "round {round}");
        disk = crashed;
    }
}

#[test]
fn a_snapshot_before_any_write_is_of_an_empty_log() {
    check(&mut fastrand::Rng::with_seed(1), |server, _| server.snapshot());
}

#[test]
fn a_snapshot_right_after_a_start_keeps_a_segment() {
    let steps = |server: &mut Server, random: &mut fastrand::Rng| {
        server.snapshot();
        set(&*server.store, &[random.u8(..)], b"value");
    };
    check(&mut fastrand::Rng::with_seed(2), steps);
    let steps = |server: &mut Server, random: &mut fastrand::Rng| {
        set(&*server.store, &[random.u8(..)], b"value");
        server.snapshot();
    };
    check(&mut fastrand::Rng::with_seed(3), steps);
}

#[test]
fn writes_and_snapshots_in_any_order_are_recovered() {
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        check(&mut random, |server, random| {
            for _ in 0..random.u32(..300) {
                match random.u8(..60) {
                    0 => server.snapshot(),
                    _ => set(&*server.store, &[random.u8(..)], &vec![7; random.usize(..1000)]),
                }
            }
            let manifest: &Manifest = server.keeper.manifest();
            assert!(manifest.snapshots.len() <= 2, "seed {seed}");
        });
    }
}

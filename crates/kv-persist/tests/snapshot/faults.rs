//! Every call of the disk fails or is the last before a crash: what was there before can be recovered.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kv_core::{EngineConfig, Journal, Lsn, ReplayTarget};
use kv_persist::disk::fault::{Fault, FaultDisk, FaultPlan, Then};
use kv_persist::disk::mem::MemDisk;
use kv_persist::disk::{Disk, SECTOR_BYTES};
use kv_persist::manifest::Manifest;
use kv_persist::snapshot::{LoadProgress, SnapshotFile, SnapshotOptions, Unhurried, restore};
use kv_persist::snapshotter::{LogTrim, SnapshotKeeper, SnapshotParts, SnapshotSettings, Trigger};

use crate::harness::{SafeLog, World, state};

/// Records in a segment.
const SEGMENT_RECORDS: u64 = 10;

const KEPT: usize = 2;

/// A log whose segments are empty files: only their names matter here.
struct FileLog {
    disk: Arc<dyn Disk>,
    /// As many bytes as records were written.
    bytes: AtomicU64,
}

fn segment(id: u64) -> String {
    format!("log-{id:016}.kvl")
}

fn segments(disk: &dyn Disk) -> Vec<u64> {
    parse_segments(&disk.list().unwrap())
}

fn parse_segments(names: &[String]) -> Vec<u64> {
    let ids = names.iter().filter_map(|name| name.strip_prefix("log-")?.strip_suffix(".kvl"));
    let mut ids: Vec<u64> = ids.map(|id| id.parse().unwrap()).collect();
    ids.sort_unstable();
    ids
}

impl LogTrim for FileLog {
    fn first_needed(&self, position: Lsn) -> u64 {
        position.get() / SEGMENT_RECORDS + 1
    }

    fn trim(&self, first: u64) -> io::Result<()> {
        let mut old = parse_segments(&self.disk.list()?).into_iter().filter(|id| *id < first);
        old.try_for_each(|id| self.disk.remove(&segment(id)))
    }

    fn bytes_written(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// A world whose log is there in name.
struct Scene {
    world: World,
    disk: Arc<FaultDisk<MemDisk>>,
    log: Arc<FileLog>,
    keeper: SnapshotKeeper,
}

impl Scene {
    fn new() -> Self {
        let world = World::new(EngineConfig { shards: 4, ..EngineConfig::default() });
        let disk = Arc::new(FaultDisk::new(world.disk.clone()));
        let log = Arc::new(FileLog { disk: disk.clone(), bytes: AtomicU64::new(0) });
        let manifest = Manifest::new(7);
        manifest.store(&*disk).unwrap();
        let settings = SnapshotSettings {
            interval: Duration::from_mins(1),
            log_bytes: 0,
            kept: KEPT,
            options: SnapshotOptions::default(),
        };
        let parts = SnapshotParts {
            source: world.store.clone(),
            progress: Arc::new(SafeLog),
            log: log.clone(),
            disk: disk.clone(),
            clock: world.clock.clone(),
        };
        let keeper = SnapshotKeeper::new(parts, settings, manifest, 0);
        Self { world, disk, log, keeper }
    }

    /// Writes some keys, and the segments that their records would be in.
    fn write(&self, round: u8) {
        for key in 0..25_u8 {
            self.world.set(&[key % 20, round % 2], &[round; 200]);
        }
        self.world.set(b"large", &vec![round; 100_000]);
        let last = self.world.journal.position().get();
        let next = segments(&self.world.disk).last().map_or(1, |newest| newest + 1);
        for id in next..=last / SEGMENT_RECORDS + 1 {
            self.world.disk.create(&segment(id)).unwrap().sync().unwrap();
        }
        self.world.disk.sync_names().unwrap();
        self.log.bytes.store(last, Ordering::Relaxed);
    }

    /// Three rounds of writes and snapshots.
    fn run(&mut self) -> Vec<bool> {
        let mut successes = Vec::new();
        for round in 0..4 {
            if self.disk.is_stopped() {
                break;
            }
            self.write(round);
            successes.push(self.keeper.take(Trigger::Request, &Unhurried).is_ok());
        }
        successes
    }

    /// Recovers from what is on a disk, and compares with the live state.
    fn check_recovery(&self, disk: &dyn Disk, what: &str) {
        let manifest = Manifest::load(disk).expect(what).expect(what);
        assert!(manifest.snapshots.len() <= KEPT, "{what}");
        let last = self.world.journal.position().get() / SEGMENT_RECORDS + 1;
        let existing = segments(disk);
        for id in manifest.first_segment..=last {
            assert!(existing.contains(&id), "{what}: segment {id} is gone");
        }
        for info in &manifest.snapshots {
            SnapshotFile::open(disk, info.id).expect(what).verify().expect(what);
        }
        let log_first = Lsn::new((manifest.first_segment - 1) * SEGMENT_RECORDS + 1);
        for skipped in 0..=manifest.snapshots.len() {
            // The older ones must do as well.
            let mut manifest = manifest.clone();
            manifest.snapshots.drain(..skipped);
            let target = self.world.empty(4);
            let progress = LoadProgress::default();
            let restored = restore(disk, &manifest, log_first, (&target, 2), &progress);
            let Ok(restored) = restored else {
                assert!(manifest.snapshots.is_empty() && log_first.get() > 1, "{what}");
                continue;
            };
            match restored.snapshot {
                Some((_, footer)) => {
                    assert!(footer.log_start.get() + 1 >= log_first.get(), "{what}");
                    self.world.replay(&footer, &target);
                }
                None => self.world.replay_all(&target),
            }
            target.finish_replay();
            assert_eq!(state(&target), self.world.state(), "{what}");
        }
    }
}

fn calls() -> u64 {
    let mut scene = Scene::new();
    let before = scene.disk.calls();
    assert_eq!(scene.run(), [true; 4]);
    scene.check_recovery(&scene.world.disk, "no fault");
    let manifest = scene.keeper.manifest();
    assert_eq!((manifest.sequence, manifest.snapshots.len()), (4, KEPT));
    assert!(manifest.first_segment > 1);
    assert_eq!(segments(&scene.world.disk)[0], manifest.first_segment);
    let names = scene.world.disk.names();
    assert_eq!(names.iter().filter(|name| name.starts_with("snapshot-")).count(), KEPT);
    scene.disk.calls() - before
}

#[test]
fn a_fault_at_any_call_costs_at_most_that_snapshot() {
    let calls = calls();
    assert!(calls > 40, "{calls}");
    for at in 1..=calls {
        for fault in [Fault::Eio, Fault::EioAfter, Fault::Enospc, Fault::ShortWrite] {
            let mut scene = Scene::new();
            let at = scene.disk.calls() + at;
            scene.disk.set_plan(Some(FaultPlan { at, fault, then: Then::Works }));
            let successes = scene.run();
            let what = format!("{fault:?} at {:?}: {successes:?}", scene.disk.failed());
            assert!(successes.iter().filter(|success| !**success).count() <= 1, "{what}");
            scene.check_recovery(&scene.world.disk, &what);
            let temps = scene.world.disk.names();
            let failures = scene.keeper.stats().failures;
            assert_eq!(failures, successes.iter().filter(|success| !**success).count() as u64);
            assert!(!temps.iter().any(|name| name.ends_with("tmp")) || failures == 1, "{what}");
            scene.check_recovery(&scene.world.disk.crash(&mut fastrand::Rng::with_seed(at)), &what);
        }
    }
}

#[test]
fn a_disk_that_stays_broken_keeps_what_was_there() {
    let calls = calls();
    for at in 1..=calls {
        for fault in [Fault::Eio, Fault::Enospc] {
            let mut scene = Scene::new();
            scene.disk.set_plan(Some(FaultPlan::from_then_on(scene.disk.calls() + at, fault)));
            scene.run();
            let what = format!("{fault:?} from {:?} on", scene.disk.failed());
            scene.check_recovery(&scene.world.disk, &what);
            for seed in 0..4 {
                let crashed = scene.world.disk.crash(&mut fastrand::Rng::with_seed(seed));
                scene.check_recovery(&crashed, &format!("{what}, crash {seed}"));
            }
        }
    }
}

#[test]
fn a_crash_at_any_call_leaves_a_directory_that_can_be_recovered() {
    let calls = calls();
    for at in 1..=calls {
        let mut scene = Scene::new();
        scene.disk.set_plan(Some(FaultPlan::stop(scene.disk.calls() + at)));
        scene.run();
        let what = format!("crash at {:?}", scene.disk.failed());
        for seed in 0..16 {
            let crashed = scene.world.disk.crash(&mut fastrand::Rng::with_seed(seed));
            scene.check_recovery(&crashed, &format!("{what}, seed {seed}"));
        }
        scene.check_recovery(&scene.world.disk.kill(), &what);
    }
}

#[test]
fn a_full_disk_gives_its_space_back() {
    let mut scene = Scene::new();
    scene.write(0);
    scene.keeper.take(Trigger::Request, &Unhurried).unwrap();
    let used = scene.world.disk.used();
    for free in 0..250 {
        scene.world.disk.set_capacity(used + free * SECTOR_BYTES as u64);
        if scene.keeper.take(Trigger::Request, &Unhurried).is_ok() {
            assert!(free > 10);
            scene.world.disk.set_capacity(u64::MAX);
            return;
        }
        assert_eq!(scene.world.disk.used(), used, "{free} sectors");
        scene.check_recovery(&scene.world.disk, "full");
    }
    panic!("a snapshot never fits");
}

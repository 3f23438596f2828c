//! The snapshot thread: requests, triggers, and the end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use kv_core::{Journal, Lsn};
use kv_persist::disk::Disk;
use kv_persist::disk::fault::{Fault, FaultDisk, FaultPlan};
use kv_persist::disk::mem::MemDisk;
use kv_persist::manifest::Manifest;
use kv_persist::snapshot::{SnapshotError, SnapshotFile, SnapshotOptions};
use kv_persist::snapshotter::{
    LogTrim, REQUESTS_MAX, RequestError, SnapshotKeeper, SnapshotParts, SnapshotSettings,
    Snapshotter,
};

use crate::harness::{SafeLog, World};

/// A log of one segment, whose bytes are its records.
struct OneSegment(Arc<kv_core::testing::MemoryJournal>);

impl LogTrim for OneSegment {
    fn first_needed(&self, _position: Lsn) -> u64 {
        1
    }

    fn trim(&self, _segment: u64) -> io::Result<()> {
        Ok(())
    }

    fn bytes_written(&self) -> u64 {
        self.0.position().get()
    }
}

const NEVER: SnapshotSettings = SnapshotSettings {
    interval: Duration::ZERO,
    log_bytes: 0,
    kept: 1,
    options: SnapshotOptions { buffer_bytes: 1 << 20, bytes_per_second: 0 },
};

fn start(world: &World, disk: Arc<dyn Disk>, settings: SnapshotSettings) -> Snapshotter {
    let parts = SnapshotParts {
        source: world.store.clone(),
        progress: Arc::new(SafeLog),
        log: Arc::new(OneSegment(Arc::clone(&world.journal))),
        disk,
        clock: world.clock.clone(),
    };
    Snapshotter::start(SnapshotKeeper::new(parts, settings, Manifest::new(1), 0)).unwrap()
}

fn start_on(world: &World, settings: SnapshotSettings) -> Snapshotter {
    start(world, Arc::new(world.disk.clone()), settings)
}

/// Waits for a condition that another thread will make true.
fn wait_for(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("{what} did not happen within ten seconds");
}

#[test]
fn an_interval_that_is_set_later_is_kept() {
    let world = World::with_shards(4);
    let snapshotter = start_on(&world, NEVER);
    world.set(b"key", b"value");
    snapshotter.set_interval(Duration::from_mins(1));
    world.clock.advance_ms(60_000);
    wait_for("a snapshot", || snapshotter.stats().taken == 1);
}

#[test]
fn a_request_gets_what_was_written_before_it() {
    let world = World::with_shards(4);
    let snapshotter = start_on(&world, NEVER);
    for round in 1..=20 {
        world.set(format!("key {round}").as_bytes(), b"value");
        let report = snapshotter.request().unwrap().wait().unwrap();
        assert_eq!((report.info.keys, report.info.id), (round, round));
        let stats = snapshotter.stats();
        assert_eq!((stats.taken, stats.failures, stats.running_percent), (round, 0, None));
        assert_eq!(stats.last.unwrap().keys, round);
    }
    let manifest = Manifest::load(&world.disk).unwrap().unwrap();
    assert_eq!(manifest.snapshots.len(), 1);
    assert_eq!(manifest.snapshots[0].id, 20);
    SnapshotFile::open(&world.disk, 20).unwrap().verify().unwrap();
}

#[test]
fn the_log_and_the_clock_trigger_snapshots() {
    let world = World::with_shards(4);
    let by_bytes = start_on(&world, SnapshotSettings { log_bytes: 10, ..NEVER });
    for key in 0..10_u8 {
        world.set(&[key], b"value");
    }
    wait_for("a snapshot by bytes", || by_bytes.stats().taken == 1);
    by_bytes.stop(false).unwrap();

    let interval = Duration::from_hours(1);
    let by_time = start_on(&world, SnapshotSettings { interval, ..NEVER });
    world.set(b"news", b"");
    assert_eq!(by_time.stats().taken, 0);
    world.clock.advance_ms(3_600_000);
    wait_for("a snapshot by time", || by_time.stats().taken == 1);
}

#[test]
fn the_stop_takes_a_last_one_if_there_is_news() {
    let world = World::with_shards(4);
    let snapshotter = start_on(&world, NEVER);
    assert_eq!(snapshotter.stop(true).unwrap(), None, "nothing was written");
    assert_eq!(snapshotter.stop(true).unwrap(), None);
    assert!(matches!(snapshotter.request(), Err(RequestError::Stopping)));

    let snapshotter = start_on(&world, NEVER);
    world.set(b"key", b"value");
    assert_eq!(snapshotter.stop(true).unwrap().unwrap().info.keys, 1);

    let snapshotter = start_on(&world, NEVER);
    world.set(b"key", b"value");
    assert_eq!(snapshotter.stop(false).unwrap(), None);
}

#[test]
fn a_throttled_snapshot_is_given_up_for_the_last_one() {
    let world = World::with_shards(4);
    let options = SnapshotOptions { bytes_per_second: 1, ..SnapshotOptions::default() };
    // The clock stands: the throttle never lets it end.
    let snapshotter = start_on(&world, SnapshotSettings { options, ..NEVER });
    for key in 0..100_u8 {
        let mut random = fastrand::Rng::with_seed(key.into());
        let value: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(100_000).collect();
        world.set(&[key], &value);
    }
    let request = snapshotter.request().unwrap();
    wait_for("the start", || snapshotter.stats().running_percent.is_some());
    assert!(snapshotter.stats().buffer_bytes > 0);
    let too_many: Vec<_> =
        std::iter::from_fn(|| snapshotter.request().ok()).take(REQUESTS_MAX * 2).collect();
    assert_eq!(too_many.len(), REQUESTS_MAX);
    assert!(matches!(snapshotter.request(), Err(RequestError::TooMany)));
    let report = snapshotter.stop(true).unwrap().unwrap();
    assert_eq!(report.info.keys, 100);
    let error = request.wait().unwrap_err();
    assert!(
        matches!(&error, RequestError::Failed(error) if matches!(**error, SnapshotError::Stopped))
    );
    for request in too_many {
        assert!(matches!(request.wait(), Err(RequestError::Stopping)));
    }
    assert_eq!(snapshotter.stats().failures, 0, "to be stopped is no failure");
}

#[test]
fn a_failure_is_told_counted_and_retried() {
    let world = World::with_shards(4);
    let disk = Arc::new(FaultDisk::<MemDisk>::new(world.disk.clone()));
    disk.set_plan(Some(FaultPlan::from_then_on(1, Fault::Enospc)));
    let settings = SnapshotSettings { log_bytes: 1, ..NEVER };
    let snapshotter = start(&world, disk.clone(), settings);
    world.set(b"key", b"value");
    wait_for("a failure", || snapshotter.stats().failures == 1);
    let error = snapshotter.request().unwrap().wait().unwrap_err();
    assert!(error.to_string().contains("creating the snapshot failed"), "{error}");
    let stats = snapshotter.stats();
    assert_eq!((stats.failures, stats.taken), (2, 0));
    assert!(stats.last_error.is_some());
    disk.set_plan(None);
    world.clock.advance_ms(10_000);
    wait_for("the retry", || snapshotter.stats().taken == 1);
    assert_eq!(snapshotter.stats().last_error, None);
}

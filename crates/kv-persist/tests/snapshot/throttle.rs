//! A snapshot is written no faster than allowed, and stops when asked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kv_core::testing::ManualClock;
use kv_persist::snapshot::{
    Pace, SnapshotError, SnapshotJob, SnapshotMeter, SnapshotOptions, StopSignal,
};

use crate::harness::{SafeLog, World};

/// Pauses that take no time but the clock's.
struct ClockPace<'a> {
    clock: &'a ManualClock,
    paused_ms: AtomicU64,
}

impl Pace for ClockPace<'_> {
    fn pause(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap();
        self.clock.advance_ms(millis);
        self.paused_ms.fetch_add(millis, Ordering::Relaxed);
    }

    fn is_stopped(&self) -> bool {
        false
    }
}

fn world() -> World {
    let world = World::with_shards(4);
    let mut random = fastrand::Rng::with_seed(5);
    for key in 0..100_u32 {
        let value: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(100_000).collect();
        world.set(&key.to_le_bytes(), &value);
    }
    world
}

#[test]
fn the_rate_holds() {
    let world = world();
    for (bytes_per_second, expected_ms) in [(0, 0), (1_000_000, 10_000), (10_000_000, 1_000)] {
        let pace = ClockPace { clock: &world.clock, paused_ms: AtomicU64::new(0) };
        let meter = SnapshotMeter::default();
        let job = SnapshotJob {
            source: &*world.store,
            progress: &SafeLog,
            disk: &world.disk,
            clock: &*world.clock,
            pace: &pace,
            options: SnapshotOptions { bytes_per_second, ..SnapshotOptions::default() },
            meter: &meter,
        };
        let info = job.write(1).unwrap();
        assert_eq!((meter.bytes(), meter.percent()), (info.bytes, 100));
        let paused_ms = pace.paused_ms.load(Ordering::Relaxed);
        assert!(paused_ms.abs_diff(expected_ms) <= expected_ms / 4, "{paused_ms} ms");
    }
}

#[test]
fn a_snapshot_that_is_stopped_leaves_nothing() {
    let world = world();
    let signal = StopSignal::default();
    signal.stop();
    let error = world.write_on(&world.disk, 1, &signal).unwrap_err();
    assert!(matches!(error, SnapshotError::Stopped), "{error}");
    assert_eq!(world.disk.names(), [""; 0]);
}

//! A snapshot taken under fire, and the journal after it, give the live state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use kv_core::eviction::PolicyKind;
use kv_core::{Action, EngineConfig, Op, ReplayTarget, SnapshotSource, Store, TtlManager};
use kv_persist::snapshot::{Pace, SnapshotFile};

use crate::harness::{World, act, load, set, state};

/// Lets the writers run at each write of the snapshot.
#[derive(Default)]
struct Polite {
    writes: AtomicU64,
    asked: AtomicU64,
}

impl Pace for Polite {
    fn pause(&self, _duration: Duration) {}

    fn is_stopped(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let before = self.writes.load(Ordering::Relaxed);
        while self.writes.load(Ordering::Relaxed) < before + 50 {
            std::thread::yield_now();
        }
        false
    }
}

/// Tells during how many of the snapshots something was written.
fn check_under_fire(config: EngineConfig, seed: u64) -> usize {
    let world = World::new(config);
    let mut random = fastrand::Rng::with_seed(seed);
    let keys = [50, 2000][random.usize(..2)];
    for _ in 0..keys {
        act(&world.store, &world.clock, &mut random, keys);
    }
    let pace = Polite::default();
    let done = AtomicBool::new(false);
    let infos = std::thread::scope(|scope| {
        for writer in 0..2 {
            let (world, pace, done) = (&world, &pace, &done);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed ^ (writer + 1) << 32);
                let mut ttl = TtlManager::new(Arc::clone(&world.store));
                while !done.load(Ordering::Relaxed) {
                    act(&world.store, &world.clock, &mut random, keys);
                    if random.u8(..) == 0 {
                        ttl.tick();
                    }
                    pace.writes.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let infos: Vec<_> =
            (1..=3).map(|id| world.write_on(&world.disk, id, &pace).unwrap()).collect();
        done.store(true, Ordering::Relaxed);
        infos
    });
    let expected = world.state();
    for info in &infos {
        for shards in [1, 16] {
            let recovered = world.recover(info.id, shards);
            assert_eq!(state(&recovered), expected, "seed {seed}, snapshot {}", info.id);
        }
        let file = SnapshotFile::open(&world.disk, info.id).unwrap();
        assert_eq!(file.bytes(), info.bytes);
        assert_eq!((file.footer().keys, file.footer().log_end), (info.keys, info.log_end));
    }
    infos.iter().filter(|info| info.log_end > info.log_start).count()
}

#[test]
fn snapshot_and_journal_give_the_live_state() {
    let mut under_fire = 0;
    for (seed, shards) in (0..8).zip([1, 2, 16, 64].into_iter().cycle()) {
        let config = EngineConfig { shards, seed, ..EngineConfig::default() };
        under_fire += check_under_fire(config, seed);
    }
    assert!(under_fire >= 12, "only during {under_fire} of 24 snapshots was anything written");
}

#[test]
fn so_they_do_while_keys_are_evicted() {
    let mut under_fire = 0;
    for (seed, eviction_policy) in (100..104).zip([PolicyKind::Lru, PolicyKind::Random].repeat(2)) {
        let (shards, memory_limit) = (4, 1 << 20);
        let config =
            EngineConfig { shards, memory_limit, eviction_policy, ..EngineConfig::default() };
        under_fire += check_under_fire(EngineConfig { seed, ..config }, seed);
    }
    assert!(under_fire >= 6, "only during {under_fire} of 12 snapshots was anything written");
}

#[test]
fn an_empty_store_makes_an_empty_snapshot() {
    let world = World::with_shards(8);
    let info = world.write(1);
    assert_eq!(info.keys, 0);
    let target = world.empty(8);
    let footer = load(&world.disk, 1, &target);
    assert_eq!((footer.blocks, footer.raw_bytes, target.keys()), (0, 0, 0));
}

#[test]
fn values_and_keys_of_every_size_come_back() {
    let config = EngineConfig { shards: 2, ..EngineConfig::default() };
    let mut config = config;
    config.limits.key_bytes_max = 1 << 20;
    let world = World::new(config);
    let mut random = fastrand::Rng::with_seed(1);
    let edges = [0, 1, 127, 128, 16 << 10, 64 << 10, 1 << 20, 3 << 20];
    for edge in edges {
        for size in [edge.max(1) - 1, edge, edge + 1] {
            let value: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(size).collect();
            world.set(format!("random {size}").as_bytes(), &value);
            world.set(format!("zeros {size}").as_bytes(), &vec![0; size]);
            if (1..=1 << 20).contains(&size) {
                world.set(&value, b"");
                world.set(&vec![b'k'; size], &vec![b'v'; 20_000]);
            }
        }
    }
    let info = world.write(1);
    let target = world.empty(4);
    load(&world.disk, 1, &target);
    assert_eq!(state(&target), world.state());
    assert_eq!(info.keys, world.store.keys());
}

#[test]
fn what_compresses_is_compressed() {
    let world = World::with_shards(4);
    for key in 0..20_000_u32 {
        world.set(&key.to_be_bytes(), br#"{"name": "a value like many others", "tags": []}"#);
    }
    let info = world.write(1);
    let raw = SnapshotFile::open(&world.disk, 1).unwrap().footer().raw_bytes;
    assert!(info.bytes < raw / 2, "{} bytes for {raw}", info.bytes);
    let counters = world.disk.counters();
    let blocks = u64::from(SnapshotFile::open(&world.disk, 1).unwrap().footer().blocks);
    assert!(counters.writes <= blocks + 2, "one write for each block: {counters:?}");
}

#[test]
fn versions_go_on_above_those_of_keys_deleted_before() {
    let world = World::with_shards(4);
    world.set(b"key", b"value");
    let delete = Action::Delete { return_previous: false };
    let deleted = world.store.execute(&Op::new(b"key", delete)).unwrap().version;
    world.write(1);
    // The clock stands still, as one that was set back would, and the log is gone.
    let target = world.empty(8);
    load(&world.disk, 1, &target);
    target.finish_replay();
    set(&target, b"key", b"value");
    let reply = target.execute(&Op::new(b"key", Action::Get)).unwrap();
    assert!(reply.version > deleted, "{} is not above {deleted}", reply.version);
}

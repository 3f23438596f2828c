//! Replaying a log on many threads does what applying its effects one by one does; and cutting it makes
//! what was replayed last.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kv_core::testing::{ManualClock, OwnedChange, OwnedEffect};
use kv_core::{
    Change, Clock, DeleteCause, Effect, EngineConfig, Lsn, NullJournal, Record, ReplayTarget,
    ScanSpec, ShardedStore, Store, UnixMillis, Version,
};
use kv_persist::disk::fault::{Fault, FaultDisk, FaultPlan};
use kv_persist::disk::mem::MemDisk;
use kv_persist::disk::{Disk, DiskFile};
use kv_persist::recovery::{LogReplay, ReplayProgress, cut_log, log_first_lsn};
use kv_persist::testing::{BuiltLog, LogBuilder, read_log};
use kv_persist::{FileJournal, FsyncMode, LogError, LogNeeds, LogOptions, LogThreads};
use proptest::prelude::*;

const NEEDS: LogNeeds =
    LogNeeds { first_segment: Some(1), log_start: Lsn::ZERO, log_end: Lsn::ZERO };

/// Shards that the effects name.
const SHARDS: u32 = 4;

type Engine = ShardedStore<NullJournal, Arc<ManualClock>>;
/// By key: first byte and length of the value, version, and when the key ends.
type State = BTreeMap<Vec<u8>, (Option<u8>, usize, Version, Option<u64>)>;

fn engine() -> Engine {
    let config = EngineConfig { shards: 8, ..EngineConfig::default() };
    ShardedStore::new(config, NullJournal, Arc::new(ManualClock::default())).unwrap()
}

fn state(store: &Engine) -> State {
    let spec = ScanSpec { prefix: b"", page_keys: 10_000, page_bytes: 1 << 24, values: true };
    let page = store.scan(&spec, None).unwrap();
    assert!(page.next.is_none());
    let now = ManualClock::default().now();
    let entries = page.entries.into_iter();
    entries
        .map(|entry| {
            let value = entry.value.unwrap().into_bytes();
            let expiry = entry.ttl_ms.map(|ttl_ms| now.get() + ttl_ms);
            (entry.key.to_vec(), (value.first().copied(), value.len(), entry.version, expiry))
        })
        .collect()
}

fn shard_of(key: &[u8]) -> u32 {
    u32::from(key[0]) % SHARDS
}

/// Effects on few keys, so that most have many.
fn random_effect(rng: &mut fastrand::Rng, version: u64) -> OwnedEffect {
    let key = vec![rng.u8(..24)];
    let expiry = rng.bool().then(|| UnixMillis::new(1 << 47 | rng.u64(..1000)));
    let change = match rng.u8(..10) {
        0..6 => OwnedChange::Put { value: vec![rng.u8(..); rng.usize(..2000)], expiry },
        6..8 => OwnedChange::Touch { expiry },
        _ => OwnedChange::Delete(DeleteCause::Request),
    };
    OwnedEffect { shard: shard_of(&key), version: Version::new(version), key, change }
}

/// A log of some segments with a few hundred records; one in a hundred clears.
fn random_log(seed: u64) -> BuiltLog {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut log = LogBuilder::new();
    let mut version = 1_000;
    for _ in 0..rng.usize(1..60) {
        let records = (0..rng.usize(..20)).map(|_| {
            let mut next_version = || {
                version += 1;
                version
            };
            if rng.u8(..100) == 0 {
                let (version, key) = (Version::new(next_version()), Vec::new());
                return vec![OwnedEffect { shard: 0, version, key, change: OwnedChange::Clear }];
            }
            let effects = rng.usize(1..4);
            (0..effects).map(|_| random_effect(&mut rng, next_version())).collect()
        });
        let records: Vec<_> = records.collect();
        log.batch(&records, false);
        match rng.u8(..10) {
            0 => drop(log.segment(&[0; 100])),
            1..5 => drop(log.sync()),
            _ => (),
        }
    }
    log.finish(&[0; 1000])
}

/// The log's effects one by one.
fn applied(log: &BuiltLog) -> State {
    let store = engine();
    for (_, effects) in &log.records {
        let effects: Vec<Effect<'_>> = effects.iter().map(OwnedEffect::as_effect).collect();
        store.replay(&effects);
    }
    store.finish_replay();
    state(&store)
}

fn replay(log: &BuiltLog, target: &Engine, starts: &[Lsn], threads: usize) -> ReplayProgress {
    let progress = ReplayProgress::default();
    let log_start = starts.iter().copied().min().unwrap_or(Lsn::ZERO);
    let needs = LogNeeds { log_start, ..NEEDS };
    let replay = LogReplay { disk: &log.disk, needs, starts, threads };
    let end = replay.run(target, &progress).unwrap();
    assert_eq!(end.position.next_lsn.get(), log.records.len() as u64 + 1);
    progress
}

/// What a snapshot may hold that takes each shard at another position.
fn snapshot(log: &BuiltLog, starts: &[Lsn], target: &Engine) {
    for (shard, start) in (0..SHARDS).zip(starts) {
        let store = engine();
        for (lsn, effects) in log.records.iter().filter(|(lsn, _)| *lsn <= start.get()) {
            for effect in effects {
                assert!(*lsn > 0);
                if effect.shard == shard || effect.change == OwnedChange::Clear {
                    store.replay(&[effect.as_effect()]);
                }
            }
        }
        for (key, (first, len, version, expiry)) in state(&store) {
            let value = vec![first.unwrap_or(0); len];
            let expiry = expiry.map(UnixMillis::new);
            let change = Change::Put { value: &value, expiry };
            target.replay(&[Effect { shard, version, key: &key, change }]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn many_threads_do_what_one_does(seed: u64, threads in 1..9_usize) {
        let log = random_log(seed);
        let store = engine();
        let progress = replay(&log, &store, &[], threads);
        store.finish_replay();
        prop_assert_eq!(state(&store), applied(&log));
        let effects: usize = log.records.iter().map(|(_, effects)| effects.len()).sum();
        prop_assert_eq!(progress.effects.load(Ordering::Relaxed), effects as u64);
        prop_assert_eq!(progress.records.load(Ordering::Relaxed), log.records.len() as u64);
        let total = progress.total_bytes.load(Ordering::Relaxed);
        prop_assert_eq!(progress.bytes.load(Ordering::Relaxed), total);
    }

    #[test]
    fn twice_is_once(seed: u64, threads in 1..5_usize) {
        let log = random_log(seed);
        let store = engine();
        replay(&log, &store, &[], threads);
        let once = state(&store);
        replay(&log, &store, &[], threads);
        prop_assert_eq!(state(&store), once);
    }

    #[test]
    fn a_fuzzy_snapshot_and_the_log_after_it(seed: u64, places: [prop::sample::Index; 4]) {
        let log = random_log(seed);
        let starts = places.map(|place| Lsn::new(place.index(log.records.len() + 1) as u64));
        let store = engine();
        snapshot(&log, &starts, &store);
        replay(&log, &store, &starts, 3);
        store.finish_replay();
        prop_assert_eq!(state(&store), applied(&log));
    }
}

#[test]
fn values_larger_than_all_that_may_wait_are_replayed() {
    let mut log = LogBuilder::new();
    let put = |key: &[u8], bytes| {
        let change = OwnedChange::Put { value: vec![key[0]; bytes], expiry: None };
        OwnedEffect { shard: 0, version: Version::new(1), key: key.to_vec(), change }
    };
    log.batch(&[vec![put(b"a", 20 << 20)], vec![put(b"b", 1), put(b"c", 17 << 20)]], false);
    log.batch(&[vec![put(b"d", 3)], vec![put(b"e", 9 << 20)]], false);
    let log = log.finish(&[]);
    let store = engine();
    replay(&log, &store, &[], 2);
    assert_eq!(state_lengths(&store), [20 << 20, 1, 17 << 20, 3, 9 << 20]);
}

#[test]
fn a_key_may_change_its_shard_from_process_to_process() {
    let mut log = LogBuilder::new();
    let effect = |shard, version, key: &[u8], change| {
        vec![OwnedEffect { shard, version: Version::new(version), key: key.to_vec(), change }]
    };
    let put = || OwnedChange::Put { value: vec![1], expiry: None };
    log.batch(&[effect(3, 1, b"gone", put()), effect(0, 2, b"kept", put())], false);
    log.segment(&[]);
    let delete = OwnedChange::Delete(DeleteCause::Request);
    log.batch(&[effect(1, 3, b"gone", delete), effect(2, 4, b"kept", put())], true);
    let log = log.finish(&[]);
    for threads in 1..5 {
        let store = engine();
        replay(&log, &store, &[], threads);
        store.finish_replay();
        assert_eq!(state(&store), applied(&log), "{threads} threads");
        assert_eq!(store.stats().keys, 1);
    }
}

fn state_lengths(store: &Engine) -> Vec<usize> {
    let mut lengths = BTreeMap::new();
    let mut cursor = None;
    loop {
        let spec = ScanSpec { prefix: b"", page_keys: 10, page_bytes: 1 << 30, values: true };
        let page = store.scan(&spec, cursor).unwrap();
        let of = |entry: kv_core::ScanEntry| (entry.key.to_vec(), entry.value.unwrap().len());
        lengths.extend(page.entries.into_iter().map(of));
        cursor = page.next;
        if cursor.is_none() {
            return lengths.into_values().collect();
        }
    }
}

#[test]
fn the_first_position_is_known_before_the_log_is_read() {
    let log = random_log(7);
    let second = log.batches.iter().find(|batch| batch.file.ends_with("2.kvl")).unwrap();
    let before = log.batches.iter().rfind(|batch| batch.sequence < second.sequence).unwrap();
    assert_eq!(log_first_lsn(&log.disk, Some(1)).unwrap(), Lsn::new(1));
    assert_eq!(log_first_lsn(&log.disk, Some(2)).unwrap(), Lsn::new(before.next_lsn));
    assert_eq!(log_first_lsn(&MemDisk::new(), None).unwrap(), Lsn::new(1));
    assert!(log_first_lsn(&MemDisk::new(), Some(1)).is_err());
    // Records before the second segment are needed, and not there.
    let log_start = Lsn::new(before.next_lsn - 2);
    let needs = LogNeeds { first_segment: Some(2), log_start, ..NEEDS };
    let text = read_log(&log.disk, needs).1.unwrap_err().to_string();
    assert!(text.contains("begins at or before position"), "{text}");
    let needs = LogNeeds { log_start: Lsn::new(before.next_lsn - 1), ..needs };
    assert!(read_log(&log.disk, needs).1.is_ok());
}

/// The second segment of one log behind the first, longer one of another.
#[test]
fn a_segment_that_begins_before_the_end_of_the_one_before_it_is_damage() {
    let mut rng = fastrand::Rng::with_seed(5);
    let mut batch = |log: &mut LogBuilder| {
        log.batch(&[vec![random_effect(&mut rng, 1)]], false);
    };
    let (mut longer, mut shorter) = (LogBuilder::new(), LogBuilder::new());
    for log in [&mut longer, &mut shorter] {
        batch(log);
        batch(log);
    }
    batch(&mut longer);
    let longer = longer.finish(&[]);
    shorter.segment(&[]);
    batch(&mut shorter);
    let shorter = shorter.finish(&[]);
    let second = &shorter.batches[2].file;
    longer.disk.put(second, &shorter.disk.read(second).unwrap()).unwrap();

    let (records, end) = read_log(&longer.disk, NEEDS);
    assert_eq!(records, longer.records);
    let Err(LogError::Damage(damage)) = end else { panic!("{end:?}") };
    assert_eq!((&damage.file, damage.offset), (second, 0));
    let found = "batch 3 with position 3";
    assert!(damage.expected.contains("batch 4 with position 4") && damage.found == found);
}

/// A log whose last two batches were written and not synced.
fn unsynced_log() -> (BuiltLog, MemDisk, Arc<dyn DiskFile>) {
    let mut log = LogBuilder::new();
    let mut rng = fastrand::Rng::with_seed(3);
    for version in 1..5 {
        log.batch(&[vec![random_effect(&mut rng, version)]], false);
        if version <= 2 {
            log.sync();
        }
    }
    let log = log.finish(&[]);
    let (file, synced) = (&log.batches[1].file, log.batches[1].range.end);
    let bytes = log.disk.read(file).unwrap();
    let disk = MemDisk::new();
    disk.put(file, &bytes[..synced]).unwrap();
    let open = disk.open(file).unwrap();
    open.write_at(synced as u64, &bytes[synced..]).unwrap();
    (log, disk, open)
}

#[test]
fn after_the_cut_all_that_was_replayed_survives_a_crash() {
    for failed_sync in [false, true] {
        for seed in 0..50 {
            let (log, disk, _open) = unsynced_log();
            if failed_sync {
                let plan = FaultPlan::once(1, Fault::Eio);
                let failing = FaultDisk::with_plan(disk.clone(), plan);
                let file = failing.open(&log.batches[0].file).unwrap();
                assert!(file.sync().is_err());
            }
            let disk = disk.kill();
            let (records, end) = read_log(&disk, NEEDS);
            assert_eq!(records, log.records);
            cut_log(&disk, &end.unwrap()).unwrap();
            let disk = disk.crash(&mut fastrand::Rng::with_seed(seed));
            assert_eq!(read_log(&disk, NEEDS).0, log.records, "seed {seed}, {failed_sync}");
        }
    }
}

#[test]
fn cutting_twice_is_cutting_once() {
    let log = random_log(11);
    let last = log.batches.last().unwrap();
    let size = log.disk.size(&last.file).unwrap();
    log.disk.overwrite(&last.file, last.range.end as u64 - 1, b"\xff").unwrap();
    log.disk.overwrite(&last.file, last.range.start as u64 + 50, b"\xff").unwrap();
    let (records, end) = read_log(&log.disk, NEEDS);
    let end = end.unwrap();
    let torn = end.torn.clone().unwrap();
    assert_eq!(torn.file, last.file);
    assert_eq!(
        torn.offset..torn.offset + torn.bytes,
        last.range.start as u64..last.range.end as u64
    );
    for _ in 0..2 {
        cut_log(&log.disk, &end).unwrap();
        assert_eq!(log.disk.size(&last.file).unwrap(), last.range.start as u64);
        assert!(last.range.start as u64 + 1000 < size);
        let (again, end_again) = read_log(&log.disk, NEEDS);
        let end_again = end_again.unwrap();
        assert_eq!((again, end_again.position), (records.clone(), end.position));
        assert_eq!(end_again.torn, None);
    }
}

#[test]
fn the_log_goes_on_where_it_was_cut() {
    let log = random_log(11);
    let last = log.batches.last().unwrap();
    log.disk.overwrite(&last.file, last.range.end as u64 - 1, b"\xff").unwrap();
    let (mut expected, end) = read_log(&log.disk, NEEDS);
    let mut end = end.unwrap();
    for round in 0..3 {
        cut_log(&log.disk, &end).unwrap();
        let options = LogOptions {
            fsync: FsyncMode::Always,
            segment_bytes: 64 << 10,
            buffer_bytes: 1 << 20,
            reuse_bytes: 128 << 10,
            seed: round,
        };
        let journal = Arc::new(FileJournal::new(Arc::new(log.disk.clone()), options));
        let clock = Arc::new(ManualClock::default());
        let threads = LogThreads::start(Arc::clone(&journal), clock, &end.start()).unwrap();
        let mut rng = fastrand::Rng::with_seed(round);
        for version in 0..100 {
            let effect = random_effect(&mut rng, version);
            let record = Record { group: 0, effects: &[effect.as_effect()] };
            let lsn = kv_core::Journal::append(&*journal, &record).unwrap();
            expected.push((lsn.get(), vec![effect]));
        }
        drop(threads);
        let (records, again) = read_log(&log.disk, NEEDS);
        assert_eq!(records, expected, "round {round}");
        end = again.unwrap();
        assert!(end.segments.len() > 1);
    }
}

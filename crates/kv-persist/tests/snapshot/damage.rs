//! Damaged snapshots: refused, with where and what; never a panic, never wrong data.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicU64;

use kv_core::{Change, Effect, ReplayTarget, SetExpiry, Version};
use kv_persist::disk::Disk;
use kv_persist::disk::mem::MemDisk;
use kv_persist::snapshot::{LoadProgress, SnapshotDamage, SnapshotFile};
use parking_lot::Mutex;

use crate::harness::{World, state};

const NAME: &str = "snapshot-0000000000000001.kvs";

/// Notes what is replayed into it.
#[derive(Default)]
struct Sink {
    reserved: AtomicU64,
    values: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl ReplayTarget for Sink {
    fn reserve(&self, keys: u64) {
        self.reserved.store(keys, std::sync::atomic::Ordering::Relaxed);
    }

    fn replay(&self, effects: &[Effect<'_>]) {
        let mut values = self.values.lock();
        for effect in effects {
            let Change::Put { value, .. } = effect.change else { panic!("{effect:?}") };
            values.insert(effect.key.to_vec(), value.to_vec());
        }
    }

    fn raise_version(&self, _seen: Version) {}

    fn discard(&self) {
        self.values.lock().clear();
    }

    fn finish_replay(&self) {}
}

/// A small snapshot: plain, compressed and large blocks, an empty shard, an expiry.
fn small_world() -> World {
    let world = World::with_shards(8);
    for key in 0..40_u8 {
        world.set(&[b'k', key % 5, key], &vec![key; usize::from(key) * 3]);
    }
    let mut random = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(300).collect();
    world.set(b"noise", &noise);
    let deadline = kv_core::Deadline::after(1000).unwrap();
    let expiry = SetExpiry::Deadline(deadline);
    let set = kv_core::Action::Set { value: b"v", expiry, return_previous: false };
    kv_core::Store::execute(&*world.store, &kv_core::Op::new(b"volatile", set)).unwrap();
    world
}

fn open_and_verify(disk: &dyn Disk) -> Result<(), SnapshotDamage> {
    SnapshotFile::open(disk, 1)?.verify()
}

/// Opens, verifies and loads the bytes as a snapshot; both must refuse.
fn check_refused(bytes: &[u8], what: &str) {
    let disk = MemDisk::new();
    disk.put(NAME, bytes).unwrap();
    let Ok(file) = SnapshotFile::open(&disk, 1) else { return };
    let verified = file.verify().expect_err(what);
    let loaded = file.load(&Sink::default(), 2, &LoadProgress::default()).expect_err(what);
    assert_eq!(verified.to_string(), loaded.to_string(), "{what}");
    assert!(verified.to_string().starts_with(NAME), "{verified}");
}

fn bytes_of(world: &World) -> Vec<u8> {
    world.write(1);
    open_and_verify(&world.disk).unwrap();
    world.disk.read(NAME).unwrap()
}

#[test]
fn every_flipped_bit_is_refused() {
    let bytes = bytes_of(&small_world());
    assert!(bytes.len() < 4096, "{} bytes make this test slow", bytes.len());
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        check_refused(&flipped, &format!("bit {bit}"));
    }
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let bytes = bytes_of(&small_world());
    for len in 0..bytes.len() {
        check_refused(&bytes[..len], &format!("{len} bytes"));
    }
    for more in 1..=64 {
        check_refused(&[&bytes[..], &vec![0; more]].concat(), &format!("{more} more"));
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed.remove(at);
        check_refused(&changed, &format!("without byte {at}"));
        changed.insert(at, !bytes[at]);
        changed.insert(at, 0);
        check_refused(&changed, &format!("another byte before {at}"));
    }
}

#[test]
fn blocks_that_are_missing_twice_there_or_exchanged_are_refused() {
    let bytes = bytes_of(&small_world());
    let starts: Vec<usize> =
        (0..bytes.len() - 4).filter(|at| &bytes[*at..*at + 4] == b"kvS1").collect();
    let footer = (0..bytes.len() - 4).find(|at| &bytes[*at..*at + 4] == b"kvF1").unwrap();
    let ends = starts.iter().skip(1).copied().chain([footer]);
    let blocks: Vec<&[u8]> = starts.iter().zip(ends).map(|(at, end)| &bytes[*at..end]).collect();
    assert!(blocks.len() >= 5, "{}", blocks.len());
    let join = |blocks: &[&[u8]]| {
        let content = blocks.concat();
        let offset = (64 + content.len()) as u64;
        let mut file = [&bytes[..64], &content, &bytes[footer..]].concat();
        let end = file.len() - 16;
        file[end..end + 8].copy_from_slice(&offset.to_le_bytes());
        file
    };
    assert_eq!(join(&blocks), bytes);
    for at in 0..blocks.len() {
        let mut fewer = blocks.clone();
        let block = fewer.remove(at);
        check_refused(&join(&fewer), &format!("without block {at}"));
        for to in 0..blocks.len() {
            let mut more = blocks.clone();
            more.insert(to, block);
            check_refused(&join(&more), &format!("block {at} again at {to}"));
            let mut exchanged = blocks.clone();
            exchanged.swap(at, to);
            if to != at {
                check_refused(&join(&exchanged), &format!("blocks {at} and {to} exchanged"));
            }
        }
    }
}

#[test]
fn sectors_that_are_lost_or_misplaced_are_refused() {
    let world = small_world();
    for key in 0..200_u16 {
        world.set(&key.to_le_bytes(), &[key.to_le_bytes()[0]; 90]);
    }
    let bytes = bytes_of(&world);
    for sector in 0..bytes.len() / 512 {
        for from in 0..=bytes.len() / 512 {
            let mut changed = bytes.clone();
            let source = match bytes.get(from * 512..(from + 1) * 512) {
                Some(other) => other.to_vec(),
                None => vec![0; 512],
            };
            changed[sector * 512..(sector + 1) * 512].copy_from_slice(&source);
            if changed != bytes {
                check_refused(&changed, &format!("sector {sector} from {from}"));
            }
        }
    }
}

#[test]
fn damage_is_described() {
    let bytes = bytes_of(&small_world());
    let check = |change: &dyn Fn(&mut Vec<u8>), expected: expect_test::Expect| {
        let mut changed = bytes.clone();
        change(&mut changed);
        let disk = MemDisk::new();
        disk.put(NAME, &changed).unwrap();
        expected.assert_eq(&open_and_verify(&disk).unwrap_err().to_string());
    };
    check(
        &|bytes| bytes.truncate(10),
        expect_test::expect![
            "snapshot-0000000000000001.kvs is damaged at byte 10: it is 10 bytes long; the shortest snapshot has 152"
        ],
    );
    check(
        &|bytes| bytes[0] = b'x',
        expect_test::expect![
            "snapshot-0000000000000001.kvs is damaged at byte 0: not a snapshot: its first bytes are [78, 76, 2d, 73, 6e, 61, 70, 00], expected [6b, 76, 2d, 73, 6e, 61, 70, 00]"
        ],
    );
    check(
        &|bytes| bytes[8] = 7,
        expect_test::expect![
            "snapshot-0000000000000001.kvs has format version 7, and this server reads versions up to 1: use the server that wrote it, or a later one"
        ],
    );
    check(
        &|bytes| bytes.truncate(500),
        expect_test::expect![
            "snapshot-0000000000000001.kvs is damaged at byte 484: the file does not end as a snapshot does: [00, 03, 00, 00, 00, 05, 00, 00], expected [6b, 76, 2d, 73, 6e, 61, 70, 01]"
        ],
    );
    check(
        &|bytes| bytes[64] = 0,
        expect_test::expect![
            "snapshot-0000000000000001.kvs is damaged at byte 64: not a block: it begins with 0x31537600, expected 0x3153766b"
        ],
    );
    check(
        &|bytes| bytes[100] ^= 1,
        expect_test::expect![
            "snapshot-0000000000000001.kvs is damaged at byte 64: checksum of the block is 0xba6f860f, expected 0x0fa7eec9"
        ],
    );
    let missing = open_and_verify(&MemDisk::new()).unwrap_err();
    assert!(matches!(missing, SnapshotDamage::Read { .. }), "{missing}");
}

#[test]
fn a_snapshot_of_another_name_is_refused() {
    let bytes = bytes_of(&small_world());
    let disk = MemDisk::new();
    disk.put("snapshot-0000000000000002.kvs", &bytes).unwrap();
    let error = SnapshotFile::open(&disk, 2).unwrap_err().to_string();
    assert!(error.contains("it is snapshot 1, expected 2"), "{error}");
    SnapshotFile::open_named(&disk, "snapshot-0000000000000002.kvs").unwrap().verify().unwrap();
}

#[test]
fn entries_can_be_looked_at_and_left() {
    let world = small_world();
    world.write(1);
    let file = SnapshotFile::open(&world.disk, 1).unwrap();
    let mut seen = 0;
    file.for_each(|effect| {
        assert!(!effect.key.is_empty());
        seen += 1;
        if seen == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!(seen, 5);
    let sink = Sink::default();
    file.load(&sink, 4, &LoadProgress::default()).unwrap();
    let expected: BTreeMap<_, _> =
        state(&*world.store).into_iter().map(|(key, (_, _, value))| (key, value)).collect();
    assert_eq!(*sink.values.lock(), expected);
}

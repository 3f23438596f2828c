//! Files of format version 1, as the first release wrote them: they open for ever.

use kv_core::{Action, Deadline, Lsn, Op, SetExpiry, Store, UnixMillis, Version};
use kv_persist::disk::mem::MemDisk;
use kv_persist::manifest::Manifest;

use crate::harness::{World, load, state};

const SNAPSHOT: &[u8] = include_bytes!("../golden/snapshot-v1.kvs");
const MANIFEST: &[u8] = include_bytes!("../golden/manifest-v1");
const NAME: &str = "snapshot-0000000000000001.kvs";

/// What the files hold: a plain, a compressed and a large block, an expiry, and a deleted key.
fn world() -> World {
    let world = World::with_shards(2);
    for key in 0..8_u8 {
        world.set(&[b'k', key], &[b'v'; 100]);
    }
    world.set(b"plain", b"?");
    world.set(b"large", &vec![b'l'; 70_000]);
    world.set(b"deleted", b"");
    let delete = Action::Delete { return_previous: false };
    world.store.execute(&Op::new(b"deleted", delete)).unwrap();
    let expiry = SetExpiry::Deadline(Deadline::at(1_800_000_000_000).unwrap());
    let set = Action::Set { value: b"v", expiry, return_previous: false };
    world.store.execute(&Op::new(b"volatile", set)).unwrap();
    world
}

/// Writes the files anew when `KV_GOLDEN` is set, which only a new version needs.
#[test]
fn a_manifest_is_written_as_it_was() {
    if std::env::var_os("KV_GOLDEN").is_some() {
        let world = world();
        let snapshots = vec![world.write(1)];
        let manifest = Manifest { sequence: 5, hash_seed: 7, first_segment: 3, snapshots };
        std::fs::write("tests/golden/snapshot-v1.kvs", world.disk.read(NAME).unwrap()).unwrap();
        std::fs::write("tests/golden/manifest-v1", manifest.encode()).unwrap();
    }
    assert_eq!(Manifest::decode(MANIFEST).unwrap().encode(), MANIFEST);
}

#[test]
fn files_of_version_1_open() {
    let manifest = Manifest::decode(MANIFEST).unwrap();
    assert_eq!((manifest.sequence, manifest.hash_seed, manifest.first_segment), (5, 7, 3));
    let [info] = manifest.snapshots[..] else { panic!("{manifest:?}") };
    assert_eq!((info.id, info.log_start, info.log_end), (1, Lsn::new(13), Lsn::new(13)));
    assert_eq!((info.keys, info.bytes), (11, SNAPSHOT.len() as u64));

    let disk = MemDisk::new();
    disk.put(NAME, SNAPSHOT).unwrap();
    let world = world();
    let target = world.empty(8);
    let footer = load(&disk, 1, &target);
    // Written down: versions are given shard by shard, and to which shard a key goes may change.
    let version = |number| Version::new(1_700_000_000_000_000 + number);
    let versions = [1_u64, 2, 3, 4, 5, 6, 1, 7, 9, 8, 4].map(version);
    let mut expected = world.state();
    expected.values_mut().zip(versions).for_each(|(entry, version)| entry.0 = version);
    let found = state(&target);
    assert!(found == expected, "{:?}", found.keys());
    assert_eq!(footer.last_version, version(9));
    let (_, expiry, value) = &found[&b"volatile"[..]];
    assert_eq!((*expiry, &value[..]), (Some(UnixMillis::new(1_800_000_000_000)), &b"v"[..]));
}

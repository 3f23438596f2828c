//! Choosing a snapshot: the newest that checks out, and only if the log goes on from there.

use kv_core::{Lsn, SnapshotSource};
use kv_persist::manifest::Manifest;
use kv_persist::snapshot::{LoadProgress, RestoreError, Restored, restore};

use crate::harness::{Recovered, World, state};

/// A world with three snapshots, and writes before, between and after.
fn world() -> (World, Manifest) {
    let world = World::with_shards(4);
    let mut manifest = Manifest::new(0);
    for id in 1..=3 {
        for key in 0..id * 10 {
            world.set(&[b'k', u8::try_from(key).unwrap()], format!("value {id}").as_bytes());
        }
        manifest.snapshots.insert(0, world.write(id));
    }
    world.set(b"last", b"written");
    (world, manifest)
}

fn check(damaged: &[u64], log_first: u64) -> (World, Recovered, Result<Restored, RestoreError>) {
    let (world, manifest) = world();
    for id in damaged {
        world.disk.overwrite(&format!("snapshot-{id:016}.kvs"), 200, b"damaged").unwrap();
    }
    let target = world.empty(8);
    let progress = LoadProgress::default();
    let restored = restore(&world.disk, &manifest, Lsn::new(log_first), (&target, 2), &progress);
    (world, target, restored)
}

fn check_used(damaged: &[u64], expected: Option<u64>) {
    let (world, target, restored) = check(damaged, 1);
    let restored = restored.unwrap();
    assert_eq!(restored.snapshot.as_ref().map(|(info, _)| info.id), expected);
    assert_eq!(restored.skipped.len(), damaged.len());
    if let Some((_, footer)) = restored.snapshot {
        world.replay(&footer, &target);
    } else {
        assert_eq!(target.keys(), 0, "nothing is left of what was tried");
        world.replay_all(&target);
    }
    kv_core::ReplayTarget::finish_replay(&target);
    target.verify();
    assert_eq!(state(&target), world.state());
}

#[test]
fn the_newest_that_checks_out_is_used() {
    check_used(&[], Some(3));
    check_used(&[3], Some(2));
    check_used(&[3, 2], Some(1));
    check_used(&[3, 2, 1], None);
}

#[test]
fn a_snapshot_that_the_log_does_not_follow_is_of_no_use() {
    let (_, _, restored) = check(&[3], 32);
    let error = restored.unwrap_err();
    assert!(matches!(&error, RestoreError::NoSnapshot { skipped, .. } if skipped.len() == 1));
    assert!(error.to_string().contains("kv-server check"), "{error}");
    let (_, _, restored) = check(&[], 1000);
    assert!(matches!(restored, Err(RestoreError::LogBegins { .. })));
    let (_, _, restored) = check(&[], 61);
    assert_eq!(restored.unwrap().snapshot.unwrap().0.id, 3);
}

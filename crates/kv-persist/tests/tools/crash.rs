//! A repair that fails or is cut off at any call of the disk, and is begun anew, ends as it would have.

use kv_persist::disk::Disk;
use kv_persist::disk::fault::{Fault, FaultDisk, FaultPlan, Then};
use kv_persist::disk::mem::MemDisk;

use crate::scene::{NOW, Outcome, Scene, files, plan, recover};

/// Crashes of one kind differ in what of the unsynced survives.
const SEEDS: u64 = 6;

/// Repairs on a disk that fails as planned, and tells how many calls were made.
fn repair(disk: &MemDisk, fault: Option<FaultPlan>) -> u64 {
    let faulty = FaultDisk::new(disk.clone());
    faulty.set_plan(fault);
    let repair = plan(&faulty).unwrap();
    let done = repair.carry_out(&faulty, NOW);
    assert_eq!(done.is_err(), fault.is_some(), "{fault:?}: {done:?}");
    faulty.calls()
}

/// Repairs what an interrupted repair has left.
fn check_repaired(left: &MemDisk, before: &MemDisk, expected: &Outcome, what: &str) {
    plan(left).expect(what).carry_out(left, NOW).expect(what);
    assert!(!plan(left).expect(what).is_needed(), "{what}");
    assert_eq!(&recover(left).expect(what), expected, "{what}");
    let after = files(left);
    for (name, bytes) in files(before) {
        let is_kept = after.values().any(|kept| *kept == bytes);
        assert!(is_kept, "{what}: {name} is gone, of {:?}", after.keys());
    }
    let copies = after.keys().filter(|name| name.ends_with(".damaged")).count();
    assert!(copies <= files(before).len(), "{what}: more than one copy: {:?}", after.keys());
}

fn check_interrupted_anywhere(damaged: &MemDisk, what: &str) {
    let whole = damaged.copy();
    let calls = repair(&whole, None);
    let expected = recover(&whole).unwrap();
    assert!(calls > 0, "{what}: nothing was done");
    for at in 1..=calls {
        let what = format!("{what}, call {at} of {calls}");
        for fault in [Fault::Stop, Fault::EioAfter] {
            let disk = damaged.copy();
            repair(&disk, Some(FaultPlan { at, fault, then: Then::Stops }));
            check_repaired(&disk.kill(), damaged, &expected, &format!("{what}, killed"));
            for seed in 0..SEEDS {
                let left = disk.crash(&mut fastrand::Rng::with_seed(seed));
                let what = format!("{what}, {fault:?}, crashed with seed {seed}");
                check_repaired(&left, damaged, &expected, &what);
            }
        }
        for fault in [Fault::Eio, Fault::Enospc, Fault::ShortWrite] {
            let disk = damaged.copy();
            repair(&disk, Some(FaultPlan { at, fault, then: Then::Works }));
            check_repaired(&disk, damaged, &expected, &format!("{what}, {fault:?}"));
        }
    }
}

/// Directories with something wrong in one file, and some with more.
fn damaged_directories() -> Vec<(String, MemDisk)> {
    let mut found = Vec::new();
    for (scene_name, scene) in Scene::all() {
        for (file, good) in scene.files() {
            for at in [20, good.len() / 2, good.len().saturating_sub(70)] {
                let disk = scene.disk.copy();
                disk.overwrite(&file, at as u64, &[!good[at]]).unwrap();
                found.push((format!("{scene_name}: {file} byte {at}"), disk));
            }
            let disk = scene.disk.copy();
            disk.remove(&file).unwrap();
            disk.sync_names().unwrap();
            found.push((format!("{scene_name}: without {file}"), disk.copy()));
            for (second, good) in scene.files().into_iter().filter(|(second, _)| *second > file) {
                let disk = disk.copy();
                let at = good.len() / 3;
                disk.overwrite(&second, at as u64, &[!good[at]]).unwrap();
                found.push((format!("{scene_name}: without {file}, {second} damaged"), disk));
            }
        }
    }
    found
}

#[test]
fn interrupted_at_any_call() {
    let mut repaired = 0;
    for (what, disk) in damaged_directories() {
        if plan(&disk).unwrap().is_needed() {
            check_interrupted_anywhere(&disk, &what);
            repaired += 1;
        }
    }
    assert!(repaired > 40, "{repaired}");
}

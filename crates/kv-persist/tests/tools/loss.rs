//! What a repair gives up is as little as can be, and said exactly.

use kv_core::UnixMillis;
use kv_persist::disk::Disk;
use kv_persist::tools::{Keeps, Step};

use crate::scene::{NOW, Scene, plan, recover};

fn segment(id: u64) -> String {
    format!("log-{id:016}.kvl")
}

#[test]
fn records_behind_the_damage_are_counted() {
    let scene = Scene::log_only();
    // The second of five batches in three segments: the record at position 4.
    let name = segment(1);
    let bytes = scene.disk.read(&name).unwrap();
    let headers: Vec<usize> =
        (0..bytes.len() - 4).filter(|at| &bytes[*at..*at + 4] == b"kvB1").collect();
    scene.disk.overwrite(&name, headers[1] as u64 + 60, b"!").unwrap();
    let repair = plan(&scene.disk).unwrap();
    assert_eq!(repair.keeps(), Some(Keeps::Log { snapshot: None, last_position: 3 }));
    let loss = repair.loss().unwrap();
    assert_eq!((loss.first_position, loss.last_position), (4, scene.last_position()));
    assert_eq!(loss.readable, scene.last_position() - 4, "all but the damaged one");
    let mut keys: Vec<_> = scene.records[4..].iter().flatten().map(|effect| &effect.key).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| !key.is_empty());
    assert_eq!(loss.keys, keys.len());
    assert_eq!(loss.since, Some(UnixMillis::new(1_700_000_000_000)));
    assert_eq!(loss.until, loss.since);
    let expected = [
        format!("copy {name} to {name}.damaged"),
        format!("cut {} bytes off {name}, from byte {} on", bytes.len() - headers[1], headers[1]),
        format!("rename {0} to {0}.damaged", segment(2)),
        format!("rename {0} to {0}.damaged", segment(3)),
    ];
    assert_eq!(repair.steps().iter().map(Step::to_string).collect::<Vec<_>>(), expected);
    repair.carry_out(&scene.disk, NOW).unwrap();
    assert_eq!(recover(&scene.disk).unwrap().last_position, 3);
}

#[test]
fn after_a_clean_stop_the_last_snapshot_is_enough() {
    let scene = Scene::stopped();
    for (name, bytes) in scene.files() {
        if !name.starts_with("log-") {
            continue;
        }
        for at in [0, 20, 70, 100] {
            let disk = scene.disk.copy();
            disk.overwrite(&name, at, &[!bytes[usize::try_from(at).unwrap()]]).unwrap();
            let repair = plan(&disk).unwrap();
            assert_eq!(repair.loss(), None, "{name} byte {at}");
            repair.carry_out(&disk, NOW).unwrap();
            let outcome = recover(&disk).unwrap();
            assert_eq!(outcome.last_position, scene.last_position(), "{name} byte {at}");
            scene.check_outcome(&outcome, &name);
        }
    }
}

#[test]
fn damage_before_what_the_newest_snapshot_needs_costs_nothing() {
    let scene = Scene::serving();
    scene.disk.overwrite(&segment(2), 100, b"!").unwrap();
    assert!(recover(&scene.disk).is_err());
    let repair = plan(&scene.disk).unwrap();
    assert_eq!(repair.loss(), None);
    assert!(
        matches!(repair.keeps(), Some(Keeps::Log { snapshot: Some(info), .. }) if info.id == 2)
    );
    repair.carry_out(&scene.disk, NOW).unwrap();
    assert_eq!(recover(&scene.disk).unwrap().last_position, scene.last_position());
}

#[test]
fn a_damaged_snapshot_costs_nothing_when_an_older_one_or_the_log_can_serve() {
    for scene in [Scene::serving(), Scene::stopped()] {
        for id in [1, 2] {
            let disk = scene.disk.copy();
            let name = format!("snapshot-{id:016}.kvs");
            disk.overwrite(&name, 70, b"!!").unwrap();
            let repair = plan(&disk).unwrap();
            assert_eq!((repair.is_needed(), repair.loss()), (true, None));
            repair.carry_out(&disk, NOW).unwrap();
            assert!(disk.names().contains(&format!("{name}.damaged")));
            assert_eq!(recover(&disk).unwrap().last_position, scene.last_position());
        }
    }
}

#[test]
fn a_manifest_is_rebuilt_from_what_is_there() {
    for (what, scene) in Scene::all() {
        for bytes in [None, Some(&b""[..]), Some(b"not a manifest at all")] {
            let disk = scene.disk.copy();
            if let Some(bytes) = bytes {
                disk.put("MANIFEST", bytes).unwrap();
            } else {
                disk.remove("MANIFEST").unwrap();
                disk.sync_names().unwrap();
            }
            let repair = plan(&disk).unwrap();
            assert_eq!(repair.loss(), None, "{what}");
            repair.carry_out(&disk, NOW).unwrap();
            let outcome = recover(&disk).unwrap();
            assert_eq!(outcome.last_position, scene.last_position(), "{what}");
        }
    }
}

#[test]
fn when_nothing_can_be_kept_it_is_said() {
    let scene = Scene::log_only();
    scene.disk.overwrite(&segment(1), 0, b"!").unwrap();
    let repair = plan(&scene.disk).unwrap();
    assert_eq!(repair.keeps(), Some(Keeps::Nothing));
    let loss = repair.loss().unwrap();
    let last = scene.last_position();
    assert_eq!((loss.first_position, loss.last_position, loss.readable), (1, last, last - 4));
    repair.carry_out(&scene.disk, NOW).unwrap();
    assert!(recover(&scene.disk).unwrap().state.is_empty());
}

//! Whatever is changed in a directory, the check says what a start would do, and a repair makes it
//! possible again without losing more than it says.

use kv_persist::disk::Disk;
use kv_persist::disk::mem::MemDisk;
use kv_persist::tools::{FileState, Start, ToolError, ToolProgress, check};
use proptest::prelude::*;

use crate::scene::{NOW, Scene, files, newest, plan, recover};

/// Compares check and recovery; repairs, and compares again. Tells whether there was damage.
fn examine(scene: &Scene, disk: &MemDisk, what: &str) -> bool {
    let is_damaged = compare(disk, what);
    assert_eq!(is_damaged, repair(scene, disk, what), "{what}");
    is_damaged
}

/// Compares check and recovery. Tells whether there is damage.
fn compare(disk: &MemDisk, what: &str) -> bool {
    let report = check(disk, 1, &ToolProgress::default()).unwrap();
    let recovered = recover(disk);
    assert_eq!(report.start.is_possible(), recovered.is_ok(), "{what}: {report:#?} {recovered:?}");
    if let (Start::Fine { last_position, .. }, Ok(outcome)) = (&report.start, &recovered) {
        assert_eq!(*last_position, outcome.last_position, "{what}");
    }
    let problems = report.files.iter().filter(|file| matches!(file.state, FileState::Damaged(_)));
    let problems: Vec<_> = problems.map(|file| &file.name).collect();
    if recovered.is_ok() {
        // A start gets over a damaged snapshot, and over nothing else.
        assert!(problems.iter().all(|name| name.starts_with("snapshot-")), "{what}: {problems:?}");
    } else {
        assert!(!problems.is_empty(), "{what}: nothing is named");
    }
    report.is_damaged()
}

/// Repairs, and tells whether it was needed.
fn repair(scene: &Scene, disk: &MemDisk, what: &str) -> bool {
    let before = files(disk);
    let recovered = recover(disk);
    let repair = match plan(disk) {
        Ok(repair) => repair,
        Err(error @ ToolError::Newer { .. }) => {
            assert!(what.contains("version"), "{what}: {error}");
            assert_eq!(files(disk), before, "{what}");
            return true;
        }
        Err(error) => panic!("{what}: {error}"),
    };
    assert_eq!(files(disk), before, "{what}: planning changes nothing");
    assert_eq!(repair.is_needed(), !repair.steps().is_empty(), "{what}: {:?}", repair.keeps());
    if !repair.is_needed() {
        scene.check_outcome(&recovered.unwrap(), what);
        return false;
    }
    repair.carry_out(disk, NOW).expect(what);
    let report = check(disk, 1, &ToolProgress::default()).unwrap();
    let steps = repair.steps();
    assert!(!report.is_damaged(), "{what}: {steps:#?} {report:#?}");
    let outcome = recover(disk).expect(what);
    scene.check_outcome(&outcome, what);
    if let Ok(recovered) = recovered {
        assert_eq!(outcome, recovered, "{what}: lost what a start has");
    }
    match repair.loss() {
        Some(loss) => {
            assert_eq!(loss.first_position, outcome.last_position + 1, "{what}");
            assert!(loss.last_position <= scene.last_position(), "{what}: {loss:?}");
            let positions = loss.last_position - outcome.last_position;
            assert!(loss.readable <= positions, "{what}: {loss:?}");
        }
        None => assert!(
            outcome.last_position >= scene.last_position() || nothing_tells_of_more(&before, what),
            "{what}: lost {} to {} without a word: {steps:#?}",
            outcome.last_position + 1,
            scene.last_position(),
        ),
    }
    // What was there is still there, under one name or another.
    let after = files(disk);
    for (name, bytes) in &before {
        assert!(after.values().any(|kept| kept == bytes), "{what}: {name} is gone: {steps:#?}");
    }
    // Once is enough.
    let again = plan(disk).unwrap();
    assert!(!again.is_needed(), "{what}: {:?}", again.steps());
    again.carry_out(disk, NOW).unwrap();
    assert_eq!(files(disk), after, "{what}");
    true
}

/// Whether the records after the last good one left no trace: they were in what was damaged.
fn nothing_tells_of_more(before: &std::collections::BTreeMap<String, Vec<u8>>, what: &str) -> bool {
    let newest = before.keys().filter(|name| name.starts_with("log-")).max();
    newest.is_none_or(|newest| what.contains(newest.as_str())) || what.contains("missing")
}

fn is_version_byte(at: usize) -> bool {
    (8..12).contains(&at)
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    for (name, scene) in Scene::all() {
        assert!(!examine(&scene, &scene.disk.copy(), name));
        let outcome = recover(&scene.disk).unwrap();
        assert_eq!(outcome.last_position, scene.last_position(), "{name}");
    }
    assert!(!examine(&Scene::log_only(), &MemDisk::new(), "empty"));
}

fn check_every_bit(scene: &Scene) {
    let mut damaged = 0;
    for (file, good) in scene.files() {
        for bit in 0..good.len() * 8 {
            let at = bit / 8;
            let version = if is_version_byte(at) { " (version)" } else { "" };
            let what = format!("{file} bit {bit}{version}");
            let disk = scene.disk.copy();
            disk.overwrite(&file, at as u64, &[good[at] ^ 1 << (bit % 8)]).unwrap();
            // Which bit of a byte it is makes no difference to what a repair sees.
            let is_damaged = if bit % 8 == at % 8 {
                examine(scene, &disk, &what)
            } else {
                compare(&disk, &what)
            };
            damaged += u32::from(is_damaged);
        }
    }
    assert!(damaged > 4000, "{damaged}");
}

#[test]
fn a_flipped_bit_anywhere_in_a_log() {
    check_every_bit(&Scene::log_only());
}

#[test]
fn a_flipped_bit_anywhere_while_serving() {
    check_every_bit(&Scene::serving());
}

#[test]
fn a_flipped_bit_anywhere_after_a_clean_stop() {
    check_every_bit(&Scene::stopped());
}

#[test]
fn a_file_cut_off_anywhere() {
    for (scene_name, scene) in Scene::all() {
        for (file, good) in scene.files() {
            for len in (0..good.len()).step_by(3) {
                let disk = scene.disk.copy();
                disk.put(&file, &good[..len]).unwrap();
                examine(&scene, &disk, &format!("{scene_name}: {file} cut at {len}"));
            }
        }
    }
}

#[test]
fn any_files_missing() {
    for (scene_name, scene) in Scene::all() {
        let names = scene.disk.names();
        for missing in 1_u32..1 << names.len() {
            let disk = scene.disk.copy();
            let is_missing = |index: usize| missing & (1 << index) != 0;
            let gone = (0..names.len()).filter(|index| is_missing(*index));
            let gone: Vec<&str> = gone.map(|index| names[index].as_str()).collect();
            for name in &gone {
                disk.remove(name).unwrap();
            }
            disk.sync_names().unwrap();
            examine(&scene, &disk, &format!("{scene_name}: missing {gone:?}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn much_at_once(
        which in 0_usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u8..8), 1..6),
    ) {
        let [one, two, three] = Scene::all();
        let (name, scene) = [one, two, three].into_iter().nth(which).unwrap();
        let disk = scene.disk.copy();
        for (file, at, kind) in &changes {
            let names = disk.names();
            let Some(file) = names.get(file.index(names.len().max(1))) else { continue };
            let mut bytes = disk.read(file).unwrap();
            let at = at.index(bytes.len().max(1));
            match kind {
                0 => disk.remove(file).unwrap(),
                1 => {
                    bytes.truncate(at);
                    disk.put(file, &bytes).unwrap();
                }
                2 => {
                    let end = (at + 512).min(bytes.len());
                    bytes[at..end].fill(0);
                    disk.put(file, &bytes).unwrap();
                }
                _ if bytes.is_empty() => {}
                bit => {
                    bytes[at] ^= 1 << bit;
                    disk.put(file, &bytes).unwrap();
                }
            }
        }
        disk.sync_names().unwrap();
        // A version may be hit, and the newest segment too.
        let what = format!("{name}: version missing {changes:?} {:?}", disk.names());
        examine(&scene, &disk.copy(), &what);
    }
}

/// The older snapshot could do without that part of the log, but what was acknowledged cannot.
#[test]
fn a_log_that_ends_before_the_newest_snapshot_is_damaged_even_when_an_older_one_is_loaded() {
    let scene = Scene::serving();
    let newest = newest(&scene.disk);
    scene.disk.overwrite("snapshot-0000000000000002.kvs", 80, b"!").unwrap();
    let older = recover(&scene.disk).unwrap();
    assert_eq!(older.last_position, scene.last_position(), "the older one and all of the log");

    scene.disk.remove("log-0000000000000004.kvl").unwrap();
    let name = "log-0000000000000003.kvl";
    let bytes = scene.disk.read(name).unwrap();
    scene.disk.put(name, &bytes[..64]).unwrap();
    let refused = recover(&scene.disk).unwrap_err();
    let needed = format!("up to {}, which the snapshot needs", newest.log_end.get());
    assert!(refused.contains(&needed), "{refused}");
    assert!(compare(&scene.disk, "a log that was cut off"));
}

//! Every disk keeps the contract of its trait, and the one in memory no more than that when it crashes.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io;

use kv_persist::disk::fault::FaultDisk;
use kv_persist::disk::mem::{Counters, FILE_BYTES_MAX, MemDisk};
use kv_persist::disk::{Disk, DiskFile, OsDisk, SECTOR_BYTES, suite};

const SEEDS: u64 = 400;
const SECTOR: usize = SECTOR_BYTES;

#[test]
fn disks_are_disks() {
    let dir = tempfile::tempdir().unwrap();
    let made = Cell::new(0);
    suite::test_all(|| {
        made.set(made.get() + 1);
        let path = dir.path().join(made.get().to_string());
        std::fs::create_dir(&path).unwrap();
        OsDisk::open(path).unwrap()
    });
    suite::test_all(MemDisk::new);
    suite::test_all(|| MemDisk::with_capacity(1 << 20));
    suite::test_all(|| FaultDisk::new(MemDisk::new()));
}

fn kind<T: std::fmt::Debug>(result: io::Result<T>) -> io::ErrorKind {
    result.unwrap_err().kind()
}

/// A disk with a durable file "a".
fn disk_with(bytes: &[u8]) -> MemDisk {
    let disk = MemDisk::new();
    disk.put("a", bytes).unwrap();
    disk
}

/// What the crash of a disk leaves, for many seeds.
fn crashes(disk: &MemDisk) -> impl Iterator<Item = (u64, MemDisk)> {
    (0..SEEDS).map(|seed| (seed, disk.crash(&mut fastrand::Rng::with_seed(seed))))
}

/// All contents of "a" that a crash leaves.
fn contents_after_crash(disk: &MemDisk) -> BTreeSet<Vec<u8>> {
    crashes(disk).map(|(_, left)| left.read("a").unwrap()).collect()
}

/// All sets of names that a crash leaves, joined by spaces.
fn names_after_crash(disk: &MemDisk) -> BTreeSet<String> {
    crashes(disk).map(|(_, left)| left.names().join(" ")).collect()
}

fn set(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(ToString::to_string).collect()
}

#[test]
fn synced_data_survives_every_crash() {
    for seed in 0..SEEDS {
        let mut rng = fastrand::Rng::with_seed(seed);
        let disk = MemDisk::new();
        let file = disk.create("a").unwrap();
        disk.sync_names().unwrap();
        for _ in 0..rng.usize(1..20) {
            change_randomly(&*file, &mut rng);
        }
        file.sync().unwrap();
        let expected = disk.read("a").unwrap();
        disk.create("noise").unwrap().write_at(0, b"noise").unwrap();
        assert_eq!(disk.crash(&mut rng).read("a").unwrap(), expected, "seed {seed}");
    }
}

fn change_randomly(file: &dyn DiskFile, rng: &mut fastrand::Rng) {
    match rng.u8(..8) {
        0 => file.set_len(rng.u64(..5000)).unwrap(),
        1 => file.allocate(rng.u64(..5000)).unwrap(),
        2 => file.sync().unwrap(),
        _ => {
            let bytes = vec![rng.u8(1..); rng.usize(..3000)];
            file.write_at(rng.u64(..3000), &bytes).unwrap();
        }
    }
}

#[test]
fn a_crash_leaves_in_each_byte_what_was_written_there_since_the_last_sync() {
    for seed in 0..SEEDS {
        let mut rng = fastrand::Rng::with_seed(seed);
        let disk = disk_with(&[1; 3000]);
        let file = disk.open("a").unwrap();
        let mut possible = vec![BTreeSet::from([1]); 3000];
        for byte in 2..rng.u8(3..9) {
            let start = rng.usize(..2500);
            let bytes = vec![byte; rng.usize(..500)];
            file.write_at(start as u64, &bytes).unwrap();
            for possible in &mut possible[start..start + bytes.len()] {
                possible.insert(byte);
            }
        }
        let left = disk.crash(&mut rng).read("a").unwrap();
        assert_eq!(left.len(), possible.len(), "seed {seed}");
        for (place, (byte, possible)) in left.iter().zip(&possible).enumerate() {
            assert!(possible.contains(byte), "seed {seed}: {byte} at {place}");
        }
    }
}

#[test]
fn each_sector_of_an_unsynced_write_may_be_kept_or_lost() {
    let disk = disk_with(&[0; 3 * SECTOR]);
    disk.open("a").unwrap().write_at(0, &[1; 3 * SECTOR]).unwrap();
    let contents = contents_after_crash(&disk);
    for content in &contents {
        for sector in content.chunks(SECTOR) {
            assert!(sector.iter().all(|byte| *byte == sector[0]), "a sector is never torn");
        }
    }
    assert_eq!(contents.len(), 8, "all combinations occur");
}

#[test]
fn a_later_write_may_survive_an_earlier_one() {
    let disk = disk_with(b"00");
    let file = disk.open("a").unwrap();
    file.write_at(0, b"1").unwrap();
    file.write_at(1, b"2").unwrap();
    let expected = [b"00", b"10", b"02", b"12"];
    assert_eq!(contents_after_crash(&disk), expected.map(|bytes| bytes.to_vec()).into());
}

#[test]
fn a_rewrite_with_the_same_bytes_changes_nothing() {
    let bytes: Vec<u8> = (0..=255).cycle().take(1500).collect();
    let disk = disk_with(&bytes);
    disk.open("a").unwrap().write_at(0, &bytes).unwrap();
    assert_eq!(contents_after_crash(&disk), [bytes].into());
}

#[test]
fn an_append_may_be_torn_in_every_way() {
    let disk = disk_with(b"");
    disk.open("a").unwrap().write_at(0, &[1; 2 * SECTOR]).unwrap();
    let (zeros, ones) = ([0; SECTOR], [1; SECTOR]);
    let expected = [
        vec![],
        ones.to_vec(),
        [zeros, zeros].concat(),
        [ones, zeros].concat(),
        [zeros, ones].concat(),
        [ones, ones].concat(),
    ];
    assert_eq!(contents_after_crash(&disk), expected.into());
}

#[test]
fn an_unsynced_length_may_be_kept_or_lost() {
    for len in [2, 6] {
        let disk = disk_with(b"kept");
        disk.open("a").unwrap().set_len(len).unwrap();
        assert_eq!(contents_after_crash(&disk), [b"kept".to_vec(), disk.read("a").unwrap()].into());
    }
}

#[test]
fn an_allocation_is_durable() {
    let disk = disk_with(b"ab");
    let file = disk.open("a").unwrap();
    file.write_at(0, b"c").unwrap();
    file.allocate(4).unwrap();
    assert_eq!(contents_after_crash(&disk), [b"cb\0\0".to_vec()].into());
}

#[test]
fn unsynced_names_may_be_kept_or_lost_in_any_order() {
    let disk = disk_with(b"");
    disk.create("b").unwrap();
    disk.remove("a").unwrap();
    assert_eq!(names_after_crash(&disk), set(&["", "a", "b", "a b"]));
}

#[test]
fn a_rename_happens_wholly_or_not_at_all() {
    let disk = disk_with(b"old");
    let file = disk.create("new").unwrap();
    file.write_at(0, b"new").unwrap();
    file.sync().unwrap();
    disk.rename("new", "a").unwrap();
    let mut seen = BTreeSet::new();
    for (seed, left) in crashes(&disk) {
        let names = left.names().join(" ");
        let content = String::from_utf8(left.read("a").unwrap()).unwrap();
        assert!(content == "old" || content == "new", "seed {seed}: {content:?}");
        seen.insert(format!("{names}: {content}"));
    }
    // The rename needs the file that was created.
    assert_eq!(seen, set(&["a: old", "a new: old", "a: new"]));
}

#[test]
fn synced_names_survive_every_crash() {
    let disk = disk_with(b"old");
    disk.create("b").unwrap();
    disk.rename("b", "c").unwrap();
    disk.remove("a").unwrap();
    disk.sync_names().unwrap();
    assert_eq!(names_after_crash(&disk), set(&["c"]));
}

#[test]
fn a_name_says_nothing_of_the_content() {
    let disk = MemDisk::new();
    disk.create("a").unwrap().write_at(0, b"lost").unwrap();
    disk.sync_names().unwrap();
    assert!(contents_after_crash(&disk).contains(b"".as_slice()));
}

#[test]
fn content_that_is_synced_may_lose_its_name() {
    let disk = MemDisk::new();
    let file = disk.create("a").unwrap();
    file.write_at(0, b"synced").unwrap();
    file.sync().unwrap();
    assert_eq!(names_after_crash(&disk), set(&["", "a"]));
}

#[test]
fn a_removed_file_may_come_back_with_what_was_synced() {
    let disk = disk_with(b"synced");
    disk.remove("a").unwrap();
    drop(disk.create("b").unwrap());
    let contents = crashes(&disk).filter_map(|(_, left)| left.read("a").ok());
    assert_eq!(contents.collect::<BTreeSet<_>>(), [b"synced".to_vec()].into());
}

#[test]
fn a_crash_is_decided_by_its_seed() {
    let disk = disk_with(&[0; 5000]);
    disk.open("a").unwrap().write_at(0, &[1; 7000]).unwrap();
    disk.create("b").unwrap().write_at(0, &[2; 3000]).unwrap();
    for ((seed, one), (_, again)) in crashes(&disk).zip(crashes(&disk)) {
        assert_eq!(one.names(), again.names(), "seed {seed}");
        for name in one.names() {
            assert_eq!(one.read(&name).unwrap(), again.read(&name).unwrap(), "seed {seed}");
        }
    }
}

#[test]
fn a_crashed_disk_has_nothing_unsynced() {
    let disk = disk_with(&[0; 5000]);
    disk.open("a").unwrap().write_at(0, &[1; 7000]).unwrap();
    disk.create("b").unwrap();
    for (seed, left) in crashes(&disk) {
        let again = left.crash(&mut fastrand::Rng::with_seed(!seed));
        assert_eq!(again.names(), left.names(), "seed {seed}");
        assert_eq!(again.read("a").unwrap(), left.read("a").unwrap(), "seed {seed}");
    }
}

#[test]
fn a_killed_process_loses_nothing_but_a_later_crash_may() {
    let disk = disk_with(b"old");
    disk.open("a").unwrap().write_at(0, b"new").unwrap();
    disk.create("b").unwrap();
    let left = disk.kill();
    assert_eq!(left.names(), ["a", "b"]);
    assert_eq!(left.read("a").unwrap(), b"new");
    assert_eq!(contents_after_crash(&left), [b"old".to_vec(), b"new".to_vec()].into());
    assert_eq!(names_after_crash(&left), set(&["a", "a b"]));
}

#[test]
fn a_sync_by_the_next_process_saves_what_a_killed_one_wrote() {
    let disk = disk_with(b"old");
    disk.open("a").unwrap().write_at(0, b"new").unwrap();
    let left = disk.kill();
    left.open("a").unwrap().sync().unwrap();
    assert_eq!(contents_after_crash(&left), [b"new".to_vec()].into());
}

#[test]
fn zombies_reach_nothing() {
    for end in [MemDisk::kill, |disk: &MemDisk| disk.crash(&mut fastrand::Rng::with_seed(1))] {
        let disk = disk_with(b"kept");
        let file = disk.open("a").unwrap();
        let left = end(&disk);
        disk.list().unwrap_err();
        disk.open("a").unwrap_err();
        disk.create("b").unwrap_err();
        disk.rename("a", "b").unwrap_err();
        disk.remove("a").unwrap_err();
        disk.sync_names().unwrap_err();
        file.len().unwrap_err();
        file.read_at(0, &mut [0]).unwrap_err();
        file.write_at(0, b"x").unwrap_err();
        file.allocate(9).unwrap_err();
        file.set_len(0).unwrap_err();
        file.sync().unwrap_err();
        drop(file);
        assert_eq!(disk.read("a").unwrap(), b"kept", "a test can still look");
        assert_eq!(left.read("a").unwrap(), b"kept");
        left.open("a").unwrap().write_at(0, b"more").unwrap();
        assert_eq!(disk.read("a").unwrap(), b"kept", "the disks share nothing");
    }
}

#[test]
fn a_copy_lives_beside_its_original() {
    let disk = disk_with(b"kept");
    let copy = disk.copy();
    copy.open("a").unwrap().write_at(0, b"more").unwrap();
    disk.remove("a").unwrap();
    assert_eq!(copy.read("a").unwrap(), b"more");
    assert!(disk.names().is_empty());
}

#[test]
fn a_full_disk_refuses_what_needs_more() {
    let disk = MemDisk::with_capacity(4 * SECTOR as u64 + 1);
    let file = disk.create("a").unwrap();
    file.allocate(2 * SECTOR as u64).unwrap();
    file.set_len(100 * SECTOR as u64).unwrap();
    assert_eq!(disk.used(), 2 * SECTOR as u64, "a hole takes no space");

    // What is allocated can be written, what is not fills the disk.
    file.write_at(0, &[1; 2 * SECTOR]).unwrap();
    let hole = 50 * SECTOR as u64 + 12;
    assert_eq!(kind(file.write_at(hole, &[2; 3 * SECTOR])), io::ErrorKind::StorageFull);
    let written = disk.read("a").unwrap();
    let written = written.split_at(usize::try_from(hole).unwrap()).1;
    assert!(written.starts_with(&[2; 2 * SECTOR - 12]), "what fits is written");
    assert_eq!(written[2 * SECTOR - 12], 0, "and no more");
    assert_eq!(disk.used(), 4 * SECTOR as u64);
    assert_eq!(kind(disk.create("b")), io::ErrorKind::StorageFull);
    assert_eq!(kind(file.allocate(101 * SECTOR as u64)), io::ErrorKind::StorageFull);
    file.write_at(hole, &[3; SECTOR]).unwrap();
    file.sync().unwrap();

    // Space comes back by cutting off, by removing, and by growing the disk.
    file.set_len(50 * SECTOR as u64).unwrap();
    assert_eq!(disk.used(), 2 * SECTOR as u64);
    disk.create("b").unwrap().allocate(2 * SECTOR as u64).unwrap();
    disk.remove("a").unwrap();
    assert_eq!(disk.used(), 4 * SECTOR as u64, "an open file keeps its space");
    drop(file);
    assert_eq!(disk.used(), 2 * SECTOR as u64);
    disk.set_capacity(0);
    let b = disk.open("b").unwrap();
    assert_eq!(kind(b.allocate(3 * SECTOR as u64)), io::ErrorKind::StorageFull);
    b.write_at(0, &[1; 2 * SECTOR]).unwrap();
    disk.set_capacity(3 * SECTOR as u64);
    b.allocate(3 * SECTOR as u64).unwrap();
}

#[test]
fn a_failed_allocation_on_a_full_disk_leaves_a_part() {
    let disk = MemDisk::with_capacity(2 * SECTOR as u64);
    let file = disk.create("a").unwrap();
    assert_eq!(kind(file.allocate(3 * SECTOR as u64)), io::ErrorKind::StorageFull);
    assert_eq!(file.len().unwrap(), 2 * SECTOR as u64);
    assert_eq!(disk.kill().used(), 2 * SECTOR as u64, "the limit and the space outlive a process");
}

#[test]
fn files_have_a_longest_length() {
    let disk = disk_with(b"kept");
    let file = disk.open("a").unwrap();
    for offset in [FILE_BYTES_MAX, u64::MAX] {
        assert_eq!(kind(file.write_at(offset, b"x")), io::ErrorKind::FileTooLarge);
    }
    assert_eq!(kind(file.allocate(FILE_BYTES_MAX + 1)), io::ErrorKind::FileTooLarge);
    assert_eq!(kind(file.set_len(u64::MAX)), io::ErrorKind::FileTooLarge);
    assert_eq!(disk.read("a").unwrap(), b"kept");
}

#[test]
fn tests_can_damage_and_place_files() {
    let disk = disk_with(b"0123");
    let file = disk.open("a").unwrap();
    disk.overwrite("a", 1, b"xy").unwrap();
    disk.overwrite("a", 4, b"z").unwrap();
    assert_eq!(disk.size("a").unwrap(), 5);
    assert_eq!(file.len().unwrap(), 5);
    assert_eq!(kind(disk.overwrite("b", 0, b"")), io::ErrorKind::NotFound);
    assert_eq!(kind(disk.read("b")), io::ErrorKind::NotFound);
    assert_eq!(kind(disk.put("a/b", b"")), io::ErrorKind::InvalidInput);
    assert_eq!(contents_after_crash(&disk), [b"0xy3z".to_vec()].into());
}

#[test]
fn calls_are_counted() {
    let disk = MemDisk::new();
    let file = disk.create("a").unwrap();
    file.allocate(10).unwrap();
    file.write_at(0, b"123").unwrap();
    file.write_at(3, b"45").unwrap();
    file.sync().unwrap();
    disk.sync_names().unwrap();
    let expected =
        Counters { writes: 2, bytes_written: 5, syncs: 1, name_syncs: 1, allocations: 1 };
    assert_eq!(disk.counters(), expected);
}

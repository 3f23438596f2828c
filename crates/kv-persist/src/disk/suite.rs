//! The conformance suite of [`Disk`] and [`DiskFile`], for a disk that works.

use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::pages::Pages;
use super::{Disk, DiskFile, NAME_BYTES_MAX, PAGE_BYTES, SECTOR_BYTES};

/// Runs every check, each on an empty disk of its own.
///
/// # Panics
/// With what was expected, when a check fails.
pub fn test_all<D: Disk>(make: impl Fn() -> D) {
    let checks: [fn(&dyn Disk); 14] = [
        files_are_listed_by_name,
        wrong_names_are_refused,
        missing_and_present_names_are_told_apart,
        reads_end_where_the_file_does,
        writes_go_where_they_are_told,
        a_write_beyond_the_end_leaves_zeros,
        allocating_keeps_what_is_there,
        lengths_change_both_ways,
        handles_share_the_file,
        a_rename_replaces_its_target,
        an_open_file_survives_its_name,
        syncs_change_nothing_that_is_seen,
        writing_through_is_writing,
        readers_run_beside_a_writer,
    ];
    for check in checks {
        check(&make());
    }
}

fn works<T>(result: io::Result<T>) -> T {
    result.expect("the disk works")
}

fn kind<T: Debug>(result: io::Result<T>) -> io::ErrorKind {
    result.expect_err("this cannot work").kind()
}

/// The whole content.
fn content(file: &dyn DiskFile) -> Vec<u8> {
    let len = usize::try_from(works(file.len())).expect("the test's files are small");
    // One more, to see that there is no more.
    let mut bytes = vec![0xAA; len + 1];
    assert_eq!(works(file.read_at(0, &mut bytes)), len, "a read stops at the end of the file");
    bytes.truncate(len);
    bytes
}

fn create(disk: &dyn Disk, name: &str, bytes: &[u8]) -> Arc<dyn DiskFile> {
    let file = works(disk.create(name));
    works(file.write_at(0, bytes));
    file
}

fn names(disk: &dyn Disk) -> Vec<String> {
    let mut names = works(disk.list());
    names.sort();
    names
}

fn files_are_listed_by_name(disk: &dyn Disk) {
    assert!(names(disk).is_empty(), "the suite needs an empty disk");
    let longest = "n".repeat(NAME_BYTES_MAX);
    for name in ["b", "a.tmp", longest.as_str()] {
        works(disk.create(name));
    }
    assert_eq!(names(disk), ["a.tmp", "b", longest.as_str()]);
    works(disk.remove("b"));
    works(disk.rename("a.tmp", "a"));
    assert_eq!(names(disk), ["a", longest.as_str()]);
    assert!(!disk.describe().is_empty());
}

fn wrong_names_are_refused(disk: &dyn Disk) {
    works(disk.create("a"));
    let too_long = "n".repeat(NAME_BYTES_MAX + 1);
    for wrong in ["", ".", "..", "a/b", "/a", "../a", "a\0", too_long.as_str()] {
        assert_eq!(kind(disk.open(wrong)), io::ErrorKind::InvalidInput, "open {wrong:?}");
        assert_eq!(kind(disk.create(wrong)), io::ErrorKind::InvalidInput, "create {wrong:?}");
        assert_eq!(kind(disk.remove(wrong)), io::ErrorKind::InvalidInput, "remove {wrong:?}");
        assert_eq!(kind(disk.rename(wrong, "b")), io::ErrorKind::InvalidInput, "from {wrong:?}");
        assert_eq!(kind(disk.rename("a", wrong)), io::ErrorKind::InvalidInput, "to {wrong:?}");
    }
    assert_eq!(names(disk), ["a"]);
}

fn missing_and_present_names_are_told_apart(disk: &dyn Disk) {
    assert_eq!(kind(disk.open("a")), io::ErrorKind::NotFound);
    assert_eq!(kind(disk.remove("a")), io::ErrorKind::NotFound);
    assert_eq!(kind(disk.rename("a", "b")), io::ErrorKind::NotFound);
    assert_eq!(kind(disk.rename("a", "a")), io::ErrorKind::NotFound);
    create(disk, "a", b"kept");
    assert_eq!(kind(disk.create("a")), io::ErrorKind::AlreadyExists);
    assert_eq!(kind(disk.rename("b", "a")), io::ErrorKind::NotFound);
    works(disk.rename("a", "a"));
    assert_eq!(content(&*works(disk.open("a"))), b"kept");
}

fn reads_end_where_the_file_does(disk: &dyn Disk) {
    let file = create(disk, "a", b"0123456789");
    let mut buffer = [0; 4];
    assert_eq!(works(file.read_at(3, &mut buffer)), 4);
    assert_eq!(&buffer, b"3456");
    assert_eq!(works(file.read_at(8, &mut buffer)), 2);
    assert_eq!(&buffer, b"8956", "the rest of the buffer is left alone");
    assert_eq!(works(file.read_at(10, &mut buffer)), 0);
    assert_eq!(works(file.read_at(1 << 40, &mut buffer)), 0);
    assert_eq!(works(file.read_at(0, &mut [])), 0);
}

fn writes_go_where_they_are_told(disk: &dyn Disk) {
    let file = create(disk, "a", b"0123456789");
    works(file.write_at(2, b"ab"));
    works(file.write_at(9, b"xyz"));
    works(file.write_at(4, b""));
    assert_eq!(content(&*file), b"01ab45678xyz");
    // Across several sectors, from and to the middle of one.
    let bytes: Vec<u8> = (0..=250).cycle().take(3 * SECTOR_BYTES).collect();
    works(file.write_at(100, &bytes));
    let all = content(&*file);
    assert_eq!(all.len(), 100 + bytes.len());
    assert!(all.ends_with(&bytes) && all.starts_with(b"01ab45678xyz\0"));
}

fn a_write_beyond_the_end_leaves_zeros(disk: &dyn Disk) {
    let file = create(disk, "a", b"ab");
    works(file.write_at(1000, b""));
    assert_eq!(works(file.len()), 2, "writing nothing does not grow a file");
    works(file.write_at(1000, b"z"));
    let expected = [b"ab".as_slice(), &[0; 998], b"z"].concat();
    assert_eq!(content(&*file), expected);
}

fn allocating_keeps_what_is_there(disk: &dyn Disk) {
    let file = create(disk, "a", b"kept");
    works(file.allocate(10_000));
    assert_eq!(content(&*file), [b"kept".as_slice(), &[0; 9996]].concat());
    works(file.allocate(100));
    works(file.allocate(0));
    assert_eq!(works(file.len()), 10_000, "allocating never shortens");
    works(file.write_at(9999, b"z"));
    assert_eq!(works(file.len()), 10_000);
}

fn lengths_change_both_ways(disk: &dyn Disk) {
    let file = create(disk, "a", b"0123456789");
    works(file.set_len(4));
    assert_eq!(content(&*file), b"0123");
    works(file.set_len(6));
    assert_eq!(content(&*file), b"0123\0\0", "what was cut off does not come back");
    works(file.set_len(5000));
    assert_eq!(works(file.len()), 5000);
    works(file.set_len(0));
    assert_eq!(content(&*file), b"");
}

fn handles_share_the_file(disk: &dyn Disk) {
    let one = create(disk, "a", b"one");
    let other = works(disk.open("a"));
    works(other.write_at(0, b"two"));
    works(other.set_len(2));
    assert_eq!(content(&*one), b"tw");
    works(disk.rename("a", "b"));
    works(one.write_at(2, b"ice"));
    assert_eq!(content(&*works(disk.open("b"))), b"twice", "handles follow the file, not the name");
}

fn a_rename_replaces_its_target(disk: &dyn Disk) {
    create(disk, "new", b"new");
    let old = create(disk, "it", b"old");
    works(disk.rename("new", "it"));
    assert_eq!(names(disk), ["it"]);
    assert_eq!(content(&*works(disk.open("it"))), b"new");
    assert_eq!(content(&*old), b"old", "the replaced file can be read on");
}

fn an_open_file_survives_its_name(disk: &dyn Disk) {
    let old = create(disk, "a", b"old");
    works(disk.remove("a"));
    assert_eq!(kind(disk.open("a")), io::ErrorKind::NotFound);
    let new = create(disk, "a", b"new");
    works(disk.sync_names());
    works(old.write_at(3, b"er"));
    assert_eq!(content(&*old), b"older");
    assert_eq!(content(&*new), b"new");
    works(old.sync());
}

fn syncs_change_nothing_that_is_seen(disk: &dyn Disk) {
    works(disk.sync_names());
    let file = create(disk, "a", b"bytes");
    works(file.sync());
    works(file.sync());
    works(disk.sync_names());
    assert_eq!(content(&*file), b"bytes");
    assert_eq!(names(disk), ["a"]);
}

fn place(content: &mut [u8], start: usize, bytes: &[u8]) {
    content.get_mut(start..start + bytes.len()).expect("it is there").copy_from_slice(bytes);
}

/// Whole pages or not, over what was read or written before.
fn writing_through_is_writing(disk: &dyn Disk) {
    let file = create(disk, "a", &[1; 3 * PAGE_BYTES]);
    let mut expected = content(&*file);
    let mut pages = Pages::with_capacity(2 * PAGE_BYTES);
    let page = PAGE_BYTES as u64;
    for (offset, len) in [(page, PAGE_BYTES), (0, 2 * PAGE_BYTES), (page, 7), (3, PAGE_BYTES)] {
        let bytes = pages.reset(len);
        bytes.fill(u8::try_from(offset % 200 + 2).unwrap_or(0));
        works(file.write_through(offset, pages.bytes()));
        let start = usize::try_from(offset).expect("it is small");
        place(&mut expected, start, pages.bytes());
        assert!(content(&*file) == expected, "{len} bytes at {offset}");
        works(file.write_at(offset + 1, b"beside"));
        place(&mut expected, start + 1, b"beside");
        assert!(content(&*file) == expected, "written in the other way at {offset}");
    }
    works(file.write_through(3 * page, pages.bytes()));
    assert_eq!(works(file.len()), 3 * page + pages.bytes().len() as u64, "the file grows");
}

/// What was written before a reader looked, it sees.
fn readers_run_beside_a_writer(disk: &dyn Disk) {
    const RECORDS: u64 = 300;
    let file = works(disk.create("a"));
    works(file.allocate(RECORDS * 8 / 2));
    let written = AtomicU64::new(0);
    thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                loop {
                    let end = written.load(Ordering::Acquire);
                    let mut record = [0; 8];
                    for number in 0..end {
                        assert_eq!(works(file.read_at(number * 8, &mut record)), record.len());
                        assert_eq!(u64::from_le_bytes(record), number + 1);
                    }
                    if end == RECORDS {
                        break;
                    }
                    thread::yield_now();
                }
            });
        }
        for number in 0..RECORDS {
            works(file.write_at(number * 8, &(number + 1).to_le_bytes()));
            written.store(number + 1, Ordering::Release);
            if number % 100 == 0 {
                works(file.sync());
            }
        }
    });
}

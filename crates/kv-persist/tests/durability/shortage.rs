//! Shortages: no space, no open files, no segment. Waiting helps, and nothing acknowledged is lost.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use kv_core::testing::ManualClock;
use kv_core::testing::journal_suite::wait;
use kv_core::{Durability, Journal as _, JournalError, Lsn, Progress as _, Record};
use kv_persist::disk::mem::MemDisk;
use kv_persist::disk::{Disk, DiskFile};
use kv_persist::snapshotter::LogTrim as _;
use kv_persist::{FileJournal, FsyncMode, LogOptions, LogStart, LogThreads};

use crate::support::{self, put};

const START: LogStart =
    LogStart { next_lsn: Lsn::new(1), next_sequence: 1, next_segment: 1, sealed: Vec::new() };

const SEGMENT: u64 = 64 << 10;
const SEGMENT_USIZE: usize = 64 << 10;

fn start(disk: impl Disk + 'static, fsync: FsyncMode) -> (Arc<FileJournal>, LogThreads) {
    let reuse_bytes = 2 * SEGMENT;
    let options =
        LogOptions { fsync, segment_bytes: SEGMENT, buffer_bytes: 1 << 20, reuse_bytes, seed: 7 };
    let journal = Arc::new(FileJournal::new(Arc::new(disk), options));
    let clock = Arc::new(ManualClock::default());
    let threads = LogThreads::start(Arc::clone(&journal), clock, &START).unwrap();
    (journal, threads)
}

fn append(log: &FileJournal, key: &[u8], value: &[u8]) -> Result<Lsn, JournalError> {
    log.append(&Record { group: 0, effects: &[put(key, value)] })
}

/// A disk whose long files cannot be made longer, or on which nothing can be created, while it is told so.
#[derive(Debug, Clone, Default)]
struct Odd {
    inner: MemDisk,
    trouble: Arc<parking_lot::Mutex<Trouble>>,
}

#[derive(Debug, Default)]
struct Trouble {
    /// What lengthening a file beyond a segment says.
    allocate: Option<i32>,
    /// What creating a file says.
    create: Option<i32>,
}

#[derive(Debug)]
struct OddFile(Arc<dyn DiskFile>, Arc<parking_lot::Mutex<Trouble>>);

impl Odd {
    fn file(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(OddFile(file, Arc::clone(&self.trouble)))
    }
}

impl Disk for Odd {
    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(self.inner.open(name)?))
    }
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        match self.trouble.lock().create {
            Some(code) => Err(io::Error::from_raw_os_error(code)),
            None => Ok(self.file(self.inner.create(name)?)),
        }
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }
    fn sync_names(&self) -> io::Result<()> {
        self.inner.sync_names()
    }
    fn describe(&self) -> String {
        self.inner.describe()
    }
}

impl DiskFile for OddFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, bytes)
    }
    fn allocate(&self, len: u64) -> io::Result<()> {
        match self.1.lock().allocate.filter(|_| len > SEGMENT) {
            Some(code) => Err(io::Error::from_raw_os_error(code)),
            None => self.0.allocate(len),
        }
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

const EIO: i32 = 5;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;

fn two_spares(disk: &Odd) {
    let spares = |names: Vec<String>| names.iter().filter(|n| n.starts_with("spare")).count();
    support::until(Duration::from_secs(5), || spares(disk.list().unwrap()) >= 2);
}

/// A record longer than what the disk has left: once there is space it is written, and then everything else
/// must be accepted within a second.
#[test]
fn writes_come_back_after_a_batch_that_did_not_fit() {
    let disk = Odd::default();
    let (log, threads) = start(disk.clone(), FsyncMode::Always);
    let small = append(&log, b"small", b"1").unwrap();
    wait(&*log, small, Durability::Fsync).unwrap();
    two_spares(&disk);
    disk.trouble.lock().allocate = Some(ENOSPC);
    let big = append(&log, b"big", &vec![1; 8 * SEGMENT_USIZE]).unwrap();
    support::until(Duration::from_secs(5), || log.stats().disk_full);
    // Spares are made meanwhile, and the log is trimmed: neither is of any help to what is in hand.
    two_spares(&disk);
    log.trim(0).unwrap();
    assert!(log.stats().disk_full);
    disk.trouble.lock().allocate = None;
    wait(&*log, big, Durability::Fsync).unwrap();
    support::until(Duration::from_secs(10), || append(&log, b"again", b"v").is_ok());
    drop(threads);
}

/// Too many open files: nothing of the log is lost, waiting helps.
#[test]
fn too_many_open_files_do_not_end_the_log() {
    let disk = Odd::default();
    let (log, threads) = start(disk.clone(), FsyncMode::Always);
    two_spares(&disk);
    disk.trouble.lock().create = Some(EMFILE);
    // Until segments run out: then writes are refused, and not before long.
    support::until(Duration::from_secs(30), || {
        append(&log, b"key", &[7; 4096]).is_err_and(|error| {
            assert!(matches!(error, JournalError::DiskFull { .. }), "{error}");
            true
        })
    });
    disk.trouble.lock().create = None;
    assert_eq!(log.health(), Ok(()));
    support::until(Duration::from_secs(10), || append(&log, b"again", b"v").is_ok());
    threads.stop().unwrap();
}

/// What is longer than a batch should be is not acknowledged before it is written: so a stop that finds no space
/// for it loses nothing acknowledged, and says what it loses.
#[test]
fn a_stop_that_finds_no_space_says_so_and_loses_nothing_acknowledged() {
    let disk = MemDisk::with_capacity(6 * SEGMENT);
    let (log, threads) = start(disk.clone(), FsyncMode::Interval(Duration::from_secs(1)));
    let small = append(&log, b"small", b"1").unwrap();
    wait(&*log, small, Durability::Fsync).unwrap();
    assert!(!log.is_congested());
    append(&log, b"big", &vec![1; 8 * SEGMENT_USIZE]).unwrap();
    assert!(log.is_congested(), "writers are asked to wait for it");
    support::until(Duration::from_secs(5), || log.stats().disk_full);
    assert!(log.is_congested(), "also while it is in the writer's hand");
    let refused = append(&log, b"next", b"v");
    assert!(matches!(refused, Err(JournalError::DiskFull { .. })), "{refused:?}");
    let stopped = threads.stop().unwrap_err().to_string();
    assert!(stopped.contains("no space for the last 1 records"), "{stopped}");
}

/// ADR-0012: nothing is tried again after a failed sync. `allocate` syncs.
#[test]
fn an_input_output_error_while_a_segment_is_lengthened_is_no_full_disk() {
    let disk = Odd::default();
    let (log, threads) = start(disk.clone(), FsyncMode::Always);
    let small = append(&log, b"small", b"1").unwrap();
    wait(&*log, small, Durability::Fsync).unwrap();
    two_spares(&disk);
    disk.trouble.lock().allocate = Some(EIO);
    let big = append(&log, b"big", &vec![1; 8 * SEGMENT_USIZE]).unwrap();
    assert!(wait(&*log, big, Durability::Fsync).is_err());
    let refused = append(&log, b"next", b"v");
    assert!(matches!(refused, Err(JournalError::Unavailable { .. })), "{refused:?}");
    drop(threads);
}

/// Somebody removed an old segment by hand, to make space.
#[test]
fn a_segment_that_is_gone_does_not_stop_all_trimming() {
    let disk = MemDisk::new();
    let (log, threads) = start(disk.clone(), FsyncMode::Always);
    let mut last = Lsn::ZERO;
    for number in 0..100_u32 {
        last = append(&log, &number.to_le_bytes(), &[7; 4096]).unwrap();
        wait(&*log, last, Durability::Fsync).unwrap();
    }
    disk.remove("log-0000000000000001.kvl").unwrap();
    let first = log.trim(log.first_needed(last));
    let second = log.trim(log.first_needed(last));
    assert_eq!(log.stats().segments, 1, "{first:?} {second:?}");
    drop(threads);
}

//! The log from the writer's side: contract, group commit, segments, failure and a full disk.

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use kv_core::testing::ManualClock;
use kv_core::testing::journal_suite::{self, wait};
use kv_core::{Clock as _, Durability, Journal, JournalError, Lsn, Progress, Record};
use kv_persist::disk::Disk;
use kv_persist::disk::fault::{Fault, FaultDisk, FaultPlan};
use kv_persist::disk::mem::MemDisk;
use kv_persist::snapshotter::LogTrim as _;
use kv_persist::testing::read_log;
use kv_persist::{FileJournal, FsyncMode, LogError, LogNeeds, LogOptions, LogStart, LogThreads};

use crate::support::{self, delete, put};

/// A log whose threads run, as a journal.
struct Running {
    journal: Arc<FileJournal>,
    threads: Option<LogThreads>,
}

const START: LogStart =
    LogStart { next_lsn: Lsn::new(1), next_sequence: 1, next_segment: 1, sealed: Vec::new() };

fn options(fsync: FsyncMode) -> LogOptions {
    LogOptions {
        fsync,
        segment_bytes: 64 << 10,
        buffer_bytes: 1 << 20,
        reuse_bytes: 128 << 10,
        seed: 7,
    }
}

fn start(disk: impl Disk + 'static, options: LogOptions) -> Running {
    let journal = Arc::new(FileJournal::new(Arc::new(disk), options));
    let clock = Arc::new(ManualClock::default());
    let threads = LogThreads::start(Arc::clone(&journal), clock, &START).unwrap();
    Running { journal, threads: Some(threads) }
}

impl Running {
    fn append(&self, key: &[u8], value: &[u8]) -> Result<Lsn, JournalError> {
        self.journal.append(&Record { group: 0, effects: &[put(key, value)] })
    }
}

impl Progress for Running {
    fn reached(&self, level: Durability) -> Lsn {
        self.journal.reached(level)
    }
    fn poll_reached(
        &self,
        lsn: Lsn,
        level: Durability,
        waker: &Waker,
    ) -> Poll<Result<(), JournalError>> {
        self.journal.poll_reached(lsn, level, waker)
    }
    fn durability_max(&self) -> Durability {
        self.journal.durability_max()
    }
    fn health(&self) -> Result<(), JournalError> {
        self.journal.health()
    }
    fn is_congested(&self) -> bool {
        self.journal.is_congested()
    }
}

impl Journal for Running {
    fn append(&self, record: &Record<'_>) -> Result<Lsn, JournalError> {
        self.journal.append(record)
    }
    fn position(&self) -> Lsn {
        self.journal.position()
    }
}

const MODES: [FsyncMode; 3] =
    [FsyncMode::Always, FsyncMode::Interval(Duration::from_secs(1)), FsyncMode::Never];

#[test]
fn the_contract_of_journals_holds_in_every_mode() {
    for mode in MODES {
        journal_suite::test_all(|| start(MemDisk::new(), options(mode)));
    }
}

#[test]
fn a_log_that_was_not_started_takes_nothing() {
    let journal = FileJournal::new(Arc::new(MemDisk::new()), options(FsyncMode::Always));
    let refused = journal.append(&Record { group: 0, effects: &[put(b"k", b"v")] });
    assert!(matches!(refused, Err(JournalError::Unavailable { .. })), "{refused:?}");
}

#[test]
fn segments_turn_over_and_are_reused_once_they_are_trimmed() {
    let disk = MemDisk::new();
    let log = start(disk.clone(), options(FsyncMode::Always));
    let mut last = Lsn::ZERO;
    for number in 0..100_u32 {
        last = log.append(&number.to_le_bytes(), &[7; 4096]).unwrap();
        wait(&log, last, Durability::Fsync).unwrap();
    }
    let before = log.journal.stats();
    assert!(before.segments >= 6, "{before:?}");
    let kept = log.journal.first_needed(last);
    log.journal.trim(kept).unwrap();
    assert_eq!(log.journal.stats().segments, 1, "only the current segment is kept");
    let names = disk.list().unwrap();
    assert!(names.len() <= 1 + 5, "spares are bounded: {names:?}");
}

#[test]
fn a_stop_writes_what_needs_a_segment_that_is_not_made_yet() {
    for _ in 0..300 {
        let mut log = start(MemDisk::new(), options(FsyncMode::Never));
        let mut last = Lsn::ZERO;
        // Three segments at once: the spares run out while the log stops.
        for number in 0..45_u32 {
            last = log.append(&number.to_le_bytes(), &[7; 4096]).unwrap();
        }
        assert_eq!(log.threads.take().unwrap().stop(), Ok(()));
        assert_eq!(log.reached(Durability::Fsync), last);
    }
}

#[test]
fn the_interval_syncs_what_nobody_waits_for() {
    let interval = FsyncMode::Interval(Duration::from_millis(20));
    let journal = Arc::new(FileJournal::new(Arc::new(MemDisk::new()), options(interval)));
    let clock = Arc::new(ManualClock::default());
    let threads = LogThreads::start(Arc::clone(&journal), clock.clone(), &START).unwrap();
    let log = Running { journal, threads: Some(threads) };
    let lsn = log.append(b"k", b"v").unwrap();
    support::until(Duration::from_secs(30), || log.reached(Durability::Buffered) >= lsn);
    assert_eq!(log.reached(Durability::Fsync), Lsn::ZERO, "no time has passed");
    let (written_at, before) = (clock.now(), log.journal.stats());
    assert_eq!((before.batches, before.records, before.syncs.count()), (1, 1, 0));
    assert_eq!((before.unsynced_since, before.latest_sync), (Some(written_at), None));
    clock.advance_ms(20);
    support::until(Duration::from_secs(30), || log.reached(Durability::Fsync) >= lsn);
    let after = log.journal.stats();
    assert_eq!((after.batches, after.records, after.syncs.count()), (1, 1, 1));
    let sync = after.latest_sync.expect("there was one");
    assert_eq!((sync.began, sync.took), (clock.now(), Some(Duration::ZERO)));
    assert_eq!(after.unsynced_since, None);
}

#[test]
fn a_mode_that_is_set_later_counts_for_what_was_written_before() {
    let (clock, at_most) = (Arc::new(ManualClock::default()), Duration::from_secs(30));
    let disk = Arc::new(MemDisk::new());
    let journal = Arc::new(FileJournal::new(disk, options(FsyncMode::Never)));
    let threads = LogThreads::start(Arc::clone(&journal), clock.clone(), &START).unwrap();
    let log = Running { journal, threads: Some(threads) };
    let write = || {
        let lsn = log.append(b"k", b"v").unwrap();
        support::until(at_most, || log.reached(Durability::Buffered) >= lsn);
        lsn
    };
    let is_safe = |lsn| log.reached(Durability::Fsync) >= lsn;

    let first = write();
    assert!(!is_safe(first), "nobody has asked for it");
    log.journal.set_fsync(FsyncMode::Always);
    support::until(at_most, || is_safe(first));

    log.journal.set_fsync(FsyncMode::Interval(Duration::from_millis(20)));
    let second = write();
    assert!(!is_safe(second), "no time has passed");
    clock.advance_ms(20);
    support::until(at_most, || is_safe(second));

    log.journal.set_fsync(FsyncMode::Never);
    let third = write();
    clock.advance_ms(1000);
    assert!(!is_safe(third), "however long that takes");
    wait(&log, third, Durability::Fsync).unwrap();
}

#[test]
fn a_failed_sync_is_never_tried_again_and_everyone_is_told() {
    for mode in MODES {
        for fault in [Fault::Eio, Fault::ShortWrite] {
            let disk = FaultDisk::new(MemDisk::new());
            let log = start(disk.clone(), options(mode));
            let safe = log.append(b"a", b"1").unwrap();
            wait(&log, safe, Durability::Fsync).unwrap();
            disk.set_plan(Some(FaultPlan::from_then_on(disk.calls() + 1, fault)));
            let lost = log.append(b"b", b"2").unwrap();
            let outcome = wait(&log, lost, Durability::Fsync);
            assert!(matches!(outcome, Err(JournalError::Unknown { .. })), "{outcome:?}");
            assert!(outcome.unwrap_err().to_string().contains("unknown"));
            disk.set_plan(None);
            assert!(log.health().is_err(), "a log that has failed stays so");
            let refused = log.append(b"c", b"3");
            assert!(matches!(refused, Err(JournalError::Unavailable { .. })), "{refused:?}");
            assert_eq!(wait(&log, safe, Durability::Fsync), Ok(()), "what was safe stays safe");
            assert!(wait(&log, Lsn::MAX, Durability::Fsync).is_err(), "watchers are told");
        }
    }
}

#[test]
fn on_a_full_disk_deletes_go_on_and_writes_come_back_with_the_space() {
    let disk = MemDisk::with_capacity(5 * (64 << 10));
    let log = start(disk.clone(), options(FsyncMode::Always));
    let mut refused = None;
    for number in 0..10_000_u32 {
        match log.append(&number.to_le_bytes(), &[7; 1000]) {
            Ok(lsn) => wait(&log, lsn, Durability::Fsync).unwrap(),
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    assert!(matches!(refused, Some(JournalError::DiskFull { .. })), "{refused:?}");
    assert!(log.journal.stats().disk_full);
    for number in 0..200_u32 {
        let key = number.to_le_bytes();
        let lsn = log.append_delete(&key).expect("deletes are accepted");
        wait(&log, lsn, Durability::Fsync).unwrap();
    }
    // What is kept free for them has an end, and nobody is left waiting behind it.
    let refused = (200..100_000_u32).find_map(|number| {
        let appended = log.append_delete(&number.to_le_bytes());
        appended.map(|lsn| wait(&log, lsn, Durability::Fsync).unwrap()).err()
    });
    assert!(refused.unwrap().to_string().contains("is used up"));
    assert_eq!(log.health(), Ok(()), "a full disk is no failure");
    disk.set_capacity(100 << 20);
    let deadline = Duration::from_secs(30);
    support::until(deadline, || log.append(b"again", b"v").is_ok());
}

#[test]
fn the_buffer_is_bounded_and_says_when_it_fills() {
    // No threads: nothing drains it.
    let journal = FileJournal::new(Arc::new(MemDisk::new()), options(FsyncMode::Never));
    let log = Running { journal: Arc::new(journal), threads: None };
    log.journal.open_without_threads();
    let mut congested_at = None;
    for number in 0..10_000_u32 {
        match log.append(&number.to_le_bytes(), &[7; 1000]) {
            Ok(_) => {
                let waiting = log.journal.stats().waiting_bytes;
                assert!(waiting <= 1 << 20);
                if log.is_congested() && congested_at.is_none() {
                    congested_at = Some(waiting);
                }
            }
            Err(JournalError::Overloaded { waiting, max }) => {
                assert_eq!(max, 1 << 20);
                assert!(waiting + 1100 > max, "{waiting}");
                let at = congested_at.expect("congestion comes first");
                assert!((1 << 15..(1 << 15) + 1100).contains(&at), "half a segment: {at}");
                return;
            }
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the buffer has no end");
}

#[test]
fn a_record_longer_than_a_segment_or_the_buffer_is_taken() {
    let log = start(MemDisk::new(), options(FsyncMode::Always));
    for bytes in [60 << 10, 64 << 10, 200 << 10, 3 << 20] {
        let lsn = log.append(b"big", &vec![1; bytes]).unwrap();
        wait(&log, lsn, Durability::Fsync).unwrap();
    }
}

impl Running {
    fn append_delete(&self, key: &[u8]) -> Result<Lsn, JournalError> {
        self.journal.append(&Record { group: 0, effects: &[delete(key)] })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.threads.take());
    }
}

#[test]
fn after_a_clean_stop_in_any_mode_what_a_disk_changes_is_damage() {
    for mode in MODES {
        let disk = MemDisk::new();
        let mut log = start(disk.clone(), options(mode));
        let last = log.append(b"key", b"the only value").unwrap();
        wait(&log, last, Durability::Buffered).unwrap();
        drop(log.threads.take());
        let (records, end) = read_log(&disk, LogNeeds::default());
        assert_eq!((records.len(), end.unwrap().clean), (1, true), "{mode:?}");
        let value = b"the only value";
        for name in disk.names().into_iter().filter(|name| name.starts_with("log-")) {
            let bytes = disk.read(&name).unwrap();
            let found = bytes.windows(value.len()).position(|window| window == value);
            if let Some(at) = found {
                disk.overwrite(&name, at as u64, b"T").unwrap();
            }
        }
        let (records, end) = read_log(&disk, LogNeeds::default());
        assert!(records.is_empty(), "{mode:?}");
        assert!(matches!(end, Err(LogError::Damage(_))), "{mode:?}: {end:?}");
    }
}

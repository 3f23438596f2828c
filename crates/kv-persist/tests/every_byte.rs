//! A log with any byte of it changed is read to a state that once was, or refused.
//!
//! What must not happen: a panic, a record that was not written, a part of a batch, or the loss of a
//! batch of which anything intact says that it was on stable storage.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in a test a panic is a failure"
)]

use std::ops::Range;

use kv_core::testing::{OwnedChange, OwnedEffect};
use kv_core::{DeleteCause, Lsn, UnixMillis, Version};
use kv_persist::disk::SECTOR_BYTES;
use kv_persist::testing::{BuiltLog, LogBuilder, ReadRecord, read_log};
use kv_persist::{LogEnd, LogError, LogNeeds};

const SEGMENT_HEADER_BYTES: usize = 64;
const NEEDS: LogNeeds =
    LogNeeds { first_segment: Some(1), log_start: Lsn::ZERO, log_end: Lsn::ZERO };

fn effect(version: u64, key: &str, change: OwnedChange) -> OwnedEffect {
    let shard = u32::try_from(key.len()).unwrap();
    OwnedEffect { shard, version: Version::new(version), key: key.into(), change }
}

fn put(version: u64, key: &str, value_bytes: usize, ttl: bool) -> OwnedEffect {
    let expiry = ttl.then(|| UnixMillis::new(1_700_000_000_000 + version));
    let value = key.bytes().cycle().take(value_bytes).collect();
    effect(version, key, OwnedChange::Put { value, expiry })
}

fn delete(version: u64, key: &str, cause: DeleteCause) -> OwnedEffect {
    effect(version, key, OwnedChange::Delete(cause))
}

fn touch(version: u64, key: &str, at: Option<u64>) -> OwnedEffect {
    effect(version, key, OwnedChange::Touch { expiry: at.map(UnixMillis::new) })
}

/// Three segments with records of all kinds; the last as it is while it is written to, without `closing`.
fn mixed_log(closing: bool) -> BuiltLog {
    let mut log = LogBuilder::new();
    log.batch(&[vec![put(1, "one", 3, false)], vec![put(2, "two", 40, true)]], false);
    log.batch(&[vec![put(3, "three", 700, false), delete(4, "one", DeleteCause::Request)]], false);
    log.batch(&[], false);
    log.segment(&[0; 600]);
    log.batch(&[vec![touch(5, "three", Some(1 << 47))], vec![touch(6, "two", None)]], false);
    let cleared = vec![effect(7, "", OwnedChange::Clear)];
    log.batch(&[cleared, vec![put(8, "four", 1, true)]], false);
    // What a recycled file held before, with a batch of its own.
    let former = LogBuilder::new().batch(&[vec![put(1, "former", 90, false)]], false).finish(&[]);
    let former = former.disk.read(&former.batches[0].file).unwrap();
    log.segment(&former);
    let evicted = delete(9, "four", DeleteCause::Evicted);
    log.batch(&[vec![put(10, "five", 600, false), evicted]], false);
    log.batch(&[vec![put(11, "six", 30, true)]], false);
    log.sync();
    log.batch(
        &[vec![delete(12, "six", DeleteCause::Expired)], vec![put(13, "a", 0, false)]],
        false,
    );
    log.batch(&[vec![put(14, "seven", 520, false)]], false);
    if closing {
        log.sync().batch(&[], true);
    }
    let log = log.finish(&[&former[..], &[0; 300]].concat());
    assert_eq!(log.disk.names().len(), 3);
    log
}

/// What reading must find, whatever bytes of a file are changed.
fn check(
    log: &BuiltLog,
    file: &str,
    changed: &Range<usize>,
    what: &str,
) -> Result<LogEnd, LogError> {
    let (records, result) = read_log(&log.disk, NEEDS);
    let is_touched = |range: &Range<usize>| range.start < changed.end && changed.start < range.end;
    // Whole batches, none but those written, from the first.
    assert_eq!(records, log.records[..records.len()], "{what}");
    let next_lsn = records.len() as u64 + 1;
    let is_border = |lsn| lsn == 1 || log.batches.iter().any(|batch| batch.next_lsn == lsn);
    assert!(is_border(next_lsn), "{what}: half a batch");
    // All that lies before the change, in files before it too.
    let before = log.batches.iter().take_while(|batch| {
        (batch.file.as_str(), batch.range.end) <= (file, changed.start)
            || batch.file.as_str() < file
    });
    let header_hit = changed.start < SEGMENT_HEADER_BYTES;
    let end = match &result {
        Err(_) if header_hit && file == log.batches[0].file => return result,
        Err(LogError::Damage(damage)) => damage.kept.map(|kept| kept.next_lsn.get()),
        Err(LogError::UnknownVersion { .. }) => return result,
        Err(other) => panic!("{what}: the disk does not fail, but {other}"),
        Ok(end) => Some(end.position.next_lsn.get()),
    };
    assert_eq!(end, Some(next_lsn), "{what}: {result:?}");
    if let Some(last) = before.last() {
        assert!(next_lsn >= last.next_lsn, "{what}: lost what lies before");
    }
    if let Ok(end) = &result {
        let last_file = &log.batches.last().unwrap().file;
        let intact = log.batches.iter().filter(|batch| {
            batch.file == *last_file && !(batch.file == file && is_touched(&batch.header()))
        });
        let proved = intact.map(|batch| batch.durable).max().unwrap_or(0);
        let in_earlier_files = log.batches.iter().filter(|batch| batch.file != *last_file);
        let proved = proved.max(in_earlier_files.map(|batch| batch.sequence).max().unwrap());
        assert!(end.position.next_sequence > proved, "{what}: cut what was on stable storage");
    }
    result
}

/// Every file of the log and its bytes.
fn files(log: &BuiltLog) -> Vec<(String, Vec<u8>)> {
    log.disk.names().into_iter().map(|name| (name.clone(), log.disk.read(&name).unwrap())).collect()
}

/// Reads the log with a file changed, and mends it.
fn with_change(
    log: &BuiltLog,
    (file, good): (&str, &[u8]),
    bad: &[u8],
    what: &str,
) -> Option<Result<LogEnd, LogError>> {
    let first = good.iter().zip(bad).position(|(a, b)| a != b)?;
    let last = good.iter().zip(bad).rposition(|(a, b)| a != b)?;
    log.disk.put(file, bad).unwrap();
    let result = check(log, file, &(first..last + 1), what);
    log.disk.put(file, good).unwrap();
    let used = log.batches.iter().rfind(|batch| batch.file == file).unwrap().range.end;
    if first >= used {
        assert!(result.is_ok(), "{what}: the rest means nothing, but {result:?}");
    }
    let is_last = log.batches.last().unwrap().file == file;
    if first < used && !is_last {
        assert!(result.is_err(), "{what}: a segment that is not the last has no torn tail");
    }
    Some(result)
}

#[test]
fn an_unchanged_log_is_read_whole() {
    for closing in [false, true] {
        let log = mixed_log(closing);
        let (records, end) = read_log(&log.disk, NEEDS);
        assert_eq!(records, log.records);
        let end = end.unwrap();
        let last = log.batches.last().unwrap();
        assert_eq!(end.position.offset, last.range.end as u64);
        assert_eq!(end.position.next_sequence, last.sequence + 1);
        assert_eq!((end.clean, end.torn.as_ref()), (closing, None));
        assert_eq!(end.segments.len(), 3);
        assert!(end.proven_offset >= SEGMENT_HEADER_BYTES as u64);
    }
}

#[test]
fn cut_off_anywhere_the_last_segment_ends_there() {
    for closing in [false, true] {
        let log = mixed_log(closing);
        let (file, good) = files(&log).pop().unwrap();
        for len in 0..good.len() {
            log.disk.put(&file, &good[..len]).unwrap();
            let what = format!("cut at {len}");
            let result = check(&log, &file, &(len..good.len()), &what);
            if len < SEGMENT_HEADER_BYTES {
                assert!(result.is_err(), "{what}");
                continue;
            }
            let end = result.unwrap();
            let is_whole = |batch: &&_| batch_is_within(batch, &file, len);
            let whole = log.batches.iter().filter(is_whole).count() as u64;
            assert_eq!(end.position.next_sequence, whole + 1, "{what}");
            // The manifest knows better.
            let log_end = end.position.next_lsn;
            let (_, refused) = read_log(&log.disk, LogNeeds { log_end, ..NEEDS });
            assert!(matches!(refused, Err(LogError::Damage(_))), "{what}");
            let log_end = Lsn::new(log_end.get() - 1);
            assert!(read_log(&log.disk, LogNeeds { log_end, ..NEEDS }).1.is_ok(), "{what}");
        }
    }
}

fn batch_is_within(batch: &kv_persist::testing::BatchSpan, file: &str, len: usize) -> bool {
    batch.file != file || batch.range.end <= len
}

#[test]
fn every_flipped_bit() {
    for closing in [false, true] {
        let log = mixed_log(closing);
        let last = log.batches.last().unwrap().sequence;
        let (mut refused, mut cut) = (0, 0);
        for (file, good) in files(&log) {
            let mut bad = good.clone();
            for bit in 0..good.len() * 8 {
                bad[bit / 8] ^= 1 << (bit % 8);
                let what = format!("{file} bit {bit}");
                match with_change(&log, (&file, &good), &bad, &what).unwrap() {
                    Ok(end) if end.position.next_sequence <= last => cut += 1,
                    Ok(_) => (),
                    Err(_) => refused += 1,
                }
                bad[bit / 8] = good[bit / 8];
            }
        }
        assert!(refused > 10_000 && cut > 300, "{refused} refused, {cut} cut");
    }
}

#[test]
fn every_block_zeroed_or_written_over_the_next() {
    for closing in [false, true] {
        let log = mixed_log(closing);
        let mut changes = 0;
        for (file, good) in files(&log) {
            // At every offset, not only those of sectors: nothing says how a device moves bytes.
            for start in 0..good.len() {
                let block = start..(start + SECTOR_BYTES).min(good.len());
                let mut bad = good.clone();
                bad[block.clone()].fill(0);
                let what = format!("{file} zeroed from {start}");
                changes += usize::from(with_change(&log, (&file, &good), &bad, &what).is_some());

                let mut bad = good.clone();
                let next = block.end..(block.end + block.len()).min(good.len());
                bad.copy_within(start..start + next.len(), next.start);
                let what = format!("{file} doubled from {start}");
                changes += usize::from(with_change(&log, (&file, &good), &bad, &what).is_some());
            }
        }
        assert!(changes > 5_000, "{changes}");
    }
}

#[test]
fn what_is_missing_between_segments_is_named() {
    let log = mixed_log(false);
    let names = log.disk.names();
    for (at, name) in names.iter().enumerate() {
        let good = log.disk.read(name).unwrap();
        kv_persist::disk::Disk::remove(&log.disk, name).unwrap();
        let (records, result) = read_log(&log.disk, NEEDS);
        if at == 2 {
            // Nothing but the manifest tells that there was a third.
            let last_lsn = records.last().map(|record: &ReadRecord| record.0);
            assert_eq!(result.unwrap().position.next_lsn.get() - 1, last_lsn.unwrap());
            let log_end = Lsn::new(log.records.len() as u64);
            let result = read_log(&log.disk, LogNeeds { log_end, ..NEEDS }).1;
            assert!(matches!(result, Err(LogError::Damage(_))));
        } else {
            let text = result.unwrap_err().to_string();
            assert!(text.contains(&format!("{name} at byte 0")), "{text}");
            assert!(text.contains("no such file"), "{text}");
            assert!(text.contains("kv-server repair"), "{text}");
        }
        log.disk.put(name, &good).unwrap();
    }
    // One in the place of another.
    let first = log.disk.read(&names[0]).unwrap();
    log.disk.put(&names[1], &first).unwrap();
    let text = read_log(&log.disk, NEEDS).1.unwrap_err().to_string();
    assert!(
        text.contains("expected the header of log segment 2, found the header of segment 1"),
        "{text}"
    );
}

#[test]
fn a_directory_without_a_log_is_a_new_log_only_when_nothing_says_otherwise() {
    let empty = kv_persist::disk::mem::MemDisk::new();
    let (_, end) = read_log(&empty, LogNeeds::default());
    let end = end.unwrap();
    assert_eq!((end.position.segment, end.position.next_lsn, end.clean), (0, Lsn::new(1), true));
    assert!(read_log(&empty, NEEDS).1.is_err());
    let log_end = Lsn::new(1);
    assert!(read_log(&empty, LogNeeds { log_end, ..LogNeeds::default() }).1.is_err());
}

#[test]
fn what_was_written_malformed_is_never_cut() {
    for effects in [&b""[..], b"\xff", &[0x11; 16], &[6; 12]] {
        let mut log = LogBuilder::new();
        log.batch(&[vec![put(1, "one", 3, false)]], false);
        let log = log.forged_batch(effects).finish(&[0; 100]);
        let (records, result) = read_log(&log.disk, NEEDS);
        assert_eq!(records, log.records);
        let is_short = effects.len() < 11;
        assert_eq!(result.is_ok(), is_short, "{effects:?}: {result:?}");
    }
}

#[test]
fn records_of_a_former_life_are_not_taken_for_those_that_a_crash_lost() {
    // The header of the second batch was written over, its record was not: it is that of the former.
    let mut former = LogBuilder::new();
    former.batch(&[vec![put(1, "same", 100, false)]], false);
    former.batch(&[vec![put(2, "same", 100, false)]], false);
    let former = former.finish(&[]);
    let mut log = LogBuilder::new();
    log.batch(&[], false);
    log.batch(&[vec![put(3, "same", 100, false)]], false);
    let log = log.finish(&[]);
    let (name, of) = (&log.batches[1].file, &former.batches[1].range);
    let record = &former.disk.read(name).unwrap()[of.start + 48..of.end];
    log.disk.overwrite(name, log.batches[1].range.start as u64 + 48, record).unwrap();
    let (records, end) = read_log(&log.disk, NEEDS);
    assert_eq!(records, []);
    assert_eq!(end.unwrap().torn.unwrap().bytes, log.batches[1].range.len() as u64);
}

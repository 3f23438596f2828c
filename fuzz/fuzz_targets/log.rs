//! The log's reader: raw files, effects under right checksums, and good logs with bytes changed.
//!
//! What must hold: no panic, no record that was not written, no more memory than the files are long.

#![no_main]

use kv_core::testing::{OwnedChange, OwnedEffect};
use kv_core::{DeleteCause, Lsn, UnixMillis, Version};
use kv_persist::LogNeeds;
use kv_persist::testing::{BuiltLog, LogBuilder, read_log};
use libfuzzer_sys::fuzz_target;

const NEEDS: LogNeeds =
    LogNeeds { first_segment: Some(1), log_start: Lsn::ZERO, log_end: Lsn::ZERO };

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else { return };
    match mode % 3 {
        0 => raw_file(rest),
        1 => forged_effects(rest),
        _ => changed_log(rest),
    }
});

/// The bytes are a segment.
fn raw_file(bytes: &[u8]) {
    let log = LogBuilder::new().finish(&[]);
    let name = log.disk.names().remove(0);
    log.disk.put(&name, bytes).unwrap();
    let (records, _end) = read_log(&log.disk, NEEDS);
    assert!(records.is_empty(), "a checksum was guessed");
}

/// The bytes are effects, one record per 256 of them.
fn forged_effects(bytes: &[u8]) {
    let mut log = LogBuilder::new();
    for effects in bytes.chunks(256) {
        log.forged_batch(effects);
    }
    let log = log.finish(&[]);
    let (records, _end) = read_log(&log.disk, NEEDS);
    assert!(records.len() <= log.batches.len());
}

/// The first half of the bytes says what a log holds, the second which of its bytes are changed.
fn changed_log(script: &[u8]) {
    let (content, changes) = script.split_at(script.len() / 2);
    let log = scripted_log(content);
    let names = log.disk.names();
    for change in changes.chunks_exact(4) {
        let &[file, low, high, byte] = change else { continue };
        let name = &names[usize::from(file) % names.len()];
        let offset = u64::from(u16::from_le_bytes([low, high])) % log.disk.size(name).unwrap();
        log.disk.overwrite(name, offset, &[byte]).unwrap();
    }
    let (records, end) = read_log(&log.disk, NEEDS);
    assert_eq!(records, log.records[..records.len()]);
    if let Ok(end) = end {
        assert_eq!(end.position.next_lsn.get(), records.len() as u64 + 1);
    }
}

fn scripted_log(script: &[u8]) -> BuiltLog {
    let mut log = LogBuilder::new();
    let mut records = Vec::new();
    for (version, &step) in (1..).zip(script) {
        let key = vec![step >> 4];
        let change = match step % 16 {
            0..6 => OwnedChange::Put { value: vec![step; usize::from(step)], expiry: None },
            6..8 => OwnedChange::Touch { expiry: Some(UnixMillis::new(version)) },
            8..10 => OwnedChange::Delete(DeleteCause::Expired),
            10..12 => {
                log.batch(&std::mem::take(&mut records), false);
                continue;
            }
            12..14 => {
                log.sync();
                continue;
            }
            14 => {
                log.segment(&[0; 64]);
                continue;
            }
            _ => {
                log.batch(&std::mem::take(&mut records), true);
                continue;
            }
        };
        records.push(vec![OwnedEffect { shard: 0, version: Version::new(version), key, change }]);
    }
    log.batch(&records, false);
    log.finish(&[0; 100])
}

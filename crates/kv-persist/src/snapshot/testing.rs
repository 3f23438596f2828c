//! Snapshots and manifests made of any bytes, for tests and fuzzing.

#![expect(clippy::missing_panics_doc, reason = "a panic is what the caller looks for")]

use std::ops::ControlFlow;

use kv_core::{Lsn, UnixMillis, Version};

use super::block::{BlockHeader, Compression};
use super::file::SnapshotFile;
use super::footer::{Footer, ShardStart, encode_end};
use super::header::{HEADER_BYTES, Header};
use crate::disk::mem::MemDisk;
use crate::format::names::snapshot_name;
use crate::manifest::Manifest;

const ID: u64 = 1;

/// Reads any bytes as a snapshot, as a block under right checksums, and as a manifest. What must hold: no
/// panic, and a manifest that is read is written the same.
pub fn fuzz_snapshot(bytes: &[u8]) {
    let Some((mode, rest)) = bytes.split_first() else { return };
    match mode % 4 {
        0 => read(rest),
        1 => read(&forged(rest, Compression::None)),
        2 => read(&forged(rest, Compression::Lz4)),
        _ => {
            let mut bytes = rest.to_vec();
            if let Some((identity, rest)) = bytes.split_first_chunk_mut::<12>()
                && let Some((sum, fields)) = rest.split_first_chunk_mut()
            {
                *sum = crc32c::crc32c_append(crc32c::crc32c(identity), fields).to_le_bytes();
            }
            if let Ok(manifest) = Manifest::decode(&bytes) {
                assert_eq!(manifest.encode(), bytes, "a manifest has one form");
            }
        }
    }
}

fn read(bytes: &[u8]) {
    let disk = MemDisk::new();
    disk.put(&snapshot_name(ID), bytes).expect("the name is a plain one");
    let Ok(file) = SnapshotFile::open(&disk, ID) else { return };
    let (mut keys, expected) = (0, file.footer().keys);
    let outcome = file.for_each(|_| {
        keys += 1;
        ControlFlow::Continue(())
    });
    assert!(outcome.is_err() || keys == expected, "a snapshot that is whole has all its keys");
}

/// A snapshot of one block: its entries and raw bytes are the first six bytes, the rest is what is stored.
fn forged(bytes: &[u8], compression: Compression) -> Vec<u8> {
    let Some((&[e0, e1, r0, r1, r2, r3], stored)) = bytes.split_first_chunk() else {
        return Vec::new();
    };
    let stored_bytes = u32::try_from(stored.len()).unwrap_or(u32::MAX);
    let raw_bytes = match compression {
        Compression::None => stored_bytes,
        Compression::Lz4 => u32::from_le_bytes([r0, r1, r2, r3]),
    };
    let entries = u16::from_le_bytes([e0, e1]).into();
    let block = BlockHeader { index: 0, shard: 0, entries, compression, raw_bytes, stored_bytes };
    let header = Header { id: ID, created: UnixMillis::new(0), shards: 1 };
    let content = [&header.encode(), &block.encode(&[stored])[..], stored].concat();
    let offset = content.len() as u64;
    let footer = Footer {
        keys: entries.into(),
        raw_bytes: raw_bytes.into(),
        log_start: Lsn::ZERO,
        log_end: Lsn::ZERO,
        last_version: Version::NONE,
        blocks: 1,
        shards: vec![ShardStart { position: Lsn::ZERO, offset: HEADER_BYTES as u64 }],
    };
    [content, footer.encode(), encode_end(offset).to_vec()].concat()
}

#[cfg(test)]
mod tests {
    use kv_core::{Change, Effect};
    use proptest::prelude::*;

    use super::*;
    use crate::format::effect::put_effect;

    #[test]
    fn a_forged_block_can_be_a_good_one() {
        let mut effects = Vec::new();
        for key in [b"a", b"b", b"c"] {
            let change = Change::Put { value: b"value", expiry: None };
            put_effect(&mut effects, &Effect { shard: 0, version: Version::new(1), key, change });
        }
        let raw_bytes = u32::try_from(effects.len()).unwrap().to_le_bytes();
        let packed = lz4_flex::block::compress(&effects);
        for (compression, stored) in [(Compression::None, effects), (Compression::Lz4, packed)] {
            let bytes = [&3_u16.to_le_bytes()[..], &raw_bytes, &stored].concat();
            let disk = MemDisk::new();
            disk.put(&snapshot_name(ID), &forged(&bytes, compression)).unwrap();
            SnapshotFile::open(&disk, ID).unwrap().verify().unwrap();
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_readers_panic(
            mode in 0..4_u8,
            head in prop::collection::vec(0..40_u8, 6),
            rest in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            fuzz_snapshot(&[&[mode], &head[..], &rest].concat());
        }
    }
}

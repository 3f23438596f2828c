//! The end of a snapshot: totals, the position of every shard, and where its blocks begin.

use bytes::{Buf, BufMut};
use kv_core::{Lsn, Version};

use super::block::{BLOCK_HEADER_BYTES, EFFECT_BYTES_MIN, LZ4_RATIO_MAX};
use super::damage::{Flaw, check_sum};
use super::header::HEADER_BYTES;

/// Length of the end, after the footer.
pub(super) const END_BYTES: usize = 16;

const END_MAGIC: &[u8; 8] = b"kv-snap\x01";
const MAGIC: u32 = u32::from_le_bytes(*b"kvF1");
const FIXED_BYTES: usize = 56;
const SHARD_BYTES: usize = 16;

/// Bytes before those that the checksum covers.
const UNCHECKED_BYTES: usize = 8;

/// What a snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footer {
    /// Entries in all blocks; a key that moved while its shard was copied counts twice.
    pub keys: u64,
    /// Bytes of all effects.
    pub raw_bytes: u64,
    /// The least of the shards' positions.
    pub log_start: Lsn,
    /// The snapshot means nothing unless the log is there up to this position.
    pub log_end: Lsn,
    /// No key had a greater version, deleted ones included.
    pub last_version: Version,
    /// Number of blocks.
    pub blocks: u32,
    /// The shards it was copied from, in order.
    pub shards: Vec<ShardStart>,
}

/// Where a shard begins, in the log and in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardStart {
    /// Effects of the shard at this position and before are in the snapshot.
    pub position: Lsn,
    /// Where its first block is, or would be.
    pub offset: u64,
}

impl Footer {
    /// The position of a shard: what the log has for it after this is to be replayed. Effects of a shard
    /// that the snapshot does not know are all to be replayed.
    ///
    /// A clear concerns every shard. It is to be replayed when it comes after [`log_start`](Self::log_start):
    /// what was copied after it has greater versions, and stays.
    pub fn position(&self, shard: u32) -> Lsn {
        self.shards.get(shard as usize).map_or(Lsn::ZERO, |shard| shard.position)
    }

    /// The position of every shard, in order; see [`position`](Self::position).
    pub fn positions(&self) -> Vec<Lsn> {
        self.shards.iter().map(|shard| shard.position).collect()
    }

    /// Length of the footer of a snapshot of so many shards.
    pub(super) fn bytes(shards: u32) -> u64 {
        FIXED_BYTES as u64 + SHARD_BYTES as u64 * u64::from(shards)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut fields = Vec::new();
        fields.put_u64_le(self.keys);
        fields.put_u64_le(self.raw_bytes);
        fields.put_u64_le(self.log_start.get());
        fields.put_u64_le(self.log_end.get());
        fields.put_u32_le(self.blocks);
        fields.put_u32_le(u32::try_from(self.shards.len()).unwrap_or(u32::MAX));
        fields.put_u64_le(self.last_version.get());
        for shard in &self.shards {
            fields.put_u64_le(shard.position.get());
            fields.put_u64_le(shard.offset);
        }
        let mut out = Vec::with_capacity(UNCHECKED_BYTES + fields.len() + END_BYTES);
        out.put_u32_le(MAGIC);
        out.put_u32_le(crc32c::crc32c(&fields));
        out.put_slice(&fields);
        out
    }

    /// Reads the footer that begins at byte `offset` of a snapshot of so many shards.
    pub(super) fn decode(bytes: &[u8], offset: u64, shards: u32) -> Result<Self, Flaw> {
        if bytes.len() as u64 != Self::bytes(shards) {
            let (given, expected) = (bytes.len(), Self::bytes(shards));
            return Err(Flaw::new(format!(
                "the footer is {given} bytes long, and that of {shards} shards has {expected}"
            )));
        }
        let (mut start, mut fields) = bytes.split_at(UNCHECKED_BYTES);
        let magic = start.get_u32_le();
        if magic != MAGIC {
            return Err(Flaw::new(format!(
                "not a footer: it begins with {magic:#010x}, expected {MAGIC:#010x}"
            )));
        }
        check_sum("footer", start.get_u32_le(), crc32c::crc32c(fields))?;
        let mut footer = Self {
            keys: fields.get_u64_le(),
            raw_bytes: fields.get_u64_le(),
            log_start: Lsn::new(fields.get_u64_le()),
            log_end: Lsn::new(fields.get_u64_le()),
            last_version: Version::NONE,
            blocks: fields.get_u32_le(),
            shards: Vec::new(),
        };
        let count = fields.get_u32_le();
        if count != shards {
            return Err(Flaw::new(format!("the footer has {count} shards, expected {shards}")));
        }
        footer.last_version = Version::new(fields.get_u64_le());
        let shard = |mut bytes: &[u8]| ShardStart {
            position: Lsn::new(bytes.get_u64_le()),
            offset: bytes.get_u64_le(),
        };
        footer.shards = fields.chunks_exact(SHARD_BYTES).map(shard).collect();
        footer.check(offset)?;
        Ok(footer)
    }

    /// What every footer fulfils that begins at byte `offset`. Memory is reserved by what it says.
    fn check(&self, offset: u64) -> Result<(), Flaw> {
        let room = offset.saturating_sub(HEADER_BYTES as u64);
        let (keys, blocks) = (self.keys, u64::from(self.blocks));
        let totals_are_possible = keys <= self.raw_bytes / EFFECT_BYTES_MIN
            && self.raw_bytes <= room.saturating_mul(LZ4_RATIO_MAX)
            && blocks <= keys
            && blocks * BLOCK_HEADER_BYTES as u64 <= room;
        if !totals_are_possible {
            let raw_bytes = self.raw_bytes;
            return Err(Flaw::new(format!(
                "{keys} entries of {raw_bytes} bytes cannot be in {blocks} blocks of {room} bytes"
            )));
        }
        let offsets = || self.shards.iter().map(|shard| shard.offset);
        let starts_right = offsets().next() == Some(HEADER_BYTES as u64);
        let ends_right = offsets().next_back().is_some_and(|last| last <= offset);
        if !starts_right || !ends_right || !offsets().is_sorted() {
            return Err(Flaw::new("the shards do not follow each other between header and footer"));
        }
        let positions = || self.shards.iter().map(|shard| shard.position);
        let (least, greatest) = (positions().min(), positions().max());
        if least != Some(self.log_start) || greatest.is_none_or(|last| last > self.log_end) {
            return Err(Flaw::new("the shards' positions are not those of the log"));
        }
        Ok(())
    }
}

/// The last bytes of a file whose footer begins at byte `offset`.
pub(super) fn encode_end(offset: u64) -> [u8; END_BYTES] {
    let mut bytes = [0; END_BYTES];
    let mut rest = bytes.as_mut_slice();
    rest.put_u64_le(offset);
    rest.put_slice(END_MAGIC);
    bytes
}

/// Where the footer begins.
pub(super) fn decode_end(bytes: &[u8; END_BYTES]) -> Result<u64, Flaw> {
    let (mut offset, magic) = bytes.split_at(8);
    if magic != END_MAGIC {
        return Err(Flaw::new(format!(
            "the file does not end as a snapshot does: {magic:02x?}, expected {END_MAGIC:02x?}"
        )));
    }
    Ok(offset.get_u64_le())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFSET: u64 = 1000;

    fn footer() -> Footer {
        let start = |position, offset| ShardStart { position: Lsn::new(position), offset };
        Footer {
            keys: 20,
            raw_bytes: 900,
            log_start: Lsn::new(5),
            log_end: Lsn::new(9),
            last_version: Version::new(77),
            blocks: 3,
            shards: vec![start(5, 64), start(6, 500), start(9, 500)],
        }
    }

    fn decode(footer: &Footer) -> Result<Footer, Flaw> {
        let shards = u32::try_from(footer.shards.len()).unwrap();
        Footer::decode(&footer.encode(), OFFSET, shards)
    }

    #[test]
    fn footers_come_back() {
        assert_eq!(decode(&footer()), Ok(footer()));
        assert_eq!(decode_end(&encode_end(OFFSET)), Ok(OFFSET));
        assert_eq!(footer().position(1), Lsn::new(6));
        assert_eq!(footer().position(3), Lsn::ZERO, "a shard of another process");
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let bytes = footer().encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Footer::decode(&flipped, OFFSET, 3).is_err(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(Footer::decode(&bytes[..len], OFFSET, 3).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn totals_that_cannot_be_are_refused() {
        for wrong in [
            Footer { keys: 70, ..footer() },
            Footer { keys: 2, ..footer() },
            Footer { keys: u64::MAX, raw_bytes: u64::MAX, ..footer() },
            Footer { raw_bytes: 936 * 255 + 1, ..footer() },
            Footer { blocks: 30, keys: 60, ..footer() },
            Footer { log_start: Lsn::new(4), ..footer() },
            Footer { log_end: Lsn::new(8), ..footer() },
            Footer { shards: Vec::new(), ..footer() },
        ] {
            assert!(decode(&wrong).is_err(), "{wrong:?}");
        }
        for (shard, offset) in [(0, 65), (1, 63), (2, 499), (2, 1001)] {
            let mut wrong = footer();
            wrong.shards[shard].offset = offset;
            assert!(decode(&wrong).is_err(), "shard {shard} at {offset}");
        }
    }
}

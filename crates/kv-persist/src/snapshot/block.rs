//! The header of a block: which entries follow, of which shard, and how they are stored.

use bytes::{Buf, BufMut};

use super::damage::Flaw;

/// Length of a block's header.
pub(super) const BLOCK_HEADER_BYTES: usize = 32;

/// The most bytes a compressed block may unpack to.
pub(super) const PACKED_RAW_BYTES_MAX: u32 = 8 << 20;

/// LZ4 makes at most this many bytes of one.
pub(super) const LZ4_RATIO_MAX: u64 = 255;

/// The fewest bytes a put takes: kind, shard and version, and two lengths.
pub(super) const EFFECT_BYTES_MIN: u64 = 13;

const MAGIC: u32 = u32::from_le_bytes(*b"kvS1");

/// Bytes before those that the checksum covers.
const UNCHECKED_BYTES: usize = 8;

/// How a block's effects are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    /// As they are.
    None,
    /// In LZ4's block format.
    Lz4,
}

impl Compression {
    fn code(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Lz4 => 1,
        }
    }
}

/// A block without what is stored in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockHeader {
    /// Number of the block, across shards.
    pub(super) index: u32,
    /// The shard whose entries it holds.
    pub(super) shard: u32,
    /// How many.
    pub(super) entries: u32,
    /// How they are stored.
    pub(super) compression: Compression,
    /// Length of the effects.
    pub(super) raw_bytes: u32,
    /// Length of what is stored.
    pub(super) stored_bytes: u32,
}

impl BlockHeader {
    /// The header's bytes, given what is stored, in as many parts as it comes.
    pub(super) fn encode(&self, stored: &[&[u8]]) -> [u8; BLOCK_HEADER_BYTES] {
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        let (mut start, fields) = bytes.split_at_mut(UNCHECKED_BYTES);
        let mut rest = &mut *fields;
        rest.put_u32_le(self.index);
        rest.put_u32_le(self.shard);
        rest.put_u32_le(self.entries);
        rest.put_u32_le(self.compression.code());
        rest.put_u32_le(self.raw_bytes);
        rest.put_u32_le(self.stored_bytes);
        start.put_u32_le(MAGIC);
        start.put_u32_le(checksum(fields, stored));
        bytes
    }

    /// Reads a header whose checksum is still to be checked: nothing in it may be relied on but that its
    /// lengths are possible.
    pub(super) fn decode(bytes: &[u8; BLOCK_HEADER_BYTES]) -> Result<Self, Flaw> {
        let mut rest = bytes.as_slice();
        let (magic, _checksum) = (rest.get_u32_le(), rest.get_u32_le());
        if magic != MAGIC {
            return Err(Flaw::new(format!(
                "not a block: it begins with {magic:#010x}, expected {MAGIC:#010x}"
            )));
        }
        let (index, shard, entries) = (rest.get_u32_le(), rest.get_u32_le(), rest.get_u32_le());
        let compression = match rest.get_u32_le() {
            0 => Compression::None,
            1 => Compression::Lz4,
            other => return Err(Flaw::new(format!("compression {other}; 0 and 1 are known"))),
        };
        let (raw_bytes, stored_bytes) = (rest.get_u32_le(), rest.get_u32_le());
        let header = Self { index, shard, entries, compression, raw_bytes, stored_bytes };
        header.check()?;
        Ok(header)
    }

    fn check(&self) -> Result<(), Flaw> {
        let Self { entries, raw_bytes, stored_bytes, .. } = *self;
        if entries == 0 || u64::from(entries) * EFFECT_BYTES_MIN > u64::from(raw_bytes) {
            return Err(Flaw::new(format!("{entries} entries cannot be {raw_bytes} bytes long")));
        }
        let is_possible = match self.compression {
            Compression::None => raw_bytes == stored_bytes,
            Compression::Lz4 => {
                raw_bytes <= PACKED_RAW_BYTES_MAX
                    && u64::from(raw_bytes) <= u64::from(stored_bytes) * LZ4_RATIO_MAX
            }
        };
        if is_possible {
            return Ok(());
        }
        let compression = self.compression;
        Err(Flaw::new(format!(
            "{raw_bytes} bytes cannot be stored as {stored_bytes} with compression {compression:?}"
        )))
    }
}

/// Checks a block, header and what is stored, against its checksum.
pub(super) fn verify_block(header: &[u8; BLOCK_HEADER_BYTES], stored: &[u8]) -> Result<(), Flaw> {
    let (start, fields) = header.split_at(UNCHECKED_BYTES);
    let (_magic, mut found) = start.split_at(4);
    super::damage::check_sum("block", found.get_u32_le(), checksum(fields, &[stored]))
}

fn checksum(fields: &[u8], stored: &[&[u8]]) -> u32 {
    stored.iter().fold(crc32c::crc32c(fields), |sum, part| crc32c::crc32c_append(sum, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(raw_bytes: u32, stored_bytes: u32) -> BlockHeader {
        let compression = Compression::Lz4;
        BlockHeader { index: 3, shard: 7, entries: 1, compression, raw_bytes, stored_bytes }
    }

    #[test]
    fn headers_come_back_whatever_the_parts() {
        let header = packed(100, 6);
        let bytes = header.encode(&[b"abc", b"", b"def"]);
        assert_eq!(bytes, header.encode(&[b"abcdef"]));
        assert_eq!(BlockHeader::decode(&bytes), Ok(header));
        assert_eq!(verify_block(&bytes, b"abcdef"), Ok(()));
        assert!(verify_block(&bytes, b"abcdeg").is_err());
    }

    #[test]
    fn lengths_that_cannot_be_are_refused_before_anything_is_allocated() {
        let decode = |header: BlockHeader| BlockHeader::decode(&header.encode(&[]));
        assert!(decode(packed(255 * 6, 6)).is_ok());
        assert!(decode(packed(255 * 6 + 1, 6)).is_err());
        let max = PACKED_RAW_BYTES_MAX;
        assert!(decode(packed(max, max)).is_ok());
        assert!(decode(packed(max + 1, max)).is_err());
        let plain = BlockHeader { compression: Compression::None, ..packed(u32::MAX, u32::MAX) };
        assert!(decode(plain).is_ok());
        assert!(decode(BlockHeader { stored_bytes: 5, ..plain }).is_err());
        for (entries, is_fine) in [(0, false), (1, true), (2, true), (3, false)] {
            let header = BlockHeader { entries, ..packed(26, 26) };
            assert_eq!(decode(header).is_ok(), is_fine, "{entries} entries");
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let stored = b"stored bytes";
        let bytes = packed(100, 12).encode(&[stored]);
        for bit in 0..BLOCK_HEADER_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let outcome =
                BlockHeader::decode(&flipped).and_then(|_| verify_block(&flipped, stored));
            assert!(outcome.is_err(), "bit {bit}");
        }
    }
}

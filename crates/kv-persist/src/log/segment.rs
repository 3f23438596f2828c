//! Segment headers: what a log file begins with.

use crc32c::{crc32c, crc32c_append};
use kv_core::Lsn;

use crate::format::Malformed;
use crate::format::bytes::{take_array, take_u32, take_u64};

/// Bytes of a segment header.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 64;

/// The version of the log's format that is written, and the last one that is read.
pub(crate) const LOG_VERSION: u32 = 1;

/// What a segment begins with.
pub(crate) const LOG_MAGIC: &[u8; 8] = b"kv-log\0\0";

const MAGIC: [u8; 8] = *LOG_MAGIC;

/// What a log file begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// As in the file's name.
    pub(crate) id: u64,
    /// Random: batches of a recycled file's former life do not match it.
    pub(crate) salt: u64,
    /// Sequence of the first batch.
    pub(crate) first_batch: u64,
    /// Position of the first record.
    pub(crate) first_lsn: Lsn,
    /// Milliseconds since the Unix epoch.
    pub(crate) created_ms: u64,
}

/// Why bytes are not a segment header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SegmentHeaderFault {
    #[error("the beginning of no log segment")]
    NotASegment,
    #[error("a log segment of version {found}, and this program knows versions 1 to {LOG_VERSION}")]
    UnknownVersion { found: u32 },
    #[error("a header with checksum {found:#010x} whose bytes make {computed:#010x}")]
    Checksum { found: u32, computed: u32 },
    #[error("a header whose reserved bytes are not zero")]
    Reserved,
}

impl SegmentHeader {
    /// The header as it is written.
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut out = [0; SEGMENT_HEADER_BYTES];
        out[0..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&LOG_VERSION.to_le_bytes());
        out[16..24].copy_from_slice(&self.id.to_le_bytes());
        out[24..32].copy_from_slice(&self.salt.to_le_bytes());
        out[32..40].copy_from_slice(&self.first_batch.to_le_bytes());
        out[40..48].copy_from_slice(&self.first_lsn.get().to_le_bytes());
        out[48..56].copy_from_slice(&self.created_ms.to_le_bytes());
        let checksum = checksum(&out);
        out[12..16].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// The header at the front of `bytes`.
    ///
    /// # Errors
    /// [`SegmentHeaderFault`].
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, SegmentHeaderFault> {
        let header = bytes.first_chunk().ok_or(SegmentHeaderFault::NotASegment)?;
        Self::take_fields(header).unwrap_or(Err(SegmentHeaderFault::NotASegment))
    }

    fn take_fields(
        bytes: &[u8; SEGMENT_HEADER_BYTES],
    ) -> Result<Result<Self, SegmentHeaderFault>, Malformed> {
        let mut rest = bytes.as_slice();
        if take_array(&mut rest)? != MAGIC {
            return Ok(Err(SegmentHeaderFault::NotASegment));
        }
        let version = take_u32(&mut rest)?;
        if version != LOG_VERSION {
            return Ok(Err(SegmentHeaderFault::UnknownVersion { found: version }));
        }
        let (found, computed) = (take_u32(&mut rest)?, checksum(bytes));
        if found != computed {
            return Ok(Err(SegmentHeaderFault::Checksum { found, computed }));
        }
        let header = Self {
            id: take_u64(&mut rest)?,
            salt: take_u64(&mut rest)?,
            first_batch: take_u64(&mut rest)?,
            first_lsn: Lsn::new(take_u64(&mut rest)?),
            created_ms: take_u64(&mut rest)?,
        };
        let reserved = take_u64(&mut rest)?;
        Ok(if reserved == 0 { Ok(header) } else { Err(SegmentHeaderFault::Reserved) })
    }
}

fn checksum(bytes: &[u8; SEGMENT_HEADER_BYTES]) -> u32 {
    crc32c_append(crc32c(&bytes[..12]), &bytes[16..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: SegmentHeader = SegmentHeader {
        id: 0x0102_0304_0506_0708,
        salt: 0x1112_1314_1516_1718,
        first_batch: 0x2122_2324_2526_2728,
        first_lsn: Lsn::new(0x3132_3334_3536_3738),
        created_ms: 0x4142_4344_4546_4748,
    };

    #[test]
    fn every_byte_is_where_the_page_says() {
        let bytes = HEADER.encode();
        assert_eq!(bytes[..12], *b"kv-log\0\0\x01\0\0\0");
        assert_eq!(bytes[12..16], crc32c(&[&bytes[..12], &bytes[16..]].concat()).to_le_bytes());
        for (start, low) in [(16, 0x08), (24, 0x18), (32, 0x28), (40, 0x38), (48, 0x48)] {
            let expected: Vec<u8> = (low - 7..=low).rev().collect();
            assert_eq!(bytes[start..start + 8], expected, "at {start}");
        }
        assert_eq!(bytes[56..], [0; 8]);
    }

    #[test]
    fn faults_are_told_apart() {
        let good = HEADER.encode();
        let decode = |change: &dyn Fn(&mut [u8])| {
            let mut bytes = good;
            change(&mut bytes);
            SegmentHeader::decode(&bytes)
        };
        assert_eq!(decode(&|_| ()), Ok(HEADER));
        assert_eq!(SegmentHeader::decode(&good[..63]), Err(SegmentHeaderFault::NotASegment));
        assert_eq!(decode(&|bytes| bytes[0] = b'x'), Err(SegmentHeaderFault::NotASegment));
        let newer = SegmentHeaderFault::UnknownVersion { found: 2 };
        assert_eq!(decode(&|bytes| bytes[8] = 2), Err(newer));
        assert_eq!(
            newer.to_string(),
            "a log segment of version 2, and this program knows versions 1 to 1"
        );
        let checksum = decode(&|bytes| bytes[16] ^= 1);
        assert!(matches!(checksum, Err(SegmentHeaderFault::Checksum { .. })));
        let reserved = decode(&|bytes| {
            bytes[63] = 1;
            let checksum = crc32c(&[&bytes[..12], &bytes[16..]].concat());
            bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
        });
        assert_eq!(reserved, Err(SegmentHeaderFault::Reserved));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for bit in 0..SEGMENT_HEADER_BYTES * 8 {
            let mut bytes = HEADER.encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&bytes).is_err(), "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn headers_survive(id: u64, salt: u64, first_batch: u64, first_lsn: u64, created_ms: u64) {
            let first_lsn = Lsn::new(first_lsn);
            let header = SegmentHeader { id, salt, first_batch, first_lsn, created_ms };
            prop_assert_eq!(SegmentHeader::decode(&header.encode()), Ok(header));
        }
    }
}

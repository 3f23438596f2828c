//! Batch headers: what one write appends begins with one.

use crc32c::{crc32c, crc32c_append};
use kv_core::Lsn;

use crate::format::Malformed;
use crate::format::bytes::{take_u32, take_u64};

/// Bytes of a batch header.
pub(crate) const BATCH_HEADER_BYTES: usize = 48;

/// What a batch header begins with.
pub(crate) const BATCH_MAGIC: [u8; 4] = *b"kvB1";

/// The flag of a batch that nothing follows.
const CLOSING: u32 = 1;

/// What precedes the records of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    /// Grows by one from batch to batch; the first is 1.
    pub(crate) sequence: u64,
    /// Position of the first record, or of the next one when there is none here.
    pub(crate) first_lsn: Lsn,
    /// How many records follow.
    pub(crate) records: u32,
    /// Written at a clean stop.
    pub(crate) closing: bool,
    /// Length of the records together.
    pub(crate) bytes: u64,
    /// Sequence of the last batch that was known to be on stable storage; below this one's.
    pub(crate) durable: u64,
}

impl BatchHeader {
    /// The header as it is written to a segment with this salt.
    pub(crate) fn encode(&self, salt: u64) -> [u8; BATCH_HEADER_BYTES] {
        let mut out = [0; BATCH_HEADER_BYTES];
        out[0..4].copy_from_slice(&BATCH_MAGIC);
        out[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        out[16..24].copy_from_slice(&self.first_lsn.get().to_le_bytes());
        out[24..28].copy_from_slice(&self.records.to_le_bytes());
        let flags = if self.closing { CLOSING } else { 0 };
        out[28..32].copy_from_slice(&flags.to_le_bytes());
        out[32..40].copy_from_slice(&self.bytes.to_le_bytes());
        out[40..48].copy_from_slice(&self.durable.to_le_bytes());
        let checksum = checksum(&out, salt);
        out[4..8].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// The header at the front of `bytes`, if one of a segment with this salt is there.
    pub(crate) fn decode(bytes: &[u8], salt: u64) -> Option<Self> {
        let bytes: &[u8; BATCH_HEADER_BYTES] = bytes.first_chunk()?;
        if !bytes.starts_with(&BATCH_MAGIC) {
            return None;
        }
        Self::take_fields(bytes, salt).ok().flatten()
    }

    fn take_fields(bytes: &[u8; BATCH_HEADER_BYTES], salt: u64) -> Result<Option<Self>, Malformed> {
        let mut rest = &bytes[4..];
        if take_u32(&mut rest)? != checksum(bytes, salt) {
            return Ok(None);
        }
        let sequence = take_u64(&mut rest)?;
        let first_lsn = Lsn::new(take_u64(&mut rest)?);
        let records = take_u32(&mut rest)?;
        let flags = take_u32(&mut rest)?;
        let bytes = take_u64(&mut rest)?;
        let durable = take_u64(&mut rest)?;
        let header =
            Self { sequence, first_lsn, records, closing: flags == CLOSING, bytes, durable };
        Ok(Some(header).filter(|_| flags & !CLOSING == 0 && durable < sequence))
    }

    /// The position after this batch.
    pub(crate) fn next_lsn(&self) -> Lsn {
        Lsn::new(self.first_lsn.get().saturating_add(self.records.into()))
    }
}

fn checksum(bytes: &[u8; BATCH_HEADER_BYTES], salt: u64) -> u32 {
    crc32c_append(crc32c(&salt.to_le_bytes()), &bytes[8..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_header() -> impl Strategy<Value = BatchHeader> {
        (any::<[u64; 3]>(), 1_u64.., any::<u32>(), any::<bool>()).prop_map(
            |([first_lsn, bytes, durable], sequence, records, closing)| BatchHeader {
                sequence,
                first_lsn: Lsn::new(first_lsn),
                records,
                closing,
                bytes,
                durable: durable % sequence,
            },
        )
    }

    #[test]
    fn every_byte_is_where_the_page_says() {
        let header = BatchHeader {
            sequence: 0x0102_0304_0506_0708,
            first_lsn: Lsn::new(0x1112_1314_1516_1718),
            records: 0x2122_2324,
            closing: true,
            bytes: 0x3132_3334_3536_3738,
            durable: 9,
        };
        let bytes = header.encode(5);
        assert_eq!(bytes[..4], *b"kvB1");
        let covered = [&5_u64.to_le_bytes(), &bytes[8..]].concat();
        assert_eq!(bytes[4..8], crc32c(&covered).to_le_bytes());
        assert_eq!(bytes[8..16], [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(bytes[16..24], [0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11]);
        assert_eq!(bytes[24..32], [0x24, 0x23, 0x22, 0x21, 1, 0, 0, 0]);
        assert_eq!(bytes[32..40], [0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31]);
        assert_eq!(bytes[40..], [9, 0, 0, 0, 0, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn headers_survive(header in any_header(), salt: u64) {
            prop_assert_eq!(BatchHeader::decode(&header.encode(salt), salt), Some(header));
        }

        #[test]
        fn a_flipped_bit_is_noticed(header in any_header(), salt: u64, bit in 0_usize..48 * 8) {
            let mut bytes = header.encode(salt);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(BatchHeader::decode(&bytes, salt), None);
        }

        #[test]
        fn a_header_of_another_life_is_none(header in any_header(), salt: u64, bit in 0..64) {
            prop_assert_eq!(BatchHeader::decode(&header.encode(salt), salt ^ (1_u64 << bit)), None);
        }

        #[test]
        fn random_bytes_are_no_header(mut bytes: Vec<u8>, salt: u64) {
            for (byte, magic) in bytes.iter_mut().zip(BATCH_MAGIC) {
                *byte = magic;
            }
            prop_assert_eq!(BatchHeader::decode(&bytes, salt), None);
        }
    }
}

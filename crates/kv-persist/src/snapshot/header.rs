//! The first 64 bytes of a snapshot.

use bytes::{Buf, BufMut};
use kv_core::{SHARDS_MAX, UnixMillis};

use super::damage::{Flaw, check_sum};

/// Length of the header.
pub(super) const HEADER_BYTES: usize = 64;

/// The format version written, and the highest that is read.
pub(crate) const SNAPSHOT_VERSION: u32 = 1;

/// What a snapshot begins with.
pub(crate) const SNAPSHOT_MAGIC: &[u8; 8] = b"kv-snap\0";

const MAGIC: &[u8; 8] = SNAPSHOT_MAGIC;

/// Where the checksum and what follows it are.
const FIELDS_AT: usize = 16;

const RESERVED_BYTES: usize = 28;

/// What a snapshot says of itself in the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its number, as in the file's name.
    pub id: u64,
    /// When it was begun.
    pub created: UnixMillis,
    /// How many shards it was copied from.
    pub shards: u32,
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut fields = Vec::with_capacity(HEADER_BYTES - FIELDS_AT);
        fields.put_u64_le(self.id);
        fields.put_u64_le(self.created.get());
        fields.put_u32_le(self.shards);
        fields.put_bytes(0, RESERVED_BYTES);
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.put_slice(MAGIC);
        out.put_u32_le(SNAPSHOT_VERSION);
        out.put_u32_le(crc32c::crc32c_append(crc32c::crc32c(&out), &fields));
        out.put_slice(&fields);
        out
    }

    pub(super) fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, Flaw> {
        let (start, mut fields) = bytes.split_at(FIELDS_AT);
        let (identity, mut stored) = start.split_at(12);
        let (magic, mut version) = identity.split_at(8);
        if magic != MAGIC {
            return Err(Flaw::new(format!(
                "not a snapshot: its first bytes are {magic:02x?}, expected {MAGIC:02x?}"
            )));
        }
        let version = version.get_u32_le();
        if version != SNAPSHOT_VERSION {
            return Err(Flaw::Version { found: version, known: SNAPSHOT_VERSION });
        }
        let expected = crc32c::crc32c_append(crc32c::crc32c(identity), fields);
        check_sum("header", stored.get_u32_le(), expected)?;
        let header = Self {
            id: fields.get_u64_le(),
            created: UnixMillis::new(fields.get_u64_le()),
            shards: fields.get_u32_le(),
        };
        if header.shards == 0 || header.shards as usize > SHARDS_MAX {
            let shards = header.shards;
            return Err(Flaw::new(format!("{shards} shards; 1 to {SHARDS_MAX} are allowed")));
        }
        if fields.iter().any(|byte| *byte != 0) {
            return Err(Flaw::new("a reserved field of the header is not 0"));
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(shards: u32) -> Header {
        Header { id: 9, created: UnixMillis::new(1_700_000_000_000), shards }
    }

    fn decode(bytes: &[u8]) -> Result<Header, Flaw> {
        Header::decode(bytes.try_into().unwrap())
    }

    #[test]
    fn headers_come_back_and_shards_have_bounds() {
        let max = u32::try_from(SHARDS_MAX).unwrap();
        for shards in [1, 1024, max] {
            assert_eq!(decode(&header(shards).encode()), Ok(header(shards)));
        }
        for shards in [0, max + 1] {
            assert!(decode(&header(shards).encode()).is_err(), "{shards}");
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let bytes = header(16).encode();
        for bit in 0..HEADER_BYTES * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let outcome = decode(&flipped);
            let is_version = matches!(outcome, Err(Flaw::Version { known: SNAPSHOT_VERSION, .. }));
            assert_eq!(is_version, (64..96).contains(&bit), "bit {bit}: {outcome:?}");
            assert!(outcome.is_err(), "bit {bit}");
        }
    }
}

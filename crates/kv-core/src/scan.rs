//! Iteration in pages: what is asked, what comes back, and the cursor between.

use bytes::Bytes;

use crate::StoreError;
use crate::types::{Lsn, Value, Version};

/// Length of an encoded cursor in bytes.
pub const CURSOR_BYTES: usize = 17;

/// First byte of an encoded cursor: the format's version.
const CURSOR_FORMAT: u8 = 1;

/// What a scan returns.
#[derive(Debug, Clone, Copy)]
pub struct ScanSpec<'a> {
    /// Only keys that start with this.
    pub prefix: &'a [u8],
    /// Entries per page at most; 0 for the limit's maximum.
    pub page_keys: usize,
    /// A page ends with the entry that reaches this many bytes; 0 for the limit's maximum.
    pub page_bytes: usize,
    /// Return values too.
    pub values: bool,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanPage {
    /// The entries found; may be empty before the end.
    pub entries: Vec<ScanEntry>,
    /// Where to go on; `None` at the end.
    pub next: Option<ScanCursor>,
    /// As [`Reply::lsn`](crate::Reply::lsn): the latest write shown that was not safe yet.
    pub lsn: Lsn,
}

/// One key found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanEntry {
    /// The key.
    pub key: Bytes,
    /// The value, when asked for.
    pub value: Option<Value>,
    /// The key's version.
    pub version: Version,
    /// Remaining time to live.
    pub ttl_ms: Option<u64>,
}

/// A place in the iteration of one store: by shard, then by position in it.
///
/// ```text
/// byte  0        1..9            9..13        13..17
///       format   store identity  shard u32    position u32      (little endian)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanCursor {
    /// Identity of the store that issued it: positions mean nothing to another. `None` when that is not
    /// known; it is then just a position.
    pub(crate) store: Option<u64>,
    /// The shard to go on in.
    pub(crate) shard: u32,
    /// Keys with this fingerprint or a greater one are still to be visited.
    pub(crate) position: u32,
}

impl ScanCursor {
    /// Writes the cursor as one number, below 2^48 and not 0: for protocols where 0 is the start and the
    /// end, and where a client may keep numbers as floating point.
    pub fn to_u64(self) -> u64 {
        u64::from(self.shard) << u32::BITS | u64::from(self.position)
    }

    /// Reads a cursor from a number; `None` for 0, the start. Any number is a position: one that no page
    /// of the store gave leads to some of its keys, or to the end.
    pub fn from_u64(number: u64) -> Option<Self> {
        if number == 0 {
            return None;
        }
        let shard = u32::try_from(number >> u32::BITS).ok()?;
        let position = u32::try_from(number & u64::from(u32::MAX)).ok()?;
        Some(Self { store: None, shard, position })
    }

    /// Writes the cursor as bytes.
    pub fn encode(self) -> [u8; CURSOR_BYTES] {
        let fields = [CURSOR_FORMAT]
            .into_iter()
            .chain(self.store.unwrap_or_default().to_le_bytes())
            .chain(self.shard.to_le_bytes())
            .chain(self.position.to_le_bytes());
        let mut out = [0; CURSOR_BYTES];
        out.iter_mut().zip(fields).for_each(|(byte, field)| *byte = field);
        out
    }

    /// Reads a cursor from bytes. Whose it is, the store checks.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`] when the bytes are not a cursor.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let bytes: &[u8; CURSOR_BYTES] =
            bytes.try_into().map_err(|_wrong_length| StoreError::CursorInvalid)?;
        let (&[format], rest) = bytes.split_first_chunk::<1>().ok_or(StoreError::CursorInvalid)?;
        let (store, rest) = rest.split_first_chunk::<8>().ok_or(StoreError::CursorInvalid)?;
        let (shard, rest) = rest.split_first_chunk::<4>().ok_or(StoreError::CursorInvalid)?;
        let (position, _) = rest.split_first_chunk::<4>().ok_or(StoreError::CursorInvalid)?;
        if format != CURSOR_FORMAT {
            return Err(StoreError::CursorInvalid);
        }
        Ok(Self {
            store: Some(u64::from_le_bytes(*store)),
            shard: u32::from_le_bytes(*shard),
            position: u32::from_le_bytes(*position),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_encoding_and_garbage_is_refused() {
        let cursor =
            ScanCursor { store: Some(0x0102_0304_0506_0708), shard: 9, position: u32::MAX };
        let bytes = cursor.encode();
        assert_eq!(ScanCursor::decode(&bytes), Ok(cursor));
        assert_eq!(ScanCursor::decode(&bytes[1..]), Err(StoreError::CursorInvalid));
        assert_eq!(ScanCursor::decode(&[]), Err(StoreError::CursorInvalid));
        let mut other_format = bytes;
        other_format[0] = 2;
        assert_eq!(ScanCursor::decode(&other_format), Err(StoreError::CursorInvalid));
    }

    #[test]
    fn cursors_survive_as_numbers_that_floating_point_can_hold() {
        let last_shard = u32::try_from(crate::SHARDS_MAX).unwrap() - 1;
        for (shard, position) in [(0, 1), (0, u32::MAX), (1, 7), (last_shard, u32::MAX)] {
            let cursor = ScanCursor { store: Some(1), shard, position };
            let number = cursor.to_u64();
            assert!(number > 0 && number < 1 << 48, "{number}");
            assert_eq!(ScanCursor::from_u64(number), Some(ScanCursor { store: None, ..cursor }));
        }
        assert_eq!(ScanCursor::from_u64(0), None);
        assert!(ScanCursor::from_u64(u64::MAX).is_some());
    }
}

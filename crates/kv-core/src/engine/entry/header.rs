//! The bytes in front of an entry's key: what each means.
//!
//! ```text
//! byte  0        8             12            16
//!       version  policy bits   lengths       [long lengths u32, u32]  [expiry u64]  [shared value u64]
//!       u64      u32           and flags u32                                        key, inline value
//!
//! bit   0             19           27        32
//!       block length  key length   flags           of the lengths and flags
//! ```
//!
//! All numbers are little endian. Keys of more than 255 bytes have the long lengths: of the block, and of the key.
//! A shared value is a pointer to it, and takes the place of the inline value.

use crate::limits::KEY_BYTES_HARD_MAX;
use crate::types::UnixMillis;

use super::SHARED_VALUE_BYTES_MIN;

/// Where the version is.
pub(super) const VERSION_AT: usize = 0;

/// Where the policy's bits are.
pub(super) const BITS_AT: usize = 8;

const LENGTHS_AT: usize = 12;
const LONG_LENGTHS_AT: usize = 16;

/// Bytes without the optional parts.
const HEADER_BYTES: usize = 16;
const LONG_LENGTHS_BYTES: usize = 8;
const EXPIRY_BYTES: usize = 8;
const SHARED_BYTES: usize = 8;

/// Bytes in front of the key at most.
const FRONT_BYTES_MAX: usize = HEADER_BYTES + LONG_LENGTHS_BYTES + EXPIRY_BYTES + SHARED_BYTES;

const BLOCK_LENGTH_BITS: u32 = 19;
const KEY_LENGTH_BITS: u32 = 8;
const FLAGS_AT: u32 = BLOCK_LENGTH_BITS + KEY_LENGTH_BITS;

/// The longest key whose length is in the header.
const SHORT_KEY_BYTES_MAX: usize = (1 << KEY_LENGTH_BITS) - 1;

/// There is an expiry. The flags 3 and 4 are kept, for compressed and on-disk values.
const HAS_EXPIRY: u32 = 1 << FLAGS_AT;

/// There are long lengths.
const IS_LONG: u32 = 1 << (FLAGS_AT + 1);

/// The value is shared.
const IS_SHARED: u32 = 1 << (FLAGS_AT + 2);

const _: () = assert!(
    FRONT_BYTES_MAX + SHORT_KEY_BYTES_MAX + SHARED_VALUE_BYTES_MIN < 1 << BLOCK_LENGTH_BITS,
    "only a long key makes a block too long for the header"
);
const _: () = assert!(
    FRONT_BYTES_MAX + KEY_BYTES_HARD_MAX + SHARED_VALUE_BYTES_MIN < u32::MAX as usize,
    "no block is too long for the long lengths"
);

/// What is looked at to tell the length of a block. Every block has at least so many bytes.
pub(super) const HEAD_BYTES: usize = LONG_LENGTHS_AT + LONG_LENGTHS_BYTES;

/// The beginning of a block.
pub(super) type Head = [u8; HEAD_BYTES];

/// How an entry's block is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) key_len: usize,
    pub(super) has_expiry: bool,
    pub(super) is_shared: bool,
    /// Of the whole block: what is in front, key and inline value.
    pub(super) block_len: usize,
}

impl Layout {
    /// The layout for a key and a value of these lengths.
    #[inline]
    pub(super) const fn new(key_len: usize, value_len: usize, has_expiry: bool) -> Self {
        let is_shared = value_len >= SHARED_VALUE_BYTES_MIN;
        let inline_len = if is_shared { 0 } else { value_len };
        let mut layout = Self { key_len, has_expiry, is_shared, block_len: 0 };
        layout.block_len = layout.key_at() + key_len + inline_len;
        layout
    }

    /// The layout that a block begins with. Memory safety rests on it: what is read here must never change
    /// while the block lives.
    #[inline]
    pub(super) fn read(head: &Head) -> Self {
        let word = number(head, LENGTHS_AT);
        let (has_expiry, is_shared) = (word & HAS_EXPIRY != 0, word & IS_SHARED != 0);
        if word & IS_LONG != 0 {
            let (block_len, key_len) =
                (number(head, LONG_LENGTHS_AT), number(head, LONG_LENGTHS_AT + 4));
            let (key_len, block_len) = (key_len as usize, block_len as usize);
            return Self { key_len, has_expiry, is_shared, block_len };
        }
        let key_len = (word >> BLOCK_LENGTH_BITS) as usize & SHORT_KEY_BYTES_MAX;
        let block_len = word as usize & ((1 << BLOCK_LENGTH_BITS) - 1);
        Self { key_len, has_expiry, is_shared, block_len }
    }

    /// Whether there are long lengths.
    #[inline]
    const fn is_long(self) -> bool {
        self.key_len > SHORT_KEY_BYTES_MAX
    }

    /// Where the expiry is, if there is one.
    #[inline]
    pub(super) const fn expiry_at(self) -> usize {
        if self.is_long() { HEADER_BYTES + LONG_LENGTHS_BYTES } else { HEADER_BYTES }
    }

    /// Where the pointer to the shared value is, if there is one.
    #[inline]
    pub(super) const fn shared_at(self) -> usize {
        if self.has_expiry { self.expiry_at() + EXPIRY_BYTES } else { self.expiry_at() }
    }

    /// Where the key is.
    #[inline]
    pub(super) const fn key_at(self) -> usize {
        if self.is_shared { self.shared_at() + SHARED_BYTES } else { self.shared_at() }
    }

    /// Bytes to allocate for the block.
    #[inline]
    pub(super) const fn allocation_len(self) -> usize {
        if self.block_len < HEAD_BYTES { HEAD_BYTES } else { self.block_len }
    }
}

/// What is in front of a key: without version, policy bits and shared value.
pub(super) struct Front {
    bytes: [u8; FRONT_BYTES_MAX],
    len: usize,
}

impl Front {
    /// What is in front of a key in a block of this layout.
    #[inline]
    pub(super) fn new(layout: Layout, expiry: Option<UnixMillis>) -> Self {
        let mut bytes = [0; FRONT_BYTES_MAX];
        let as_u32 = |length: usize| u32::try_from(length).expect("limits keep blocks below 2^32");
        let flags = if layout.has_expiry { HAS_EXPIRY } else { 0 }
            | if layout.is_shared { IS_SHARED } else { 0 };
        let (block_len, key_len) = (as_u32(layout.block_len), as_u32(layout.key_len));
        let word = if layout.is_long() {
            put(&mut bytes, LONG_LENGTHS_AT, block_len.to_le_bytes());
            put(&mut bytes, LONG_LENGTHS_AT + 4, key_len.to_le_bytes());
            IS_LONG | flags
        } else {
            block_len | key_len << BLOCK_LENGTH_BITS | flags
        };
        put(&mut bytes, LENGTHS_AT, word.to_le_bytes());
        if let Some(expiry) = expiry {
            put(&mut bytes, layout.expiry_at(), expiry.get().to_le_bytes());
        }
        Self { bytes, len: layout.key_at() }
    }

    /// The bytes.
    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Writes a field.
#[inline]
pub(super) fn put<const N: usize>(block: &mut [u8], at: usize, field: [u8; N]) {
    block[at..at + N].copy_from_slice(&field);
}

/// Reads a field.
#[inline]
pub(super) fn get<const N: usize>(block: &[u8], at: usize) -> [u8; N] {
    *block[at..].first_chunk().expect("a block has all its fields")
}

#[inline]
fn number(head: &Head, at: usize) -> u32 {
    u32::from_le_bytes(get(head, at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_layout_is_read_back_as_it_was_written(
            key_len in prop_oneof![0_usize..300, Just(SHORT_KEY_BYTES_MAX), Just(KEY_BYTES_HARD_MAX)],
            value_len in 0_usize..2 * SHARED_VALUE_BYTES_MIN,
            expiry in proptest::option::of(0_u64..1 << 48),
        ) {
            let layout = Layout::new(key_len, value_len, expiry.is_some());
            let front = Front::new(layout, expiry.map(UnixMillis::new));
            let mut head = [0xA5; HEAD_BYTES];
            let len = front.as_slice().len().min(HEAD_BYTES);
            head[..len].copy_from_slice(&front.as_slice()[..len]);
            prop_assert_eq!(Layout::read(&head), layout);
            let inline_len = if layout.is_shared { 0 } else { value_len };
            prop_assert_eq!(front.as_slice().len() + key_len + inline_len, layout.block_len);
        }
    }
}

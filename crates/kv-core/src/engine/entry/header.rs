//! The bytes in front of an entry's key: what each means.
//!
//! ```text
//! byte  0        8            12            16
//!       version  policy bits  lengths       [long lengths u32, u32]  [expiry u64]  [shared value u64]
//!       u64      u24, 0       and flags u32                                        key, inline value
//!
//! bit   0             19          27       31
//!       block length  key length  flags    0    of the lengths and flags
//! ```
//!
//! Small blocks with an expiry are packed: their 16 bytes have all of it, as long as version and expiry fit
//! (`packed`).
//!
//! ```text
//! byte  0                     8            11             14       16
//!       version, lower expiry policy bits  upper expiry   lengths  key, inline value
//!       u49, u15              u24          u24            u16
//!
//! bit   0             9           15
//!       block length  key length  1    of the lengths
//! ```
//!
//! All numbers are little endian. Keys of more than 255 bytes have the long lengths: of the block, and of the key.
//! A shared value is a pointer to it, and takes the place of the inline value.

use crate::engine::stored::Form;
use crate::eviction::PolicyBits;
use crate::limits::KEY_BYTES_HARD_MAX;

use super::SHARED_VALUE_BYTES_MIN;
use super::packed::{self, IS_PACKED};

/// Where the version is.
const VERSION_AT: usize = 0;

/// Where the policy's bits are, in either form.
const BITS_AT: usize = 8;

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

/// There is an expiry behind the header. A byte behind the policy's bits is kept, for values on disk.
const HAS_EXPIRY: u32 = 1 << FLAGS_AT;

/// There are long lengths.
const IS_LONG: u32 = 1 << (FLAGS_AT + 1);

/// The value is shared.
const IS_SHARED: u32 = 1 << (FLAGS_AT + 2);

/// The value is compressed.
const IS_COMPRESSED: u32 = 1 << (FLAGS_AT + 3);

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

/// What a header says beside lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) version: u64,
    pub(super) policy_bits: PolicyBits,
    /// In milliseconds.
    pub(super) expiry: Option<u64>,
}

/// How an entry's block is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) key_len: usize,
    /// Which of [`IS_PACKED`], [`HAS_EXPIRY`], [`IS_SHARED`] and [`IS_COMPRESSED`] are set. As they are read: every
    /// read looks at some of them.
    flags: u32,
    /// Of the whole block: what is in front, key and inline value.
    pub(super) block_len: usize,
}

impl Layout {
    /// The layout for a key and a value of these lengths. It follows from what the header will say and nothing
    /// else, so that memory is known before it is needed.
    #[inline]
    pub(super) const fn new(
        key_len: usize,
        Form { len: kept_len, is_compressed, is_shared }: Form,
        version: u64,
        expiry: Option<u64>,
    ) -> Self {
        let inline_len = if is_shared { 0 } else { kept_len };
        let packed_len = HEADER_BYTES + key_len + inline_len;
        let flags = if is_shared { IS_SHARED } else { 0 }
            | if is_compressed { IS_COMPRESSED } else { 0 }
            | match expiry {
                Some(expiry)
                    if packed::fits_lengths(packed_len, key_len)
                        && !is_shared
                        && !is_compressed
                        && packed::fits_version(version)
                        && packed::fits_expiry(expiry) =>
                {
                    IS_PACKED
                }
                Some(_) => HAS_EXPIRY,
                None => 0,
            };
        let mut layout = Self { key_len, flags, block_len: 0 };
        layout.block_len = layout.key_at() + key_len + inline_len;
        layout
    }

    /// The layout that a block begins with. Memory safety rests on it: while the block lives, what is read here may
    /// change to [another with the same places](Self::has_places_of) and to nothing else.
    #[inline]
    pub(super) fn read(head: &Head) -> Self {
        // Not the whole word: the policy's bits in its lower half may just have been written, and a processor that
        // is to read them together with what is beside them waits until everything before is done.
        let word = number(head, LENGTHS_AT);
        if word & IS_PACKED != 0 {
            let (block_len, key_len) = packed::lengths(word);
            return Self { key_len, flags: IS_PACKED, block_len };
        }
        let (key_len, block_len) = if word & IS_LONG == 0 {
            let key_len = (word >> BLOCK_LENGTH_BITS) as usize & SHORT_KEY_BYTES_MAX;
            (key_len, word as usize & ((1 << BLOCK_LENGTH_BITS) - 1))
        } else {
            let block_len = number(head, LONG_LENGTHS_AT) as usize;
            (number(head, LONG_LENGTHS_AT + 4) as usize, block_len)
        };
        Self { key_len, flags: word & (HAS_EXPIRY | IS_SHARED | IS_COMPRESSED), block_len }
    }

    #[inline]
    const fn has(self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// Whether the value is shared.
    #[inline]
    pub(super) const fn is_shared(self) -> bool {
        self.has(IS_SHARED)
    }

    /// Whether the value is compressed.
    #[inline]
    pub(super) const fn is_compressed(self) -> bool {
        self.has(IS_COMPRESSED)
    }

    /// Whether key and value are in the same places of a block of the same length, and the value in the same form.
    #[inline]
    pub(super) fn has_places_of(self, other: Self) -> bool {
        const OF_VALUE: u32 = IS_SHARED | IS_COMPRESSED;
        let places = |layout: Self| (layout.block_len, layout.key_at(), layout.key_len);
        places(self) == places(other) && self.flags & OF_VALUE == other.flags & OF_VALUE
    }

    /// Whether another version leaves the layout as it is, for certain.
    #[inline]
    pub(super) const fn takes_version(self, version: u64) -> bool {
        !self.has(HAS_EXPIRY) && (!self.has(IS_PACKED) || packed::fits_version(version))
    }

    /// Whether there are long lengths.
    #[inline]
    const fn is_long(self) -> bool {
        self.key_len > SHORT_KEY_BYTES_MAX
    }

    /// Where the expiry is, if it is behind the header.
    #[inline]
    const fn expiry_at(self) -> usize {
        if self.is_long() { HEADER_BYTES + LONG_LENGTHS_BYTES } else { HEADER_BYTES }
    }

    /// Where the pointer to the shared value is, if there is one.
    #[inline]
    pub(super) const fn shared_at(self) -> usize {
        if self.has(HAS_EXPIRY) { self.expiry_at() + EXPIRY_BYTES } else { self.expiry_at() }
    }

    /// Where the key is.
    #[inline]
    pub(super) const fn key_at(self) -> usize {
        if self.is_shared() { self.shared_at() + SHARED_BYTES } else { self.shared_at() }
    }

    /// Bytes to allocate for the block.
    #[inline]
    pub(super) const fn allocation_len(self) -> usize {
        if self.block_len < HEAD_BYTES { HEAD_BYTES } else { self.block_len }
    }

    /// What the header says of the expiry, in milliseconds.
    #[inline]
    pub(super) fn read_expiry(self, block: &[u8]) -> Option<u64> {
        if self.has(IS_PACKED) {
            return Some(packed::expiry(word(block, VERSION_AT), word(block, BITS_AT)));
        }
        self.has(HAS_EXPIRY).then(|| word(block, self.expiry_at()))
    }
}

/// What is in front of a key: without the pointer to a shared value, for which there is a place.
pub(super) struct Front {
    bytes: [u8; FRONT_BYTES_MAX],
    layout: Layout,
}

impl Front {
    /// What is in front of a key in a block of this layout, which follows from the fields.
    #[inline]
    pub(super) fn new(layout: Layout, fields: &Fields) -> Self {
        let mut front = Self { bytes: [0; FRONT_BYTES_MAX], layout };
        match fields.expiry {
            Some(expiry) if layout.has(IS_PACKED) => front.write_packed(fields, expiry),
            _ => front.write(fields),
        }
        front
    }

    #[inline]
    fn write_packed(&mut self, fields: &Fields, expiry: u64) {
        let lengths = (self.layout.block_len, self.layout.key_len);
        let (first, second) = packed::pack((fields.version, expiry), fields.policy_bits, lengths);
        put(&mut self.bytes, VERSION_AT, first.to_le_bytes());
        put(&mut self.bytes, BITS_AT, second.to_le_bytes());
    }

    #[inline]
    fn write(&mut self, fields: &Fields) {
        let (bytes, layout) = (&mut self.bytes, self.layout);
        let as_u32 = |length: usize| u32::try_from(length).expect("limits keep blocks below 2^32");
        let (block_len, key_len) = (as_u32(layout.block_len), as_u32(layout.key_len));
        let word = if layout.is_long() {
            put(bytes, LONG_LENGTHS_AT, block_len.to_le_bytes());
            put(bytes, LONG_LENGTHS_AT + 4, key_len.to_le_bytes());
            IS_LONG | layout.flags
        } else {
            block_len | key_len << BLOCK_LENGTH_BITS | layout.flags
        };
        put(bytes, VERSION_AT, fields.version.to_le_bytes());
        put(bytes, BITS_AT, fields.policy_bits.0.to_le_bytes());
        put(bytes, LENGTHS_AT, word.to_le_bytes());
        if let (true, Some(expiry)) = (layout.has(HAS_EXPIRY), fields.expiry) {
            put(bytes, layout.expiry_at(), expiry.to_le_bytes());
        }
    }

    /// The bytes.
    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.layout.key_at()]
    }

    /// The bytes in front of the pointer to a shared value.
    #[inline]
    pub(super) fn before_shared(&self) -> &[u8] {
        &self.bytes[..self.layout.shared_at()]
    }

    /// The layout that is read back from the bytes.
    #[inline]
    pub(super) fn layout(&self) -> Layout {
        Layout::read(
            self.bytes.first_chunk().expect("there are more bytes in front than in a head"),
        )
    }
}

/// Whether there is an expiry, wherever it is.
#[inline]
pub(super) fn has_expiry(head: &Head) -> bool {
    number(head, LENGTHS_AT) & (IS_PACKED | HAS_EXPIRY) != 0
}

/// The version that a head says.
#[inline]
pub(super) fn version(head: &Head) -> u64 {
    let first = word(head, VERSION_AT);
    if is_packed(head) { packed::version(first) } else { first }
}

/// Replaces the version by one that [the layout takes](Layout::takes_version).
#[inline]
pub(super) fn set_version(head: &mut Head, version: u64) {
    let first = word(head, VERSION_AT);
    let first = if is_packed(head) { packed::with_version(first, version) } else { version };
    put(head, VERSION_AT, first.to_le_bytes());
}

/// What a head says of the policy.
#[inline]
pub(super) fn policy_bits(head: &Head) -> PolicyBits {
    PolicyBits(number(head, BITS_AT) & PolicyBits::MAX.0)
}

/// Replaces the policy's bits. What is beside them stays.
#[inline]
pub(super) fn set_policy_bits(head: &mut Head, bits: PolicyBits) {
    let beside = number(head, BITS_AT) & !PolicyBits::MAX.0;
    put(head, BITS_AT, (beside | bits.0 & PolicyBits::MAX.0).to_le_bytes());
}

#[inline]
fn is_packed(head: &Head) -> bool {
    number(head, LENGTHS_AT) & IS_PACKED != 0
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
fn number(block: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(get(block, at))
}

#[inline]
fn word(block: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(get(block, at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::entry::packed::NO_VERSION;

    fn version() -> impl Strategy<Value = u64> {
        let edge = NO_VERSION + (1 << 49);
        prop_oneof![
            any::<u64>(),
            NO_VERSION - 2..NO_VERSION + 2,
            edge - 2..edge + 2,
            NO_VERSION..edge
        ]
    }

    fn expiry() -> impl Strategy<Value = u64> {
        let (start, edge) = (NO_VERSION / 1000, NO_VERSION / 1000 + (1 << 39));
        prop_oneof![0..1_u64 << 48, start - 2..start + 2, edge - 2..edge + 2, start..edge]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            key_len in prop_oneof![
                0_usize..300,
                62_usize..66,
                Just(SHORT_KEY_BYTES_MAX),
                Just(KEY_BYTES_HARD_MAX),
            ],
            value_len in prop_oneof![0_usize..600, 0..2 * SHARED_VALUE_BYTES_MIN],
            version in version(),
            bits in 0_u32..1 << PolicyBits::BITS,
            is_compressed: bool,
            expiry in proptest::option::of(expiry()),
        ) {
            let form = Form { is_compressed, ..Form::plain(value_len) };
            let layout = Layout::new(key_len, form, version, expiry);
            let fields = Fields { version, policy_bits: PolicyBits(bits), expiry };
            let front = Front::new(layout, &fields);
            prop_assert_eq!(front.layout(), layout);
            // Whatever is in the block behind it.
            let mut block = [0xA5; FRONT_BYTES_MAX];
            block[..front.as_slice().len()].copy_from_slice(front.as_slice());
            let head = block.first_chunk().unwrap();
            prop_assert_eq!(Layout::read(head), layout);
            prop_assert_eq!(super::version(head), version);
            prop_assert_eq!(policy_bits(head), PolicyBits(bits));
            prop_assert_eq!(layout.read_expiry(&block), expiry);
            prop_assert_eq!(has_expiry(head), expiry.is_some());
            let inline_len = if layout.is_shared() { 0 } else { value_len };
            prop_assert_eq!(front.as_slice().len() + key_len + inline_len, layout.block_len);
        }
    }

    #[test]
    fn a_small_block_with_an_expiry_is_no_larger_than_one_without() {
        let (version, expiry) = (NO_VERSION + 1, Some(NO_VERSION / 1000 + 1));
        let behind = |key_len, value_len, version, expiry| {
            Layout::new(key_len, Form::plain(value_len), version, expiry).has(HAS_EXPIRY)
        };
        for (key_len, value_len) in [(0, 0), (16, 64), (63, 0), (63, 432), (0, 495)] {
            let form = Form::plain(value_len);
            let with = Layout::new(key_len, form, version, expiry);
            let without = Layout::new(key_len, form, version, None);
            assert!(with.has_places_of(without), "{key_len} and {value_len}: {with:?}");
        }
        for (key_len, value_len) in [(64, 0), (63, 433), (0, 496), (0, SHARED_VALUE_BYTES_MIN)] {
            assert!(behind(key_len, value_len, version, expiry), "{key_len} and {value_len}");
        }
        assert!(behind(16, 64, NO_VERSION - 1, expiry), "an old version");
        assert!(behind(16, 64, NO_VERSION + (1 << 49), expiry), "a late version");
        assert!(behind(16, 64, version, Some(0)), "an old expiry");
        assert!(behind(16, 64, version, Some(1 << 48)), "a late expiry");
        let compressed = Form { is_compressed: true, ..Form::plain(64) };
        assert!(Layout::new(16, compressed, version, expiry).has(HAS_EXPIRY), "no room to say so");
    }

    #[test]
    fn bits_are_replaced_and_nothing_beside_them() {
        for expiry in [None, Some(NO_VERSION / 1000 + 0x7F_FFFF_FFFF)] {
            let layout = Layout::new(16, Form::plain(64), NO_VERSION + 5, expiry);
            let fields = Fields { version: NO_VERSION + 5, policy_bits: PolicyBits(0), expiry };
            let mut head: Head = *Front::new(layout, &fields).bytes.first_chunk().unwrap();
            for bits in [PolicyBits::MAX, PolicyBits(0), PolicyBits(u32::MAX), PolicyBits(1)] {
                set_policy_bits(&mut head, bits);
                assert_eq!(policy_bits(&head).0, bits.0 & PolicyBits::MAX.0);
                assert_eq!(Layout::read(&head), layout);
                assert_eq!(super::version(&head), NO_VERSION + 5);
                assert_eq!(layout.read_expiry(&head), expiry);
            }
        }
    }
}

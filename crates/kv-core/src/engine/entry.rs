//! One key with everything that belongs to it, in one allocation.
//!
//! ```text
//! byte  0        8             12               16            16 or 24
//!       version  policy bits   key length u24   [expiry u64]  key, value
//!       u64      u32           and flags u8                   (little endian)
//! ```
//!
//! A value of [`SHARED_VALUE_BYTES_MIN`] or more lives in a buffer of its own that readers share by
//! reference count, so that a read of a large value costs no copy under the shard's lock.

#![expect(clippy::indexing_slicing, reason = "the layout is this module's invariant")]

use bytes::Bytes;

use super::evaluate::Stored;
use super::memory::allocated_bytes;
use crate::eviction::PolicyBits;
use crate::limits::KEY_BYTES_HARD_MAX;
use crate::types::{UnixMillis, Version};

/// From this length on, a value is shared with its readers instead of copied.
pub(crate) const SHARED_VALUE_BYTES_MIN: usize = 16 << 10;

const VERSION_AT: usize = 0;
const BITS_AT: usize = 8;
const LENGTH_AT: usize = 12;
const EXPIRY_AT: usize = 16;

/// Flag: the header is followed by an expiry. Flags 2 and 4 are kept for compressed and on-disk values.
const HAS_EXPIRY: u8 = 1;

/// Heap bytes a shared value takes beyond its own: the reference count `Bytes` allocates on sharing.
const SHARED_VALUE_HEADER_BYTES: usize = 24;

const _: () = assert!(size_of::<Entry>() == 16, "the table's slots hold entries by value");
const _: () = assert!(KEY_BYTES_HARD_MAX < 1 << 24, "the key's length has 24 bits");

/// A key, its value, version, expiry and policy bits.
#[derive(Debug, Clone)]
pub(crate) struct Entry(Body);

#[derive(Debug, Clone)]
enum Body {
    /// Header, key and value in one block.
    Inline(Box<[u8]>),
    /// Header and key in one block, and the value beside it.
    Shared(Box<SharedBody>),
}

#[derive(Debug, Clone)]
struct SharedBody {
    block: Box<[u8]>,
    value: Bytes,
}

impl Entry {
    /// Copies a key and a value into a new entry without version and policy bits.
    pub(crate) fn new(key: &[u8], value: &[u8], expiry: Option<UnixMillis>) -> Self {
        if value.len() < SHARED_VALUE_BYTES_MIN {
            Self(Body::Inline(block(key, value, expiry)))
        } else {
            let value = Bytes::copy_from_slice(value);
            Self(Body::Shared(Box::new(SharedBody { block: block(key, &[], expiry), value })))
        }
    }

    /// A new entry with a value that is stored already: a large one is shared.
    pub(crate) fn sharing(key: &[u8], value: Stored<'_>, expiry: Option<UnixMillis>) -> Self {
        match value {
            Stored::Owned(value) => Self::new(key, value, expiry),
            Stored::Shared(value) => {
                let block = block(key, &[], expiry);
                Self(Body::Shared(Box::new(SharedBody { block, value: value.clone() })))
            }
        }
    }

    #[inline]
    fn block(&self) -> &[u8] {
        match &self.0 {
            Body::Inline(block) => block,
            Body::Shared(shared) => &shared.block,
        }
    }

    fn block_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Body::Inline(block) => block,
            Body::Shared(shared) => &mut shared.block,
        }
    }

    #[inline]
    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        *self.block()[at..].first_chunk().expect("a block holds its whole header")
    }

    fn set_field<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        self.block_mut()[at..at + N].copy_from_slice(&bytes);
    }

    #[inline]
    fn has_expiry(&self) -> bool {
        self.block()[LENGTH_AT + 3] & HAS_EXPIRY != 0
    }

    #[inline]
    fn key_at(&self) -> usize {
        header_bytes(self.has_expiry())
    }

    #[inline]
    fn key_len(&self) -> usize {
        let [low, middle, high, _flags] = self.field(LENGTH_AT);
        u32::from_le_bytes([low, middle, high, 0]) as usize
    }

    /// The version.
    #[inline]
    pub(crate) fn version(&self) -> Version {
        Version::new(u64::from_le_bytes(self.field(VERSION_AT)))
    }

    /// Replaces the version.
    pub(crate) fn set_version(&mut self, version: Version) {
        self.set_field(VERSION_AT, version.get().to_le_bytes());
    }

    /// What the eviction policy keeps here.
    #[inline]
    pub(crate) fn policy_bits(&self) -> PolicyBits {
        PolicyBits(u32::from_le_bytes(self.field(BITS_AT)))
    }

    /// Replaces what the eviction policy keeps here.
    #[inline]
    pub(crate) fn set_policy_bits(&mut self, bits: PolicyBits) {
        self.set_field(BITS_AT, bits.0.to_le_bytes());
    }

    /// When the key ends.
    #[inline]
    pub(crate) fn expiry(&self) -> Option<UnixMillis> {
        self.has_expiry().then(|| UnixMillis::new(u64::from_le_bytes(self.field(EXPIRY_AT))))
    }

    /// Whether the key's time has come.
    #[inline]
    pub(crate) fn is_expired(&self, now: UnixMillis) -> bool {
        self.expiry().is_some_and(|expiry| expiry <= now)
    }

    /// Replaces the expiry. Copies the block when the entry had none before or has none after.
    pub(crate) fn set_expiry(&mut self, expiry: Option<UnixMillis>) {
        match expiry {
            Some(at) if self.has_expiry() => self.set_field(EXPIRY_AT, at.get().to_le_bytes()),
            None if !self.has_expiry() => {}
            _ => self.rebuild_block(expiry),
        }
    }

    fn rebuild_block(&mut self, expiry: Option<UnixMillis>) {
        let (version, bits) = (self.version(), self.policy_bits());
        let rest = &self.block()[self.key_at()..];
        let (key, inline_value) = rest.split_at(self.key_len());
        let rebuilt = block(key, inline_value, expiry);
        match &mut self.0 {
            Body::Inline(block) => *block = rebuilt,
            Body::Shared(shared) => shared.block = rebuilt,
        }
        self.set_version(version);
        self.set_policy_bits(bits);
    }

    /// The key.
    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        &self.block()[self.key_at()..][..self.key_len()]
    }

    /// The value.
    #[inline]
    pub(crate) fn value(&self) -> &[u8] {
        match &self.0 {
            Body::Inline(block) => &block[self.key_at() + self.key_len()..],
            Body::Shared(shared) => &shared.value,
        }
    }

    /// The value, and how a copy of it is made.
    #[inline]
    pub(crate) fn stored(&self) -> Stored<'_> {
        match &self.0 {
            Body::Inline(_) => Stored::Owned(self.value()),
            Body::Shared(shared) => Stored::Shared(&shared.value),
        }
    }

    /// Whether the value is shared with readers.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.0, Body::Shared(_))
    }

    /// Bytes of key and value.
    pub(crate) fn payload_bytes(&self) -> u64 {
        (self.key_len() + self.value().len()) as u64
    }

    /// Heap bytes, as the allocator rounds them.
    pub(crate) fn heap_bytes(&self) -> u64 {
        Self::heap_bytes_of(self.key_len(), self.value().len(), self.has_expiry())
    }

    /// Of the heap bytes, those that another entry [`sharing`](Self::sharing) the value takes over when this
    /// one goes.
    pub(crate) fn shared_value_bytes(&self) -> u64 {
        if self.is_shared() { shared_value_bytes(self.value().len()) as u64 } else { 0 }
    }

    /// Heap bytes after [`set_expiry`](Self::set_expiry).
    pub(crate) fn heap_bytes_with(&self, expiry: Option<UnixMillis>) -> u64 {
        Self::heap_bytes_of(self.key_len(), self.value().len(), expiry.is_some())
    }

    /// Heap bytes of an entry with these lengths.
    pub(crate) fn heap_bytes_of(key_len: usize, value_len: usize, has_expiry: bool) -> u64 {
        let block = header_bytes(has_expiry) + key_len;
        let total = if value_len < SHARED_VALUE_BYTES_MIN {
            allocated_bytes(block + value_len)
        } else {
            allocated_bytes(block)
                + allocated_bytes(size_of::<SharedBody>())
                + shared_value_bytes(value_len)
        };
        total as u64
    }
}

#[inline]
const fn header_bytes(has_expiry: bool) -> usize {
    if has_expiry { EXPIRY_AT + 8 } else { EXPIRY_AT }
}

const fn shared_value_bytes(value_len: usize) -> usize {
    allocated_bytes(value_len) + allocated_bytes(SHARED_VALUE_HEADER_BYTES)
}

fn block(key: &[u8], inline_value: &[u8], expiry: Option<UnixMillis>) -> Box<[u8]> {
    let key_len = u32::try_from(key.len()).expect("limits keep keys below 2^24 bytes");
    let [low, middle, high, _] = key_len.to_le_bytes();
    let flags = if expiry.is_some() { HAS_EXPIRY } else { 0 };
    let mut block =
        Vec::with_capacity(header_bytes(expiry.is_some()) + key.len() + inline_value.len());
    block.extend_from_slice(&[0; LENGTH_AT]);
    block.extend_from_slice(&[low, middle, high, flags]);
    if let Some(at) = expiry {
        block.extend_from_slice(&at.get().to_le_bytes());
    }
    block.extend_from_slice(key);
    block.extend_from_slice(inline_value);
    block.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_field_reads_back_whatever_is_set_in_whatever_order(
            key in proptest::collection::vec(any::<u8>(), 0..300),
            value_len in prop_oneof![0_usize..64, SHARED_VALUE_BYTES_MIN - 2..SHARED_VALUE_BYTES_MIN + 2],
            expiries in proptest::collection::vec(proptest::option::of(1_u64..1 << 48), 1..6),
            version: u64,
            bits: u32,
        ) {
            let value: Vec<u8> = (0_u8..=255).cycle().take(value_len).collect();
            let first = expiries[0].map(UnixMillis::new);
            let mut entry = Entry::new(&key, &value, first);
            entry.set_version(Version::new(version));
            entry.set_policy_bits(PolicyBits(bits));
            for expiry in expiries {
                let expiry = expiry.map(UnixMillis::new);
                let predicted = entry.heap_bytes_with(expiry);
                entry.set_expiry(expiry);
                prop_assert_eq!(entry.heap_bytes(), predicted);
                prop_assert_eq!(entry.expiry(), expiry);
                prop_assert_eq!(entry.key(), key.as_slice());
                prop_assert_eq!(entry.value(), value.as_slice());
                prop_assert_eq!(&entry.stored().to_bytes()[..], value.as_slice());
                prop_assert_eq!(entry.version(), Version::new(version));
                prop_assert_eq!(entry.policy_bits(), PolicyBits(bits));
                prop_assert_eq!(entry.payload_bytes(), (key.len() + value.len()) as u64);
            }
        }
    }
}

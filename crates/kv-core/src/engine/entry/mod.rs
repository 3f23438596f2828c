//! One key with everything that belongs to it, in one allocation.
//!
//! `header` says what is where in it, `pointer` is how it is held: by a thin pointer, eight bytes beside the block.
//! A value of [`SHARED_VALUE_BYTES_MIN`] or more lives in a buffer of its own that readers share by reference
//! count, so that a read of a large value costs no copy under the shard's lock.

#![expect(clippy::indexing_slicing, reason = "the layout is this module's invariant")]

mod header;
mod pointer;

pub(crate) use pointer::{Slot, prefetch};

use bytes::Bytes;

use super::evaluate::Stored;
use super::memory::allocated_bytes;
use crate::eviction::PolicyBits;
use crate::types::{UnixMillis, Version};
use header::{BITS_AT, Front, Layout, VERSION_AT, get};
use pointer::{Pointer, PointerRef};

/// From this length on, a value is shared with its readers instead of copied.
pub(crate) const SHARED_VALUE_BYTES_MIN: usize = 16 << 10;

/// Heap bytes a shared value takes beyond its own: the reference count `Bytes` allocates on sharing.
const SHARED_VALUE_HEADER_BYTES: usize = 24;

/// A key, its value, version, expiry and policy bits.
#[derive(Debug)]
pub(crate) struct Entry(Pointer);

/// A borrowed [`Entry`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntryRef<'a>(PointerRef<'a>);

impl Entry {
    /// Copies a key and a value into a new entry without version and policy bits.
    #[inline]
    pub(crate) fn new(key: &[u8], value: &[u8], expiry: Option<UnixMillis>) -> Self {
        if value.len() >= SHARED_VALUE_BYTES_MIN {
            return Self::with_shared(key, Bytes::copy_from_slice(value), expiry);
        }
        let front = Front::new(Layout::new(key.len(), value.len(), expiry.is_some()), expiry);
        Self(Pointer::new([front.as_slice(), key, value], None))
    }

    /// A new entry with a value that is stored already: a large one is shared.
    pub(crate) fn sharing(key: &[u8], value: Stored<'_>, expiry: Option<UnixMillis>) -> Self {
        match value {
            Stored::Owned(value) => Self::new(key, value, expiry),
            Stored::Shared(value) => Self::with_shared(key, value.clone(), expiry),
        }
    }

    fn with_shared(key: &[u8], value: Bytes, expiry: Option<UnixMillis>) -> Self {
        let front = Front::new(Layout::new(key.len(), value.len(), expiry.is_some()), expiry);
        Self(Pointer::new([front.as_slice(), key, &[]], Some(value)))
    }

    /// What can be read of the entry.
    #[inline]
    pub(crate) fn borrow(&self) -> EntryRef<'_> {
        EntryRef(self.0.borrow())
    }

    /// Replaces the version.
    #[inline]
    pub(crate) fn set_version(&mut self, version: Version) {
        self.0.set_version(version.get());
    }

    /// Replaces what the eviction policy keeps here.
    #[inline]
    pub(crate) fn set_policy_bits(&mut self, bits: PolicyBits) {
        self.0.set_policy_bits(bits.0);
    }

    /// Replaces the expiry. Copies the block when the entry had none before or has none after.
    pub(crate) fn set_expiry(&mut self, expiry: Option<UnixMillis>) {
        match expiry {
            Some(at) if self.borrow().has_expiry() => self.0.set_expiry(at.get()),
            None if !self.borrow().has_expiry() => {}
            _ => self.rebuild(expiry),
        }
    }

    fn rebuild(&mut self, expiry: Option<UnixMillis>) {
        let old = self.borrow();
        let mut rebuilt = Self::sharing(old.key(), old.stored(), expiry);
        rebuilt.set_version(old.version());
        rebuilt.set_policy_bits(old.policy_bits());
        *self = rebuilt;
    }

    /// Heap bytes of an entry with these lengths.
    #[inline]
    pub(crate) fn heap_bytes_of(key_len: usize, value_len: usize, has_expiry: bool) -> u64 {
        let layout = Layout::new(key_len, value_len, has_expiry);
        let shared = if layout.is_shared { shared_value_bytes(value_len) } else { 0 };
        (allocated_bytes(layout.allocation_len()) + shared) as u64
    }
}

impl<'a> EntryRef<'a> {
    #[inline]
    fn has_expiry(self) -> bool {
        self.0.layout().has_expiry
    }

    /// The version.
    #[inline]
    pub(crate) fn version(self) -> Version {
        Version::new(u64::from_le_bytes(get(self.0.block(), VERSION_AT)))
    }

    /// What the eviction policy keeps here.
    #[inline]
    pub(crate) fn policy_bits(self) -> PolicyBits {
        PolicyBits(u32::from_le_bytes(get(self.0.block(), BITS_AT)))
    }

    /// When the key ends.
    #[inline]
    pub(crate) fn expiry(self) -> Option<UnixMillis> {
        let layout = self.0.layout();
        let at = layout.has_expiry.then(|| get(self.0.block(), layout.expiry_at()));
        at.map(|at| UnixMillis::new(u64::from_le_bytes(at)))
    }

    /// Whether the key's time has come.
    #[inline]
    pub(crate) fn is_expired(self, now: UnixMillis) -> bool {
        self.expiry().is_some_and(|expiry| expiry <= now)
    }

    /// The key.
    #[inline]
    pub(crate) fn key(self) -> &'a [u8] {
        let layout = self.0.layout();
        &self.0.block()[layout.key_at()..][..layout.key_len]
    }

    /// The value.
    #[inline]
    pub(crate) fn value(self) -> &'a [u8] {
        self.stored().as_slice()
    }

    /// The value, and how a copy of it is made.
    #[inline]
    pub(crate) fn stored(self) -> Stored<'a> {
        if let Some(value) = self.0.shared() {
            return Stored::Shared(value);
        }
        let layout = self.0.layout();
        Stored::Owned(&self.0.block()[layout.key_at() + layout.key_len..])
    }

    /// Whether the value is shared with readers.
    #[inline]
    pub(crate) fn is_shared(self) -> bool {
        self.0.layout().is_shared
    }

    /// Bytes of key and value.
    #[inline]
    pub(crate) fn payload_bytes(self) -> u64 {
        (self.0.layout().key_len + self.value().len()) as u64
    }

    /// Heap bytes, as the allocator rounds them.
    #[inline]
    pub(crate) fn heap_bytes(self) -> u64 {
        self.heap_bytes_with(self.expiry())
    }

    /// Of the heap bytes, those that another entry [`sharing`](Entry::sharing) the value takes over when this
    /// one goes.
    pub(crate) fn shared_value_bytes(self) -> u64 {
        self.0.shared().map_or(0, |value| moved_bytes(value.len()) as u64)
    }

    /// Heap bytes after [`set_expiry`](Entry::set_expiry).
    #[inline]
    pub(crate) fn heap_bytes_with(self, expiry: Option<UnixMillis>) -> u64 {
        let key_len = self.0.layout().key_len;
        Entry::heap_bytes_of(key_len, self.value().len(), expiry.is_some())
    }
}

/// Heap bytes of a shared value.
const fn shared_value_bytes(value_len: usize) -> usize {
    allocated_bytes(size_of::<Bytes>()) + moved_bytes(value_len)
}

/// Of those, the bytes that are the same in every entry that shares it.
const fn moved_bytes(value_len: usize) -> usize {
    allocated_bytes(value_len) + allocated_bytes(SHARED_VALUE_HEADER_BYTES)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_field_reads_back_whatever_is_set_in_whatever_order(
            key in proptest::collection::vec(any::<u8>(), 0..600),
            value_len in prop_oneof![0_usize..64, SHARED_VALUE_BYTES_MIN - 2..SHARED_VALUE_BYTES_MIN + 2],
            expiries in proptest::collection::vec(proptest::option::of(1_u64..1 << 48), 1..6),
            version: u64,
            bits: u32,
            mark: u16,
        ) {
            let value: Vec<u8> = (0_u8..=255).cycle().take(value_len).collect();
            let first = expiries[0].map(UnixMillis::new);
            let mut slot = Slot::new(Entry::new(&key, &value, first), mark);
            prop_assert_eq!((slot.is_empty(), slot.bits()), (false, mark));
            prop_assert_eq!(slot.entry().unwrap().key(), key.as_slice());
            let mut entry = slot.take().unwrap();
            prop_assert!(slot.is_empty() && slot.entry().is_none() && slot.take().is_none());
            entry.set_version(Version::new(version));
            entry.set_policy_bits(PolicyBits(bits));
            for expiry in expiries {
                let expiry = expiry.map(UnixMillis::new);
                let predicted = entry.borrow().heap_bytes_with(expiry);
                entry.set_expiry(expiry);
                let entry = entry.borrow();
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

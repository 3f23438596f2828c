//! One key with everything that belongs to it, in one allocation.
//!
//! `header` says what is where in it, and `packed` how small blocks keep an expiry in no more bytes than others;
//! `pointer` is how it is held: by a thin pointer, eight bytes beside the block.
//! A value of [`SHARED_VALUE_BYTES_MIN`] or more lives in a buffer of its own that readers share by reference
//! count, so that a read of a large value costs no copy under the shard's lock. A compressed value does so by the
//! length of what it stands for.

#![expect(clippy::indexing_slicing, reason = "the layout is this module's invariant")]

mod header;
mod packed;
mod pointer;

pub(crate) use pointer::{Slot, prefetch};

use bytes::Bytes;

use super::memory::allocated_bytes;
use super::stored::{Form, Held, Stored};
use crate::eviction::PolicyBits;
use crate::types::{UnixMillis, Version};
use header::{Fields, Front, Layout};
use packed::NO_VERSION;
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
    /// Copies a key and a value into a new entry whose version is not known yet, without policy bits.
    #[inline]
    pub(crate) fn new(key: &[u8], value: &[u8], expiry: Option<UnixMillis>) -> Self {
        Self::keeping(key, Stored::plain(value), expiry)
    }

    /// The same with a value in the form in which it is to be kept; one that is shared already is shared here too.
    #[inline]
    pub(crate) fn keeping(key: &[u8], value: Stored<'_>, expiry: Option<UnixMillis>) -> Self {
        Self::assemble(key, value, &fields_of_new(expiry))
    }

    #[inline]
    fn assemble(key: &[u8], value: Stored<'_>, fields: &Fields) -> Self {
        let layout = Layout::new(key.len(), value.form(), fields.version, fields.expiry);
        let front = Front::new(layout, fields);
        let shared = match value.held {
            Held::Owned(value) if layout.is_shared() => Bytes::copy_from_slice(value),
            Held::Owned(value) => {
                return Self(Pointer::new([front.as_slice(), key, value], None));
            }
            Held::Shared(value) => value.clone(),
        };
        Self(Pointer::new([front.as_slice(), key, &[]], Some(shared)))
    }

    /// What can be read of the entry.
    #[inline]
    pub(crate) fn borrow(&self) -> EntryRef<'_> {
        EntryRef(self.0.borrow())
    }

    /// Replaces the version. Copies the block when its form has no room for it.
    #[inline]
    pub(crate) fn set_version(&mut self, version: Version) {
        let version = version.get();
        if self.0.borrow().layout().takes_version(version) {
            self.0.set_version(version);
        } else {
            self.set_fields(&Fields { version, ..self.borrow().fields() });
        }
    }

    /// Replaces value, version and expiry where they are, and tells whether it did: not where a new entry would have
    /// another layout, as for a value of another length. Then nothing is changed.
    #[inline]
    pub(crate) fn overwrite(
        &mut self,
        value: &[u8],
        (version, expiry): (Version, Option<UnixMillis>),
    ) -> bool {
        let (version, expiry) = (version.get(), expiry.map(UnixMillis::get));
        let (before, policy_bits) = (self.0.borrow().layout(), self.borrow().policy_bits());
        let layout = Layout::new(before.key_len, Form::plain(value.len()), version, expiry);
        if layout.is_shared() || !layout.has_places_of(before) {
            return false;
        }
        self.0.replace_front(&Front::new(layout, &Fields { version, policy_bits, expiry }));
        self.0.replace_value(value);
        true
    }

    /// Replaces what the eviction policy keeps here.
    #[inline]
    pub(crate) fn set_policy_bits(&mut self, bits: PolicyBits) {
        self.0.set_policy_bits(bits);
    }

    /// Replaces the expiry. Copies the block when it has to be longer or shorter.
    #[inline]
    pub(crate) fn set_expiry(&mut self, expiry: Option<UnixMillis>) {
        if self.borrow().expiry() != expiry {
            let expiry = expiry.map(UnixMillis::get);
            self.set_fields(&Fields { expiry, ..self.borrow().fields() });
        }
    }

    fn set_fields(&mut self, fields: &Fields) {
        let old = self.borrow();
        let form = old.stored().form();
        let layout = Layout::new(old.key().len(), form, fields.version, fields.expiry);
        if layout.has_places_of(old.0.layout()) {
            self.0.replace_front(&Front::new(layout, fields));
        } else {
            *self = Self::assemble(old.key(), old.stored(), fields);
        }
    }

    /// Heap bytes of an entry with a key of this length and a value of this form, at this version.
    #[inline]
    pub(crate) fn heap_bytes_of(
        (key_len, form): (usize, Form),
        version: Version,
        expiry: Option<UnixMillis>,
    ) -> u64 {
        let expiry = expiry.map(UnixMillis::get);
        heap_bytes(Layout::new(key_len, form, version.get(), expiry), form.len)
    }
}

/// What the header of an entry says that has only just been made.
fn fields_of_new(expiry: Option<UnixMillis>) -> Fields {
    let expiry = expiry.map(UnixMillis::get);
    Fields { version: NO_VERSION, policy_bits: PolicyBits::default(), expiry }
}

impl<'a> EntryRef<'a> {
    /// The version.
    #[inline]
    pub(crate) fn version(self) -> Version {
        Version::new(header::version(self.0.head()))
    }

    /// What the eviction policy keeps here.
    #[inline]
    pub(crate) fn policy_bits(self) -> PolicyBits {
        header::policy_bits(self.0.head())
    }

    fn fields(self) -> Fields {
        let (version, expiry) = (self.version().get(), self.expiry().map(UnixMillis::get));
        Fields { version, policy_bits: self.policy_bits(), expiry }
    }

    /// When the key ends.
    #[inline]
    pub(crate) fn expiry(self) -> Option<UnixMillis> {
        // Most keys have none: seen at a glance.
        if !header::has_expiry(self.0.head()) {
            return None;
        }
        let (layout, block) = self.0.layout_and_block();
        layout.read_expiry(block).map(UnixMillis::new)
    }

    /// Whether the key's time has come.
    #[inline]
    pub(crate) fn is_expired(self, now: UnixMillis) -> bool {
        self.expiry().is_some_and(|expiry| expiry <= now)
    }

    /// The key.
    #[inline]
    pub(crate) fn key(self) -> &'a [u8] {
        let (layout, block) = self.0.layout_and_block();
        &block[layout.key_at()..][..layout.key_len]
    }

    /// The value, as it is kept.
    #[inline]
    pub(crate) fn stored(self) -> Stored<'a> {
        Stored { held: self.0.held(), is_compressed: self.0.layout().is_compressed() }
    }

    /// Bytes of the value, as they are kept.
    #[inline]
    fn held_len(self) -> usize {
        self.stored().held.as_slice().len()
    }

    /// Whether the value is shared with readers.
    #[inline]
    pub(crate) fn is_shared(self) -> bool {
        self.0.layout().is_shared()
    }

    /// Bytes of key and value, as they are kept.
    #[inline]
    pub(crate) fn payload_bytes(self) -> u64 {
        (self.0.layout().key_len + self.held_len()) as u64
    }

    /// Bytes by which a compressed value is shorter than the value itself.
    #[inline]
    pub(crate) fn saved_bytes(self) -> Option<u64> {
        let is_compressed = self.0.layout().is_compressed();
        is_compressed.then(|| (self.stored().len() - self.held_len()) as u64)
    }

    /// Heap bytes, as the allocator rounds them.
    #[inline]
    pub(crate) fn heap_bytes(self) -> u64 {
        heap_bytes(self.0.layout(), self.held_len())
    }

    /// Of the heap bytes, those that another entry [`keeping`](Entry::keeping) the value takes over when this
    /// one goes.
    pub(crate) fn shared_value_bytes(self) -> u64 {
        match self.0.held() {
            Held::Owned(_) => 0,
            Held::Shared(value) => moved_bytes(value.len()) as u64,
        }
    }

    /// Heap bytes at another version, with another expiry.
    #[inline]
    pub(crate) fn heap_bytes_with(self, version: Version, expiry: Option<UnixMillis>) -> u64 {
        let lengths = (self.0.layout().key_len, self.stored().form());
        Entry::heap_bytes_of(lengths, version, expiry)
    }
}

/// Heap bytes of an entry.
#[inline]
fn heap_bytes(layout: Layout, value_len: usize) -> u64 {
    let shared = if layout.is_shared() { shared_value_bytes(value_len) } else { 0 };
    (allocated_bytes(layout.allocation_len()) + shared) as u64
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

    /// Where what can be packed begins, in milliseconds; and where it ends.
    const EPOCH_MS: u64 = NO_VERSION / 1000;
    const EXPIRIES_END: u64 = EPOCH_MS + (1 << 39);
    const VERSIONS_END: u64 = NO_VERSION + (1 << 49);

    fn expiry() -> impl Strategy<Value = Option<UnixMillis>> {
        let near = EPOCH_MS - 2..EPOCH_MS + 2;
        let far = EXPIRIES_END - 2..EXPIRIES_END + 2;
        let expiry = prop_oneof![1_u64..1 << 48, near, far, EPOCH_MS..EXPIRIES_END];
        proptest::option::of(expiry.prop_map(UnixMillis::new))
    }

    fn version() -> impl Strategy<Value = Version> {
        let near = NO_VERSION - 2..NO_VERSION + 2;
        let far = VERSIONS_END - 2..VERSIONS_END + 2;
        prop_oneof![any::<u64>(), near, far, NO_VERSION..VERSIONS_END].prop_map(Version::new)
    }

    /// What is set of an entry that exists.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Expiry(Option<UnixMillis>),
        Version(Version),
        Bits(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        let bits = 0_u32..1 << PolicyBits::BITS;
        prop_oneof![
            expiry().prop_map(Step::Expiry),
            version().prop_map(Step::Version),
            bits.prop_map(Step::Bits)
        ]
    }

    proptest! {
        #[test]
        fn every_field_reads_back_whatever_is_set_in_whatever_order(
            key_len in prop_oneof![0_usize..600, 0..20_usize, 60_usize..68],
            value_len in prop_oneof![
                0_usize..64,
                400_usize..520,
                SHARED_VALUE_BYTES_MIN - 2..SHARED_VALUE_BYTES_MIN + 2,
            ],
            first in expiry(),
            is_compressed: bool,
            steps in proptest::collection::vec(step(), 1..12),
            mark: u16,
        ) {
            let key: Vec<u8> = (1_u8..=254).rev().cycle().take(key_len).collect();
            // What says how long a compressed value is comes first.
            let stands_for = u32::try_from(value_len + 9).unwrap().to_le_bytes();
            let bytes = stands_for.into_iter().chain(0_u8..=255).cycle();
            let value: Vec<u8> = bytes.take(value_len).collect();
            let is_compressed = is_compressed && value_len >= 4;
            let stored = Stored { is_compressed, ..Stored::plain(&value) };
            let mut slot = Slot::new(Entry::keeping(&key, stored, first), mark);
            prop_assert_eq!((slot.is_empty(), slot.bits()), (false, mark));
            prop_assert_eq!(slot.entry().unwrap().key(), key.as_slice());
            let mut entry = slot.take().unwrap();
            prop_assert!(slot.is_empty() && slot.entry().is_none() && slot.take().is_none());
            let (mut expiry, mut version, mut bits) = (first, Version::new(NO_VERSION), 0);
            for step in steps {
                match step {
                    Step::Expiry(new) => expiry = new,
                    Step::Version(new) => version = new,
                    Step::Bits(new) => bits = new,
                }
                let predicted = entry.borrow().heap_bytes_with(version, expiry);
                match step {
                    Step::Expiry(new) => entry.set_expiry(new),
                    Step::Version(new) => entry.set_version(new),
                    Step::Bits(new) => entry.set_policy_bits(PolicyBits(new)),
                }
                let entry = entry.borrow();
                prop_assert_eq!(entry.heap_bytes(), predicted);
                prop_assert_eq!(entry.expiry(), expiry);
                prop_assert_eq!(entry.version(), version);
                prop_assert_eq!(entry.policy_bits(), PolicyBits(bits));
                prop_assert_eq!(entry.key(), key.as_slice());
                prop_assert_eq!(entry.stored().held.as_slice(), value.as_slice());
                prop_assert_eq!(entry.stored().form(), stored.form());
                let is_shared = stored.len() >= SHARED_VALUE_BYTES_MIN;
                prop_assert_eq!(matches!(entry.stored().held, Held::Shared(_)), is_shared);
                prop_assert_eq!(entry.payload_bytes(), (key.len() + value.len()) as u64);
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_overwritten_is_as_a_new_entry_in_the_place_of_the_old_one(
            key_len in prop_oneof![0_usize..600, 0..20_usize, 60_usize..68],
            before in (0_usize..80, expiry(), version(), any::<bool>()),
            after in (0_usize..80, expiry(), version()),
            is_of_one_length: bool,
            bits in 0_u32..1 << PolicyBits::BITS,
        ) {
            let ((len_before, expiry_before, version_before, is_compressed), after) = (before, after);
            let (len_after, expiry_after, version_after) = after;
            let len_after = if is_of_one_length { len_before } else { len_after };
            let key = vec![7; key_len];
            // What says how long a compressed value is comes first: not so long that it would be shared.
            let stands_for = u32::try_from(len_before + 9).unwrap().to_le_bytes();
            let value: Vec<u8> = stands_for.into_iter().chain(0..).take(len_before).collect();
            let is_compressed = is_compressed && len_before >= 4;
            let stored = Stored { is_compressed, ..Stored::plain(&value) };
            let mut entry = Entry::keeping(&key, stored, expiry_before);
            entry.set_version(version_before);
            entry.set_policy_bits(PolicyBits(bits));
            let (place, fields) = (entry.borrow().key().as_ptr(), entry.borrow().fields());
            let another = vec![2; len_after];
            let done = entry.overwrite(&another, (version_after, expiry_after));
            let mut new = Entry::new(&key, &another, expiry_after);
            new.set_version(version_after);
            let (new, is) = (new.borrow(), entry.borrow());
            prop_assert_eq!(is.key(), key.as_slice());
            prop_assert_eq!(is.key().as_ptr(), place);
            prop_assert_eq!(is.policy_bits(), PolicyBits(bits));
            if done {
                prop_assert_eq!((is.version(), is.expiry()), (version_after, expiry_after));
                prop_assert_eq!(is.stored().held.as_slice(), another.as_slice());
                prop_assert_eq!(is.0.layout(), new.0.layout());
                prop_assert_eq!(is.heap_bytes(), new.heap_bytes());
            } else {
                prop_assert_eq!(is.fields(), fields);
                prop_assert_eq!(is.stored().held.as_slice(), value.as_slice());
                prop_assert_eq!(is.stored().is_compressed, is_compressed);
                prop_assert!(!new.0.layout().has_places_of(is.0.layout()));
            }
        }
    }

    #[test]
    fn a_compressed_value_is_not_overwritten_by_one_that_is_not() {
        let value = [&64_u32.to_le_bytes()[..], &[1; 28]].concat();
        let stored = Stored { is_compressed: true, ..Stored::plain(&value) };
        let mut entry = Entry::keeping(b"key", stored, None);
        assert!(!entry.borrow().is_shared());
        assert!(!entry.overwrite(&vec![2; value.len()], (Version::new(NO_VERSION), None)));
        assert_eq!(entry.borrow().stored().held.as_slice(), value.as_slice());
    }

    #[test]
    fn values_of_one_length_are_overwritten_and_shared_ones_are_not() {
        let version = Version::new(NO_VERSION + 7);
        for (len, expected) in
            [(64, true), (SHARED_VALUE_BYTES_MIN - 1, true), (SHARED_VALUE_BYTES_MIN, false)]
        {
            let mut entry = Entry::new(b"key", &vec![1; len], None);
            assert_eq!(entry.overwrite(&vec![2; len], (version, None)), expected, "{len} bytes");
            assert!(!entry.overwrite(&vec![2; len - 1], (version, None)), "{len} bytes");
        }
    }

    #[test]
    fn a_version_that_cannot_be_packed_takes_a_longer_block_and_nothing_else_changes() {
        let expiry = Some(UnixMillis::new(EPOCH_MS + 1));
        for version in [NO_VERSION - 1, VERSIONS_END, u64::MAX] {
            let mut entry = Entry::new(&[1; 16], &[2; 64], expiry);
            entry.set_version(Version::new(VERSIONS_END - 1));
            entry.set_policy_bits(PolicyBits::MAX);
            assert_eq!(entry.borrow().heap_bytes(), 96);
            entry.set_version(Version::new(version));
            assert_eq!(entry.borrow().heap_bytes(), 112);
            let entry = entry.borrow();
            assert_eq!((entry.version().get(), entry.expiry()), (version, expiry));
            assert_eq!(entry.policy_bits(), PolicyBits::MAX);
            let value = entry.stored().held.as_slice();
            assert_eq!((entry.key(), value), (&[1; 16][..], &[2; 64][..]));
        }
    }

    #[test]
    fn a_small_block_stays_where_it_is_when_its_expiry_comes_and_goes() {
        let mut entry = Entry::new(b"key", b"value", None);
        let place = entry.borrow().key().as_ptr();
        for at in [Some(EPOCH_MS), Some(EXPIRIES_END - 1), None, Some(EPOCH_MS + 5)] {
            entry.set_expiry(at.map(UnixMillis::new));
            assert_eq!(entry.borrow().expiry(), at.map(UnixMillis::new));
            assert_eq!(entry.borrow().key().as_ptr(), place);
        }
        entry.set_expiry(Some(UnixMillis::new(EXPIRIES_END)));
        assert_ne!(entry.borrow().key().as_ptr(), place);
        assert_eq!(entry.borrow().expiry(), Some(UnixMillis::new(EXPIRIES_END)));
    }
}

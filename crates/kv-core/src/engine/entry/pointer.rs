//! One pointer for a whole entry, and its place in the table: the unsafe code of this crate.
//!
//! A key costs eight bytes beside its block because the pointer is thin, where a boxed slice takes sixteen, and
//! because the 16 bits that addresses leave unused hold a part of its fingerprint: ADR-0018. All of this is
//! tested by what is built on it, the entries, the table and the engine.

#![expect(unsafe_code, reason = "thin and packed pointers are what makes a key cheap: ADR-0018")]

use std::alloc::{self, Layout as Allocation};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

use bytes::Bytes;

use super::header::{self, Front, HEAD_BYTES, Head, Layout, get, put};
use super::{Entry, EntryRef};
use crate::engine::stored::Held;
use crate::eviction::PolicyBits;

/// Blocks are bytes. To ask for more makes mimalloc take the next larger size.
const BLOCK_ALIGN: usize = 1;

/// Bits of an address in user space, as systems give them out unless asked for more.
const ADDRESS_BITS: u32 = 48;

/// What processors move at once.
const CACHE_LINE_BYTES: usize = 64;

const _: () =
    assert!(size_of::<usize>() == size_of::<u64>(), "a word holds an address and 16 bits");

/// Owns what an entry consists of: a block of bytes, and a shared value if its layout says so.
///
/// A block begins with its [`Layout`], whose places never change. Where that has a shared value, there is the address of
/// a `Bytes` that a box has let go of.
#[derive(Debug)]
pub(super) struct Pointer(NonNull<u8>);

// SAFETY: a pointer owns what it points to: bytes, and a `Bytes`, which may be sent.
unsafe impl Send for Pointer where Bytes: Send {}
// SAFETY: nothing is changed through a shared reference, and bytes and a `Bytes` may be shared.
unsafe impl Sync for Pointer where Bytes: Sync {}

impl Pointer {
    /// A new block of what is in front of the key, key and inline value. The first one begins with the layout, and
    /// `shared` is the value if that is shared.
    ///
    /// # Panics
    /// When the layout tells of something else.
    #[inline]
    pub(super) fn new(parts: [&[u8]; 3], shared: Option<Bytes>) -> Self {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let allocation = allocation(len.max(HEAD_BYTES));
        // SAFETY: the allocation has at least the size of a head, which is not zero.
        let start = unsafe { alloc::alloc(allocation) };
        let Some(start) = NonNull::new(start) else { alloc::handle_alloc_error(allocation) };
        // SAFETY: the allocation is at least a head long.
        unsafe { start.cast::<Head>().write([0; HEAD_BYTES]) };
        let mut at = 0;
        for part in parts {
            // SAFETY: `at` is the length of the parts before, within the allocation for all of them.
            let place = unsafe { start.add(at) };
            // SAFETY: the allocation has room for the part from there on, and is too new to overlap it.
            unsafe { place.copy_from_nonoverlapping(NonNull::from(part).cast(), part.len()) };
            at += part.len();
        }
        // Not dropped before it is known to be what it says.
        let mut block = ManuallyDrop::new(Self(start));
        let layout = block.borrow().layout();
        assert!(layout.block_len == len, "a block of {len} bytes is laid out as {layout:?}");
        assert!(layout.is_shared() == shared.is_some(), "a shared value, or none: {layout:?}");
        if let Some(value) = shared {
            let value = Box::into_raw(Box::new(value)).expose_provenance() as u64;
            put(block.block_mut(), layout.shared_at(), value.to_le_bytes());
        }
        ManuallyDrop::into_inner(block)
    }

    /// What the entry consists of, for as long as this is borrowed.
    #[inline]
    pub(super) fn borrow(&self) -> PointerRef<'_> {
        PointerRef(self.0, PhantomData)
    }

    /// Replaces the version by one that [the layout takes](Layout::takes_version).
    #[inline]
    pub(super) fn set_version(&mut self, version: u64) {
        header::set_version(self.head_mut(), version);
    }

    /// Replaces the policy's bits.
    #[inline]
    pub(super) fn set_policy_bits(&mut self, bits: PolicyBits) {
        header::set_policy_bits(self.head_mut(), bits);
    }

    /// Replaces what is in front of the key, but for the pointer to a shared value.
    ///
    /// # Panics
    /// When key and value would have to be elsewhere.
    pub(super) fn replace_front(&mut self, front: &Front) {
        let (before, after) = (self.borrow().layout(), front.layout());
        assert!(after.has_places_of(before), "{after:?} instead of {before:?}");
        let bytes = front.before_shared();
        self.block_mut()[..bytes.len()].copy_from_slice(bytes);
    }

    /// Replaces the inline value by another of the same length.
    ///
    /// # Panics
    /// When it has another length, or the value is shared.
    #[inline]
    pub(super) fn replace_value(&mut self, value: &[u8]) {
        let layout = self.borrow().layout();
        assert!(!layout.is_shared(), "the value is not in the block: {layout:?}");
        self.block_mut()[layout.key_at() + layout.key_len..].copy_from_slice(value);
    }

    /// The beginning of the block. Not for others, as little as the block.
    #[inline]
    fn head_mut(&mut self) -> &mut Head {
        // SAFETY: every block has the bytes of a head, and this one is borrowed mutably with `self`.
        unsafe { self.0.cast::<Head>().as_mut() }
    }

    /// The block. Not for others: whoever changed the places of the layout would change what is freed.
    #[inline]
    fn block_mut(&mut self) -> &mut [u8] {
        let len = self.borrow().layout().block_len;
        // SAFETY: a block of that length, which is borrowed mutably with `self`.
        unsafe { NonNull::slice_from_raw_parts(self.0, len).as_mut() }
    }
}

impl Drop for Pointer {
    #[inline]
    fn drop(&mut self) {
        let (layout, block) = self.borrow().layout_and_block();
        if let Some(value) = shared_pointer(layout, block) {
            // SAFETY: where there is a shared value, a box has let go of it, and nobody but `self` has it.
            drop(unsafe { Box::from_raw(value) });
        }
        // SAFETY: allocated by `new` like this: the length of a block never changes.
        unsafe { alloc::dealloc(self.0.as_ptr(), allocation(layout.allocation_len())) };
    }
}

#[inline]
fn allocation(len: usize) -> Allocation {
    Allocation::from_size_align(len, BLOCK_ALIGN).expect("an entry fits into memory")
}

/// A borrowed [`Pointer`].
#[derive(Debug, Clone, Copy)]
pub(super) struct PointerRef<'a>(NonNull<u8>, PhantomData<&'a Pointer>);

impl<'a> PointerRef<'a> {
    /// The beginning of the block.
    #[inline]
    pub(super) fn head(self) -> &'a Head {
        // SAFETY: every block has the bytes of a head, written when it was made, and this one lives for `'a`.
        unsafe { self.0.cast::<Head>().as_ref() }
    }

    /// The layout of the block.
    #[inline]
    pub(super) fn layout(self) -> Layout {
        Layout::read(self.head())
    }

    /// The layout, and the block that it tells of: what is in front of the key, key and inline value. Looked at
    /// once: every read does so.
    #[inline]
    pub(super) fn layout_and_block(self) -> (Layout, &'a [u8]) {
        let layout = self.layout();
        // SAFETY: a block of that length, which lives for `'a`.
        (layout, unsafe { NonNull::slice_from_raw_parts(self.0, layout.block_len).as_ref() })
    }

    /// The value.
    #[inline]
    pub(super) fn held(self) -> Held<'a> {
        let (layout, block) = self.layout_and_block();
        match shared_pointer(layout, block) {
            // SAFETY: a shared value lives as long as its block, and is not changed.
            Some(value) => Held::Shared(unsafe { &*value }),
            None => Held::Owned(&block[layout.key_at() + layout.key_len..]),
        }
    }
}

/// Where the shared value is, if the layout says that there is one.
#[inline]
fn shared_pointer(layout: Layout, block: &[u8]) -> Option<*mut Bytes> {
    if !layout.is_shared() {
        return None;
    }
    let address = u64::from_le_bytes(get(block, layout.shared_at()));
    #[expect(clippy::cast_possible_truncation, reason = "a word is as long as an address")]
    let address = address as usize;
    Some(ptr::with_exposed_provenance_mut(address))
}

/// A place for an entry: its pointer and 16 bits of the caller's choice in one word, which is 0 for none.
#[derive(Debug, Default)]
#[repr(transparent)]
pub(crate) struct Slot(u64);

impl Slot {
    /// A place with an entry.
    ///
    /// # Panics
    /// When the entry has an address that no system gives unless asked to.
    #[inline]
    pub(crate) fn new(entry: Entry, bits: u16) -> Self {
        let entry = ManuallyDrop::new(entry);
        let address = entry.0.0.as_ptr().expose_provenance() as u64;
        assert!(address >> ADDRESS_BITS == 0, "addresses in user space have 48 bits");
        Self(address | u64::from(bits) << ADDRESS_BITS)
    }

    /// Whether there is no entry.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// The bits; 0 without an entry.
    #[inline]
    pub(crate) fn bits(&self) -> u16 {
        (self.0 >> ADDRESS_BITS) as u16
    }

    /// The entry.
    #[inline]
    pub(crate) fn entry(&self) -> Option<EntryRef<'_>> {
        // It is owned by `self`, and borrowed with it.
        self.pointer().map(|pointer| EntryRef(PointerRef(pointer, PhantomData)))
    }

    /// Replaces what the eviction policy keeps with the entry, if there is one.
    #[inline]
    pub(crate) fn set_policy_bits(&mut self, bits: PolicyBits) {
        if let Some(pointer) = self.pointer() {
            // Owned by `self`, now as before.
            ManuallyDrop::new(Pointer(pointer)).set_policy_bits(bits);
        }
    }

    /// Takes the entry out.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Entry> {
        // The word that owned the entry owns it no longer.
        let taken = ManuallyDrop::new(std::mem::take(self));
        taken.pointer().map(|pointer| Entry(Pointer(pointer)))
    }

    /// Asks the processor to bring the beginning of the entry into its cache.
    #[inline]
    pub(crate) fn prefetch(&self) {
        if let Some(pointer) = self.pointer() {
            prefetch(pointer.addr().get());
            prefetch(pointer.addr().get() + CACHE_LINE_BYTES);
        }
    }

    #[inline]
    fn pointer(&self) -> Option<NonNull<u8>> {
        let address = (self.0 & ((1 << ADDRESS_BITS) - 1)) as usize;
        NonNull::new(ptr::with_exposed_provenance_mut(address))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.is_empty() {
            drop(self.take());
        }
    }
}

/// Asks the processor to bring a line of memory into its cache. Whether there is such memory does not matter.
#[inline]
pub(crate) fn prefetch(address: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which reads nothing and cannot fail, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(ptr::without_provenance(address)) };
    }
    #[cfg(target_arch = "aarch64")]
    {
        // SAFETY: a hint, which reads nothing and cannot fail, whatever the address.
        unsafe {
            std::arch::asm!(
                "prfm pldl1keep, [{address}]",
                address = in(reg) address,
                options(nostack, preserves_flags, readonly)
            );
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    drop(address);
}

//! One shard: everything that belongs to its keys, under one lock.
//!
//! Value, expiry, version, policy state and byte accounting of a key change together here (KV-I5).
//! `execute` runs operations, `read` the plainest of them, `growth` says what changes need, `apply` makes them,
//! `expire` and `evict` remove keys in the background.

mod apply;
mod census;
mod coming;
mod evict;
mod execute;
mod expire;
mod growth;
mod look;
mod read;
mod unsynced;

pub(crate) use apply::Cleared;
pub(crate) use census::Census;
pub(crate) use evict::Protected;
pub(crate) use execute::Prepared;
pub(crate) use growth::{Growth, form_of};

use super::entry::{Entry, EntryRef};
use super::evaluate::{Bounds, View};
use super::memory::{MemoryTracker, ShardMemory};
use super::table::{Place, Table, Walk};
use super::wheel::Wheel;
use crate::eviction::{EvictionPolicy, Fingerprint};
use crate::journal::{Change, Effect, Journal, JournalError, Record};
use crate::limits::Limits;
use crate::types::{Lsn, UnixMillis, Version};
use census::{Counters, Lookups};
use unsynced::Unsynced;

/// What every shard of a store shares; passed to each call.
#[derive(Debug)]
pub(crate) struct Context<'a, J> {
    pub(crate) journal: &'a J,
    pub(crate) tracker: &'a MemoryTracker,
    pub(crate) limits: &'a Limits,
    /// The time of the whole call; or from when on what is executed now was ready.
    pub(crate) now: UnixMillis,
}

// Derived, they would ask for a journal that can be copied.
impl<J> Clone for Context<'_, J> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<J> Copy for Context<'_, J> {}

impl<J> Context<'_, J> {
    /// What no value may pass.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { value_bytes: self.limits.value_bytes_max, memory: self.tracker.spendable() }
    }
}

/// One shard's state. The store keeps each behind a mutex.
///
/// In the order in which it lies in memory: what every read looks at comes first, so that it is on two cache lines,
/// with the lock in front.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Shard {
    id: u32,
    /// Set when the wheel's next stop may have changed.
    wheel_turned: bool,
    /// Changes are made one after another for which room was ensured once: the account is closed last.
    held: bool,
    table: Table,
    policy: Box<dyn EvictionPolicy>,
    lookups: Lookups,
    /// Which writes are not on stable storage yet.
    unsynced: Unsynced,
    /// The last version given. Versions are per shard, so that taking one touches nothing shared.
    last_version: Version,
    memory: ShardMemory,
    /// Sum over all entries.
    entry_bytes: u64,
    payload_bytes: u64,
    volatile_keys: usize,
    compressed_keys: usize,
    /// By which the compressed values are shorter.
    saved_bytes: u64,
    counters: Counters,
    random: fastrand::Rng,
    wheel: Wheel,
}

/// What others look at without the lock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct News {
    /// When the wheel must next be looked at.
    pub(crate) next_due: u64,
    /// Where the table is.
    pub(crate) place: Place,
}

/// Entries with large values that are to be freed once the lock is released. Their bytes stay reserved until then
/// (KV-I9): whoever has a trash waits for no memory before it is dropped, or it might wait for itself.
#[derive(Debug)]
pub(crate) struct Trash<'a> {
    entries: Vec<Entry>,
    /// Still reserved for them.
    bytes: u64,
    tracker: &'a MemoryTracker,
}

impl<'a> Trash<'a> {
    /// Nothing.
    pub(crate) fn new(tracker: &'a MemoryTracker) -> Self {
        Self { entries: Vec::new(), bytes: 0, tracker }
    }

    /// Frees a small entry now, and a large one when the trash is dropped.
    pub(crate) fn put(&mut self, entry: Entry) {
        if entry.borrow().is_shared() {
            self.entries.push(entry);
        }
    }

    /// Whether there is nothing to be freed.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes that others get once it is dropped.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Trash<'_> {
    fn drop(&mut self) {
        self.entries.clear();
        if self.bytes > 0 {
            self.tracker.release_detached(self.bytes);
        }
    }
}

impl Shard {
    /// An empty shard. `first_version` is below every version it will give.
    pub(crate) fn new(
        id: u32,
        policy: Box<dyn EvictionPolicy>,
        seed: u64,
        now: UnixMillis,
        first_version: Version,
    ) -> Self {
        let mut shard = Self {
            id,
            table: Table::default(),
            // Neighbours are far apart on every level.
            wheel: Wheel::new(now, id.wrapping_mul(0x9E37_79B9)),
            policy,
            random: fastrand::Rng::with_seed(seed),
            memory: ShardMemory::default(),
            last_version: first_version,
            entry_bytes: 0,
            payload_bytes: 0,
            volatile_keys: 0,
            compressed_keys: 0,
            saved_bytes: 0,
            lookups: Lookups::default(),
            counters: Counters::default(),
            unsynced: Unsynced::new(first_version),
            wheel_turned: false,
            held: false,
        };
        shard.memory = ShardMemory::new(shard.footprint());
        shard
    }

    /// Bytes used, by adding up the parts.
    fn footprint(&self) -> u64 {
        self.entry_bytes
            + self.table.heap_bytes()
            + self.wheel.heap_bytes()
            + self.policy.heap_bytes() as u64
    }

    /// Bytes used.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.memory.used()
    }

    /// Whether bytes must be ensured before they are used.
    pub(crate) fn is_limited(&self) -> bool {
        self.memory.is_limited()
    }

    pub(crate) fn memory_mut(&mut self) -> &mut ShardMemory {
        &mut self.memory
    }

    /// The slot and content of a live key.
    #[inline]
    pub(crate) fn view(&self, slot: usize) -> View<'_> {
        let entry = self.table.entry(slot);
        View { version: entry.version(), expiry: entry.expiry(), value: entry.stored() }
    }

    /// The entry in a slot.
    #[inline]
    pub(crate) fn entry(&self, slot: usize) -> EntryRef<'_> {
        self.table.entry(slot)
    }

    /// Number of keys, live or not.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// The slots of the keys with this fingerprint or a greater one, in the order of fingerprints.
    pub(crate) fn walk(&self, from: Fingerprint) -> Walk<'_> {
        self.table.walk(from)
    }

    /// Finds a key; one whose time has come is removed first and not found (KV-I6).
    #[inline]
    pub(crate) fn find_live<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        fingerprint: Fingerprint,
        key: &[u8],
        trash: &mut Trash<'_>,
    ) -> Option<usize> {
        let slot = self.table.find(fingerprint, key)?;
        if self.table.entry(slot).is_expired(ctx.now) {
            self.expire_slot(ctx, slot, trash);
            return None;
        }
        Some(slot)
    }

    /// The slot of a key, live or not.
    pub(crate) fn find(&self, fingerprint: Fingerprint, key: &[u8]) -> Option<usize> {
        self.table.find(fingerprint, key)
    }

    /// The slot of some key with this fingerprint that `wanted` accepts.
    pub(crate) fn find_where(
        &self,
        fingerprint: Fingerprint,
        wanted: impl Fn(EntryRef<'_>) -> bool,
    ) -> Option<usize> {
        self.table.find_where(fingerprint, wanted)
    }

    /// Takes the next version.
    pub(crate) fn next_version(&mut self) -> Version {
        self.last_version = self.coming_version();
        self.last_version
    }

    /// The next version, which nobody has taken yet.
    pub(crate) fn coming_version(&self) -> Version {
        Version::new(self.last_version.get() + 1)
    }

    /// The last version given.
    pub(crate) fn last_version(&self) -> Version {
        self.last_version
    }

    /// Makes every later version greater than `seen`.
    pub(crate) fn raise_version(&mut self, seen: Version) {
        self.last_version = self.last_version.max(seen);
    }

    /// Writes one effect of this shard to the journal.
    fn append<J: Journal>(
        &self,
        ctx: &Context<'_, J>,
        version: Version,
        key: &[u8],
        change: Change<'_>,
    ) -> Result<Lsn, JournalError> {
        let effects = [Effect { shard: self.id, version, key, change }];
        ctx.journal.append(&Record { group: 0, effects: &effects })
    }

    /// Remembers a journalled write until it is on stable storage. `removes` when a key may have gone.
    pub(crate) fn note_write<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        version: Version,
        lsn: Lsn,
        removes: bool,
    ) {
        self.unsynced.record(ctx.journal, (version, lsn), removes);
    }

    /// The position that an answer about a key at `version`, or an absent one, rests on; [`Lsn::ZERO`]
    /// when all of it is on stable storage.
    #[inline]
    pub(crate) fn exposed<J: Journal>(
        &mut self,
        ctx: &Context<'_, J>,
        version: Option<Version>,
    ) -> Lsn {
        self.unsynced.exposed(ctx.journal, version)
    }

    /// Takes everything in the shard as being on stable storage, as it is after a recovery.
    pub(crate) fn forget_unsynced(&mut self) {
        self.unsynced = Unsynced::new(self.last_version);
    }

    /// Tells once what has changed, or may have, of what others look at without the lock.
    #[inline]
    pub(crate) fn take_news(&mut self) -> Option<News> {
        let is_news = std::mem::take(&mut self.wheel_turned) | self.table.take_moved();
        is_news.then(|| News { next_due: self.wheel.next_due_ms(), place: self.table.place() })
    }

    /// Asks the processor for the entry of a key.
    #[inline]
    pub(crate) fn prefetch(&self, fingerprint: Fingerprint) {
        self.table.prefetch(fingerprint);
    }

    /// Recomputes everything that is kept as a running sum and compares (KV-I5).
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn verify(&self) {
        let entries = || self.table.slots().map(|slot| self.table.entry(slot));
        let (entry_bytes, payload_bytes) = (EntryRef::heap_bytes, EntryRef::payload_bytes);
        assert_eq!(self.entry_bytes, entries().map(entry_bytes).sum::<u64>(), "entry bytes");
        assert_eq!(self.payload_bytes, entries().map(payload_bytes).sum::<u64>(), "payload bytes");
        let volatile_keys = entries().filter(|entry| entry.expiry().is_some()).count();
        assert_eq!(self.volatile_keys, volatile_keys, "volatile keys");
        let saved_bytes = || entries().filter_map(EntryRef::saved_bytes);
        assert_eq!(self.compressed_keys, saved_bytes().count(), "compressed keys");
        assert_eq!(self.saved_bytes, saved_bytes().sum::<u64>(), "bytes saved");
        assert_eq!(self.memory.used(), self.footprint(), "bytes used");
        assert_eq!(self.table.slots().count(), self.table.len(), "keys");
        for slot in self.table.slots() {
            let (fingerprint, entry) = (self.table.fingerprint(slot), self.table.entry(slot));
            assert_eq!(self.table.find(fingerprint, entry.key()), Some(slot), "index");
            assert!(entry.version() <= self.last_version, "versions grow");
        }
    }
}

//! The store: routes operations to shards, and everything that spans shards.

use std::fmt;
use std::sync::atomic::AtomicU64;

use parking_lot::{Mutex, MutexGuard};

use super::cell::{PlaceCell, ShardCell, ShardGuard};
use super::config::{ConfigError, EngineConfig};
use super::footprints::Footprints;
use super::hasher::{KeyHasher, Location};
use super::lag::LagHistogram;
use super::memory::MemoryTracker;
use super::settings::{CompressCell, PolicyCell};
use super::shard::{Census, Cleared, Context, Prepared, Shard, Trash};
use crate::activity::{StoreActivity, add_lock_wait};
use crate::clock::Clock;
use crate::error::{BatchError, StoreError};
use crate::eviction::PolicyKind;
use crate::inspect::{KeyInfo, RandomKey, StoreSettings};
use crate::journal::{Change, Effect, Journal, Progress, Record};
use crate::scan::{ScanCursor, ScanPage, ScanSpec};
use crate::stats::StoreStats;
use crate::store::{ReplySink, Store};
use crate::types::{Lsn, Op, Reply, Transfer, TransferReply, UnixMillis, Version};

/// Versions start at the microseconds since the epoch at which the store is created.
///
/// So they grow across restarts even when nothing, or not everything, was kept: a shard would have to
/// apply a million writes a second for its whole life to get ahead of the clock. See ADR-0003.
const VERSIONS_PER_MS: u64 = 1000;

/// A store of many shards, each under its own lock. There is no lock over all of them.
///
/// Lock order: shards by ascending number; no other lock is taken under a shard's. A journal may take
/// its own below.
pub struct ShardedStore<J, C> {
    pub(super) shards: Box<[ShardCell]>,
    /// When each shard's wheel must next be looked at. Dense, so that an idle pass over it is cheap.
    pub(super) next_due: Box<[AtomicU64]>,
    /// Where each shard's table is.
    pub(super) places: Box<[PlaceCell]>,
    pub(super) tracker: MemoryTracker,
    pub(super) journal: J,
    pub(super) clock: C,
    /// As it was at the start; see [`settings`](super::settings) for what has changed.
    pub(super) config: EngineConfig,
    pub(super) policy: PolicyCell,
    /// From which length on values are compressed.
    pub(super) compress_min: CompressCell,
    /// Feeds random choices between shards.
    pub(super) draws: AtomicU64,
    pub(super) hasher: KeyHasher,
    /// How late expired keys were removed; merged into once per tick.
    pub(super) lag: Mutex<LagHistogram>,
    /// When keys were last removed by the engine itself.
    pub(super) footprints: Footprints,
    /// The greatest version seen in replay.
    pub(super) replayed_version: AtomicU64,
    /// How many keys replay makes room for in a shard that it finds empty; 0 when that is not known.
    pub(super) expected_keys: AtomicU64,
    /// Marks cursors as this store's.
    pub(super) identity: u64,
}

impl<J, C> fmt::Debug for ShardedStore<J, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardedStore").field("config", &self.config).finish_non_exhaustive()
    }
}

impl<J: Journal, C: Clock> ShardedStore<J, C> {
    /// An empty store.
    ///
    /// # Errors
    /// [`ConfigError`] when a setting is out of bounds.
    ///
    /// # Panics
    /// Never: shards are checked to be few enough to be numbered.
    pub fn new(config: EngineConfig, journal: J, clock: C) -> Result<Self, ConfigError> {
        config.check()?;
        let mut random = fastrand::Rng::with_seed(config.seed);
        let now = clock.now();
        let first_version = Version::new(now.get().saturating_mul(VERSIONS_PER_MS));
        let mut base = 0;
        let shards: Box<[ShardCell]> = (0..config.shards)
            .map(|id| {
                let id = u32::try_from(id).expect("shards are at most SHARDS_MAX");
                let policy = config.eviction_policy.build(random.u64(..));
                let shard = Shard::new(id, policy, random.u64(..), now, first_version);
                base += shard.used_bytes() + size_of::<ShardCell>() as u64;
                ShardCell::new(shard)
            })
            .collect();
        let store = Self {
            shards,
            next_due: (0..config.shards).map(|_| AtomicU64::new(u64::MAX)).collect(),
            places: (0..config.shards).map(|_| PlaceCell::default()).collect(),
            tracker: MemoryTracker::new(config.shards, base),
            journal,
            hasher: KeyHasher::new(config.seed, config.shards),
            lag: Mutex::default(),
            footprints: Footprints::default(),
            replayed_version: AtomicU64::new(0),
            expected_keys: AtomicU64::new(0),
            // The seed and the time tell stores apart, of other processes and of earlier runs.
            identity: random.u64(..) ^ now.get().rotate_left(20),
            draws: AtomicU64::new(random.u64(..)),
            policy: PolicyCell::new(config.eviction_policy),
            compress_min: CompressCell::new(config.compress_min_bytes),
            clock,
            config,
        };
        store.change_memory_limit(config.memory_limit)?;
        Ok(store)
    }

    pub(super) fn context(&self) -> Context<'_, J> {
        self.context_at(self.clock.now())
    }

    /// Frees what a shard held, and only then lets others have the bytes (KV-I9). Tells how many keys
    /// there were.
    pub(super) fn free(&self, cleared: Cleared) -> u64 {
        let (keys, bytes) = (cleared.table.len() as u64, cleared.bytes);
        drop(cleared);
        self.tracker.release_detached(bytes);
        keys
    }

    pub(super) fn context_at(&self, now: UnixMillis) -> Context<'_, J> {
        Context { journal: &self.journal, tracker: &self.tracker, limits: &self.config.limits, now }
    }

    #[expect(clippy::indexing_slicing, reason = "the hasher's mask keeps indices below the count")]
    pub(super) fn lock(&self, index: usize) -> ShardGuard<'_> {
        let mutex = self.shards[index].mutex();
        let (next_due, place) = (&self.next_due[index], &self.places[index]);
        if let Some(shard) = mutex.try_lock() {
            return ShardGuard { shard, next_due, place };
        }
        ShardGuard { shard: self.await_lock(mutex), next_due, place }
    }

    /// Only who has to wait looks at the clock.
    #[cold]
    fn await_lock<'a>(&self, mutex: &'a Mutex<Shard>) -> MutexGuard<'a, Shard> {
        let began = self.clock.elapsed();
        let mut shard = mutex.lock();
        add_lock_wait(self.clock.elapsed().saturating_sub(began));
        shard.count_lock_wait();
        shard
    }

    pub(super) fn locate(&self, key: &[u8]) -> Location {
        self.hasher.locate(key)
    }

    /// Asks the processor for the shard of a key, and for the bucket that it belongs to.
    #[inline]
    pub(super) fn prefetch_bucket(&self, key: Location) {
        if let (Some(cell), Some(place)) = (self.shards.get(key.shard), self.places.get(key.shard))
        {
            cell.prefetch();
            place.get().prefetch(key.fingerprint);
        }
    }

    /// Asks the processor for the entry of a key, whose bucket it has fetched. Does nothing when somebody else
    /// is at work in the shard.
    #[inline]
    pub(super) fn prefetch_entry(&self, key: Location) {
        if let Some(shard) = self.shards.get(key.shard).and_then(|cell| cell.mutex().try_lock()) {
            shard.prefetch(key.fingerprint);
        }
    }

    /// Makes ready what an operation will store, if that takes a while. When it takes long, the time goes on with it.
    pub(super) fn prepare<'a>(&'a self, ctx: &mut Context<'a, J>, op: &Op<'_>) -> Prepared {
        let compress_min = self.compress_min.get();
        let prepared = Prepared::new(op, ctx.now, compress_min);
        if Prepared::takes_long(op, compress_min) {
            *ctx = self.context();
        }
        prepared
    }

    /// Runs a `Get`. Reads need no room.
    fn read(&self, key: &[u8], location: Location) -> Reply {
        let mut trash = Trash::new(&self.tracker);
        let mut shard = self.lock(location.shard);
        let key = (location.fingerprint, key);
        shard.read(&self.journal, || self.context(), key, &mut trash).to_reply()
    }

    /// The engine's memory account: at every moment at least the bytes in use, and at most the limit
    /// (KV-I9). Without a limit only what was used at creation.
    pub fn memory_reserved(&self) -> u64 {
        self.tracker.reserved()
    }

    /// Recomputes every running sum of every shard and compares; for tests.
    ///
    /// # Panics
    /// When anything differs.
    #[cfg(any(test, feature = "testing"))]
    pub fn verify(&self) {
        for index in 0..self.shards.len() {
            self.lock(index).verify();
        }
    }
}

impl<J: Journal, C: Clock> Store for ShardedStore<J, C> {
    fn execute(&self, op: &Op<'_>) -> Result<Reply, StoreError> {
        self.config.limits.check(op)?;
        let location = self.locate(op.key);
        if op.is_plain_get() {
            return Ok(self.read(op.key, location));
        }
        let mut ctx = self.context();
        let mut prepared = self.prepare(&mut ctx, op);
        self.with_room(&ctx, location, |shard, trash| {
            shard.execute(&ctx, (op, location.fingerprint), &mut prepared, trash)
        })
    }

    fn execute_batch(
        &self,
        ops: &[Op<'_>],
        results: &mut Vec<Result<Reply, StoreError>>,
    ) -> Result<(), StoreError> {
        self.run_batch(ops, results)
    }

    fn execute_in_order(
        &self,
        ops: &[Op<'_>],
        replies: &mut dyn ReplySink,
    ) -> Result<(), StoreError> {
        self.run_in_order(ops, replies)
    }

    fn execute_atomic(&self, ops: &[Op<'_>]) -> Result<Vec<Reply>, BatchError> {
        self.run_atomic(ops)
    }

    fn transfer(&self, transfer: &Transfer<'_>) -> Result<TransferReply, StoreError> {
        self.run_transfer(transfer)
    }

    fn scan(
        &self,
        spec: &ScanSpec<'_>,
        cursor: Option<ScanCursor>,
    ) -> Result<ScanPage, StoreError> {
        self.read_page(spec, cursor)
    }

    fn flush(&self) -> Result<(u64, Lsn), StoreError> {
        let ctx = self.context();
        let mut guards: Vec<_> = (0..self.shards.len()).map(|index| self.lock(index)).collect();
        // Above every version given, and given by no shard: replay tells by it what was there before.
        let last = guards.iter().map(|shard| shard.last_version()).max().unwrap_or_default();
        let version = Version::new(last.get() + 1);
        let effects = [Effect { shard: 0, version, key: &[], change: Change::Clear }];
        let lsn = self.journal.append(&Record { group: 0, effects: &effects })?;
        let clear = |shard: &mut ShardGuard<'_>| {
            shard.raise_version(version);
            shard.note_write(&ctx, version, lsn, true);
            shard.apply_clear(&ctx, self.fresh_policy())
        };
        let cleared: Vec<Cleared> = guards.iter_mut().map(clear).collect();
        drop(guards);
        Ok((cleared.into_iter().map(|cleared| self.free(cleared)).sum(), lsn))
    }

    fn random_key(&self) -> RandomKey {
        self.draw_key()
    }

    fn inspect(&self, key: &[u8]) -> Option<KeyInfo> {
        let (ctx, location) = (self.context(), self.locate(key));
        let mut trash = Trash::new(&self.tracker);
        self.lock(location.shard).inspect(&ctx, location.fingerprint, key, &mut trash)
    }

    fn settings(&self) -> StoreSettings {
        self.settings_now()
    }

    fn set_memory_limit(&self, bytes: u64) -> Result<bool, ConfigError> {
        self.change_memory_limit(bytes)
    }

    fn set_eviction_policy(&self, kind: PolicyKind) {
        self.change_eviction_policy(kind);
    }

    fn set_compression(&self, min_bytes: Option<usize>) -> Result<(), ConfigError> {
        self.change_compression(min_bytes)
    }

    fn stats(&self) -> StoreStats {
        let lag = self.lag.lock().clone();
        let mut stats = StoreStats {
            memory_limit_bytes: self.tracker.limit(),
            memory_used_bytes: (self.shards.len() * size_of::<ShardCell>()) as u64,
            eviction_policy: self.policy.get().name(),
            expiry_lag_ms: lag.summary(),
            expiry_lag_counts: lag.counts(),
            shards: u32::try_from(self.shards.len()).expect("shards are at most SHARDS_MAX"),
            shard_keys_min: u64::MAX,
            shard_lock_waits_min: u64::MAX,
            ..StoreStats::default()
        };
        for index in 0..self.shards.len() {
            let census = self.lock(index).census();
            add(&mut stats, &census);
        }
        stats
    }

    fn activity(&self) -> StoreActivity {
        self.footprints.activity(self.clock.now())
    }

    fn progress(&self) -> &dyn Progress {
        &self.journal
    }
}

fn add(stats: &mut StoreStats, census: &Census) {
    let keys = census.keys as u64;
    stats.keys += keys;
    stats.volatile_keys += census.volatile_keys as u64;
    stats.payload_bytes += census.payload_bytes;
    stats.compressed_values += census.compressed_keys as u64;
    stats.compression_saved_bytes += census.saved_bytes;
    stats.memory_used_bytes += census.used_bytes;
    stats.table_bytes += census.table_bytes;
    stats.ttl_index_bytes += census.ttl_index_bytes;
    stats.ttl_index_items += census.ttl_index_items as u64;
    stats.hits += census.lookups.hits;
    stats.misses += census.lookups.misses;
    stats.writes += census.counters.writes;
    stats.expired_keys += census.counters.expired_keys;
    stats.evicted_keys += census.counters.evicted_keys;
    stats.evicted_bytes += census.counters.evicted_bytes;
    stats.eviction_cycles += census.counters.eviction_cycles;
    let lock_waits = census.counters.lock_waits;
    stats.lock_waits += lock_waits;
    stats.shard_lock_waits_min = stats.shard_lock_waits_min.min(lock_waits);
    stats.shard_lock_waits_max = stats.shard_lock_waits_max.max(lock_waits);
    stats.shard_keys_min = stats.shard_keys_min.min(keys);
    stats.shard_keys_max = stats.shard_keys_max.max(keys);
}

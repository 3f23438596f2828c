//! A store that is looked at, or tampered with, before each operation.

use std::sync::Arc;

use kv_core::eviction::PolicyKind;
use kv_core::testing::ManualClock;
use kv_core::{
    BatchError, ConfigError, EngineConfig, KeyInfo, Lsn, NullJournal, Op, Progress, RandomKey,
    Reply, ReplySink, ScanCursor, ScanPage, ScanSpec, ShardedStore, Store, StoreActivity,
    StoreError, StoreSettings, StoreStats, Transfer, TransferReply,
};

/// What happens before an operation alone is executed.
type Before = Box<dyn Fn(&dyn Store, &Op<'_>) + Send + Sync>;

/// A store in memory, of one shard.
pub(crate) struct Watched {
    store: ShardedStore<NullJournal, Arc<ManualClock>>,
    before: Before,
}

impl Watched {
    /// Calls `before` with the store itself before each operation.
    pub(crate) fn new(before: impl Fn(&dyn Store, &Op<'_>) + Send + Sync + 'static) -> Self {
        let clock = Arc::new(ManualClock::default());
        let config = EngineConfig { shards: 1, ..EngineConfig::default() };
        let store = ShardedStore::new(config, NullJournal, clock).expect("a store");
        Self { store, before: Box::new(before) }
    }
}

impl Store for Watched {
    fn execute(&self, op: &Op<'_>) -> Result<Reply, StoreError> {
        (self.before)(&self.store, op);
        self.store.execute(op)
    }

    fn execute_batch(
        &self,
        ops: &[Op<'_>],
        results: &mut Vec<Result<Reply, StoreError>>,
    ) -> Result<(), StoreError> {
        self.store.execute_batch(ops, results)
    }

    fn execute_in_order(
        &self,
        ops: &[Op<'_>],
        replies: &mut dyn ReplySink,
    ) -> Result<(), StoreError> {
        self.store.execute_in_order(ops, replies)
    }

    fn execute_atomic(&self, ops: &[Op<'_>]) -> Result<Vec<Reply>, BatchError> {
        self.store.execute_atomic(ops)
    }

    fn transfer(&self, transfer: &Transfer<'_>) -> Result<TransferReply, StoreError> {
        self.store.transfer(transfer)
    }

    fn scan(
        &self,
        spec: &ScanSpec<'_>,
        cursor: Option<ScanCursor>,
    ) -> Result<ScanPage, StoreError> {
        self.store.scan(spec, cursor)
    }

    fn flush(&self) -> Result<(u64, Lsn), StoreError> {
        self.store.flush()
    }

    fn random_key(&self) -> RandomKey {
        self.store.random_key()
    }

    fn inspect(&self, key: &[u8]) -> Option<KeyInfo> {
        self.store.inspect(key)
    }

    fn settings(&self) -> StoreSettings {
        self.store.settings()
    }

    fn set_memory_limit(&self, bytes: u64) -> Result<bool, ConfigError> {
        self.store.set_memory_limit(bytes)
    }

    fn set_eviction_policy(&self, kind: PolicyKind) {
        self.store.set_eviction_policy(kind);
    }

    fn set_compression(&self, min_bytes: Option<usize>) -> Result<(), ConfigError> {
        self.store.set_compression(min_bytes)
    }

    fn stats(&self) -> StoreStats {
        self.store.stats()
    }

    fn activity(&self) -> StoreActivity {
        self.store.activity()
    }

    fn progress(&self) -> &dyn Progress {
        self.store.progress()
    }
}

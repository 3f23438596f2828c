//! A panic while a call is executed ends that call; the connection, and everyone else, goes on (KV-I7).

use std::sync::Arc;

use kv_core::eviction::PolicyKind;
use kv_core::testing::ManualClock;
use kv_core::{
    BatchError, ConfigError, EngineConfig, KeyInfo, Lsn, NullJournal, Op, Progress, RandomKey,
    Reply, ScanCursor, ScanPage, ScanSpec, ShardedStore, Store, StoreError, StoreSettings,
    StoreStats, Transfer, TransferReply,
};
use kv_proto::v1::GetRequest;
use kv_server::testing::TestServer;

use crate::support::{bytes, connect, get, set, within};

/// A store with a fault: one key makes it panic.
struct FaultyStore(ShardedStore<NullJournal, Arc<ManualClock>>);

impl Store for FaultyStore {
    fn execute(&self, op: &Op<'_>) -> Result<Reply, StoreError> {
        assert_ne!(op.key, b"boom", "wanted by the test");
        self.0.execute(op)
    }

    fn execute_batch(
        &self,
        ops: &[Op<'_>],
        results: &mut Vec<Result<Reply, StoreError>>,
    ) -> Result<(), StoreError> {
        self.0.execute_batch(ops, results)
    }

    fn execute_in_order(
        &self,
        ops: &[Op<'_>],
        results: &mut Vec<Result<Reply, StoreError>>,
    ) -> Result<(), StoreError> {
        self.0.execute_in_order(ops, results)
    }

    fn execute_atomic(&self, ops: &[Op<'_>]) -> Result<Vec<Reply>, BatchError> {
        self.0.execute_atomic(ops)
    }

    fn transfer(&self, transfer: &Transfer<'_>) -> Result<TransferReply, StoreError> {
        self.0.transfer(transfer)
    }

    fn scan(
        &self,
        spec: &ScanSpec<'_>,
        cursor: Option<ScanCursor>,
    ) -> Result<ScanPage, StoreError> {
        self.0.scan(spec, cursor)
    }

    fn flush(&self) -> Result<(u64, Lsn), StoreError> {
        self.0.flush()
    }

    fn random_key(&self) -> RandomKey {
        self.0.random_key()
    }

    fn inspect(&self, key: &[u8]) -> Option<KeyInfo> {
        self.0.inspect(key)
    }

    fn settings(&self) -> StoreSettings {
        self.0.settings()
    }

    fn set_memory_limit(&self, bytes: u64) -> Result<bool, ConfigError> {
        self.0.set_memory_limit(bytes)
    }

    fn set_eviction_policy(&self, kind: PolicyKind) {
        self.0.set_eviction_policy(kind);
    }

    fn stats(&self) -> StoreStats {
        self.0.stats()
    }

    fn progress(&self) -> &dyn Progress {
        self.0.progress()
    }
}

/// A store that panics for the key `boom`.
pub(crate) fn faulty_store() -> Arc<dyn Store> {
    let clock = Arc::new(ManualClock::default());
    let config = EngineConfig { shards: 1, ..EngineConfig::default() };
    Arc::new(FaultyStore(ShardedStore::new(config, NullJournal, clock).unwrap()))
}

#[tokio::test]
async fn a_panic_ends_its_own_call_only() {
    let server = TestServer::start_over(faulty_store(), |_config| {});
    let mut kv = connect(&server).await;
    kv.set(set("k", "v")).await.unwrap();
    for _ in 0..3 {
        let call = kv.get(GetRequest { key: bytes("boom") });
        within(call).await.expect_err("the call fails");
        assert_eq!(get(&mut kv, "k").await.value.unwrap(), "v", "on the same connection");
    }
    assert_eq!(within(server.stop()).await.connections_cut, 0);
}

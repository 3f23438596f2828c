//! While a server loads, calls are answered at once with how far it is, and the store is not touched.

use std::sync::Arc;

use kv_core::eviction::PolicyKind;
use kv_core::{
    BatchError, ConfigError, KeyInfo, Lsn, Op, Progress, RandomKey, Reply, ReplySink, ScanCursor,
    ScanPage, ScanSpec, Store, StoreActivity, StoreError, StoreSettings, StoreStats, Transfer,
    TransferReply,
};
use kv_proto::v1::{FlushRequest, GetRequest, PipelineRequest, ScanRequest, StatsRequest};
use kv_server::testing::TestServer;
use kv_server::{Backend, Readiness};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::log::backend;
use crate::support::{bytes, channel, connect, connect_admin, get, refused, set, within};

/// A store that must not be touched.
struct Untouchable;

/// A store that fails the test when it is touched.
pub(crate) fn untouchable() -> Arc<dyn Store> {
    Arc::new(Untouchable)
}

impl Store for Untouchable {
    fn execute(&self, _: &Op<'_>) -> Result<Reply, StoreError> {
        unreachable!("the store is touched")
    }

    fn execute_batch(
        &self,
        _: &[Op<'_>],
        _: &mut Vec<Result<Reply, StoreError>>,
    ) -> Result<(), StoreError> {
        unreachable!("the store is touched")
    }

    fn execute_in_order(&self, _: &[Op<'_>], _: &mut dyn ReplySink) -> Result<(), StoreError> {
        unreachable!("the store is touched")
    }

    fn execute_atomic(&self, _: &[Op<'_>]) -> Result<Vec<Reply>, BatchError> {
        unreachable!("the store is touched")
    }

    fn transfer(&self, _: &Transfer<'_>) -> Result<TransferReply, StoreError> {
        unreachable!("the store is touched")
    }

    fn scan(&self, _: &ScanSpec<'_>, _: Option<ScanCursor>) -> Result<ScanPage, StoreError> {
        unreachable!("the store is touched")
    }

    fn flush(&self) -> Result<(u64, Lsn), StoreError> {
        unreachable!("the store is touched")
    }

    fn random_key(&self) -> RandomKey {
        unreachable!("the store is touched")
    }

    fn inspect(&self, _: &[u8]) -> Option<KeyInfo> {
        unreachable!("the store is touched")
    }

    fn settings(&self) -> StoreSettings {
        unreachable!("the store is touched")
    }

    fn set_memory_limit(&self, _: u64) -> Result<bool, ConfigError> {
        unreachable!("the store is touched")
    }

    fn set_eviction_policy(&self, _: PolicyKind) {
        unreachable!("the store is touched")
    }

    fn set_compression(&self, _: Option<usize>) -> Result<(), ConfigError> {
        unreachable!("the store is touched")
    }

    fn stats(&self) -> StoreStats {
        unreachable!("the store is touched")
    }

    fn activity(&self) -> StoreActivity {
        unreachable!("the store is touched")
    }

    fn progress(&self) -> &dyn Progress {
        unreachable!("the store is touched")
    }
}

#[tokio::test]
async fn every_call_is_told_how_far_the_loading_is() {
    let readiness = Readiness::loading();
    let backend = Backend::new(Arc::new(Untouchable)).readiness(readiness.clone());
    let server = TestServer::start_backend(backend, |_config| {});
    let mut kv = connect(&server).await;
    let mut admin = connect_admin(&server).await;
    for (percent, text, wanted) in [(0, "", "loading: 0 %;"), (42, "log", "loading: 42 % (log);")] {
        readiness.set_progress(percent, text);
        let batches = tokio_stream::iter([PipelineRequest::default()]);
        for result in [
            kv.get(GetRequest { key: bytes("k") }).await.map(drop),
            kv.set(set("k", "v")).await.map(drop),
            // Longer than what may be sent ahead: the answer comes before the request is complete.
            kv.set(set("k", vec![b'v'; 16 << 20])).await.map(drop),
            kv.pipeline(batches).await.map(drop),
            kv.scan(ScanRequest::default()).await.map(drop),
            admin.stats(StatsRequest {}).await.map(drop),
            admin.flush(FlushRequest::default()).await.map(drop),
        ] {
            refused(result, Code::Unavailable, "LOADING", &[wanted, "nothing was executed"]);
        }
    }
    assert_eq!(within(server.stop()).await.connections_cut, 0, "a loading server can stop");
}

#[tokio::test]
async fn it_serves_from_the_moment_it_is_ready() {
    let readiness = Readiness::loading();
    let server = TestServer::start_backend(
        backend(&Arc::default()).readiness(readiness.clone()),
        |_config| {},
    );
    let mut kv = connect(&server).await;
    let mut health = HealthClient::new(channel(&server.addr()).await);
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    let check = async |health: &mut HealthClient<_>| {
        let answer = health.check(HealthCheckRequest::default()).await.unwrap();
        answer.into_inner().status()
    };
    assert_eq!(check(&mut health).await, ServingStatus::NotServing);
    let next = within(watch.message()).await.unwrap().unwrap();
    assert_eq!(next.status(), ServingStatus::NotServing);
    readiness.ready();
    let next = within(watch.message()).await.unwrap().unwrap();
    assert_eq!(next.status(), ServingStatus::Serving);
    assert_eq!(check(&mut health).await, ServingStatus::Serving);
    kv.set(set("k", "v")).await.unwrap();
    assert_eq!(get(&mut kv, "k").await.value.unwrap(), "v");
}

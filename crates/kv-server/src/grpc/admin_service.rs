//! The service `kv.v1.Admin`: what an operator asks of a server.

use std::sync::Arc;

use kv_proto::v1::admin_server::Admin;
use kv_proto::v1::{
    FlushRequest, FlushResponse, SnapshotRequest, SnapshotResponse, StatsRequest, StatsResponse,
};
use tokio::task::spawn_blocking;
use tonic::{Request, Response, Status, async_trait};
use tracing::info;

use crate::clock::millis;
use crate::contract::{Refusal, Shared, convert};
use crate::persistence::SnapshotTaken;
use crate::promise::Basis;

/// `kv.v1.Admin` over a store.
pub(crate) struct AdminService {
    shared: Arc<Shared>,
}

impl AdminService {
    /// Serves the store.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// What is on disk; `None` when nothing is.
    fn persistence_stats(&self) -> Option<kv_proto::v1::PersistenceStats> {
        let gate = &self.shared.gate;
        let stats = gate.persistence()?.stats();
        let health = gate.store().progress().health();
        Some(convert::persistence_stats(&stats, gate.fsync(), health))
    }
}

#[async_trait]
impl Admin for AdminService {
    async fn stats(
        &self,
        _request: Request<StatsRequest>,
    ) -> Result<Response<StatsResponse>, Status> {
        let (store, started) = (self.shared.store(), self.shared.gate.started());
        let (stats, uptime) = (store.stats(), started.elapsed());
        let mut response = convert::stats_response(&stats, uptime, store.durability_max());
        response.persistence = self.persistence_stats();
        Ok(Response::new(response))
    }

    /// Runs on a thread of its own: freeing millions of keys takes seconds.
    async fn flush(
        &self,
        request: Request<FlushRequest>,
    ) -> Result<Response<FlushResponse>, Status> {
        let store = Arc::clone(self.shared.gate.store());
        let level = self.shared.level(request.get_ref().durability)?;
        let job = self.shared.gate.slow().jobs().begin();
        let flushed = spawn_blocking(move || store.flush()).await;
        drop(job);
        let (removed, lsn) = flushed
            .map_err(|panic| Status::internal(format!("flush failed: {panic}")))?
            .map_err(Refusal::from)?;
        info!(removed, "flushed on request");
        let settled = self.shared.gate.settle(Basis::of_write(lsn), level).await;
        let achieved = settled.map_err(Refusal::from)?;
        let achieved = convert::wire_achieved(true, achieved);
        Ok(Response::new(FlushResponse { removed, achieved }))
    }

    /// Runs on a thread of its own, which goes on when the client does not wait for it.
    async fn snapshot(
        &self,
        _request: Request<SnapshotRequest>,
    ) -> Result<Response<SnapshotResponse>, Status> {
        let persistence = self.shared.gate.persistence().cloned().ok_or(Refusal::PersistenceOff)?;
        let taken = spawn_blocking(move || persistence.snapshot()).await;
        let taken = taken
            .map_err(|panic| Status::internal(format!("the snapshot failed: {panic}")))?
            .map_err(Refusal::from)?;
        let SnapshotTaken { id, keys, bytes, duration } = taken;
        info!(id, keys, bytes, ?duration, "snapshot taken on request");
        let duration_ms = millis(duration);
        Ok(Response::new(SnapshotResponse { id, keys, bytes, duration_ms }))
    }
}

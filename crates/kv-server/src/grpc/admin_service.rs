//! The service `kv.v1.Admin`: what an operator asks of a server.

use std::sync::Arc;

use kv_proto::v1::admin_server::Admin;
use kv_proto::v1::{FlushRequest, FlushResponse, StatsRequest, StatsResponse};
use tokio::task::spawn_blocking;
use tonic::{Request, Response, Status, async_trait};
use tracing::info;

use super::refusal::Refusal;
use super::shared::Shared;
use super::{convert, durability};
use crate::clock::Stopwatch;

/// `kv.v1.Admin` over a store.
pub(crate) struct AdminService {
    shared: Arc<Shared>,
    started: Stopwatch,
}

impl AdminService {
    /// Serves the store of a process that started when the stopwatch did.
    pub(crate) fn new(shared: Arc<Shared>, started: Stopwatch) -> Self {
        Self { shared, started }
    }
}

#[async_trait]
impl Admin for AdminService {
    async fn stats(
        &self,
        _request: Request<StatsRequest>,
    ) -> Result<Response<StatsResponse>, Status> {
        let store = &self.shared.store;
        let (stats, uptime) = (store.stats(), self.started.elapsed());
        Ok(Response::new(convert::stats_response(&stats, uptime, store.durability_max())))
    }

    /// Runs on a thread of its own: freeing millions of keys takes seconds.
    async fn flush(
        &self,
        request: Request<FlushRequest>,
    ) -> Result<Response<FlushResponse>, Status> {
        let store = Arc::clone(&self.shared.store);
        durability::check(request.get_ref().durability, store.durability_max())?;
        let flushed = spawn_blocking(move || store.flush()).await;
        let (removed, _lsn) = flushed
            .map_err(|panic| Status::internal(format!("flush failed: {panic}")))?
            .map_err(Refusal::from)?;
        info!(removed, "flushed on request");
        Ok(Response::new(FlushResponse { removed, achieved: durability::achieved(true) }))
    }
}

//! The standard service `grpc.health.v1.Health`: serving, until the server drains.
//!
//! tonic-health's own server keeps `Watch` streams open for ever, and one watching client would make every
//! shutdown wait for the whole of `server.drain_timeout`. Here they end with the news.

use std::pin::Pin;

use futures_util::stream::{self, Stream, StreamExt as _};
use tonic::{Request, Response, Status, async_trait};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::shutdown::Drain;

/// What can be asked for; the empty name is the server as a whole.
const NAMES: [&str; 3] = ["", "kv.v1.Kv", "kv.v1.Admin"];

/// `grpc.health.v1.Health` of a server.
pub(crate) struct HealthService {
    drain: Drain,
}

impl HealthService {
    /// Serving until the server drains.
    pub(crate) fn new(drain: Drain) -> Self {
        Self { drain }
    }
}

#[async_trait]
impl Health for HealthService {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        known(&request.get_ref().service)?;
        Ok(Response::new(response(self.drain.has_begun())))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        known(&request.get_ref().service)?;
        let mut drain = self.drain.clone();
        let now = stream::once(std::future::ready(Ok(response(false))));
        let end = stream::once(async move {
            drain.begun().await;
            Ok(response(true))
        });
        Ok(Response::new(Box::pin(now.chain(end))))
    }
}

fn response(drains: bool) -> HealthCheckResponse {
    let status = if drains { ServingStatus::NotServing } else { ServingStatus::Serving };
    HealthCheckResponse { status: status.into() }
}

fn known(name: &str) -> Result<(), Status> {
    if NAMES.contains(&name) {
        return Ok(());
    }
    let names = NAMES.map(|name| format!("{name:?}")).join(", ");
    Err(Status::not_found(format!("service {name:?} is not known: ask for one of {names}")))
}

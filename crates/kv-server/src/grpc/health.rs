//! The standard service `grpc.health.v1.Health`: serving once loaded, until the log fails or the server
//! drains.
//!
//! tonic-health's own server keeps `Watch` streams open for ever, and one watching client would make every
//! shutdown wait for the whole of `server.drain_timeout`. Here they end with that news.

use std::pin::Pin;

use futures_util::stream::{self, Stream};
use tonic::{Request, Response, Status, async_trait};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::serving::{Serving, State};

/// What can be asked for; the empty name is the server as a whole.
const NAMES: [&str; 3] = ["", "kv.v1.Kv", "kv.v1.Admin"];

/// `grpc.health.v1.Health` of a server.
pub(crate) struct HealthService {
    serving: Serving,
}

impl HealthService {
    /// Tells whether the server takes requests.
    pub(crate) fn new(serving: Serving) -> Self {
        Self { serving }
    }
}

#[async_trait]
impl Health for HealthService {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        known(&request.get_ref().service)?;
        Ok(Response::new(response(self.serving.state())))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        known(&request.get_ref().service)?;
        let told = stream::unfold((self.serving.clone(), None), |(mut serving, told)| async move {
            let state = next(&mut serving, told).await?;
            Some((Ok(response(state)), (serving, Some(state))))
        });
        Ok(Response::new(Box::pin(told)))
    }
}

/// The next state to tell after the one told; `None` when there is no more to come.
async fn next(serving: &mut Serving, told: Option<State>) -> Option<State> {
    let Some(told) = told else {
        return Some(serving.state());
    };
    let mut state = told;
    while status(state) == status(told) {
        if state == State::Draining {
            return None;
        }
        serving.changed(state).await;
        state = serving.state();
    }
    Some(state)
}

fn status(state: State) -> ServingStatus {
    if state == State::Serving { ServingStatus::Serving } else { ServingStatus::NotServing }
}

fn response(state: State) -> HealthCheckResponse {
    HealthCheckResponse { status: status(state).into() }
}

fn known(name: &str) -> Result<(), Status> {
    if NAMES.contains(&name) {
        return Ok(());
    }
    let names = NAMES.map(|name| format!("{name:?}")).join(", ");
    Err(Status::not_found(format!("service {name:?} is not known: ask for one of {names}")))
}

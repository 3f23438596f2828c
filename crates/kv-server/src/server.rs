//! A server: all listeners together, from listening to having drained.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::task::JoinSet;
use tracing::{error, info};

use crate::backend::Backend;
use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::error::StartError;
use crate::gate::Gate;
use crate::grpc::Grpc;
use crate::http::Http;
use crate::resp::Resp;
use crate::serving::serving;
use crate::shutdown::{Drain, DrainSwitch, FinalSnapshot, drain_switch};
use crate::workers::{Team, Workers};

/// A server that listens and does not serve yet.
pub struct Server {
    gate: Arc<Gate>,
    endpoints: Vec<Endpoint>,
    team: Team,
    drain_timeout: Duration,
    switch: DrainSwitch,
    drain: Drain,
    /// Watches the backend's log.
    watching: BoxFuture<'static, ()>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

/// How the serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were still busy at the end of `server.drain_timeout` and were cut off.
    pub connections_cut: usize,
    /// What the client wanted who asked for the stop, if it was one.
    pub final_snapshot: FinalSnapshot,
}

impl Server {
    /// Takes the configured addresses, in the runtime of the caller. Clients that connect from now on wait to be served; what they ask
    /// is refused while the backend is loading.
    ///
    /// # Errors
    /// [`StartError`] names the configuration key and what helps.
    pub fn bind(config: &Config, backend: Backend) -> Result<Self, StartError> {
        let (switch, drain) = drain_switch();
        let (serving, watching) = serving(&backend, &drain);
        let gate = Arc::new(Gate::new(backend, config, serving));
        let grpc = Grpc::new(&gate, config, &drain)?;
        let resp = Resp::new(&gate, config, &drain);
        let http = Http::new(&gate, config);
        let shared = (gate.places(), gate.metrics());
        let endpoints = [
            Endpoint::bind("server.resp_addr", config.server.resp_addr, shared, resp)?,
            Endpoint::bind("server.grpc_addr", config.server.grpc_addr, shared, grpc)?,
            Endpoint::bind("server.http_addr", config.server.http_addr, shared, http)?,
        ];
        let endpoints: Vec<Endpoint> = endpoints.into_iter().flatten().collect();
        if endpoints.is_empty() {
            return Err(StartError::NoAddress);
        }
        let drain_timeout = config.server.drain_timeout.get();
        let (team, watching) = (Team::of_this_runtime(), watching.boxed());
        Ok(Self { gate, endpoints, team, drain_timeout, switch, drain, watching })
    }

    /// Connections are served by these threads, instead of by the runtime in which the addresses were taken. They
    /// must outlive the serving.
    #[must_use]
    pub fn on(mut self, workers: &Workers) -> Self {
        self.team = workers.team().clone();
        self
    }

    /// What every protocol goes through to the store.
    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// What is listened on: the name of each protocol and its address, with the port that was taken when
    /// the configured one is 0.
    pub fn local_addrs(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        self.endpoints.iter().map(Endpoint::local_addr)
    }

    /// Serves until `shutdown` ends or a client asks for it, then stops listening and waits for what is in flight, for
    /// `server.drain_timeout` at most. Dropping the future cuts every connection at once.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Stopped {
        let Self { gate, endpoints, team, drain_timeout, switch, drain, watching } = self;
        // Ends with this function.
        let mut watch = JoinSet::new();
        watch.spawn(watching);
        let mut serving = JoinSet::new();
        for endpoint in endpoints {
            serving.spawn(endpoint.serve(team.clone(), drain.clone(), drain_timeout));
        }
        let final_snapshot = tokio::select! {
            () = shutdown => FinalSnapshot::default(),
            asked = gate.stop_requests().asked() => {
                info!("stopping: a client asks for it");
                asked
            }
        };
        switch.turn();
        let mut connections_cut = 0;
        while let Some(ended) = serving.join_next().await {
            match ended {
                Ok(cut) => connections_cut += cut,
                Err(error) => error!(%error, "a listener's task failed"),
            }
        }
        Stopped { connections_cut, final_snapshot }
    }
}

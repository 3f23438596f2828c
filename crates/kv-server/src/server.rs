//! A server: listening, serving, draining.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::pin;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::backend::Backend;
use crate::config::{Config, LimitsSection};
use crate::connection;
use crate::error::StartError;
use crate::grpc::{self, Services};
use crate::listener::Listener;
use crate::serving::serving;
use crate::shutdown::{Drain, DrainSwitch, drain_switch};

/// A server that listens and does not serve yet.
pub struct Server {
    listener: Listener,
    services: Services,
    limits: LimitsSection,
    drain_timeout: Duration,
    switch: DrainSwitch,
    drain: Drain,
    /// Watches the backend's log.
    watching: BoxFuture<'static, ()>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// How the serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were still busy at the end of `server.drain_timeout` and were cut off.
    pub connections_cut: usize,
}

impl Server {
    /// Takes the configured addresses. Clients that connect from now on wait to be served; what they ask
    /// is refused while the backend is loading.
    ///
    /// # Errors
    /// [`StartError`] names the configuration key and what helps.
    pub fn bind(config: &Config, backend: Backend) -> Result<Self, StartError> {
        let limits = config.limits.clone();
        let connections_max = limits.connections_max.as_usize();
        let listener =
            Listener::bind("server.grpc_addr", config.server.grpc_addr, connections_max)?;
        let (switch, drain) = drain_switch();
        let (serving, watching) = serving(&backend, &drain);
        let services = Services::new(backend, config, &drain, serving)?;
        let drain_timeout = config.server.drain_timeout.get();
        let watching = watching.boxed();
        Ok(Self { listener, services, limits, drain_timeout, switch, drain, watching })
    }

    /// Where gRPC is served, with the port that was taken when the configured one is 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` ends, then stops listening and waits for what is in flight, for
    /// `server.drain_timeout` at most. Dropping the future cuts every connection at once.
    pub async fn serve(mut self, shutdown: impl Future<Output = ()>) -> Stopped {
        // Ends with this function.
        let mut watch = JoinSet::new();
        watch.spawn(std::mem::replace(&mut self.watching, Box::pin(std::future::ready(()))));
        let mut connections = JoinSet::new();
        self.accept_until(shutdown, &mut connections).await;
        let Self { listener, switch, drain_timeout, .. } = self;
        drop(listener);
        switch.turn();
        info!(connections = connections.len(), "draining");
        let drained = timeout(drain_timeout, async {
            while let Some(ended) = connections.join_next().await {
                report(ended);
            }
        });
        if drained.await.is_err() {
            let cut = connections.len();
            warn!(
                cut,
                "connections cut: still busy after server.drain_timeout = {drain_timeout:?}"
            );
            connections.shutdown().await;
            return Stopped { connections_cut: cut };
        }
        Stopped { connections_cut: 0 }
    }

    async fn accept_until(
        &mut self,
        shutdown: impl Future<Output = ()>,
        connections: &mut JoinSet<()>,
    ) {
        let http2 = grpc::http2(&self.limits);
        pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut shutdown => return,
                accepted = self.listener.accept() => accepted,
            };
            let (services, drain) = (self.services.clone(), self.drain.clone());
            connections.spawn(connection::serve(accepted, services, http2.clone(), drain));
            while let Some(ended) = connections.try_join_next() {
                report(ended);
            }
        }
    }
}

/// A panic ends its own connection only (KV-I7).
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a connection's task failed");
    }
}

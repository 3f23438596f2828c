//! One address with its protocol: clients are accepted and served, and at the end waited for.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tracing::{debug, error, info, warn};

use crate::config::ListenAddr;
use crate::error::StartError;
use crate::listener::{Greeting, Listener, Moving};
use crate::metrics::{self, Metrics};
use crate::places::Places;
use crate::protocol::Protocol;
use crate::shutdown::Drain;
use crate::workers::{Seat, Team};

/// An address that is listened on, and what is done with those who come.
pub(crate) struct Endpoint {
    listener: Listener,
    protocol: Arc<dyn Protocol>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("listener", &self.listener).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Listens on the address of the configuration key `key`; `None` when it is turned off.
    pub(crate) fn bind(
        key: &'static str,
        addr: ListenAddr,
        (places, metrics): (&Places, &Arc<Metrics>),
        protocol: impl Protocol + 'static,
    ) -> Result<Option<Self>, StartError> {
        let Some(addr) = addr.get() else {
            return Ok(None);
        };
        let label = metrics::Protocol::named(protocol.name());
        let counter = label.map(|label| (Arc::clone(metrics), label));
        let greeting = Greeting { counter, full: protocol.full() };
        let listener = Listener::bind(key, addr, places.clone(), greeting)?;
        Ok(Some(Self { listener, protocol: Arc::new(protocol) }))
    }

    /// The protocol's name, and the address with the port that was taken when the configured one is 0.
    pub(crate) fn local_addr(&self) -> (&'static str, SocketAddr) {
        (self.protocol.name(), self.listener.local_addr())
    }

    /// Serves with the workers of `team` until the server drains, then stops listening and waits for what is in
    /// flight. Tells how many connections were still busy after `drain_timeout` and were cut off.
    pub(crate) async fn serve(self, team: Team, drain: Drain, drain_timeout: Duration) -> usize {
        let Self { listener, protocol } = self;
        let mut connections = JoinSet::new();
        accept(listener, (&protocol, &team), drain, &mut connections).await;
        info!(protocol = protocol.name(), connections = connections.len(), "draining");
        let drained = timeout(drain_timeout, async {
            while let Some(ended) = connections.join_next().await {
                report(ended);
            }
        });
        if drained.await.is_ok() {
            return 0;
        }
        let cut = connections.len();
        warn!(
            protocol = protocol.name(),
            cut, "connections cut: still busy after server.drain_timeout = {drain_timeout:?}"
        );
        connections.shutdown().await;
        cut
    }
}

/// Accepts and serves clients until the server drains.
async fn accept(
    mut listener: Listener,
    (protocol, team): (&Arc<dyn Protocol>, &Team),
    mut drain: Drain,
    connections: &mut JoinSet<()>,
) {
    loop {
        let seen = drain.clone();
        let accepted = tokio::select! {
            biased;
            () = drain.begun() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted.leave() {
            Ok(client) => {
                let (seat, protocol) = (team.seat(), Arc::clone(protocol));
                let runtime = seat.runtime().clone();
                connections.spawn_on(serve_one(client, seat, protocol, seen), &runtime);
            }
            Err(error) => debug!(%error, "a connection broke"),
        }
        while let Some(ended) = connections.try_join_next() {
            report(ended);
        }
    }
}

/// Serves one client, on the thread that this is called on.
async fn serve_one(client: Moving, _seat: Seat, protocol: Arc<dyn Protocol>, drain: Drain) {
    match client.arrive() {
        Ok(accepted) => protocol.serve(accepted, drain).await,
        Err(error) => debug!(%error, "a connection broke"),
    }
}

/// A panic ends its own connection only (KV-I7).
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a connection's task failed");
    }
}

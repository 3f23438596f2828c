//! One address with its protocol: clients are accepted and served, and at the end waited for.

use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
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
use crate::protocol::{Protocol, Served};
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
        let name = protocol.name();
        let mut connections = Connections { tasks: JoinSet::new(), protocol, team, drain };
        connections.accept(listener).await;
        info!(protocol = name, connections = connections.tasks.len(), "draining");
        let drained = timeout(drain_timeout, async {
            while let Some(ended) = connections.tasks.join_next().await {
                connections.see_to(ended);
            }
        });
        if drained.await.is_ok() {
            return 0;
        }
        let cut = connections.tasks.len();
        warn!(
            protocol = name,
            cut, "connections cut: still busy after server.drain_timeout = {drain_timeout:?}"
        );
        connections.tasks.shutdown().await;
        cut
    }
}

/// The connections of an endpoint: a task of some worker each.
struct Connections {
    tasks: JoinSet<Served>,
    protocol: Arc<dyn Protocol>,
    team: Team,
    drain: Drain,
}

impl Connections {
    /// Accepts and serves clients until the server drains.
    async fn accept(&mut self, mut listener: Listener) {
        let mut drain = self.drain.clone();
        loop {
            // Not begun anew when a task ends: it may have a client in hand.
            let mut accepting = pin!(listener.accept());
            let accepted = loop {
                tokio::select! {
                    biased;
                    () = drain.begun() => return,
                    accepted = &mut accepting => break accepted,
                    Some(ended) = self.tasks.join_next() => self.see_to(ended),
                }
            };
            match accepted.leave() {
                Ok(client) => self.begin(client),
                Err(error) => debug!(%error, "a connection broke"),
            }
        }
    }

    /// Has a worker serve a client.
    fn begin(&mut self, client: Moving) {
        let seat = self.team.seat(self.protocol.mobility());
        let runtime = seat.runtime().clone();
        let (protocol, drain) = (Arc::clone(&self.protocol), self.drain.clone());
        self.tasks.spawn_on(serve_one(client, seat, protocol, drain), &runtime);
    }

    /// Has another worker go on with a connection, where that is how its task has ended. A panic ends its own
    /// connection only (KV-I7).
    fn see_to(&mut self, ended: Result<Served, JoinError>) {
        match ended {
            Ok(Served::Over) => {}
            Ok(Served::Leaves { to, connection }) => {
                let seat = self.team.seat_at(to);
                let runtime = seat.runtime().clone();
                self.tasks.spawn_on(connection.go_on(seat, self.drain.clone()), &runtime);
            }
            Err(error) => error!(%error, "a connection's task failed"),
        }
    }
}

/// Serves one client, on the thread that this is called on.
async fn serve_one(
    client: Moving,
    seat: Seat,
    protocol: Arc<dyn Protocol>,
    drain: Drain,
) -> Served {
    match client.arrive() {
        Ok(accepted) => return protocol.serve(accepted, seat, drain).await,
        Err(error) => debug!(%error, "a connection broke"),
    }
    Served::Over
}

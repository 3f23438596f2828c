//! The listening socket: accepts connections up to a bound, and goes on when accepting fails.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

use crate::clock::Stopwatch;
use crate::error::StartError;

/// Connections the system may hold for us before they are accepted.
pub(crate) const BACKLOG: u32 = 1024;

/// First pause after a failed accept; doubled each time.
const BACKOFF_MIN: Duration = Duration::from_millis(5);

/// Longest pause after a failed accept.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// The same warning is written at most this often.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// A listening socket.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    addr: SocketAddr,
    places: Places,
    refusals: Refusals,
}

/// The places for clients, which all listeners share: `limits.connections_max`.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    permits: Arc<Semaphore>,
    max: usize,
}

impl Places {
    /// So many places.
    pub(crate) fn new(max: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(max)), max }
    }
}

/// One client. The permit is its place among `limits.connections_max`.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) stream: TcpStream,
    pub(crate) permit: OwnedSemaphorePermit,
}

impl Listener {
    /// Listens on the address of the configuration key `key`.
    pub(crate) fn bind(
        key: &'static str,
        addr: SocketAddr,
        places: Places,
    ) -> Result<Self, StartError> {
        let socket = listen(addr).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::AddressInUse { key, addr },
            _ => StartError::Bind { key, addr, source },
        })?;
        let addr = socket.local_addr().map_err(|source| StartError::Bind { key, addr, source })?;
        Ok(Self { socket, addr, places, refusals: Refusals::default() })
    }

    /// The address, with the port that was taken when the configured one is 0.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits for the next client there is a place for. A client too many is closed at once: it then knows,
    /// and can go elsewhere, where waiting would look like a server that hangs.
    pub(crate) async fn accept(&mut self) -> Accepted {
        let mut backoff = BACKOFF_MIN;
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => {
                    backoff = BACKOFF_MIN;
                    match Arc::clone(&self.places.permits).try_acquire_owned() {
                        Ok(permit) => return Accepted { stream, permit },
                        Err(_full) => self.refusals.count(peer, self.places.max),
                    }
                }
                Err(error) if concerns_one_client(&error) => {}
                Err(error) => {
                    warn!(%error, addr = %self.addr, "cannot accept connections; trying again");
                    pause(backoff).await;
                    backoff = BACKOFF_MAX.min(backoff * 2);
                }
            }
        }
    }
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted server must not wait for the connections of the one before it to be forgotten.
    socket.set_reuseaddr(true)?;
    // Inherited by every connection: ends those whose peer vanished before HTTP/2 could ask it.
    socket.set_keepalive(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// The client went away before it was accepted; the socket is well.
fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[expect(clippy::disallowed_methods, reason = "no event says that a descriptor has become free")]
async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}

/// Counts clients too many, and warns of them now and then.
#[derive(Debug, Default)]
struct Refusals {
    unreported: u64,
    reported: Option<Stopwatch>,
}

impl Refusals {
    fn count(&mut self, peer: SocketAddr, connections_max: usize) {
        self.unreported += 1;
        if self.reported.is_some_and(|last| last.elapsed() < WARNING_INTERVAL) {
            return;
        }
        let refused = self.unreported;
        warn!(%peer, refused, "closed connections: limits.connections_max = {connections_max} are open");
        self.unreported = 0;
        self.reported = Some(Stopwatch::start());
    }
}
